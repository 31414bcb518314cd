//! Item 53: one namespace comes and goes in any phase and disturbs nobody (`socket-io` 3).

use std::net::TcpStream;
use std::time::{Duration, Instant};

use roamio::client::{
    DisconnectReason, ManagerEvent, ManagerState, Socket, SocketEvent, SocketState,
};
use roamio::error::Code;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

use super::assert_one_connection;
use crate::case::{Case, Via};
use crate::fake::Fake;
use crate::host::{Host, Told};
use crate::relay::Relay;
use crate::server::Server;

/// The sibling saw nothing, and works.
fn assert_undisturbed(host: &mut Host, sibling: &Socket) {
    host.answer(sibling, "echo", "[]");
    assert_eq!(host.states("/", SocketState::Connected), 1, "{:#?}", host.log);
    assert_eq!(host.states("/", SocketState::Rejoining), 0, "{:#?}", host.log);
    assert_one_connection(host);
}

/// Wait until a socket rests and was never said to be connected.
fn assert_never_connected(host: &mut Host, namespace: &'static str) {
    host.catch_up();
    for told in &host.log {
        if let Told::Socket(name, event) = told
            && *name == namespace
        {
            match event {
                SocketEvent::State { transition, reason, .. } => {
                    assert_ne!(transition.state, SocketState::Connected, "{:#?}", host.log);
                    assert_eq!(*reason, None, "no disconnect without a connect");
                }
                other => panic!("{other:?} for a socket that was never joined"),
            }
        }
    }
}

pub(super) fn conformance_53_connect_and_disconnect_before_the_connection_is_open(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.socket("/");
    let chat = host.socket("/chat");
    root.connect(None).unwrap();
    chat.connect(None).unwrap();
    chat.disconnect().unwrap();
    host.until_state("/", SocketState::Connected);
    assert_never_connected(&mut host, "/chat");
    assert_undisturbed(&mut host, &root);
    assert_eq!(chat.state(), SocketState::Idle);
    chat.connect(None).unwrap();
    host.until_state("/chat", SocketState::Connected);
    host.answer(&chat, "echo", "[]");
    assert_undisturbed(&mut host, &root);
}

/// Join `/` and ask for `/slow`, whose reply takes its time.
fn pending(case: Case) -> (Server, Host, Socket, Socket) {
    let server = case.start(json!({ "slow": 300 }));
    let mut host = case.host(&server);
    let root = host.joined("/");
    if case.via == Via::Upgrade {
        host.until_transport(case.via.last());
    }
    let slow = host.socket("/slow");
    slow.connect(None).unwrap();
    if !case.kind.is_python() {
        // The server has got the CONNECT when it answers what follows it. (There, it answers nothing
        // before it has let the socket in.)
        host.answer(&root, "ack", "[]");
    }
    (server, host, root, slow)
}

pub(super) fn conformance_53_connect_and_disconnect_while_the_reply_is_pending(case: Case) {
    let (server, mut host, root, slow) = pending(case);
    slow.disconnect().unwrap();
    // The server lets it in, and it leaves on arrival.
    server.until("/slow left", |line| {
        (line["log"] == "leave" && line["namespace"] == "/slow").then_some(())
    });
    assert_never_connected(&mut host, "/slow");
    assert_undisturbed(&mut host, &root);
    slow.connect(None).unwrap();
    host.until_state("/slow", SocketState::Connected);
    host.answer(&slow, "echo", "[]");
    assert_undisturbed(&mut host, &root);
}

pub(super) fn conformance_53_disconnect_and_connect_while_the_reply_is_pending(case: Case) {
    let (server, mut host, root, slow) = pending(case);
    for _ in 0..5 {
        slow.disconnect().unwrap();
        slow.connect(None).unwrap();
    }
    host.until_state("/slow", SocketState::Connected);
    host.answer(&slow, "echo", "[]");
    assert_undisturbed(&mut host, &root);
    let joined = |line: &Value| line["log"] == "join" && line["namespace"] == "/slow";
    // The log comes another way than the answers.
    server.until_count("/slow joined", 1, joined);
    assert_eq!(server.count(joined), 1, "one CONNECT, whose reply was waited for");
}

