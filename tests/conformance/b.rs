//! Section B: Engine.IO handshake and codec. Items 22 to 24 are in `refusals.rs`.

mod refusals;

use std::thread;
use std::time::Duration;

use bytes::Bytes;
use refusals::*;
use roamio::client::{DisconnectReason, EmitOptions, Socket, SocketEvent, SocketState};
use roamio::config::{Opening, Revision};
use roamio::error::Code;
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::{Fake, Open, Peer, Request};
use crate::host::{Host, Told, values};
use crate::server::Server;

items! {
    11 "Encoding vectors pass both ways, malformed ones as stated" asks [Local] {
        elsewhere "tests/codec/payload.rs" conformance_11_vectors_of_revision_4_pass_both_ways on [Local] over [];
        elsewhere "tests/codec/payload.rs" conformance_11_vectors_of_revision_3_pass_both_ways on [Local] over [];
        elsewhere "tests/codec/payload.rs" conformance_11_malformed_vectors_give_the_stated_result on [Local] over [];
    }
    12 "Packets behind the open packet are processed in order" asks [V2] {
        test conformance_12_a_server_2_joins_the_root_with_the_handshake on [V2] over all;
        test conformance_12_events_behind_the_open_packet_come_in_order on [Fake] over all;
    }
    13 "Handshake: unknown keys, missing maxPayload, missing or bad sid" asks [V3 Fake] {
        test conformance_13_a_handshake_without_max_payload_is_accepted on [V3] over all;
        test conformance_13_unknown_keys_are_ignored on [Fake] over all;
        test conformance_13_a_bad_handshake_fails_the_attempt_and_the_next_one_works on [Fake] over all;
    }
    14 "Multibyte and astral characters; UTF-16 lengths" asks all {
        test conformance_14_text_of_all_planes_survives_both_ways on all over all;
    }
    15 "Binary of every length and value, mixed with text" asks [V2 V3 V4 Uvicorn Aiohttp Oxide] {
        test conformance_15_binary_of_every_length_and_value_survives_both_ways on all over all;
        test conformance_15_binary_and_text_keep_their_order on all over all;
    }
    16 "Revision 3 poll response as octets, and as base64" asks [V2 V4e] {
        test conformance_16_binary_is_polled_as_octets_and_as_base64 on [V2 V4e] over [Polling];
        not [V2 V4e] over [Websocket Upgrade] "it is about polling; 14 and 15 send binary while upgrading";
    }
    17 "Base64 forced on WebSocket" asks [V2 V4] {
        test conformance_17_forced_base64_survives_both_ways on [V2 V4] over all;
        test conformance_17_forced_base64_is_text_on_a_websocket on [Fake] over [Websocket Upgrade];
    }
    18 "One POST takes what fits maxPayload; 413 is told" asks [V4] {
        test conformance_18_posts_are_filled_up_to_the_limit on [V4] over [Polling];
        test conformance_18_a_packet_above_the_limit_is_sent_and_its_refusal_told on [V4] over [Polling];
        not [V4] over [Websocket Upgrade] "WebSocket has a message for every packet; 19 has the limit there";
    }
    19 "Oversized WebSocket message: transport close, 1009" asks [V2 V4] {
        test conformance_19_a_message_above_the_limit_closes_with_1009 on [V2 V4] over [Websocket Upgrade];
        not [V2 V4] over [Polling] "18 has the limit of polling";
    }
    20 "Never two GETs or two POSTs in flight" asks [Fake V4] {
        test conformance_20_one_get_and_one_post_whatever_the_threads_do on [Fake] over [Polling];
        test conformance_20_emits_of_many_threads_cost_no_session on [V4] over all;
        not [Fake] over [Websocket Upgrade] "a WebSocket has no requests, and an upgrade adds none";
    }
    21 "POSTs have Content-Length" asks [Uvicorn Aiohttp Fake] {
        test conformance_21_posts_have_their_length_and_are_not_chunked on [Uvicorn Aiohttp] over [Polling Upgrade];
        test conformance_21_the_length_is_that_of_the_body on [Fake] over [Polling];
        not [Uvicorn Aiohttp] over [Websocket] "nothing is posted";
        not [Fake] over [Websocket Upgrade] "posts are the same until the upgrade, then there are none";
    }
    22 "Unknown sid: status 400, code 1" asks [V4 Oxide Uvicorn Aiohttp] {
        test conformance_22_an_unknown_session_is_told_on_polling on [V4 Oxide Uvicorn Aiohttp] over [Polling];
        test conformance_22_an_unknown_session_is_told_on_websocket on [V4 Oxide Uvicorn Aiohttp] over [Upgrade];
        not [V4 Oxide Uvicorn Aiohttp] over [Websocket] "without polling no request has a sid";
    }
    23 "Refusals by version and by the application" asks [V3 V4] {
        test conformance_23_a_refused_revision_is_told on [V3 V4] over all;
        test conformance_23_a_refusal_of_the_application_has_its_text on [V3 V4] over [Polling Websocket];
        not [V3 V4] over [Upgrade] "opens like polling, then tries WebSocket, which is 39";
    }
    24 "The wrong revision fails with an error of its own" asks [V2 V4] {
        test conformance_24_the_wrong_revision_is_an_error_of_its_own on [V2 V4] over all;
        test conformance_24_auto_finds_the_revision on [V2 V4 V4e] over all;
    }
}

