//! What a real portal says is understood, and written again as it came.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use roamio::owt::{Login, Notification, Participant, Progress, Room, Stream, names};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{answer, notification};

/// A line of a recording.
pub(crate) struct Line {
    pub(crate) conn: u64,
    pub(crate) from_portal: bool,
    pub(crate) packet: String,
}

/// The packets of a recording in their order.
pub(crate) fn packets(name: &str) -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let text = fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let packet = |line: Value| {
        let packet = line["data"].as_str()?.to_owned();
        let conn = line["conn"].as_u64()?;
        Some(Line { conn, from_portal: line["dir"] == "s2c", packet })
    };
    lines.filter_map(packet).collect()
}

/// The elements of a packet of this type.
pub(crate) fn elements(packet: &str, kind: &str) -> Option<Vec<Value>> {
    let rest = packet.strip_prefix(kind)?;
    serde_json::from_str(&rest[rest.find('[')?..]).ok()
}

fn recordings() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.into_string().unwrap().strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The notifications of all recordings.
fn notifications() -> Vec<(String, Value)> {
    let lines = recordings().into_iter().flat_map(|name| packets(&name));
    let from_portal = lines.filter(|line| line.from_portal);
    from_portal
        .filter_map(|line| {
            let mut parts = elements(&line.packet, "42")?;
            parts.resize(2, Value::Null);
            Some((parts[0].as_str()?.to_owned(), parts.remove(1)))
        })
        .collect()
}

/// The answers to all logins that succeeded.
fn logins() -> Vec<Value> {
    let lines = recordings().into_iter().flat_map(|name| packets(&name));
    let answers = lines.filter_map(|line| elements(&line.packet, "43"));
    let bodies = answers.filter_map(|mut parts| (parts.len() > 1).then(|| parts.remove(1)));
    bodies.filter(|body| body.get("role").is_some() || body.get("clientId").is_some()).collect()
}

#[test]
fn every_recorded_notification_has_a_type() {
    let mut seen = BTreeMap::<String, usize>::new();
    for (name, data) in notifications() {
        let parsed = Notification::parse(&notification(&name, &data));
        assert!(parsed.is_some(), "{name} {data}");
        *seen.entry(name).or_default() += 1;
    }
    for name in [names::PARTICIPANT, names::STREAM, names::TEXT, names::PROGRESS, names::DROP] {
        assert!(seen.contains_key(name), "{name}");
    }
    assert!(seen.contains_key(names::SESSION_PROGRESS));
}

/// Read a value and write it again.
fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) {
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), *value);
}

#[test]
fn what_is_recorded_is_written_again_unchanged() {
    let mut streams = 0;
    for login in logins() {
        let room = login.get("room").unwrap_or(&login);
        for stream in room["streams"].as_array().unwrap() {
            round_trip::<Stream>(stream);
            streams += 1;
        }
        for participant in room["participants"].as_array().into_iter().flatten() {
            round_trip::<Participant>(participant);
        }
    }
    assert!(streams >= 40);
    for (name, data) in notifications() {
        match name.as_str() {
            names::STREAM if data["status"] == "add" => round_trip::<Stream>(&data["data"]),
            names::PROGRESS | names::SESSION_PROGRESS => round_trip::<Progress>(&data),
            names::TEXT => round_trip::<roamio::owt::Text>(&data),
            _ => {}
        }
    }
}

#[test]
fn the_room_of_every_recorded_login_is_whole() {
    let logins = logins();
    assert!(logins.len() >= 40);
    for body in logins {
        let Login { id, user, role, permission, room } = Login::of(&answer(&body));
        let me = room.participant(&id.unwrap()).unwrap().clone();
        assert_eq!(me.user.as_deref(), Some("user"));
        assert_eq!(me.role.as_deref(), Some("presenter"));
        let mix = &room.streams[0];
        assert_eq!((mix.label(), mix.owner()), (Some("common"), None));
        if body.get("clientId").is_none() {
            assert_eq!((user, role), (me.user, me.role));
            let publish = permission.unwrap().publish.unwrap();
            assert_eq!((publish.audio, publish.video), (Some(true), Some(true)));
            assert_eq!((room.views.len(), mix.kind.as_deref()), (1, Some("mixed")));
            assert!(room.more.is_empty(), "{:?}", room.more);
        }
        assert_eq!(room, Room::of_login(&answer(&body)));
        assert!(!format!("{room:?}").contains("notAfter"), "no ticket is in it");
    }
}

/// The codec of the video of a mix, wherever the version has it.
#[test]
fn every_version_says_where_the_codec_is() {
    let parts = json!({"format": {"codec": "vp8"}, "parameters": {"resolution": {"width": 640}}});
    let track = json!({"type": "video", "format": {"codec": "vp8"}});
    let media = |media: Value| {
        let stream: Stream = serde_json::from_value(json!({"id": "s", "media": media})).unwrap();
        stream.media.unwrap()
    };
    let codec = |format: &Option<roamio::owt::Format>| format.clone().unwrap().codec.unwrap();
    let v1_0 = media(json!({"audio": false, "video": parts}));
    assert_eq!(codec(&v1_0.video.as_ref().unwrap().format), "vp8");
    assert_eq!((v1_0.audio, &v1_0.more["audio"]), (None, &Value::Bool(false)));
    let v1_1 = media(json!({"video": {"original": [parts]}})).video.unwrap();
    assert_eq!(codec(&v1_1.original.unwrap()[0].format), "vp8");
    let v1_2 = media(json!({"tracks": [track]}));
    assert_eq!(codec(&v1_2.of_kind("video").next().unwrap().format), "vp8");
}
