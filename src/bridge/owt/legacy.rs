//! Requests of the legacy protocol.

use super::json::{Json, JsonObject};
use super::media::{MediaKinds, Resolution, Signaling};
use crate::bridge::conference::{Conference, RequestOptions};
use crate::bridge::error::RoamioError;
use crate::bridge::payload::Payload;
use crate::owt::legacy;

type LegacyPublish = legacy::PublishOptions;
type LegacySubscribe = legacy::SubscribeOptions;
type LegacyOutput = legacy::Output;
type LegacyPlace = legacy::Place;

/// What can be asked of a portal that speaks the legacy protocol.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum LegacyRequest {
    /// Send media to the room. The answer is the id of the stream.
    Publish {
        /// How.
        options: LegacyPublish,
        /// With the state `url`: from where.
        url: Option<String>,
    },
    /// Stop a publication.
    Unpublish {
        /// Its stream.
        stream: String,
    },
    /// Receive a stream. The answer is its id.
    Subscribe {
        /// Which, and what of it.
        options: LegacySubscribe,
    },
    /// Stop receiving a stream.
    Unsubscribe {
        /// Which.
        stream: String,
    },
    /// Show a stream in mixes.
    Mix {
        /// The stream.
        stream: String,
        /// The ids of the mixes.
        mixes: Vec<String>,
    },
    /// Do not show a stream in mixes any more.
    Unmix {
        /// The stream.
        stream: String,
        /// The ids of the mixes.
        mixes: Vec<String>,
    },
    /// A step of the negotiation for a stream that is published or subscribed to.
    SignalingMessage {
        /// The stream.
        stream: String,
        /// The step.
        signaling: Signaling,
    },
    /// Send what is received of the room to an RTSP, RTMP or HTTP server. The answer has its `url`.
    AddExternalOutput {
        /// What, and where to.
        output: LegacyOutput,
    },
    /// Send something else to a server.
    UpdateExternalOutput {
        /// What, and where to.
        output: LegacyOutput,
    },
    /// Send nothing to a server any more.
    RemoveExternalOutput {
        /// Which.
        output: LegacyOutput,
    },
    /// Record. The answer has the `recorderId`.
    StartRecorder {
        /// What the portal takes for options.
        options: JsonObject,
    },
    /// Stop recording.
    StopRecorder {
        /// They have the `recorderId`.
        options: JsonObject,
    },
    /// Where does a mix show a stream? The answer has the `region`.
    GetRegion {
        /// Which stream, which mix.
        place: LegacyPlace,
    },
    /// Show a stream somewhere else in a mix.
    SetRegion {
        /// Which stream, which mix, and where.
        place: LegacyPlace,
    },
    /// Send nothing of a stream to anybody.
    Mute {
        /// The stream.
        stream: String,
        /// Which of its media.
        track: MediaKinds,
    },
    /// Send a stream again.
    Unmute {
        /// The stream.
        stream: String,
        /// Which of its media.
        track: MediaKinds,
    },
    /// Say something.
    Say {
        /// A participant, or `all`.
        receiver: String,
        /// Any JSON.
        data: Json,
    },
    /// Pause or play media of a stream.
    Control {
        /// The stream.
        stream: String,
        /// `audio` or `video`, `in` for what is received of it and `out` for what is sent, `on` or
        /// `off`, with dashes between them: `audio-out-off`.
        action: String,
    },
}

