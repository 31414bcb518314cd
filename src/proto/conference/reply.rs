//! Reading the answer to a relogin: a ticket, and what was missed (`owt-portal` 6).

use crate::error::{Code, Error, Result};
use crate::json;
use crate::payload::{Name, Payload, Span};
use crate::proto::conference::replay::{Entry, Fingerprint};
use crate::proto::conference::ticket::Ticket;
use crate::proto::time::Timestamp;

/// Notifications in one answer, which bounds the memory for their places in it.
const MAX_ENTRIES: usize = 250_000;

/// The answer to a relogin in either shape.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) ticket: Result<Ticket>,
    /// None: the answer is a bare ticket.
    pub(super) entries: Option<Vec<Entry>>,
}

impl Reply {
    pub(super) fn read(payload: &Payload, now: Timestamp) -> Result<Self> {
        let Some(body) = payload.arg_span(1) else {
            return Err(malformed("the answer has no ticket"));
        };
        let frame = payload.frame();
        match body.of(frame).first() {
            Some(b'"') => {
                Ok(Self { ticket: Ticket::from_json(body.of(frame), now), entries: None })
            }
            Some(b'{') => Self::read_object(frame, body, now),
            _ => Err(malformed("the answer is neither a ticket nor an object")),
        }
    }

    fn read_object(frame: &[u8], body: Span, now: Timestamp) -> Result<Self> {
        let (mut ticket, mut messages) = (None, None);
        json::visit_object(frame, body, json::MAX_DEPTH, |key, value| match key.of(frame) {
            b"ticket" => ticket = Some(value),
            b"messages" => messages = Some(value),
            _ => {}
        })
        .map_err(|error| malformed(&error.to_string()))?;
        let (mut entries, mut count) = (Vec::new(), 0);
        if let Some(list) = messages.filter(|list| list.of(frame).first() == Some(&b'[')) {
            json::visit_array(frame, list, json::MAX_DEPTH, |entry| {
                count += 1;
                if count <= MAX_ENTRIES {
                    entries.extend(Entry::read(frame, entry));
                }
            })
            .map_err(|error| malformed(&error.to_string()))?;
        }
        if count > MAX_ENTRIES {
            return Err(malformed("more notifications than are taken at once"));
        }
        // A missing ticket is told when it is used; the replay is good all the same.
        let ticket = ticket.map_or_else(
            || Err(malformed("the answer has no ticket")),
            |span| Ticket::from_json(span.of(frame), now),
        );
        Ok(Self { ticket, entries: Some(entries) })
    }
}

fn malformed(what: &str) -> Error {
    Error::new(Code::TicketMalformed, format!("relogin: {what}"))
}

impl Entry {
    /// One element of `messages`; nothing when it is no object with an event name.
    fn read(frame: &[u8], entry: Span) -> Option<Self> {
        let (mut name, mut data, mut seq) = (None, None, None);
        json::visit_object(frame, entry, json::MAX_DEPTH, |key, value| match key.of(frame) {
            b"event" => name = Some(value),
            b"data" => data = Some(value),
            b"seq" => seq = std::str::from_utf8(value.of(frame)).ok().and_then(|n| n.parse().ok()),
            _ => {}
        })
        .ok()?;
        let name = Name::read(frame, name?)?;
        let seq = seq.filter(|seq: &u64| *seq <= 1 << 53);
        let print = Fingerprint::new(name.bytes(frame), data.map(|span| span.of(frame)));
        Some(Self { name, data, seq, print })
    }

    /// The notification, sharing the answer's frame.
    pub(super) fn payload(&self, frame: &bytes::Bytes) -> Payload {
        match self.data {
            Some(data) => Payload::new(
                frame.clone(),
                self.name.clone(),
                [data].into_iter().collect(),
                Vec::new(),
            ),
            None => Payload::with_null(frame, &self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_escapes_has_the_fingerprint_of_the_live_notification() {
        let read = |text: &'static str| Entry::read(text.as_bytes(), Span::new(0, text.len()));
        let escaped = read(r#"{"event":"te\u0078t","data":{"a":1},"seq":1}"#).expect("an entry");
        assert_eq!(escaped.name, Name::Decoded("text".into()));
        assert_eq!(escaped.print, Fingerprint::new(b"text", Some(br#"{"a":1}"#)));
        assert!(read(r#"{"event":7,"seq":1}"#).is_none(), "no name");
    }
}
