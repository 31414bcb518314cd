//! Replaying a recording against the portal.

#![allow(clippy::unwrap_used)]

mod compare;
pub(crate) mod transcript;

use std::{collections::BTreeMap, time::Duration};

use roamio_portal::{
    Cut, Direction, FreezeMode, Server, ServerConfig, Target,
    model::{Millis, Retention, StreamMedia, TokenRequest},
};
use serde_json::Value;

use self::{
    compare::{Bindings, Exception, allowed, decode, encode, is_credential},
    transcript::{Line, Transcript, What, is_cut},
};
use crate::support::{
    client::{Client, Seen},
    pass,
    polling::Polling,
    until,
};

/// The room of recordings in which nobody gets to see one.
const SOME_ROOM: &str = "5f0000000000000000000001";

/// What stands between two packets of a polling body.
const SEPARATOR: &str = "\u{1e}";

/// A pause this long in a recording is there to let stored notifications grow old.
const RECORDED_PAUSE_MS: f64 = 3000.0;

/// Replay the recording of this name.
pub(crate) async fn replay(name: &str) {
    let transcript = Transcript::read(name);
    let config = config(name, &transcript.settings);
    let server = Server::start(config.clone()).await.unwrap();
    let mut replay = Replay {
        name,
        room: room(&transcript),
        server,
        config,
        bindings: Bindings::default(),
        extras: Vec::new(),
        participant: None,
        clients: BTreeMap::new(),
        polls: BTreeMap::new(),
        frozen: Vec::new(),
        cut: Vec::new(),
        unsettled: None,
        last: 0,
        noted_at: 0.0,
    };
    replay.fill_room(&transcript);
    if name == "inflight-lost-ack" {
        replay.server.swallow_acks(None, "publish", 1);
    }
    for (index, line) in transcript.lines.iter().enumerate() {
        replay.step(&transcript, line).await.unwrap_or_else(|error| {
            panic!("{name}, line {}: {error}\n{line:?}", index + 2);
        });
    }
    replay.finish().await;
}

/// The recorded settings, with shorter times where the recording waits for a timer.
fn config(name: &str, settings: &Value) -> ServerConfig {
    let seconds = |setting: &str| settings[setting].as_u64().map(Duration::from_secs);
    let mut config = ServerConfig::default();
    if let (Some(interval), Some(timeout)) = (seconds("ping-interval"), seconds("ping-timeout")) {
        config = config.with_ping(interval, timeout);
    }
    if let Some(timeout) = seconds("reconnection-timeout") {
        config.model.reconnection_timeout = timeout.as_millis() as Millis;
    }
    if let Some(lifetime) = seconds("ticket-lifetime") {
        config.model.ticket_lifetime = lifetime.as_millis() as Millis;
    }
    match name {
        "idle-3min" => {
            config.model.idle_limit = 700;
            config.connect_timeout = Duration::from_millis(600);
        }
        "heartbeat-lost-eio4" => {
            config = config.with_ping(Duration::from_millis(500), Duration::from_millis(500));
            config.model.reconnection_timeout = 200;
        }
        "relogin-after-timeout" | "relogin-takeover-old-alive" => {
            config.model.reconnection_timeout = 100;
        }
        "relogin-1.2-gap" | "relogin-1.2-no-prune-after-relogin" => {
            config.model.retention = Retention::For(20);
        }
        "relogin-requests-before-ack" => config.model.relogin_delay = 100,
        "login-logout-while-joining" => config.model.join_delay = 300,
        "login-cut-while-joining" => {
            config.model.join_delay = 300;
            config.model.reconnection_timeout = 100;
        }
        "login-expired-token" => config.model.token_lifetime = 0,
        "login-legacy" => config.model.stream_media = StreamMedia::Parts,
        _ => {}
    }
    config
}

fn room(transcript: &Transcript) -> String {
    let replies = transcript.login_replies();
    let room = replies.first().and_then(|reply| reply["room"]["id"].as_str());
    room.unwrap_or(SOME_ROOM).to_owned()
}

