//! Requests of the legacy protocol: they have positional arguments, and are answered with bare ids.
//!
//! What such a portal refuses in every case (`setPermission`, `setVideoBitrate`) has no type here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::media::{Resolution, Signaling};
use super::object::{Members, object};
use super::request::{Kinds, requests};

requests! {
    Publish = "publish" -> String;
    Unpublish = "unpublish" -> ();
    Subscribe = "subscribe" -> String;
    Unsubscribe = "unsubscribe" -> ();
    Mix = "mix" -> ();
    Unmix = "unmix" -> ();
    SignalingMessage = "signaling_message" -> ();
    AddExternalOutput = "addExternalOutput" -> Members;
    UpdateExternalOutput = "updateExternalOutput" -> Members;
    RemoveExternalOutput = "removeExternalOutput" -> Members;
    StartRecorder = "startRecorder" -> Members;
    StopRecorder = "stopRecorder" -> Members;
    GetRegion = "getRegion" -> Members;
    SetRegion = "setRegion" -> ();
    Mute = "mute" -> ();
    Unmute = "unmute" -> ();
    CustomMessage = "customMessage" -> ();
}

/// Send media to the room: how, and with the state `url` from where. The answer is the id of the
/// stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publish(pub PublishOptions, pub Option<String>);

/// Stop a publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpublish([String; 1]);

/// Receive a stream. The answer is its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscribe(SubscribeOptions, ());

/// Stop receiving a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe([String; 1]);

/// A step of the negotiation for a stream that is published or subscribed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalingMessage(StreamMessage, ());

impl Unpublish {
    /// Of the stream with this id.
    pub fn new(stream: impl Into<String>) -> Self {
        Self([stream.into()])
    }
}

impl Subscribe {
    /// What the options say. The second argument of such a request has no meaning, and has to be
    /// there.
    pub const fn new(options: SubscribeOptions) -> Self {
        Self(options, ())
    }
}

impl Unsubscribe {
    /// Of the stream with this id.
    pub fn new(stream: impl Into<String>) -> Self {
        Self([stream.into()])
    }
}

impl SignalingMessage {
    /// For the stream with this id. The second argument is as that of [`Subscribe`].
    pub fn new(stream: impl Into<String>, msg: Signaling) -> Self {
        Self(StreamMessage { stream_id: stream.into(), msg }, ())
    }
}

/// Show a stream in mixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix(pub MixOptions);

/// Do not show a stream in mixes any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmix(pub MixOptions);

/// Send what is received of the room to an RTSP, RTMP or HTTP server. The answer has its `url`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddExternalOutput(pub Output);

/// Send something else to a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateExternalOutput(pub Output);

/// Send nothing to a server any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoveExternalOutput(pub Output);

/// Record, with what the portal takes for options. The answer has the `recorderId`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartRecorder(pub Members);

/// Stop recording; the options have the `recorderId`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRecorder(pub Members);

/// Where does a mix show a stream? The answer has the `region`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRegion(pub Place);

/// Show a stream somewhere else in a mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRegion(pub Place);

/// Send nothing of a stream to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute(pub MuteOptions);

/// Send a stream again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmute(pub MuteOptions);

object! {
    /// How something is published.
    pub struct PublishOptions {
        /// `erizo` for WebRTC, `url` for a server's stream.
        state: String = "state",
        /// Whether there is audio; yes if it is not said.
        audio: bool = "audio",
        /// Whether there is video: a boolean, or an object with the `device` `screen`; yes if it is
        /// not said.
        video: Value = "video",
        /// With `url`: how it is fetched, `tcp` or `udp`.
        transport: String = "transport",
        /// Do not show it in the mix by itself.
        unmix: bool = "unmix",
        /// What the others are told about it.
        attributes: Members = "attributes",
    }

    /// What is received of a stream.
    pub struct SubscribeOptions {
        /// The stream.
        stream_id: String = "streamId",
        /// Whether audio is; yes if it is not said.
        audio: bool = "audio",
        /// Whether video is and how: a boolean, or an object with `resolution` and
        /// `quality_level`; yes if it is not said.
        video: Value = "video",
    }

    /// What is sent to a server.
    pub struct Output {
        /// The server.
        url: String = "url",
        /// The stream; the mix if it is not said.
        stream_id: String = "streamId",
        /// The size of the picture.
        resolution: Resolution = "resolution",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StreamMessage {
    #[serde(rename = "streamId")]
    stream_id: String,
    msg: Signaling,
}

/// Mixes of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MixOptions {
    /// The stream.
    pub stream_id: String,
    /// The ids of the mixes.
    pub mix_streams: Vec<String>,
}

/// A place of a stream in a mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The stream.
    pub id: String,
    /// Where it is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The mix; the common one if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix_stream_id: Option<String>,
}

/// Media of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MuteOptions {
    /// The stream.
    pub stream_id: String,
    /// Which of them.
    pub track: Kinds,
}

/// Say something, or pause and play media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CustomMessage {
    /// Say something.
    Data {
        /// A participant, or `all`.
        receiver: String,
        /// Any JSON.
        data: Value,
    },
    /// Pause or play media of a stream.
    Control {
        /// Which of which.
        payload: Control,
    },
}

/// What to pause or play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// The stream.
    pub stream_id: String,
    /// `audio` or `video`, `in` for what is received of it and `out` for what is sent, `on` or `off`,
    /// with dashes between them: `audio-out-off`.
    pub action: String,
}
