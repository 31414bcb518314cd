//! The switches of the model, all plain fields.

use std::{fmt, str::FromStr};

use super::Millis;

/// What the portal does and how long it takes.
///
/// The defaults are those of a portal as shipped, with its controller answering at once.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// `host:port` written into tokens. Default `127.0.0.1:8080`; the server sets its own address.
    pub host: String,
    /// `secure` written into tokens. Default false.
    pub secure: bool,
    /// Wall clock when the portal starts, in milliseconds since 1970: tickets carry such dates.
    pub epoch: Millis,
    /// By how much the portal's wall clock is wrong, in milliseconds. Timers are not affected.
    /// Default 0.
    pub clock_offset: i64,
    /// Life of a token. Default 180 s.
    pub token_lifetime: Millis,
    /// Life of a reconnection ticket. Default 600 s.
    pub ticket_lifetime: Millis,
    /// How long a participant whose connection was lost stays in the room. Default 60 s; 0 is legal.
    pub reconnection_timeout: Millis,
    /// When, after the namespace connect, an unused connection is disconnected. Default 180 s.
    pub idle_limit: Millis,
    /// How long the conference controller takes for a join. Default 0.
    pub join_delay: Millis,
    /// How long a relogin takes. Requests that arrive meanwhile find no listener. Default 1 ms.
    pub relogin_delay: Millis,
    /// Delay of one media step: offer to answer, answer to ready. Default 100 ms.
    pub media_step: Millis,
    /// Delay between the cause and the notification `stream` add or remove. Default 10 ms.
    pub stream_delay: Millis,
    /// Which number the first notification of a session has. Default [`SeqBase::One`].
    pub seq_base: SeqBase,
    /// How long notifications stay in the replay buffer. Default [`Retention::Unlimited`].
    pub retention: Retention,
    /// Whether the first relogin ends pruning for good, as in the real portal. Default true.
    pub relogin_ends_pruning: bool,
    /// Protocol versions a login may ask for. Default: all.
    pub protocols: Vec<Protocol>,
    /// How the controller describes streams. Default [`StreamMedia::Tracks`], where a legacy login
    /// fails.
    pub stream_media: StreamMedia,
    /// Whether a login with an unknown or used token stays without any answer. Default true; when
    /// false it is answered with `Unknown` and a disconnect.
    pub silent_unknown_token: bool,
    /// Whether a participant lost while joining, or whose legacy login failed after the join, stays
    /// in the room for ever. Default true.
    pub ghosts: bool,
    /// Participants a room takes before `Room is full`. Default: no limit.
    pub room_capacity: Option<usize>,
    /// Bytes added to every relogin reply of protocol 1.2, in a member `padding`. Default 0.
    pub reply_padding: usize,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1:8080".into(),
            secure: false,
            epoch: 1_700_000_000_000,
            clock_offset: 0,
            token_lifetime: 180_000,
            ticket_lifetime: 600_000,
            reconnection_timeout: 60_000,
            idle_limit: 180_000,
            join_delay: 0,
            relogin_delay: 1,
            media_step: 100,
            stream_delay: 10,
            seq_base: SeqBase::One,
            retention: Retention::Unlimited,
            relogin_ends_pruning: true,
            protocols: Protocol::ALL.to_vec(),
            stream_media: StreamMedia::Tracks,
            silent_unknown_token: true,
            ghosts: true,
            room_capacity: None,
            reply_padding: 0,
        }
    }
}

/// Version of the signalling protocol, chosen by the login and kept for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// No version at all, as clients before 3.5 log in: names and shapes of their own.
    Legacy,
    /// `1.0`: as 1.1, but with one format and one set of parameters per stream.
    V1_0,
    /// `1.1`: streams with one audio and one video part; missed notifications are sent again.
    V1_1,
    /// `1.2`: streams with tracks; missed notifications come inside the relogin reply.
    V1_2,
}

impl Protocol {
    /// All versions, oldest first.
    pub const ALL: [Self; 4] = [Self::Legacy, Self::V1_0, Self::V1_1, Self::V1_2];

    /// The version a login asks for with its member `protocol`.
    pub(super) fn of_login(member: Option<&serde_json::Value>) -> Option<Self> {
        match member {
            None => Some(Self::Legacy),
            Some(text) => text.as_str()?.parse().ok().filter(|version| *version != Self::Legacy),
        }
    }

    /// The status of a positive answer to a request about the session.
    pub(super) fn ok(self) -> &'static str {
        if self == Self::Legacy { "success" } else { "ok" }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    /// Read `legacy`, `1.0`, `1.1` or `1.2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let version = Self::ALL.into_iter().find(|version| version.name() == text);
        version.ok_or_else(|| format!("{text:?} is none of legacy, 1.0, 1.1 and 1.2"))
    }
}

/// How the conference controller behind the portal describes the media of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamMedia {
    /// As a list of tracks, as since release 5. The portal does not convert this for legacy
    /// clients: their login fails once the join is done, and the participant stays in the room.
    Tracks,
    /// As one audio and one video part, as before release 5. Clients of all versions are shown
    /// this, and legacy ones work.
    Parts,
}

/// Number of a session's first notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeqBase {
    /// 0, as the design document of the real portal has it.
    Zero,
    /// 1, as its code does it.
    One,
}

/// How long notifications stay in the replay buffer of protocol 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For the whole session.
    Unlimited,
    /// Older ones are removed when the next one is stored.
    For(Millis),
}
