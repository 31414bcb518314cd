//! Requests of protocols 1.0 to 1.2.
//!
//! The versions differ in how they describe media: [`Media::Tracks`] is 1.2, [`Media::Parts`] is
//! what came before it. `data` and `transport` are 1.2 only. Nothing is checked here: the portal
//! knows its rules, and says which of them is broken. What was written as JSON can be read again, so
//! that a program can take requests from elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::media::{Format, Parameters, Signaling, or_false, or_none};
use super::object::{Members, object};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;

/// Something that can be asked of a portal, by
/// [`Conference::call`](crate::client::Conference::call).
///
/// It serializes to the JSON object that is sent, or, in the legacy protocol, to the array of all
/// arguments. Requests of your own are fine.
pub trait Request: Serialize {
    /// What it is called.
    const NAME: &'static str;
    /// What a portal that has done it answers.
    type Answer: Answer;
}

/// What a request comes to.
pub trait Answer: Sized {
    /// Read it from what follows the status.
    ///
    /// # Errors
    /// [`Code::InvalidJson`] when it has another shape.
    fn read(payload: &Payload) -> Result<Self>;
}

/// Nothing but that it was done.
impl Answer for () {
    fn read(_: &Payload) -> Result<Self> {
        Ok(())
    }
}

macro_rules! answers {
    ($($type:ty),+) => {$(
        impl Answer for $type {
            fn read(payload: &Payload) -> Result<Self> {
                payload.decode(0).map_err(|error| {
                    // It was done; what the portal said about it is all that is left of it.
                    let said = payload.arg(0).unwrap_or("null");
                    Error::new(Code::InvalidJson, error.message().to_owned()).with_server_json(said)
                })
            }
        }
    )+};
}

macro_rules! requests {
    ($($type:ty = $name:literal -> $answer:ty;)+) => {$(
        impl crate::owt::request::Request for $type {
            const NAME: &'static str = $name;
            type Answer = $answer;
        }
    )+};
}

pub(super) use requests;

requests! {
    Publish = "publish" -> Started;
    Unpublish = "unpublish" -> ();
    Subscribe = "subscribe" -> Started;
    Unsubscribe = "unsubscribe" -> ();
    StreamControl = "stream-control" -> Controlled;
    SubscriptionControl = "subscription-control" -> ();
    Soac = "soac" -> ();
    Text = "text" -> ();
}

answers!(Started, Controlled, String, Members);

/// What a publication or subscription that has begun is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The publication, which is the stream once it is there, or the subscription.
    pub id: String,
    /// What to negotiate for with [`Soac`].
    pub transport_id: String,
}

object! {
    /// What a [`StreamControl`] comes to.
    pub struct Region {
        /// The region asked for.
        region: String = "region",
    }
}

/// What a [`StreamControl`] comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Controlled {
    /// Where a mix shows the stream.
    Region(Region),
    /// It was done: `"ok"`.
    Done(Value),
}

/// Send media to the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// What is sent.
    pub media: Media<PublishAudio, PublishVideo, PublishTrack>,
    /// 1.2: whether data are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<bool>,
    /// 1.2: over what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// What the others are told about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Members>,
}

/// Receive media from the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscribe {
    /// What is received.
    pub media: Media<SubscribeAudio, SubscribeVideo, SubscribeTrack>,
    /// 1.2: the stream whose data are received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<FromStream>,
    /// 1.2: over what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
}

/// The media of a publication or subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    bound(
        deserialize = "Audio: Serialize + Deserialize<'de>, Video: Serialize + Deserialize<'de>, Track: Deserialize<'de>"
    )
)]
pub enum Media<Audio: Serialize, Video: Serialize, Track> {
    /// 1.2.
    Tracks {
        /// All of them.
        tracks: Vec<Track>,
    },
    /// 1.0 and 1.1.
    Parts {
        /// One audio, or none.
        #[serde(serialize_with = "or_false", deserialize_with = "or_none")]
        audio: Option<Audio>,
        /// One video, or none.
        #[serde(serialize_with = "or_false", deserialize_with = "or_none")]
        video: Option<Video>,
    },
    /// 1.2: only data.
    None,
}

impl<Audio: Serialize, Video: Serialize, Track> Media<Audio, Video, Track> {
    /// Media of 1.2.
    pub fn tracks(tracks: impl IntoIterator<Item = Track>) -> Self {
        Self::Tracks { tracks: tracks.into_iter().collect() }
    }
}

