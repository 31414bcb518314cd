//! Section F: Events, acks, binary.

mod attachments;
mod listeners;

use bytes::Bytes;
use roamio::client::{AckToken, EmitOptions, ManagerEvent, Socket, SocketEvent, SocketState};
use roamio::config::Transport;
use roamio::error::Code;
use roamio::payload::Payload;
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::Fake;
use crate::host::{Host, Told, values};
use crate::relay::Relay;
use attachments::*;
use listeners::*;

items! {
    59 "Arguments of every JSON type come back equal" asks all {
        test conformance_59_arguments_of_every_type_come_back_equal on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    60 "Acks both ways, with zero, one, many arguments and binary" asks all {
        test conformance_60_the_server_answers_with_any_arguments on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_60_the_server_is_answered_with_any_arguments on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    61 "Ack ids; unknown, repeated, doubled and late acks" asks [V4 Fake] {
        test conformance_61_ids_go_on_after_a_reconnect_and_odd_acks_are_ignored on [Fake] over all;
        test conformance_61_only_the_first_answer_on_the_events_own_connection_is_sent on [Fake] over all;
        test conformance_61_a_server_hears_one_answer_and_none_over_a_later_connection on [V4] over all;
    }
    62 "Attachments: several, nested, same twice, empty; placeholder-like strings" asks [V2 V3 V4 Uvicorn Aiohttp Oxide] {
        test conformance_62_attachments_of_every_shape_come_back_equal on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_62_the_server_sends_attachments_of_any_size on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    63 "Text, binary, text in order; attachments never interleaved" asks all {
        test conformance_63_text_binary_and_text_arrive_in_order on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_63_concurrent_emitters_mix_no_attachments on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_63_attachments_directly_follow_their_packet on [Fake] over all;
    }
    64 "Decode vectors, parse errors, attachment limits" asks [Local Fake V4] {
        elsewhere "tests/codec/socket.rs" conformance_64_vectors_are_decoded_or_refused_as_by_the_reference_of_protocol_5 on [Local] over [];
        elsewhere "tests/codec/socket.rs" conformance_64_vectors_are_decoded_or_refused_as_by_the_reference_of_protocol_4 on [Local] over [];
        test conformance_64_a_bad_packet_is_a_parse_error_and_the_connection_is_made_anew on [Fake] over all;
        test conformance_64_what_follows_a_bad_packet_is_not_told on [Fake] over all;
        test conformance_64_a_bad_packet_of_a_server_costs_one_connection on [V4] over all;
        test conformance_64_too_many_attachments_are_refused_both_ways on [V4] over all;
    }
    65 "Reserved names are refused locally" asks [Local] {
        elsewhere "tests/client.rs" conformance_65_reserved_names_are_refused_where_they_are_emitted on [Local] over [];
        test conformance_65_nothing_of_a_reserved_name_is_sent on [Fake] over all;
    }
    66 "Listeners: once, off, during dispatch, panicking" asks [V4] {
        elsewhere "src/client/router/tests.rs" conformance_66_listeners_come_once_or_always_and_go_by_handler_or_by_name on [Local] over [];
        elsewhere "src/client/router/tests.rs" conformance_66_what_changes_during_an_event_holds_from_the_next_on on [Local] over [];
        elsewhere "src/client/router/tests.rs" conformance_66_a_handler_that_panics_stops_no_other on [Local] over [];
        test conformance_66_listeners_come_once_or_always_and_go_by_handler_or_by_name on [V4] over all;
        test conformance_66_listeners_may_change_and_panic_while_an_event_is_told on [V4] over all;
    }
    67 "Catch-all listeners, in and out" asks [V4] {
        elsewhere "src/client/router/tests.rs" conformance_67_catch_all_handlers_come_first_and_in_their_order on [Local] over [];
        elsewhere "tests/router.rs" conformance_67_sent_events_are_told_when_they_are_written on [Local] over [];
        test conformance_67_catch_all_listeners_of_incoming_events_come_first on [V4] over all;
        test conformance_67_catch_all_listeners_of_outgoing_events_hear_what_is_written on [V4] over all;
    }
    68 "The compress flag: there is none, because nothing that compresses is ever negotiated" asks [V4] {
        test conformance_68_a_server_that_would_compress_is_offered_nothing on [V4] over all;
    }
}

/// The argument that stands for an attachment.
fn place(number: usize) -> Value {
    json!({ "_placeholder": true, "num": number })
}

fn with(attachments: &[&'static [u8]]) -> EmitOptions {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    EmitOptions { attachments, ..EmitOptions::default() }
}

/// A binary value that has been put in its place.
fn binary(bytes: &[u8]) -> Value {
    json!({ "bytes": bytes })
}

/// The arguments, with the attachments in their places, however they are numbered.
fn filled(payload: &Payload) -> Vec<Value> {
    fn fill(value: &mut Value, attachments: &[Bytes]) {
        if value["_placeholder"] == true {
            *value = binary(&attachments[value["num"].as_u64().unwrap() as usize]);
            return;
        }
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| fill(value, attachments)),
            Value::Object(map) => map.values_mut().for_each(|value| fill(value, attachments)),
            _ => {}
        }
    }
    let mut values = values(payload);
    if !payload.attachments().is_empty() {
        values.iter_mut().for_each(|value| fill(value, payload.attachments()));
    }
    values
}

/// Do something as soon as the socket is joined, and again when the transport is the last one.
fn before_and_after_the_upgrade(
    case: Case,
    host: &mut Host,
    mut act: impl FnMut(&mut Host, &Socket),
) {
    let root = host.joined("/");
    act(host, &root);
    if case.via == Via::Upgrade {
        let upgraded = |told: &Told| {
            matches!(told, Told::Manager(ManagerEvent::Transport { upgraded: true, .. }))
        };
        if host.count(upgraded) == 0 {
            host.until_transport(Transport::Websocket);
        }
        act(host, &root);
    }
    assert_eq!(host.states("/", SocketState::Connected), 1, "{:#?}", host.log);
}

/// Lose the connection, and have another one.
fn reconnect(host: &mut Host, relay: &Relay) {
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    host.until_state("/", SocketState::Connected);
}

fn conformance_59_arguments_of_every_type_come_back_equal(case: Case) {
    let deep = (0..60).fold(json!(0), |inner, _| json!([{ "in": inner }]));
    let long = "ö\u{1F600}x".repeat(5_000);
    let lists = [
        json!([]),
        json!([null]),
        json!([false]),
        json!([0]),
        json!([""]),
        json!([[]]),
        json!([{}]),
        json!([true, false, null, -1, 1.5, -0.25, 1e-7, 1e100, "text", [], {}]),
        json!([9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64, 9_007_199_254_740_992_i64]),
        json!([
            "é",
            "日本語",
            "\u{1F468}\u{200D}\u{1F469}",
            "\u{0}\u{1f}\u{7f}",
            "\u{2028}\u{FEFF}"
        ]),
        json!(["\"quoted\"", "back\\slash", "line\nfeed\ttab\r", "\u{1e}", "/,[]{}:", "1:2"]),
        json!([{ "a": [null, { "b": [[], {}] }], "": "empty key", "é\"": 1, "__proto__x": {} }]),
        json!([deep]),
        json!([long]),
        json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ];
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        for list in &lists {
            let number = host.ask(root, "echo", &list.to_string());
            let (echo, _) = host.event("echo");
            assert_eq!(Value::from(values(&echo)), *list);
            let answer = host.outcome(number).unwrap();
            assert_eq!(Value::from(values(&answer)), *list);
        }
    });
}