/// A server that tells every request.
fn telling(case: Case) -> Server {
    case.start(json!({ "log": ["request"] }))
}

/// The requests that a server told.
fn requests(server: &Server) -> Vec<Value> {
    server.log().into_iter().filter(|line| line["log"] == "request").collect()
}

/// A client of a scripted server, which may speak revision 3.
fn client(case: Case, fake: &Fake, revision: Revision) -> Host {
    let mut config = case.config(&fake.url());
    config.common.transports.revision = revision;
    Host::new(config)
}

/// Run something on the transport that the connection opens with, and again after the upgrade.
fn before_and_after(case: Case, host: &mut Host, mut test: impl FnMut(&mut Host)) {
    test(host);
    if case.via == Via::Upgrade {
        host.until_over(case.via.last());
        test(host);
    }
}

fn conformance_12_a_server_2_joins_the_root_with_the_handshake(case: Case) {
    let server = case.start(json!({ "log": ["packet"] }));
    let mut host = case.host(&server);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let id = host.until_joined("/");
    assert_eq!(host.answer(&root, "who", "[]")[0], id);
    let connects = server.count(|line| line["log"] == "packet" && line["data"] == "0");
    assert_eq!(connects, 0, "nothing was sent to join");
}

fn conformance_12_events_behind_the_open_packet_come_in_order(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, Revision::V3);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let request = fake.handshake();
    let open = Open { revision_3: true, upgrades: Vec::new(), ..Open::default() }.packet();
    let packets = [open.as_str(), "40", "42[\"one\"]", "42[\"two\"]", "42[\"three\"]"];
    let mut peer = None;
    if request.is_websocket() {
        let peer = peer.insert(request.upgrade());
        packets.iter().for_each(|packet| peer.send(packet));
    } else {
        let payload: String =
            packets.iter().map(|packet| format!("{}:{packet}", packet.len())).collect();
        request.ok(&payload);
    }
    host.until_state("/", SocketState::Connected);
    for name in ["one", "two", "three"] {
        let next = host.until("an event", |told| match told {
            Told::Socket(_, SocketEvent::Event { payload, .. }) => Some(payload.name().to_owned()),
            _ => None,
        });
        assert_eq!(next, name);
    }
}

fn conformance_13_a_handshake_without_max_payload_is_accepted(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        assert_eq!(host.answer(&root, "ack", "[1]"), [json!(1)]);
    });
}

/// Answer a handshake with an open packet of any content. What it is answered on stays open with the
/// value.
fn open_with(request: Request, packet: &str) -> Option<Peer> {
    if request.is_websocket() {
        let mut peer = request.upgrade();
        peer.send(packet);
        return Some(peer);
    }
    request.ok(packet);
    None
}

fn conformance_13_unknown_keys_are_ignored(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, Revision::V4);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let request = fake.handshake();
    let websocket = open_with(
        request,
        r#"0{"new":{"sid":[1,null]},"pingTimeout":20000,"sid":"known","more":1.5e3,"pingInterval":25000,"upgrades":["carrier pigeon"],"":""}"#,
    );
    if let Some(mut peer) = websocket {
        peer.expect("40");
        peer.send("40{\"sid\":\"id\"}");
        assert_eq!(host.until_joined("/"), "id");
    } else {
        let post = fake.post();
        assert_eq!((post.text(), post.query("sid")), ("40", Some("known")));
        post.ok("ok");
        fake.poll().ok("40{\"sid\":\"id\"}");
        assert_eq!(host.until_joined("/"), "id");
    }
}

