//! What an operator, an application server or a test does to the portal.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ConnId, Departure, Ledger, Link, Millis, ModelConfig, Participant, Portal, Room, Timer,
    credential::{self, Token},
    entrance::TokenRecord,
};

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// Room id; the room is created by its first participant.
    pub room: String,
    /// Name of the user.
    pub user: String,
    /// One of [`ROLES`](super::ROLES); any other text gives a token whose login fails with
    /// `Invalid role`.
    pub role: String,
}

impl TokenRequest {
    /// Name the room, the user and the role.
    pub fn new(room: impl Into<String>, user: impl Into<String>, role: impl Into<String>) -> Self {
        Self { room: room.into(), user: user.into(), role: role.into() }
    }
}

/// Who receives a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the room with this id.
    Room(String),
    /// The participant with this id.
    Participant(String),
}

/// Numbered texts from a peer called `peer`, who is not in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextBurst {
    /// Who receives them.
    pub to: Audience,
    /// What stands before the number in each message.
    pub prefix: String,
    /// Number of the first text.
    pub first: u64,
    /// How many are sent.
    pub count: u64,
    /// Milliseconds between two of them; with 0 all are sent at once.
    pub gap: Millis,
}

impl Portal {
    /// The switches.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The switches, for changing them while the portal runs.
    pub fn config_mut(&mut self) -> &mut ModelConfig {
        &mut self.config
    }

    /// Make a token as the management API does. It is good for one login.
    pub fn mint_token(&mut self, request: TokenRequest, now: Millis) -> String {
        let id = self.ids.hex(24);
        let token = Token::issue(&self.token_key, &id, &self.config.host, self.config.secure);
        let TokenRequest { room, user, role } = request;
        self.tokens.insert(id, TokenRecord { room, user, role, minted_at: now });
        self.issue(&token)
    }

    /// Keep every token and ticket from now on, for [`take_issued`](Self::take_issued).
    pub fn keep_issued(&mut self) {
        self.issued = Some(Vec::new());
    }

    /// The tokens and tickets that were issued since the last call.
    pub fn take_issued(&mut self) -> Vec<String> {
        self.issued.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn issue(&mut self, credential: &impl Serialize) -> String {
        let text = credential::encode(credential);
        if let Some(issued) = &mut self.issued {
            issued.push(text.clone());
        }
        text
    }

    /// Forget all tokens: logins with them get no answer.
    pub fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Put somebody into a room who has no connection. `drop_participant` takes them out again.
    pub fn add_participant(&mut self, request: TokenRequest, now: Millis) -> String {
        let id = self.ids.base36(20);
        let TokenRequest { room, user, role } = request;
        self.join_room(&room, Participant { id: id.clone(), user, role }, now);
        id
    }

    /// Let a participant into a room and tell the others.
    pub(super) fn join_room(&mut self, room: &str, participant: Participant, now: Millis) {
        let data = json!({"action": "join", "data": participant});
        self.notify_room(room, "participant", &data, now);
        let room = self.rooms.entry(room.into()).or_insert_with(|| Room::new(room));
        room.participants.push(participant);
    }

    /// Start a burst of texts; the first is sent at once.
    pub fn send_texts(&mut self, burst: TextBurst, now: Millis) {
        self.send_text(burst, now);
    }

    pub(super) fn send_text(&mut self, mut burst: TextBurst, now: Millis) {
        while burst.count > 0 {
            let message = format!("{}{}", burst.prefix, burst.first);
            match &burst.to {
                Audience::Room(room) => {
                    let data = json!({"from": "peer", "to": "all", "message": message});
                    let room = room.clone();
                    self.notify_room(&room, "text", &data, now);
                }
                Audience::Participant(id) => {
                    let data = json!({"from": "peer", "to": "me", "message": message});
                    let id = id.clone();
                    self.notify(&id, "text", Some(&data), now);
                }
            }
            burst.first += 1;
            burst.count -= 1;
            if burst.gap > 0 && burst.count > 0 {
                self.timers.start(now + burst.gap, Timer::Text(burst));
                return;
            }
        }
    }

    /// Remove a participant: `drop`, then a disconnect. Returns whether there was one.
    pub fn drop_participant(&mut self, participant: &str, now: Millis) -> bool {
        if let Some(session) = self.sessions.get(participant) {
            let (link, conn) = (session.link, session.conn);
            self.notify(participant, "drop", None, now);
            if link == Link::Connected {
                self.disconnect(conn);
            }
            self.leave(participant, Departure::Drop, now);
            return true;
        }
        let listed = |room: &Room| room.participant(participant).is_some();
        let room = self.rooms.iter().find(|(_, room)| listed(room)).map(|(id, _)| id.clone());
        if let Some(room) = &room {
            self.leave_room(room, participant, now);
        }
        room.is_some()
    }

    /// Disconnect a participant's connection without a `drop`: the session then waits for a
    /// relogin. Returns whether there was a connection.
    pub fn kick(&mut self, participant: &str, now: Millis) -> bool {
        let Some(session) = self.sessions.get(participant) else { return false };
        if session.link != Link::Connected {
            return false;
        }
        let conn = session.conn;
        self.disconnect(conn);
        self.lose_connection(participant, now);
        true
    }

    /// Begin anew as a restarted process: another reconnection key, no clients, no rooms. Tokens
    /// stay, they are in a database; ledgers stay too. The driver has to cut all connections.
    pub fn restart(&mut self) {
        self.ticket_key = self.ids.hex(128);
        self.expired_until = None;
        for participant in self.sessions.keys() {
            self.ledgers.of(participant).left = Some(Departure::Restart);
        }
        self.connections.clear();
        self.joins.clear();
        self.sessions.clear();
        self.rooms.clear();
        self.timers.clear();
        self.outputs.clear();
    }

    /// Let all tickets issued so far count as expired.
    pub fn expire_tickets(&mut self, now: Millis) {
        self.expired_until = Some(self.wall(now));
    }

    /// Let the portal's clock be wrong by this many milliseconds. Timers are not affected.
    pub fn set_clock_offset(&mut self, offset: i64) {
        self.config.clock_offset = offset;
    }

    /// Everybody in a room, in the order they came.
    pub fn participants(&self, room: &str) -> Vec<Participant> {
        self.rooms.get(room).map_or_else(Vec::new, |room| room.participants.clone())
    }

    /// Ids of all streams of a room, also those not yet announced.
    pub fn streams(&self, room: &str) -> Vec<String> {
        let streams = self.rooms.get(room).map_or(&[][..], |room| &room.streams);
        streams.iter().map(|stream| stream.id.clone()).collect()
    }

    /// What a participant would be told about its room if it logged in now, without a ticket.
    pub fn welcome(&self, participant: &str) -> Option<Value> {
        let session = self.sessions.get(participant)?;
        let who = self.rooms.get(&session.room)?.participant(participant)?;
        self.login_reply(&session.room, who, session.protocol).ok()
    }

    /// The connection a participant uses, or used last while it is away.
    pub fn connection_of(&self, participant: &str) -> Option<ConnId> {
        self.sessions.get(participant).map(|session| session.conn)
    }

    /// Whether the portal believes that the participant's connection lives.
    pub fn is_connected(&self, participant: &str) -> bool {
        let session = self.sessions.get(participant);
        session.is_some_and(|session| session.link == Link::Connected)
    }

    /// What was issued to and executed for a participant, since the portal exists.
    pub fn ledger(&self, participant: &str) -> Option<&Ledger> {
        self.ledgers.get(participant)
    }
}
