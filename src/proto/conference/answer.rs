//! The status of an answer, and the error that a refusal becomes.

use crate::error::{Code, Error};
use crate::payload::Payload;

/// The status of an answer: `["ok", …]`, `["error", text]`, or something else. A legacy session is
/// answered `success`, and `initializing` where media are still being set up.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done.
    Ok,
    /// It was refused, with this text.
    Error(String),
    /// The portal said something that makes no sense.
    Other,
}

impl Answer {
    pub(super) fn of(payload: &Payload) -> Self {
        match payload.arg_bytes(0) {
            Some(br#""ok""# | br#""success""# | br#""initializing""#) => Self::Ok,
            Some(br#""error""#) => Self::Error(payload.decode(1).unwrap_or_default()),
            _ => Self::Other,
        }
    }
}

/// The texts of the portal that say why. Any other is its own business, and may quote what it was
/// sent: a token, for example.
const KNOWN_TEXTS: [&str; 18] = [
    "Connection is in service",
    "Unknown client protocol",
    "Deprecated client version",
    "User agent info is incorrect",
    "Invalid token signature",
    "Expired",
    "Room is full",
    "Invalid role",
    "Joining room failed",
    "Unknown",
    "Participant early left",
    "Ticket is expired",
    "Invalid reconnection ticket signature",
    "Client does NOT exist",
    "Reconnection is not allowed",
    "Participant ID is not matched",
    "Illegal request",
    "Reconnection is not enabled.",
];

/// The error of what the portal refused; it carries the raw text, and a known one as its message.
pub(super) fn refusal(code: Code, text: &str, other: &'static str, payload: &Payload) -> Error {
    let known = KNOWN_TEXTS.into_iter().find(|known| *known == text);
    let raw = payload.arg(1).unwrap_or("null");
    Error::new(code, known.unwrap_or(other)).with_server_json(raw)
}

/// The error of a request that was refused or answered with nonsense; it carries the raw answer.
pub(super) fn rejection(answer: &Answer, payload: &Payload) -> Error {
    if let Answer::Error(text) = answer {
        return refusal(Code::RequestRejected, text, "the portal refused the request", payload);
    }
    let raw = format!("[{}]", payload.args().collect::<Vec<_>>().join(","));
    let text = "the portal's answer has no known status";
    Error::new(Code::RequestRejected, text).with_server_json(raw)
}
