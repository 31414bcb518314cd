//! The requests of legacy clients, carried out by those of today.
//!
//! Arguments are positional. What the real portal throws an exception for is an `Illegal request`
//! here, as with a missing payload.

use serde_json::{Value, json};

use super::{Names, Source};
use crate::model::{
    Millis, Portal, Timer,
    requests::{Outcome, text_member},
};

/// Status and payload of an answer, or the text of an error.
pub(in crate::model) type Answer = Result<Vec<Value>, String>;

/// What the real portal has to say where it dies.
pub(super) const ILLEGAL: &str = "Illegal request";

/// How many arguments stand before the callback of a request; none if nobody listens to it.
pub(in crate::model) fn arity(name: &str) -> Option<usize> {
    match name {
        "publish" | "subscribe" | "signaling_message" => Some(2),
        "unpublish"
        | "unsubscribe"
        | "mix"
        | "unmix"
        | "setVideoBitrate"
        | "addExternalOutput"
        | "updateExternalOutput"
        | "removeExternalOutput"
        | "startRecorder"
        | "stopRecorder"
        | "getRegion"
        | "setRegion"
        | "mute"
        | "unmute"
        | "setPermission"
        | "customMessage" => Some(1),
        _ => None,
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) participant: &'a str,
    pub(super) room: &'a str,
}

impl Portal {
    /// Carry out a request of a legacy session.
    pub(in crate::model) fn execute_legacy(
        &mut self,
        participant: &str,
        room: &str,
        name: &str,
        data: &Value,
        now: Millis,
    ) -> Answer {
        let asker = Asker { participant, room };
        match name {
            "publish" => self.publish_legacy(asker, data, now),
            "unpublish" => {
                self.unpublish(participant, room, &json!({"id": data}), now)?;
                self.names(asker)?.published.remove(data.as_str().unwrap_or_default());
                Ok(success(None))
            }
            "subscribe" => self.subscribe_legacy(asker, data),
            "unsubscribe" => {
                let stream = data.as_str().unwrap_or_default();
                self.end_subscription(asker, stream, "Subscription does NOT exist")?;
                Ok(success(None))
            }
            "signaling_message" => self.signal(asker, data, now),
            "mix" | "unmix" => self.mix(asker, name, data, now),
            "mute" => self.switch_track(asker, "pause", data, now),
            "unmute" => self.switch_track(asker, "play", data, now),
            "getRegion" | "setRegion" => self.region(asker, name, data, now),
            "setPermission" => Err("Please use REST interface to set permissions".into()),
            "setVideoBitrate" => Err("No longer supported signaling".into()),
            "addExternalOutput" => self.add_output(asker, data),
            "updateExternalOutput" => self.update_output(asker, data),
            "removeExternalOutput" => self.remove_output(asker, data),
            "startRecorder" => self.start_recorder(asker, data),
            "stopRecorder" => self.stop_recorder(asker, data),
            _ => self.message(asker, data, now),
        }
    }

    pub(super) fn names(&mut self, asker: Asker<'_>) -> Result<&mut Names, String> {
        let session = self.sessions.get_mut(asker.participant);
        Ok(&mut session.ok_or("Participant has NOT joined")?.names)
    }

    fn publish_legacy(&mut self, asker: Asker<'_>, options: &Value, now: Millis) -> Answer {
        let (source, status) = match options["state"].as_str() {
            Some("erizo") => (Source::WebRtc, "initializing"),
            Some("url") => (Source::Url, "success"),
            _ => return Err("stream type(options.state) error.".into()),
        };
        let part = |kind: &str, source: &str| {
            if options[kind] == false { Value::Bool(false) } else { json!({"source": source}) }
        };
        let screen = options["video"]["device"] == "screen";
        let mut request = match source {
            Source::WebRtc => json!({"media": {
                "audio": part("audio", "mic"),
                "video": part("video", if screen { "screen-cast" } else { "camera" }),
            }}),
            Source::Url => json!({
                "media": {"audio": part("audio", "streaming"), "video": part("video", "streaming")},
                "transport": {"type": "streaming"},
            }),
        };
        if let Some(attributes) = options.get("attributes") {
            request["attributes"] = attributes.clone();
        }
        let id = self.ids.decimal();
        let Asker { participant, room } = asker;
        self.publish_as(participant, room, &request, &id, &id)?;
        self.names(asker)?.published.insert(id.clone(), source);
        if source == Source::Url {
            let ready = Timer::Ready { participant: participant.into(), transport: id.clone() };
            self.timers.start(now + self.config.media_step, ready);
        }
        Ok(vec![status.into(), id.into()])
    }

    fn subscribe_legacy(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let stream = plain_id(options, "streamId", "Invalid stream id")?;
        let wanted = |kind: &str| options.get(kind).is_none_or(|part| *part != false);
        let part =
            |kind: &str| if wanted(kind) { json!({"from": stream}) } else { Value::Bool(false) };
        if self.names(asker)?.subscriptions.contains_key(stream) {
            return Err("Subscription is ongoing".into());
        }
        if !wanted("audio") && !wanted("video") {
            return Err("bad options".into());
        }
        let request = json!({"media": {"audio": part("audio"), "video": part("video")}});
        let id = self.ids.decimal();
        self.begin_subscription(asker, stream, &id, &request)?;
        Ok(vec!["initializing".into(), stream.into()])
    }