/// Arguments of an answer, and what they are when the attachments are in their places.
fn answers() -> [(Value, &'static [&'static [u8]], Value); 5] {
    [
        (json!([]), &[], json!([])),
        (json!([1]), &[], json!([1])),
        (json!([null, "two", [3], { "four": 4 }]), &[], json!([null, "two", [3], { "four": 4 }])),
        (json!([place(0)]), &[b"\x00\xff"], json!([binary(b"\x00\xff")])),
        (
            json!(["a", { "deep": [place(0), place(1)] }, 5]),
            &[b"one", b""],
            json!(["a", { "deep": [binary(b"one"), binary(b"")] }, 5]),
        ),
    ]
}

fn conformance_60_the_server_answers_with_any_arguments(case: Case) {
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        // All are asked before the first answer is there.
        let numbers = answers()
            .map(|(args, parts, _)| host.ask_with(root, "ack", &args.to_string(), with(parts)));
        for (number, (_, _, expected)) in numbers.into_iter().zip(answers()) {
            assert_eq!(Value::from(filled(&host.outcome(number).unwrap())), expected);
        }
    });
}

fn conformance_60_the_server_is_answered_with_any_arguments(case: Case) {
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        for (args, parts, expected) in answers() {
            root.emit_with("ask", &args.to_string(), with(parts)).unwrap();
            let (question, token) = host.event("question");
            assert_eq!(Value::from(filled(&question)), expected);
            let token = token.expect("the server wants an answer");
            let parts = with(parts).attachments;
            root.ack_binary(token, &args.to_string(), parts).unwrap();
            assert_eq!(Value::from(filled(&host.event("answered").0)), expected);
        }
        // Two questions, answered later and in the other order.
        root.emit("ask", "[1]").unwrap();
        root.emit("ask", "[2]").unwrap();
        let mut tokens: Vec<(String, AckToken)> = (0..2)
            .map(|_| host.event("question"))
            .map(|(question, token)| (question.arg(0).unwrap().to_owned(), token.unwrap()))
            .collect();
        tokens.reverse();
        for (number, token) in tokens {
            root.ack(token, &format!("[\"to {number}\"]")).unwrap();
            let answered = values(&host.event("answered").0);
            assert_eq!(answered, [json!(format!("to {number}"))]);
        }
    });
}

fn outcomes(host: &mut Host) -> usize {
    host.count(|told| matches!(told, Told::Outcome(..)))
}

