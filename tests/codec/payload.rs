//! Polling bodies and WebSocket frames of both revisions: the vectors of the reference parsers both
//! ways, the tables of `engine-io` 3 and 4, and what no parser may do.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::prelude::*;
use roamio::config::Revision;
use roamio::error::{Code, Result};
use roamio::proto::engine::payload::{self, Body, looks_like_revision_3, ws_decode, ws_encode};
use roamio::proto::engine::session::Frame;
use serde_json::Value;

use crate::unhex;

const V3: Revision = Revision::V3;
const V4: Revision = Revision::V4;
const VECTORS_3: &str = include_str!("vectors/engineio3.json");
const VECTORS_4: &str = include_str!("vectors/engineio4.json");

fn vectors(text: &str, section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(text).expect("the vectors are JSON");
    vectors[section].as_array().expect("a list").clone()
}

fn hex(value: &Value) -> Bytes {
    unhex(value.as_str().expect("hex"))
}

/// A packet of the vectors in the form of this library; `None` for an error.
fn frame(packet: &Value) -> Option<Frame> {
    let name = packet["type"].as_str()?;
    if let Some(hex) = packet["data"]["hex"].as_str() {
        assert_eq!(name, "message");
        return Some(Frame::Binary(unhex(hex)));
    }
    let names = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
    let digit = names.iter().position(|known| *known == name).expect("a type");
    Some(text(&format!("{digit}{}", packet["data"]["text"].as_str().unwrap_or_default())))
}

fn frames(vector: &Value) -> Vec<Option<Frame>> {
    vector["packets"].as_array().expect("a list").iter().map(frame).collect()
}

fn text(text: &str) -> Frame {
    Frame::Text(Bytes::copy_from_slice(text.as_bytes()))
}

fn binary(data: &[u8]) -> Frame {
    Frame::Binary(Bytes::copy_from_slice(data))
}

fn decode(body: &Bytes, is_binary: bool, revision: Revision) -> Vec<Option<Frame>> {
    let packets = payload::decode(body, is_binary, revision);
    packets.map(|packet| told(packet, body.len())).collect()
}

/// What is no packet has one code, and a text that does not repeat the input.
fn told(packet: Result<Frame>, most: usize) -> Option<Frame> {
    match packet {
        Ok(frame) => {
            assert!(frame.weight() <= most);
            Some(frame)
        }
        Err(error) => {
            assert_eq!(error.code(), Code::EnginePacket);
            assert!(error.message().len() < 60, "{error}");
            None
        }
    }
}

fn encode(frames: &[Option<Frame>], limit: usize, revision: Revision) -> Vec<(Body, Bytes)> {
    let mut queue: VecDeque<Frame> = frames.iter().flatten().cloned().collect();
    let mut bodies = Vec::new();
    while !queue.is_empty() {
        let before: usize = queue.iter().map(Frame::weight).sum();
        let count = queue.len();
        let body = payload::encode(&mut queue, limit, revision);
        let after: usize = queue.iter().map(Frame::weight).sum();
        let bytes = Bytes::from(body.parts.concat());
        assert_eq!((body.bytes, body.weight), (bytes.len(), before - after));
        assert_eq!(body.packets, count - queue.len());
        assert!(body.packets == 1 || body.bytes <= limit);
        assert!(body.packets <= payload::MAX_PACKETS);
        bodies.push((body, bytes));
    }
    bodies
}

fn one_body(frames: &[Option<Frame>], revision: Revision) -> Bytes {
    let mut bodies = encode(frames, usize::MAX, revision);
    assert_eq!(bodies.len(), 1);
    bodies.remove(0).1
}

#[test]
fn conformance_11_vectors_of_revision_4_pass_both_ways() {
    for vector in vectors(VECTORS_4, "encode") {
        let (frames, body) = (frames(&vector), hex(&vector["polling_hex"]));
        assert_eq!(one_body(&frames, V4), body);
        assert_eq!(decode(&body, false, V4), frames, "{}", body.escape_ascii());
        // An intermediary that changes the type of the content changes nothing.
        assert_eq!(decode(&body, true, V4), frames);
        assert_eq!(decode(&body, false, Revision::Auto), frames);
        assert_websocket(&vector["websocket"], &frames, V4);
    }
}

