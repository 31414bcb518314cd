//! The world of one manager: as the conference's, with a plain Socket.IO server.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use roamio::config::{Endpoint, ManagerConfig, SocketOptions, Transport};
use roamio::error::{Code, Error};
use roamio::payload::{Outgoing, Payload};
use roamio::proto::io::{
    AckToken, AskToken, Command, Cookies, DisconnectReason, Event, Hint, Input, ManagerEvent,
    ManagerState, Offline, RequestId, Retry, SocketEvent, SocketId, SocketState, Transmit, WireId,
};
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};
use roamio::secret::Secret;

use super::server::PlainServer;
use crate::link::{Flow, Link, Millis, Side, ToClient, ToServer};
use crate::server::Says;
use crate::world::Dials;

/// CONNECT follows DISCONNECT of the same namespace no sooner.
const GAP: Millis = 50;

/// The time of day when the world's clock was zero.
pub(crate) const EPOCH: Millis = 1_704_067_200_000;

/// What a socket told.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) state: SocketState,
    pub(crate) steps: u64,
    pub(crate) sids: Vec<String>,
    pub(crate) reasons: Vec<DisconnectReason>,
    pub(crate) causes: Vec<Error>,
    /// Errors of joining, and whether the socket goes on by itself.
    pub(crate) refusals: Vec<(Error, bool)>,
    pub(crate) events: Vec<String>,
    pub(crate) owed: VecDeque<AckToken>,
    /// Whether the server had kept the state of the former connection, for each id.
    pub(crate) recovered: Vec<bool>,
    /// What was written, by those who want to know.
    pub(crate) sent: Vec<String>,
    /// What never will be.
    pub(crate) dropped: Vec<(String, Code)>,
    /// Questions for an auth payload.
    pub(crate) asked: Vec<(AskToken, Option<Error>)>,
    pub(crate) detached: bool,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct PlainWorld {
    pub(crate) now: Millis,
    pub(crate) stack: Stack,
    pub(crate) server: PlainServer,
    pub(crate) links: BTreeMap<WireId, Link>,
    pub(crate) dials: Dials,
    pub(crate) latency: Millis,
    /// The address that new connections have.
    pub(crate) local: SocketAddr,
    pub(crate) state: ManagerState,
    pub(crate) steps: u64,
    pub(crate) sockets: BTreeMap<SocketId, Seen>,
    pub(crate) outcomes: BTreeMap<RequestId, Option<Result<Payload, Error>>>,
    pub(crate) retries: Vec<Retry>,
    /// Questions for a target.
    pub(crate) asked: Vec<(AskToken, u32, Option<Error>)>,
    pub(crate) dialled: Vec<Millis>,
    pub(crate) finished: bool,
    /// When DISCONNECT was written last, by connection and namespace.
    left: BTreeMap<(WireId, String), Millis>,
    next_request: u64,
    spins: u32,
    trace: bool,
}

impl PlainWorld {
    pub(crate) fn new(seed: u64) -> Self {
        let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").expect("a URL");
        Self::with(ManagerConfig::new(endpoint), seed)
    }

    /// The simulated server has no polling.
    pub(crate) fn with(mut config: ManagerConfig, seed: u64) -> Self {
        config.common.transports.order = vec![Transport::Websocket];
        Self {
            now: 10_000,
            stack: Stack::manager(Arc::new(config), seed),
            server: PlainServer::new(),
            links: BTreeMap::new(),
            dials: Dials::Succeed,
            latency: 10,
            local: "10.0.0.1:1".parse().expect("an address"),
            state: ManagerState::Idle,
            steps: 0,
            sockets: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            retries: Vec::new(),
            asked: Vec::new(),
            dialled: Vec::new(),
            finished: false,
            left: BTreeMap::new(),
            next_request: 1,
            spins: 0,
            trace: std::env::var_os("ROAMIO_TRACE").is_some(),
        }
    }

    /// A world with these namespaces joined; their sockets are numbered from 0.
    pub(crate) fn joined(namespaces: &[&str]) -> Self {
        let mut world = Self::new(1);
        for (number, name) in namespaces.iter().enumerate() {
            world.attach(number as u32, name);
            world.connect(number as u32, None);
        }
        world.run_for(1_000);
        for number in 0..namespaces.len() {
            assert_eq!(world.socket(number as u32).state, SocketState::Connected);
        }
        world
    }

