//! The room requests: what a participant asks of the conference controller.

use serde_json::{Value, json};

use super::room::Subscription;
use super::stream::{Stream, requested_tracks};
use super::{
    ConnId, ExecutedRequest, Millis, Phase, Portal, Protocol, RefusedRequest, Room, Timer, legacy,
    room, schema,
};

/// Names of the room requests of protocol 1.0 and later; all have one argument.
pub(super) const NAMES: [&str; 8] = [
    "publish",
    "unpublish",
    "stream-control",
    "subscribe",
    "unsubscribe",
    "subscription-control",
    "soac",
    "text",
];

/// The payload of a positive answer, or the text of an error.
pub(super) type Outcome = Result<Option<Value>, String>;

impl Portal {
    pub(super) fn room_request(
        &mut self,
        conn: ConnId,
        name: &str,
        args: Vec<Value>,
        ack: Option<u64>,
        now: Millis,
    ) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let arity = if connection.legacy {
            legacy::arity(name)
        } else {
            NAMES.contains(&name).then_some(1)
        };
        let (Some(arity), listeners @ 1..) = (arity, connection.listeners) else { return };
        let participant = match &connection.phase {
            Phase::InService { participant } => participant.clone(),
            Phase::Left => return self.refuse(conn, ack, "Participant has NOT joined"),
            _ => return self.refuse(conn, ack, "Illegal request"),
        };
        // The portal takes the argument at the callback's place for the callback: with more or
        // fewer arguments the real one is never called.
        let ack = ack.filter(|_| args.len() == arity || args.is_empty());
        let data = args.into_iter().next().unwrap_or_default();
        for round in 0..listeners {
            let answer = self.execute(&participant, name, &data, now);
            self.account(&participant, name, &data, answer.as_ref().err(), now);
            // Only the first of several answers to one request goes out.
            let ack = ack.filter(|_| round == 0);
            match answer {
                Ok(answer) => self.reply(conn, Some(&participant), name, ack, answer, now),
                Err(text) => self.refuse(conn, ack, &text),
            }
        }
    }

    fn execute(
        &mut self,
        participant: &str,
        name: &str,
        data: &Value,
        now: Millis,
    ) -> Result<Vec<Value>, String> {
        // The real portal dies of a missing payload.
        if data.is_null() {
            return Err("Illegal request".into());
        }
        let Some(session) = self.sessions.get(participant) else {
            return Err("Participant has NOT joined".into());
        };
        let (room, protocol) = (session.room.clone(), session.protocol);
        if protocol == Protocol::Legacy {
            self.take_failure(Some(participant), name)?;
            return self.execute_legacy(participant, &room, name, data, now);
        }
        schema::check(protocol, name, data)?;
        self.take_failure(Some(participant), name)?;
        let payload = self.execute_checked(participant, &room, name, data, now)?;
        Ok([Some("ok".into()), payload].into_iter().flatten().collect())
    }

    /// Write down what became of a request.
    fn account(
        &mut self,
        participant: &str,
        name: &str,
        data: &Value,
        error: Option<&String>,
        now: Millis,
    ) {
        let at = self.wall(now);
        let ledger = self.ledgers.of(participant);
        let text = match error {
            None => {
                let number = ledger.requests.len() as u64 + 1;
                let (name, data) = (name.to_owned(), data.clone());
                let text = format!("request {number} {name}");
                ledger.requests.push(ExecutedRequest { number, at, name, data });
                text
            }
            Some(error) => {
                let (name, error) = (name.to_owned(), error.clone());
                let text = format!("{name} refused: {error}");
                ledger.refusals.push(RefusedRequest { at, name, error });
                text
            }
        };
        self.journal.note(at, Some(participant), text);
    }

    fn execute_checked(
        &mut self,
        participant: &str,
        room: &str,
        name: &str,
        data: &Value,
        now: Millis,
    ) -> Outcome {
        match name {
            "publish" => self.publish(participant, room, data),
            "unpublish" => self.unpublish(participant, room, data, now),
            "stream-control" => self.control_stream(participant, room, data, now),
            "subscribe" => self.subscribe(participant, room, data),
            "unsubscribe" => self.unsubscribe(participant, room, data),
            "subscription-control" => self.control_subscription(participant, room, data),
            "soac" => self.negotiate(participant, room, data, now),
            _ => self.text(participant, room, data, now),
        }
    }

    fn publish(&mut self, participant: &str, room_id: &str, data: &Value) -> Outcome {
        let (id, transport) = self.new_transport(data);
        self.publish_as(participant, room_id, data, &id, &transport)?;
        Ok(Some(json!({"id": id, "transportId": transport})))
    }

    /// Publish under a given id.
    pub(super) fn publish_as(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        id: &str,
        transport: &str,
    ) -> Result<(), String> {
        self.authorize(participant, room_id, "publish", data)?;
        let stream = Stream::forward(id.into(), transport.into(), participant, data);
        self.room(room_id)?.streams.push(stream);
        Ok(())
    }

    pub(super) fn unpublish(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        now: Millis,
    ) -> Outcome {
        let id = text_member(data, "id");
        let room = self.room(room_id)?;
        let stream = room.stream(id).ok_or("Stream does NOT exist")?;
        if stream.owner.as_deref() != Some(participant) {
            return Err("unauthorized".into());
        }
        let announced = stream.announced;
        room.streams.retain(|stream| stream.id != id);
        if announced {
            let timer = Timer::RemoveStream { room: room_id.into(), stream: id.into() };
            self.timers.start(now + self.config.stream_delay, timer);
        }
        Ok(None)
    }

    pub(super) fn control_stream(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        now: Millis,
    ) -> Outcome {
        let id = text_member(data, "id");
        let room = self.room(room_id)?;
        let is_admin = room.participant(participant).is_some_and(|asker| asker.role == "admin");
        let stream = room.stream_mut(id).ok_or("Stream does NOT exist")?;
        if stream.owner.as_deref() != Some(participant) && !is_admin {
            return Err("unauthorized".into());
        }
        let status = match text_member(data, "operation") {
            "pause" => "inactive",
            "play" => "active",
            "get-region" => return Ok(Some(json!({"region": stream.region}))),
            "set-region" => {
                stream.region = text_member(&data["data"], "region").into();
                return Ok(Some("ok".into()));
            }
            _ => return Ok(Some("ok".into())),
        };
        for kind in kinds(&data["data"]) {
            let found = self
                .room(room_id)?
                .stream_mut(id)
                .is_some_and(|stream| stream.set_status(kind, status));
            if found {
                let field = format!("{kind}.status");
                let update = json!({"field": field, "value": status});
                let update = json!({"status": "update", "id": id, "data": update});
                self.notify_room(room_id, "stream", &update, now);
            }
        }
        Ok(Some("ok".into()))
    }

    fn subscribe(&mut self, participant: &str, room_id: &str, data: &Value) -> Outcome {
        let (id, transport) = self.new_transport(data);
        self.subscribe_as(participant, room_id, data, &id, &transport)?;
        Ok(Some(json!({"id": id, "transportId": transport})))
    }

    /// Subscribe under a given id.
    pub(super) fn subscribe_as(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        id: &str,
        transport: &str,
    ) -> Result<(), String> {
        self.authorize(participant, room_id, "subscribe", data)?;
        let room = self.room(room_id)?;
        let tracks = requested_tracks(data);
        let mut sources = tracks
            .iter()
            .map(|track| text_member(track, "from"))
            .chain(data["data"]["from"].as_str());
        if sources.any(|from| room.stream(stream_of_track(from)).is_none()) {
            return Err("Stream does NOT exist".into());
        }
        let subscription = Subscription { owner: participant.into(), transport: transport.into() };
        room.subscriptions.insert(id.into(), subscription);
        Ok(())
    }

    pub(super) fn unsubscribe(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
    ) -> Outcome {
        self.own_subscription(participant, room_id, data)?;
        self.room(room_id)?.subscriptions.remove(text_member(data, "id"));
        Ok(None)
    }

    pub(super) fn control_subscription(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
    ) -> Outcome {
        self.own_subscription(participant, room_id, data)?;
        Ok(None)
    }

    fn own_subscription(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
    ) -> Result<(), String> {
        let subscription = self.room(room_id)?.subscriptions.get(text_member(data, "id"));
        let owner = &subscription.ok_or("Subscription does NOT exist")?.owner;
        if owner == participant { Ok(()) } else { Err("unauthorized".into()) }
    }

    pub(super) fn negotiate(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        now: Millis,
    ) -> Outcome {
        let transport = text_member(data, "id");
        if !self.room(room_id)?.has_transport(participant, transport) {
            return Err(format!("Transport {transport} does NOT exist"));
        }
        if data["signaling"]["type"] == "offer" {
            let (participant, transport) = (participant.into(), transport.into());
            let at = now + self.config.media_step;
            self.timers.start(at, Timer::Answer { participant, transport });
        }
        Ok(None)
    }

    pub(super) fn text(
        &mut self,
        participant: &str,
        room_id: &str,
        data: &Value,
        now: Millis,
    ) -> Outcome {
        let to = text_member(data, "to");
        let mut message = json!({"from": participant, "to": "me"});
        if let Some(content) = data.get("message") {
            message["message"] = content.clone();
        }
        if to == "all" {
            message["to"] = "all".into();
            self.notify_room(room_id, "text", &message, now);
        } else if self.room(room_id)?.participant(to).is_some() {
            self.notify(to, "text", Some(&message), now);
        } else {
            return Err(format!("Target participant does NOT exist: {to}"));
        }
        Ok(None)
    }

    fn room(&mut self, id: &str) -> Result<&mut Room, &'static str> {
        self.rooms.get_mut(id).ok_or("Participant has not joined")
    }

    /// Check the role of a participant against the kinds of media a request names.
    fn authorize(
        &mut self,
        participant: &str,
        room_id: &str,
        action: &str,
        data: &Value,
    ) -> Result<(), String> {
        let asker = self.room(room_id)?.participant(participant);
        let role = asker.map_or("", |participant| &participant.role);
        let permission = room::permission(role).unwrap_or_default();
        let allowed = requested_tracks(data).iter().all(|track| {
            let kind = text_member(track, "type");
            permission[action][kind] == true
        });
        if allowed { Ok(()) } else { Err("unauthorized".into()) }
    }

    /// Ids for a new publication or subscription and for its transport. A given transport is used
    /// again; otherwise WebRTC takes the id itself and QUIC a fresh one.
    fn new_transport(&mut self, data: &Value) -> (String, String) {
        let id = self.ids.hex(32);
        let wanted = &data["transport"];
        let transport = match wanted["id"].as_str() {
            Some(given) => given.to_owned(),
            None if wanted["type"] == "quic" => self.ids.hex(32),
            None => id.clone(),
        };
        (id, transport)
    }
}

pub(super) fn text_member<'a>(data: &'a Value, name: &str) -> &'a str {
    data[name].as_str().unwrap_or_default()
}

/// `from` names a stream, or in protocol 1.2 also a track of one.
fn stream_of_track(from: &str) -> &str {
    match from.rsplit_once("-t") {
        Some((stream, index)) if index.parse::<usize>().is_ok() => stream,
        _ => from.strip_suffix("-a").or_else(|| from.strip_suffix("-v")).unwrap_or(from),
    }
}

fn kinds(data: &Value) -> &'static [&'static str] {
    match data.as_str() {
        Some("audio") => &["audio"],
        Some("video") => &["video"],
        _ => &["audio", "video"],
    }
}
