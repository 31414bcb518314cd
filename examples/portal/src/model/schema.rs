//! The shapes of room requests in the protocol versions.
//!
//! The texts of these errors follow the validator of the real portal, which is for people; of
//! several errors the first is given.
//!
//! Source: open-webrtc-toolkit/owt-server: source/portal/versions/requestDataValidator.js.

use serde_json::{Map, Value};

use super::Protocol;

type Check = Result<(), String>;

const AUDIO_SOURCES: &[&str] = &["mic", "screen-cast", "raw-file", "encoded-file"];
const VIDEO_SOURCES: &[&str] = &["camera", "screen-cast", "raw-file", "encoded-file"];
const SOURCES: &[&str] = &["mic", "camera", "screen-cast", "raw-file", "encoded-file"];
const AUDIO_CODECS: &[&str] =
    &["pcmu", "pcma", "opus", "g722", "iSAC", "iLBC", "aac", "ac3", "nellymoser"];
const VIDEO_CODECS: &[&str] = &["h264", "h265", "vp8", "vp9"];
const SIGNALING: &[&str] = &["offer", "answer", "candidate", "removed-candidates"];

/// Check the payload of a room request of protocol 1.0 or later; 1.0 and 1.1 have equal shapes.
pub(super) fn check(protocol: Protocol, name: &str, data: &Value) -> Check {
    let request = Part { path: String::from("request"), value: data };
    match (name, protocol) {
        ("publish", Protocol::V1_2) => publish_1_2(&request),
        ("publish", _) => publish_1_0(&request),
        ("subscribe", Protocol::V1_2) => subscribe_1_2(&request),
        ("subscribe", _) => subscribe_1_0(&request),
        ("unpublish", _) => plain_id(data, "Invalid stream id"),
        ("unsubscribe", _) => plain_id(data, "Invalid subscription id"),
        ("stream-control", _) => stream_control(&request),
        ("subscription-control", _) => subscription_control(&request),
        ("soac", _) => soac(&request),
        // The message of a text may be anything, or nothing.
        _ => request.required("to")?.text(),
    }
}

fn plain_id(data: &Value, error: &str) -> Check {
    let plain = |id: &str| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if data["id"].as_str().is_some_and(plain) { Ok(()) } else { Err(error.into()) }
}

fn publish_1_0(request: &Part<'_>) -> Check {
    request.only(&["media", "attributes"])?;
    let media = request.required("media")?;
    media.only(&["audio", "video"])?;
    let audio = media.required("audio")?;
    if *audio.value != false {
        audio.only(&["source"])?;
        audio.required("source")?.one_of(AUDIO_SOURCES)?;
    }
    let video = media.required("video")?;
    if *video.value != false {
        video.only(&["source", "parameters"])?;
        video.required("source")?.one_of(VIDEO_SOURCES)?;
        video.optional("parameters", |part| {
            part.object()?;
            part.optional("resolution", resolution)?;
            part.optional("framerate", Part::number)
        })?;
    }
    request.optional("attributes", |part| part.object().map(drop))
}

fn publish_1_2(request: &Part<'_>) -> Check {
    request.only(&["media", "data", "transport", "attributes"])?;
    let media = request.required("media")?;
    if !media.value.is_null() {
        for track in media.required("tracks")?.list()? {
            track.required("type")?.one_of(&["audio", "video"])?;
            track.required("mid")?.text()?;
            track.required("source")?.one_of(SOURCES)?;
        }
    }
    request.optional("data", Part::flag)?;
    request.optional("transport", transport)?;
    request.optional("attributes", |part| part.object().map(drop))
}

fn subscribe_1_0(request: &Part<'_>) -> Check {
    request.only(&["media"])?;
    let media = request.required("media")?;
    media.only(&["audio", "video"])?;
    let audio = media.required("audio")?;
    if *audio.value != false {
        audio.only(&["from", "format"])?;
        audio.required("from")?.text()?;
        audio.optional("format", audio_format)?;
    }
    let video = media.required("video")?;
    if *video.value != false {
        video.only(&["from", "format", "parameters", "simulcastRid"])?;
        video.required("from")?.text()?;
        video.optional("format", video_format)?;
        video.optional("parameters", parameters)?;
        video.optional("simulcastRid", Part::text)?;
    }
    Ok(())
}

fn subscribe_1_2(request: &Part<'_>) -> Check {
    request.only(&["media", "data", "transport"])?;
    let media = request.required("media")?;
    if !media.value.is_null() {
        for track in media.required("tracks")?.list()? {
            track.required("type")?.one_of(&["audio", "video"])?;
            track.required("mid")?.text()?;
            track.required("from")?.text()?;
            track.optional("format", |part| audio_format(part).or_else(|_| video_format(part)))?;
            track.optional("parameters", parameters)?;
        }
    }
    request.optional("data", |part| part.required("from")?.text())?;
    request.optional("transport", transport)
}

