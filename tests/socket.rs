//! Managers and sockets against the reference server, Socket.IO 4, over WebSocket.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub, dead_code)]

#[path = "conformance/server.rs"]
mod server;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use roamio::client::{
    AckToken, DisconnectReason, EmitOptions, Manager, ManagerEvent, ManagerState, Socket,
    SocketEvent, SocketState,
};
use roamio::config::{Endpoint, ManagerConfig};
use roamio::error::{Code, Error};
use roamio::payload::Payload;
use server::{Kind, Server};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum Told {
    Manager(ManagerEvent),
    Socket(&'static str, SocketEvent),
    Outcome(u32, Result<Payload, Error>),
}

/// A program with one manager, and everything it was told.
struct Host {
    manager: Manager,
    tell: Sender<Told>,
    told: Receiver<Told>,
    log: Vec<Told>,
    seen: usize,
    requests: u32,
}

impl Host {
    fn new(server: &Server) -> Self {
        let (endpoint, _) = Endpoint::parse(&server.url()).unwrap();
        let mut config = ManagerConfig::new(endpoint);
        config.reconnect.min = Duration::from_millis(20);
        let (tell, told) = channel();
        let events = tell.clone();
        let manager = Manager::new(config, move |event| {
            let _ = events.send(Told::Manager(event));
        });
        Self { manager: manager.unwrap(), tell, told, log: Vec::new(), seen: 0, requests: 0 }
    }

    fn socket(&self, namespace: &'static str) -> Socket {
        let tell = self.tell.clone();
        let socket = self.manager.socket(namespace, move |event| {
            let _ = tell.send(Told::Socket(namespace, event));
        });
        socket.unwrap()
    }

    fn joined(&mut self, namespace: &'static str) -> Socket {
        let socket = self.socket(namespace);
        socket.connect(None).unwrap();
        self.until_state(namespace, SocketState::Connected);
        socket
    }

    fn until<T>(&mut self, what: &str, mut find: impl FnMut(&Told) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            while let Some(told) = self.log.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(told) {
                    return found;
                }
            }
            match self.told.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(told) => self.log.push(told),
                Err(_) => panic!("{what} did not come; told: {:#?}", self.log),
            }
        }
    }

    fn until_state(
        &mut self,
        namespace: &str,
        wanted: SocketState,
    ) -> (Option<Error>, Option<DisconnectReason>) {
        self.until(&format!("{namespace} {wanted:?}"), |told| match told {
            Told::Socket(name, SocketEvent::State { transition, reason, .. })
                if *name == namespace && transition.state == wanted =>
            {
                Some((transition.cause.clone(), *reason))
            }
            _ => None,
        })
    }

    fn event(&mut self, name: &str) -> (Payload, Option<AckToken>) {
        self.until(name, |told| match told {
            Told::Socket(_, SocketEvent::Event { payload, ack }) if payload.name() == name => {
                Some((payload.clone(), *ack))
            }
            _ => None,
        })
    }

    fn ask(&mut self, socket: &Socket, name: &str, args: &str) -> u32 {
        self.requests += 1;
        let (number, tell) = (self.requests, self.tell.clone());
        let emitted = socket.emit_with_ack(name, args, EmitOptions::default(), move |result| {
            let _ = tell.send(Told::Outcome(number, result));
        });
        emitted.unwrap();
        number
    }

    fn outcome(&mut self, number: u32) -> Result<Payload, Error> {
        self.until("an outcome", |told| match told {
            Told::Outcome(known, result) if *known == number => Some(result.clone()),
            _ => None,
        })
    }

    fn count(&self, matches: impl Fn(&Told) -> bool) -> usize {
        self.log.iter().filter(|told| matches(told)).count()
    }
}

fn args(payload: &Payload) -> Vec<&str> {
    payload.args().collect()
}

