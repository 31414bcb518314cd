//! Socket.IO packets of protocols 4 and 5 as text, against `vectors/socketio.json`.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use roamio::config::{Limits, Parser, Revision};
use roamio::error::{Code, Error};
use roamio::payload::{Outgoing, is_reserved};
use roamio::proto::engine::session::Frame;
use roamio::proto::socket::codec::Codec;
use roamio::proto::socket::decoder::{Decoder, Received};
use roamio::proto::socket::packet::{self, Kind};
use serde_json::{Value, json};

use crate::{hex, unhex};

const VECTORS: &str = include_str!("vectors/socketio.json");

fn vectors(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    vectors[section].as_array().expect("a list").clone()
}

const PROTOCOL_5: Codec = Codec { revision: Revision::V4, parser: Parser::Json };
const PROTOCOL_4: Codec = Codec { revision: Revision::V3, parser: Parser::Json };

/// Feed the frames of a vector; what came out last.
fn receive(codec: Codec, frames: &Value) -> Result<Option<Received>, Error> {
    // The reference parsers have this limit of their own.
    let mut decoder = Decoder::new(codec, Limits { inbound_attachments: 10, ..Limits::default() });
    let mut received = None;
    for frame in frames.as_array().expect("a list") {
        received = match (&frame["text"], &frame["binary_hex"]) {
            (Value::String(text), _) => decoder.text(format!("4{text}").into(), 1)?,
            (_, Value::String(hex)) => decoder.binary(unhex(hex))?,
            _ => panic!("no frame: {frame}"),
        };
    }
    Ok(received)
}

/// A packet in the words of the vectors, where binary events are events with binary data.
pub(crate) fn describe(received: Received) -> Value {
    let (kind, id) = (received.packet.kind, received.packet.id);
    let namespace = String::from_utf8_lossy(received.namespace()).into_owned();
    let body: Option<Value> =
        received.body().map(|body| serde_json::from_slice(body).expect("checked JSON"));
    let payload = received.into_payload();
    let mut args: Vec<Value> =
        (0..payload.len()).map(|index| payload.decode(index).expect("checked JSON")).collect();
    if matches!(kind, Kind::BinaryEvent | Kind::BinaryAck) {
        args.iter_mut().for_each(|arg| fill_in(arg, payload.attachments()));
    }
    let (number, data) = match kind {
        Kind::Connect => (0, body),
        Kind::Disconnect => (1, body),
        Kind::Event | Kind::BinaryEvent => {
            args.insert(0, payload.name().into());
            (2, Some(args.into()))
        }
        Kind::Ack | Kind::BinaryAck => (3, Some(args.into())),
        Kind::ConnectError => (4, body),
    };
    let mut packet = json!({"type": number, "nsp": namespace});
    if let Some(id) = id {
        packet["id"] = id.into();
    }
    if let Some(data) = data {
        packet["data"] = data;
    }
    packet
}

/// Put attachments where their placeholders are.
fn fill_in(value: &mut Value, attachments: &[Bytes]) {
    if value["_placeholder"] == true {
        let num = value["num"].as_u64().expect("checked") as usize;
        *value = json!({"$hex": hex(&attachments[num])});
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, attachments)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| fill_in(member, attachments));
        }
        _ => {}
    }
}

/// The code of the reference's refusal.
fn code(reference: &str) -> Code {
    let of_attachments = ["ttachments", "reconstructing a packet"];
    if of_attachments.iter().any(|words| reference.contains(words)) {
        Code::Attachments
    } else {
        Code::SocketPacket
    }
}

/// Where this codec differs from the reference parsers, on purpose.
fn own_result(codec: Codec, text: &str) -> Option<Result<Value, Code>> {
    match text {
        // The reference hands an event without data to the client, which crashes on it.
        "2" | "212" | "2/admin[\"a\"]" => Some(Err(Code::SocketPacket)),
        // Older servers write this for an event that was flagged as binary.
        "50-[\"a\"]" => Some(Ok(json!({"type": 2, "nsp": "/", "data": ["a"]}))),
        // Names are text here.
        "2[1]" => Some(Ok(json!({"type": 2, "nsp": "/", "data": ["1"]}))),
        // No arguments are an empty list of arguments.
        "31" => Some(Ok(json!({"type": 3, "nsp": "/", "id": 1, "data": []}))),
        // The old parser makes an error packet of its own out of these.
        "7" | "9" | "x" if codec == PROTOCOL_4 => Some(Err(Code::SocketPacket)),
        _ => None,
    }
}

