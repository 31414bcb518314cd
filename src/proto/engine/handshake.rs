//! The open packet: what the server says about a new connection.

use std::fmt;
use std::fmt::Write as _;

use crate::error::{Code, Error, Result};
use crate::json;
use crate::payload::Span;

/// More is no handshake.
const MAX_JSON: usize = 64 << 10;
/// A session id travels in every URL of the connection.
const MAX_SID: usize = 256;
/// Anything outside would spin, or never notice a dead connection. A python-engineio server with an
/// interval below a second announces 0.
const INTERVAL_MS: std::ops::RangeInclusive<f64> = 100.0..=86_400_000.0;
/// A smaller `maxPayload` could not carry one packet, a larger one is above what is ever sent.
const MAX_PAYLOAD: (f64, f64) = (1024.0, 16_777_216.0);

/// The content of an open packet, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The id of the engine session: 1 to 256 bytes of any text. Whoever knows it can speak for the
    /// session, so it is not shown; in a URL it goes through [`percent_encode_component`].
    pub sid: String,
    /// The server offers to move on to a WebSocket.
    pub upgrades_websocket: bool,
    /// Milliseconds between two pings of the server, 100 to 86,400,000.
    pub ping_interval_ms: u64,
    /// Milliseconds that an answer to a ping may take, 100 to 86,400,000.
    pub ping_timeout_ms: u64,
    /// Bytes of one polling request, 1 KiB to 16 MiB; `None` when the server names no limit.
    pub max_payload: Option<usize>,
}

impl Handshake {
    /// Read the JSON of an open packet. Unknown members are ignored; of equal ones the last counts.
    ///
    /// # Errors
    /// [`Code::Handshake`] names the member that is missing or out of range.
    pub fn parse(json: &[u8]) -> Result<Self> {
        if json.len() > MAX_JSON {
            return Err(bad("longer than 64 KiB"));
        }
        let (mut sid, mut upgrades, mut interval, mut timeout, mut max_payload) =
            Default::default();
        json::visit_object(json, Span::new(0, json.len()), json::MAX_DEPTH, |key, value| {
            let member = match key.of(json) {
                b"sid" => &mut sid,
                b"upgrades" => &mut upgrades,
                b"pingInterval" => &mut interval,
                b"pingTimeout" => &mut timeout,
                b"maxPayload" => &mut max_payload,
                _ => return,
            };
            *member = Some(value);
        })
        .map_err(|error| bad(&error.to_string()))?;
        Ok(Self {
            sid: parse_sid(json, sid)?,
            upgrades_websocket: offers_websocket(json, upgrades),
            ping_interval_ms: parse_interval(json, interval, "pingInterval")?,
            ping_timeout_ms: parse_interval(json, timeout, "pingTimeout")?,
            max_payload: number(json, max_payload)
                .filter(|bytes| *bytes > 0.0)
                .map(|bytes| bytes.clamp(MAX_PAYLOAD.0, MAX_PAYLOAD.1) as usize),
        })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("upgrades_websocket", &self.upgrades_websocket)
            .field("ping_interval_ms", &self.ping_interval_ms)
            .field("ping_timeout_ms", &self.ping_timeout_ms)
            .field("max_payload", &self.max_payload)
            .finish_non_exhaustive()
    }
}

fn bad(what: &str) -> Error {
    Error::new(Code::Handshake, format!("open packet: {what}"))
}

fn parse_sid(json: &[u8], value: Option<Span>) -> Result<String> {
    let sid = value
        .and_then(|value| json::decode_value(value.of(json)))
        .ok_or_else(|| bad("sid is no string"))?;
    match sid.len() {
        1..=MAX_SID => Ok(sid.into_owned()),
        length => Err(bad(&format!("sid has {length} bytes instead of 1 to {MAX_SID}"))),
    }
}

fn offers_websocket(json: &[u8], value: Option<Span>) -> bool {
    let mut found = false;
    let visited = value.map(|list| {
        json::visit_array(json, list, json::MAX_DEPTH, |item| {
            found |= item.of(json) == br#""websocket""#;
        })
    });
    found && matches!(visited, Some(Ok(())))
}

fn parse_interval(json: &[u8], value: Option<Span>, name: &str) -> Result<u64> {
    match number(json, value) {
        Some(ms) if INTERVAL_MS.contains(&ms) => Ok(ms as u64),
        Some(_) => Err(bad(&format!("{name} is not within 100 ms to 24 h"))),
        None => Err(bad(&format!("{name} is no number"))),
    }
}

/// The number in a checked value. Rust also reads words like `inf`, which no checked JSON holds.
fn number(json: &[u8], value: Option<Span>) -> Option<f64> {
    std::str::from_utf8(value?.of(json)).ok()?.parse().ok()
}

