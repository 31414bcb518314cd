//! Section E: Namespaces and connection. Item 53 is in `hazard.rs`.

mod hazard;
mod refused;

use std::time::Duration;

use hazard::*;
use refused::*;
use roamio::client::{DisconnectReason, ManagerState, Socket, SocketEvent, SocketState};
use roamio::config::{Revision, SocketOptions};
use roamio::error::Code;
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::Fake;
use crate::host::{Host, Told};
use crate::relay::Relay;
use crate::server::{Kind, Server};

items! {
    41 "Connect to `/`: told once, same id on both sides" asks all {
        test conformance_41_connect_is_told_once_with_the_id_of_the_server
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    42 "Two namespaces share one connection" asks all {
        test conformance_42_two_namespaces_share_one_connection
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    43 "A further namespace later, and after the first was closed" asks all {
        test conformance_43_a_further_namespace_joins_later on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_43_a_namespace_joins_after_the_first_was_closed
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    44 "Lookup: what is shared and what is not" asks [V4 Local] {
        test conformance_44_looked_up_sockets_share_a_connection_where_they_can on [V4] over all;
        elsewhere "src/client/registry.rs"
            conformance_44_namespaces_of_one_server_share_a_manager_and_other_servers_do_not on [Local] over [];
    }
    45 "The same socket for the same name, one CONNECT" asks [V4 Fake] {
        test conformance_45_a_namespace_has_one_socket_and_one_connect on [V4] over all;
        test conformance_45_asking_again_sends_nothing on [Fake] over all;
    }
    46 "Nothing is sent before connect()" asks all {
        test conformance_46_nothing_is_sent_before_connect on all over all;
    }
    47 "Auth payload, static and asked anew" asks [V3 V4 Uvicorn Aiohttp Oxide] {
        test conformance_47_the_auth_payload_arrives on [V3 V4 Uvicorn Aiohttp Oxide] over all;
        test conformance_47_the_auth_payload_is_asked_for_on_every_connection on [V3 V4 Uvicorn Aiohttp Oxide] over all;
    }
    48 "Revision 3: namespace query, no CONNECT for `/`" asks [V2 V4e] {
        test conformance_48_the_query_of_a_namespace_arrives_and_the_root_is_never_asked_for
            on [V2 V4e] over all;
    }
    49 "Refused namespace: message, data, no retry, siblings unaffected" asks [V2 V3 V4 Uvicorn Aiohttp] {
        test conformance_49_a_refusal_has_the_words_and_data_of_the_server
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_49_a_refused_socket_rests_until_it_connects_again
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    50 "Unknown namespace" asks [V2 V3 V4 Oxide Uvicorn Aiohttp] {
        test conformance_50_an_unknown_namespace_is_refused on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    51 "CONNECT never answered" asks [Fake] {
        test conformance_51_a_connect_without_an_answer_is_an_error_in_time on [Fake] over all;
    }
    52 "CONNECT reply without sid: version mismatch" asks [Fake V2] {
        test conformance_52_a_reply_without_sid_is_a_mismatch_of_versions on [Fake] over all;
        test conformance_52_a_server_of_version_2_is_recognised on [V2] over [Websocket];
        not [V2] over [Polling Upgrade] "a polling body of revision 3 is refused before any reply (24)";
    }
    53 "Hazard 004: the six rules" asks [V2 V4 V4e Uvicorn Aiohttp Oxide] {
        test conformance_53_connect_and_disconnect_before_the_connection_is_open
            on [V2 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_53_connect_and_disconnect_while_the_reply_is_pending
            on [V2 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_53_disconnect_and_connect_while_the_reply_is_pending
            on [V2 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_53_disconnect_and_connect_of_a_joined_namespace
            on [V2 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_53_two_hundred_toggles_a_second_for_ten_seconds
            on [V2 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_53_the_wire_sees_no_packet_out_of_place on [Fake] over all;
        test conformance_53_the_server_cuts_off_what_the_reference_client_does on [V4] over [Websocket];
    }
    54 "One of two leaves: engine stays; the last one leaves: engine closes" asks all {
        test conformance_54_the_connection_lives_as_long_as_a_namespace
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    55 "Revision 3: `/` is detached locally and comes back" asks [V2] {
        test conformance_55_the_root_leaves_and_comes_back_without_a_packet on [V2 V4e] over all;
    }
    56 "Kicked out of one namespace" asks all {
        test conformance_56_a_kick_ends_one_namespace_until_it_connects_again
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    57 "disconnect() while opening tells nothing" asks all {
        test conformance_57_disconnect_while_opening_tells_nothing
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    58 "The id is gone after a disconnect, and new after a reconnect" asks all {
        test conformance_58_a_new_connection_has_a_new_id on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
}

/// The handshake as the server saw it.
fn handshake(host: &mut Host, socket: &Socket) -> Value {
    host.answer(socket, "handshake", "[]").remove(0)
}

/// Nothing was lost: one connection from the first to the last.
fn assert_one_connection(host: &mut Host) {
    assert_eq!(host.manager_states(ManagerState::Connected), 1, "{:#?}", host.log);
    assert_eq!(host.manager_states(ManagerState::Reconnecting), 0, "{:#?}", host.log);
}

/// Wait for a socket to rest; gives the reason.
fn until_idle(host: &mut Host, namespace: &str) -> Option<DisconnectReason> {
    host.until_state(namespace, SocketState::Idle).1
}

fn conformance_41_connect_is_told_once_with_the_id_of_the_server(case: Case) {
    for namespace in ["/", "/chat"] {
        let mut host = case.host(case.shared());
        let socket = host.socket(namespace);
        socket.connect(None).unwrap();
        let id = host.until_joined(namespace);
        assert_eq!(host.answer(&socket, "who", "[]")[0], id);
        assert_eq!(host.states(namespace, SocketState::Connected), 1);
    }
}

fn conformance_42_two_namespaces_share_one_connection(case: Case) {
    let mut host = case.host(case.shared());
    let sockets = ["/", "/chat"].map(|namespace| {
        let socket = host.socket(namespace);
        socket.connect(None).unwrap();
        socket
    });
    let mut ids = [String::new(), String::new()];
    while ids.iter().any(String::is_empty) {
        host.until("both ids", |told| match told {
            Told::Socket(name, SocketEvent::State { socket_sid: Some(id), .. }) => {
                ids[usize::from(*name != "/")] = id.to_string();
                Some(())
            }
            _ => None,
        });
    }
    let seen = sockets.each_ref().map(|socket| handshake(&mut host, socket));
    assert_eq!(seen[0]["engine"], seen[1]["engine"]);
    if case.kind != Kind::Oxide {
        // There every namespace has the id of the connection.
        assert_ne!(ids[0], ids[1]);
    }
    assert_eq!([&seen[0]["id"], &seen[1]["id"]], [&json!(ids[0]), &json!(ids[1])]);
    // What is said in one is heard in one.
    sockets[1].emit("echo", "[\"chat\"]").unwrap();
    host.answer(&sockets[1], "ack", "[]");
    host.answer(&sockets[0], "ack", "[]");
    let heard = |wanted| move |told: &Told| matches!(told, Told::Socket(name, SocketEvent::Event { .. }) if *name == wanted);
    assert_eq!((host.count(heard("/")), host.count(heard("/chat"))), (0, 1));
    assert_one_connection(&mut host);
}

fn conformance_43_a_further_namespace_joins_later(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    if case.via == Via::Upgrade {
        host.until_transport(case.via.last());
    }
    let chat = host.joined("/chat");
    assert_eq!(handshake(&mut host, &root)["engine"], handshake(&mut host, &chat)["engine"]);
    assert_one_connection(&mut host);
}

fn conformance_43_a_namespace_joins_after_the_first_was_closed(case: Case) {
    let mut host = case.host(case.shared());
    let chat = host.joined("/chat");
    let engine = handshake(&mut host, &chat)["engine"].clone();
    chat.close();
    host.until_manager(ManagerState::Idle);
    let admin = host.joined("/admin");
    assert_ne!(handshake(&mut host, &admin)["engine"], engine, "a connection of its own");
    // A name that was closed can be used again.
    let chat = host.joined("/chat");
    assert_eq!(handshake(&mut host, &chat)["engine"], handshake(&mut host, &admin)["engine"]);
}

fn conformance_44_looked_up_sockets_share_a_connection_where_they_can(case: Case) {
    use roamio::client::{Lookup, Registry};
    let server = case.start(json!({}));
    let registry = Registry::new();
    let (tell, told) = std::sync::mpsc::channel();
    let find = |url: &str, multiplex: bool| {
        let lookup = Lookup { config: case.config(&server.url()), multiplex, ..Lookup::default() };
        let tell = tell.clone();
        let events = move |event: SocketEvent| {
            if let SocketEvent::State { socket_sid: Some(_), .. } = event {
                let _ = tell.send(());
            }
        };
        let found = registry.socket(url, lookup, events).unwrap();
        found.1.connect(None).unwrap();
        told.recv_timeout(crate::server::PATIENCE).expect("it joins");
        found
    };
    let open = |line: &Value| line["log"] == "open";
    let opened = |wanted| {
        server.until_count("a connection", wanted, open);
        server.count(open)
    };
    let _root = find(&server.url(), true);
    let _chat = find(&format!("{}/chat?another=query", server.url()), true);
    assert_eq!(opened(1), 1, "another namespace shares the connection");
    let _again = find(&format!("{}/chat?another=query", server.url()), true);
    assert_eq!(opened(2), 2, "the same namespace does not");
    let _own = find(&format!("{}/admin", server.url()), false);
    assert_eq!(opened(3), 3, "who wants a connection of his own has one");
    let _admin = find(&format!("{}/admin", server.url()), true);
    assert_eq!(opened(3), 3, "and others do not share it");
    server.until_count("five joins", 5, |line| line["log"] == "join");
}

fn conformance_45_a_namespace_has_one_socket_and_one_connect(case: Case) {
    let server = case.start(json!({ "log": ["packet"] }));
    let mut host = case.host(&server);
    assert!(host.manager.existing("/").is_none());
    let root = host.socket("/");
    let same = host.manager.existing("/").expect("the same socket");
    // Its events belong to the first one, so there is no second.
    let second = host.manager.socket("/", |_| {}).unwrap_err();
    assert_eq!(second.code(), Code::InvalidState);
    for _ in 0..3 {
        root.connect(None).unwrap();
    }
    host.until_state("/", SocketState::Connected);
    root.connect(None).unwrap();
    same.connect(None).unwrap();
    host.answer(&root, "ack", "[]");
    let connects = |line: &Value| {
        line["log"] == "packet" && line["data"].as_str().is_some_and(|data| data.starts_with('0'))
    };
    server.until_count("CONNECT", 1, connects);
    assert_eq!(server.count(connects), 1);
    // One that rests connects again.
    root.disconnect().unwrap();
    until_idle(&mut host, "/");
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    server.until_count("CONNECT", 2, connects);
    assert_eq!(server.count(connects), 2);
}

fn conformance_45_asking_again_sends_nothing(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    root.connect(Some("{\"second\":1}")).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    root.connect(None).unwrap();
    root.emit("last", "[]").unwrap();
    session.expect("42[\"last\"]");
}

fn conformance_46_nothing_is_sent_before_connect(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.socket("/");
    root.emit("echo", "[\"early\"]").unwrap();
    // What does not come cannot be awaited.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(relay.accepted(), 0);
    root.connect(None).unwrap();
    let (echo, _) = host.event("echo");
    assert_eq!(echo.decode::<String>(0).unwrap(), "early");
}

fn conformance_47_the_auth_payload_arrives(case: Case) {
    let mut host = case.host(case.shared());
    let auth = r#"{"token":"123","deep":{"list":[1,"ü"]}}"#;
    let root = host.socket("/");
    root.connect(Some(auth)).unwrap();
    host.until_state("/", SocketState::Connected);
    let sent: Value = serde_json::from_str(auth).unwrap();
    assert_eq!(host.answer(&root, "who", "[]")[1], sent);
    // An empty one, and none: every server makes of them what it likes.
    for (namespace, auth) in [("/chat", Some("{}")), ("/admin", None)] {
        let socket = host.socket(namespace);
        socket.connect(auth).unwrap();
        host.until_state(namespace, SocketState::Connected);
        let none = host.answer(&socket, "who", "[]").remove(1);
        assert!(none.is_null() || none == json!({}), "{none}");
    }
}

fn conformance_47_the_auth_payload_is_asked_for_on_every_connection(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let tell = host.tell.clone();
    let options = SocketOptions { ask_auth: true, ..SocketOptions::default() };
    let root = host.manager.socket_with("/", options, move |event| {
        let _ = tell.send(Told::Socket("/", event));
    });
    let root = root.unwrap();
    root.connect(None).unwrap();
    for round in 1..=3 {
        let token = host.until("a question", |told| match told {
            Told::Socket(_, SocketEvent::AuthWanted { token, .. }) => Some(*token),
            _ => None,
        });
        root.provide_auth(token, Ok(Some(&format!("{{\"round\":{round}}}")))).unwrap();
        host.until_state("/", SocketState::Connected);
        assert_eq!(host.answer(&root, "who", "[]")[1], json!({ "round": round }));
        relay.reset();
    }
}

fn conformance_48_the_query_of_a_namespace_arrives_and_the_root_is_never_asked_for(case: Case) {
    let server = case.start(json!({ "log": ["packet"] }));
    let mut host = case.host(&server);
    let root = host.joined("/");
    let tell = host.tell.clone();
    let options =
        SocketOptions { query: "token=a%20b%26c&x=%C3%BC".into(), ..SocketOptions::default() };
    let chat = host.manager.socket_with("/chat", options, move |event| {
        let _ = tell.send(Told::Socket("/chat", event));
    });
    let chat = chat.unwrap();
    chat.connect(None).unwrap();
    host.until_state("/chat", SocketState::Connected);
    let seen = handshake(&mut host, &chat);
    let query = if case.kind == Kind::V2 { &seen["query"] } else { &seen["auth"] };
    assert_eq!((&query["token"], &query["x"]), (&json!("a b&c"), &json!("ü")), "{seen}");
    host.answer(&root, "ack", "[]");
    let asked = |line: &Value| {
        let data = line["data"].as_str().unwrap_or_default();
        line["log"] == "packet" && line["type"] == "message" && data.starts_with('0')
    };
    // The log comes another way than the answers.
    server.until_count("CONNECT", 1, asked);
    assert_eq!(server.count(asked), 1, "{:#?}", server.log());
    assert!(
        server.count(|line| asked(line) && line["data"].as_str().unwrap().starts_with("0/chat"))
            == 1
    );
}

fn conformance_51_a_connect_without_an_answer_is_an_error_in_time(case: Case) {
    let mut fake = Fake::start();
    let mut config = case.config(&fake.url());
    config.common.timeouts.namespace = Duration::from_millis(300);
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    let start = std::time::Instant::now();
    assert_eq!(session.recv_text(), "40");
    let (error, active) = host.until_connect_error("/");
    assert_eq!((error.code(), active), (Code::ConnectTimeout, true), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    // It is tried again.
    drop(session);
    fake.open(case.via).join("/", "id");
    host.until_state("/", SocketState::Connected);
}

fn conformance_52_a_reply_without_sid_is_a_mismatch_of_versions(case: Case) {
    for reply in ["40", "40{}", "40{\"sid\":null}", "40{\"sid\":7}"] {
        let mut fake = Fake::start();
        let mut host = Host::new(case.config(&fake.url()));
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut session = fake.open(case.via);
        session.expect("40");
        session.send(reply);
        assert_mismatch(&mut host);
    }
}

fn assert_mismatch(host: &mut Host) {
    let (error, active) = host.until_connect_error("/");
    assert!(active, "the socket stays active");
    assert!(error.message().contains("2.x"), "{error}");
    assert_eq!(host.states("/", SocketState::Connected), 0);
}

fn conformance_52_a_server_of_version_2_is_recognised(case: Case) {
    let mut config = case.config(&case.shared().url());
    config.common.transports.revision = Revision::V4;
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    assert_mismatch(&mut host);
}

fn conformance_54_the_connection_lives_as_long_as_a_namespace(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let chat = host.joined("/chat");
    let admin = host.joined("/admin");
    let engine = handshake(&mut host, &admin)["engine"].clone();
    chat.disconnect().unwrap();
    assert_eq!(until_idle(&mut host, "/chat"), Some(DisconnectReason::ClientDisconnect));
    assert_eq!(handshake(&mut host, &admin)["engine"], engine);
    assert_one_connection(&mut host);
    admin.disconnect().unwrap();
    assert_eq!(until_idle(&mut host, "/admin"), Some(DisconnectReason::ClientDisconnect));
    host.until_manager(ManagerState::Idle);
    relay.until_open(0);
    assert_eq!(host.manager_states(ManagerState::Reconnecting), 0);
}

fn conformance_55_the_root_leaves_and_comes_back_without_a_packet(case: Case) {
    let server = case.start(json!({ "log": ["packet"] }));
    let mut host = case.host(&server);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    let engine = handshake(&mut host, &chat)["engine"].clone();
    let packets = |server: &Server| {
        server.count(|line| {
            let data = line["data"].as_str().unwrap_or_default();
            line["log"] == "packet" && (data.starts_with('0') || data.starts_with('1'))
        })
    };
    // The log comes another way than the answers.
    server.until_count("CONNECT of /chat", 1, |line| {
        let data = line["data"].as_str().unwrap_or_default();
        line["log"] == "packet" && data.starts_with('0')
    });
    let before = packets(&server);
    for _ in 0..3 {
        root.disconnect().unwrap();
        assert_eq!(until_idle(&mut host, "/"), Some(DisconnectReason::ClientDisconnect));
        host.answer(&chat, "echo", "[]");
        root.connect(None).unwrap();
        host.until_state("/", SocketState::Connected);
        host.answer(&root, "echo", "[]");
    }
    assert_eq!(packets(&server), before, "{:#?}", server.log());
    // And others can still join.
    let admin = host.joined("/admin");
    assert_eq!(handshake(&mut host, &admin)["engine"], engine);
    assert_one_connection(&mut host);
}

fn conformance_56_a_kick_ends_one_namespace_until_it_connects_again(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let chat = host.joined("/chat");
    for _ in 0..2 {
        chat.emit("kick", "[]").unwrap();
        let (cause, reason) = host.until_state("/chat", SocketState::Idle);
        assert_eq!(cause.unwrap().code(), Code::ServerDisconnect);
        assert_eq!(reason, Some(DisconnectReason::ServerDisconnect));
        host.answer(&root, "echo", "[]");
        assert_eq!(chat.state(), SocketState::Idle, "it does not come back by itself");
        chat.connect(None).unwrap();
        host.until_state("/chat", SocketState::Connected);
        host.answer(&chat, "echo", "[]");
    }
    assert_eq!(host.states("/", SocketState::Connected), 1);
    assert_one_connection(&mut host);
}

fn conformance_57_disconnect_while_opening_tells_nothing(case: Case) {
    let relay = Relay::delaying(case.shared().port(), Duration::from_millis(50));
    for wait in [0, 120, 170, 250, 320] {
        let mut host = Host::new(case.config(&relay.url()));
        let root = host.socket("/");
        root.connect(None).unwrap();
        // Some moment of the opening: there is none that could be awaited.
        let joined = |told: &Told| match told {
            Told::Socket(_, SocketEvent::State { socket_sid: Some(_), .. }) => Some(()),
            _ => None,
        };
        if host.within(Duration::from_millis(wait), joined).is_some() {
            break;
        }
        root.disconnect().unwrap();
        host.until_manager(ManagerState::Idle);
        relay.until_open(0);
        let mut states = Vec::new();
        host.catch_up();
        // It may have joined just before the call.
        if host.log.iter().find_map(joined).is_some() {
            break;
        }
        for told in &host.log {
            match told {
                Told::Socket(_, SocketEvent::State { transition, reason, .. }) => {
                    assert_eq!((*reason, &transition.cause), (None, &None), "after {wait} ms");
                    states.push(transition.state);
                }
                Told::Socket(_, event) => panic!("{event:?} after {wait} ms"),
                _ => {}
            }
        }
        assert_eq!(states, [SocketState::Joining, SocketState::Idle], "after {wait} ms");
        assert_eq!(host.manager_states(ManagerState::Reconnecting), 0);
    }
}

fn conformance_58_a_new_connection_has_a_new_id(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let chat = host.socket("/chat");
    chat.connect(None).unwrap();
    let first = host.until_joined("/chat");
    // A reset in the middle of an upgrade costs only the upgrade.
    host.until_over(case.via.last());
    relay.reset();
    let lost = host.until("a loss", |told| match told {
        Told::Socket(_, SocketEvent::State { transition, socket_sid, .. })
            if transition.state == SocketState::Rejoining =>
        {
            Some(socket_sid.clone())
        }
        _ => None,
    });
    assert_eq!(lost, None, "no id without a connection");
    let second = host.until_joined("/chat");
    assert_ne!(first, second);
    assert_eq!(host.answer(&chat, "who", "[]")[0], second);
}
