//! A MessagePack packet of either protocol: JSON within the limits or one error, and what was decoded
//! is encoded and decoded again alike.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use roamio::config::{Limits, Revision};
use roamio::error::Code;
use roamio::proto::socket::msgpack;
use roamio::proto::socket::packet::Kind;

fuzz_target!(|frame: &[u8]| {
    let limits = Limits { inbound_attachments: 3, inbound_message: 4096, ..Limits::default() };
    let frame = Bytes::copy_from_slice(frame);
    for revision in [Revision::V4, Revision::V3] {
        let received = match msgpack::decode(&frame, revision, &limits) {
            Ok(received) => received,
            Err(error) => {
                let codes = [Code::SocketPacket, Code::Attachments, Code::PayloadLimit];
                assert!(codes.contains(&error.code()), "{error:?}");
                continue;
            }
        };
        assert!(received.attachments.len() <= 3);
        let namespace = std::str::from_utf8(received.namespace()).expect("text").to_owned();
        let (kind, id) = (received.packet.kind, received.packet.id);
        if let Some(body) = received.body() {
            serde_json::from_slice::<serde::de::IgnoredAny>(body).expect("JSON");
        }
        let payload = received.into_payload();
        let args: Vec<&str> = payload.args().collect();
        let name = serde_json::to_string(payload.name()).expect("text");
        let json = match kind {
            Kind::Event | Kind::BinaryEvent if args.is_empty() => format!("[{name}]"),
            Kind::Event | Kind::BinaryEvent => format!("[{name},{}]", args.join(",")),
            Kind::Ack | Kind::BinaryAck => format!("[{}]", args.join(",")),
            _ => continue,
        };
        serde_json::from_str::<serde::de::IgnoredAny>(&json).expect("JSON");
        let data = Some(json.as_bytes());
        let again = msgpack::encode(kind, &namespace, id, data, payload.attachments());
        let wide = Limits { inbound_message: 1 << 20, ..limits.clone() };
        let again = msgpack::decode(&again, revision, &wide).expect("our own").into_payload();
        assert_eq!(again.name(), payload.name());
        assert_eq!(again.len(), args.len());
        assert_eq!(again.attachments(), payload.attachments());
    }
});
