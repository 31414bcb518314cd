//! What can go wrong, as values: a code to act on, what helps, and a text for developers.
//!
//! *Call errors* (1 to 99) are returned at once and had no side effect. Every other code arrives in an
//! event or an outcome, because it happened out there. Codes are stable: they are appended, never
//! renumbered. Messages are for people and never hold a token, a ticket or a payload.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The result of a call into the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:tt, $c_name:literal, $retry:ident;)+) => {
        /// What happened. The number is the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "bridge", derive(uniffi::Enum), uniffi(name = "ErrorCode"))]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Code { $($(#[doc = $doc])+ $name = $value,)+ }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as C spells it, without the prefix `ROAM_E_`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $c_name),+ }
            }

            /// What usually helps; an [`Error`] may carry a more precise answer.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry),+ }
            }
        }
    };
}

codes! {
    /// A pointer that must not be NULL was NULL.
    NullArgument = 1, "NULL_ARGUMENT", Never;
    /// An argument is outside its range; the message names it.
    InvalidArgument = 2, "INVALID_ARGUMENT", Never;
    /// Text was not UTF-8.
    InvalidUtf8 = 3, "INVALID_UTF8", Never;
    /// Text was not the JSON that the call takes, or was nested too deeply.
    InvalidJson = 4, "INVALID_JSON", Never;
    /// The URL cannot be used; the message says which part.
    InvalidUrl = 5, "INVALID_URL", Never;
    /// The call does not fit the state of the object.
    InvalidState = 6, "INVALID_STATE", Never;
    /// The object was freed or closed.
    Closed = 7, "CLOSED", Never;
    /// The call would wait for the thread it was made on.
    WouldDeadlock = 8, "WOULD_DEADLOCK", Never;
    /// This build or platform cannot do it.
    Unsupported = 9, "UNSUPPORTED", Never;
    /// A payload is larger than the limit.
    TooLarge = 10, "TOO_LARGE", Never;
    /// The queue to the wire is full.
    QueueFull = 11, "QUEUE_FULL", Later;
    /// The event name is reserved by Socket.IO.
    ReservedEvent = 12, "RESERVED_EVENT", Never;
    /// A call with a time limit ran out of time.
    TimedOut = 13, "TIMED_OUT", Later;
    /// The host cancelled it. A request that was already sent may have been executed.
    Cancelled = 14, "CANCELLED", Never;
    /// A bug of roamio: a panic was stopped at the boundary. The handle is only good for `free`.
    Panic = 99, "PANIC", Never;

    /// The name could not be resolved.
    Dns = 100, "DNS", Automatic;
    /// No address accepted a TCP connection.
    Connect = 101, "CONNECT", Automatic;
    /// TLS could not be agreed.
    TlsHandshake = 102, "TLS_HANDSHAKE", Later;
    /// The server's certificate was not accepted.
    TlsCertificate = 103, "TLS_CERTIFICATE", Later;
    /// The proxy refused or failed.
    Proxy = 104, "PROXY", Later;
    /// The server answered with an HTTP status that is not the expected one.
    HttpStatus = 105, "HTTP_STATUS", Automatic;
    /// The WebSocket protocol was violated.
    Websocket = 106, "WEBSOCKET", Automatic;
    /// A phase of connecting took too long.
    ConnectTimeout = 107, "CONNECT_TIMEOUT", Automatic;
    /// The connection broke, or the path below it was lost.
    NetworkLost = 108, "NETWORK_LOST", Automatic;

    /// The Engine.IO open packet is missing, malformed or out of range.
    Handshake = 200, "HANDSHAKE", Automatic;
    /// The server's heartbeat did not arrive in time.
    PingTimeout = 201, "PING_TIMEOUT", Automatic;
    /// The server does not know the Engine.IO session.
    UnknownSid = 202, "UNKNOWN_SID", Automatic;
    /// The upgrade to WebSocket failed.
    Upgrade = 203, "UPGRADE", Automatic;
    /// An Engine.IO packet could not be decoded.
    EnginePacket = 204, "ENGINE_PACKET", Automatic;
    /// The peer sent more than the inbound limit.
    PayloadLimit = 205, "PAYLOAD_LIMIT", Automatic;
    /// The peer closed the Engine.IO connection.
    EngineClosed = 206, "ENGINE_CLOSED", Automatic;
    /// The server speaks another revision of Engine.IO, or none that is wanted.
    EngineRevision = 207, "ENGINE_REVISION", Never;

    /// The server refused the namespace; the error carries its JSON.
    ConnectError = 300, "CONNECT_ERROR", Later;
    /// A Socket.IO packet could not be decoded.
    SocketPacket = 301, "SOCKET_PACKET", Automatic;
    /// Binary attachments do not fit their event.
    Attachments = 302, "ATTACHMENTS", Automatic;
    /// No ack came in time; the server may or may not have acted.
    AckTimeout = 303, "ACK_TIMEOUT", Later;
    /// The connection was lost after the packet was written; the server may or may not have acted.
    AckLost = 304, "ACK_LOST", Later;
    /// The server disconnected the namespace.
    ServerDisconnect = 305, "SERVER_DISCONNECT", Later;
    /// It was never written to a connection.
    NotSent = 306, "NOT_SENT", Later;

    /// The token cannot be used; nothing was sent.
    TokenInvalid = 400, "TOKEN_INVALID", Login;
    /// The portal refused the login. The token is spent.
    LoginRejected = 401, "LOGIN_REJECTED", Login;
    /// The portal refused the relogin for a reason without a code of its own.
    ReloginRejected = 402, "RELOGIN_REJECTED", Login;
    /// The reconnection ticket is expired.
    TicketExpired = 403, "TICKET_EXPIRED", Login;
    /// The portal sent a ticket that is none.
    TicketMalformed = 404, "TICKET_MALFORMED", Automatic;
    /// The portal no longer knows the participant, or the session cannot be resumed.
    SessionLost = 405, "SESSION_LOST", Login;
    /// The portal dropped the participant.
    Dropped = 406, "DROPPED", Never;
    /// The portal refused the request; the error carries its text.
    RequestRejected = 407, "REQUEST_REJECTED", Never;
    /// There is no session.
    NotLoggedIn = 408, "NOT_LOGGED_IN", Login;
    /// The portal does not speak the protocol version.
    ProtocolVersion = 409, "PROTOCOL_VERSION", Never;
    /// The login got no answer. The token is spent, and a ghost participant may remain.
    LoginUnknown = 410, "LOGIN_UNKNOWN", Login;
    /// The portal was restarted, or it is another one: it does not know the ticket's signature.
    ServerRestarted = 411, "SERVER_RESTARTED", Login;
    /// Somebody else resumes this session again and again.
    Superseded = 412, "SUPERSEDED", Login;
    /// Left without the portal's answer: the participant may stay visible until the portal forgets it.
    LeftUnconfirmed = 413, "LEFT_UNCONFIRMED", Never;
    /// The export of a session was changed or cut.
    ExportDamaged = 414, "EXPORT_DAMAGED", Login;
    /// The text is no export of a session.
    ExportForeign = 415, "EXPORT_FOREIGN", Login;
    /// The export of a session was made by a newer version of roamio.
    ExportNewer = 416, "EXPORT_NEWER", Login;
}