fn conformance_13_a_bad_handshake_fails_the_attempt_and_the_next_one_works(case: Case) {
    for (packet, code) in [
        ("0{\"pingInterval\":25000,\"pingTimeout\":20000,\"upgrades\":[]}", Code::Handshake),
        (
            "0{\"sid\":7,\"pingInterval\":25000,\"pingTimeout\":20000,\"upgrades\":[]}",
            Code::Handshake,
        ),
        (
            "0{\"sid\":\"\",\"pingInterval\":25000,\"pingTimeout\":20000,\"upgrades\":[]}",
            Code::Handshake,
        ),
        ("0not JSON", Code::Handshake),
        ("0", Code::Handshake),
        ("0[]", Code::Handshake),
        ("40{\"sid\":\"id\"}", Code::Handshake),
        ("<html>welcome</html>", Code::EnginePacket),
    ] {
        let mut fake = Fake::start();
        let mut config = case.config(&fake.url());
        // One attempt has one handshake.
        config.common.transports.opening = Opening::First;
        let mut host = Host::new(config);
        let socket = host.socket("/");
        socket.connect(None).unwrap();
        let refused = open_with(fake.handshake(), packet);
        let (attempt, error) = host.until_retry();
        assert_eq!((attempt, error.code()), (1, code), "{packet}: {error}");
        assert_eq!(socket.state(), SocketState::Joining);
        drop(refused);
        fake.open(if case.via == Via::Upgrade { Via::Polling } else { case.via }).join("/", "id");
        assert_eq!(host.until_joined("/"), "id");
    }
}

/// One, two, three and four bytes of UTF-8; characters of two units of UTF-16, alone, at the edges and
/// joined; what JSON escapes, and what JavaScript treats as the end of a line.
const TEXTS: [&str; 12] = [
    "plain",
    "é",
    "€",
    "😀",
    "e\u{301}",
    "€😀é",
    "👨‍👩‍👧‍👦 family",
    "\u{10ffff}\u{10000}\u{ffff}\u{7ff}\u{80}\u{7f}",
    "\u{1e}\u{0}\u{1f}\"\\/",
    "\u{2028}\u{2029}\u{feff}",
    "你好，世界",
    "",
];

fn conformance_14_text_of_all_planes_survives_both_ways(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        // All at once, so that they share bodies.
        let asked: Vec<u32> = TEXTS
            .iter()
            .map(|text| host.ask(&root, "ack", &json!([text, { "é😀": text }]).to_string()))
            .collect();
        for (text, number) in TEXTS.iter().zip(asked) {
            let back = values(&host.outcome(number).unwrap());
            assert_eq!(back, [json!(text), json!({ "é😀": text })]);
        }
        for text in TEXTS {
            root.emit_json("echo", &(text,)).unwrap();
        }
        for text in TEXTS {
            assert_eq!(values(&host.event("echo").0), [json!(text)]);
        }
    });
}

/// As the standard test server makes them.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| at as u8).collect()
}

const LENGTHS: [usize; 5] = [0, 1, 255, 256, 65_536];

fn conformance_15_binary_of_every_length_and_value_survives_both_ways(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        let mut asked = Vec::new();
        for length in LENGTHS {
            let bytes: Bytes = pattern(length).iter().rev().copied().collect();
            let args = r#"["before",{"deep":[{"_placeholder":true,"num":0}]},"after"]"#;
            let attachments = vec![bytes.clone()];
            let options = EmitOptions { attachments, ..EmitOptions::default() };
            asked.push((host.ask_with(&root, "ack", args, options), bytes));
        }
        for (number, bytes) in asked {
            let back = host.outcome(number).unwrap();
            assert_eq!((back.len(), back.attachments()), (3, &[bytes][..]));
        }
        root.emit_json("pushbin", &LENGTHS).unwrap();
        let (pushed, _) = host.event("pushbin");
        assert_eq!(pushed.attachments(), LENGTHS.map(pattern));
    });
}

fn conformance_15_binary_and_text_keep_their_order(case: Case) {
    const PLACE: &str = r#"[{"_placeholder":true,"num":0}]"#;
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        for number in 0..10u8 {
            root.emit_json("echo", &(number,)).unwrap();
            root.emit_binary("echo", PLACE, vec![Bytes::from(vec![number])]).unwrap();
        }
        for number in 0..10u8 {
            assert_eq!(values(&host.event("echo").0), [json!(number)]);
            assert_eq!(host.event("echo").0.attachments(), [Bytes::from(vec![number])]);
        }
        // The same from the server, on its own account.
        root.emit("mixed", "[7]").unwrap();
        let mut names = Vec::new();
        while names.len() < 3 {
            let (name, attachments) = host.until("an event", |told| match told {
                Told::Socket(_, SocketEvent::Event { payload, .. }) => {
                    Some((payload.name().to_owned(), payload.attachments().to_vec()))
                }
                _ => None,
            });
            let expected = if name == "binary" { vec![pattern(2), pattern(0)] } else { Vec::new() };
            assert_eq!(attachments, expected);
            names.push(name);
        }
        assert_eq!(names, ["text", "binary", "text"]);
    });
}

