//! Engine.IO handshakes and control packets. Everything else in the vectors of Engine.IO is driven in
//! `payload.rs`.

use bytes::Bytes;
use proptest::prelude::*;
use roamio::error::Code;
use roamio::proto::engine::handshake::{Handshake, percent_encode_component};
use roamio::proto::engine::packet;
use roamio::proto::engine::refusal::refusal;
use serde_json::Value;

use crate::unhex;

const VECTORS: &str = include_str!("vectors/engineio4.json");

fn vectors(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    vectors[section].as_array().expect("a list").clone()
}

#[test]
fn outgoing_control_packets_equal_the_vectors() {
    let ours: [(&str, Bytes); 3] =
        [("close", packet::CLOSE), ("pong", packet::PONG), ("noop", packet::NOOP)];
    for (name, frame) in ours {
        let vector = vectors("encode")
            .into_iter()
            .find(|vector| vector["packets"][0]["type"] == name)
            .expect("a vector for it");
        assert_eq!(unhex(vector["websocket"]["text_hex"].as_str().expect("hex")), frame);
    }
}

#[test]
fn conformance_13_handshakes_of_real_servers_are_understood() {
    for (json, timeout, max_payload) in [
        (
            r#"{"sid":"KlToG-a_","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
            20_000,
            Some(1_000_000),
        ),
        (
            r#"{"sid":"KlToG-a_","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}"#,
            5_000,
            None,
        ),
        (
            r#"{"sid": "KlToG-a_", "upgrades": ["websocket"], "pingTimeout": 20000, "pingInterval": 25000, "maxPayload": 1000000}"#,
            20_000,
            Some(1_000_000),
        ),
    ] {
        let handshake = Handshake::parse(json.as_bytes()).expect(json);
        assert_eq!(handshake.sid, "KlToG-a_");
        assert!(handshake.upgrades_websocket);
        assert_eq!((handshake.ping_interval_ms, handshake.ping_timeout_ms), (25_000, timeout));
        assert_eq!(handshake.max_payload, max_payload);
    }
}

/// Values that a hostile server may put into an open packet.
fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
        (0u64..100_000).prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        Just("[\"websocket\"]".to_owned()),
        Just("{}".to_owned()),
        Just("1e400".to_owned()),
    ]
}

proptest! {
    /// H14, H15: whatever is accepted is within the limits.
    #[test]
    fn conformance_95_an_accepted_handshake_is_within_its_limits(
        sid in member(), upgrades in member(), interval in member(), timeout in member(), payload in member(),
    ) {
        let json = format!(
            r#"{{"sid":{sid},"upgrades":{upgrades},"pingInterval":{interval},"pingTimeout":{timeout},"maxPayload":{payload}}}"#
        );
        match Handshake::parse(json.as_bytes()) {
            Ok(handshake) => {
                prop_assert!((1..=256).contains(&handshake.sid.len()));
                for ms in [handshake.ping_interval_ms, handshake.ping_timeout_ms] {
                    prop_assert!((100..=86_400_000).contains(&ms));
                }
                prop_assert!(handshake.max_payload.is_none_or(|bytes| (1 << 10..=16 << 20).contains(&bytes)));
            }
            Err(error) => prop_assert_eq!(error.code(), Code::Handshake),
        }
    }

    #[test]
    fn conformance_95_any_answer_of_a_refusal_is_one_short_line(
        status in 300u16..600, body in prop_oneof![
            any::<Vec<u8>>(),
            any::<String>().prop_map(String::into_bytes),
            (member(), member()).prop_map(|(code, message)| {
                format!(r#"{{"code":{code},"message":{message}}}"#).into_bytes()
            }),
            (0usize..20_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
        ],
    ) {
        let error = refusal("poll", status, &body, None);
        prop_assert!([Code::HttpStatus, Code::UnknownSid, Code::EngineRevision].contains(&error.code()));
        prop_assert!(error.message().chars().count() < 250);
        prop_assert!(!error.message().contains(char::is_control));
        prop_assert!(error.server_json().is_none_or(|json| json.len() <= 4 << 10));
    }

    #[test]
    fn conformance_95_arbitrary_bytes_are_a_packet_or_an_error(frame in any::<Vec<u8>>()) {
        if let Ok((_, start)) = packet::decode_text(&frame) {
            prop_assert!(start <= frame.len());
            let _ = packet::decode_base64(&frame[start..]);
        }
        let _ = Handshake::parse(&frame);
    }

    #[test]
    fn a_percent_encoded_text_is_plain_and_comes_back(text in any::<String>()) {
        let encoded = percent_encode_component(&text);
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        let mut decoded = Vec::new();
        let mut rest = encoded.as_bytes();
        while let Some((&byte, behind)) = rest.split_first() {
            if byte == b'%' {
                let digits = std::str::from_utf8(&behind[..2]).expect("ASCII");
                decoded.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = &behind[2..];
            } else {
                decoded.push(byte);
                rest = behind;
            }
        }
        prop_assert_eq!(decoded, text.into_bytes());
    }
}
