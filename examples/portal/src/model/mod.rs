//! The portal as a state machine without clock, socket, thread or randomness.
//!
//! A driver feeds in what happens, with the time in milliseconds, and after each call drains
//! [`Portal::poll_output`] and reads [`Portal::poll_timeout`]:
//!
//! ```
//! use roamio_portal::model::{ConnId, ModelConfig, Output, Portal, TokenRequest};
//! use serde_json::json;
//!
//! let mut portal = Portal::new(ModelConfig::default(), 1, 0);
//! let token = portal.mint_token(TokenRequest::new("room", "alice", "presenter"), 0);
//! let conn = ConnId(1);
//! portal.handle_connect(conn, "socket-1", 0);
//! let login = json!({
//!     "token": token,
//!     "userAgent": {"sdk": {"type": "C++", "version": "5.1"}},
//!     "protocol": "1.2",
//! });
//! portal.handle_event(conn, "login", vec![login], Some(0), 0);
//! portal.handle_timeout(0);
//! let Some(Output::Ack { id: 0, args, .. }) = portal.poll_output() else { panic!() };
//! assert_eq!(args[0], "ok");
//! ```
//!
//! Equal seeds and equal inputs give equal outputs.
//!
//! The states of one connection:
//!
//! ```text
//!             login               the controller answers
//!   Unused ----------> Joining --------------------------> InService
//!     |                   | logout                             |  logout
//!     | relogin           `------------> Left <----------------'
//!     v                                                        ^
//!   Resuming --------------------------------------------------'
//! ```
//!
//! A connection that is disconnected by the portal, or lost, is forgotten. Source:
//! open-webrtc-toolkit/owt-server: source/portal/socketIOServer.js, client.js, portal.js.

mod config;
mod credential;
mod entrance;
mod faults;
mod ids;
mod journal;
mod ledger;
mod legacy;
mod media;
mod operations;
mod overview;
mod requests;
mod room;
mod schema;
mod session;
mod stream;
mod switches;
mod timer;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

pub use config::{ModelConfig, Protocol, Retention, SeqBase, StreamMedia};
pub use journal::JournalLine;
pub use ledger::{Departure, ExecutedRequest, IssuedNotification, Ledger, RefusedRequest};
pub use operations::{Audience, TextBurst, TokenRequest};
pub use overview::{Attendance, Presence, RoomOverview};
pub use room::{Participant, ROLES};

use entrance::{Join, TokenRecord};
use faults::{AckFault, Failure};
use ids::Ids;
use journal::Journal;
use ledger::Ledgers;
use room::Room;
use session::{Link, Session};
use timer::{Timer, Timers};

/// A time or a duration in milliseconds.
pub type Millis = u64;

/// One namespace connection of a client. The driver chooses the number and never uses it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What the driver has to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send an event. Without data it goes over the wire with `null`.
    Emit {
        /// The receiving connection.
        conn: ConnId,
        /// Event name.
        event: String,
        /// Its one argument.
        data: Option<Value>,
    },
    /// Answer a request. The connection can have been disconnected since it sent the request (a
    /// takeover); while its engine lives, the answer still belongs there.
    Ack {
        /// The connection the request came from.
        conn: ConnId,
        /// The ack id of the request.
        id: u64,
        /// Status and payload.
        args: Vec<Value>,
    },
    /// Send a Socket.IO DISCONNECT and leave the engine open.
    Disconnect {
        /// The receiving connection.
        conn: ConnId,
    },
}

/// A portal with its token store and its rooms. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Portal {
    config: ModelConfig,
    ids: Ids,
    started: Millis,
    token_key: String,
    ticket_key: String,
    /// Tickets issued at or before this wall-clock time count as expired.
    expired_until: Option<Millis>,
    tokens: BTreeMap<String, TokenRecord>,
    connections: BTreeMap<ConnId, Connection>,
    joins: BTreeMap<u64, Join>,
    joins_started: u64,
    /// Logged-in clients, by participant id.
    sessions: BTreeMap<String, Session>,
    rooms: BTreeMap<String, Room>,
    timers: Timers,
    ack_faults: Vec<AckFault>,
    failures: Vec<Failure>,
    ledgers: Ledgers,
    journal: Journal,
    outputs: VecDeque<Output>,
    /// Tokens and tickets, if they are to be kept.
    issued: Option<Vec<String>>,
}

