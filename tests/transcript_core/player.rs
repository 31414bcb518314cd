//! The core in the place of a recorded client: it is fed what the portal sent, and what it sends is
//! compared with what the recorded client sent.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use roamio::config::{
    CommonConfig, ConferenceConfig, PortalProtocol, Revision, Token, Transport, TransportConfig,
};
use roamio::error::{Code, Error};
use roamio::payload::{Outgoing, Payload};
use roamio::proto::io::{
    Command, ConferenceEvent, ConferenceState, Cookies, Event, Hint, Input, OfflineRequest,
    RequestId, Transmit, WireId,
};
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};
use serde_json::Value;

use crate::record::{self, Record};

/// A recording that was played.
#[derive(Debug)]
pub(crate) struct Player {
    stack: Stack,
    /// In revision 3 the client sends the pings, at times of its own: those are answered here.
    pings: bool,
    now: u64,
    /// The core's link for each recorded connection.
    links: BTreeMap<u64, WireId>,
    dials: VecDeque<WireId>,
    /// Calls and pongs that the core has sent and nobody has looked at.
    sent: BTreeMap<WireId, VecDeque<String>>,
    /// Links that the core let go of, or that ended.
    pub(crate) over: Vec<WireId>,
    /// Ack ids of the core, by those of the recorded client.
    acks: HashMap<(u64, u64), u64>,
    /// The newest ticket that reached the core.
    pub(crate) ticket: Option<String>,
    next_request: u64,
    /// Requests by the names of their calls, in order.
    pub(crate) outcomes: Vec<(String, Option<Result<Payload, Error>>)>,
    pub(crate) events: Vec<ConferenceEvent>,
    pub(crate) state: ConferenceState,
    pub(crate) end: Option<Error>,
}

/// Play the part of the client that made these connections.
pub(crate) fn play(name: &str, conns: &[u64]) -> Player {
    let records: Vec<(u64, Record)> =
        record::read(name).into_iter().filter(|(_, record)| concerns(record, conns)).collect();
    let login = records.iter().find_map(|(_, record)| match record {
        Record::Sent(_, packet) => call(packet).filter(|(_, name, _)| name == "login"),
        _ => None,
    });
    let login = login.map_or(Value::Null, |(_, _, args)| args[0].clone());
    let revision = records.iter().find_map(|(_, record)| match record {
        Record::Open(_, revision) => Some(*revision),
        _ => None,
    });
    let mut player = Player::new(&login, revision.expect("a connection"));
    for (at, record) in &records {
        player.pass_until(10_000 + at);
        match record {
            Record::Open(conn, _) => player.open(*conn, &login),
            Record::Sent(conn, packet) => player.expect(*conn, packet),
            Record::Received(conn, packet) => player.receive(*conn, packet),
            Record::Closed(conn, code) => player.lose(*conn, *code),
            Record::Note => {}
        }
    }
    player
}

fn concerns(record: &Record, conns: &[u64]) -> bool {
    match record {
        Record::Open(conn, _)
        | Record::Sent(conn, _)
        | Record::Received(conn, _)
        | Record::Closed(conn, _) => conns.contains(conn),
        Record::Note => true,
    }
}

/// Ack id, name and arguments of a call.
fn call(packet: &str) -> Option<(u64, String, Vec<Value>)> {
    let packet = packet.strip_prefix("42")?;
    let bracket = packet.find('[')?;
    let mut args: Vec<Value> = serde_json::from_str(&packet[bracket..]).ok()?;
    let name = args.remove(0).as_str()?.to_owned();
    Some((packet[..bracket].parse().ok()?, name, args))
}

impl Player {
    fn new(login: &Value, revision: Revision) -> Self {
        let protocol = match login["protocol"].as_str() {
            None => PortalProtocol::Legacy,
            Some("1.0") => PortalProtocol::V1_0,
            Some("1.1") => PortalProtocol::V1_1,
            Some(_) => PortalProtocol::V1_2,
        };
        let sdk = &login["userAgent"]["sdk"];
        let config = ConferenceConfig {
            protocol,
            sdk_type: sdk["type"].as_str().unwrap_or("C++").into(),
            sdk_version: sdk["version"].as_str().unwrap_or("5.1").into(),
            common: CommonConfig {
                transports: TransportConfig {
                    revision,
                    ..TransportConfig::only(Transport::Websocket)
                },
                ..CommonConfig::default()
            },
            ..ConferenceConfig::default()
        };
        Self {
            stack: Stack::conference(Arc::new(config), 1),
            pings: revision == Revision::V3,
            now: 10_000,
            links: BTreeMap::new(),
            dials: VecDeque::new(),
            sent: BTreeMap::new(),
            over: Vec::new(),
            acks: HashMap::new(),
            ticket: None,
            next_request: 1,
            outcomes: Vec::new(),
            events: Vec::new(),
            state: ConferenceState::Idle,
            end: None,
        }
    }