/// How something is published.
#[uniffi::remote(Record)]
pub struct LegacyPublish {
    /// `erizo` for WebRTC, `url` for a server's stream.
    #[uniffi(default)]
    pub state: Option<String>,
    /// Whether there is audio; yes if it is not said.
    #[uniffi(default)]
    pub audio: Option<bool>,
    /// Whether there is video: a boolean, or an object with the `device` `screen`; yes if it is not
    /// said.
    #[uniffi(default)]
    pub video: Option<Json>,
    /// With `url`: how it is fetched, `tcp` or `udp`.
    #[uniffi(default)]
    pub transport: Option<String>,
    /// Do not show it in the mix by itself.
    #[uniffi(default)]
    pub unmix: Option<bool>,
    /// What the others are told about it.
    #[uniffi(default)]
    pub attributes: Option<JsonObject>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// What is received of a stream.
#[uniffi::remote(Record)]
pub struct LegacySubscribe {
    /// The stream.
    #[uniffi(default)]
    pub stream_id: Option<String>,
    /// Whether audio is; yes if it is not said.
    #[uniffi(default)]
    pub audio: Option<bool>,
    /// Whether video is and how: a boolean, or an object with `resolution` and `quality_level`; yes
    /// if it is not said.
    #[uniffi(default)]
    pub video: Option<Json>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// What is sent to a server.
#[uniffi::remote(Record)]
pub struct LegacyOutput {
    /// The server.
    #[uniffi(default)]
    pub url: Option<String>,
    /// The stream; the mix if it is not said.
    #[uniffi(default)]
    pub stream_id: Option<String>,
    /// The size of the picture.
    #[uniffi(default)]
    pub resolution: Option<Resolution>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// A place of a stream in a mix.
#[uniffi::remote(Record)]
pub struct LegacyPlace {
    /// The stream.
    pub id: String,
    /// Where it is to be shown.
    #[uniffi(default)]
    pub region: Option<String>,
    /// The mix; the common one if it is not said.
    #[uniffi(default)]
    pub mix_stream_id: Option<String>,
}

#[uniffi::export]
impl Conference {
    /// Ask a portal that speaks the legacy protocol. Waits, is given up and throws as `request`.
    #[uniffi::method(default(options))]
    pub async fn legacy(
        &self,
        request: LegacyRequest,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        use LegacyRequest as Of;
        match request {
            Of::Publish { options: how, url } => self.ask(legacy::Publish(how, url), options).await,
            Of::Unpublish { stream } => self.ask(legacy::Unpublish::new(stream), options).await,
            Of::Subscribe { options: what } => {
                self.ask(legacy::Subscribe::new(what), options).await
            }
            Of::Unsubscribe { stream } => self.ask(legacy::Unsubscribe::new(stream), options).await,
            Of::Mix { stream, mixes } => self.ask(legacy::Mix(mix(stream, mixes)), options).await,
            Of::Unmix { stream, mixes } => {
                self.ask(legacy::Unmix(mix(stream, mixes)), options).await
            }
            Of::SignalingMessage { stream, signaling } => {
                self.ask(legacy::SignalingMessage::new(stream, signaling), options).await
            }
            Of::AddExternalOutput { output } => {
                self.ask(legacy::AddExternalOutput(output), options).await
            }
            Of::UpdateExternalOutput { output } => {
                self.ask(legacy::UpdateExternalOutput(output), options).await
            }
            Of::RemoveExternalOutput { output } => {
                self.ask(legacy::RemoveExternalOutput(output), options).await
            }
            Of::StartRecorder { options: how } => {
                self.ask(legacy::StartRecorder(how), options).await
            }
            Of::StopRecorder { options: which } => {
                self.ask(legacy::StopRecorder(which), options).await
            }
            Of::GetRegion { place } => self.ask(legacy::GetRegion(place), options).await,
            Of::SetRegion { place } => self.ask(legacy::SetRegion(place), options).await,
            Of::Mute { stream, track } => {
                self.ask(legacy::Mute(mute(stream, track)), options).await
            }
            Of::Unmute { stream, track } => {
                self.ask(legacy::Unmute(mute(stream, track)), options).await
            }
            Of::Say { receiver, data } => {
                self.ask(legacy::CustomMessage::Data { receiver, data }, options).await
            }
            Of::Control { stream: stream_id, action } => {
                let payload = legacy::Control { stream_id, action };
                self.ask(legacy::CustomMessage::Control { payload }, options).await
            }
        }
    }
}

fn mix(stream_id: String, mix_streams: Vec<String>) -> legacy::MixOptions {
    legacy::MixOptions { stream_id, mix_streams }
}

fn mute(stream_id: String, track: MediaKinds) -> legacy::MuteOptions {
    legacy::MuteOptions { stream_id, track }
}
