//! One manager with a socket on `/`, a server with both transports, and the network between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use roamio::config::{Endpoint, ManagerConfig, SocketOptions, Transport};
use roamio::error::{Code, Error};
use roamio::payload::Outgoing;
use roamio::proto::io::{
    Command, Cookies, Event, Exchange, HttpResponse, Input, ManagerEvent, Offline, SocketEvent,
    SocketId, SocketState, Transmit, WireId,
};
use roamio::proto::rng::Rng;
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};

use super::server::{Say, Server};
use crate::link::Millis;

pub(crate) const SOCKET: SocketId = SocketId(1);

/// On the way.
#[derive(Debug)]
enum Item {
    ToClient(Input),
    Get(WireId, Option<String>),
    Post(WireId, String, String),
    Connect(WireId, Option<String>),
    Frame(WireId, String),
    Ping(WireId),
    HungUp(WireId),
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) stack: Stack,
    pub(crate) server: Server,
    /// By the time of arrival and the order of sending.
    wires: BTreeMap<(Millis, u64), Item>,
    sent: u64,
    /// Nothing overtakes on a WebSocket, in either direction.
    last: BTreeMap<(WireId, bool), Millis>,
    pub(crate) latency: (Millis, Millis),
    pub(crate) rng: Rng,
    /// Wires that were let go of by the client.
    over: BTreeSet<WireId>,
    /// Handshakes of WebSockets of new sessions that never come to an end.
    pub(crate) websocket_hangs: bool,
    /// They are refused.
    pub(crate) websocket_refused: bool,
    /// Every WebSocket that was dialled, and when.
    pub(crate) dials: Vec<(Millis, bool)>,
    pub(crate) gets: usize,
    pub(crate) handshakes: Vec<Millis>,
    in_flight: BTreeSet<(WireId, bool)>,
    pub(crate) transports: Vec<(Transport, bool)>,
    pub(crate) upgrade_errors: Vec<Error>,
    pub(crate) states: Vec<SocketState>,
    pub(crate) causes: Vec<Code>,
    pub(crate) received: Vec<String>,
    pub(crate) retries: Vec<Error>,
    pub(crate) finished: bool,
}

impl World {
    pub(crate) fn new(configure: impl FnOnce(&mut ManagerConfig)) -> Self {
        let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").expect("a URL");
        let mut config = ManagerConfig::new(endpoint);
        configure(&mut config);
        let mut world = Self {
            now: 1_000,
            stack: Stack::manager(Arc::new(config), 1),
            server: Server::new(),
            wires: BTreeMap::new(),
            sent: 0,
            last: BTreeMap::new(),
            latency: (10, 10),
            rng: Rng::new(1),
            over: BTreeSet::new(),
            websocket_hangs: false,
            websocket_refused: false,
            dials: Vec::new(),
            gets: 0,
            handshakes: Vec::new(),
            in_flight: BTreeSet::new(),
            transports: Vec::new(),
            upgrade_errors: Vec::new(),
            states: Vec::new(),
            causes: Vec::new(),
            received: Vec::new(),
            retries: Vec::new(),
            finished: false,
        };
        let options = SocketOptions::default();
        let namespace = "/".into();
        world.command(Command::Attach { socket: SOCKET, namespace, options });
        world
    }

    pub(crate) fn connect(&mut self) {
        self.command(Command::Connect { socket: SOCKET, auth: None });
    }

    pub(crate) fn joined(configure: impl FnOnce(&mut ManagerConfig)) -> Self {
        let mut world = Self::new(configure);
        world.connect();
        world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
        world
    }

    pub(crate) fn emit(&mut self, number: usize) {
        self.emit_json(&format!("[{number}]"));
    }

    pub(crate) fn emit_json(&mut self, args: &str) {
        let event = Outgoing::event(&mut BytesMut::new(), "/", "n", args, Vec::new());
        let (event, request, timeout_ms) = (event.expect("valid"), None, None);
        let offline = Offline::Wait;
        self.command(Command::Emit { socket: SOCKET, event, request, timeout_ms, offline });
    }