#[test]
fn events_and_acks_come_back_as_they_were_sent() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let socket = host.joined("/");
    for sent in
        ["[]", "[1]", r#"[null,false,"",{"a":[1,2,{"b":"ü€😀"}]},-1.5e-10,9007199254740991]"#]
    {
        let number = host.ask(&socket, "echo", sent);
        let expected: Vec<serde_json::Value> = serde_json::from_str(sent).unwrap();
        let decode = |payload: &Payload| -> Vec<serde_json::Value> {
            payload.args().map(|arg| serde_json::from_str(arg).unwrap()).collect()
        };
        let (echo, ack) = host.event("echo");
        assert_eq!((decode(&echo), ack), (expected.clone(), None));
        assert_eq!(decode(&host.outcome(number).unwrap()), expected);
    }
}

#[test]
fn the_server_asks_and_gets_one_answer() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let socket = host.joined("/");
    socket.emit("ask", r#"["really?"]"#).unwrap();
    let (question, token) = host.event("question");
    assert_eq!(args(&question), [r#""really?""#]);
    socket.ack(token.unwrap(), r#"["yes",{"sure":true}]"#).unwrap();
    socket.ack(token.unwrap(), r#"["no"]"#).unwrap();
    let (answered, _) = host.event("answered");
    assert_eq!(args(&answered), [r#""yes""#, r#"{"sure":true}"#]);
    let echo = host.ask(&socket, "echo", "[]");
    host.outcome(echo).unwrap();
    let answers = host.count(|told| {
        matches!(told, Told::Socket(_, SocketEvent::Event { payload, .. }) if payload.name() == "answered")
    });
    assert_eq!(answers, 1);
}

#[test]
fn binary_attachments_travel_both_ways() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let socket = host.joined("/");
    let all: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let parts = vec![all.clone(), Bytes::new()];
    let json = r#"[{"deep":[{"_placeholder":true,"num":0}]},"text",{"_placeholder":true,"num":1}]"#;
    socket.emit_binary("echo", json, parts.clone()).unwrap();
    let (echo, _) = host.event("echo");
    assert_eq!(echo.attachments(), parts);
    assert_eq!(echo.len(), 3);
    let eleven = vec![all; 11];
    let refused = socket.emit_binary("echo", "[]", eleven).unwrap_err();
    assert_eq!(refused.code(), Code::TooLarge);
}

#[test]
fn several_namespaces_share_one_connection() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    let number = host.ask(&chat, "who", "[]");
    let chat_id = host.outcome(number).unwrap().decode::<String>(0).unwrap();
    let number = host.ask(&root, "who", "[]");
    let root_id = host.outcome(number).unwrap().decode::<String>(0).unwrap();
    assert_ne!(chat_id, root_id);
    chat.disconnect().unwrap();
    let (_, reason) = host.until_state("/chat", SocketState::Idle);
    assert_eq!(reason, Some(DisconnectReason::ClientDisconnect));
    let number = host.ask(&root, "who", "[]");
    assert_eq!(host.outcome(number).unwrap().decode::<String>(0).unwrap(), root_id);
    let connections = host.count(|told| {
        matches!(told, Told::Manager(ManagerEvent::State(step)) if step.state == ManagerState::Connected)
    });
    assert_eq!(connections, 1);
}

#[test]
fn a_refused_namespace_tells_why_and_can_be_tried_again() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let root = host.joined("/");
    let private = host.socket("/private");
    private.connect(Some(r#"{"token":"wrong"}"#)).unwrap();
    let error = host.until("a refusal", |told| match told {
        Told::Socket(_, SocketEvent::ConnectError { error, active: false }) => Some(error.clone()),
        _ => None,
    });
    assert_eq!((error.code(), error.message()), (Code::ConnectError, "not authorized"));
    let json: serde_json::Value = serde_json::from_str(error.server_json().unwrap()).unwrap();
    assert_eq!(json["data"]["code"], "E1");
    private.connect(Some(r#"{"token":"secret"}"#)).unwrap();
    host.until_state("/private", SocketState::Connected);
    assert_eq!(root.state(), SocketState::Connected, "the sibling was not disturbed");
}

#[test]
fn leaving_and_joining_a_slow_namespace_never_disturbs_its_siblings() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    let slow = host.socket("/gated");
    for _ in 0..5 {
        slow.connect(None).unwrap();
        slow.disconnect().unwrap();
    }
    slow.connect(None).unwrap();
    // One CONNECT reached the middleware, however often the user changed his mind.
    let held = loop {
        let number = host.ask(&chat, "gate", "[]");
        match host.outcome(number).unwrap().decode::<u32>(0).unwrap() {
            0 => {}
            held => break held,
        }
    };
    assert_eq!(held, 1);
    host.until_state("/gated", SocketState::Connected);
    // Joined: leave and join at once.
    chat.disconnect().unwrap();
    chat.connect(None).unwrap();
    host.until_state("/chat", SocketState::Connected);
    let number = host.ask(&root, "echo", "[]");
    host.outcome(number).unwrap();
    let lost = host.count(|told| {
        matches!(told, Told::Manager(ManagerEvent::State(step)) if step.state == ManagerState::Reconnecting)
    });
    assert_eq!(lost, 0, "the connection was never lost");
}

#[test]
fn a_lost_connection_is_made_again_and_every_namespace_rejoined() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    let silent = host.ask(&chat, "silence", "[]");
    root.emit("cut", "[]").unwrap();
    let (cause, _) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(cause.unwrap().code(), Code::NetworkLost);
    chat.emit("echo", r#"["written while away"]"#).unwrap();
    let error = host.outcome(silent).unwrap_err();
    assert_eq!(error.code(), Code::AckLost);
    host.until_state("/chat", SocketState::Connected);
    let (echo, _) = host.event("echo");
    assert_eq!(args(&echo), [r#""written while away""#]);
}

#[test]
fn the_server_can_disconnect_a_namespace() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    chat.emit("kick", "[]").unwrap();
    let (cause, reason) = host.until_state("/chat", SocketState::Idle);
    assert_eq!(cause.unwrap().code(), Code::ServerDisconnect);
    assert_eq!(reason, Some(DisconnectReason::ServerDisconnect));
    chat.connect(None).unwrap();
    host.until_state("/chat", SocketState::Connected);
    assert_eq!(root.state(), SocketState::Connected);
}

#[test]
fn an_ack_that_does_not_come_times_out_and_a_volatile_event_is_never_kept() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let socket = host.socket("/");
    socket.emit_volatile("echo", r#"["dropped"]"#).unwrap();
    socket.emit("echo", r#"["kept"]"#).unwrap();
    socket.connect(None).unwrap();
    let (echo, _) = host.event("echo");
    assert_eq!(args(&echo), [r#""kept""#]);
    let tell = host.tell.clone();
    let options =
        EmitOptions { timeout: Some(Duration::from_millis(50)), ..EmitOptions::default() };
    let emitted = socket.emit_with_ack("silence", "[]", options, move |result| {
        let _ = tell.send(Told::Outcome(0, result));
    });
    emitted.unwrap();
    assert_eq!(host.outcome(0).unwrap_err().code(), Code::AckTimeout);
}

#[test]
fn ten_thousand_events_arrive_in_order() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    let socket = host.joined("/");
    socket.emit("burst", "[10000]").unwrap();
    for number in 0..10_000_u32 {
        let (tick, _) = host.event("tick");
        assert_eq!(tick.decode::<u32>(0), Ok(number));
    }
}

#[test]
fn an_unreachable_server_is_tried_again_and_told() {
    let server = Server::start(Kind::V4, serde_json::json!({}));
    let mut host = Host::new(&server);
    drop(server);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    for attempt in 1..=3 {
        let (told, error, delay) = host.until("a failed attempt", |told| match told {
            Told::Manager(ManagerEvent::Retry(retry)) => {
                Some((retry.attempt, retry.error.clone(), retry.delay_ms))
            }
            _ => None,
        });
        assert_eq!((told, error.code()), (attempt, Code::Connect));
        assert!(delay.is_some());
    }
    assert_eq!(host.manager.state(), ManagerState::Connecting);
    socket.disconnect().unwrap();
    host.until_state("/", SocketState::Idle);
}