fn conformance_16_binary_is_polled_as_octets_and_as_base64(case: Case) {
    let server = telling(case);
    for force in [false, true] {
        let mut config = case.config(&server.url());
        config.common.transports.force_base64 = force;
        let before = requests(&server).len();
        let mut host = Host::new(config);
        let root = host.joined("/");
        root.emit_json("pushbin", &LENGTHS).unwrap();
        let (pushed, _) = host.event("pushbin");
        assert_eq!(pushed.attachments(), LENGTHS.map(pattern));
        // The server decides by this what it sends.
        let b64 = |request: &Value| request["query"]["b64"] == "1";
        assert!(requests(&server)[before..].iter().all(|request| b64(request) == force));
        host.manager.close();
        root.close();
        server.until_count("the end", 1 + usize::from(force), |line| line["log"] == "close");
    }
}

fn conformance_17_forced_base64_survives_both_ways(case: Case) {
    let server = telling(case);
    let mut config = case.config(&server.url());
    config.common.transports.force_base64 = true;
    let mut host = Host::new(config);
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        let args = r#"[{"_placeholder":true,"num":0}]"#;
        for length in LENGTHS {
            root.emit_binary("echo", args, vec![pattern(length)]).unwrap();
            assert_eq!(host.event("echo").0.attachments(), [pattern(length)]);
        }
    });
    assert!(requests(&server).iter().all(|request| request["query"]["b64"] == "1"));
}

fn conformance_17_forced_base64_is_text_on_a_websocket(case: Case) {
    for revision in [Revision::V3, Revision::V4] {
        let mut fake = Fake::start();
        let mut config = case.config(&fake.url());
        config.common.transports.revision = revision;
        config.common.transports.force_base64 = true;
        let mut host = Host::new(config);
        let root = host.socket("/");
        root.connect(None).unwrap();
        let revision_3 = revision == Revision::V3;
        let mut session = fake.open_with(case.via, Open { revision_3, ..Open::default() });
        if revision_3 {
            session.send("40");
        } else {
            session.join("/", "id");
        }
        host.until_state("/", SocketState::Connected);
        let mut peer = session.into_peer();
        let args = r#"[{"_placeholder":true,"num":0}]"#;
        root.emit_binary("event", args, vec![Bytes::from_static(&[1, 2, 3, 4])]).unwrap();
        peer.expect(r#"451-["event",{"_placeholder":true,"num":0}]"#);
        let base64 = if revision_3 { "b4AQIDBA==" } else { "bAQIDBA==" };
        peer.expect(base64);
        peer.send(r#"451-["event",{"_placeholder":true,"num":0}]"#);
        peer.send(base64);
        assert_eq!(host.event("event").0.attachments(), [Bytes::from_static(&[1, 2, 3, 4])]);
    }
}

/// A server that takes 1,000 bytes at once, and a client that polls.
fn narrow(case: Case) -> (Server, Host, Socket) {
    let server = case.start(json!({ "log": ["request"], "maxHttpBufferSize": 1_000 }));
    let host = case.host(&server);
    let root = host.socket("/");
    (server, host, root)
}

fn conformance_18_posts_are_filled_up_to_the_limit(case: Case) {
    let (server, mut host, root) = narrow(case);
    // They wait for the connection, and are due all at once.
    let filler = "x".repeat(200);
    for number in 0..40 {
        root.emit_json("mark", &("run", number, &filler)).unwrap();
    }
    root.connect(None).unwrap();
    let ledger = host.answer(&root, "ledger", "[\"run\"]");
    assert_eq!(ledger[0], json!((0..40).collect::<Vec<u32>>()));
    let lengths: Vec<u64> = requests(&server)
        .iter()
        .filter_map(|request| request["headers"]["content-length"].as_str()?.parse().ok())
        .filter(|length| *length > 200)
        .collect();
    assert!(lengths.iter().all(|length| *length <= 1_000), "{lengths:?}");
    // Four of 223 bytes and their separators fit, five do not.
    assert_eq!(lengths.len(), 10, "{lengths:?}");
}

fn conformance_18_a_packet_above_the_limit_is_sent_and_its_refusal_told(case: Case) {
    let (server, mut host, root) = narrow(case);
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    root.emit_json("mark", &("run", 0, "x".repeat(2_000))).unwrap();
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::TransportError));
    assert_eq!(cause.unwrap().http_status(), Some(413));
    // It is not sent again.
    host.until_state("/", SocketState::Connected);
    let ledger = host.answer(&root, "ledger", "[\"run\"]");
    assert_eq!(ledger[0], json!([]));
    let oversized = |request: &&Value| {
        let length = request["headers"]["content-length"].as_str();
        length.is_some_and(|length| length.parse::<u64>().unwrap() > 1_000)
    };
    assert_eq!(requests(&server).iter().filter(oversized).count(), 1);
}

