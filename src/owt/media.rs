//! What describes media: in streams, in requests, and between the two ends of a transport.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::object::{Members, object};

object! {
    /// A codec.
    pub struct Format {
        /// `opus`, `pcmu`, `vp8`, `h264` and so on.
        codec: String = "codec",
        /// Of H.264: `CB`, `B`, `M`, `E`, `H`.
        profile: String = "profile",
        /// Of audio, in Hz.
        sample_rate: u32 = "sampleRate",
        /// Of audio.
        channel_num: u32 = "channelNum",
    }

    /// How video is encoded.
    pub struct Parameters {
        /// Size of the picture.
        resolution: Resolution = "resolution",
        /// Pictures a second.
        framerate: Number = "framerate",
        /// Bandwidth.
        bitrate: Bitrate = "bitrate",
        /// Pictures, or seconds, between two key frames, as the portal has it.
        key_frame_interval: Number = "keyFrameInterval",
    }

    /// Size of a picture in pixels.
    pub struct Resolution {
        /// From left to right.
        width: u32 = "width",
        /// From top to bottom.
        height: u32 = "height",
    }

    /// A way to reach one end of a transport.
    pub struct Candidate {
        /// The media section that it is for.
        sdp_mid: String = "sdpMid",
        /// The number of that section.
        sdp_m_line_index: u32 = "sdpMLineIndex",
        /// The line of SDP.
        candidate: String = "candidate",
    }

    /// One step of the negotiation of a transport (`soac`), in either direction.
    pub struct Signaling {
        /// `offer`, `answer`, `candidate` or `removed-candidates`.
        kind: String = "type",
        /// Of an offer or answer.
        sdp: String = "sdp",
        /// Of a candidate.
        candidate: Candidate = "candidate",
        /// Of candidates that are no longer good.
        candidates: Vec<Candidate> = "candidates",
    }
}

impl Resolution {
    /// A size in pixels.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width: Some(width), height: Some(height), more: Members::new() }
    }
}

impl Format {
    /// A codec without further conditions.
    pub fn codec(name: impl Into<String>) -> Self {
        Self { codec: Some(name.into()), ..Self::default() }
    }
}

impl Signaling {
    /// An offer.
    pub fn offer(sdp: impl Into<String>) -> Self {
        Self { sdp: Some(sdp.into()), ..Self::of("offer") }
    }

    /// The answer to an offer.
    pub fn answer(sdp: impl Into<String>) -> Self {
        Self { sdp: Some(sdp.into()), ..Self::of("answer") }
    }

    /// One more candidate.
    pub fn candidate(candidate: Candidate) -> Self {
        Self { candidate: Some(candidate), ..Self::of("candidate") }
    }

    /// Candidates that are no longer good.
    pub fn removed_candidates(candidates: Vec<Candidate>) -> Self {
        Self { candidates: Some(candidates), ..Self::of("removed-candidates") }
    }

    fn of(kind: &str) -> Self {
        Self { kind: Some(kind.into()), ..Self::default() }
    }
}

/// A bandwidth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bitrate {
    /// In kilobits a second.
    Kbps(Number),
    /// As a multiple of the usual, such as `x0.8`.
    Factor(String),
}

/// `false` stands for media that there are none of.
pub(super) fn or_false<T: Serialize, S: serde::Serializer>(
    part: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match part {
        Some(part) => part.serialize(serializer),
        None => Value::Bool(false).serialize(serializer),
    }
}

/// The other way round.
pub(super) fn or_none<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Part<T> {
        None(bool),
        Some(T),
    }
    match Part::deserialize(deserializer)? {
        Part::Some(part) => Ok(Some(part)),
        Part::None(false) => Ok(None),
        Part::None(true) => Err(serde::de::Error::custom("true says nothing about media")),
    }
}