#[test]
fn conformance_11_vectors_of_revision_3_pass_both_ways() {
    for vector in vectors(VECTORS_3, "encode") {
        let (frames, body) = (frames(&vector), hex(&vector["polling_b64_hex"]));
        assert_eq!(one_body(&frames, V3), body);
        assert_eq!(decode(&body, false, V3), frames, "{}", body.escape_ascii());
        if !vector["polling_text_hex"].is_null() {
            assert_eq!(hex(&vector["polling_text_hex"]), body);
        }
        if !vector["polling_binary_hex"].is_null() {
            let body = hex(&vector["polling_binary_hex"]);
            assert_eq!(decode(&body, true, V3), frames, "{}", body.escape_ascii());
        }
        assert_websocket(&vector["websocket"], &frames, V3);
    }
}

fn assert_websocket(vector: &Value, frames: &[Option<Frame>], revision: Revision) {
    let frame = match (&vector["text_hex"], &vector["binary_hex"]) {
        (hex @ Value::String(_), _) => Frame::Text(self::hex(hex)),
        (_, hex @ Value::String(_)) => Frame::Binary(self::hex(hex)),
        _ => return assert!(frames.len() > 1, "a vector of one packet has a WebSocket form"),
    };
    let [Some(packet)] = frames else { panic!("{vector}") };
    assert_eq!(ws_encode(packet.clone(), revision, false), frame);
    assert_eq!(ws_decode(frame, revision).as_ref(), Ok(packet));
    let as_text = ws_encode(packet.clone(), revision, true);
    assert!(matches!(as_text, Frame::Text(_)));
    assert_eq!(ws_decode(as_text, revision).as_ref(), Ok(packet));
}

#[test]
fn conformance_11_malformed_vectors_give_the_stated_result() {
    let mut driven = 0;
    for (vectors, is_binary, revision) in [
        (vectors(VECTORS_4, "decode_polling"), false, V4),
        (vectors(VECTORS_3, "decode_polling_text"), false, V3),
        (vectors(VECTORS_3, "decode_polling_binary"), true, V3),
    ] {
        for vector in vectors {
            let body = hex(&vector["input_hex"]);
            let expected = frames(&vector);
            assert_eq!(decode(&body, is_binary, revision), expected, "{}", body.escape_ascii());
            driven += 1;
        }
    }
    assert_eq!(driven, 16 + 19 + 6);
}

/// `engine-io` 3: what the vectors leave out of its table.
#[test]
fn conformance_11_single_packets_have_their_forms() {
    let data = binary(&[1, 2, 3, 4]);
    for (packet, revision, force, frame) in [
        (text("2probe"), V4, false, text("2probe")),
        (text("2probe"), V3, true, text("2probe")),
        (data.clone(), V4, true, text("bAQIDBA==")),
        (data.clone(), V3, true, text("b4AQIDBA==")),
        (binary(b""), V4, false, binary(b"")),
        (binary(b""), V4, true, text("b")),
        (binary(b""), V3, true, text("b4")),
        (binary(&[0xff, 0, 0x7f]), V3, false, binary(&[4, 0xff, 0, 0x7f])),
        (binary(&[0xff, 0, 0x7f]), V3, true, text("b4/wB/")),
    ] {
        assert_eq!(ws_encode(packet.clone(), revision, force), frame);
        assert_eq!(ws_decode(frame, revision), Ok(packet));
    }
    assert_eq!(one_body(&[Some(binary(&[0xff, 0, 0x7f]))], V3), "6:b4/wB/");
    assert_eq!(one_body(&[Some(text("3"))], V3), "1:3");
}

#[test]
fn conformance_11_frames_that_are_no_packet_are_refused() {
    for (frame, revision, message) in [
        (binary(b""), V3, "empty packet"),
        (binary(&[0x34, 1]), V3, "unknown binary packet type '4'"),
        (binary(&[0, 1]), V3, r"unknown binary packet type '\x00'"),
        (text("b"), V3, "empty packet"),
        (text("b2AQ=="), V3, "unknown binary packet type '2'"),
        (text("b4$"), V3, "binary message is not base64"),
        (text("b$"), V4, "binary message is not base64"),
    ] {
        let error = ws_decode(frame, revision).expect_err(message);
        assert_eq!((error.code(), error.message()), (Code::EnginePacket, message));
    }
    // Of text, the rest is the engine's business.
    assert_eq!(ws_decode(text(""), V3), Ok(text("")));
    assert_eq!(ws_decode(text("9"), V4), Ok(text("9")));
}

