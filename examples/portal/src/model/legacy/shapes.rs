//! Login replies and notifications in the shapes of legacy clients.

use serde_json::{Map, Value, json};

use super::{Names, Source};
use crate::model::room::Participant;

/// The login reply, without the ticket. The error is what the real portal makes of a mixed stream
/// that is described by tracks.
pub(in crate::model) fn welcome(
    client: &str,
    room: &str,
    streams: &[Value],
    participants: &[&Participant],
) -> Result<Value, String> {
    let streams: Vec<Value> = streams.iter().map(stream).collect::<Result<_, _>>()?;
    let users: Vec<Value> = participants
        .iter()
        .map(|other| json!({"id": other.id, "name": other.user, "role": other.role}))
        .collect();
    Ok(json!({"clientId": client, "id": room, "streams": streams, "users": users}))
}

fn stream(info: &Value) -> Result<Value, String> {
    let media = &info["media"];
    let mut video = media["video"].is_object().then(Map::new);
    let mut shown = json!({"id": info["id"], "audio": media["audio"].is_object(), "socket": ""});
    if let Some(attributes) = info["info"].get("attributes") {
        shown["attributes"] = attributes.clone();
    }
    if info["type"] == "mixed" {
        let video = video.as_mut().ok_or("Cannot create property 'layout' on boolean 'false'")?;
        let regions = info["info"]["layout"].as_array().map_or(&[][..], Vec::as_slice);
        video.insert("layout".into(), regions.iter().map(region).collect());
        video.insert("device".into(), "mcu".into());
        let optional = media["video"]["optional"]["parameters"]["resolution"].as_array();
        let resolutions = std::iter::once(&media["video"]["parameters"]["resolution"]);
        let resolutions = resolutions.chain(optional.into_iter().flatten());
        video.insert("resolutions".into(), resolutions.cloned().collect());
        shown["view"] = info["info"]["label"].clone();
        shown["from"] = "".into();
    } else {
        if let Some(video) = &mut video {
            match media["video"]["source"].as_str() {
                Some("screen-cast") => drop(video.insert("device".into(), "screen".into())),
                Some("camera") => drop(video.insert("device".into(), "camera".into())),
                _ => {}
            }
        }
        shown["from"] = info["info"]["owner"].clone();
    }
    shown["video"] = video.map_or(Value::Bool(false), Value::Object);
    Ok(shown)
}

/// Where a stream is in the mix: fractions become numbers, and the height is forgotten.
fn region(shown: &Value) -> Value {
    let area = &shown["region"]["area"];
    let number = |name: &str| {
        let part = |end: &str| area[name][end].as_f64().unwrap_or(f64::NAN);
        part("numerator") / part("denominator")
    };
    json!({
        "streamID": shown["stream"],
        "id": shown["region"]["id"],
        "left": number("left"),
        "top": number("top"),
        "relativeSize": number("width"),
    })
}

/// Turn a notification into what a legacy client gets; none if it gets nothing.
pub(in crate::model) fn notification(
    names: &mut Names,
    event: &str,
    data: &Value,
) -> Option<(String, Value)> {
    let (event, data) = match event {
        "participant" => presence(data)?,
        "stream" => change(data)?,
        "progress" => progress(names, data)?,
        "text" => {
            let mut message = json!({"from": data["from"], "to": data["to"]});
            if let Some(content) = data.get("message") {
                message["data"] = content.clone();
            }
            ("custom_message", message)
        }
        _ => (event, data.clone()),
    };
    Some((event.into(), data))
}

fn presence(data: &Value) -> Option<(&'static str, Value)> {
    let who = &data["data"];
    match data["action"].as_str()? {
        "join" => {
            let user = json!({"id": who["id"], "name": who["user"], "role": who["role"]});
            Some(("user_join", json!({"user": user})))
        }
        "leave" => Some(("user_leave", json!({"user": {"id": who}}))),
        _ => None,
    }
}

fn change(data: &Value) -> Option<(&'static str, Value)> {
    let id = &data["id"];
    let detail = &data["data"];
    match data["status"].as_str()? {
        "add" => {
            let (media, info) = (&detail["media"], &detail["info"]);
            let mixed = detail["type"] == "mixed";
            let device = if mixed { json!("mcu") } else { media["video"]["source"].clone() };
            let video = match media["video"].is_object() {
                true if device.is_null() => json!({}),
                true => json!({"device": device}),
                false => Value::Bool(false),
            };
            let mut added = json!({
                "id": detail["id"],
                "audio": media["audio"].is_object(),
                "video": video,
                "from": if mixed { json!("") } else { info["owner"].clone() },
            });
            if let Some(attributes) = info.get("attributes") {
                added["attributes"] = attributes.clone();
            }
            Some(("add_stream", added))
        }
        "update" => {
            let mut update = json!({"id": id});
            match (detail["field"].as_str(), &detail["value"]) {
                (Some("audio.status" | "video.status"), status) => {
                    update["event"] = "StateChange".into();
                    update["state"] = status.clone();
                }
                (Some("video.layout"), Value::Array(regions)) => {
                    update["event"] = "VideoLayoutChanged".into();
                    update["data"] = regions.iter().map(region).collect();
                }
                _ => {}
            }
            Some(("update_stream", update))
        }
        "remove" => Some(("remove_stream", json!({"id": id}))),
        _ => None,
    }
}