/// Disturb the siblings of a joined `/`, which must see nothing of it.
///
/// The pause between DISCONNECT and CONNECT does not help when a server that stands still reads both
/// at once (`socket-io` 3, rule 4). Then everything has to come back, and it is tried again.
fn assert_disturbs_nobody(case: Case, server: &Server, disturb: impl Fn(&mut Host)) {
    let undisturbed = (0..3).any(|_| {
        let mut host = case.host(server);
        let root = host.joined("/");
        disturb(&mut host);
        host.answer(&root, "echo", "[]");
        let closed = |told: &Told| match told {
            Told::Manager(ManagerEvent::State(step)) => step.cause.clone(),
            _ => None,
        };
        match host.log.iter().find_map(closed) {
            Some(error) => assert_eq!(error.code(), Code::EngineClosed, "{error}"),
            None => assert_undisturbed(&mut host, &root),
        }
        host.manager_states(ManagerState::Reconnecting) == 0
    });
    assert!(undisturbed);
}

pub(super) fn conformance_53_disconnect_and_connect_of_a_joined_namespace(case: Case) {
    assert_disturbs_nobody(case, case.shared(), |host| {
        let chat = host.joined("/chat");
        for _ in 0..5 {
            chat.disconnect().unwrap();
            chat.connect(None).unwrap();
            let (_, reason) = host.until_state("/chat", SocketState::Joining);
            assert!(matches!(reason, None | Some(DisconnectReason::ClientDisconnect)));
            host.until_state("/chat", SocketState::Connected);
            host.answer(&chat, "echo", "[]");
        }
    });
}

pub(super) fn conformance_53_two_hundred_toggles_a_second_for_ten_seconds(case: Case) {
    let server = case.start(json!({ "slow": 20 }));
    assert_disturbs_nobody(case, &server, toggle);
}

/// Two namespaces come and go 2,000 times in 10 seconds, and stay in the end.
fn toggle(host: &mut Host) {
    let toggled = ["/chat", "/slow"].map(|namespace| host.socket(namespace));
    // Any sequence will do, as long as it is the same in every run.
    let mut random = 1_u32;
    let start = Instant::now();
    for round in 0..2_000_u32 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let socket = &toggled[(random >> 30 & 1) as usize];
        let toggle = if random >> 31 == 0 { socket.connect(None) } else { socket.disconnect() };
        toggle.unwrap();
        let due = start + Duration::from_millis(5) * round;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        host.catch_up();
    }
    for socket in &toggled {
        socket.connect(None).unwrap();
        host.answer(socket, "echo", "[]");
        assert_eq!(socket.state(), SocketState::Connected);
    }
}

