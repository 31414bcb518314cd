//! Login, relogin, refresh and logout.

use serde_json::{Value, json};

use super::{
    ConnId, Connection, Departure, Link, Millis, Output, Participant, Phase, Portal, Protocol,
    Room, Session, Timer,
    credential::{self, Ticket, Token},
    legacy, room, stream,
};

/// Types of client the portal keeps a session for when the connection is lost.
const RECONNECTABLE: [&str; 4] = ["Objective-C", "C++", "Android", "JavaScript"];

/// What the token store knows about a token.
#[derive(Debug, Clone)]
pub(super) struct TokenRecord {
    pub(super) room: String,
    pub(super) user: String,
    pub(super) role: String,
    pub(super) minted_at: Millis,
}

/// A login that passed all checks and waits for the conference controller.
#[derive(Debug)]
pub(super) struct Join {
    conn: ConnId,
    ack: Option<u64>,
    room: String,
    participant: Participant,
    protocol: Protocol,
    reconnectable: bool,
    /// Whether a logout came before the controller's answer.
    left: bool,
}

/// Why a login has no good end.
enum LoginRefusal {
    /// Answer with this text and disconnect.
    Text(String),
    /// Do not answer at all.
    Silence,
}

impl From<&str> for LoginRefusal {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Portal {
    pub(super) fn login(&mut self, conn: ConnId, args: Vec<Value>, ack: Option<u64>, now: Millis) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if in_service(connection) {
            return self.refuse(conn, ack, "Connection is in service");
        }
        let Some(request) = args.first().filter(|request| request.is_object()) else {
            return self.refuse(conn, ack, "Illegal request");
        };
        match self.check_login(conn, request, ack, now) {
            Ok(join) => {
                self.joins_started += 1;
                let number = self.joins_started;
                self.joins.insert(number, join);
                self.set_phase(conn, Phase::Joining(number));
                self.timers.start(now + self.config.join_delay, Timer::FinishJoin(number));
            }
            Err(LoginRefusal::Text(text)) => self.refuse_entrance(conn, ack, "login", &text, now),
            Err(LoginRefusal::Silence) => {
                self.note(None, "login with an unknown token, not answered".into(), now);
                self.set_phase(conn, Phase::Unused);
            }
        }
    }

    /// Answer a login or relogin with an error and disconnect.
    fn refuse_entrance(
        &mut self,
        conn: ConnId,
        ack: Option<u64>,
        request: &str,
        text: &str,
        now: Millis,
    ) {
        self.note(None, format!("{request} refused: {text}"), now);
        self.refuse(conn, ack, text);
        self.disconnect(conn);
    }

    /// Check a login in the order of the real portal, and use up its token.
    fn check_login(
        &mut self,
        conn: ConnId,
        request: &Value,
        ack: Option<u64>,
        now: Millis,
    ) -> Result<Join, LoginRefusal> {
        let protocol = Protocol::of_login(request.get("protocol"))
            .filter(|protocol| self.config.protocols.contains(protocol))
            .ok_or("Unknown client protocol")?;
        let sdk = &request["userAgent"]["sdk"];
        if protocol != Protocol::Legacy && sdk["version"] == "3.5" {
            return Err("Deprecated client version".into());
        }
        self.listen(conn, protocol);
        if !is_truthy(&sdk["version"]) || !is_truthy(&sdk["type"]) {
            return Err("User agent info is incorrect".into());
        }
        let record = self.redeem(&request["token"], now)?;
        if room::permission(&record.role).is_none() {
            return Err("Invalid role".into());
        }
        let participant = Participant {
            id: self.connections[&conn].socket_sid.clone(),
            user: record.user,
            role: record.role,
        };
        let reconnectable = sdk["type"].as_str().is_some_and(|kind| RECONNECTABLE.contains(&kind));
        let room = record.room;
        Ok(Join { conn, ack, room, participant, protocol, reconnectable, left: false })
    }

    /// Find what a token stands for. A token with a good signature is gone afterwards.
    fn redeem(&mut self, token: &Value, now: Millis) -> Result<TokenRecord, LoginRefusal> {
        let token: Token = decode_credential(token).map_err(LoginRefusal::Text)?;
        if !token.is_signed_with(&self.token_key) {
            return Err("Invalid token signature".into());
        }
        let record = self.tokens.remove(&token.token_id).ok_or_else(|| {
            if self.config.silent_unknown_token { LoginRefusal::Silence } else { "Unknown".into() }
        })?;
        if now - record.minted_at > self.config.token_lifetime {
            return Err("Expired".into());
        }
        Ok(record)
    }

