//! A manager whose packets are MessagePack, against the bytes of a server.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use roamio::config::{Endpoint, ManagerConfig, Parser, Retries, SocketOptions};
use roamio::error::Code;
use roamio::payload::Outgoing;
use roamio::proto::io::{
    Command, Cookies, Event, Input, ManagerEvent, Offline, RequestId, SocketEvent, SocketId,
    SocketState, Transmit, WireId,
};
use roamio::proto::socket::msgpack;
use roamio::proto::socket::packet::Kind;
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};

const SOCKET: SocketId = SocketId(0);
const WIRE: WireId = WireId(1);
const NOW: Now = Now { mono: Timestamp(1_000), wall: 0 };

struct World {
    stack: Stack,
    events: Vec<Event>,
}

impl World {
    /// `/` is asked for, and its CONNECT is written.
    fn joining(options: SocketOptions) -> Self {
        let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let config = ManagerConfig { parser: Parser::Msgpack, ..ManagerConfig::new(endpoint) };
        let mut world = Self { stack: Stack::manager(Arc::new(config), 1), events: Vec::new() };
        world.command(Command::Attach { socket: SOCKET, namespace: "/".into(), options });
        world.command(Command::Connect { socket: SOCKET, auth: None });
        world.input(Input::Connected { wire: WIRE, local: None, cookies: Cookies::default() });
        let open = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        world.input(Input::Text { wire: WIRE, frame: Bytes::from_static(open.as_bytes()) });
        assert_eq!(world.written(), [msgpack::encode(Kind::Connect, "/", None, None, &[])]);
        world
    }

    fn joined(options: SocketOptions) -> Self {
        let mut world = Self::joining(options);
        world.say(Kind::Connect, None, r#"{"sid":"s"}"#, &[]);
        assert!(world.events.iter().any(|event| matches!(
            event,
            Event::Socket(_, SocketEvent::State { socket_sid: Some(sid), .. }) if &**sid == "s"
        )));
        world
    }

    fn command(&mut self, command: Command) {
        self.stack.handle_command(command, NOW);
        self.events.extend(std::iter::from_fn(|| self.stack.poll_event()));
    }

    fn input(&mut self, input: Input) {
        self.stack.handle_input(input, NOW);
        self.events.extend(std::iter::from_fn(|| self.stack.poll_event()));
    }

    /// The server says something.
    fn say(&mut self, kind: Kind, id: Option<u64>, json: &str, attachments: &[Bytes]) {
        let frame = msgpack::encode(kind, "/", id, Some(json.as_bytes()), attachments);
        self.input(Input::Binary { wire: WIRE, frame });
    }

    /// The messages that were written since; all are binary.
    fn written(&mut self) -> Vec<Bytes> {
        let written = std::iter::from_fn(|| self.stack.poll_transmit());
        written
            .filter_map(|transmit| match transmit {
                Transmit::Binary { frame, .. } => Some(frame),
                Transmit::Text { .. } => panic!("text on a MessagePack connection"),
                _ => None,
            })
            .collect()
    }

    fn emit(&mut self, request: Option<RequestId>) {
        let args = r#"[{"_placeholder":true,"num":0},"é"]"#;
        let attachments = vec![Bytes::from_static(b"\x01\x02")];
        let event = Outgoing::event(&mut BytesMut::new(), "/", "say", args, attachments);
        let (event, offline) = (event.unwrap(), Offline::Wait);
        let emit = Command::Emit { socket: SOCKET, event, request, timeout_ms: None, offline };
        self.command(emit);
    }
}

/// What [`World::emit`] writes.
fn emitted(id: Option<u64>) -> Bytes {
    let json = r#"["say",{"_placeholder":true,"num":0},"é"]"#;
    let attachments = [Bytes::from_static(b"\x01\x02")];
    msgpack::encode(Kind::Event, "/", id, Some(json.as_bytes()), &attachments)
}

#[test]
fn conformance_88_events_and_acks_go_both_ways() {
    let mut world = World::joined(SocketOptions::default());
    world.emit(Some(RequestId(1)));
    assert_eq!(world.written(), [emitted(Some(0))]);
    let reply = r#"["ok",{"_placeholder":true,"num":0}]"#;
    world.say(Kind::Ack, Some(0), reply, &[Bytes::from_static(b"\x03")]);
    let Some(Event::Outcome { result: Ok(payload), .. }) = world.events.pop() else {
        panic!("{:?}", world.events)
    };
    assert_eq!(payload.arg(0), Some("\"ok\""));
    assert_eq!(payload.attachments(), [Bytes::from_static(b"\x03")]);

    world.say(Kind::Event, Some(5), r#"["ask",[1,null]]"#, &[]);
    let Some(Event::Socket(_, SocketEvent::Event { payload, ack: Some(token) })) =
        world.events.pop()
    else {
        panic!("{:?}", world.events)
    };
    assert_eq!((payload.name(), payload.arg(0)), ("ask", Some("[1,null]")));
    let ack = Outgoing::ack(&mut BytesMut::new(), "/", "[7]", Vec::new()).unwrap();
    world.command(Command::Ack { socket: SOCKET, token, ack });
    assert_eq!(world.written(), [msgpack::encode(Kind::Ack, "/", Some(5), Some(b"[7]"), &[])]);
}

#[test]
fn conformance_88_a_refusal_has_the_servers_words() {
    let mut world = World::joining(SocketOptions::default());
    let json = r#"{"message":"no","data":{"code":7}}"#;
    world.say(Kind::ConnectError, None, json, &[]);
    let refused = world.events.iter().find_map(|event| match event {
        Event::Socket(_, SocketEvent::ConnectError { error, active }) => Some((error, *active)),
        _ => None,
    });
    let (error, active) = refused.expect("a refusal");
    assert_eq!((error.code(), error.message(), active), (Code::ConnectError, "no", false));
    assert_eq!(error.server_json(), Some(json));
}

#[test]
fn conformance_88_a_text_message_is_a_parse_error() {
    let mut world = World::joined(SocketOptions::default());
    world.input(Input::Text { wire: WIRE, frame: Bytes::from_static(b"42[\"a\"]") });
    let states: Vec<SocketState> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Socket(_, SocketEvent::State { transition, .. }) => Some(transition.state),
            _ => None,
        })
        .collect();
    assert_eq!(states.last(), Some(&SocketState::Rejoining));
    assert!(world.events.iter().any(|event| matches!(
        event,
        Event::Manager(ManagerEvent::Retry(retry)) if retry.error.code() == Code::SocketPacket
    )));
}

/// What is told of a written event is what the application knows, whatever its form on the wire.
#[test]
fn an_event_that_is_written_is_told_as_it_was_emitted() {
    for retries in [None, Some(Retries { idempotency_key: true, ..Retries::default() })] {
        let is_reliable = retries.is_some();
        let mut world = World::joined(SocketOptions { retries, ..SocketOptions::default() });
        world.command(Command::WatchSent { socket: SOCKET, watch: true });
        world.emit(None);
        assert_eq!(world.written().len(), 1);
        let Some(Event::Socket(_, SocketEvent::Sent { payload })) = world.events.pop() else {
            panic!("{:?}, retries: {is_reliable}", world.events)
        };
        assert_eq!(payload.name(), "say");
        let args: Vec<&str> = payload.args().collect();
        assert_eq!(args, [r#"{"_placeholder":true,"num":0}"#, "\"é\""]);
        assert_eq!(payload.attachments(), [Bytes::from_static(b"\x01\x02")]);
    }
}