fn decode_vectors(codec: Codec, results: &str) {
    let vectors = vectors("decode");
    assert_eq!(vectors.len(), 63);
    let mut differences = 0;
    for vector in vectors {
        let text = vector["frames"][0]["text"].as_str().unwrap_or_default();
        let expected = own_result(codec, text);
        differences += usize::from(expected.is_some());
        let expected = expected.unwrap_or_else(|| match &vector[results][0]["error"] {
            Value::String(error) => Err(code(error)),
            _ => Ok(vector[results][0]["packet"].clone()),
        });
        let expected = expected.map(|mut packet| {
            // The old parser keeps the types of binary packets.
            let old = packet["type"].as_u64().filter(|kind| *kind > 4);
            if let Some(kind) = old {
                packet["type"] = (kind - 3).into();
            }
            packet
        });
        let ours = receive(codec, &vector["frames"])
            .map(|received| received.map_or(Value::Null, describe))
            .map_err(|error| error.code());
        assert_eq!(ours, expected, "{}", vector["frames"]);
    }
    let own = if codec == PROTOCOL_4 { 9 } else { 6 };
    assert_eq!(differences, own, "every difference has its vector");
}

#[test]
fn conformance_64_vectors_are_decoded_or_refused_as_by_the_reference_of_protocol_5() {
    decode_vectors(PROTOCOL_5, "v5");
}

#[test]
fn conformance_64_vectors_are_decoded_or_refused_as_by_the_reference_of_protocol_4() {
    decode_vectors(PROTOCOL_4, "v4");
}

/// The frames of a packet, in the words of the vectors; `None` for what a client never sends.
fn write(codec: Codec, received: Received) -> Option<Vec<Value>> {
    let (kind, id) = (received.packet.kind, received.packet.id);
    let namespace = String::from_utf8_lossy(received.namespace()).into_owned();
    let body = received.body().map(|body| String::from_utf8_lossy(body).into_owned());
    let payload = received.into_payload();
    let args = format!("[{}]", payload.args().collect::<Vec<_>>().join(","));
    let attachments = payload.attachments().to_vec();
    let (mut pool, mut frames) = (BytesMut::new(), Vec::new());
    match kind {
        Kind::Connect => frames.push(codec.connect(&namespace, "", body.as_deref())),
        Kind::Disconnect => frames.push(codec.disconnect(&namespace)),
        Kind::ConnectError => return None,
        Kind::Event | Kind::BinaryEvent => {
            let event = Outgoing::event(&mut pool, &namespace, payload.name(), &args, attachments);
            codec.event(&namespace, id, event.expect("valid"), |frame| frames.push(frame));
        }
        Kind::Ack | Kind::BinaryAck => {
            let ack = Outgoing::ack(&mut pool, &namespace, &args, attachments).expect("valid");
            let id = id.expect("an ack has an id");
            codec.ack(&namespace, id, ack, |frame| frames.push(frame));
        }
    }
    let frames = frames.into_iter().map(|frame| match frame {
        Frame::Text(text) => {
            let text = std::str::from_utf8(&text).expect("UTF-8").strip_prefix('4');
            json!({"text": text.expect("a message")})
        }
        Frame::Binary(data) => json!({"binary_hex": hex(&data)}),
    });
    Some(frames.collect())
}

#[test]
fn what_the_reference_encodes_is_decoded_and_encoded_alike() {
    let vectors = vectors("encode_v5");
    assert_eq!(vectors.len(), 18);
    for codec in [PROTOCOL_5, PROTOCOL_4] {
        let mut written = 0;
        for vector in &vectors {
            let receive = || receive(codec, &vector["frames"]).expect("valid").expect("complete");
            assert_eq!(describe(receive()), vector["packet"]);
            // The old protocol has no payload in CONNECT.
            let is_auth = vector["packet"]["type"] == 0 && !vector["packet"]["data"].is_null();
            if codec == PROTOCOL_4 && is_auth {
                continue;
            }
            if let Some(frames) = write(codec, receive()) {
                assert_eq!(Value::from(frames), vector["frames"]);
                written += 1;
            }
        }
        assert_eq!(written, if codec == PROTOCOL_4 { 15 } else { 17 });
    }
}