/// What helps after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
#[repr(u32)]
pub enum Retry {
    /// Fix the call, or give up.
    Never = 0,
    /// roamio is already on it.
    Automatic = 1,
    /// The same call may work later, or on another network.
    Later = 2,
    /// What the server knew is gone: obtain a new token and log in.
    Login = 3,
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
#[non_exhaustive]
#[repr(u32)]
pub enum CertificateProblem {
    /// Its time is over.
    Expired = 1,
    /// Its time has not come: one of the two clocks may be wrong.
    NotYetValid = 2,
    /// It vouches for itself, and nobody has said that it is trusted. With `tls-rustls` this is an
    /// unknown issuer.
    SelfSigned = 3,
    /// It was issued, directly or not, by somebody whom this device does not trust; or the server does
    /// not send all certificates between.
    UnknownIssuer = 4,
    /// It is for other names than the one that was asked for.
    WrongHost = 5,
    /// Its issuer has taken it back.
    Revoked = 6,
    /// Its public key is none of those that the configuration allows.
    NotPinned = 7,
}

/// The layer that an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum), uniffi(name = "ErrorLayer"))]
#[repr(u32)]
pub enum Layer {
    /// The call itself.
    Call = 0,
    /// DNS, TCP, TLS, HTTP and WebSocket.
    Transport = 1,
    /// Engine.IO.
    Engine = 2,
    /// Socket.IO.
    Socket = 3,
    /// The conference portal.
    Conference = 4,
}

impl Code {
    /// The layer, from the number's decade.
    pub const fn layer(self) -> Layer {
        match self as u32 {
            0..=99 => Layer::Call,
            100..=199 => Layer::Transport,
            200..=299 => Layer::Engine,
            300..=399 => Layer::Socket,
            _ => Layer::Conference,
        }
    }
}

/// An error: [`Code`], [`Retry`], a message for developers, and what the server or the system said.
///
/// Cheap to clone, because everyone who waited gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    retry: Retry,
    message: Cow<'static, str>,
    details: Option<Arc<Details>>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Details {
    http_status: Option<u16>,
    close_code: Option<u16>,
    retry_after_ms: Option<u64>,
    engine_code: Option<u32>,
    server_json: Option<Box<str>>,
    certificate: Option<CertificateProblem>,
    resent: bool,
}

impl Error {
    /// An error of this code with a message that says what exactly.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, retry: code.retry(), message: message.into(), details: None }
    }