impl Publish {
    /// Send these media.
    pub const fn new(media: Media<PublishAudio, PublishVideo, PublishTrack>) -> Self {
        Self { media, data: None, transport: None, attributes: None }
    }
}

impl Subscribe {
    /// Receive these media.
    pub const fn new(media: Media<SubscribeAudio, SubscribeVideo, SubscribeTrack>) -> Self {
        Self { media, data: None, transport: None }
    }
}

/// Where media are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A microphone.
    Mic,
    /// A camera.
    Camera,
    /// A screen.
    ScreenCast,
    /// A file of raw media.
    RawFile,
    /// A file of encoded media.
    EncodedFile,
}

/// A kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What is heard.
    Audio,
    /// What is seen.
    Video,
}

/// Kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kinds {
    /// What is heard.
    Audio,
    /// What is seen.
    Video,
    /// Both.
    Av,
}

/// 1.2: what carries media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// `webrtc` or `quic`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// One that exists already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// 1.2: a track that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishTrack {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its media section in the offer.
    pub mid: String,
    /// Where it is taken from.
    pub source: Source,
    /// Whatever else is said about it.
    #[serde(flatten)]
    pub more: Members,
}

/// 1.0 and 1.1: audio that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishAudio {
    /// Where it is taken from.
    pub source: Source,
}

/// 1.0 and 1.1: video that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishVideo {
    /// Where it is taken from.
    pub source: Source,
    /// Resolution and frame rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// 1.2: a track that is received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscribeTrack {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its media section in the offer.
    pub mid: String,
    /// A stream, or a track of one.
    pub from: String,
    /// The codec that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The encoding that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Whatever else is said about it.
    #[serde(flatten)]
    pub more: Members,
}

/// 1.0 and 1.1: audio that is received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscribeAudio {
    /// A stream.
    pub from: String,
    /// The codec that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
}

/// 1.0 and 1.1: video that is received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeVideo {
    /// A stream.
    pub from: String,
    /// The codec that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The encoding that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// The layer that is wanted, with simulcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulcast_rid: Option<String>,
}

/// Where media or data come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromStream {
    /// A stream.
    pub from: String,
}

/// Stop a publication of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpublish {
    /// The publication.
    pub id: String,
}

/// Stop a subscription of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// The subscription.
    pub id: String,
}

/// Do something with a stream of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamControl {
    /// The stream.
    pub id: String,
    /// What to do with it.
    #[serde(flatten)]
    pub operation: StreamOperation,
}

/// What can be done with a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", content = "data", rename_all = "kebab-case")]
pub enum StreamOperation {
    /// Show it in the mix with this label.
    Mix(String),
    /// Do not show it there any more.
    Unmix(String),
    /// Where does the mix with this label show it?
    GetRegion(String),
    /// Show it somewhere else.
    SetRegion {
        /// The label of the mix.
        view: String,
        /// The region; not empty.
        region: String,
    },
    /// Send nothing of it to anybody.
    Pause(Kinds),
    /// Send it again.
    Play(Kinds),
}

/// Do something with a subscription of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionControl {
    /// The subscription.
    pub id: String,
    /// What to do with it.
    #[serde(flatten)]
    pub operation: SubscriptionOperation,
}

/// What can be done with a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", content = "data", rename_all = "kebab-case")]
pub enum SubscriptionOperation {
    /// Receive something else.
    Update {
        /// Another audio.
        #[serde(skip_serializing_if = "Option::is_none")]
        audio: Option<FromStream>,
        /// Another video.
        #[serde(skip_serializing_if = "Option::is_none")]
        video: Option<VideoUpdate>,
    },
    /// Receive nothing.
    Pause(Kinds),
    /// Receive it again.
    Play(Kinds),
}

/// What to receive in place of a video.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoUpdate {
    /// Another stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Another encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// Negotiate for a transport. The portal's part comes as
/// [`Notification::Progress`](super::Notification::Progress).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Soac {
    /// The transport: [`Started::transport_id`].
    pub id: String,
    /// One step.
    pub signaling: Signaling,
}

/// Say something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// A participant, or `all`.
    pub to: String,
    /// Any JSON.
    pub message: Value,
}

impl Text {
    /// Say something to everybody, oneself included.
    pub fn to_all(message: impl Into<Value>) -> Self {
        Self { to: "all".into(), message: message.into() }
    }
}
