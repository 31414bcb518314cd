//! Comparing recorded with received packets where ids, times and signatures differ.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Where the portal may differ from the recordings.
pub(crate) const ALLOWED: [Exception; 7] = [
    Exception::MemberOrder,
    Exception::SocketIds,
    Exception::EarlyPing,
    Exception::ClosePacket,
    Exception::CloseCode,
    Exception::ReaderTexts,
    Exception::PostType,
];

/// A difference to the recordings, and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exception {
    /// Members of objects come in another order: `serde_json` sorts them.
    MemberOrder,
    /// Socket ids are shorter, and one engine connection has one id for all of its namespace
    /// connects: socketioxide takes the id of the engine.
    SocketIds,
    /// The first ping comes right after the open packet: engineioxide pings at the start of each
    /// interval, the real server at its end.
    EarlyPing,
    /// A server that closes sends an Engine.IO close packet `1` first; the real one closes the
    /// WebSocket only.
    ClosePacket,
    /// A message that is too large ends the connection without a code instead of with 1009:
    /// engineioxide has no code of its own for any close.
    CloseCode,
    /// Errors of a JSON or base64 reader have other words: those of Node cannot be had.
    ReaderTexts,
    /// Answers to polling POST requests are plain text, where the real server says HTML.
    PostType,
}

/// Beginnings of the texts covered by [`Exception::ReaderTexts`].
const READER_TEXTS: [&str; 2] = ["Unexpected token", "The first argument must be"];

/// Whether a difference is allowed.
pub(crate) fn allowed(exception: Exception) -> bool {
    ALLOWED.contains(&exception)
}

/// Which received text stands for which recorded one: ids, tickets and texts built from ids.
#[derive(Debug, Default)]
pub(crate) struct Bindings(HashMap<String, String>);

impl Bindings {
    /// Let a recorded text stand for another.
    pub(crate) fn bind(&mut self, recorded: &str, seen: &str) {
        self.0.insert(recorded.into(), seen.into());
    }

    /// The text that stands for a recorded one.
    pub(crate) fn get(&self, recorded: &str) -> Option<&String> {
        self.0.get(recorded)
    }

    /// All recorded texts with those that stand for them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// Compare JSON, and learn what stands for what. The error names the place.
    pub(crate) fn compare(&mut self, recorded: &Value, seen: &Value) -> Result<(), String> {
        match (recorded, seen) {
            (Value::Object(recorded), Value::Object(seen)) => {
                let same_order = || recorded.keys().eq(seen.keys());
                if !allowed(Exception::MemberOrder) && !same_order() {
                    return Err(": the members come in another order".into());
                }
                for name in recorded.keys().chain(seen.keys()) {
                    let (Some(recorded), Some(seen)) = (recorded.get(name), seen.get(name)) else {
                        return Err(format!(".{name} is only on one side"));
                    };
                    self.compare(recorded, seen).map_err(|error| format!(".{name}{error}"))?;
                }
                Ok(())
            }
            (Value::Array(recorded), Value::Array(seen)) if recorded.len() == seen.len() => {
                for (index, (recorded, seen)) in recorded.iter().zip(seen).enumerate() {
                    self.compare(recorded, seen).map_err(|error| format!("[{index}]{error}"))?;
                }
                Ok(())
            }
            (Value::String(recorded), Value::String(seen)) => self.compare_text(recorded, seen),
            _ if recorded == seen => Ok(()),
            _ => Err(format!(": {recorded} recorded, {seen} seen")),
        }
    }

    fn compare_text(&mut self, recorded: &str, seen: &str) -> Result<(), String> {
        let fits = match self.0.get(recorded) {
            Some(bound) => bound == seen,
            None if is_credential(recorded) => self.compare_tickets(recorded, seen)?,
            None if is_id(recorded) => {
                self.bind(recorded, seen);
                true
            }
            None if is_reader_text(recorded) && allowed(Exception::ReaderTexts) => true,
            None => match (track_of(recorded), track_of(seen)) {
                (Some((stream, track)), Some((seen_stream, seen_track))) => {
                    self.0.get(stream).is_some_and(|bound| bound == seen_stream)
                        && track == seen_track
                }
                _ => recorded == seen,
            },
        };
        if fits { Ok(()) } else { Err(format!(": {recorded:?} recorded, {seen:?} seen")) }
    }

    /// Two tickets fit if they are for the same participant and live as long.
    fn compare_tickets(&mut self, recorded: &str, seen: &str) -> Result<bool, String> {
        let (Some(old), Some(new)) = (decode(recorded), decode(seen)) else {
            return Ok(false);
        };
        self.bind(recorded, seen);
        let life =
            |ticket: &Value| Some(ticket["notAfter"].as_u64()? - ticket["notBefore"].as_u64()?);
        let names = |ticket: &Value| {
            let mut names: Vec<String> =
                ticket.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        self.compare(&old["participantId"], &new["participantId"])?;
        let signed = |ticket: &Value| ticket["signature"].as_str().map(str::len);
        Ok(life(&old) == life(&new) && names(&old) == names(&new) && signed(&old) == signed(&new))
    }
}

fn is_reader_text(text: &str) -> bool {
    READER_TEXTS.iter().any(|beginning| text.starts_with(beginning))
}

/// Read a token or ticket.
pub(crate) fn decode(credential: &str) -> Option<Value> {
    serde_json::from_slice(&STANDARD.decode(credential).ok()?).ok()
}

/// Write a token or ticket.
pub(crate) fn encode(credential: &Value) -> String {
    STANDARD.encode(credential.to_string())
}

/// Whether a text is base64 of a JSON object.
pub(crate) fn is_credential(text: &str) -> bool {
    text.starts_with("eyJ")
}

/// A socket or participant id, or the id of a stream or subscription.
fn is_id(text: &str) -> bool {
    let id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == 20 && text.bytes().all(id)) || (text.len() == 32 && text.bytes().all(hex))
}

/// Split a track id into the id of the stream and the rest.
fn track_of(text: &str) -> Option<(&str, &str)> {
    let (stream, track) = text.split_at_checked(32)?;
    (is_id(stream) && track.starts_with("-t")).then_some((stream, track))
}
