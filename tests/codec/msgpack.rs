//! Socket.IO packets as MessagePack: the vectors of `socket-io` 9, what hostile peers do, and
//! properties.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use roamio::config::{Limits, Parser, Revision};
use roamio::error::Code;
use roamio::payload::Outgoing;
use roamio::proto::engine::session::Frame;
use roamio::proto::socket::codec::Codec;
use roamio::proto::socket::decoder::{Decoder, Received};
use roamio::proto::socket::msgpack;
use roamio::proto::socket::packet::Kind;
use serde_json::Value;

use crate::socket::{arguments, describe, namespace};
use crate::{hex, unhex};

const CODEC: Codec = Codec { revision: Revision::V4, parser: Parser::Msgpack };

fn decode(frame: &Bytes) -> Result<Received, Code> {
    msgpack::decode(frame, Revision::V4, &Limits::default()).map_err(|error| error.code())
}

/// Hexadecimal text with spaces.
fn bytes(text: &str) -> Bytes {
    unhex(&text.replace(' ', ""))
}

/// An event `a` whose one argument these bytes are.
fn event(argument: &str) -> Bytes {
    bytes(&format!("83 a474797065 02 a36e7370 a12f a464617461 92 a161 {argument}"))
}

/// The JSON of the argument that these bytes are.
fn argument(hex: &str) -> String {
    let payload = decode(&event(hex)).expect(hex).into_payload();
    payload.arg(0).expect("an argument").to_owned()
}

fn refusal(hex: &str) -> Code {
    decode(&event(hex)).map(describe).expect_err(hex)
}