fn conformance_19_a_message_above_the_limit_closes_with_1009(case: Case) {
    let (_server, mut host, root) = narrow(case);
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    host.until_over(case.via.last());
    root.emit_json("silence", &("x".repeat(2_000),)).unwrap();
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::TransportClose));
    assert_eq!(cause.unwrap().close_code(), Some(1009));
    host.until_state("/", SocketState::Connected);
}

const THREADS: u32 = 8;

/// Emit numbers from many threads at once, and wait until all have.
fn emit_from_threads(root: &Socket, each: u32) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..each {
                    root.emit_json("mark", &(format!("thread {thread}"), number)).unwrap();
                }
            });
        }
    });
}

fn conformance_20_one_get_and_one_post_whatever_the_threads_do(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, Revision::V4);
    let root = host.socket("/");
    root.connect(None).unwrap();
    fake.open(case.via).join("/", "id");
    host.until_state("/", SocketState::Connected);
    let emitting = thread::spawn({
        let root = root.clone();
        move || emit_from_threads(&root, 50)
    });
    let get = fake.poll();
    let mut events = 0;
    while events < 8 * 50 {
        let post = fake.post();
        // While they wait nothing else comes, on whatever connection.
        let other = fake.within(Duration::from_millis(10), |_| true);
        assert!(other.is_none(), "{other:?} beside {post:?}");
        events += post.text().split('\x1e').count();
        post.ok("ok");
    }
    emitting.join().unwrap();
    get.ok("6");
    let _next = fake.poll();
    assert!(fake.within(Duration::from_millis(50), |_| true).is_none());
}

/// The server destroys a session at the second GET or POST.
fn conformance_20_emits_of_many_threads_cost_no_session(case: Case) {
    let server = case.start(json!({}));
    let mut host = case.host(&server);
    let root = host.joined("/");
    emit_from_threads(&root, 100);
    for thread in 0..THREADS {
        let ledger = host.answer(&root, "ledger", &json!([format!("thread {thread}")]).to_string());
        assert_eq!(ledger[0], json!((0..100).collect::<Vec<u32>>()));
    }
    assert_eq!(host.states("/", SocketState::Connected), 1);
    assert_eq!(host.states("/", SocketState::Rejoining), 0);
}

fn conformance_21_posts_have_their_length_and_are_not_chunked(case: Case) {
    let server = telling(case);
    let mut host = case.host(&server);
    let root = host.joined("/");
    for number in 0..5 {
        assert_eq!(host.answer(&root, "ack", &format!("[{number}]")), [json!(number)]);
    }
    let posts: Vec<Value> =
        requests(&server).into_iter().filter(|request| request["method"] == "POST").collect();
    assert!(!posts.is_empty());
    for post in posts {
        let length = post["headers"]["content-length"].as_str().expect("Content-Length");
        assert!(length.parse::<u32>().unwrap() > 0);
        assert_eq!(post["headers"]["transfer-encoding"], Value::Null);
    }
}

fn conformance_21_the_length_is_that_of_the_body(case: Case) {
    let mut fake = Fake::start();
    let host = client(case, &fake, Revision::V4);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let request = fake.handshake();
    assert_eq!(request.header("content-length"), None);
    request.ok(&Open::default().packet());
    for _ in 0..3 {
        let post = fake.post();
        let length = post.header("content-length").expect("Content-Length");
        assert_eq!(length.parse(), Ok(post.body.len()));
        assert_eq!(post.header("transfer-encoding"), None);
        assert_eq!(post.header("content-type"), Some("text/plain;charset=UTF-8"));
        let connect = post.text() == "40";
        post.ok("ok");
        if connect {
            fake.poll().ok("40{\"sid\":\"id\"}");
        }
        root.emit("event", "[\"€😀\"]").unwrap();
    }
}
