//! Rows H14 to H28 of the fault matrix, as far as one packet can show them.

use bytes::Bytes;
use roamio::config::{Limits, Revision};
use roamio::error::Code;
use roamio::json::{self, JsonErrorKind, MAX_DEPTH};
use roamio::proto::engine::handshake::Handshake;
use roamio::proto::socket::packet;

fn refusal(text: String) -> Code {
    packet::decode(&Bytes::from(text), 0, Revision::V4, &Limits::default())
        .expect_err("hostile")
        .code()
}

/// H24: ten million levels are refused at level 129, on a small stack.
#[test]
fn conformance_95_endless_nesting_is_refused_on_a_small_stack() {
    let run = || {
        const LEVELS: usize = 10_000_000;
        for (level, per_level) in [("[", 1), ("{\"a\":", 1), ("[{\"a\":", 2), (" [ ", 1)] {
            let text = level.repeat(LEVELS / per_level);
            let error = json::check_value(text.as_bytes(), MAX_DEPTH).expect_err("too deep");
            assert_eq!(error.kind(), JsonErrorKind::TooDeep { limit: MAX_DEPTH });
            assert!(error.offset() < level.len() * (MAX_DEPTH + 1));
            assert_eq!(refusal(format!("2[\"a\",{text}")), Code::SocketPacket);
            assert_eq!(refusal(format!("3{text}")), Code::SocketPacket);
            assert_eq!(refusal(format!("0{text}")), Code::SocketPacket);
        }
        let closed = "[".repeat(LEVELS) + &"]".repeat(LEVELS);
        assert!(json::check_array(closed.as_bytes(), usize::MAX).is_err());
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(run);
    thread.expect("a thread").join().expect("no overflow");
}

/// H25: big and odd values are text.
#[test]
fn big_and_odd_values_are_kept_as_they_are() {
    let zeros = format!("\"{}\"", "\\u0000".repeat(2_796_200));
    let members = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(1_000_000));
    for value in [&zeros, &members, "1e400", "-0", "9223372036854775808", r#""\ud800\udc00\udfff""#]
    {
        let text = format!("2[\"a\",{value}]");
        let frame = Bytes::from(text);
        let packet =
            packet::decode(&frame, 0, Revision::V4, &Limits::default()).expect("grammar is kept");
        assert_eq!(packet.args[0].of(&frame), value.as_bytes());
    }
}

/// H26: a million arguments are not turned into eight million bytes of ranges.
#[test]
fn a_million_arguments_are_refused() {
    assert_eq!(refusal(format!("2[\"a\"{}]", ",1".repeat(1_000_000))), Code::SocketPacket);
    assert_eq!(refusal(format!("31[1{}]", ",1".repeat(1_000_000))), Code::SocketPacket);
}

/// H20, H21: numbers of any length do not wrap.
#[test]
fn numbers_of_any_length_do_not_wrap() {
    for digits in [20, 39, 400, 1_000_000] {
        let number = "9".repeat(digits);
        assert_eq!(refusal(format!("3{number}[]")), Code::SocketPacket);
        assert_eq!(refusal(format!("5{number}-[\"a\"]")), Code::Attachments);
        // 2^64 as a multiple: wraps to 0 where it wraps.
        assert_eq!(
            refusal(format!("318446744073709551616{}[]", "0".repeat(digits))),
            Code::SocketPacket
        );
    }
}

/// H15: a list of a million upgrades, and a sid of a million bytes, are no handshake.
#[test]
fn conformance_95_a_handshake_is_small() {
    let upgrades = format!("[{}\"websocket\"]", "\"x\",".repeat(1_000_000));
    let sid = "a".repeat(1 << 20);
    for json in [
        format!(r#"{{"sid":"a","upgrades":{upgrades},"pingInterval":1000,"pingTimeout":1000}}"#),
        format!(r#"{{"sid":"{sid}","pingInterval":1000,"pingTimeout":1000}}"#),
    ] {
        let error = Handshake::parse(json.as_bytes()).expect_err("too long");
        assert_eq!(error.code(), Code::Handshake);
        assert!(error.message().len() < 100, "an error does not repeat the input");
    }
}