/// `engine-io` 4.1 to 4.3: what the vectors leave out of its tables.
#[test]
fn conformance_11_malformed_bodies_deliver_what_came_before() {
    let a = || Some(text("4a"));
    for (body, is_binary, revision, expected) in [
        // Revision 4.
        (&b"4a\x1exxx\x1e4b"[..], false, V4, vec![a(), None]),
        (b"\x1e", false, V4, vec![None]),
        (b"4a\x1ebA", false, V4, vec![a(), None]),
        (b"4a\x1e4\xff\x1e4b", false, V4, vec![a(), None]),
        (b"\xff\x1e4a", false, V4, vec![None]),
        (b"bAQ\nID\r\nBA==\x1e4a", false, V4, vec![Some(binary(&[1, 2, 3, 4])), a()]),
        (b"0{}\x1e40\x1e1", false, V4, vec![Some(text("0{}")), Some(text("40")), Some(text("1"))]),
        // Revision 3, text.
        (b"2:4a0:2:4a", false, V3, vec![a(), a()]),
        (b"02:4a", false, V3, vec![a()]),
        (b"0x2:4a", false, V3, vec![None]),
        (b" 2:4a", false, V3, vec![None]),
        (b"+2:4a", false, V3, vec![None]),
        (b"1e1:4aaaaaaaaa", false, V3, vec![None]),
        (b"2:4a2", false, V3, vec![a(), None]),
        (b"2:4a2:", false, V3, vec![a(), None]),
        (b"18446744073709551618:4a", false, V3, vec![None]),
        (b"99999999999999999999999999999999:4a", false, V3, vec![None]),
        (b"9999999999999999:4a", false, V3, vec![None]),
        ("2:4😀".as_bytes(), false, V3, vec![None]),
        ("2:4a3:4😀".as_bytes(), false, V3, vec![a(), Some(text("4😀"))]),
        ("3:4e\u{301}2:4a".as_bytes(), false, V3, vec![Some(text("4e\u{301}")), a()]),
        (b"2:4a2:4\xff", false, V3, vec![a(), None]),
        (b"2:4a2:4\xe2\x82", false, V3, vec![a(), None]),
        (b"6:b2AQ==", false, V3, vec![None]),
        (b"1:b", false, V3, vec![None]),
        (b"2:b4", false, V3, vec![Some(binary(b""))]),
        (b"8:b4AQIDBA", false, V3, vec![Some(binary(&[1, 2, 3, 4]))]),
        // Revision 3, binary.
        (b"", true, V3, vec![None]),
        (b"\x00\x02\xff4a\x01\x03\xff\x04\x01", true, V3, vec![a(), None]),
        (b"\x00\x02\xff4a\x00", true, V3, vec![a(), None]),
        (b"\x00\x02\xff4a\x02\x02\xff4a", true, V3, vec![a(), None]),
        (b"\x00\xff4a", true, V3, vec![None]),
        (b"\x00\x00\xff", true, V3, vec![None]),
        (b"\x01\x00\xff", true, V3, vec![None]),
        (b"\x00\x0a\xff4aaaaaaaaa", true, V3, vec![None]),
        (b"\x00\x02\xff7a", true, V3, vec![None]),
        (b"\x01\x02\xff4a", true, V3, vec![None]),
        (b"\x01\x02\xff\x02a", true, V3, vec![None]),
        (b"\x00\x00\x02\xff4a", true, V3, vec![a()]),
        (b"\x00\x06\xffb4AQ==", true, V3, vec![Some(binary(&[1]))]),
        (b"\x00\x02\xffb\x05", true, V3, vec![None]),
        (&[&b"\x00"[..], &[9; 400], b"\xff4a"].concat(), true, V3, vec![None]),
    ] {
        let shown = body.escape_ascii().to_string();
        assert_eq!(decode(&Bytes::copy_from_slice(body), is_binary, revision), expected, "{shown}");
    }
}