    pub(super) fn finish_join(&mut self, number: u64, now: Millis) {
        let Some(join) = self.joins.remove(&number) else { return };
        let refuse = |portal: &mut Self, text: &str| {
            portal.refuse_entrance(join.conn, join.ack, "login", text, now);
        };
        if let Err(text) = self.take_failure(None, "login") {
            return refuse(self, &text);
        }
        let room = self.rooms.entry(join.room.clone()).or_insert_with(|| Room::new(&join.room));
        if self.config.room_capacity.is_some_and(|limit| room.participants.len() >= limit) {
            return refuse(self, "Room is full");
        }
        self.join_room(&join.room, join.participant.clone(), now);
        let mut reply = match self.login_reply(&join.room, &join.participant, join.protocol) {
            Ok(reply) => reply,
            Err(text) => {
                if !self.config.ghosts {
                    self.leave_room(&join.room, &join.participant.id, now);
                }
                return refuse(self, &text);
            }
        };
        if join.left {
            self.leave_room(&join.room, &join.participant.id, now);
            return refuse(self, "Participant early left");
        }
        let id = join.participant.id.clone();
        let lost = !self.connections.contains_key(&join.conn);
        if lost && !self.config.ghosts {
            return self.leave_room(&join.room, &id, now);
        }
        let link = if lost { Link::Ghost } else { Link::Connected };
        let session =
            Session::new(join.room.clone(), join.protocol, join.reconnectable, link, join.conn);
        self.sessions.insert(id.clone(), session);
        self.open_ledger(&join, now);
        self.set_phase(join.conn, Phase::InService { participant: id.clone() });
        if join.reconnectable {
            reply["reconnectionTicket"] = self.issue_ticket(&id, now).into();
        }
        let reply = vec![join.protocol.ok().into(), reply];
        self.reply(join.conn, Some(&id), "login", join.ack, reply, now);
    }

    fn open_ledger(&mut self, join: &Join, now: Millis) {
        let joined_at = self.wall(now);
        let Participant { id, user, role } = &join.participant;
        let ledger = self.ledgers.of(id);
        ledger.room = join.room.clone();
        ledger.user = user.clone();
        ledger.role = role.clone();
        ledger.protocol = join.protocol.to_string();
        ledger.joined_at = joined_at;
        self.note(
            Some(id),
            format!("login of {user:?} to {:?}, {}", join.room, join.protocol),
            now,
        );
    }

    /// The answer to a login, without the ticket.
    /// What the answer to a login says, without the ticket.
    pub(super) fn login_reply(
        &self,
        room_id: &str,
        participant: &Participant,
        protocol: Protocol,
    ) -> Result<Value, String> {
        let room = &self.rooms[room_id];
        let streams: Vec<Value> = room
            .streams
            .iter()
            .filter(|stream| stream.announced)
            .map(|stream| stream.described(self.config.stream_media))
            .map(|info| stream::info_for(protocol, &info))
            .collect();
        let participants: Vec<&Participant> =
            room.participants.iter().filter(|other| other.role != "admin").collect();
        let Participant { id, user, role } = participant;
        if protocol == Protocol::Legacy {
            return legacy::welcome(id, room_id, &streams, &participants);
        }
        Ok(json!({
            "user": user,
            "role": role,
            "permission": room::permission(role),
            "room": {
                "id": room_id,
                "views": ["common"],
                "participants": participants,
                "streams": streams,
            },
            "id": id,
        }))
    }

    fn issue_ticket(&mut self, participant: &str, now: Millis) -> String {
        let not_before = self.wall(now);
        let not_after = not_before + self.config.ticket_lifetime;
        let ticket_id = self.ids.base36(12);
        let key = &self.ticket_key;
        let ticket = Ticket::issue(key, participant, ticket_id, not_before, not_after);
        self.issue(&ticket)
    }

