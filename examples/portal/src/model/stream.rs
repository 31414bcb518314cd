//! Stream descriptions and their shapes in the protocol versions.

use serde_json::{Value, json};

use super::{Protocol, StreamMedia};

/// A published or mixed stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: String,
    /// None for the mixed stream.
    pub(super) owner: Option<String>,
    pub(super) transport: String,
    /// Whether the room was told; it is told when the media flow.
    pub(super) announced: bool,
    /// Where the stream is shown in the mix.
    pub(super) region: String,
    /// The description in the shape of protocol 1.2.
    pub(super) info: Value,
}

impl Stream {
    /// The stream every room has: all inputs mixed.
    pub(super) fn mixed(room: &str) -> Self {
        let id = format!("{room}-common");
        let info = json!({
            "id": id,
            "type": "mixed",
            "media": {"tracks": [{
                "id": format!("{id}-a"),
                "type": "audio",
                "format": {"codec": "opus", "sampleRate": 48000, "channelNum": 2},
                "optional": {"format": [{"codec": "pcmu"}]},
            }, {
                "id": format!("{id}-v"),
                "type": "video",
                "format": {"codec": "vp8"},
                "parameters": {
                    "resolution": {"width": 640, "height": 480},
                    "framerate": 24,
                    "keyFrameInterval": 100,
                },
                "optional": {
                    "format": [{"codec": "h264", "profile": "CB"}],
                    "parameters": {
                        "resolution": [{"width": 320, "height": 240}],
                        "framerate": [15],
                        "bitrate": ["x0.8"],
                        "keyFrameInterval": [30],
                    },
                },
            }]},
            "data": false,
            "info": {"label": "common", "activeInput": "unknown", "layout": []},
        });
        Self { transport: id.clone(), id, owner: None, announced: true, region: "1".into(), info }
    }

    /// A stream as `request`, valid in either version, describes it.
    pub(super) fn forward(id: String, transport: String, owner: &str, request: &Value) -> Self {
        let tracks: Vec<Value> = requested_tracks(request)
            .iter()
            .enumerate()
            .map(|(index, track)| forward_track(&id, index, track))
            .collect();
        let transport_type = request["transport"]["type"].as_str().unwrap_or("webrtc");
        let mut info = json!({
            "id": id,
            "type": "forward",
            "media": {"tracks": tracks},
            "data": request["data"].as_bool().unwrap_or(false),
            "info": {"owner": owner, "type": transport_type, "inViews": []},
        });
        if let Some(attributes) = request.get("attributes") {
            info["info"]["attributes"] = attributes.clone();
        }
        let owner = Some(owner.into());
        Self { id, owner, transport, announced: false, region: "1".into(), info }
    }

    /// The description as the controller gives it to the portal.
    pub(super) fn described(&self, media: StreamMedia) -> Value {
        match media {
            StreamMedia::Tracks => self.info.clone(),
            StreamMedia::Parts => info_for(Protocol::V1_0, &self.info),
        }
    }

    /// Set the status of all tracks of a kind. Returns whether there are any.
    pub(super) fn set_status(&mut self, kind: &str, status: &str) -> bool {
        let tracks = self.info["media"]["tracks"].as_array_mut().expect("streams have tracks");
        let mut found = false;
        for track in tracks.iter_mut().filter(|track| track["type"] == kind) {
            track["status"] = status.into();
            found = true;
        }
        found
    }
}

/// The tracks of a publish or subscribe request: `media.tracks`, or `media.audio` and `.video`.
pub(super) fn requested_tracks(request: &Value) -> Vec<Value> {
    let media = &request["media"];
    if let Some(tracks) = media["tracks"].as_array() {
        return tracks.clone();
    }
    ["audio", "video"]
        .into_iter()
        .filter(|kind| media[*kind].is_object())
        .enumerate()
        .map(|(index, kind)| {
            let mut track = media[kind].clone();
            track["type"] = kind.into();
            track["mid"] = index.to_string().into();
            track
        })
        .collect()
}

fn forward_track(stream: &str, index: usize, requested: &Value) -> Value {
    let mut track = pick(requested, &["type", "source", "mid"]);
    track["id"] = format!("{stream}-t{index}").into();
    track["status"] = "active".into();
    track["optional"] = json!({});
    if requested["type"] == "audio" {
        track["format"] = json!({"codec": "opus", "sampleRate": 48000, "channelNum": 2});
    } else {
        track["format"] = json!({"codec": "vp8"});
        track["parameters"] = json!({"resolution": {"width": 640, "height": 480}});
    }
    track
}

