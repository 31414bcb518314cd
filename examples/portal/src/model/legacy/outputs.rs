//! Outputs and recorders: subscriptions of a legacy client whose media go to a server.

use serde_json::{Value, json};

use super::requests::{Answer, Asker, plain_id, success};
use crate::model::{Portal, requests::text_member};

const INVALID_URL: &str = "Invalid RTSP/RTMP server url";
const NO_OUTPUT: &str = "Streaming-out does NOT exist";
const NO_RECORDING: &str = "Recording does NOT exist";

impl Portal {
    pub(super) fn add_output(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let url = url(options)?;
        let schemes = ["rtsp://", "rtmp://", "http://"];
        if !schemes.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
            return Err(INVALID_URL.into());
        }
        let stream = optional_id(options, "streamId", "Invalid stream id")?;
        if self.names(asker)?.subscriptions.contains_key(url) {
            return Err("Streaming-out is ongoing".into());
        }
        let from = stream.map_or_else(|| common_view(asker), str::to_owned);
        let part = |kind: &str| {
            if options[kind] == false { Value::Bool(false) } else { json!({"from": from}) }
        };
        let request = json!({"media": {"audio": part("audio"), "video": part("video")}});
        let id = self.ids.decimal();
        self.begin_subscription(asker, url, &id, &request)?;
        Ok(success(Some(json!({"url": url}))))
    }

    pub(super) fn update_output(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let url = url(options)?;
        let stream = optional_id(options, "streamId", "Invalid stream id")?;
        let from = stream.map_or_else(|| common_view(asker), str::to_owned);
        let update = json!({"audio": {"from": from}, "video": {"from": from}});
        self.redirect(asker, url, NO_OUTPUT, update)?;
        Ok(success(Some(json!({"url": url}))))
    }

    pub(super) fn remove_output(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let url = url(options)?;
        self.end_subscription(asker, url, NO_OUTPUT)?;
        Ok(success(Some(json!({"url": url}))))
    }

    /// Begin a recording, or with a recorder id go on with another stream.
    pub(super) fn start_recorder(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let recorder = optional_id(options, "recorderId", "Invalid recorder id")?;
        let audio = optional_id(options, "audioStreamId", "Invalid audio stream id")?;
        let video = optional_id(options, "videoStreamId", "Invalid video stream id")?;
        let both = audio.is_none() && video.is_none();
        let codec = |member: &str, known: &[&str], error: &str| match options.get(member) {
            Some(codec) if !codec.as_str().is_some_and(|codec| known.contains(&codec)) => {
                Err(error.to_owned())
            }
            _ => Ok(()),
        };
        if both || audio.is_some() {
            codec("audioCodec", &["pcmu", "opus", "aac"], "Invalid audio codec")?;
        }
        if both || video.is_some() {
            codec("videoCodec", &["vp8", "h264"], "Invalid video codec")?;
        }
        let common = common_view(asker);
        let from = |stream: Option<&str>| {
            let stream = stream.or(both.then_some(common.as_str()));
            stream.map_or(Value::Bool(false), |stream| json!({"from": stream}))
        };
        let media = json!({"audio": from(audio), "video": from(video)});
        if let Some(recorder) = recorder {
            self.redirect(asker, recorder, NO_RECORDING, media)?;
            return Ok(success(Some(json!({"recorderId": recorder, "path": ""}))));
        }
        let id = self.ids.decimal();
        self.begin_subscription(asker, &id, &id, &json!({"media": media}))?;
        let path = format!("{id}.auto");
        Ok(success(Some(json!({"recorderId": id, "path": path, "host": "unknown"}))))
    }

    pub(super) fn stop_recorder(&mut self, asker: Asker<'_>, options: &Value) -> Answer {
        let recorder = plain_id(options, "recorderId", "Invalid recorder id")?;
        self.end_subscription(asker, recorder, NO_RECORDING)?;
        Ok(success(Some(json!({"recorderId": recorder, "host": "unknown"}))))
    }

    /// Let a subscription take its media from elsewhere.
    fn redirect(
        &mut self,
        asker: Asker<'_>,
        reference: &str,
        unknown: &str,
        media: Value,
    ) -> Result<(), String> {
        let id = self.names(asker)?.subscriptions.get(reference).ok_or(unknown)?;
        let request = json!({"id": id, "operation": "update", "data": media});
        self.control_subscription(asker.participant, asker.room, &request)?;
        Ok(())
    }
}

fn url(options: &Value) -> Result<&str, String> {
    match text_member(options, "url") {
        "" => Err(INVALID_URL.into()),
        url => Ok(url),
    }
}

fn optional_id<'a>(
    options: &'a Value,
    member: &str,
    error: &str,
) -> Result<Option<&'a str>, String> {
    options.get(member).map(|_| plain_id(options, member, error)).transpose()
}

/// The mixed stream of the room.
fn common_view(asker: Asker<'_>) -> String {
    format!("{}-common", asker.room)
}