/// Write a text as a part of a URL's query: all but letters, digits and `-._~` become `%XX`.
pub fn percent_encode_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            write!(out, "%{byte:02X}").expect("a String takes any text");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Handshake> {
        Handshake::parse(json.as_bytes())
    }

    fn with(member: &str, value: &str) -> Result<Handshake> {
        // The last of equal members counts.
        parse(&format!(
            r#"{{"sid":"s","pingInterval":25000,"pingTimeout":20000,"{member}":{value}}}"#
        ))
    }

    fn message(result: Result<Handshake>) -> String {
        let error = result.expect_err("must be refused");
        assert_eq!(error.code(), Code::Handshake);
        error.message().to_owned()
    }

    #[test]
    fn conformance_13_a_server_4_8_is_understood() {
        let json = r#"{"sid":"KlToG-_x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let expected = Handshake {
            sid: "KlToG-_x".into(),
            upgrades_websocket: true,
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            max_payload: Some(1_000_000),
        };
        assert_eq!(parse(json).as_ref(), Ok(&expected));
        assert!(!format!("{expected:?}").contains("KlToG"));
    }

    #[test]
    fn conformance_31_intervals_of_zero_or_outside_100_ms_to_24_h_are_refused() {
        for member in ["pingInterval", "pingTimeout"] {
            for value in ["-5", "0", "99", "99.9", "86400001", "1e308", "1e999", "9007199254740992"]
            {
                let message = message(with(member, value));
                assert_eq!(message, format!("open packet: {member} is not within 100 ms to 24 h"));
            }
            for value in ["\"25000\"", "null", "true", "[25000]", "{}"] {
                assert_eq!(
                    message(with(member, value)),
                    format!("open packet: {member} is no number")
                );
            }
            for value in ["100", "86400000", "2.5e4"] {
                with(member, value).expect(value);
            }
        }
        assert_eq!(
            message(parse(r#"{"sid":"s","pingTimeout":1000}"#)),
            "open packet: pingInterval is no number"
        );
        assert!(message(with("pingTimeout", "NaN")).contains("unexpected byte"));
    }

    #[test]
    fn conformance_13_max_payload_is_clamped_or_absent() {
        for (value, bytes) in [
            ("0", None),
            ("-1", None),
            ("null", None),
            ("\"7\"", None),
            ("1", Some(1024)),
            ("1e6", Some(1_000_000)),
            ("1152921504606846976", Some(16 << 20)),
            ("1e999", Some(16 << 20)),
        ] {
            assert_eq!(with("maxPayload", value).expect(value).max_payload, bytes, "{value}");
        }
        assert_eq!(with("x", "1").expect("valid").max_payload, None);
    }

    #[test]
    fn conformance_13_any_short_text_is_a_sid() {
        for (json, sid) in
            [(r#""a\r\nb""#, "a\r\nb"), (r#""../&\"\u0000""#, "../&\"\0"), (r#""é""#, "é")]
        {
            assert_eq!(with("sid", json).expect(json).sid, sid);
        }
        with("sid", &format!("\"{}\"", "a".repeat(256))).expect("256 bytes");
        let long = format!("\"{}\"", "a".repeat(257));
        for value in ["\"\"", &long] {
            assert!(message(with("sid", value)).contains("instead of 1 to 256"));
        }
        for value in ["1", "null", "[\"s\"]", r#""\ud800""#] {
            assert_eq!(message(with("sid", value)), "open packet: sid is no string");
        }
        assert_eq!(message(parse("{}")), "open packet: sid is no string");
    }

    #[test]
    fn upgrades_are_a_list_of_names() {
        for (value, offered) in [
            (r#"["webtransport","websocket"]"#, true),
            (r#"["x",1,null]"#, false),
            ("[]", false),
            (r#""websocket""#, false),
            (r#"{"websocket":1}"#, false),
            (r#"[["websocket"]]"#, false),
        ] {
            assert_eq!(
                with("upgrades", value).expect(value).upgrades_websocket,
                offered,
                "{value}"
            );
        }
    }

    #[test]
    fn conformance_13_what_is_no_object_or_too_long_is_refused() {
        for json in ["", "[]", "1", "{", r#"{"sid":}"#, "{} "] {
            assert!(message(parse(json)).starts_with("open packet: "), "{json}");
        }
        let deep = "[".repeat(129) + &"]".repeat(129);
        assert!(message(with("x", &deep)).contains("nested deeper"));
        assert!(with("x", &format!("\"{}\"", "y".repeat(60_000))).is_ok());
        assert_eq!(
            message(with("x", &format!("\"{}\"", "y".repeat(65_536)))),
            "open packet: longer than 64 KiB"
        );
    }

    #[test]
    fn a_sid_cannot_leave_its_place_in_the_url() {
        assert_eq!(percent_encode_component("aZ09-._~"), "aZ09-._~");
        assert_eq!(
            percent_encode_component("a&b=c d\r\n#\0é\"/"),
            "a%26b%3Dc%20d%0D%0A%23%00%C3%A9%22%2F"
        );
    }
}
