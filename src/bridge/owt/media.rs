//! What describes media.

use super::json::{JsonNumber, JsonObject};
use crate::owt;

pub(super) type MediaFormat = owt::Format;
pub(super) type VideoParameters = owt::Parameters;
pub(super) type Resolution = owt::Resolution;
pub(super) type Bitrate = owt::Bitrate;
pub(super) type IceCandidate = owt::Candidate;
pub(super) type Signaling = owt::Signaling;
pub(super) type MediaSource = owt::request::Source;
pub(super) type MediaKind = owt::request::Kind;
pub(super) type MediaKinds = owt::request::Kinds;
pub(super) type MediaTransport = owt::request::Transport;

/// A codec.
#[uniffi::remote(Record)]
pub struct MediaFormat {
    /// `opus`, `pcmu`, `vp8`, `h264` and so on.
    #[uniffi(default)]
    pub codec: Option<String>,
    /// Of H.264: `CB`, `B`, `M`, `E`, `H`.
    #[uniffi(default)]
    pub profile: Option<String>,
    /// Of audio, in Hz.
    #[uniffi(default)]
    pub sample_rate: Option<u32>,
    /// Of audio.
    #[uniffi(default)]
    pub channel_num: Option<u32>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// How video is encoded.
#[uniffi::remote(Record)]
pub struct VideoParameters {
    /// Size of the picture.
    #[uniffi(default)]
    pub resolution: Option<Resolution>,
    /// Pictures a second.
    #[uniffi(default)]
    pub framerate: Option<JsonNumber>,
    /// Bandwidth.
    #[uniffi(default)]
    pub bitrate: Option<Bitrate>,
    /// Pictures, or seconds, between two key frames, as the portal has it.
    #[uniffi(default)]
    pub key_frame_interval: Option<JsonNumber>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// Size of a picture in pixels.
#[uniffi::remote(Record)]
pub struct Resolution {
    /// From left to right.
    #[uniffi(default)]
    pub width: Option<u32>,
    /// From top to bottom.
    #[uniffi(default)]
    pub height: Option<u32>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// A bandwidth.
#[uniffi::remote(Enum)]
pub enum Bitrate {
    /// In kilobits a second.
    Kbps(JsonNumber),
    /// As a multiple of the usual, such as `x0.8`.
    Factor(String),
}

/// A way to reach one end of a transport.
#[uniffi::remote(Record)]
pub struct IceCandidate {
    /// The media section that it is for.
    #[uniffi(default)]
    pub sdp_mid: Option<String>,
    /// The number of that section.
    #[uniffi(default)]
    pub sdp_m_line_index: Option<u32>,
    /// The line of SDP.
    #[uniffi(default)]
    pub candidate: Option<String>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// One step of the negotiation of a transport, in either direction.
#[uniffi::remote(Record)]
pub struct Signaling {
    /// `offer`, `answer`, `candidate` or `removed-candidates`.
    #[uniffi(default)]
    pub kind: Option<String>,
    /// Of an offer or answer.
    #[uniffi(default)]
    pub sdp: Option<String>,
    /// Of a candidate.
    #[uniffi(default)]
    pub candidate: Option<IceCandidate>,
    /// Of candidates that are no longer good.
    #[uniffi(default)]
    pub candidates: Option<Vec<IceCandidate>>,
    /// Whatever else there is.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// Where media are taken from.
#[uniffi::remote(Enum)]
pub enum MediaSource {
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
#[uniffi::remote(Enum)]
pub enum MediaKind {
    /// What is heard.
    Audio,
    /// What is seen.
    Video,
}

/// Kinds of media.
#[uniffi::remote(Enum)]
pub enum MediaKinds {
    /// What is heard.
    Audio,
    /// What is seen.
    Video,
    /// Both.
    Av,
}

/// 1.2: what carries media.
#[uniffi::remote(Record)]
pub struct MediaTransport {
    /// `webrtc` or `quic`.
    #[uniffi(default)]
    pub kind: Option<String>,
    /// One that exists already.
    #[uniffi(default)]
    pub id: Option<String>,
}
