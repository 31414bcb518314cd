//! Items 62 to 64: attachments, and packets that are none.

use std::sync::mpsc::channel;

use bytes::Bytes;
use roamio::client::{DisconnectReason, EmitOptions, Socket, SocketEvent, SocketState};
use roamio::error::Code;
use roamio::payload::Payload;
use serde_json::{Value, json};

use super::{before_and_after_the_upgrade, binary, filled, place, with};
use crate::case::Case;
use crate::fake::{Fake, Packet, Session};
use crate::host::{Host, Told, values};
use crate::server::PATIENCE;

pub fn conformance_62_attachments_of_every_shape_come_back_equal(case: Case) {
    let text = r#"{"_placeholder":true,"num":0}"#;
    let shapes: [(Value, &[&'static [u8]], Value); 7] = [
        (json!([place(0)]), &[b"\x01\x02\x03\x04"], json!([binary(b"\x01\x02\x03\x04")])),
        (
            json!([{ "a": [place(0), 1, { "b": place(1) }] }, place(2), "end"]),
            &[b"\x00", b"\xff\xfe", b"ascii"],
            json!([{ "a": [binary(b"\x00"), 1, { "b": binary(b"\xff\xfe") }] }, binary(b"ascii"), "end"]),
        ),
        // In another order than that of the placeholders.
        (
            json!([place(1), [place(0)]]),
            &[b"zero", b"one"],
            json!([binary(b"one"), [binary(b"zero")]]),
        ),
        // The same buffer: two attachments, or one for two places.
        (
            json!([place(0), place(1)]),
            &[b"\x09", b"\x09"],
            json!([binary(b"\x09"), binary(b"\x09")]),
        ),
        (json!([place(0), place(0)]), &[b"\x09"], json!([binary(b"\x09"), binary(b"\x09")])),
        (json!([place(0), place(1)]), &[b"", b"x"], json!([binary(b""), binary(b"x")])),
        (json!([text, place(0), [text]]), &[b"real"], json!([text, binary(b"real"), [text]])),
    ];
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        for (args, parts, expected) in &shapes {
            let number = host.ask_with(root, "echo", &args.to_string(), with(parts));
            assert_eq!(Value::from(filled(&host.event("echo").0)), *expected, "{args}");
            assert_eq!(Value::from(filled(&host.outcome(number).unwrap())), *expected, "{args}");
        }
        let plain = json!([text, { "text": text }]);
        assert_eq!(Value::from(host.answer(root, "echo", &plain.to_string())), plain);
        // As many as the default of both sides allows.
        let ten: Vec<Value> = (0..10).map(place).collect();
        let parts: [&'static [u8]; 10] = [b"part"; 10];
        let number = host.ask_with(root, "ack", &Value::from(ten).to_string(), with(&parts));
        assert_eq!(host.outcome(number).unwrap().attachments().len(), 10);
    });
}

pub fn conformance_62_the_server_sends_attachments_of_any_size(case: Case) {
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        for lengths in [vec![1], vec![0], vec![0, 1, 0], vec![125, 126, 127], vec![65_535, 65_536]]
        {
            root.emit("pushbin", &json!(lengths).to_string()).unwrap();
            let (payload, _) = host.event("pushbin");
            let pattern = |length: &usize| (0..*length).map(|i| i as u8).collect::<Vec<u8>>();
            let expected: Vec<Value> =
                lengths.iter().map(|length| binary(&pattern(length))).collect();
            assert_eq!(filled(&payload), expected);
        }
    });
}

pub fn conformance_63_text_binary_and_text_arrive_in_order(case: Case) {
    let mut host = case.host(case.shared());
    before_and_after_the_upgrade(case, &mut host, |host, root| {
        // One after the other, because python runs the handlers of several events at a time.
        for number in [10, 20, 30] {
            root.emit("mixed", &format!("[{number}]")).unwrap();
            let mut next = || {
                let event = |told: &Told| match told {
                    Told::Socket(_, SocketEvent::Event { payload, .. }) => {
                        Some((payload.name().to_owned(), filled(payload)))
                    }
                    _ => None,
                };
                host.until("an event", event)
            };
            let deep = json!({ "deep": [binary(&[0, 1]), binary(&[])] });
            assert_eq!(next(), ("text".to_owned(), vec![json!(number)]));
            assert_eq!(next(), ("binary".to_owned(), vec![json!(number), deep]));
            assert_eq!(next(), ("text".to_owned(), vec![json!(number + 1)]));
        }
        // The other way.
        let number = host.ask(root, "echo", "[\"first\"]");
        root.emit_with("echo", &json!([place(0)]).to_string(), with(&[b"second"])).unwrap();
        root.emit("echo", "[\"third\"]").unwrap();
        assert_eq!(filled(&host.event("echo").0), [json!("first")]);
        assert_eq!(filled(&host.event("echo").0), [binary(b"second")]);
        assert_eq!(filled(&host.event("echo").0), [json!("third")]);
        host.outcome(number).unwrap();
    });
}

