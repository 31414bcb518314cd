//! Refused requests: what the server says about them, as far as it can be understood.
//!
//! | server | body |
//! | --- | --- |
//! | socket.io on polling | `{"code":1,"message":"Session ID unknown"}` |
//! | socket.io on WebSocket | the bare text |
//! | socketioxide | the same JSON with the code as a string |
//! | python-engineio | one JSON string, which may end with the session id |
//! | whatever lies between | anything |
//!
//! Source: `engine-io` 5, "Error bodies".

use std::borrow::Cow;

use crate::error::{Code, Error, Retry};
use crate::json;
use crate::payload::Span;

/// A longer body is no Engine.IO error, but somebody's web page.
const MAX_BODY: usize = 4 << 10;
/// More is not shown, in characters.
const MAX_TEXT: usize = 200;

const UNKNOWN_SID: u32 = 1;
const FORBIDDEN: u32 = 4;
const UNKNOWN_REVISION: u32 = 5;

/// The error that a refusal with this HTTP status is. `phase` says what was refused.
///
/// The code is [`Code::UnknownSid`] or [`Code::EngineRevision`] where the server says so, otherwise
/// [`Code::HttpStatus`]. What the server calls a wrong configuration may be the word of something in
/// between, so another network may help; only "forbidden" keeps to its code.
pub fn refusal(
    phase: &'static str,
    status: u16,
    body: &[u8],
    retry_after_ms: Option<u64>,
) -> Error {
    let body = body.trim_ascii();
    let said = if body.len() <= MAX_BODY { std::str::from_utf8(body).ok() } else { None };
    let said = said.map(Said::read).unwrap_or_default();
    let code = match said.code {
        Some(UNKNOWN_SID) => Code::UnknownSid,
        Some(UNKNOWN_REVISION) => Code::EngineRevision,
        _ => Code::HttpStatus,
    };
    let message = match said.text.as_deref().map(shown) {
        Some(text) if !text.is_empty() => format!("{phase}: HTTP {status}: {text}"),
        _ => format!("{phase}: HTTP {status}"),
    };
    let mut error = Error::new(code, message).with_http_status(status);
    if let Some(code) = said.code {
        error = error.with_engine_code(code);
        if code <= UNKNOWN_REVISION && code != UNKNOWN_SID && code != FORBIDDEN {
            error = error.with_retry(Retry::Later);
        }
    }
    if let Some(json) = said.json {
        error = error.with_server_json(json);
    }
    if let Some(ms) = retry_after_ms {
        error = error.with_retry_after_ms(ms);
    }
    error
}

/// What a body says.
#[derive(Default)]
struct Said<'a> {
    code: Option<u32>,
    text: Option<Cow<'a, str>>,
    /// The whole body, if it is JSON.
    json: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn read(body: &'a str) -> Self {
        let bytes = body.as_bytes();
        if json::check_value(bytes, json::MAX_DEPTH).is_err() {
            // A page is for a browser.
            let text = (!body.starts_with('<')).then_some(Cow::Borrowed(body));
            return Self::with_text(None, text, None);
        }
        let (mut code, mut text) = (None, json::decode_value(bytes));
        let all = Span::new(0, bytes.len());
        // What is no object has no members, and the grammar is known to be kept.
        let _ = json::visit_object(bytes, all, json::MAX_DEPTH, |key, value| match key.of(bytes) {
            b"code" => code = number(value.of(bytes)),
            b"message" => text = json::decode_value(value.of(bytes)),
            _ => {}
        });
        Self::with_text(code, text, Some(body))
    }

    /// The texts that stand for a code where none is given. The session id is not repeated.
    fn with_text(code: Option<u32>, text: Option<Cow<'a, str>>, json: Option<&'a str>) -> Self {
        let known = match text.as_deref() {
            Some("Transport unknown") => Some(0),
            Some("Session ID unknown") => Some(UNKNOWN_SID),
            Some("Bad handshake method") => Some(2),
            Some("Bad request") => Some(3),
            Some(text) if text.starts_with("Invalid session") => {
                let text = Some("Invalid session".into());
                return Self { code: code.or(Some(UNKNOWN_SID)), text, json };
            }
            Some(text) if names_the_revision(text) => Some(UNKNOWN_REVISION),
            _ => None,
        };
        Self { code: code.or(known), text, json }
    }
}

/// "Unsupported protocol version", and python-engineio's longer sentence.
fn names_the_revision(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unsupported", "version", "protocol"].iter().all(|word| text.contains(word))
}

/// A number, or a string that is one.
fn number(value: &[u8]) -> Option<u32> {
    match json::decode_value(value) {
        Some(text) => text.parse().ok(),
        None => std::str::from_utf8(value).ok()?.parse().ok(),
    }
}

/// A part of a text that can be shown in one line.
fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(MAX_TEXT).collect::<String>().trim().into()
}
