//! Section I: Recovery, parsers, close, threading. Items 86 and 87 are in `recovery.rs`, 91 and 92 in
//! `threading.rs`.

mod recovery;
mod threading;

use std::time::{Duration, Instant};

use bytes::Bytes;
use recovery::*;
use roamio::client::{DisconnectReason, EmitOptions, SocketState};
use roamio::config::Parser;
use roamio::error::Code;
use serde_json::{Value, json};
use threading::*;

use crate::case::{Case, items};
use crate::fake::{Fake, Packet};
use crate::host::{Host, Told, values};
use crate::relay::Relay;
use crate::server::Server;

items! {
    86 "Connection state recovery" asks [V4] {
        test conformance_86_what_was_missed_comes_in_order_and_under_the_same_id on [V4] over all;
        test conformance_86_an_expired_or_unknown_session_begins_anew on [V4] over all;
        test conformance_86_a_session_is_forgotten_by_who_disconnects_unless_wanted_otherwise on [V4] over all;
        elsewhere "tests/sim/plain/recovery.rs" conformance_86_what_was_missed_comes_once_and_in_order on [Local] over [];
        elsewhere "tests/sim/plain/recovery.rs"
            conformance_86_an_explicit_disconnect_forgets_the_session_unless_that_is_not_wanted on [Local] over [];
    }
    87 "Offsets" asks [V4] {
        test conformance_87_the_offset_is_passed_on_as_the_last_argument on [V4] over all;
        test conformance_87_neither_acks_nor_other_arguments_are_taken_for_offsets on [V4] over all;
        elsewhere "tests/sim/plain/recovery.rs" conformance_87_the_offset_is_passed_on on [Local] over [];
        elsewhere "tests/sim/plain/recovery.rs"
            conformance_87_ordinary_texts_and_events_with_acks_do_not_poison_the_offset on [Local] over [];
    }
    88 "msgpack parser" asks [V4] {
        test conformance_88_arguments_come_back_as_they_went on [V4] over all;
        test conformance_88_a_refusal_has_message_and_data on [V4] over all;
        test conformance_88_text_where_msgpack_is_due_is_a_parse_error on [V4] over all;
    }
    89 "close() on polling" asks [V2 V4 Uvicorn Aiohttp] {
        test conformance_89_closing_is_told_at_once_and_ends on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over [Polling];
        test conformance_89_closing_ends_although_the_get_hangs on [Fake] over [Polling];
        not [V2 V4 Uvicorn Aiohttp] over [Websocket Upgrade] "there is no GET on WebSocket; while upgrading it is 35";
    }
    90 "Close packet in a poll body" asks [Fake V4] {
        test conformance_90_what_stands_before_a_close_packet_counts_and_nothing_behind_it on [Fake] over [Polling];
        test conformance_90_events_before_the_end_arrive on [V4] over [Polling];
        not [Fake V4] over [Websocket Upgrade] "there is no poll body on WebSocket";
    }
    91 "Callbacks: serial, none after close, any call inside" asks [V4] {
        test conformance_91_callbacks_are_serial_and_none_comes_after_close on [V4] over all;
        test conformance_91_any_call_may_be_made_inside_a_callback on [V4] over all;
        elsewhere "tests/dispatch.rs" conformance_91_callbacks_run_one_at_a_time_and_none_after_the_end on [Local] over [];
        elsewhere "tests/dispatch.rs" conformance_91_every_function_may_be_called_inside_a_callback on [Local] over [];
    }
    92 "Calls from many threads" asks [V4] {
        test conformance_92_calls_from_many_threads_are_all_done on [V4] over all;
        elsewhere "tests/dispatch.rs" conformance_92_many_threads_may_call_at_once on [Local] over [];
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
        elsewhere "tests/codec/engine.rs" conformance_95_arbitrary_bytes_are_a_packet_or_an_error on [Local] over [];
        elsewhere "tests/codec/engine.rs" conformance_95_an_accepted_handshake_is_within_its_limits on [Local] over [];
        elsewhere "tests/codec/engine.rs" conformance_95_any_answer_of_a_refusal_is_one_short_line on [Local] over [];
        elsewhere "tests/codec/hostile.rs" conformance_95_a_handshake_is_small on [Local] over [];
        elsewhere "tests/codec/hostile.rs" conformance_95_endless_nesting_is_refused_on_a_small_stack on [Local] over [];
        elsewhere "tests/codec/payload.rs" conformance_95_any_bytes_are_packets_and_at_most_one_error on [Local] over [];
        elsewhere "tests/codec/payload.rs" conformance_95_the_longest_bodies_are_walked_without_growth on [Local] over [];
        elsewhere "tests/codec/socket.rs" conformance_95_any_sequence_of_messages_is_packets_or_one_error on [Local] over [];
        elsewhere "tests/codec/socket.rs" conformance_95_what_is_accepted_is_within_the_limits on [Local] over [];
        elsewhere "tests/codec/msgpack.rs" conformance_95_hostile_lengths_are_refused_at_once on [Local] over [];
        elsewhere "tests/codec/msgpack.rs" conformance_95_nesting_and_numbers_are_limited on [Local] over [];
        elsewhere "src/proto/engine/refusal.rs" conformance_95_a_text_is_cut_between_characters on [Local] over [];
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

/// Long before the server would miss a heartbeat.
const SOON: Duration = Duration::from_secs(5);

fn conformance_89_closing_is_told_at_once_and_ends(case: Case) {
    let server = case.start(json!({}));
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    host.answer(&root, "ack", "[]");
    let start = Instant::now();
    root.close();
    host.manager.close_wait(SOON).unwrap();
    server.until("that the client has left", |line| (line["log"] == "leave").then_some(()));
    relay.until_open(0);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

fn conformance_89_closing_ends_although_the_get_hangs(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let poll = session.into_poll();
    root.close();
    host.manager.close();
    let post = fake.post();
    assert!(post.text().ends_with('1'), "{post:?}");
    post.ok("ok");
    host.manager.close_wait(SOON).unwrap();
    assert!(poll.is_dropped_within(SOON));
}

fn conformance_90_what_stands_before_a_close_packet_counts_and_nothing_behind_it(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    session.send_all(&["42[\"before\"]", "1", "42[\"behind\"]"].map(Packet::text));
    host.event("before");
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::TransportClose));
    assert_eq!(cause.map(|error| error.code()), Some(Code::EngineClosed));
    drop(session);
    fake.open(case.via).join("/", "another");
    host.until_state("/", SocketState::Connected);
    let behind = |told: &Told| format!("{told:?}").contains("behind");
    assert_eq!(host.count(behind), 0);
}

fn conformance_90_events_before_the_end_arrive(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    root.emit("burst", "[3]").unwrap();
    root.emit("kill-connection", "[]").unwrap();
    for number in 0..3 {
        assert_eq!(values(&host.event("tick").0), [number]);
    }
    let (_, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::TransportClose));
    host.until_state("/", SocketState::Connected);
    host.answer(&root, "ack", "[]");
}