const EMITTERS: u8 = 4;
const EMITS: u8 = 25;

/// Many threads that emit as fast as they can: in two namespaces, each event with two attachments
/// that tell where they belong, text events between them. `answered` is told every answer.
fn emit_from_many_threads(
    sockets: [&Socket; 2],
    answered: impl Fn(Payload) + Clone + Send + Sync + 'static,
) {
    std::thread::scope(|scope| {
        for emitter in 0..EMITTERS {
            let (socket, answered) = (sockets[usize::from(emitter % 2)], answered.clone());
            scope.spawn(move || {
                for number in 0..EMITS {
                    let args = json!([emitter, number, place(0), { "in": place(1) }]).to_string();
                    let part = |index| Bytes::copy_from_slice(&[emitter, number, index]);
                    let attachments = vec![part(0), part(1)];
                    let options = EmitOptions { attachments, ..EmitOptions::default() };
                    let answered = answered.clone();
                    let told = move |outcome: Result<Payload, _>| answered(outcome.unwrap());
                    socket.emit_with_ack("ack", &args, options, told).unwrap();
                    socket.emit("silence", &json!([emitter, number]).to_string()).unwrap();
                }
            });
        }
    });
}

pub fn conformance_63_concurrent_emitters_mix_no_attachments(case: Case) {
    let mut host = case.host(case.shared());
    let (root, chat) = (host.joined("/"), host.joined("/chat"));
    let (tell, told) = channel();
    // With an upgrade this runs into it.
    emit_from_many_threads([&root, &chat], move |answer| tell.send(filled(&answer)).unwrap());
    let mut next = [0; EMITTERS as usize];
    for _ in 0..usize::from(EMITTERS) * usize::from(EMITS) {
        let answer = told.recv_timeout(PATIENCE).unwrap();
        let emitter = answer[0].as_u64().unwrap() as u8;
        let number = std::mem::replace(&mut next[usize::from(emitter)], 0) + 1;
        next[usize::from(emitter)] = number;
        let number = number - 1;
        let part = |index| binary(&[emitter, number, index]);
        assert_eq!(answer, [json!(emitter), json!(number), part(0), json!({ "in": part(1) })]);
    }
    assert_eq!(host.states("/", SocketState::Connected), 1, "{:#?}", host.log);
}

pub fn conformance_63_attachments_directly_follow_their_packet(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let sockets = ["/", "/chat"].map(|namespace| host.socket(namespace));
    sockets.iter().for_each(|socket| socket.connect(None).unwrap());
    let mut session = fake.open(case.via);
    session.join("/", "root");
    session.join("/chat", "chat");
    host.until_state("/chat", SocketState::Connected);
    let (root, chat) = (sockets[0].clone(), sockets[1].clone());
    let emitting = std::thread::spawn(move || emit_from_many_threads([&root, &chat], |_| {}));
    let (mut events, mut pongs) = (0, 0);
    while events < usize::from(EMITTERS) * usize::from(EMITS) * 2 {
        if events % 20 == pongs {
            session.send("2");
        }
        let text = session.recv_text();
        if text == "3" {
            pongs += 1;
            continue;
        }
        events += 1;
        let Some(rest) = text.strip_prefix("452-") else {
            assert!(text.starts_with("42"), "{text}");
            continue;
        };
        let args: Value = serde_json::from_str(&rest[rest.find('[').unwrap()..]).unwrap();
        let tag = |index: u8| {
            [1, 2].map(|at| args[at].as_u64().unwrap() as u8).into_iter().chain([index])
        };
        for index in [0, 1] {
            let part = next_message(&mut session, &mut pongs);
            assert_eq!(part, Packet::Binary(tag(index).collect()), "{text}");
        }
    }
    emitting.join().unwrap();
}

/// The next packet that is no pong: that belongs to Engine.IO and may stand anywhere.
fn next_message(session: &mut Session<'_>, pongs: &mut usize) -> Packet {
    loop {
        match session.recv() {
            Packet::Text(text) if text == "3" => *pongs += 1,
            message => return message,
        }
    }
}