    // ---- the records ------------------------------------------------------------------------

    fn open(&mut self, conn: u64, login: &Value) {
        if self.links.is_empty() {
            let token = Token::parse(login["token"].as_str().expect("a token"), true);
            let request = self.ask("login");
            self.command(Command::Login { request, token: token.expect("a good token") });
        } else if self.state == ConferenceState::Ready {
            // The recorded client moved because it wanted to.
            self.command(Command::Hint(Hint::NetworkChanged));
        }
        for _ in 0..100 {
            if !self.dials.is_empty() || self.state == ConferenceState::Ended {
                break;
            }
            self.wait_for_timer();
        }
        let Some(link) = self.dials.pop_front() else { return };
        self.links.insert(conn, link);
        let local = SocketAddr::new([10, 0, 0, conn as u8].into(), 1);
        self.input(Input::Connected {
            wire: link,
            local: Some(local),
            cookies: Cookies::default(),
        });
    }

    /// The core sends what the recorded client sent, on its own account or when asked to.
    fn expect(&mut self, conn: u64, packet: &str) {
        let Some(link) = self.live(conn) else { return };
        if self.pings && packet == "2" {
            return;
        }
        let Some((recorded_id, name, args)) = call(packet) else {
            assert_eq!(self.next_sent(link).as_deref(), Some(packet));
            return;
        };
        match name.as_str() {
            "login" | "relogin" => {}
            "logout" => {
                let request = self.ask("logout");
                self.command(Command::Logout { request });
            }
            "refreshReconnectionTicket" => self.wait_for_refresh(link),
            _ => {
                let json = Value::from(args.clone()).to_string();
                let event = Outgoing::event(&mut BytesMut::new(), "/", &name, &json, Vec::new());
                let request = self.ask(&name);
                let event = event.expect("JSON");
                self.command(Command::Request {
                    request,
                    event,
                    timeout_ms: None,
                    offline: OfflineRequest::Wait,
                    idempotent: false,
                });
            }
        }
        let sent = self.next_sent(link).unwrap_or_else(|| panic!("{name} is not sent"));
        let (id, sent_name, sent_args) = call(&sent).expect("a call");
        assert_eq!(sent_name, name);
        match name.as_str() {
            "login" => assert_login(&sent_args, &args),
            "relogin" => {
                let ticket = sent_args[0].as_str().map(str::to_owned);
                assert_eq!((sent_args.len(), ticket), (1, self.ticket.clone()));
            }
            "logout" | "refreshReconnectionTicket" => assert!(sent_args.is_empty()),
            _ => assert_eq!(sent_args, args),
        }
        self.acks.insert((conn, recorded_id), id);
    }

    fn receive(&mut self, conn: u64, packet: &str) {
        let Some(link) = self.live(conn).filter(|_| !self.pings || packet != "3") else { return };
        let mut packet = packet.to_owned();
        if let Some((id, body)) = packet.strip_prefix("43").and_then(|rest| rest.split_once('[')) {
            let recorded: u64 = id.parse().expect("an ack id");
            let Some(id) = self.acks.get(&(conn, recorded)) else { return };
            packet = format!("43{id}[{body}");
            self.note_ticket(&packet);
        }
        self.input(Input::Text { wire: link, frame: Bytes::from(packet) });
    }

    fn note_ticket(&mut self, packet: &str) {
        let bracket = packet.find('[').expect("an answer");
        let answer: Value = serde_json::from_str(&packet[bracket..]).expect("JSON");
        let places = [&answer[1], &answer[1]["ticket"], &answer[1]["reconnectionTicket"]];
        let granted = answer[0] == "ok" || answer[0] == "success";
        let ticket = places.into_iter().find_map(|place| place.as_str().filter(|_| granted));
        if let Some(ticket) = ticket {
            self.ticket = Some(ticket.to_owned());
        }
    }

    fn lose(&mut self, conn: u64, code: u64) {
        let Some(link) = self.live(conn) else { return };
        self.over.push(link);
        let code = if code == 1006 { Code::NetworkLost } else { Code::EngineClosed };
        self.input(Input::Closed { wire: link, error: code.into() });
    }

    /// The core's link for a connection, as long as it has one.
    fn live(&self, conn: u64) -> Option<WireId> {
        self.links.get(&conn).copied().filter(|link| !self.over.contains(link))
    }

    fn next_sent(&mut self, link: WireId) -> Option<String> {
        self.sent.entry(link).or_default().pop_front()
    }