fn stream_control(request: &Part<'_>) -> Check {
    request.only(&["id", "operation", "data"])?;
    request.required("id")?.text()?;
    let operation = request.required("operation")?;
    let data = request.required("data")?;
    match operation.value.as_str() {
        Some("mix" | "unmix" | "get-region") => data.text(),
        Some("set-region") => {
            data.only(&["view", "region"])?;
            data.required("view")?.text()?;
            data.required("region")?.filled_text()
        }
        Some("pause" | "play") => data.one_of(&["audio", "video", "av"]),
        _ => operation.fails("should be equal to one of the allowed values", "operation"),
    }
}

fn subscription_control(request: &Part<'_>) -> Check {
    request.only(&["id", "operation", "data"])?;
    request.required("id")?.text()?;
    let operation = request.required("operation")?;
    let data = request.required("data")?;
    match operation.value.as_str() {
        Some("update") => {
            data.only(&["audio", "video"])?;
            data.optional("audio", |part| part.required("from")?.text())?;
            data.optional("video", |part| {
                part.only(&["from", "parameters"])?;
                part.optional("from", Part::text)?;
                part.optional("parameters", parameters)
            })
        }
        Some("pause" | "play") => data.one_of(&["audio", "video", "av"]),
        _ => operation.fails("should be equal to one of the allowed values", "operation"),
    }
}

fn soac(request: &Part<'_>) -> Check {
    request.required("id")?.text()?;
    request.required("signaling")?.required("type")?.one_of(SIGNALING)
}

fn transport(part: &Part<'_>) -> Check {
    part.only(&["type", "id"])?;
    part.optional("type", |part| part.one_of(&["webrtc", "quic"]))?;
    part.optional("id", Part::text)
}

fn audio_format(part: &Part<'_>) -> Check {
    part.only(&["codec", "sampleRate", "channelNum"])?;
    part.required("codec")?.one_of(AUDIO_CODECS)?;
    part.optional("sampleRate", Part::number)?;
    part.optional("channelNum", Part::number)
}

fn video_format(part: &Part<'_>) -> Check {
    part.only(&["codec", "profile"])?;
    part.required("codec")?.one_of(VIDEO_CODECS)?;
    part.optional("profile", |part| part.one_of(&["CB", "B", "M", "E", "H"]))
}

fn parameters(part: &Part<'_>) -> Check {
    part.only(&["resolution", "framerate", "bitrate", "keyFrameInterval"])?;
    part.optional("resolution", resolution)?;
    part.optional("framerate", Part::number)?;
    part.optional("bitrate", |rate| rate.text().or_else(|_| rate.number()))?;
    part.optional("keyFrameInterval", Part::number)
}

fn resolution(part: &Part<'_>) -> Check {
    part.only(&["width", "height"])?;
    part.required("width")?.number()?;
    part.required("height")?.number()
}