/// The controller of release 5 reports a transport and each session on it; legacy clients know one
/// of the two, which for them have the same id.
fn progress(names: &mut Names, data: &Value) -> Option<(&'static str, Value)> {
    let id = data["id"].as_str()?;
    let message = match data["status"].as_str()? {
        "soac" => data["data"].clone(),
        "ready" if data.get("sessionId").is_some() => return None,
        "ready" => json!({"type": "ready"}),
        "error" => return Some(failure(names, id)),
        _ => return None,
    };
    let mut signaling = match (names.published.get(id), names.reference(id)) {
        (Some(Source::WebRtc), _) => json!({"streamId": id}),
        (None, Some(peer)) => json!({"peerId": peer}),
        _ => return None,
    };
    signaling["mess"] = message;
    Some(("signaling_message_erizo", signaling))
}

fn failure(names: &mut Names, id: &str) -> (&'static str, Value) {
    let Some(reference) = names.reference(id).map(str::to_owned) else {
        return ("connection_failed", json!({"streamId": id}));
    };
    names.subscriptions.remove(&reference);
    if reference == id {
        ("remove_recorder", json!({"id": id}))
    } else if ["rtsp", "rtmp", "http"].iter().any(|scheme| reference.contains(scheme)) {
        ("connection_failed", json!({"url": reference}))
    } else {
        ("connection_failed", json!({"streamId": reference}))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn seen(names: &mut Names, event: &str, data: Value) -> Option<(String, Value)> {
        notification(names, event, &data)
    }

    #[test]
    fn a_layout_loses_its_fractions() {
        let half = json!({"numerator": 1, "denominator": 2});
        let area = json!({"left": half, "top": half, "width": half, "height": half});
        let value = json!([{"stream": "s", "region": {"id": "1", "area": area}}]);
        let update = json!({
            "id": "m", "status": "update", "data": {"field": "video.layout", "value": value},
        });
        let region =
            json!({"streamID": "s", "id": "1", "left": 0.5, "top": 0.5, "relativeSize": 0.5});
        let expected = json!({"id": "m", "event": "VideoLayoutChanged", "data": [region]});
        let seen = seen(&mut Names::default(), "stream", update);
        assert_eq!(seen, Some(("update_stream".into(), expected)));
    }

    #[test]
    fn a_failure_is_named_as_the_client_names_it() {
        let mut names = Names::default();
        for (reference, id) in [("peer", "1"), ("rtsp://h/s", "2"), ("3", "3")] {
            names.subscriptions.insert(reference.into(), id.into());
        }
        let failures = [
            ("1", "connection_failed", json!({"streamId": "peer"})),
            ("2", "connection_failed", json!({"url": "rtsp://h/s"})),
            ("3", "remove_recorder", json!({"id": "3"})),
            ("4", "connection_failed", json!({"streamId": "4"})),
        ];
        for (id, event, data) in failures {
            let failed = json!({"id": id, "status": "error", "data": "why"});
            assert_eq!(seen(&mut names, "progress", failed), Some((event.into(), data)));
        }
        assert!(names.subscriptions.is_empty());
    }

    #[test]
    fn sessions_and_strangers_are_not_reported() {
        let mut names = Names::default();
        names.published.insert("1".into(), Source::WebRtc);
        let ready = json!({"id": "1", "status": "ready"});
        let expected = json!({"streamId": "1", "mess": {"type": "ready"}});
        let transport = seen(&mut names, "progress", ready.clone());
        assert_eq!(transport, Some(("signaling_message_erizo".into(), expected)));
        let session = json!({"id": "1", "sessionId": "1", "status": "ready"});
        assert_eq!(seen(&mut names, "progress", session), None);
        assert_eq!(seen(&mut Names::default(), "progress", ready), None);
    }

    #[test]
    fn a_mixed_stream_described_by_tracks_fails() {
        let info = json!({"id": "m", "type": "mixed", "media": {"tracks": []}, "info": {}});
        let error = welcome("c", "r", &[info], &[]).unwrap_err();
        assert_eq!(error, "Cannot create property 'layout' on boolean 'false'");
    }
}
