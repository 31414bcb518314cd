//! Section I: Recovery, parsers, close, threading.

use bytes::Bytes;
use roamio::client::{DisconnectReason, EmitOptions, SocketState};
use roamio::config::Parser;
use roamio::error::Code;
use serde_json::{Value, json};

use crate::case::{Case, items};
use crate::host::{Host, values};
use crate::server::Server;

items! {
    86 "Connection state recovery" asks [V4] {
    }
    87 "Offsets" asks [V4] {
    }
    88 "msgpack parser" asks [V4] {
        test conformance_88_arguments_come_back_as_they_went on [V4] over all;
        test conformance_88_a_refusal_has_message_and_data on [V4] over all;
        test conformance_88_text_where_msgpack_is_due_is_a_parse_error on [V4] over all;
    }
    89 "close() on polling" asks [V2 V4 Uvicorn Aiohttp] {
    }
    90 "Close packet in a poll body" asks [Fake V4] {
    }
    91 "Callbacks: serial, none after close, any call inside" asks [V4] {
    }
    92 "Calls from many threads" asks [V4] {
    }
    93 "TLS" asks [V4] {
        elsewhere "tests/tls/trust.rs" conformance_93_a_chain_of_a_known_authority_is_accepted on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_an_address_is_verified_like_a_name on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_bad_certificate_is_refused_with_its_reason_before_any_request on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_pin_must_match_before_the_first_request on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_matching_pin_replaces_no_verification on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_another_server_name_is_sent_and_verified on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_server_without_the_minimum_version_is_refused on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_client_certificate_is_shown_to_a_server_that_asks on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_server_that_wants_another_client_certificate_says_so on [V4] over all;
    }
    94 "Proxies" asks [V4] {
        elsewhere "tests/tls/through.rs" conformance_94_connect_without_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_connect_with_basic_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_socks5_without_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_socks5_with_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_proxy_that_wants_other_credentials_says_so on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_server_that_the_proxy_does_not_reach_is_its_error on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_proxy_that_is_down_is_told_from_a_server_that_is_down on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_what_is_no_answer_of_a_proxy_ends_the_attempt on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_silent_proxy_has_the_limit_of_the_tcp_connect on [V4] over all;
    }
    95 "Fuzz" asks [Local] {
    }
}

/// A server whose packets are MessagePack.
fn packed(case: Case) -> Server {
    case.start(json!({ "parser": "msgpack" }))
}

/// A client that agrees with it.
fn packing(case: Case, server: &Server) -> Host {
    let mut config = case.config(&server.url());
    config.parser = Parser::Msgpack;
    Host::new(config)
}

fn conformance_88_arguments_come_back_as_they_went(case: Case) {
    let server = packed(case);
    let mut host = packing(case, &server);
    let root = host.joined("/");
    let sent = json!([
        null, true, -1, 255, 65_536, 4_294_967_296_u64, 1.5, "", "é😀\"\u{0}",
        [], {}, [[1], {"a": {"b": [null]}}], 9_007_199_254_740_991_u64,
    ]);
    let number = host.ask(&root, "echo", &sent.to_string());
    let (echo, _) = host.event("echo");
    assert_eq!(Value::from(values(&echo)), sent);
    assert_eq!(Value::from(values(&host.outcome(number).unwrap())), sent);

    let args = r#"[{"_placeholder":true,"num":1},{"in":[{"_placeholder":true,"num":0}]}]"#;
    let parts = vec![Bytes::from_static(b"\x01\x02"), Bytes::new()];
    let options = EmitOptions { attachments: parts.clone(), ..EmitOptions::default() };
    let number = host.ask_with(&root, "ack", args, options);
    let answer = host.outcome(number).unwrap();
    // They are numbered in the order in which they stand there.
    assert_eq!(answer.attachments(), [parts[1].clone(), parts[0].clone()]);
    assert_eq!(answer.arg(1), Some(r#"{"in":[{"_placeholder":true,"num":1}]}"#));
}

fn conformance_88_a_refusal_has_message_and_data(case: Case) {
    let server = packed(case);
    let mut host = packing(case, &server);
    let _root = host.joined("/");
    let denied = host.socket("/deny");
    denied.connect(None).unwrap();
    let (error, active) = host.until_connect_error("/deny");
    assert_eq!((error.code(), error.message(), active), (Code::ConnectError, "denied", false));
    let told: Value = serde_json::from_str(error.server_json().unwrap()).unwrap();
    assert_eq!(told["data"], json!({ "code": "E42", "list": [1, 2] }));
}

fn conformance_88_text_where_msgpack_is_due_is_a_parse_error(case: Case) {
    let server = packed(case);
    let mut host = packing(case, &server);
    let root = host.joined("/");
    root.emit("raw", r#"["2[\"a\"]"]"#).unwrap();
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::ParseError));
    assert_eq!(cause.map(|error| error.code()), Some(Code::SocketPacket));
    host.until_state("/", SocketState::Connected);
}