    pub(super) fn relogin(
        &mut self,
        conn: ConnId,
        args: Vec<Value>,
        ack: Option<u64>,
        now: Millis,
    ) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if in_service(connection) {
            return self.refuse(conn, ack, "Connection is in service");
        }
        let checked = self.check_ticket(args.first().unwrap_or(&Value::Null), now);
        let checked = checked.and_then(|participant| {
            self.take_failure(Some(&participant), "relogin")?;
            Ok(participant)
        });
        match checked {
            Ok(participant) => {
                self.set_phase(conn, Phase::Resuming { participant, ack });
                self.timers.start(now + self.config.relogin_delay, Timer::FinishRelogin(conn));
            }
            Err(text) => self.refuse_entrance(conn, ack, "relogin", &text, now),
        }
    }

    /// Check a ticket in the order of the real portal. Returns the participant id.
    fn check_ticket(&self, ticket: &Value, now: Millis) -> Result<String, String> {
        let ticket: Ticket = decode_credential(ticket)?;
        let wall = self.wall(now);
        let revoked = self.expired_until.is_some_and(|until| ticket.not_before <= until);
        if revoked || ticket.not_before > wall || ticket.not_after < wall {
            return Err("Ticket is expired".into());
        }
        if !ticket.is_signed_with(&self.ticket_key) {
            return Err("Invalid reconnection ticket signature".into());
        }
        if !self.sessions.contains_key(&ticket.participant_id) {
            return Err("Client does NOT exist".into());
        }
        Ok(ticket.participant_id)
    }

    /// Move the session to the connection that asked for it.
    pub(super) fn finish_relogin(&mut self, conn: ConnId, now: Millis) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Phase::Resuming { participant, ack } = connection.phase.clone() else { return };
        let Some(session) = self.sessions.get_mut(&participant) else {
            return self.refuse_entrance(conn, ack, "relogin", "Client does NOT exist", now);
        };
        connection.phase = Phase::InService { participant: participant.clone() };
        let old_link = std::mem::replace(&mut session.link, Link::Connected);
        let old_conn = std::mem::replace(&mut session.conn, conn);
        let protocol = session.protocol;
        let messages = session.replay(&self.config);
        let missed = session.take_missed();
        match old_link {
            Link::Waiting(timer) => self.timers.cancel(timer),
            Link::Connected | Link::Ghost => self.disconnect(old_conn),
        }
        self.listen(conn, protocol);
        let ticket = self.issue_ticket(&participant, now);
        let payload = match protocol {
            Protocol::V1_2 => self.pad(json!({"ticket": ticket, "messages": messages})),
            _ => ticket.into(),
        };
        self.ledgers.of(&participant).relogins += 1;
        self.note(Some(&participant), "relogin".into(), now);
        let reply = vec![protocol.ok().into(), payload];
        self.reply(conn, Some(&participant), "relogin", ack, reply, now);
        for (event, data) in missed {
            self.outputs.push_back(Output::Emit { conn, event, data });
        }
    }

    fn pad(&self, mut reply: Value) -> Value {
        if self.config.reply_padding > 0 {
            reply["padding"] = "x".repeat(self.config.reply_padding).into();
        }
        reply
    }

    pub(super) fn refresh(
        &mut self,
        conn: ConnId,
        args: Vec<Value>,
        ack: Option<u64>,
        now: Millis,
    ) {
        const NAME: &str = "refreshReconnectionTicket";
        let ack = ack_without_data(&args, ack);
        let Some(participant) = self.participant_on(conn) else {
            return self.refuse(conn, ack, "Illegal request");
        };
        let session = self.sessions.get(&participant).filter(|session| session.reconnectable);
        let Some(protocol) = session.map(|session| session.protocol) else {
            return self.refuse(conn, ack, "Reconnection is not enabled.");
        };
        if let Err(text) = self.take_failure(Some(&participant), NAME) {
            return self.refuse(conn, ack, &text);
        }
        let ticket = self.issue_ticket(&participant, now);
        self.ledgers.of(&participant).refreshes += 1;
        self.note(Some(&participant), "ticket refreshed".into(), now);
        let reply = vec![protocol.ok().into(), ticket.into()];
        self.reply(conn, Some(&participant), NAME, ack, reply, now);
    }

    pub(super) fn logout(&mut self, conn: ConnId, args: Vec<Value>, ack: Option<u64>, now: Millis) {
        const NAME: &str = "logout";
        let ack = ack_without_data(&args, ack);
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let reply = vec![if connection.legacy { "success" } else { "ok" }.into()];
        match &connection.phase {
            Phase::Joining(number) => {
                if let Some(join) = self.joins.get_mut(number) {
                    join.left = true;
                }
                connection.phase = Phase::Left;
                self.reply(conn, None, NAME, ack, reply, now);
            }
            Phase::InService { participant } => {
                let participant = participant.clone();
                if let Err(text) = self.take_failure(Some(&participant), NAME) {
                    return self.refuse(conn, ack, &text);
                }
                self.set_phase(conn, Phase::Left);
                self.leave(&participant, Departure::Logout, now);
                self.reply(conn, Some(&participant), NAME, ack, reply, now);
            }
            Phase::Unused | Phase::Resuming { .. } | Phase::Left => {
                self.refuse(conn, ack, "Illegal request");
            }
        }
    }

    /// The participant whose session is on the connection.
    pub(super) fn participant_on(&self, conn: ConnId) -> Option<String> {
        match &self.connections.get(&conn)?.phase {
            Phase::InService { participant } => Some(participant.clone()),
            _ => None,
        }
    }

    fn set_phase(&mut self, conn: ConnId, phase: Phase) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.phase = phase;
        }
    }
}

fn in_service(connection: &Connection) -> bool {
    !matches!(connection.phase, Phase::Unused | Phase::Left)
}

/// The ack of a request that takes no data: the portal takes any argument for the callback, so
/// that the real one is never called.
fn ack_without_data(args: &[Value], ack: Option<u64>) -> Option<u64> {
    ack.filter(|_| args.is_empty())
}

/// Read a token or ticket. The texts of these errors differ from portal to portal.
fn decode_credential<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    let text = value.as_str().ok_or("The first argument must be of type string")?;
    credential::decode(text)
}

/// Whether JavaScript takes the value for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
