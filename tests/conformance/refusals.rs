//! Items 22 to 24: refused requests and what is told about them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use roamio::client::{DisconnectReason, ManagerEvent, SocketState};
use roamio::config::{ManagerConfig, Revision};
use roamio::error::{Code, Error};
use serde_json::json;

use super::{before_and_after, client};
use crate::case::{Case, Via};
use crate::fake::{Fake, Request};
use crate::host::{Host, Told};
use crate::server::{Kind, Server};

/// Let a real server answer a request of the scripted one.
fn forward(request: &Request, server: &Server) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        if request.is_websocket() || !name.eq_ignore_ascii_case("connection") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if !request.is_websocket() {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), &request.body].concat()).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&answer) {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    answer
}

/// Whether an HTTP answer with a length has its body.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| body.len() >= length.trim().parse().unwrap())
}

fn assert_unknown_session(case: Case, error: &Error) {
    if (case.kind, case.via) == (Kind::Uvicorn, Via::Upgrade) {
        // ASGI lets an application say no more than no.
        return assert_eq!((error.http_status(), error.engine_code()), (Some(403), None));
    }
    assert_eq!((error.http_status(), error.engine_code()), (Some(400), Some(1)), "{error:?}");
    let text = if case.kind.is_python() { "Invalid session" } else { "Session ID unknown" };
    assert!(error.message().contains(text), "{error:?}");
}

/// The session is one of the scripted server, and the real one is asked about it.
pub fn conformance_22_an_unknown_session_is_told_on_polling(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, Revision::V4);
    let root = host.socket("/");
    root.connect(None).unwrap();
    fake.open(case.via).join("/", "id");
    host.until_state("/", SocketState::Connected);
    let mut poll = fake.poll();
    let answer = forward(&poll, case.shared());
    poll.raw(&answer).unwrap();
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(reason, Some(DisconnectReason::TransportError));
    let cause = cause.unwrap();
    assert_eq!(cause.code(), Code::UnknownSid);
    assert_unknown_session(case, &cause);
    // A new session is asked for.
    fake.handshake();
}

pub fn conformance_22_an_unknown_session_is_told_on_websocket(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, Revision::V4);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(Via::Polling);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let mut websocket = session.wait_websocket();
    let answer = forward(&websocket, case.shared());
    websocket.raw(&answer).unwrap();
    let error = upgrade_failed(&mut host);
    assert_eq!(error.code(), Code::Upgrade);
    assert_unknown_session(case, &error);
}

fn upgrade_failed(host: &mut Host) -> Error {
    host.until("a failed upgrade", |told| match told {
        Told::Manager(ManagerEvent::UpgradeFailed(error)) => Some(error.clone()),
        _ => None,
    })
}

/// The error of the first attempt of a client with one transport, or with one after another.
fn first_error(config: ManagerConfig) -> Error {
    let mut host = Host::new(config);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let (_, error) = host.until_retry();
    error
}

pub fn conformance_23_a_refused_revision_is_told(case: Case) {
    let mut config = case.config(&case.shared().url());
    config.common.transports.revision = Revision::V3;
    if (case.kind, case.via) == (Kind::V3, Via::Websocket) {
        // It says nothing at all there.
        config.common.timeouts.open = Duration::from_millis(300);
        return assert_eq!(first_error(config).code(), Code::ConnectTimeout);
    }
    let error = first_error(config);
    assert_eq!((error.code(), error.http_status()), (Code::EngineRevision, Some(400)));
    assert_eq!(error.engine_code(), Some(5));
    assert!(error.message().contains("Unsupported protocol version"), "{error}");
}

pub fn conformance_23_a_refusal_of_the_application_has_its_text(case: Case) {
    let polling = case.via == Via::Polling;
    let refused = if polling { "polling" } else { "websocket" };
    let url = format!("{}/?refuse={refused}", case.shared().url());
    let error = first_error(case.config(&url));
    assert_eq!(error.code(), Code::HttpStatus);
    assert!(error.message().ends_with("refused as asked"), "{error}");
    // On WebSocket the server says nothing but its text.
    let expected = if polling { (Some(403), Some(4)) } else { (Some(400), None) };
    assert_eq!((error.http_status(), error.engine_code()), expected);
}

pub fn conformance_24_the_wrong_revision_is_an_error_of_its_own(case: Case) {
    let mut config = case.config(&case.shared().url());
    let right = config.common.transports.revision;
    config.common.transports.revision =
        if right == Revision::V3 { Revision::V4 } else { Revision::V3 };
    let mut host = Host::new(config);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let (error, _) = host.until_connect_error("/");
    assert_eq!(error.code(), Code::EngineRevision, "{error}");
    assert_eq!(host.states("/", SocketState::Connected), 0);
}

pub fn conformance_24_auto_finds_the_revision(case: Case) {
    let mut config = case.config(&case.shared().url());
    config.common.transports.revision = Revision::Auto;
    let mut host = Host::new(config);
    let root = host.joined("/");
    before_and_after(case, &mut host, |host| {
        assert_eq!(host.answer(&root, "ack", "[\"€😀\"]"), [json!("€😀")]);
    });
}