struct Replay<'a> {
    name: &'a str,
    room: String,
    server: Server,
    config: ServerConfig,
    bindings: Bindings,
    /// Recorded ids of participants left over from earlier recordings.
    extras: Vec<String>,
    /// The participant the notes are about: the first that logged in.
    participant: Option<String>,
    clients: BTreeMap<u64, Client>,
    polls: BTreeMap<u64, Polling>,
    frozen: Vec<u64>,
    cut: Vec<u64>,
    /// The connection on which something was sent that the portal may not have read yet.
    unsettled: Option<u64>,
    last: u64,
    noted_at: f64,
}

type Step = Result<(), String>;

impl Replay<'_> {
    /// Put those into the room who were there when the recording began.
    fn fill_room(&mut self, transcript: &Transcript) {
        let own = transcript.socket_ids();
        let replies = transcript.login_replies();
        let Some(first) = replies.first() else { return };
        for listed in first["room"]["participants"].as_array().unwrap() {
            let recorded = listed["id"].as_str().unwrap();
            if own.contains(recorded) {
                continue;
            }
            let request = TokenRequest::new(&self.room, "user", "presenter");
            let id = self.server.with_model(|model, now| model.add_participant(request, now));
            self.bindings.bind(recorded, &id);
            self.extras.push(recorded.into());
        }
    }

    async fn step(&mut self, transcript: &Transcript, line: &Line) -> Step {
        match &line.what {
            What::Open { conn, path } => {
                self.settle_others(*conn).await;
                let answers_pings = transcript.answers_pings(*conn);
                let client = Client::open(&self.server, path, answers_pings).await;
                self.clients.insert(*conn, client);
                self.last = *conn;
                Ok(())
            }
            What::Sent { packet, .. } if packet == "3" => Ok(()),
            What::Sent { conn, packet } => self.send(*conn, packet).await,
            What::Received { packet, .. } if packet == "2" => Ok(()),
            What::Received { conn, packet } => self.receive(*conn, packet).await,
            What::Close { conn, code } => {
                self.client(*conn).close(*code).await;
                Ok(())
            }
            What::Closed { conn, code } => self.expect_close(*conn, *code).await,
            What::Request { conn, method, path, body } => {
                let mut packets = Vec::new();
                for packet in body.split(SEPARATOR) {
                    packets.push(self.outgoing(packet).await?);
                }
                let port = self.server.port();
                let polling = self.polls.entry(*conn).or_insert_with(|| Polling::new(port));
                polling.send(method, path, packets.join(SEPARATOR));
                Ok(())
            }
            What::Response { conn, method, answer } => self.respond(*conn, method, answer).await,
            What::Note(note) => self.note(note, line.at).await,
        }
    }

    fn client(&mut self, conn: u64) -> &mut Client {
        self.clients.get_mut(&conn).expect("recordings open connections before they use them")
    }

    /// Keep the order of the recording between connections.
    async fn settle_others(&mut self, conn: u64) {
        if let Some(unsettled) = self.unsettled.filter(|unsettled| *unsettled != conn) {
            self.unsettled = None;
            if !self.frozen.contains(&unsettled) {
                self.client(unsettled).settle().await;
            }
        }
    }

    async fn send(&mut self, conn: u64, packet: &str) -> Step {
        self.settle_others(conn).await;
        let packet = self.outgoing(packet).await?;
        self.client(conn).send(&packet).await;
        self.unsettled = Some(conn);
        self.last = conn;
        Ok(())
    }

    /// The packet that stands for a recorded one.
    async fn outgoing(&mut self, packet: &str) -> Result<String, String> {
        let json = packet.find('[').unwrap_or(packet.len());
        let (head, args) = packet.split_at(json);
        if args.is_empty() {
            return Ok(packet.into());
        }
        let mut args: Value = serde_json::from_str(args).map_err(|error| error.to_string())?;
        match args[0].as_str() {
            Some("login") => {
                let token = self.token(args[1]["token"].as_str().unwrap()).await;
                args[1]["token"] = token.into();
            }
            Some("relogin") => {
                self.prepare_relogin().await;
                args[1] = self.substitute(&args[1]);
            }
            _ => args = self.substitute(&args),
        }
        Ok(format!("{head}{args}"))
    }

    /// Compare the answer to a polling request, packet by packet.
    async fn respond(&mut self, conn: u64, method: &str, recorded: &Value) -> Step {
        let polling = self.polls.get_mut(&conn).expect("requests come before answers");
        let seen = polling.answer(method).await;
        let kind = seen.header("content-type");
        let same_kind = recorded["contentType"] == kind
            || (method == "POST" && allowed(Exception::PostType) && kind.starts_with("text/plain"));
        if recorded["status"] != seen.status || !same_kind {
            return Err(format!("{seen:?} seen"));
        }
        let recorded: Vec<&str> = recorded["data"].as_str().unwrap().split(SEPARATOR).collect();
        let packets: Vec<&str> = seen.body.split(SEPARATOR).collect();
        if recorded.len() != packets.len() {
            return Err(format!("{packets:?} seen"));
        }
        recorded.iter().zip(packets).try_for_each(|(recorded, seen)| self.compare(recorded, seen))
    }

    /// The token that stands for a recorded one.
    async fn token(&mut self, recorded: &str) -> String {
        if !is_credential(recorded) {
            return recorded.into();
        }
        let token = self.server.mint_token(&self.room, "user", "presenter");
        match self.name {
            "login-bad-signature" => {
                let mut tampered = decode(&token).unwrap();
                let signature = tampered["signature"].as_str().unwrap();
                tampered["signature"] = signature.chars().rev().collect::<String>().into();
                return encode(&tampered);
            }
            "login-unknown-token-no-ack" => {
                self.server.with_model(|model, _| model.forget_tokens())
            }
            "login-expired-token" => pass(&self.server, 0).await,
            _ => {}
        }
        token
    }

    /// Do what the recordings do before a relogin without a note.
    async fn prepare_relogin(&mut self) {
        const HOUR: i64 = 3_600_000;
        match self.name {
            "relogin-expired-ticket" => self.server.set_clock_offset(HOUR),
            "relogin-clock-before-notbefore" => self.server.set_clock_offset(-HOUR),
            "relogin-after-timeout" => self.until_gone().await,
            _ => {}
        }
    }

    /// Put received ids and tickets in the place of recorded ones.
    fn substitute(&self, recorded: &Value) -> Value {
        match recorded {
            Value::Array(list) => list.iter().map(|value| self.substitute(value)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.substitute(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::String(text) => self.substitute_text(text).into(),
            _ => recorded.clone(),
        }
    }

    fn substitute_text(&self, recorded: &str) -> String {
        if let Some(bound) = self.bindings.get(recorded) {
            return bound.clone();
        }
        match decode(recorded) {
            Some(tampered) if is_credential(recorded) => self.tamper(&tampered),
            _ => expand(recorded),
        }
    }

    /// Change a received ticket as the client of the recording changed its own.
    fn tamper(&self, tampered: &Value) -> String {
        let of_same = |ticket: &Value| ticket["participantId"] == tampered["participantId"];
        let tickets = self.bindings.iter().filter(|(recorded, _)| is_credential(recorded));
        let (original, mut ticket) = tickets
            .filter_map(|(recorded, seen)| Some((decode(recorded)?, decode(seen)?)))
            .find(|(recorded, _)| of_same(recorded))
            .expect("only tickets received before are tampered with");
        ticket["ticketId"] = tampered["ticketId"].clone();
        let change = |value: &Value| value["notAfter"].as_i64().unwrap();
        let not_after = change(&ticket) + change(tampered) - change(&original);
        ticket["notAfter"] = not_after.into();
        encode(&ticket)
    }

    async fn receive(&mut self, conn: u64, recorded: &str) -> Step {
        self.cause(recorded);
        let seen = match self.client(conn).next().await {
            Seen::Packet(seen) => seen,
            Seen::Closed(code) => return Err(format!("closed with {code}")),
        };
        if self.unsettled == Some(conn) {
            self.unsettled = None;
        }
        self.last = conn;
        self.compare(recorded, &seen)
    }

    fn compare(&mut self, recorded: &str, seen: &str) -> Step {
        let (head, recorded) = split(recorded);
        let (seen_head, seen) = split(seen);
        if head != seen_head {
            return Err(format!("{seen_head}{seen} seen"));
        }
        if head == "0" {
            return self.compare_open(&recorded, &seen);
        }
        if head == "40" && recorded["sid"].is_string() {
            let (recorded, seen) =
                (recorded["sid"].as_str().unwrap(), seen["sid"].as_str().unwrap());
            self.bindings.bind(recorded, seen);
            let same_kind = recorded.len() == seen.len() || allowed(Exception::SocketIds);
            return if same_kind { Ok(()) } else { Err(format!("socket id {seen} seen")) };
        }
        let recorded = expand_all(&recorded);
        self.bindings.compare(&recorded, &seen)?;
        if self.participant.is_none() {
            // A legacy login reply has the room's id in the place of the participant's.
            let id =
                if seen[1]["room"].is_object() { &seen[1]["id"] } else { &seen[1]["clientId"] };
            self.participant = id.as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// Do what was done during the recording without a note.
    fn cause(&mut self, recorded: &str) {
        let (_, recorded) = split(recorded);
        if recorded[0] == "drop" && self.name == "eio3-login" {
            assert!(self.server.drop_participant(self.participant()));
        }
        let Some(leaving) = recorded[1]["data"].as_str() else { return };
        if recorded[1]["action"] == "leave" && self.extras.iter().any(|extra| extra == leaving) {
            let id = self.bindings.get(leaving).unwrap().clone();
            assert!(self.server.drop_participant(&id));
        }
    }

    fn compare_open(&mut self, recorded: &Value, seen: &Value) -> Step {
        self.bindings.bind(recorded["sid"].as_str().unwrap(), seen["sid"].as_str().unwrap());
        let expected = serde_json::json!({
            "sid": seen["sid"],
            "upgrades": recorded["upgrades"],
            "pingInterval": self.config.ping_interval.as_millis() as u64,
            "pingTimeout": self.config.ping_timeout.as_millis() as u64,
            "maxPayload": self.config.max_payload,
        });
        if *seen == expected { Ok(()) } else { Err(format!("{seen} seen, {expected} expected")) }
    }

    async fn expect_close(&mut self, conn: u64, code: u16) -> Step {
        if code == 1006 && !self.cut.contains(&conn) {
            self.cut(conn).await;
        }
        if self.unsettled == Some(conn) {
            self.unsettled = None;
        }
        let mut seen = self.client(conn).next().await;
        if seen == Seen::Packet("1".into()) && allowed(Exception::ClosePacket) {
            seen = self.client(conn).next().await;
        }
        match seen {
            Seen::Closed(seen) if seen == code => Ok(()),
            Seen::Closed(1005) if code == 1009 && allowed(Exception::CloseCode) => Ok(()),
            other => Err(format!("{other:?} seen")),
        }
    }

    async fn cut(&mut self, conn: u64) {
        if self.unsettled == Some(conn) {
            self.unsettled = None;
            if !self.frozen.contains(&conn) {
                self.client(conn).settle().await;
            }
        }
        assert_eq!(self.server.cut(&Target::Connection(conn), Cut::Reset), 1);
        self.cut.push(conn);
        if let Some(id) = &self.participant {
            until(&self.server, "the loss", |model, _| !model.is_connected(id)).await;
        }
    }

    async fn note(&mut self, note: &Value, at: f64) -> Step {
        let paused = at - self.noted_at > RECORDED_PAUSE_MS;
        self.noted_at = at;
        let text = note["text"].as_str().unwrap();
        let conn = note["conn"].as_u64().unwrap_or(2);
        if !is_cut(note) {
            self.settle_others(0).await;
        }
        match text {
            "server side: notify text" => {
                if let (true, Retention::For(limit)) = (paused, self.config.model.retention) {
                    pass(&self.server, limit).await;
                }
                let data = serde_json::json!({"from": "peer", "to": "me", "message": note["m"]});
                self.server.notify(self.participant(), "text", Some(&data));
            }
            "server side: drop" => assert!(self.server.drop_participant(self.participant())),
            "network: rst" | "network: client-terminate" => self.cut(conn).await,
            "network: freeze" => self.freeze(conn, Direction::Both, FreezeMode::Hold),
            "network: server-to-client direction of connection 2 swallowed" => {
                self.freeze(conn, Direction::ToClient, FreezeMode::Discard);
            }
            "portal restart" => self.server.restart(),
            "server state" => self.compare_state(note).await,
            "room state" => {
                let listed = serde_json::json!(self.server.participants(&self.room));
                self.bindings.compare(&note["rooms"][0], &listed)?;
            }
            "server state 1 s after reconnectionTimeout" => {
                let model = &self.config.model;
                pass(&self.server, model.join_delay + model.reconnection_timeout).await;
                let ghosts = note["rooms"][0].as_array().unwrap().len();
                assert_eq!(self.server.participants(&self.room).len(), ghosts);
            }
            "after reconnectionTimeout" => self.until_gone().await,
            "7 s later (old reconnection timer has fired)" => {
                pass(&self.server, self.config.model.reconnection_timeout).await;
            }
            "connection state after" | "connection state after logout" => {
                // All recordings have the WebSocket open here.
                let last = self.last;
                self.client(last).settle().await;
                assert_eq!(self.client(last).leftovers(), []);
            }
            "end" => self.client(1).settle().await,
            _ => return Err(format!("unknown note {text}")),
        }
        Ok(())
    }

    fn participant(&self) -> &str {
        self.participant.as_deref().expect("somebody has logged in")
    }

    async fn until_gone(&self) {
        let (id, room) = (self.participant(), &self.room);
        until(&self.server, "the timeout", |model, _| {
            model.participants(room).iter().all(|other| other.id != id)
        })
        .await;
    }

    fn freeze(&mut self, conn: u64, direction: Direction, mode: FreezeMode) {
        assert_eq!(self.server.freeze(&Target::Connection(conn), direction, mode), 1);
        self.frozen.push(conn);
    }

    /// Wait until what can be asked of the portal is as in the note.
    async fn compare_state(&self, note: &Value) {
        let room = &self.room;
        if let Some(streams) = note["streams"].as_array() {
            let count = streams.len();
            until(&self.server, "streams", |model, _| model.streams(room).len() == count).await;
            return;
        }
        let listed = note["clients"].as_array();
        if listed.is_none_or(Vec::is_empty) {
            return self.until_gone().await;
        }
        let id = self.participant();
        let client = &note["clients"][0];
        let connected = *client == true || client["socketConnected"] == true;
        until(&self.server, "the state", |model, _| model.is_connected(id) == connected).await;
    }

    /// Nothing may be left that the recording does not have.
    async fn finish(mut self) {
        let open: Vec<u64> = self.clients.keys().copied().collect();
        for conn in open {
            let leftovers = self.client(conn).leftovers();
            assert_eq!(leftovers, [], "{}: more on connection {conn}", self.name);
        }
    }
}

/// Split a packet into its types and ack id, and its JSON.
fn split(packet: &str) -> (&str, Value) {
    let json = packet.find(['[', '{']).unwrap_or(packet.len());
    let (head, json) = packet.split_at(json);
    (head, serde_json::from_str(json).unwrap_or_default())
}

/// Write out `<N x>`.
fn expand(text: &str) -> String {
    let count = text.strip_prefix('<').and_then(|text| text.strip_suffix(" x>"));
    match count.and_then(|count| count.parse().ok()) {
        Some(count) => "x".repeat(count),
        None => text.into(),
    }
}

fn expand_all(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(expand_all).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), expand_all(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::String(text) => expand(text).into(),
        _ => value.clone(),
    }
}