#[test]
fn conformance_16_a_captured_binary_body_of_version_2_5_is_decoded() {
    let body = b"\x00\x07\x02\xff452-[\"echo\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\x01\x05\xff\x04\x01\x02\x03\x04\x01\x02\xff\x04\x05";
    let packets = decode(&Bytes::from_static(body), true, V3);
    assert_eq!(packets.len(), 3);
    assert_eq!(packets[1..], [Some(binary(&[1, 2, 3, 4])), Some(binary(&[5]))]);
}

#[test]
fn conformance_12_packets_behind_the_open_packet_are_in_the_same_body() {
    let body = Bytes::from_static(
        br#"78:0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}2:40"#,
    );
    let packets = payload::decode_handshake(&body, false, V3).expect("revision 3");
    let packets: Vec<_> = packets.collect::<Result<_>>().expect("two packets");
    assert_eq!(packets[1..], [text("40")]);
}

#[test]
fn conformance_24_a_body_of_revision_3_is_told_apart_from_revision_4() {
    let body = Bytes::from_static(br#"97:0{"sid":"a"}2:40"#);
    for revision in [V4, Revision::Auto] {
        let error = payload::decode_handshake(&body, false, revision).expect_err("revision 3");
        assert_eq!(error.code(), Code::EngineRevision);
        assert_eq!(error.message(), "the server speaks Engine.IO revision 3");
    }
    for (body, looks) in [
        ("9:0{}", true),
        ("118:0{", true),
        ("0{\"sid\":\"1:0\"}", false),
        ("09:0{}", false),
        ("97", false),
        ("97:", false),
        (":0{}", false),
        ("4:4", false),
        ("", false),
    ] {
        assert_eq!(looks_like_revision_3(body.as_bytes()), looks, "{body}");
    }
    assert!(!looks_like_revision_3(&[b'1'; 1 << 20]));
}

/// `engine-io` 9, with the exact size of base64.
#[test]
fn conformance_18_packets_share_a_body_up_to_the_limit() {
    let message = |letter: &str, count: usize| Some(text(&format!("4{}", letter.repeat(count))));
    let queue = [
        message("a", 99),
        message("b", 30),
        message("c", 30),
        message("d", 35),
        message("€", 33),
        message("f", 99),
        message("x", 100),
        message("y", 1),
        Some(binary(&[0; 60])),
        Some(binary(&[0; 10])),
        Some(binary(&[0; 40])),
        message("end", 1),
    ];
    let sizes: Vec<_> =
        encode(&queue, 100, V4).iter().map(|(body, _)| (body.packets, body.bytes)).collect();
    assert_eq!(
        sizes,
        [
            (1, 100),
            (3, 31 + 1 + 31 + 1 + 36),
            (1, 100),
            (1, 100),
            (1, 101),
            (2, 2 + 1 + 81),
            (3, 17 + 1 + 57 + 1 + 4)
        ]
    );
    let sizes: Vec<_> =
        encode(&queue[1..4], 77, V3).iter().map(|(body, _)| (body.packets, body.bytes)).collect();
    assert_eq!(sizes, [(2, 34 + 34), (1, 39)]);
}

#[test]
fn messages_are_not_copied_into_or_out_of_a_body() {
    let message = Bytes::from_static(b"4hello");
    let mut queue: VecDeque<_> = [Frame::Text(message.clone()), text("4b")].into();
    let body = payload::encode(&mut queue, 100, V4);
    assert_eq!(body.parts[0].as_ptr(), message.as_ptr());
    for (body, is_binary, revision) in [
        (&b"4hello\x1e4b"[..], false, V4),
        (b"6:4hello", false, V3),
        (b"\x00\x06\xff4hello", true, V3),
        (b"\x01\x06\xff\x04hello", true, V3),
    ] {
        let body = Bytes::copy_from_slice(body);
        let Some(Ok(Frame::Text(packet) | Frame::Binary(packet))) =
            payload::decode(&body, is_binary, revision).next()
        else {
            panic!("no packet")
        };
        assert!(body.as_ptr_range().contains(&packet.as_ptr()));
    }
    let frame = Bytes::from_static(&[4, 1, 2]);
    let Ok(Frame::Binary(data)) = ws_decode(Frame::Binary(frame.clone()), V3) else {
        panic!("a binary message")
    };
    assert_eq!(data.as_ptr(), frame[1..].as_ptr());
}

/// H27, H28: a body of nothing but separators or empty records costs no stack and no memory.
#[test]
fn conformance_95_the_longest_bodies_are_walked_without_growth() {
    let body = Bytes::from("4\x1e".repeat(1 << 20) + "4");
    assert_eq!(payload::decode(&body, false, V4).filter(Result::is_ok).count(), (1 << 20) + 1);
    let body = Bytes::from("0:".repeat(1 << 20));
    assert_eq!(payload::decode(&body, false, V3).count(), 0);
    assert!(!format!("{:?}", payload::decode(&body, false, V3)).contains(':'));
}

fn packet() -> impl Strategy<Value = Option<Frame>> {
    let message = "[^\u{1e}]{0,20}".prop_map(|data| text(&format!("4{data}")));
    let data = proptest::collection::vec(any::<u8>(), 0..100).prop_map(|data| binary(&data));
    prop_oneof![message, data, Just(text("3")), Just(text("2"))].prop_map(Some)
}

/// Bytes that look like bodies now and then.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"4".to_vec()),
        Just(b"b4".to_vec()),
        Just(vec![0x1e]),
        Just(vec![0xff]),
        Just("😀".into()),
        (0u32..20).prop_map(|length| format!("{length}:").into_bytes()),
        (0u8..2, 0u8..10).prop_map(|(kind, length)| vec![kind, length, 0xff]),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn conformance_14_15_any_packets_come_back_in_order_from_any_batches(
        frames in proptest::collection::vec(packet(), 1..20), limit in 0usize..400,
    ) {
        for revision in [V3, V4] {
            let bodies = encode(&frames, limit, revision);
            let back: Vec<_> =
                bodies.iter().flat_map(|(_, body)| decode(body, false, revision)).collect();
            prop_assert_eq!(&back, &frames);
            for force in [false, true] {
                for packet in frames.iter().flatten() {
                    let frame = ws_encode(packet.clone(), revision, force);
                    prop_assert_eq!(ws_decode(frame, revision), Ok(packet.clone()));
                }
            }
        }
    }

    #[test]
    fn a_batch_takes_all_that_fits(
        frames in proptest::collection::vec(packet(), 1..20), limit in 0usize..400,
    ) {
        for revision in [V3, V4] {
            let bodies = encode(&frames, limit, revision);
            let mut taken = 0;
            for (body, _) in &bodies {
                taken += body.packets;
                let Some(next) = frames.get(taken) else { continue };
                let separator = usize::from(revision == V4);
                let next = one_body(std::slice::from_ref(next), revision).len();
                let full = body.packets == payload::MAX_PACKETS;
                prop_assert!(full || body.bytes + separator + next > limit);
            }
        }
    }

    #[test]
    fn conformance_95_any_bytes_are_packets_and_at_most_one_error(
        body in hostile(), is_binary in any::<bool>(),
    ) {
        let body = Bytes::from(body);
        for revision in [V3, V4, Revision::Auto] {
            let packets = decode(&body, is_binary, revision);
            let errors = packets.iter().filter(|packet| packet.is_none()).count();
            prop_assert!(errors <= 1 && packets[..packets.len() - errors].iter().all(Option::is_some));
            prop_assert!(packets.len() <= body.len() + 1);
            for packet in packets.iter().flatten() {
                if let Frame::Text(text) = packet {
                    let is_text = |text: &str| text.starts_with(|digit| ('0'..='6').contains(&digit));
                    prop_assert!(std::str::from_utf8(text).is_ok_and(is_text));
                }
            }
            let frame = if is_binary { Frame::Binary(body.clone()) } else { Frame::Text(body.clone()) };
            let _ = ws_decode(frame, revision);
            let _ = payload::decode_handshake(&body, is_binary, revision);
        }
    }
}