/// A value inside a request and the path to it.
struct Part<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Part<'a> {
    fn fails<T>(&self, message: &str, parameter: &str) -> Result<T, String> {
        Err(format!("{} {message} \"{parameter}\"", self.path))
    }

    fn expect(&self, holds: bool, kind: &str) -> Check {
        if holds { Ok(()) } else { self.fails(&format!("should be {kind}"), kind) }
    }

    fn member(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self { path: format!("{}.{name}", self.path), value })
    }

    fn object(&self) -> Result<&'a Map<String, Value>, String> {
        match self.value {
            Value::Object(members) => Ok(members),
            _ => self.fails("should be object", "object"),
        }
    }

    /// Refuse members that are not named here.
    fn only(&self, names: &[&str]) -> Check {
        match self.object()?.keys().find(|key| !names.contains(&key.as_str())) {
            Some(key) => self.fails("should NOT have additional properties", key),
            None => Ok(()),
        }
    }

    fn required(&self, name: &str) -> Result<Self, String> {
        self.object()?;
        match self.member(name) {
            Some(part) => Ok(part),
            None => self.fails(&format!("should have required property '{name}'"), name),
        }
    }

    fn optional(&self, name: &str, check: impl FnOnce(&Self) -> Check) -> Check {
        self.member(name).map_or(Ok(()), |part| check(&part))
    }

    fn list(&self) -> Result<Vec<Self>, String> {
        let Some(items) = self.value.as_array() else {
            return self.fails("should be array", "array");
        };
        let part = |(index, value)| Self { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(part).collect())
    }

    fn text(&self) -> Check {
        self.expect(self.value.is_string(), "string")
    }

    fn filled_text(&self) -> Check {
        self.text()?;
        if *self.value == "" {
            self.fails("should NOT be shorter than 1 characters", "1")
        } else {
            Ok(())
        }
    }

    fn number(&self) -> Check {
        self.expect(self.value.is_number(), "number")
    }

    fn flag(&self) -> Check {
        self.expect(self.value.is_boolean(), "boolean")
    }

    fn one_of(&self, values: &[&str]) -> Check {
        if self.value.as_str().is_some_and(|text| values.contains(&text)) {
            return Ok(());
        }
        self.fails("should be equal to one of the allowed values", &values.join(","))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(protocol: Protocol, name: &str, data: Value) -> bool {
        check(protocol, name, &data).is_ok()
    }

    #[test]
    fn the_text_of_a_missing_member_is_that_of_the_real_portal() {
        let error = "request should have required property 'media' \"media\"";
        assert_eq!(check(Protocol::V1_2, "publish", &json!({})), Err(error.into()));
        assert_eq!(check(Protocol::V1_1, "publish", &json!({})), Err(error.into()));
    }

    #[test]
    fn publish_has_its_own_shape_in_each_version() {
        let old = json!({"media": {"audio": {"source": "mic"}, "video": false}});
        let new = json!({"media": {"tracks": [{"type": "audio", "mid": "0", "source": "mic"}]}});
        assert!(accepts(Protocol::V1_1, "publish", old.clone()));
        assert!(!accepts(Protocol::V1_2, "publish", old));
        assert!(accepts(Protocol::V1_2, "publish", new.clone()));
        assert!(!accepts(Protocol::V1_1, "publish", new));
    }

    #[test]
    fn null_media_is_accepted_and_other_nulls_are_not() {
        assert!(accepts(Protocol::V1_2, "publish", json!({"media": null, "data": false})));
        assert!(!accepts(Protocol::V1_2, "publish", json!({"media": null, "attributes": null})));
        let transport = json!({"media": null, "transport": {"id": null}});
        assert!(!accepts(Protocol::V1_2, "publish", transport));
    }

    #[test]
    fn formats_and_resolutions_have_no_members_of_their_own() {
        let subscribe = |video: Value| json!({"media": {"audio": false, "video": video}});
        let good = json!({"from": "s", "format": {"codec": "h264", "profile": "CB"}});
        assert!(accepts(Protocol::V1_0, "subscribe", subscribe(good)));
        let bad = json!({"from": "s", "format": {"codec": "h264", "profile": "X"}});
        assert!(!accepts(Protocol::V1_0, "subscribe", subscribe(bad)));
        let size = json!({"width": 1, "height": 1, "depth": 1});
        let bad = json!({"from": "s", "parameters": {"resolution": size}});
        assert!(!accepts(Protocol::V1_1, "subscribe", subscribe(bad)));
        // In a publication only the parameters known are looked at.
        let video = json!({"source": "camera", "parameters": {"framerate": 30, "any": 1}});
        let publish = json!({"media": {"audio": false, "video": video}});
        assert!(accepts(Protocol::V1_0, "publish", publish));
    }

    #[test]
    fn subscribing_to_nothing_is_accepted_in_1_1() {
        let nothing = json!({"media": {"audio": false, "video": false}});
        assert!(accepts(Protocol::V1_1, "subscribe", nothing));
    }

    #[test]
    fn an_underscore_in_an_id_is_refused() {
        let refused = check(Protocol::V1_2, "unpublish", &json!({"id": "a_b"}));
        assert_eq!(refused, Err("Invalid stream id".into()));
        let refused = check(Protocol::V1_2, "unsubscribe", &json!({}));
        assert_eq!(refused, Err("Invalid subscription id".into()));
    }

    #[test]
    fn controls_need_a_known_operation_and_fitting_data() {
        let control =
            |operation: &str, data: Value| json!({"id": "s", "operation": operation, "data": data});
        assert!(accepts(Protocol::V1_2, "stream-control", control("pause", json!("av"))));
        assert!(!accepts(Protocol::V1_2, "stream-control", control("pause", json!("all"))));
        assert!(!accepts(Protocol::V1_2, "stream-control", control("querybwe", json!("av"))));
        let region = json!({"view": "common", "region": ""});
        assert!(!accepts(Protocol::V1_2, "stream-control", control("set-region", region)));
        let update = json!({"video": {"parameters": {"bitrate": "x0.8"}}});
        assert!(accepts(Protocol::V1_2, "subscription-control", control("update", update)));
    }
}
