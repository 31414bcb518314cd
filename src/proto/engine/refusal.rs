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

/// A part of a text that can be shown in one line. Behind a question mark there may be the query of
/// the request, repeated, with what is secret in it.
fn shown(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    text.chars().filter(|char| !char.is_control()).take(MAX_TEXT).collect::<String>().trim().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        refusal("poll", status, body.as_bytes(), None)
    }

    #[test]
    fn conformance_22_an_unknown_session_is_told_by_every_server() {
        for (body, message) in [
            (r#"{"code":1,"message":"Session ID unknown"}"#, "poll: HTTP 400: Session ID unknown"),
            (
                r#"{"code":"1","message":"Session ID unknown"}"#,
                "poll: HTTP 400: Session ID unknown",
            ),
            (r#""Invalid session KlToG""#, "poll: HTTP 400: Invalid session"),
            ("Session ID unknown", "poll: HTTP 400: Session ID unknown"),
            (r#"{"code":1}"#, "poll: HTTP 400"),
        ] {
            let error = refused(400, body);
            assert_eq!((error.code(), error.message()), (Code::UnknownSid, message));
            assert_eq!((error.http_status(), error.engine_code()), (Some(400), Some(1)));
            assert_eq!(error.retry(), Retry::Automatic);
            assert_eq!(error.server_json(), body.starts_with(['{', '"']).then_some(body));
        }
    }

    #[test]
    fn conformance_23_a_refused_revision_is_told_by_every_server() {
        for body in [
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
            r#"{"code":"5","message":"Unsupported protocol version"}"#,
            r#""The client is using an unsupported version of the Socket.IO or Engine.IO protocols""#,
            "Unsupported protocol version",
        ] {
            let error = refused(400, body);
            assert_eq!((error.code(), error.engine_code()), (Code::EngineRevision, Some(5)));
            assert_eq!(error.retry(), Retry::Later);
            assert!(error.message().to_lowercase().contains(": http 400: "), "{error}");
        }
    }

    #[test]
    fn conformance_23_forbidden_carries_the_applications_own_text() {
        let body = r#"{"code":4,"message":"no \u0022guests\u0022\u0000\r\n today"}"#;
        let error = refused(403, body);
        assert_eq!((error.code(), error.retry()), (Code::HttpStatus, Code::HttpStatus.retry()));
        assert_eq!((error.http_status(), error.engine_code()), (Some(403), Some(4)));
        assert_eq!(error.message(), r#"poll: HTTP 403: no "guests" today"#);
        assert_eq!(error.server_json(), Some(body));
    }

    #[test]
    fn a_wrong_configuration_may_be_right_on_another_network() {
        for (code, text) in
            [(0, "Transport unknown"), (2, "Bad handshake method"), (3, "Bad request")]
        {
            let json = format!(r#"{{"code":{code},"message":"{text}"}}"#);
            for body in [&json, text] {
                let error = refused(400, body);
                assert_eq!((error.code(), error.retry()), (Code::HttpStatus, Retry::Later));
                assert_eq!(error.engine_code(), Some(code));
            }
        }
    }

    #[test]
    fn what_is_no_engine_io_error_is_its_status() {
        let long = format!("\"{}\"", "a".repeat(4_095));
        let deep = "[".repeat(1_000);
        for (body, message) in [
            ("", "poll: HTTP 502"),
            ("   \r\n", "poll: HTTP 502"),
            ("<html><body>Bad gateway: sid=abc</body></html>", "poll: HTTP 502"),
            ("  <!doctype html>", "poll: HTTP 502"),
            (" upstream\tdown\u{7}\n", "poll: HTTP 502: upstreamdown"),
            ("no GET /socket.io/?key=abc", "poll: HTTP 502: no GET /socket.io/"),
            ("null", "poll: HTTP 502"),
            ("[1]", "poll: HTTP 502"),
            (r#"{"code":-1,"message":7}"#, "poll: HTTP 502"),
            (r#"{"code":1.5,"message":null}"#, "poll: HTTP 502"),
            (r#"{"code":"x","message":"\ud800"}"#, "poll: HTTP 502"),
            (r#"{"code":4294967296,"message":"m"}"#, "poll: HTTP 502: m"),
            (&long, "poll: HTTP 502"),
        ] {
            let error = refused(502, body);
            assert_eq!((error.code(), error.message()), (Code::HttpStatus, message));
            assert_eq!((error.engine_code(), error.retry()), (None, Retry::Automatic));
        }
        assert!(refused(502, &deep).message().len() < 300);
        assert_eq!(refused(502, "null").server_json(), Some("null"));
        assert_eq!(refused(502, "no JSON").server_json(), None);
        assert_eq!(refusal("poll", 502, b"\xff\xfe", None).message(), "poll: HTTP 502");
        let error = refused(400, r#"{"code":77,"message":"x"}"#);
        assert_eq!((error.engine_code(), error.retry()), (Some(77), Retry::Automatic));
    }

    #[test]
    fn conformance_95_a_text_is_cut_between_characters() {
        let error = refused(500, &"\u{1f600}".repeat(1_000));
        assert_eq!(error.message().chars().filter(|char| *char == '\u{1f600}').count(), 200);
    }

    #[test]
    fn the_wish_to_be_left_alone_is_kept() {
        let error = refusal("post", 503, b"", Some(2_000));
        assert_eq!((error.retry_after_ms(), error.http_status()), (Some(2_000), Some(503)));
    }
}
