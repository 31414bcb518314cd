//! Streams of a room.

use super::json::{Json, JsonNumber, JsonObject};
use super::media::{MediaFormat, MediaKinds, VideoParameters};
use crate::owt;

pub(crate) type StreamMedia = owt::StreamMedia;
pub(crate) type StreamDetails = owt::StreamDetails;
pub(super) type StreamUpdate = owt::StreamUpdate;
pub(super) type StreamOperation = owt::request::StreamOperation;
type StreamTrack = owt::Track;
type OriginalLayer = owt::Original;
type ActiveInput = owt::ActiveInput;
type SelectedInput = owt::SelectedInput;
type LayoutEntry = owt::LayoutEntry;

/// What a stream is made of: in 1.2 `tracks`, before that at most one `audio` and one `video`
/// (`false` in `more` where there is none).
#[uniffi::remote(Record)]
pub struct StreamMedia {
    /// 1.2: all of them.
    pub tracks: Option<Vec<StreamTrack>>,
    /// 1.0 and 1.1: the audio.
    pub audio: Option<StreamTrack>,
    /// 1.0 and 1.1: the video.
    pub video: Option<StreamTrack>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// One kind of media of a stream.
#[uniffi::remote(Record)]
pub struct StreamTrack {
    /// 1.2: its id, which can be subscribed to.
    pub id: Option<String>,
    /// 1.2: `audio` or `video`.
    pub kind: Option<String>,
    /// `mic`, `camera`, `screen-cast`, `raw-file`, `encoded-file`; absent in a mix.
    pub source: Option<String>,
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// Its codec; of a video not in 1.1.
    pub format: Option<MediaFormat>,
    /// How its video is encoded; not in 1.1.
    pub parameters: Option<VideoParameters>,
    /// 1.1: codec and encoding of a video; several with simulcast.
    pub original: Option<Vec<OriginalLayer>>,
    /// What else it can be had as.
    pub optional: Option<JsonObject>,
    /// 1.2: its media section at the publisher.
    pub mid: Option<String>,
    /// 1.2: its layer, with simulcast.
    pub rid: Option<String>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// A layer of a video, in 1.1.
#[uniffi::remote(Record)]
pub struct OriginalLayer {
    /// Its codec.
    pub format: Option<MediaFormat>,
    /// How it is encoded.
    pub parameters: Option<VideoParameters>,
    /// Its layer, with simulcast.
    pub simulcast_rid: Option<String>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// Where a stream comes from.
#[uniffi::remote(Record)]
pub struct StreamDetails {
    /// The participant that publishes it.
    pub owner: Option<String>,
    /// How it comes: `webrtc`, `quic`, `streaming`, `sip` and so on.
    pub kind: Option<String>,
    /// The mixes that show it.
    pub in_views: Option<Vec<String>>,
    /// What was said about it when it was published.
    pub attributes: Option<JsonObject>,
    /// The loudest input.
    pub active_input: Option<ActiveInput>,
    /// The label of a mix.
    pub label: Option<String>,
    /// What a mix shows where.
    pub layout: Option<Vec<LayoutEntry>>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// The loudest input.
#[uniffi::remote(Enum)]
pub enum ActiveInput {
    /// A stream.
    Stream(String),
    /// A stream and its volume.
    Selected(SelectedInput),
}

/// The loudest input, where it is selected by its volume.
#[uniffi::remote(Record)]
pub struct SelectedInput {
    /// A stream.
    pub id: Option<String>,
    /// How loud it is.
    pub volume: Option<JsonNumber>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// A place in a mix.
#[uniffi::remote(Record)]
pub struct LayoutEntry {
    /// The stream that is shown there; none: the place is free.
    pub stream: Option<String>,
    /// Id, shape and area.
    pub region: Option<JsonObject>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// What has changed about a stream.
#[uniffi::remote(Record)]
pub struct StreamUpdate {
    /// The stream.
    pub id: String,
    /// `audio.status`, `video.status`, `video.layout`, `activeInput`, or `.` for everything; legacy:
    /// `state` or `video.layout`.
    pub field: Option<String>,
    /// What it is now.
    pub value: Option<Json>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// What can be done with a stream of one's own.
#[uniffi::remote(Enum)]
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
    Pause(MediaKinds),
    /// Send it again.
    Play(MediaKinds),
}
