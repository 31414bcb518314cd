//! A sequence of Socket.IO messages: packets or one error, within the limits, and never a panic.
//!
//! The byte 0x1e separates messages, as on polling; one that starts with `b` is binary.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use roamio::config::Limits;
use roamio::error::Code;
use roamio::proto::socket::codec::Codec;
use roamio::proto::socket::decoder::Decoder;

fuzz_target!(|messages: &[u8]| {
    let limits = Limits { inbound_attachments: 3, inbound_message: 4096, ..Limits::default() };
    let mut decoder = Decoder::new(Codec::default(), limits);
    for message in messages.split(|byte| *byte == 0x1e) {
        let received = match message.strip_prefix(b"b") {
            Some(data) => decoder.binary(Bytes::copy_from_slice(data)),
            // The layer below refuses text that is not UTF-8.
            None if std::str::from_utf8(message).is_err() => return,
            None => decoder.text(Bytes::copy_from_slice(message), 0),
        };
        match received {
            Ok(None) => {}
            Ok(Some(received)) => {
                assert!(received.namespace().starts_with(b"/"));
                assert!(received.attachments.len() <= 3);
                let payload = received.into_payload();
                let _ = payload.name();
                for json in payload.args() {
                    serde_json::from_str::<serde::de::IgnoredAny>(json).expect("checked JSON");
                }
            }
            Err(error) => {
                let codes = [Code::SocketPacket, Code::Attachments, Code::PayloadLimit];
                assert!(codes.contains(&error.code()), "{error:?}");
                return;
            }
        }
    }
});
