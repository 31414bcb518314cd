//! Options: what can be chosen, what holds when nothing is, and the limits that always hold.

mod endpoint;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;

pub use endpoint::{DEFAULT_PATH, Endpoint};

/// A certificate check that replaces or extends the platform's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Further trust anchors, DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// Accept any certificate for any name. For development only; a warning is logged at every
    /// connect.
    pub dangerously_accept_anything: bool,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("extra_roots", &self.extra_roots.len())
            .field("dangerously_accept_anything", &self.dangerously_accept_anything)
            .finish()
    }
}

impl TlsConfig {
    /// Add the certificates of a PEM text. PEM is decoded here because some platforms' TLS
    /// libraries panic on it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when the text holds no certificate or a damaged one.
    pub fn add_roots_pem(&mut self, pem: &str) -> Result<()> {
        use base64::Engine as _;
        let bad = |what: &str| Error::new(Code::InvalidArgument, format!("PEM: {what}"));
        let mut found = false;
        let mut rest = pem;
        while let Some(start) = rest.find(PEM_BEGIN) {
            let body = &rest[start + PEM_BEGIN.len()..];
            let end = body.find(PEM_END).ok_or_else(|| bad("certificate has no end"))?;
            let text: String = body[..end].split_ascii_whitespace().collect();
            let der = base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|_| bad("certificate is not base64"))?;
            self.extra_roots.push(der);
            found = true;
            rest = &body[end + PEM_END.len()..];
        }
        if found { Ok(()) } else { Err(bad("no certificate found")) }
    }
}

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// Time limits of the phases of one connection attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The whole attempt, from the name lookup to the joined namespace.
    pub attempt: Duration,
    /// Name lookup.
    pub dns: Duration,
    /// All TCP connects together; the next address starts 250 ms after the one before.
    pub tcp: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// WebSocket handshake and Engine.IO open packet.
    pub open: Duration,
    /// Answer to a namespace CONNECT.
    pub namespace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            attempt: seconds(20),
            dns: seconds(5),
            tcp: seconds(10),
            tls: seconds(10),
            open: seconds(10),
            namespace: seconds(10),
        }
    }
}

/// What is refused or throttled, so that neither peer nor host can exhaust memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One inbound message, in bytes.
    pub inbound_message: usize,
    /// Binary attachments of one inbound event.
    pub inbound_attachments: usize,
    /// Binary attachments of one outbound event; a current server closes the connection at 11.
    pub outbound_attachments: usize,
    /// Open arrays and objects in JSON.
    pub json_depth: usize,
    /// Events waiting for the wire.
    pub wire_queue_events: usize,
    /// Bytes waiting for the wire.
    pub wire_queue_bytes: usize,
    /// Events waiting for the host.
    pub host_queue_events: usize,
    /// Bytes waiting for the host.
    pub host_queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbound_message: 16 << 20,
            inbound_attachments: 64,
            outbound_attachments: 10,
            json_depth: crate::json::MAX_DEPTH,
            wire_queue_events: 1_000,
            wire_queue_bytes: 8 << 20,
            host_queue_events: 10_000,
            host_queue_bytes: 16 << 20,
        }
    }
}

/// How long to wait between attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct ReconnectPolicy {
    /// Whether to reconnect at all.
    pub enabled: bool,
    /// Delay before the first retry.
    pub min: Duration,
    /// No delay is longer than this.
    pub max: Duration,
    /// Growth per failed attempt.
    pub factor: f64,
    /// Spread: a delay lies between `1 - jitter` and `1 + jitter` times its middle. 1 is full jitter.
    pub jitter: f64,
    /// Attempts before giving up; `None` for no end.
    pub attempts: Option<u32>,
    /// No delay is shorter than this.
    pub floor: Duration,
    /// A connection must have lived this long before the delays start from `min` again.
    pub stable_after: Duration,
    /// Dials that may start within any ten seconds.
    pub dials_per_10s: u32,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            min: Duration::from_secs(1),
            max: Duration::from_secs(5),
            factor: 2.0,
            jitter: 0.5,
            attempts: None,
            floor: Duration::from_millis(100),
            stable_after: Duration::from_secs(10),
            dials_per_10s: 20,
        }
    }
}

/// Whose threads run the host's callbacks (`driver::dispatch`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DispatchMode {
    /// A pool of at most four threads of the library; serial for one manager.
    #[default]
    Thread,
    /// The host calls `dispatch` from its own loop.
    Manual,
}

/// What every connection needs, plain or conference.
#[derive(Clone, Default, PartialEq)]
pub struct CommonConfig {
    /// HTTP headers of the application for the WebSocket handshake: name and value. `Debug` shows
    /// the names only.
    pub headers: Vec<(String, String)>,
    /// TLS.
    pub tls: TlsConfig,
    /// Time limits of connecting.
    pub timeouts: Timeouts,
    /// Limits of sizes and queues.
    pub limits: Limits,
    /// Whose threads run callbacks.
    pub dispatch: DispatchMode,
}

impl fmt::Debug for CommonConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("CommonConfig")
            .field("headers", &headers)
            .field("tls", &self.tls)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("dispatch", &self.dispatch)
            .finish()
    }
}

impl CommonConfig {
    /// Add a header; names and values that could inject another one are refused.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`].
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<()> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(Error::new(Code::InvalidArgument, "header name is not a token"));
        }
        if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
            return Err(Error::new(Code::InvalidArgument, "header value has control characters"));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// Options of a plain Socket.IO manager.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagerConfig {
    /// The server.
    pub endpoint: Endpoint,
    /// Connection, TLS, limits, dispatch.
    pub common: CommonConfig,
    /// Reconnection.
    pub reconnect: ReconnectPolicy,
    /// Ack deadline of an emit that asks for an ack and gives no deadline of its own; `None` for none.
    pub ack_timeout: Option<Duration>,
}

impl ManagerConfig {
    /// Options with defaults for a server.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            common: CommonConfig::default(),
            reconnect: ReconnectPolicy::default(),
            ack_timeout: Some(Duration::from_secs(30)),
        }
    }
}

/// The portal protocol announced at login. Answers of either shape are understood with both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortalProtocol {
    /// String tickets; missed notifications are pushed, those of the outage's first part are lost.
    V1_1,
    /// Missed notifications come in the relogin answer.
    #[default]
    V1_2,
}

impl PortalProtocol {
    /// The text of the `protocol` member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// With which number the portal's replay starts (`owt-portal` 17, 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