pub(super) fn conformance_53_the_wire_sees_no_packet_out_of_place(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "root");
    host.until_state("/", SocketState::Connected);
    let a = host.socket("/a");

    // Rules 2 and 6: leave on arrival, and drop what comes for it.
    a.connect(None).unwrap();
    session.expect("40/a,");
    a.disconnect().unwrap();
    session.send("42/a,[\"early\"]");
    session.send("40/a,{\"sid\":\"a1\"}");
    session.send("42/a,[\"late\"]");
    session.expect("41/a,");
    assert_never_connected(&mut host, "/a");

    // Rule 2: a refusal of what is not wanted any more is nothing.
    a.connect(None).unwrap();
    session.expect("40/a,");
    a.disconnect().unwrap();
    session.send("44/a,{\"message\":\"no\"}");
    // When this is there, so was that.
    session.send("42[\"after the refusal\"]");
    host.event("after the refusal");
    assert_never_connected(&mut host, "/a");

    // Rule 3: adopt the pending reply.
    a.connect(None).unwrap();
    session.expect("40/a,");
    a.disconnect().unwrap();
    a.connect(None).unwrap();
    session.send("40/a,{\"sid\":\"a2\"}");
    assert_eq!(host.until_joined("/a"), "a2");

    // Rule 4: leave, a pause, join.
    a.disconnect().unwrap();
    a.connect(None).unwrap();
    session.expect("41/a,");
    let left = Instant::now();
    session.expect("40/a,");
    if case.via != Via::Polling {
        assert!(left.elapsed() >= Duration::from_millis(30), "{:?}", left.elapsed());
    }
    session.send("40/a,{\"sid\":\"a3\"}");
    assert_eq!(host.until_joined("/a"), "a3");

    // Rule 3 with another payload: the reply, DISCONNECT, CONNECT.
    a.disconnect().unwrap();
    session.expect("41/a,");
    host.until_state("/a", SocketState::Idle);
    a.connect(Some("{\"token\":1}")).unwrap();
    session.expect("40/a,{\"token\":1}");
    a.disconnect().unwrap();
    a.connect(Some("{\"token\":2}")).unwrap();
    session.send("40/a,{\"sid\":\"a4\"}");
    session.expect("41/a,");
    session.expect("40/a,{\"token\":2}");
    session.send("40/a,{\"sid\":\"a5\"}");
    assert_eq!(host.until_joined("/a"), "a5");

    // Rule 6: nobody asked for this one.
    session.send("41/a,");
    host.until_state("/a", SocketState::Idle);
    session.send("40/a,{\"sid\":\"a6\"}");
    session.expect("41/a,");
    // What belongs to no socket is ignored.
    session.send("42/stranger,[\"event\"]");
    root.emit("the end", "[]").unwrap();
    session.expect("42[\"the end\"]");
    assert_eq!(host.states("/", SocketState::Connected), 1);
    assert_one_connection(&mut host);
}

/// Why all of this is needed: 4.8 closes the connection for what the reference client sends.
pub(super) fn conformance_53_the_server_cuts_off_what_the_reference_client_does(case: Case) {
    let server = case.start(json!({ "slow": 200 }));
    // `>` is sent, `<` awaited.
    for (script, why) in [
        (&[">40/chat,", "<40/chat,", ">40/chat,"][..], "CONNECT of a joined namespace"),
        (&[">40/slow,", ">41/slow,"], "DISCONNECT before the reply"),
        (&[">40/chat,", "<40/chat,", ">41/chat,", ">40/chat,"], "DISCONNECT and CONNECT at once"),
    ] {
        assert!(is_cut_off(&server, script), "{why}");
    }
    assert!(!is_cut_off(&server, &[">40/chat,", "<40/chat,", ">41/chat,"]));
    // The same by our client, on the same server and through one more hop.
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    let slow = host.socket("/slow");
    for _ in 0..3 {
        slow.connect(None).unwrap();
        slow.disconnect().unwrap();
    }
    slow.connect(None).unwrap();
    host.until_state("/slow", SocketState::Connected);
    assert_undisturbed(&mut host, &root);
}

/// Whether the server ends a connection on which `/` is joined for this script.
fn is_cut_off(server: &Server, script: &[&str]) -> bool {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let url = format!("ws://127.0.0.1:{}/socket.io/?EIO=4&transport=websocket", server.port());
    let (mut socket, _) = tungstenite::client(url, stream).unwrap();
    for step in [&[">40", "<40{"], script].concat() {
        let (direction, packet) = step.split_at(1);
        if direction == ">" {
            socket.write(Message::text(packet)).unwrap();
        } else {
            socket.flush().unwrap();
            while !socket.read().unwrap().to_text().unwrap().starts_with(packet) {}
        }
    }
    // What follows the last answer leaves at once, and so arrives in one piece.
    socket.flush().unwrap();
    loop {
        match socket.read() {
            Ok(Message::Close(_)) => return true,
            Ok(_) => {}
            // Nothing more comes.
            Err(tungstenite::Error::Io(_)) => return false,
            Err(_) => return true,
        }
    }
}
