//! Polling bodies and WebSocket frames of both revisions: packets and at most one error, last, and what
//! was decoded is encoded again without loss and within the limit.
//!
//! The first byte is the form: 0 for revision 4, 1 for revision 3 as text, 2 as bytes.
#![no_main]

use std::collections::VecDeque;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use roamio::config::Revision;
use roamio::error::Code;
use roamio::proto::engine::payload::{self, ws_decode, ws_encode};
use roamio::proto::engine::session::Frame;

const LIMIT: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some((form, body)) = input.split_first() else { return };
    let revision = if form % 3 == 0 { Revision::V4 } else { Revision::V3 };
    let is_binary = form % 3 == 2;
    let body = Bytes::copy_from_slice(body);
    let mut queue = VecDeque::new();
    let mut failed = false;
    for packet in payload::decode(&body, is_binary, revision) {
        assert!(!failed, "an error is the last item");
        match packet {
            Ok(packet) => {
                if let Frame::Text(text) = &packet {
                    assert!(std::str::from_utf8(text).is_ok() && (b'0'..=b'6').contains(&text[0]));
                }
                assert!(packet.weight() <= body.len());
                queue.push_back(packet);
            }
            Err(error) => {
                assert_eq!(error.code(), Code::EnginePacket);
                failed = true;
            }
        }
    }
    let _ = payload::decode_handshake(&body, is_binary, revision);
    let frame = match std::str::from_utf8(&body) {
        Ok(_) if !is_binary => Frame::Text(body),
        _ => Frame::Binary(body),
    };
    if let Ok(packet) = ws_decode(frame, revision) {
        for force in [false, true] {
            let frame = ws_encode(packet.clone(), revision, force);
            assert_eq!(ws_decode(frame, revision), Ok(packet.clone()));
        }
    }
    // In revision 4 a text with a separator is several packets, which only revision 3 can hold.
    let separated = |frame: &Frame| matches!(frame, Frame::Text(text) if text.contains(&0x1e));
    queue.retain(|frame| !separated(frame));
    for revision in [Revision::V3, Revision::V4] {
        let (mut queue, mut back) = (queue.clone(), Vec::new());
        let sent: Vec<Frame> = queue.iter().cloned().collect();
        while !queue.is_empty() {
            let batch = payload::encode(&mut queue, LIMIT, revision);
            let bytes = Bytes::from(batch.parts.concat());
            assert!(batch.packets > 0 && batch.bytes == bytes.len());
            assert!(batch.packets == 1 || batch.bytes <= LIMIT);
            back.extend(
                payload::decode(&bytes, false, revision).map(|packet| packet.expect("ours")),
            );
        }
        assert_eq!(back, sent);
    }
});