    /// Subscribe, and remember what the client calls it.
    pub(super) fn begin_subscription(
        &mut self,
        asker: Asker<'_>,
        reference: &str,
        id: &str,
        request: &Value,
    ) -> Result<(), String> {
        self.subscribe_as(asker.participant, asker.room, request, id, id)?;
        self.names(asker)?.subscriptions.insert(reference.into(), id.into());
        Ok(())
    }

    pub(super) fn end_subscription(
        &mut self,
        asker: Asker<'_>,
        reference: &str,
        unknown: &str,
    ) -> Result<(), String> {
        let id = self.names(asker)?.subscriptions.remove(reference).ok_or(unknown)?;
        self.unsubscribe(asker.participant, asker.room, &json!({"id": id}))?;
        Ok(())
    }

    /// The answer is positive whatever comes of it.
    fn signal(&mut self, asker: Asker<'_>, message: &Value, now: Millis) -> Answer {
        let stream = text_member(message, "streamId");
        let subscription = self.names(asker)?.subscriptions.get(stream);
        let id = subscription.map_or(stream, String::as_str);
        let request = json!({"id": id, "signaling": message["msg"]});
        let _ = self.negotiate(asker.participant, asker.room, &request, now);
        Ok(vec!["ok".into()])
    }

    fn mix(&mut self, asker: Asker<'_>, operation: &str, options: &Value, now: Millis) -> Answer {
        for mixed in options["mixStreams"].as_array().ok_or(ILLEGAL)? {
            let view = view_of(mixed.as_str().ok_or(ILLEGAL)?);
            self.steer(asker, &options["streamId"], operation, view.into(), now)?;
        }
        Ok(success(None))
    }

    fn switch_track(
        &mut self,
        asker: Asker<'_>,
        operation: &str,
        options: &Value,
        now: Millis,
    ) -> Answer {
        if text_member(options, "streamId").is_empty() {
            return Err("no stream ID".into());
        }
        let track = text_member(options, "track");
        if !["video", "audio", "av"].contains(&track) {
            return Err(format!("invalid track {track}"));
        }
        self.steer(asker, &options["streamId"], operation, track.into(), now)?;
        Ok(success(None))
    }

    fn region(&mut self, asker: Asker<'_>, name: &str, options: &Value, now: Millis) -> Answer {
        plain_id(options, "id", "Invalid stream id")?;
        let view = options["mixStreamId"].as_str().map_or("common", view_of);
        if name == "getRegion" {
            let answer = self.steer(asker, &options["id"], "get-region", view.into(), now)?;
            return Ok(success(answer));
        }
        let region = plain_id(options, "region", "Invalid region id")?;
        let data = json!({"view": view, "region": region});
        self.steer(asker, &options["id"], "set-region", data, now)?;
        Ok(success(None))
    }

    fn steer(
        &mut self,
        asker: Asker<'_>,
        stream: &Value,
        operation: &str,
        data: Value,
        now: Millis,
    ) -> Outcome {
        let request = json!({"id": stream, "operation": operation, "data": data});
        self.control_stream(asker.participant, asker.room, &request, now)
    }

    fn message(&mut self, asker: Asker<'_>, message: &Value, now: Millis) -> Answer {
        match message["type"].as_str() {
            Some("data") => {
                let receiver = text_member(message, "receiver");
                if receiver.is_empty() {
                    return Err("Invalid receiver".into());
                }
                let mut request = json!({"to": receiver});
                if let Some(content) = message.get("data") {
                    request["message"] = content.clone();
                }
                self.text(asker.participant, asker.room, &request, now)?;
                Ok(success(None))
            }
            Some("control") => self.control(asker, &message["payload"], now),
            _ => Err("Invalid message type".into()),
        }
    }

    /// `out` is what the client publishes, `in` what it subscribed to.
    fn control(&mut self, asker: Asker<'_>, payload: &Value, now: Millis) -> Answer {
        if !payload.is_object() {
            return Err("Invalid payload".into());
        }
        let stream = plain_id(payload, "streamId", "Invalid connection id")?;
        let words: Vec<&str> = text_member(payload, "action").split('-').collect();
        let [track @ ("audio" | "video"), direction @ ("in" | "out"), switch @ ("on" | "off")] =
            words[..]
        else {
            return Err("Invalid action".into());
        };
        let operation = if switch == "on" { "play" } else { "pause" };
        if direction == "out" {
            self.steer(asker, &stream.into(), operation, track.into(), now)?;
        } else {
            let subscription = self.names(asker)?.subscriptions.get(stream);
            let id = subscription.ok_or("Subscription does NOT exist")?;
            let request = json!({"id": id, "operation": operation, "data": track});
            self.control_subscription(asker.participant, asker.room, &request)?;
        }
        Ok(success(None))
    }
}

pub(super) fn success(payload: Option<Value>) -> Vec<Value> {
    [Some("success".into()), payload].into_iter().flatten().collect()
}

/// A member that is an id as legacy clients may write one.
pub(super) fn plain_id<'a>(
    options: &'a Value,
    member: &str,
    error: &str,
) -> Result<&'a str, String> {
    let plain = |id: &&str| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    options[member].as_str().filter(plain).ok_or_else(|| error.into())
}

/// The label of a mixed stream's view, which is what follows the first hyphen of its id.
fn view_of(stream: &str) -> &str {
    match stream.split_once('-') {
        Some((_, label)) if !label.is_empty() => label,
        _ => stream,
    }
}