    /// The code, which decides what a program does.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The layer that the error comes from.
    pub const fn layer(&self) -> Layer {
        self.code.layer()
    }

    /// What helps.
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// One line for developers. Never parse it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status of the refused handshake.
    pub fn http_status(&self) -> Option<u16> {
        self.details.as_ref()?.http_status
    }

    /// The code of the WebSocket close frame.
    pub fn close_code(&self) -> Option<u16> {
        self.details.as_ref()?.close_code
    }

    /// How long the server asks to wait, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.details.as_ref()?.retry_after_ms
    }

    /// The code in the body of a refused Engine.IO request (`engine-io` 5).
    pub fn engine_code(&self) -> Option<u32> {
        self.details.as_ref()?.engine_code
    }

    /// What the server said, as JSON: the payload of CONNECT_ERROR, or a portal's error text.
    pub fn server_json(&self) -> Option<&str> {
        self.details.as_ref()?.server_json.as_deref()
    }

    /// What is wrong with the server's certificate, where the platform's TLS library tells it: with
    /// [`Code::TlsCertificate`] only.
    pub fn certificate(&self) -> Option<CertificateProblem> {
        self.details.as_ref()?.certificate
    }

    /// The request that this is the outcome of was sent twice, as
    /// [`idempotent`](crate::client::RequestOptions::idempotent) allows.
    pub fn resent(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.resent)
    }

    /// The same error as the outcome of a request that was sent twice.
    #[must_use]
    pub(crate) fn of_resent(mut self) -> Self {
        self.details_mut().resent = true;
        self
    }

    /// The same error with another idea of what helps.
    #[must_use]
    pub const fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same error with the HTTP status of the refused handshake.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.details_mut().http_status = Some(status);
        self
    }

    /// The same error with the code of the WebSocket close frame.
    #[must_use]
    pub fn with_close_code(mut self, code: u16) -> Self {
        self.details_mut().close_code = Some(code);
        self
    }

    /// The same error with the server's wish to be left alone, in milliseconds.
    #[must_use]
    pub fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.details_mut().retry_after_ms = Some(ms);
        self
    }

    /// The same error with the code in the body of a refused Engine.IO request.
    #[must_use]
    pub fn with_engine_code(mut self, code: u32) -> Self {
        self.details_mut().engine_code = Some(code);
        self
    }

    /// The same error with the server's words, as JSON.
    #[must_use]
    pub fn with_server_json(mut self, json: impl Into<Box<str>>) -> Self {
        self.details_mut().server_json = Some(json.into());
        self
    }

    /// The same error with what is wrong with the server's certificate.
    #[must_use]
    pub fn with_certificate(mut self, problem: CertificateProblem) -> Self {
        self.details_mut().certificate = Some(problem);
        self
    }

    /// An error of another code that this one is the reason for. What the server said stays.
    #[must_use]
    pub(crate) fn reason_for(self, code: Code, what: &str) -> Self {
        let message = format!("{what}: {}", self.message).into();
        Self { code, retry: code.retry(), message, details: self.details }
    }

    fn details_mut(&mut self) -> &mut Details {
        Arc::make_mut(self.details.get_or_insert_default())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.code.name(), self.code as u32, self.message)?;
        if let Some(status) = self.http_status() {
            write!(f, " [HTTP {status}]")?;
        }
        if let Some(code) = self.close_code() {
            write!(f, " [close {code}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code, code.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_ascending_and_in_the_decade_of_their_layer() {
        let numbers: Vec<u32> = Code::ALL.iter().map(|code| *code as u32).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert_eq!(Code::Superseded.layer(), Layer::Conference);
        assert_eq!(Code::NotSent.layer(), Layer::Socket);
        assert_eq!(Code::Panic.layer(), Layer::Call);
    }

    #[test]
    fn details_are_absent_until_given() {
        let plain = Error::from(Code::HttpStatus);
        assert_eq!((plain.http_status(), plain.retry_after_ms()), (None, None));
        let told = plain.with_http_status(503).with_retry_after_ms(2_000);
        assert_eq!((told.http_status(), told.retry_after_ms()), (Some(503), Some(2_000)));
    }
}