#[test]
fn conformance_48_a_query_goes_with_connect_of_protocol_4_only() {
    let frame = |codec: Codec, query| codec.connect("/admin", query, Some(r#"{"a":1}"#));
    let text = |text: &'static str| Frame::Text(Bytes::from_static(text.as_bytes()));
    assert_eq!(frame(PROTOCOL_4, "token=abc&x=1"), text("40/admin?token=abc&x=1,"));
    assert_eq!(frame(PROTOCOL_4, "list=1,2"), text("40/admin?list=1%2C2,"));
    assert_eq!(frame(PROTOCOL_4, ""), text("40/admin,"));
    assert_eq!(frame(PROTOCOL_5, "token=abc"), text(r#"40/admin,{"a":1}"#));
}

#[test]
fn a_text_message_between_an_event_and_its_attachments_is_an_error() {
    let mut decoder = Decoder::new(Codec::default(), Limits::default());
    let header = Bytes::from_static(br#"51-["a",{"_placeholder":true,"num":0}]"#);
    assert!(decoder.text(header, 0).expect("valid").is_none());
    let error = decoder.text(Bytes::from_static(b"2[\"b\"]"), 0).expect_err("not yet");
    assert_eq!(error.code(), Code::Attachments);
}

pub(crate) fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,\u{0}]{1,12}"]
}

/// Arguments of which some are placeholders, and the attachments for them.
pub(crate) fn arguments() -> impl Strategy<Value = (Vec<String>, Vec<Bytes>)> {
    let attachment = any::<Vec<u8>>().prop_map(Bytes::from);
    (prop::collection::vec(crate::json::value(), 0..7), prop::collection::vec(attachment, 0..4))
        .prop_map(|(mut args, attachments)| {
            for num in 0..attachments.len() {
                args.push(format!(r#"{{"in":{{"_placeholder":true,"num":{num}}}}}"#));
            }
            (args, attachments)
        })
}

/// Text that looks like a packet from afar.
fn nearly_a_packet() -> impl Strategy<Value = String> {
    (
        "[0-9]?",
        prop_oneof![Just(String::new()), "[0-9]{0,3}-", "-?[0-9.]{1,25}-"],
        prop_oneof![Just(String::new()), "/[a-z?=]{0,5},?"],
        prop_oneof![Just(String::new()), "[ +-]?[0-9]{1,22}"],
        prop_oneof![Just(String::new()), crate::json::value(), ".{0,20}"],
    )
        .prop_map(|(kind, count, namespace, id, json)| kind + &count + &namespace + &id + &json)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_encoded_is_decoded_again(
        namespace in namespace(),
        name in prop_oneof!["[a-z-]{1,12}", any::<String>()],
        (args, attachments) in arguments(),
        id in any::<Option<u64>>(),
        is_event in any::<bool>(),
    ) {
        prop_assume!(!is_reserved(&name));
        let json = format!("[{}]", args.join(","));
        let mut pool = BytesMut::new();
        let (outgoing, kinds) = if is_event {
            (
                Outgoing::event(&mut pool, &namespace, &name, &json, attachments.clone()),
                [Kind::Event, Kind::BinaryEvent],
            )
        } else {
            (
                Outgoing::ack(&mut pool, &namespace, &json, attachments.clone()),
                [Kind::Ack, Kind::BinaryAck],
            )
        };
        let kind = kinds[usize::from(!attachments.is_empty())];
        let header = packet::header(kind, &namespace, attachments.len(), id);
        let (frame, parts) = outgoing.expect("valid").stamp(&header);

        let mut decoder = Decoder::new(Codec::default(), Limits::default());
        let mut received = decoder.text(frame, 1).expect("our own");
        for part in parts {
            prop_assert!(received.is_none());
            received = decoder.binary(part).expect("our own");
        }
        let received = received.expect("complete");
        prop_assert_eq!(received.packet.kind, kind);
        prop_assert_eq!(received.packet.id, id);
        prop_assert_eq!(received.namespace(), namespace.as_bytes());
        let payload = received.into_payload();
        prop_assert_eq!(payload.name(), if is_event { &name } else { "" });
        prop_assert_eq!(payload.args().collect::<Vec<_>>(), args);
        prop_assert_eq!(payload.attachments(), &attachments[..]);
    }

    #[test]
    fn conformance_95_what_is_accepted_is_within_the_limits(text in nearly_a_packet()) {
        let limits = Limits { inbound_attachments: 3, ..Limits::default() };
        match packet::decode(&Bytes::from(text.clone()), 0, Revision::V4, &limits) {
            Ok(packet) => {
                prop_assert!(packet.attachments <= 3);
                let namespace = packet.namespace_bytes(text.as_bytes());
                prop_assert!(namespace.starts_with(b"/") && !namespace.contains(&b','));
                for argument in &packet.args {
                    serde_json::from_slice::<serde::de::IgnoredAny>(argument.of(text.as_bytes()))
                        .expect("arguments are JSON");
                }
            }
            Err(error) => {
                prop_assert!(matches!(error.code(), Code::SocketPacket | Code::Attachments));
            }
        }
    }

    #[test]
    fn conformance_95_any_sequence_of_messages_is_packets_or_one_error(
        messages in prop::collection::vec(prop::result::maybe_ok(nearly_a_packet(), any::<Vec<u8>>()), 0..8),
    ) {
        let mut decoder = Decoder::new(Codec::default(), Limits::default());
        for message in messages {
            let received = match message {
                Ok(text) => decoder.text(text.into(), 0),
                Err(data) => decoder.binary(data.into()),
            };
            match received {
                Ok(Some(received)) => {
                    let _ = received.into_payload().args().count();
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
    }
}