    /// Let the connection live, heartbeat by heartbeat, until the ticket is renewed.
    fn wait_for_refresh(&mut self, link: WireId) {
        for _ in 0..1_000 {
            if self.sent.get(&link).is_some_and(|sent| !sent.is_empty()) {
                return;
            }
            self.pass_until(self.now + 1_000);
            if self.pings {
                continue;
            }
            self.input(Input::Text { wire: link, frame: Bytes::from_static(b"2") });
            let pong = self.next_sent(link);
            assert_eq!(pong.as_deref(), Some("3"));
        }
    }

    // ---- the core ---------------------------------------------------------------------------

    fn ask(&mut self, name: &str) -> RequestId {
        self.outcomes.push((name.to_owned(), None));
        let request = RequestId(self.next_request);
        self.next_request += 1;
        request
    }

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: 0 }
    }

    pub(crate) fn pass_until(&mut self, at: u64) {
        while self.stack.poll_timeout().is_some_and(|due| due.0 <= at) {
            self.wait_for_timer();
        }
        self.now = self.now.max(at);
    }

    fn wait_for_timer(&mut self) {
        let Some(due) = self.stack.poll_timeout() else { return };
        self.now = self.now.max(due.0);
        self.stack.handle_timeout(self.clock());
        self.drain();
    }

    fn command(&mut self, command: Command) {
        self.stack.handle_command(command, self.clock());
        self.drain();
    }

    fn input(&mut self, input: Input) {
        self.stack.handle_input(input, self.clock());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            match transmit {
                Transmit::Dial { wire: link, .. } => self.dials.push_back(link),
                Transmit::Text { wire: link, frame } => {
                    let text = String::from_utf8(frame.to_vec()).expect("UTF-8");
                    if self.pings && text == "2" {
                        let pong = Input::Text { wire: link, frame: Bytes::from_static(b"3") };
                        self.stack.handle_input(pong, self.clock());
                    } else {
                        self.sent.entry(link).or_default().push_back(text);
                    }
                }
                Transmit::Hangup { wire: link, .. } => self.over.push(link),
                Transmit::Request { .. } => panic!("WebSocket only"),
                Transmit::Ping { .. }
                | Transmit::Binary { .. }
                | Transmit::LimitUnacknowledged { .. }
                | Transmit::AskLocalAddress { .. } => {}
            }
        }
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Outcome { request, result } => {
                    self.outcomes[request.0 as usize - 1].1 = Some(result);
                }
                Event::Conference(ConferenceEvent::State(step)) => {
                    self.state = step.state;
                    self.end = step.cause.filter(|_| step.state == ConferenceState::Ended);
                }
                Event::Conference(event) => self.events.push(event),
                // For an export, and not for the host.
                Event::Keep(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    // ---- what came of it --------------------------------------------------------------------

    /// Texts by their messages, other notifications by their names.
    pub(crate) fn heard(&self) -> Vec<String> {
        let notifications = self.events.iter().filter_map(|event| match event {
            ConferenceEvent::Notification { payload, .. } => Some(payload),
            _ => None,
        });
        notifications
            .map(|payload| {
                let data: Value = payload.decode(0).expect("JSON");
                data["message"].as_str().unwrap_or(payload.name()).to_owned()
            })
            .collect()
    }

    pub(crate) fn gaps(&self) -> Vec<(u64, u64, bool)> {
        let gap = |event: &ConferenceEvent| match event {
            ConferenceEvent::Gap { from, to, certain } => Some((*from, *to, *certain)),
            _ => None,
        };
        self.events.iter().filter_map(gap).collect()
    }

    /// Whether each resume was complete, in order.
    pub(crate) fn resumed(&self) -> Vec<bool> {
        let resumed = |event: &ConferenceEvent| match event {
            ConferenceEvent::Resumed { complete, .. } => Some(*complete),
            _ => None,
        };
        self.events.iter().filter_map(resumed).collect()
    }

    /// How each request ended: `ok` or its error.
    pub(crate) fn results(&self) -> Vec<(&str, Option<Code>)> {
        let code = |outcome: &Option<Result<Payload, Error>>| match outcome {
            None => panic!("no outcome"),
            Some(result) => result.as_ref().err().map(Error::code),
        };
        self.outcomes.iter().map(|(name, outcome)| (name.as_str(), code(outcome))).collect()
    }

    /// The code the session ended with.
    pub(crate) fn end_code(&self) -> Option<Code> {
        self.end.as_ref().map(Error::code)
    }
}

/// The members that a portal looks at are the recorded ones.
fn assert_login(sent: &[Value], recorded: &[Value]) {
    assert_eq!(sent.len(), 1);
    for member in ["/token", "/protocol", "/userAgent/sdk/type", "/userAgent/sdk/version"] {
        assert_eq!(sent[0].pointer(member), recorded[0].pointer(member), "{member}");
    }
}
