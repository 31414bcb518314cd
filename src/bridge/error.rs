//! Errors, to be thrown and to be told in events.

use std::fmt;
use std::time::Duration;

use crate::error::{CertificateProblem, Code, Error, Layer, Retry};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Failure {
    /// What happened; what a program acts on.
    pub code: Code,
    /// The layer that it comes from.
    pub layer: Layer,
    /// What helps.
    pub retry: Retry,
    /// One line for developers, not for users and not to be parsed.
    pub message: String,
    /// The HTTP status of a refused handshake.
    pub http_status: Option<u16>,
    /// The code of the WebSocket close frame.
    pub close_code: Option<u16>,
    /// The code in the body of a refused Engine.IO request.
    pub engine_code: Option<u32>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// What is wrong with the server's certificate, where the TLS library tells it.
    pub certificate: Option<CertificateProblem>,
    /// What the server said, as JSON: the payload of a refused namespace, or a portal's text.
    pub server_json: Option<String>,
    /// The request was sent twice.
    pub resent: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            layer: error.layer(),
            retry: error.retry(),
            message: error.message().to_owned(),
            http_status: error.http_status(),
            close_code: error.close_code(),
            engine_code: error.engine_code(),
            retry_after: error.retry_after_ms().map(Duration::from_millis),
            certificate: error.certificate(),
            server_json: error.server_json().map(str::to_owned),
            resent: error.resent(),
        }
    }
}

/// An error that a call throws, by the layer that it comes from.
#[derive(Debug, uniffi::Error)]
pub enum RoamioError {
    /// The call itself: an argument, the state, a limit; or it was cancelled.
    Call {
        /// What went wrong.
        failure: Failure,
    },
    /// DNS, TCP, TLS, HTTP or WebSocket.
    Transport {
        /// What went wrong.
        failure: Failure,
    },
    /// Engine.IO.
    Engine {
        /// What went wrong.
        failure: Failure,
    },
    /// Socket.IO: a refusal, an ack that did not come.
    Socket {
        /// What went wrong.
        failure: Failure,
    },
    /// The conference portal.
    Conference {
        /// What went wrong.
        failure: Failure,
    },
}

impl RoamioError {
    /// What went wrong.
    pub const fn failure(&self) -> &Failure {
        match self {
            Self::Call { failure }
            | Self::Transport { failure }
            | Self::Engine { failure }
            | Self::Socket { failure }
            | Self::Conference { failure } => failure,
        }
    }
}

impl From<Error> for RoamioError {
    fn from(error: Error) -> Self {
        let failure = Failure::from(error);
        match failure.layer {
            Layer::Call => Self::Call { failure },
            Layer::Transport => Self::Transport { failure },
            Layer::Engine => Self::Engine { failure },
            Layer::Socket => Self::Socket { failure },
            Layer::Conference => Self::Conference { failure },
        }
    }
}

impl fmt::Display for RoamioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure().message)
    }
}

impl std::error::Error for RoamioError {}

/// What an observer or a provider of the host throws. It is logged by its kind, and the session
/// goes on.
#[derive(Debug, PartialEq, Eq, uniffi::Error)]
pub enum HostError {
    /// The host's code failed.
    Failed {
        /// Why.
        reason: String,
    },
}

impl HostError {
    /// The name of the exception, which begins the text of every language. What follows may hold
    /// what the host was handling, so it is never shown.
    pub(super) fn kind(&self) -> &str {
        let Self::Failed { reason } = self;
        let ends = |c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '$');
        reason.split(ends).next().filter(|kind| !kind.is_empty()).unwrap_or("an error")
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl std::error::Error for HostError {}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_exception_only_its_name_is_shown() {
        for (reason, kind) in [
            ("ValueError('token abc')", "ValueError"),
            ("java.lang.IllegalStateException: abc\n\tat Main", "java.lang.IllegalStateException"),
            ("Oops.bad", "Oops.bad"),
            ("", "an error"),
        ] {
            let error = HostError::Failed { reason: reason.to_owned() };
            assert_eq!(error.to_string(), kind);
        }
    }

    #[test]
    fn errors_keep_what_was_told_and_are_sorted_by_layer() {
        let error = Error::from(Code::HttpStatus).with_http_status(503).with_retry_after_ms(2_000);
        let error = RoamioError::from(error);
        assert!(matches!(error, RoamioError::Transport { .. }));
        let failure = error.failure();
        assert_eq!((failure.code, failure.http_status), (Code::HttpStatus, Some(503)));
        assert_eq!(failure.retry_after, Some(Duration::from_secs(2)));
        let expired = CertificateProblem::Expired;
        let error = Error::from(Code::TlsCertificate).with_certificate(expired);
        assert_eq!(Failure::from(error).certificate, Some(expired));
    }
}