    // ---- the application --------------------------------------------------------------------

    pub(crate) fn socket(&self, number: u32) -> &Seen {
        &self.sockets[&SocketId(number)]
    }

    pub(crate) fn attach(&mut self, number: u32, namespace: &str) {
        self.attach_with(number, namespace, SocketOptions::default());
    }

    pub(crate) fn attach_with(&mut self, number: u32, namespace: &str, options: SocketOptions) {
        let socket = SocketId(number);
        self.sockets.insert(socket, Seen::default());
        self.command(Command::Attach { socket, namespace: namespace.into(), options });
    }

    /// A new number for a request.
    pub(crate) fn request(&mut self) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.outcomes.insert(request, None);
        request
    }

    pub(crate) fn connect(&mut self, number: u32, auth: Option<&str>) {
        let auth = auth.map(Secret::new);
        self.command(Command::Connect { socket: SocketId(number), auth });
    }

    pub(crate) fn disconnect(&mut self, number: u32) {
        self.command(Command::Disconnect { socket: SocketId(number) });
    }

    pub(crate) fn detach(&mut self, number: u32) {
        self.command(Command::Detach { socket: SocketId(number) });
    }

    pub(crate) fn emit(&mut self, number: u32, namespace: &str, text: &str) {
        self.emit_as(number, namespace, text, None, None, Offline::Wait);
    }

    pub(crate) fn ask(
        &mut self,
        number: u32,
        namespace: &str,
        text: &str,
        timeout_ms: Option<Millis>,
    ) -> RequestId {
        let request = self.request();
        self.emit_as(number, namespace, text, Some(request), timeout_ms, Offline::Wait);
        request
    }

    pub(crate) fn emit_as(
        &mut self,
        number: u32,
        namespace: &str,
        text: &str,
        request: Option<RequestId>,
        timeout_ms: Option<Millis>,
        offline: Offline,
    ) {
        let mut pool = bytes::BytesMut::new();
        let args = format!("[{text:?}]");
        let event = Outgoing::event(&mut pool, namespace, "say", &args, Vec::new()).expect("JSON");
        let socket = SocketId(number);
        self.command(Command::Emit { socket, event, request, timeout_ms, offline });
    }

    pub(crate) fn answer(&mut self, number: u32, token: AckToken) {
        let ack = Outgoing::ack(&mut bytes::BytesMut::new(), "/", "[7]", Vec::new()).expect("JSON");
        self.command(Command::Ack { socket: SocketId(number), token, ack });
    }

    pub(crate) fn hint(&mut self, hint: Hint) {
        self.command(Command::Hint(hint));
    }

    /// The code of an outcome; `None` for success.
    pub(crate) fn code(&self, request: RequestId) -> Option<Code> {
        let outcome = self.outcomes[&request].as_ref().expect("the request has an outcome");
        outcome.as_ref().err().map(Error::code)
    }

    pub(crate) fn command(&mut self, command: Command) {
        if self.trace {
            println!("{:>9} app  {command:?}", self.now);
        }
        self.stack.handle_command(command, self.clock());
        self.drain();
    }

    // ---- the network and the server ---------------------------------------------------------

    pub(crate) fn open_links(&self) -> Vec<WireId> {
        self.links.iter().filter(|(_, link)| link.is_open()).map(|(id, _)| *id).collect()
    }

    pub(crate) fn reset_all(&mut self) {
        let now = self.now;
        self.links.values_mut().for_each(|link| link.reset(Side::Both, now));
    }

    pub(crate) fn black_out(&mut self) {
        for link in self.links.values_mut() {
            link.up.break_off();
            link.down.break_off();
        }
    }

    /// The texts that the server heard in a namespace, oldest first.
    pub(crate) fn heard(&self, namespace: &str) -> Vec<&str> {
        let heard = self.server.heard.iter().filter(|heard| heard.namespace == namespace);
        heard.map(|heard| heard.json.as_str()).collect()
    }

    // ---- time -------------------------------------------------------------------------------

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: EPOCH + self.now }
    }

    pub(crate) fn run_for(&mut self, duration: Millis) {
        let end = self.now + duration;
        self.settle_server();
        while self.next_event().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Millis> {
        let up = self.links.values().filter_map(|link| link.up.due());
        let down = self.links.values().filter_map(|link| link.down.due());
        let client = self.stack.poll_timeout().map(|at| at.0);
        up.chain(down).chain(client).chain(self.server.poll_timeout()).min()
    }

    fn step(&mut self) {
        let Some(at) = self.next_event() else { return };
        self.spins = if at > self.now { 0 } else { self.spins + 1 };
        assert!(self.spins < 2_000, "the clock stands still");
        self.now = self.now.max(at);
        let now = self.now;
        let ids: Vec<WireId> = self.links.keys().copied().collect();
        for id in &ids {
            while let Some(link) = self.links.get_mut(id)
                && let Some(item) = link.up.pop(now)
            {
                match item {
                    ToServer::Text(frame) if link.server_holds => {
                        let frame = std::str::from_utf8(&frame).expect("UTF-8");
                        self.server.receive(*id, frame, now);
                    }
                    ToServer::Ping => link.down.push(ToClient::Pong, now),
                    ToServer::End => {
                        link.server_holds = false;
                        self.server.lose(*id);
                    }
                    ToServer::Text(_) => {}
                }
            }
        }
        self.server.handle_timeout(now);
        self.settle_server();
        for id in &ids {
            while let Some(item) = self.links.get_mut(id).and_then(|link| link.down.pop(now)) {
                self.deliver(*id, item);
            }
        }
        if self.stack.poll_timeout().is_some_and(|at| at.0 <= now) {
            self.stack.handle_timeout(self.clock());
            self.drain();
        }
        self.links.retain(|_, link| !link.is_over());
    }

    /// Put what the server says on the wire.
    pub(crate) fn settle_server(&mut self) {
        let now = self.now;
        while let Some((id, says)) = self.server.poll_says() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            match says {
                Says::Text(text) => link.down.push(ToClient::Text(text.into()), now),
                Says::End => {
                    link.server_holds = false;
                    link.up.clear();
                    let error = Error::new(Code::EngineClosed, "closed by the server");
                    link.down.push(ToClient::Closed(error), now);
                }
            }
        }
    }

    fn deliver(&mut self, id: WireId, item: ToClient) {
        let Some(link) = self.links.get_mut(&id).filter(|link| link.client_holds) else { return };
        let input = match item {
            ToClient::Accepted => {
                link.server_holds = true;
                let (local, connect_ms) = (Some(link.local), self.now - link.dialled);
                self.server.open(id, self.now);
                self.settle_server();
                self.input(Input::Reached { wire: id, connect_ms });
                Input::Connected { wire: id, local, cookies: Cookies::default() }
            }
            ToClient::Refused(error) => {
                link.client_holds = false;
                Input::Failed { wire: id, error }
            }
            ToClient::Text(frame) => Input::Text { wire: id, frame },
            ToClient::Part => Input::Activity { wire: id, partial: true, pong: false },
            ToClient::Pong => Input::Activity { wire: id, partial: false, pong: true },
            ToClient::Closed(error) => {
                link.client_holds = false;
                Input::Closed { wire: id, error }
            }
        };
        self.input(input);
    }

    pub(crate) fn input(&mut self, input: Input) {
        if self.trace {
            println!("{:>9} ---> {input:?}", self.now);
        }
        self.stack.handle_input(input, self.clock());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            if self.trace {
                println!("{:>9} <--- {transmit:?}", self.now);
            }
            self.transmit(transmit);
        }
        while let Some(event) = self.stack.poll_event() {
            if self.trace {
                println!("{:>9} core {event:?}", self.now);
            }
            self.hear(event);
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        let now = self.now;
        match transmit {
            Transmit::Request { .. } => panic!("WebSocket only"),
            Transmit::Dial { wire: link, .. } => {
                self.dialled.push(now);
                let mut dialled = Link::new(self.local, self.latency, now);
                match self.dials {
                    Dials::Succeed | Dials::Slow(_) => dialled.down.push(ToClient::Accepted, now),
                    Dials::Refused | Dials::Unreachable => {
                        let error = Error::new(Code::Connect, "connection refused");
                        dialled.down.push(ToClient::Refused(error), now);
                    }
                    Dials::Hang => dialled.down.flow = Flow::BlackHole,
                }
                self.links.insert(link, dialled);
            }
            Transmit::Text { wire: link, frame } => {
                self.watch(link, &frame);
                if let Some(link) = self.links.get_mut(&link).filter(|link| link.is_open()) {
                    link.up.push(ToServer::Text(frame), now);
                }
            }
            Transmit::Binary { .. } | Transmit::LimitUnacknowledged { .. } => {}
            Transmit::AskLocalAddress { wire } => {
                let local = Some(self.local.ip());
                self.stack.handle_input(Input::LocalAddress { wire, local }, self.clock());
            }
            Transmit::Ping { wire: link } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.up.push(ToServer::Ping, now);
                }
            }
            Transmit::Hangup { wire: link, .. } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.client_holds = false;
                    link.down.clear();
                    link.up.push(ToServer::End, now);
                }
            }
        }
    }

    /// Rule 4: time between DISCONNECT and CONNECT.
    fn watch(&mut self, link: WireId, frame: &Bytes) {
        let text = std::str::from_utf8(frame).expect("UTF-8");
        let name = |packet: &str| {
            let name = packet.split_once(',').filter(|_| packet.starts_with('/'));
            (link, name.map_or("/", |(name, _)| name).to_owned())
        };
        if let Some(packet) = text.strip_prefix("41") {
            self.left.insert(name(packet), self.now);
        } else if let Some(left) = text.strip_prefix("40").and_then(|p| self.left.remove(&name(p)))
        {
            assert!(self.now - left >= GAP, "CONNECT {} ms behind DISCONNECT", self.now - left);
        }
    }

    fn hear(&mut self, event: Event) {
        assert!(!self.finished, "{event:?} after Finished");
        match event {
            Event::Manager(ManagerEvent::State(step)) => {
                self.steps += 1;
                assert_eq!(step.number, self.steps);
                assert_ne!(step.state, self.state);
                self.state = step.state;
            }
            Event::Manager(ManagerEvent::Retry(retry)) => self.retries.push(retry),
            Event::Manager(ManagerEvent::TargetWanted { token, attempt, error }) => {
                self.asked.push((token, attempt, error));
            }
            Event::Manager(_) => {}
            Event::Socket(socket, event) => {
                let seen = self.sockets.get_mut(&socket).expect("attached");
                assert!(!seen.detached, "{event:?} after Detached");
                seen.hear(event);
            }
            Event::Outcome { request, result } => {
                let earlier = self.outcomes.insert(request, Some(result));
                assert!(matches!(earlier, Some(None)), "a second outcome of {request:?}");
            }
            Event::Detached(socket) => {
                self.sockets.get_mut(&socket).expect("attached").detached = true;
            }
            Event::Finished => self.finished = true,
            event @ (Event::Conference(_) | Event::Keep(_)) => {
                panic!("a manager never says {event:?}")
            }
        }
    }
}

impl Seen {
    fn hear(&mut self, event: SocketEvent) {
        match event {
            SocketEvent::State { transition, socket_sid, reason, recovered } => {
                self.steps += 1;
                assert_eq!(transition.number, self.steps);
                assert_ne!(transition.state, self.state);
                self.state = transition.state;
                assert_eq!(socket_sid.is_some(), self.state == SocketState::Connected);
                self.recovered.extend(socket_sid.is_some().then_some(recovered));
                self.sids.extend(socket_sid.map(|sid| sid.to_string()));
                self.reasons.extend(reason);
                self.causes.extend(transition.cause);
            }
            SocketEvent::ConnectError { error, active } => self.refusals.push((error, active)),
            SocketEvent::Event { payload, ack } => {
                self.events.push(words(&payload));
                self.owed.extend(ack);
            }
            SocketEvent::Sent { payload } => self.sent.push(words(&payload)),
            SocketEvent::Dropped { payload, error } => {
                self.dropped.push((words(&payload), error.code()));
            }
            SocketEvent::AuthWanted { token, error } => self.asked.push((token, error)),
        }
    }
}

fn words(payload: &Payload) -> String {
    payload.args().collect::<Vec<_>>().join(",")
}
