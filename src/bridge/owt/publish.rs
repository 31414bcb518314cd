//! Media that are sent.

use super::json::JsonObject;
use super::media::{MediaKind, MediaSource, MediaTransport, VideoParameters};
use crate::owt::request;

pub(super) type Publish = request::Publish;
pub(super) type PublishMedia = request::Media<PublishAudio, PublishVideo, PublishTrack>;
pub(super) type PublishTrack = request::PublishTrack;
pub(super) type PublishAudio = request::PublishAudio;
pub(super) type PublishVideo = request::PublishVideo;

/// What is to be sent to the room.
#[uniffi::remote(Record)]
pub struct Publish {
    /// What is sent.
    pub media: PublishMedia,
    /// 1.2: whether data are sent.
    #[uniffi(default)]
    pub data: Option<bool>,
    /// 1.2: over what.
    #[uniffi(default)]
    pub transport: Option<MediaTransport>,
    /// What the others are told about it.
    #[uniffi(default)]
    pub attributes: Option<JsonObject>,
}

/// The media of a publication.
#[uniffi::remote(Enum)]
pub enum PublishMedia {
    /// 1.2.
    Tracks {
        /// All of them.
        tracks: Vec<PublishTrack>,
    },
    /// 1.0 and 1.1.
    Parts {
        /// One audio, or none.
        audio: Option<PublishAudio>,
        /// One video, or none.
        video: Option<PublishVideo>,
    },
    /// 1.2: only data.
    None,
}

/// 1.2: a track that is sent.
#[uniffi::remote(Record)]
pub struct PublishTrack {
    /// Its kind.
    pub kind: MediaKind,
    /// Its media section in the offer.
    pub mid: String,
    /// Where it is taken from.
    pub source: MediaSource,
    /// Whatever else is said about it.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// 1.0 and 1.1: audio that is sent.
#[uniffi::remote(Record)]
pub struct PublishAudio {
    /// Where it is taken from.
    pub source: MediaSource,
}

/// 1.0 and 1.1: video that is sent.
#[uniffi::remote(Record)]
pub struct PublishVideo {
    /// Where it is taken from.
    pub source: MediaSource,
    /// Resolution and frame rate.
    #[uniffi(default)]
    pub parameters: Option<VideoParameters>,
}