    /// The server emits to its newest session.
    pub(crate) fn say(&mut self, packet: &str) {
        let sid = self.server.newest();
        self.server.say(&sid, packet);
        self.settle();
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.stack.handle_command(command, self.clock());
        self.settle();
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.stack.handle_input(input, self.clock());
        self.settle();
    }

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: 0 }
    }

    // ---- time -----------------------------------------------------------------------------

    pub(crate) fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now + 600_000;
        while !done(self) {
            assert!(self.now < end && self.step(), "{what} never came: {self:#?}");
        }
    }

    pub(crate) fn run_for(&mut self, ms: Millis) {
        let end = self.now + ms;
        while self.next().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
        self.stack.handle_timeout(self.clock());
        self.settle();
    }

    fn next(&self) -> Option<Millis> {
        let arrival = self.wires.keys().next().map(|(at, _)| *at);
        let stack = self.stack.poll_timeout().map(|at| at.0);
        [arrival, stack, self.server.due()].into_iter().flatten().min()
    }

    fn step(&mut self) -> bool {
        let Some(at) = self.next() else { return false };
        self.now = self.now.max(at);
        if let Some(entry) = self.wires.first_entry()
            && entry.key().0 <= self.now
        {
            let item = entry.remove();
            self.arrive(item);
        } else if self.server.due().is_some_and(|due| due <= self.now) {
            self.server.tick(self.now);
        } else {
            self.stack.handle_timeout(self.clock());
        }
        self.settle();
        true
    }

    // ---- the network ----------------------------------------------------------------------

    fn travel(&mut self, item: Item, pipe: Option<(WireId, bool)>) {
        let (least, most) = self.latency;
        let spread = most - least;
        let mut at = self.now + least;
        if spread > 0 {
            at += (self.rng.next_f64() * spread as f64) as Millis;
        }
        if let Some(pipe) = pipe {
            let last = self.last.entry(pipe).or_default();
            at = at.max(*last);
            *last = at;
        }
        self.sent += 1;
        self.wires.insert((at, self.sent), item);
    }

    fn arrive(&mut self, item: Item) {
        let now = self.now;
        match item {
            Item::ToClient(input) => {
                let wire = match &input {
                    Input::Response { wire, exchange, .. } => {
                        self.in_flight.remove(&(*wire, *exchange == Exchange::Poll));
                        *wire
                    }
                    Input::Connected { wire, .. }
                    | Input::Reached { wire, .. }
                    | Input::Failed { wire, .. }
                    | Input::Text { wire, .. }
                    | Input::Activity { wire, .. }
                    | Input::Closed { wire, .. } => *wire,
                    other => panic!("{other:?}"),
                };
                if !self.over.contains(&wire) {
                    self.stack.handle_input(input, self.clock());
                }
            }
            Item::Get(wire, sid) => self.server.get(wire, sid.as_deref(), now),
            Item::Post(wire, sid, body) => self.server.post(wire, &sid, &body, now),
            Item::Connect(wire, sid) => self.arrive_connect(wire, sid.as_deref()),
            Item::Frame(wire, text) => self.server.frame(wire, &text, now),
            Item::Ping(wire) => {
                let pong = Input::Activity { wire, partial: false, pong: true };
                self.travel(Item::ToClient(pong), Some((wire, false)));
            }
            Item::HungUp(wire) => {
                self.server.lost(wire);
                self.server.aborted(wire);
            }
        }
    }

    fn arrive_connect(&mut self, wire: WireId, sid: Option<&str>) {
        let reached = Input::Reached { wire, connect_ms: 2 * self.latency.0 };
        self.travel(Item::ToClient(reached), Some((wire, false)));
        if sid.is_none() && self.websocket_hangs {
            return;
        }
        let refused = sid.is_none() && self.websocket_refused;
        let input = if !refused && self.server.connect(wire, sid, self.now) {
            Input::Connected { wire, local: None, cookies: Cookies::default() }
        } else {
            Input::Failed { wire, error: Error::new(Code::HttpStatus, "HTTP 400") }
        };
        self.travel(Item::ToClient(input), Some((wire, false)));
    }

    fn settle(&mut self) {
        loop {
            while let Some(transmit) = self.stack.poll_transmit() {
                self.transmit(transmit);
            }
            while let Some(event) = self.stack.poll_event() {
                self.hear(event);
            }
            let Some(say) = self.server.says.pop_front() else { break };
            let (input, pipe) = match say {
                Say::Get(wire, status, body) => {
                    (response(wire, Exchange::Poll, status, body), None)
                }
                Say::Post(wire, status, body) => {
                    (response(wire, Exchange::Post, status, body), None)
                }
                Say::Frame(wire, text) => {
                    (Input::Text { wire, frame: Bytes::from(text) }, Some((wire, false)))
                }
                Say::Close(wire) => {
                    let error = Error::new(Code::EngineClosed, "closed by the server");
                    (Input::Closed { wire, error }, Some((wire, false)))
                }
            };
            self.travel(Item::ToClient(input), pipe);
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Dial { wire, path_and_query, .. } => {
                assert!(path_and_query.contains("transport=websocket"), "{path_and_query}");
                let sid = parameter(&path_and_query, "sid");
                self.dials.push((self.now, sid.is_some()));
                self.travel(Item::Connect(wire, sid), Some((wire, true)));
            }
            Transmit::Request { wire, request, .. } => self.request(wire, request),
            Transmit::Text { wire, frame } => {
                assert!(!self.over.contains(&wire), "a frame on a wire that is over");
                let text = String::from_utf8(frame.to_vec()).expect("UTF-8");
                self.travel(Item::Frame(wire, text), Some((wire, true)));
            }
            Transmit::Binary { .. }
            | Transmit::LimitUnacknowledged { .. }
            | Transmit::AskLocalAddress { .. } => {}
            Transmit::Ping { wire } => {
                self.travel(Item::Ping(wire), Some((wire, true)));
            }
            Transmit::Hangup { wire, farewell } => {
                assert!(self.over.insert(wire), "hung up twice");
                // What is in flight arrives before what is sent now.
                let after = self.latency.1;
                for (number, request) in farewell.into_iter().enumerate() {
                    let sid = parameter(&request.path_and_query, "sid").expect("a session");
                    let at = self.now + after * (2 + 2 * number as Millis);
                    self.sent += 1;
                    self.wires.insert((at, self.sent), Item::Post(wire, sid, text(&request.body)));
                }
                self.sent += 1;
                self.wires.insert((self.now + 100 * after, self.sent), Item::HungUp(wire));
            }
        }
    }

    fn request(&mut self, wire: WireId, request: roamio::proto::io::HttpRequest) {
        let sid = parameter(&request.path_and_query, "sid");
        let poll = request.exchange == Exchange::Poll;
        assert!(self.in_flight.insert((wire, poll)), "two requests of a kind in flight");
        assert!(request.path_and_query.contains("&transport=polling"));
        if poll {
            self.gets += 1;
            assert!(request.body.is_empty());
            if sid.is_none() {
                self.handshakes.push(self.now);
                let connect_ms = 2 * self.latency.0;
                self.travel(Item::ToClient(Input::Reached { wire, connect_ms }), None);
            }
            return self.travel(Item::Get(wire, sid), None);
        }
        self.travel(Item::Post(wire, sid.expect("a session"), text(&request.body)), None);
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Manager(ManagerEvent::Transport { transport, upgraded }) => {
                self.transports.push((transport, upgraded));
            }
            Event::Manager(ManagerEvent::UpgradeFailed(error)) => self.upgrade_errors.push(error),
            Event::Manager(ManagerEvent::Retry(retry)) => self.retries.push(retry.error),
            Event::Socket(_, SocketEvent::State { transition, .. }) => {
                self.states.push(transition.state);
                self.causes.extend(transition.cause.map(|cause| cause.code()));
            }
            Event::Socket(_, SocketEvent::Event { payload, .. }) => {
                self.received.push(payload.arg(0).expect("an argument").to_owned());
            }
            Event::Finished => self.finished = true,
            _ => {}
        }
    }
}

fn response(wire: WireId, exchange: Exchange, status: u16, body: String) -> Input {
    let body = Bytes::from(body);
    let result = Ok(HttpResponse { status, body, ..HttpResponse::default() });
    Input::Response { wire, exchange, result }
}

fn text(parts: &[Bytes]) -> String {
    String::from_utf8(parts.concat()).expect("UTF-8")
}

/// A parameter of a query.
pub(crate) fn parameter(path_and_query: &str, name: &str) -> Option<String> {
    let (_, query) = path_and_query.split_once('?')?;
    let value = query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.to_owned())
}