/// What the reference encodes, and the packet; not all in the order in which we write.
const VECTORS: [(&str, &str); 7] = [
    ("82 a474797065 00 a36e7370 a12f", r#"{"type":0,"nsp":"/"}"#),
    ("82 a474797065 01 a36e7370 a62f61646d696e", r#"{"type":1,"nsp":"/admin"}"#),
    (
        "84 a474797065 02 a36e7370 a12f a464617461 93 a3666f6f 01 c4020102 a26964 07",
        r#"{"type":2,"nsp":"/","data":["foo",1,{"$hex":"0102"}],"id":7}"#,
    ),
    (
        "84 a474797065 03 a36e7370 a12f a26964 07 a464617461 91 a26f6b",
        r#"{"type":3,"nsp":"/","data":["ok"],"id":7}"#,
    ),
    (
        "83 a474797065 00 a464617461 82 a3736964 a27331 a3706964 d40000 a36e7370 a12f",
        r#"{"type":0,"nsp":"/","data":{"sid":"s1","pid":null}}"#,
    ),
    (
        "83 a474797065 04 a36e7370 a22f61 a464617461 82 a76d657373616765 a26e6f a464617461 91 01",
        r#"{"type":4,"nsp":"/a","data":{"message":"no","data":[1]}}"#,
    ),
    (
        "86 a3787878 82a17801a17990 a474797065 02 a76f7074696f6e73 81a8636f6d7072657373c3 \
         a26964 d40000 a464617461 91 a162 a36e7370 a12f",
        r#"{"type":2,"nsp":"/","data":["b"]}"#,
    ),
];

#[test]
fn conformance_88_what_the_reference_encodes_is_decoded() {
    for (frame, packet) in VECTORS {
        let packet: Value = serde_json::from_str(packet).expect("JSON");
        assert_eq!(decode(&bytes(frame)).map(describe), Ok(packet), "{frame}");
    }
}

fn only(mut frames: Vec<Frame>) -> Bytes {
    match (frames.pop(), frames.len()) {
        (Some(Frame::Binary(frame)), 0) => frame,
        other => panic!("a packet is one binary message, not {other:?}"),
    }
}

#[test]
fn conformance_88_packets_are_encoded_as_by_the_reference() {
    let pool = &mut BytesMut::new();
    let plain = |frame| only(vec![frame]);
    assert_eq!(plain(CODEC.connect("/", "", None)), bytes(VECTORS[0].0));
    assert_eq!(plain(CODEC.disconnect("/admin")), bytes(VECTORS[1].0));
    let args = r#"[1,{"_placeholder":true,"num":0}]"#;
    let event = Outgoing::event(pool, "/", "foo", args, vec![bytes("0102")]).expect("valid");
    let mut frames = Vec::new();
    CODEC.event("/", Some(7), event, |frame| frames.push(frame));
    assert_eq!(only(frames), bytes(VECTORS[2].0));
    let ack = Outgoing::ack(pool, "/", r#"["ok"]"#, Vec::new()).expect("valid");
    let mut frames = Vec::new();
    CODEC.ack("/", 7, ack, |frame| frames.push(frame));
    let frame = "84 a474797065 03 a36e7370 a12f a464617461 91 a26f6b a26964 07";
    assert_eq!(only(frames), bytes(frame));
    let auth = Some(r#"{"token":"x"}"#);
    let frame = "83 a474797065 00 a36e7370 a22f61 a464617461 81 a5746f6b656e a178";
    assert_eq!(plain(CODEC.connect("/a", "q=1", auth)), bytes(frame));
    let old = Codec { revision: Revision::V3, ..CODEC };
    let frame = "82 a474797065 00 a36e7370 a62f613f713d31";
    assert_eq!(plain(old.connect("/a", "q=1", auth)), bytes(frame));
}

#[test]
fn conformance_88_text_is_a_parse_error() {
    let mut decoder = Decoder::new(CODEC, Limits::default());
    let error = decoder.text(Bytes::from_static(b"40{}"), 1).expect_err("text");
    assert_eq!(error.code(), Code::SocketPacket);
}

#[test]
fn every_format_has_its_json() {
    for (frame, json) in [
        ("c0", "null"),
        ("c2", "false"),
        ("c3", "true"),
        ("7f", "127"),
        ("e0", "-32"),
        ("ccff", "255"),
        ("cdffff", "65535"),
        ("ceffffffff", "4294967295"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("cf0020000000000001", "9007199254740993"),
        ("d080", "-128"),
        ("d07f", "127"),
        ("d18000", "-32768"),
        ("d280000000", "-2147483648"),
        ("d38000000000000000", "-9223372036854775808"),
        ("ca3fc00000", "1.5"),
        ("cb3ff199999999999a", "1.1"),
        ("cb7ff8000000000000", "null"),
        ("cb7ff0000000000000", "null"),
        ("ca7f800000", "null"),
        ("a0", "\"\""),
        ("a3220a00", r#""\"\n\u0000""#),
        ("d904 f09f9880", "\"😀\""),
        ("da0001 61", "\"a\""),
        ("db00000001 61", "\"a\""),
        ("90", "[]"),
        ("dc0002 01 a162", "[1,\"b\"]"),
        ("dd00000001 90", "[[]]"),
        ("80", "{}"),
        ("82 a161 01 a161 02", r#"{"a":1,"a":2}"#),
        ("de0001 a162 c0", r#"{"b":null}"#),
        ("df00000002 01 02 ff 03", r#"{"1":2,"-1":3}"#),
        ("d40000", "null"),
        ("d500 0000", "null"),
        ("c70000", "null"),
        ("c701 05 aa", r#"[5,{"_placeholder":true,"num":0}]"#),
        ("c5000101", r#"{"_placeholder":true,"num":0}"#),
        ("c600000000", r#"{"_placeholder":true,"num":0}"#),
    ] {
        assert_eq!(argument(frame), json, "{frame}");
        // What is not wanted is stepped over all the same.
        let unknown = format!("84 a178 {frame} a474797065 02 a36e7370 a12f a464617461 91 a161");
        assert!(decode(&bytes(&unknown)).is_ok(), "{frame}");
    }
}

#[test]
fn dates_are_text_as_in_json() {
    let notepack = |milliseconds: i64| format!("d700 {milliseconds:016x}");
    for (frame, date) in [
        (notepack(0), "1970-01-01T00:00:00.000Z"),
        (notepack(-1), "1969-12-31T23:59:59.999Z"),
        (notepack(1_582_934_400_123), "2020-02-29T00:00:00.123Z"),
        (notepack(4_107_542_399_999), "2100-02-28T23:59:59.999Z"),
        (notepack(951_868_799_000), "2000-02-29T23:59:59.000Z"),
        (notepack(-62_167_219_200_000), "0000-01-01T00:00:00.000Z"),
        (notepack(-62_167_219_200_001), "-000001-12-31T23:59:59.999Z"),
        (notepack(253_402_300_800_000), "+010000-01-01T00:00:00.000Z"),
        (notepack(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z"),
        ("d6ff 5e5a5b80".into(), "2020-02-29T12:39:28.000Z"),
        ("d7ff 1d69f180 5e5a5b80".into(), "2020-02-29T12:39:28.123Z"),
        ("c70cff 0755ebe0 000000005e5a5b80".into(), "2020-02-29T12:39:28.123Z"),
    ] {
        assert_eq!(argument(&frame), format!("\"{date}\""), "{frame}");
    }
    for invalid in ["d700 8000000000000000", "c70cff 00000000 7fffffffffffffff"] {
        assert_eq!(argument(invalid), "null");
    }
}

#[test]
fn attachments_are_slices_of_the_frame() {
    let frame = event("83 a161 c403010203 a162 92 c400 c40109 a163 c0");
    let received = decode(&frame).expect("valid");
    assert_eq!((received.packet.kind, received.packet.attachments), (Kind::BinaryEvent, 3));
    let payload = received.into_payload();
    let parts: Vec<&[u8]> = payload.attachments().iter().map(|part| &part[..]).collect();
    assert_eq!(parts, [&[1, 2, 3][..], &[], &[9]]);
    let inside = frame.as_ptr_range();
    assert!(inside.contains(&payload.attachments()[0].as_ptr()));
    assert_eq!(
        payload.arg(0),
        Some(
            r#"{"a":{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}],"c":null}"#
        )
    );
}

#[test]
fn a_map_that_looks_like_a_placeholder_is_data_or_refused() {
    let map = "82 ac5f706c616365686f6c646572 c3 a36e756d 05";
    assert_eq!(argument(map), r#"{"_placeholder":true,"num":5}"#);
    assert_eq!(refusal(&format!("92 {map} c40101")), Code::Attachments);
}

#[test]
fn what_is_no_packet_is_refused() {
    for frame in [
        "",
        "c0",
        "90",
        "a0",
        "80",
        "81 a474797065 02",
        "81 a36e7370 a12f",
        // Types.
        "82 a474797065 05 a36e7370 a12f",
        "82 a474797065 ff a36e7370 a12f",
        "82 a474797065 a130 a36e7370 a12f",
        "82 a474797065 cb0000000000000000 a36e7370 a12f",
        // Namespaces.
        "82 a474797065 00 a36e7370 01",
        "82 a474797065 00 a36e7370 c0",
        // Ids.
        "83 a474797065 03 a36e7370 a12f a26964 ff",
        "83 a474797065 03 a36e7370 a12f a26964 a131",
        // Data.
        "83 a474797065 00 a36e7370 a12f a464617461 a178",
        "83 a474797065 00 a36e7370 a12f a464617461 90",
        "83 a474797065 01 a36e7370 a12f a464617461 80",
        "82 a474797065 02 a36e7370 a12f",
        "83 a474797065 02 a36e7370 a12f a464617461 90",
        "83 a474797065 02 a36e7370 a12f a464617461 80",
        "83 a474797065 02 a36e7370 a12f a464617461 91 c0",
        "83 a474797065 02 a36e7370 a12f a464617461 91 c40101",
        "83 a474797065 03 a36e7370 a12f a464617461 80",
        "83 a474797065 04 a36e7370 a12f a464617461 90",
        // The map.
        "82 a474797065 00 a36e7370 a12f c0",
        "83 a474797065 00 a36e7370 a12f a474797065 00",
        "83 a474797065 02 a36e7370 a12f 01 02",
        "82 a474797065 00 a36e7370",
    ] {
        assert_eq!(decode(&bytes(frame)).map(describe), Err(Code::SocketPacket), "{frame}");
    }
    for argument in ["c1", "a1ff", "81 c0 01", "81 90 01", "81 ca3fc00000 01", "a2c328"] {
        assert_eq!(refusal(argument), Code::SocketPacket, "{argument}");
    }
}

#[test]
fn every_beginning_of_a_packet_is_refused() {
    for (frame, _) in VECTORS {
        let frame = bytes(frame);
        for length in 0..frame.len() {
            assert_eq!(decode(&frame.slice(..length)).map(describe), Err(Code::SocketPacket));
        }
    }
}

#[test]
fn protocol_4_has_more_payloads() {
    let old = |frame| msgpack::decode(&bytes(frame), Revision::V3, &Limits::default());
    old("83 a474797065 04 a36e7370 a12f a464617461 90").expect("any value");
    old("83 a474797065 04 a36e7370 a12f a464617461 07").expect("any value");
    old("83 a474797065 00 a36e7370 a12f a464617461 90").expect("an array");
    old("83 a474797065 00 a36e7370 a12f a464617461 a178").expect_err("a text");
}

#[test]
fn conformance_95_hostile_lengths_are_refused_at_once() {
    for claim in ["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff00", "dcffff"]
    {
        assert_eq!(refusal(claim), Code::SocketPacket, "{claim}");
        let unknown = bytes(&format!("81 a178 {claim}"));
        assert_eq!(decode(&unknown).map(describe), Err(Code::SocketPacket));
    }
    assert_eq!(decode(&bytes("dfffffffff")).map(describe), Err(Code::SocketPacket));
}

#[test]
fn conformance_95_nesting_and_numbers_are_limited() {
    let nested = |levels: usize| event(&format!("{}c0", "91".repeat(levels)));
    decode(&nested(127)).expect("as deep as JSON may be");
    assert_eq!(decode(&nested(128)).map(describe), Err(Code::SocketPacket));
    let deep = format!("81 a178 {}", "91".repeat(1_000_000));
    assert_eq!(decode(&bytes(&deep)).map(describe), Err(Code::SocketPacket));
    let maps = event(&format!("{}c0", "81a0".repeat(127)));
    decode(&maps).expect("as deep as JSON may be");

    let parts = |count: usize| event(&format!("dc{count:04x}{}", "c400".repeat(count)));
    let limits = Limits { inbound_attachments: 3, ..Limits::default() };
    let within = |count| msgpack::decode(&parts(count), Revision::V4, &limits);
    assert_eq!(within(3).expect("as many as allowed").attachments.len(), 3);
    assert_eq!(within(4).expect_err("one more").code(), Code::Attachments);

    let many = |count: usize| {
        let data = format!("dd{count:08x}{}", "01".repeat(count));
        bytes(&format!("84 a474797065 03 a36e7370 a12f a26964 00 a464617461 {data}"))
    };
    decode(&many(65_536)).expect("the most");
    assert_eq!(decode(&many(70_000)).map(describe), Err(Code::SocketPacket));

    // One byte of MessagePack can be six of JSON.
    let limits = Limits { inbound_message: 100, ..Limits::default() };
    let zeros = event(&format!("b1{}", "00".repeat(17)));
    let error = msgpack::decode(&zeros, Revision::V4, &limits).expect_err("too long as JSON");
    assert_eq!(error.code(), Code::PayloadLimit);
}

/// As `serde_json` reads it; `None` for what it refuses: lone surrogates and huge numbers.
fn value(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

/// Equal, but for how numbers are written: `serde_json` reads long ones with a small error.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let both = one.as_f64().zip(other.as_f64());
            both.is_some_and(|(one, other)| (one - other).abs() <= one.abs() * 1e-14)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let equal = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(equal)
        }
        (one, other) => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn json_is_the_same_after_the_way_through_msgpack(
        namespace in namespace(),
        name in "[a-z\\\\\"é]{1,12}",
        (args, attachments) in arguments(),
        id in any::<Option<u64>>(),
    ) {
        let json = format!("[{}]", args.join(","));
        let event = Outgoing::event(&mut BytesMut::new(), &namespace, &name, &json, attachments.clone());
        let mut frames = Vec::new();
        CODEC.event(&namespace, id, event.expect("valid"), |frame| frames.push(frame));
        let received = decode(&only(frames)).expect("our own");
        let kind = if attachments.is_empty() { Kind::Event } else { Kind::BinaryEvent };
        prop_assert_eq!((received.packet.kind, received.packet.id), (kind, id));
        prop_assert_eq!(received.namespace(), namespace.as_bytes());
        let payload = received.into_payload();
        prop_assert_eq!(payload.name(), name);
        prop_assert_eq!(payload.attachments(), &attachments[..]);
        prop_assert_eq!(payload.len(), args.len());
        for (theirs, ours) in payload.args().zip(&args) {
            if let Some(ours) = value(ours) {
                let theirs = value(theirs).expect("JSON");
                prop_assert!(same(&theirs, &ours), "{}, not {}", theirs, ours);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_packet_or_one_error(
        mut frame in prop::sample::select(VECTORS.map(|(frame, _)| bytes(frame).to_vec()).to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        for (place, byte) in damage {
            let place = place.index(frame.len());
            frame[place] = byte;
        }
        frame.extend(tail);
        let frame = Bytes::from(frame);
        match decode(&frame) {
            Ok(received) => {
                let payload = received.into_payload();
                prop_assert!(payload.args().all(|json| value(json).is_some()), "{}", hex(&frame));
            }
            Err(code) => prop_assert!(matches!(code, Code::SocketPacket | Code::Attachments)),
        }
    }
}