fn conformance_61_ids_go_on_after_a_reconnect_and_odd_acks_are_ignored(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "one");
    host.until_state("/", SocketState::Connected);
    let first = host.ask(&root, "a", "[]");
    session.expect("420[\"a\"]");
    for ack in ["43[\"without id\"]", "439[\"unknown\"]", "430[\"x\"]", "430[\"repeated\"]"] {
        session.send(ack);
    }
    assert_eq!(values(&host.outcome(first).unwrap()), [json!("x")]);
    let lost = host.ask(&root, "b", "[]");
    session.expect("421[\"b\"]");
    session.reset();
    assert_eq!(host.outcome(lost).unwrap_err().code(), Code::AckLost);

    let mut session = fake.open(case.via);
    session.join("/", "two");
    host.until_state("/", SocketState::Connected);
    let last = host.ask(&root, "c", "[]");
    session.expect("422[\"c\"]");
    for ack in ["430[\"old\"]", "431[\"late\"]", "432[\"y\"]", "432[\"repeated\"]", "42[\"end\"]"] {
        session.send(ack);
    }
    host.event("end");
    assert_eq!(values(&host.outcome(last).unwrap()), [json!("y")]);
    assert_eq!(outcomes(&mut host), 3);
    assert_eq!(host.states("/", SocketState::Rejoining), 1);
}

fn conformance_61_only_the_first_answer_on_the_events_own_connection_is_sent(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "one");
    host.until_state("/", SocketState::Connected);
    session.send("425[\"question\"]");
    let token = host.event("question").1.unwrap();
    for answer in ["[1]", "[2]", "[3]"] {
        root.ack(token, answer).unwrap();
    }
    root.emit("end", "[]").unwrap();
    session.expect("435[1]");
    session.expect("42[\"end\"]");
    session.send("426[\"question\"]");
    let late = host.event("question").1.unwrap();
    session.reset();
    host.until_state("/", SocketState::Rejoining);
    root.ack(late, "[\"while apart\"]").unwrap();

    let mut session = fake.open(case.via);
    session.join("/", "two");
    host.until_state("/", SocketState::Connected);
    // The same id of the new connection is another event.
    session.send("426[\"question\"]");
    let token = host.event("question").1.unwrap();
    root.ack(late, "[\"late\"]").unwrap();
    root.ack(token, "[\"in time\"]").unwrap();
    root.emit("end", "[]").unwrap();
    session.expect("436[\"in time\"]");
    session.expect("42[\"end\"]");
}

fn conformance_61_a_server_hears_one_answer_and_none_over_a_later_connection(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    root.emit("ask", "[]").unwrap();
    let token = host.event("question").1.unwrap();
    root.ack(token, "[1]").unwrap();
    root.ack(token, "[2]").unwrap();
    assert_eq!(values(&host.event("answered").0), [json!(1)]);
    root.emit("ask", "[]").unwrap();
    let late = host.event("question").1.unwrap();
    reconnect(&mut host, &relay);
    root.ack(late, "[\"late\"]").unwrap();
    host.answer(&root, "ack", "[]");
    let answered = |told: &Told| matches!(told, Told::Socket(_, SocketEvent::Event { payload, .. }) if payload.name() == "answered");
    assert_eq!(host.count(answered), 1);
}

fn conformance_65_nothing_of_a_reserved_name_is_sent(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    let names = [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ];
    let refuse = |socket: &Socket| {
        for name in names {
            let refused = [
                socket.emit(name, "[]"),
                socket.emit_volatile(name, "[]"),
                socket.emit_with(name, &json!([place(0)]).to_string(), with(&[b"x"])),
                socket.emit_json(name, &("x",)),
                socket
                    .emit_with_ack(name, "[]", EmitOptions::default(), |_| panic!("refused"))
                    .map(drop),
            ];
            for result in refused {
                let error = result.unwrap_err();
                assert_eq!(error.code(), Code::ReservedEvent);
                assert!(error.message().contains(name), "{error}");
            }
        }
    };
    refuse(&root);
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    refuse(&root);
    root.emit("message", "[]").unwrap();
    session.expect("42[\"message\"]");
}

/// A flag for one packet could only switch off what is never on: the WebSocket library has no
/// permessage-deflate, so it is never offered, and neither is a compressed answer to a poll.
fn conformance_68_a_server_that_would_compress_is_offered_nothing(case: Case) {
    let options = json!({
        "log": ["request"],
        "perMessageDeflate": { "threshold": 0 },
        "httpCompression": { "threshold": 0 },
    });
    let server = case.start(options);
    let mut host = case.host(&server);
    let root = host.joined("/");
    if case.via == Via::Upgrade {
        host.until_transport(Transport::Websocket);
    }
    let text = json!(["compressible ".repeat(1_000)]);
    assert_eq!(Value::from(host.answer(&root, "ack", &text.to_string())), text);
    for request in server.log().iter().filter(|line| line["log"] == "request") {
        for header in ["sec-websocket-extensions", "accept-encoding", "content-encoding"] {
            assert!(request["headers"][header].is_null(), "{request}");
        }
    }
}
