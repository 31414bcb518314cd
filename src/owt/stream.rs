//! Streams of a room, as every version of the protocol describes them.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::media::{Format, Parameters, Resolution};
use super::object::{Members, object, put};

object! {
    /// A stream that can be subscribed to.
    ///
    /// `media` and `info` are those of protocols 1.0 to 1.2; what follows them is legacy.
    /// [`Stream::owner`] and its neighbours know the difference.
    pub struct Stream {
        [
            /// Its id.
            id: String = "id"
        ]
        /// `forward`, `mixed` or `augmented`.
        kind: String = "type",
        /// What it is made of.
        media: StreamMedia = "media",
        /// Whether it carries data.
        data: bool = "data",
        /// Where it comes from.
        info: StreamDetails = "info",
        /// Legacy: whether it has audio.
        audio: bool = "audio",
        /// Legacy: its video; `false` in `more` if it has none.
        video: LegacyVideo = "video",
        /// Legacy: the participant that it comes from; empty for a mix.
        from: String = "from",
        /// Legacy: the label of a mix.
        view: String = "view",
        /// Legacy: what was said about it when it was published.
        attributes: Members = "attributes",
        /// Legacy: whether its audio or its video, it cannot be known which, was last said to be
        /// `active` or `inactive`.
        state: String = "state",
    }

    /// What a stream is made of: in 1.2 `tracks`, before that at most one `audio` and one `video`
    /// (`false` in `more` where there is none).
    pub struct StreamMedia {
        /// 1.2: all of them.
        tracks: Vec<Track> = "tracks",
        /// 1.0 and 1.1: the audio.
        audio: Track = "audio",
        /// 1.0 and 1.1: the video.
        video: Track = "video",
    }

    /// One kind of media of a stream.
    pub struct Track {
        /// 1.2: its id, which can be subscribed to.
        id: String = "id",
        /// 1.2: `audio` or `video`.
        kind: String = "type",
        /// `mic`, `camera`, `screen-cast`, `raw-file`, `encoded-file`; absent in a mix.
        source: String = "source",
        /// `active` or `inactive`.
        status: String = "status",
        /// Its codec; of a video not in 1.1.
        format: Format = "format",
        /// How its video is encoded; not in 1.1.
        parameters: Parameters = "parameters",
        /// 1.1: codec and encoding of a video; several with simulcast.
        original: Vec<Original> = "original",
        /// What else it can be had as.
        optional: Members = "optional",
        /// 1.2: its media section at the publisher.
        mid: String = "mid",
        /// 1.2: its layer, with simulcast.
        rid: String = "rid",
    }

    /// A layer of a video, in 1.1.
    pub struct Original {
        /// Its codec.
        format: Format = "format",
        /// How it is encoded.
        parameters: Parameters = "parameters",
        /// Its layer, with simulcast.
        simulcast_rid: String = "simulcastRid",
    }

    /// Where a stream comes from.
    pub struct StreamDetails {
        /// The participant that publishes it.
        owner: String = "owner",
        /// How it comes: `webrtc`, `quic`, `streaming`, `sip` and so on.
        kind: String = "type",
        /// The mixes that show it.
        in_views: Vec<String> = "inViews",
        /// What was said about it when it was published.
        attributes: Members = "attributes",
        /// The loudest input.
        active_input: ActiveInput = "activeInput",
        /// The label of a mix.
        label: String = "label",
        /// What a mix shows where.
        layout: Vec<LayoutEntry> = "layout",
    }

    /// A place in a mix.
    pub struct LayoutEntry {
        /// The stream that is shown there; none: the place is free.
        stream: String = "stream",
        /// Id, shape and area.
        region: Members = "region",
    }

    /// The loudest input, where it is selected by its volume.
    pub struct SelectedInput {
        /// A stream.
        id: String = "id",
        /// How loud it is.
        volume: Number = "volume",
    }

    /// The video of a legacy stream.
    pub struct LegacyVideo {
        /// `camera`, `screen` or `mcu`.
        device: String = "device",
        /// What a mix can be had in.
        resolutions: Vec<Resolution> = "resolutions",
        /// What a mix shows where.
        layout: Vec<Members> = "layout",
    }
}

/// The loudest input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ActiveInput {
    /// A stream.
    Stream(String),
    /// A stream and its volume.
    Selected(SelectedInput),
}

impl Stream {
    /// The participant that it comes from; `None` for a mix.
    pub fn owner(&self) -> Option<&str> {
        let owner = self.info.as_ref().and_then(|info| info.owner.as_deref());
        owner.or(self.from.as_deref()).filter(|owner| !owner.is_empty())
    }

    /// The label of the mix that it is; `None` for what a participant publishes.
    pub fn label(&self) -> Option<&str> {
        let label = self.info.as_ref().and_then(|info| info.label.as_deref());
        label.or(self.view.as_deref())
    }

    /// What was said about it when it was published.
    pub fn attributes(&self) -> Option<&Members> {
        let attributes = self.info.as_ref().and_then(|info| info.attributes.as_ref());
        attributes.or(self.attributes.as_ref())
    }

    /// Whether its media of a kind, `audio` or `video`, are `active` or `inactive`, as far as the
    /// portal has said so.
    pub fn status(&self, kind: &str) -> Option<&str> {
        let mut tracks = self.media.iter().flat_map(|media| media.of_kind(kind));
        tracks.find_map(|track| track.status.as_deref())
    }

    /// Change what the portal says has changed. Fields that are not known change nothing.
    pub(super) fn update(&mut self, field: &str, value: &Value) {
        match field {
            "." => {
                // It is the same stream, whatever is said about its id.
                if let Ok(described) = Self::deserialize(value) {
                    *self = Self { id: std::mem::take(&mut self.id), ..described };
                }
            }
            "audio.status" => self.set_status("audio", value),
            "video.status" => self.set_status("video", value),
            "video.layout" if self.media.is_none() => {
                let video = self.video.get_or_insert_default();
                put(&mut video.layout, &mut video.more, "layout", value);
            }
            "video.layout" => {
                let info = self.info.get_or_insert_default();
                put(&mut info.layout, &mut info.more, "layout", value);
            }
            "activeInput" => {
                let info = self.info.get_or_insert_default();
                put(&mut info.active_input, &mut info.more, "activeInput", value);
            }
            "state" => put(&mut self.state, &mut self.more, "state", value),
            _ => {}
        }
    }

    fn set_status(&mut self, kind: &str, value: &Value) {
        for track in self.media.iter_mut().flat_map(|media| media.of_kind_mut(kind)) {
            put(&mut track.status, &mut track.more, "status", value);
        }
    }
}

impl StreamMedia {
    /// All tracks of a kind, `audio` or `video`.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Track> {
        let part = if kind == "audio" { &self.audio } else { &self.video };
        let tracks = self.tracks.iter().flatten();
        tracks.filter(move |track| track.kind.as_deref() == Some(kind)).chain(part)
    }

    fn of_kind_mut(&mut self, kind: &str) -> impl Iterator<Item = &mut Track> {
        let part = if kind == "audio" { &mut self.audio } else { &mut self.video };
        let tracks = self.tracks.iter_mut().flatten();
        tracks.filter(move |track| track.kind.as_deref() == Some(kind)).chain(part)
    }
}