pub fn conformance_64_a_bad_packet_is_a_parse_error_and_the_connection_is_made_anew(case: Case) {
    let one = r#"451-["a",{"_placeholder":true,"num":0}]"#;
    let none = r#"451-["a",{"_placeholder":true,"num":1}]"#;
    let bytes = || Packet::Binary(Bytes::from_static(b"\x01"));
    let bad = [
        (vec![Packet::text("4")], Code::SocketPacket),
        (vec![Packet::text("47")], Code::SocketPacket),
        (vec![Packet::text("42[]")], Code::SocketPacket),
        (vec![Packet::text("42[\"a\"")], Code::SocketPacket),
        (vec![Packet::text("42[\"connect\"]")], Code::SocketPacket),
        (vec![Packet::text("431{}")], Code::SocketPacket),
        (vec![Packet::text("45[\"a\"]")], Code::Attachments),
        (vec![Packet::text(one), Packet::text("42[\"b\"]")], Code::Attachments),
        (vec![Packet::text(none), bytes()], Code::Attachments),
        (vec![bytes()], Code::Attachments),
    ];
    let mut fake = Fake::start();
    for (packets, code) in bad {
        let mut host = Host::new(case.config(&fake.url()));
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut session = fake.open(case.via);
        session.join("/", "first");
        host.until_state("/", SocketState::Connected);
        session.send_all(&packets);
        let (cause, reason) = host.until_state("/", SocketState::Rejoining);
        assert_eq!(reason, Some(DisconnectReason::ParseError), "{packets:?}");
        assert_eq!(cause.map(|error| error.code()), Some(code), "{packets:?}");
        drop(session);
        fake.open(case.via).join("/", "second");
        assert_eq!(host.until_joined("/"), "second");
    }
}

pub fn conformance_64_what_follows_a_bad_packet_is_not_told(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "first");
    host.until_state("/", SocketState::Connected);
    session.send_all(&["42[\"before\"]", "42[]", "42[\"behind\"]"].map(Packet::text));
    host.event("before");
    host.until_state("/", SocketState::Rejoining);
    drop(session);
    let mut session = fake.open(case.via);
    session.join("/", "second");
    session.send("42[\"end\"]");
    host.event("end");
    let events = |told: &Told| matches!(told, Told::Socket(_, SocketEvent::Event { .. }));
    assert_eq!(host.count(events), 2);
}

pub fn conformance_64_a_bad_packet_of_a_server_costs_one_connection(case: Case) {
    let mut host = case.host(case.shared());
    let (root, chat) = (host.joined("/"), host.joined("/chat"));
    root.emit("raw", r#"["2[\"disconnect\"]"]"#).unwrap();
    host.until_state("/chat", SocketState::Connected);
    for namespace in ["/", "/chat"] {
        let reasons = |told: &Told| {
            matches!(told, Told::Socket(name, SocketEvent::State { reason, .. })
                if *name == namespace && *reason == Some(DisconnectReason::ParseError))
        };
        assert_eq!(host.count(reasons), 1, "{namespace}");
    }
    assert!(host.answer(&chat, "ack", "[]").is_empty());
    assert!(host.answer(&root, "ack", "[]").is_empty());
}

pub fn conformance_64_too_many_attachments_are_refused_both_ways(case: Case) {
    let eleven: Vec<Value> = (0..11).map(place).collect();
    let eleven = Value::from(eleven).to_string();
    let parts = || with(&[b"part".as_slice(); 11]);
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let refused = root.emit_with("ack", &eleven, parts()).unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::TooLarge, "more than 10 attachments"));
    let refused = root.emit_with_ack("ack", &eleven, parts(), |_| panic!("it was refused"));
    assert_eq!(refused.unwrap_err().code(), Code::TooLarge);
    root.emit("ask", "[]").unwrap();
    let token = host.event("question").1.unwrap();
    let refused = root.ack_binary(token, &eleven, parts().attachments);
    assert_eq!(refused.unwrap_err().code(), Code::TooLarge);
    root.ack(token, "[\"still open\"]").unwrap();
    assert_eq!(values(&host.event("answered").0), [json!("still open")]);
    // A server may send more than it takes.
    root.emit("pushbin", &json!(vec![1; 11]).to_string()).unwrap();
    assert_eq!(host.event("pushbin").0.attachments().len(), 11);
    assert_eq!(host.states("/", SocketState::Connected), 1);

    // Beyond the limits: the server closes the connection, and so does the client.
    let mut config = case.config(&case.shared().url());
    (config.common.limits.outbound_attachments, config.common.limits.inbound_attachments) = (11, 3);
    let mut host = Host::new(config);
    let root = host.joined("/");
    root.emit_with("silence", &eleven, parts()).unwrap();
    let (_, reason) = host.until_state("/", SocketState::Rejoining);
    assert_ne!(reason, Some(DisconnectReason::ParseError), "it is the server's refusal");
    host.until_state("/", SocketState::Connected);
    root.emit("pushbin", "[1,1,1]").unwrap();
    assert_eq!(host.event("pushbin").0.attachments().len(), 3);
    root.emit("pushbin", "[1,1,1,1]").unwrap();
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::ParseError));
    let cause = cause.unwrap();
    assert_eq!(cause.code(), Code::Attachments);
    assert!(cause.message().contains('3') || cause.message().contains('4'), "{cause}");
    host.until_state("/", SocketState::Connected);
}