#[derive(Debug)]
struct Connection {
    socket_sid: String,
    phase: Phase,
    /// How many times the listeners of room requests were attached: each login and relogin on one
    /// connection attaches them again, and each of them executes a request.
    listeners: u32,
    /// Whether those attached last are for legacy clients.
    legacy: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Unused,
    /// The join with this number is with the controller.
    Joining(u64),
    /// A relogin of this participant is about to complete.
    Resuming {
        participant: String,
        ack: Option<u64>,
    },
    InService {
        participant: String,
    },
    /// Logged out, or logged out while joining.
    Left,
}

impl Portal {
    /// Start a portal at a time. Ids and keys follow from the seed.
    pub fn new(config: ModelConfig, seed: u64, now: Millis) -> Self {
        let mut ids = Ids::new(seed);
        Self {
            started: now,
            token_key: ids.hex(128),
            ticket_key: ids.hex(128),
            config,
            ids,
            expired_until: None,
            tokens: BTreeMap::new(),
            connections: BTreeMap::new(),
            joins: BTreeMap::new(),
            joins_started: 0,
            sessions: BTreeMap::new(),
            rooms: BTreeMap::new(),
            timers: Timers::default(),
            ack_faults: Vec::new(),
            failures: Vec::new(),
            ledgers: Ledgers::default(),
            journal: Journal::default(),
            outputs: VecDeque::new(),
            issued: None,
        }
    }

    /// Take note that a client joined the namespace `/`.
    pub fn handle_connect(&mut self, conn: ConnId, socket_sid: &str, now: Millis) {
        let connection = Connection {
            socket_sid: socket_sid.into(),
            phase: Phase::Unused,
            listeners: 0,
            legacy: false,
        };
        self.connections.insert(conn, connection);
        self.timers.start(now + self.config.idle_limit, Timer::CheckIdle(conn));
    }

    /// Take an event of a client: `args` without the event name, `ack` if an answer is wanted.
    ///
    /// An event without a listener is ignored, as the real portal does: unknown names, and every
    /// room request before a login began or a relogin completed.
    pub fn handle_event(
        &mut self,
        conn: ConnId,
        name: &str,
        args: Vec<Value>,
        ack: Option<u64>,
        now: Millis,
    ) {
        match name {
            "login" => self.login(conn, args, ack, now),
            "relogin" => self.relogin(conn, args, ack, now),
            "refreshReconnectionTicket" => self.refresh(conn, args, ack, now),
            "logout" => self.logout(conn, args, ack, now),
            _ => self.room_request(conn, name, args, ack, now),
        }
    }

    /// Take note that a connection was lost, for whatever reason. Unknown ones are ignored.
    pub fn handle_disconnect(&mut self, conn: ConnId, now: Millis) {
        // A relogin that has begun completes before the loss is noticed.
        self.finish_relogin(conn, now);
        let Some(connection) = self.connections.remove(&conn) else { return };
        if let Phase::InService { participant } = connection.phase {
            self.lose_connection(&participant, now);
        }
    }