/// A stream description in the shape of a protocol version. One without tracks stays as it is.
pub(super) fn info_for(protocol: Protocol, info: &Value) -> Value {
    match protocol {
        Protocol::Legacy | Protocol::V1_2 => info.clone(),
        Protocol::V1_1 => with_parts(info),
        Protocol::V1_0 => with_one_format(with_parts(info)),
    }
}

/// From version 1.2 to 1.1.
fn with_parts(info: &Value) -> Value {
    let mut converted = info.clone();
    if let Some(tracks) = info["media"]["tracks"].as_array() {
        let parts = [("audio", audio_part(tracks)), ("video", video_part(tracks))];
        let parts = parts.into_iter().filter_map(|(kind, part)| Some((kind.to_owned(), part?)));
        converted["media"] = parts.collect::<serde_json::Map<_, _>>().into();
    }
    converted
}

/// From version 1.1 to 1.0.
fn with_one_format(mut info: Value) -> Value {
    if let Some(video) = info["media"]["video"].as_object_mut()
        && let Some(original) = video.remove("original")
    {
        let first = pick(&original[0], &["format", "parameters"]);
        video.extend(first.as_object().cloned().unwrap_or_default());
    }
    info
}

/// A `stream` notification in the shape of a protocol version.
pub(super) fn notification_for(protocol: Protocol, data: &Value) -> Value {
    let mut converted = data.clone();
    if data["status"] == "add" {
        converted["data"] = info_for(protocol, &data["data"]);
    } else if data["data"]["field"] == "." {
        converted["data"]["value"] = info_for(protocol, &data["data"]["value"]);
    }
    converted
}

fn audio_part(tracks: &[Value]) -> Option<Value> {
    let track = tracks.iter().find(|track| track["type"] == "audio")?;
    Some(pick(track, &["status", "source", "format", "optional"]))
}

/// The first video track; the tracks of a simulcast share its `mid` and become one entry each.
fn video_part(tracks: &[Value]) -> Option<Value> {
    let first = tracks.iter().find(|track| track["type"] == "video")?;
    let original: Vec<Value> = tracks
        .iter()
        .filter(|track| track["type"] == "video" && track["mid"] == first["mid"])
        .map(|track| {
            let mut entry = pick(track, &["format", "parameters"]);
            if let Some(rid) = track.get("rid") {
                entry["simulcastRid"] = rid.clone();
            }
            entry
        })
        .collect();
    let mut video = pick(first, &["status", "source", "optional"]);
    video["original"] = original.into();
    Some(video)
}

fn pick(object: &Value, members: &[&str]) -> Value {
    members
        .iter()
        .filter_map(|name| Some((name.to_string(), object.get(name)?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_1_has_one_part_per_kind() {
        let info = info_for(Protocol::V1_1, &Stream::mixed("r").info);
        assert_eq!(info["media"]["audio"]["format"]["codec"], "opus");
        assert_eq!(info["media"]["video"]["original"][0]["format"]["codec"], "vp8");
        assert!(info["media"].get("tracks").is_none());
    }

    #[test]
    fn version_1_0_has_one_format_per_kind() {
        let video = &info_for(Protocol::V1_0, &Stream::mixed("r").info)["media"]["video"];
        assert_eq!(video["format"]["codec"], "vp8");
        assert_eq!(video["parameters"]["resolution"]["width"], 640);
        assert!(video.get("original").is_none());
    }

    #[test]
    fn a_description_without_tracks_is_the_same_in_all_versions() {
        let info = Stream::mixed("r").described(StreamMedia::Parts);
        assert!(info["media"].get("tracks").is_none());
        for protocol in Protocol::ALL {
            assert_eq!(info_for(protocol, &info), info);
        }
    }

    #[test]
    fn simulcast_layers_become_entries_of_one_video() {
        let info = json!({"media": {"tracks": [
            {"type": "video", "mid": "1", "rid": "q", "format": {"codec": "vp8"}},
            {"type": "video", "mid": "1", "rid": "h", "format": {"codec": "vp8"}},
            {"type": "video", "mid": "2", "format": {"codec": "vp9"}},
        ]}});
        let media = &info_for(Protocol::V1_1, &info)["media"];
        assert!(media.get("audio").is_none());
        let rids: Vec<_> = media["video"]["original"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| &entry["simulcastRid"])
            .collect();
        assert_eq!(rids, ["q", "h"]);
    }

    #[test]
    fn both_request_shapes_name_the_same_tracks() {
        let old = json!({"media": {"audio": {"source": "mic"}, "video": false}});
        let new = json!({"media": {"tracks": [{"type": "audio", "mid": "0", "source": "mic"}]}});
        assert_eq!(requested_tracks(&old), requested_tracks(&new));
    }
}
