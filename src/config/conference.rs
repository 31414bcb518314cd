//! Options of a conference, and the token that names its portal.

use std::time::Duration;

use crate::config::{CommonConfig, DEFAULT_PATH, Endpoint, ReconnectPolicy};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The portal protocol announced at login. Answers of every shape are understood with all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum PortalProtocol {
    /// That of clients before 1.0, for old portals: requests and notifications have names and
    /// shapes of their own, and requests positional arguments. Replay as in 1.0.
    Legacy,
    /// As 1.1; streams describe a single video.
    V1_0,
    /// String tickets; missed notifications are pushed, those of the outage's first part are lost.
    V1_1,
    /// Missed notifications come in the relogin answer.
    #[default]
    V1_2,
}

impl PortalProtocol {
    /// The text of the `protocol` member; a legacy login has none.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Legacy => None,
            Self::V1_0 => Some("1.0"),
            Self::V1_1 => Some("1.1"),
            Self::V1_2 => Some("1.2"),
        }
    }
}

/// With which number the portal's replay starts (`owt-portal` 17, 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum SequenceBase {
    /// Found out by comparing the replay with what was delivered.
    #[default]
    Detect,
    /// The first notification has number 0.
    Zero,
    /// The first notification has number 1.
    One,
}

/// Options of a conference session.
#[derive(Clone, Debug, PartialEq)]
pub struct ConferenceConfig {
    /// Connection, TLS, limits, dispatch.
    pub common: CommonConfig,
    /// Protocol announced at login.
    pub protocol: PortalProtocol,
    /// `userAgent.sdk.type`: the portal gives a reconnection ticket only to `Objective-C`, `C++`,
    /// `Android` and `JavaScript`.
    pub sdk_type: String,
    /// `userAgent.sdk.version`: not empty, not `3.5`.
    pub sdk_version: String,
    /// Further members of `userAgent`, a JSON object, or empty.
    pub user_agent_json: String,
    /// Connect without TLS when a token says so and the host is not this machine.
    pub allow_plaintext: bool,
    /// Answer to login.
    pub login_timeout: Duration,
    /// Answer to relogin, counted only while no part of it arrives.
    pub relogin_timeout: Duration,
    /// Answer to a ticket refresh.
    pub refresh_timeout: Duration,
    /// Answer to logout; also the limit of leaving while the network is gone.
    pub logout_timeout: Duration,
    /// Answer to a request, counted also while it waits for the session.
    pub request_timeout: Duration,
    /// Refuse a `text` whose message is longer, in characters. No portal does so, although their
    /// documents speak of 2048; so the default is `None`.
    pub text_limit: Option<usize>,
    /// Ask for a fresh token where a session cannot be resumed: because the ticket is expired, the
    /// portal was restarted or no longer knows the participant, the replay is too large for the link,
    /// or a login got no answer. With it roamio logs in anew and tells
    /// [`ConferenceEvent::Rejoined`](crate::client::ConferenceEvent::Rejoined) (`owt-portal` 17, 2.7).
    ///
    /// The answer has the time of [`Timeouts::provider`](crate::config::Timeouts::provider). At most
    /// five fresh logins follow each other, the first at once and the others after 1, 2, 4 and 8 s,
    /// until a session has lasted for a minute. A first login asks once, and only when it got no
    /// answer. Off by default: then such a session ends.
    pub ask_token: bool,
    /// Log in anew after every gap, so that the room is described afresh; needs `ask_token`.
    pub rejoin_on_gap: bool,
    /// Numbering of replayed notifications.
    pub sequence_base: SequenceBase,
    /// Waits between attempts while the session can surely still be resumed: for the first
    /// `fast_resume` of reachable time after a loss.
    pub resume: ReconnectPolicy,
    /// Waits between attempts before the login, and when a resume takes long.
    pub patient: ReconnectPolicy,
    /// How long the waits of `resume` apply.
    pub fast_resume: Duration,
}

impl Default for ConferenceConfig {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            common: CommonConfig::default(),
            protocol: PortalProtocol::default(),
            sdk_type: "C++".into(),
            sdk_version: env!("CARGO_PKG_VERSION").into(),
            user_agent_json: String::new(),
            allow_plaintext: false,
            login_timeout: seconds(15),
            relogin_timeout: seconds(15),
            refresh_timeout: seconds(10),
            logout_timeout: seconds(3),
            request_timeout: seconds(15),
            text_limit: None,
            ask_token: false,
            rejoin_on_gap: false,
            sequence_base: SequenceBase::Detect,
            // Full jitter: the middle is half of the base and of the cap.
            resume: ReconnectPolicy {
                min: Duration::from_millis(125),
                jitter: 1.0,
                ..ReconnectPolicy::default()
            },
            patient: ReconnectPolicy {
                min: Duration::from_millis(500),
                max: seconds(60),
                factor: 1.6,
                jitter: 1.0,
                ..ReconnectPolicy::default()
            },
            fast_resume: seconds(120),
        }
    }
}

/// A login token: where the portal is, and the text to send there (`owt-portal` 2).
#[derive(Clone, Debug)]
pub struct Token {
    /// The portal.
    pub endpoint: Endpoint,
    /// The token as received.
    pub text: Secret,
}

impl Token {
    /// Decode a token's address without touching its text.
    ///
    /// # Errors
    /// [`Code::TokenInvalid`] when it is no base64 JSON with `tokenId`, `host`, `secure` and
    /// `signature`, or when it asks for plain text that is not allowed.
    pub fn parse(text: &str, allow_plaintext: bool) -> Result<Self> {
        use base64::Engine as _;
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            token_id: String,
            host: String,
            secure: bool,
            signature: String,
        }
        let bad = |what: &str| Error::new(Code::TokenInvalid, format!("token: {what}"));
        if text.len() > MAX_TOKEN {
            return Err(bad("longer than 64 KiB"));
        }
        let json = base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|_| bad("not base64"))?;
        let fields: Fields = serde_json::from_slice(&json)
            .map_err(|_| bad("not the JSON object with tokenId, host, secure and signature"))?;
        if fields.token_id.is_empty() || fields.signature.is_empty() {
            return Err(bad("tokenId or signature is empty"));
        }
        // Some portals put a scheme in front of the host; `secure` decides all the same.
        let host = fields.host.split_once("://").map_or(fields.host.as_str(), |(_, rest)| rest);
        let host = host.trim_end_matches('/');
        let (host, port) =
            Endpoint::parse_authority(host, fields.secure).map_err(|error| bad(error.message()))?;
        let endpoint = Endpoint {
            secure: fields.secure,
            host,
            port,
            path: DEFAULT_PATH.into(),
            query: String::new(),
        };
        if !endpoint.secure && !allow_plaintext && !endpoint.is_loopback() {
            return Err(bad("asks for plain text, which only this machine or an option allows"));
        }
        Ok(Self { endpoint, text: Secret::new(text) })
    }
}

/// A token is a few hundred bytes; more is no token.
const MAX_TOKEN: usize = 64 << 10;