    /// Do what is due. A call too early does nothing.
    pub fn handle_timeout(&mut self, now: Millis) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::CheckIdle(conn) => self.check_idle(conn),
                Timer::FinishJoin(join) => self.finish_join(join, now),
                Timer::FinishRelogin(conn) => self.finish_relogin(conn, now),
                Timer::Forget(participant) => self.leave(&participant, Departure::Timeout, now),
                Timer::Answer { participant, transport } => {
                    self.answer_offer(participant, transport, now);
                }
                Timer::Ready { participant, transport } => {
                    self.report_ready(&participant, &transport, now);
                }
                Timer::AddStream { room, stream } => self.announce_stream(&room, &stream, now),
                Timer::RemoveStream { room, stream } => {
                    let data = json!({"id": stream, "status": "remove"});
                    self.notify_room(&room, "stream", &data, now);
                }
                Timer::Text(burst) => self.send_text(burst, now),
                Timer::Ack { conn, id, args } => {
                    self.outputs.push_back(Output::Ack { conn, id, args });
                }
            }
        }
    }

    /// Take the next thing to send.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called next.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next_at()
    }

    fn check_idle(&mut self, conn: ConnId) {
        let phase = self.connections.get(&conn).map(|connection| &connection.phase);
        if matches!(phase, Some(Phase::Unused | Phase::Left)) {
            self.disconnect(conn);
        }
    }

    /// Attach the listeners of room requests to a connection.
    fn listen(&mut self, conn: ConnId, protocol: Protocol) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.listeners += 1;
            connection.legacy = protocol == Protocol::Legacy;
        }
    }

    /// Send a DISCONNECT and forget the connection.
    fn disconnect(&mut self, conn: ConnId) {
        if self.connections.remove(&conn).is_some() {
            self.outputs.push_back(Output::Disconnect { conn });
        }
    }

    fn lose_connection(&mut self, participant: &str, now: Millis) {
        let Some(session) = self.sessions.get_mut(participant) else { return };
        if session.reconnectable {
            let at = now + self.config.reconnection_timeout;
            let timer = self.timers.start(at, Timer::Forget(participant.into()));
            session.link = Link::Waiting(timer);
            self.note(Some(participant), "connection lost, waiting".into(), now);
        } else {
            self.leave(participant, Departure::Loss, now);
        }
    }

    /// End a participant's session and take it out of its room.
    fn leave(&mut self, participant: &str, why: Departure, now: Millis) {
        let Some(session) = self.sessions.remove(participant) else { return };
        if let Link::Waiting(timer) = session.link {
            self.timers.cancel(timer);
        }
        self.ledgers.of(participant).left = Some(why);
        self.note(Some(participant), format!("left: {why}"), now);
        self.leave_room(&session.room, participant, now);
    }

    fn leave_room(&mut self, room_id: &str, participant: &str, now: Millis) {
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        room.participants.retain(|other| other.id != participant);
        if room.participants.is_empty() {
            self.rooms.remove(room_id);
            return;
        }
        room.subscriptions.retain(|_, subscription| subscription.owner != participant);
        let owned = |stream: &mut stream::Stream| stream.owner.as_deref() == Some(participant);
        for stream in room.streams.extract_if(.., owned).filter(|stream| stream.announced) {
            let timer = Timer::RemoveStream { room: room_id.into(), stream: stream.id };
            self.timers.start(now + self.config.stream_delay, timer);
        }
        let data = json!({"action": "leave", "data": participant});
        self.notify_room(room_id, "participant", &data, now);
    }

    fn notify_room(&mut self, room: &str, event: &str, data: &Value, now: Millis) {
        let Some(room) = self.rooms.get(room) else { return };
        let members: Vec<String> =
            room.participants.iter().map(|participant| participant.id.clone()).collect();
        for member in members {
            self.notify(&member, event, Some(data), now);
        }
    }

    /// Issue a notification, in the shape of protocol 1.2: the portal converts it for the session.
    ///
    /// Participants without a session (see [`add_participant`](Self::add_participant)) get none.
    pub fn notify(&mut self, participant: &str, event: &str, data: Option<&Value>, now: Millis) {
        let Some(session) = self.sessions.get_mut(participant) else { return };
        let Some((event, data)) = session.adapt(event, data) else { return };
        let seq = session.store(&event, data.as_ref(), &self.config, now);
        let conn = (session.link == Link::Connected).then_some(session.conn);
        let at = self.wall(now);
        let issued = IssuedNotification { seq, at, event: event.clone(), data: data.clone() };
        self.ledgers.of(participant).notifications.push(issued);
        self.journal.note(at, Some(participant), format!("notification {seq} {event}"));
        if let Some(conn) = conn {
            self.outputs.push_back(Output::Emit { conn, event, data });
        }
    }

    /// Add a line to the journal.
    pub(crate) fn note(&mut self, participant: Option<&str>, text: String, now: Millis) {
        let at = self.wall(now);
        self.journal.note(at, participant, text);
    }

    /// The wall clock of the portal, in milliseconds since 1970.
    pub fn wall(&self, now: Millis) -> Millis {
        (self.config.epoch + now - self.started).saturating_add_signed(self.config.clock_offset)
    }
}

#[cfg(test)]
mod tests;
