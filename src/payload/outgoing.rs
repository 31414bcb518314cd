//! What is to be sent: arguments that are checked, then written once behind room for the header.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::error::{Code, Error, Result, Retry};
use crate::json::{self, Placeholders};
use crate::payload::Payload;
use crate::secret::Size;

/// Names that Socket.IO keeps for itself (socket.io-client, `RESERVED_EVENTS`).
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event of this name may not be emitted.
pub fn is_reserved(name: impl AsRef<[u8]>) -> bool {
    RESERVED.iter().any(|reserved| reserved.as_bytes() == name.as_ref())
}

/// Refuse a name that may not be emitted.
///
/// # Errors
/// [`Code::ReservedEvent`].
pub fn check_name(name: &str) -> Result<()> {
    if is_reserved(name) {
        return Err(Error::new(Code::ReservedEvent, format!("\"{name}\" cannot be emitted")));
    }
    Ok(())
}

/// Arguments to be sent, checked: what stands between the brackets of their JSON array.
///
/// Checking is apart from encoding, so that it needs no lock.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    text: &'a str,
    attachments: usize,
    /// Attachment `i` belongs to placeholder `i`.
    in_order: bool,
}

impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arguments").field(&Size(self.text.len())).finish()
    }
}

impl<'a> Arguments<'a> {
    /// The elements of a JSON array, in which `attachments` binary values have placeholders.
    ///
    /// # Errors
    /// [`Code::InvalidJson`], or [`Code::Attachments`] when placeholders and attachments do not
    /// fit.
    pub fn array(text: &'a str, max_depth: usize, attachments: usize) -> Result<Self> {
        let text = text.trim_matches(SPACE);
        json::check_array(text.as_bytes(), max_depth)
            .map_err(|error| Error::new(Code::InvalidJson, format!("arguments: {error}")))?;
        let mut places = Placeholders { count: 0, in_order: true };
        if attachments > 0 {
            places = json::check_placeholders(text.as_bytes(), attachments).map_err(|error| {
                Error::new(Code::Attachments, format!("arguments: {error}"))
                    .with_retry(Retry::Never)
            })?;
        }
        Ok(Self {
            text: text[1..text.len() - 1].trim_matches(SPACE),
            attachments: places.count,
            in_order: places.in_order && places.count == attachments,
        })
    }

    /// One JSON object, the only argument.
    ///
    /// # Errors
    /// [`Code::InvalidJson`].
    pub fn object(text: &'a str, max_depth: usize) -> Result<Self> {
        let text = text.trim_matches(SPACE);
        json::check_object(text.as_bytes(), max_depth)
            .map_err(|error| Error::new(Code::InvalidJson, format!("object: {error}")))?;
        Ok(Self { text, attachments: 0, in_order: true })
    }

    /// The arguments of a request to a portal of the legacy protocol: one JSON object, or a JSON
    /// array of all of them. The first is not null, which a portal does not survive.
    ///
    /// # Errors
    /// [`Code::InvalidJson`].
    pub fn positional(text: &'a str, max_depth: usize) -> Result<Self> {
        if text.trim_start_matches(SPACE).starts_with('{') {
            return Self::object(text, max_depth);
        }
        let args = Self::array(text, max_depth, 0)?;
        if args.is_empty() || args.text.starts_with("null") {
            return Err(Error::new(Code::InvalidJson, "arguments: none, or null as the first"));
        }
        Ok(args)
    }

    /// The text, without brackets if it was an array.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// The number of bytes that go over the wire.
    pub const fn len(self) -> usize {
        self.text.len()
    }

    /// Whether there is no argument.
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The attachments that go over the wire: one for each placeholder.
    pub const fn attachments(self) -> usize {
        self.attachments
    }
}

/// White space of JSON.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// An event or ack to be sent: the JSON array behind room for a packet header, and attachments.
///
/// The header (types, namespace, ack id) is known only when the packet leaves, so it is written
/// right-aligned into the room in front of the array: the arguments are copied once, from the
/// host's memory, and never again.
pub struct Outgoing {
    buffer: BytesMut,
    room: usize,
    attachments: Vec<Bytes>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("json", &Size(self.json().len()))
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// Engine and socket type digits, attachment count with its dash, comma, and an ack id.
const HEADER_ROOM: usize = 2 + 11 + 1 + 20;

impl Outgoing {
    /// An event: `["name",…args]`.
    ///
    /// `args_json` is a JSON array; `pool` is the memory that the frame is cut from.
    ///
    /// # Errors
    /// [`Code::ReservedEvent`], [`Code::InvalidJson`], or [`Code::Attachments`] when placeholders
    /// and attachments do not fit.
    pub fn event(
        pool: &mut BytesMut,
        namespace: &str,
        name: &str,
        args_json: &str,
        attachments: Vec<Bytes>,
    ) -> Result<Self> {
        check_name(name)?;
        let args = Arguments::array(args_json, json::MAX_DEPTH, attachments.len())?;
        Ok(Self::event_of(pool, namespace, name, args, attachments))
    }

    /// An ack: the array as it is.
    ///
    /// # Errors
    /// As [`Outgoing::event`], without the name.
    pub fn ack(
        pool: &mut BytesMut,
        namespace: &str,
        args_json: &str,
        attachments: Vec<Bytes>,
    ) -> Result<Self> {
        let args = Arguments::array(args_json, json::MAX_DEPTH, attachments.len())?;
        Ok(Self::ack_of(pool, namespace, args, attachments))
    }

    /// An event of a name and arguments that were checked before; this only copies.
    pub fn event_of(
        pool: &mut BytesMut,
        namespace: &str,
        name: &str,
        args: Arguments<'_>,
        attachments: Vec<Bytes>,
    ) -> Self {
        let room = Self::room(namespace);
        pool.reserve(room + name.len() + 4 + args.len());
        pool.resize(room, 0);
        pool.extend_from_slice(b"[");
        json::write_string(pool, name);
        if !args.is_empty() {
            pool.extend_from_slice(b",");
            pool.extend_from_slice(args.text.as_bytes());
        }
        pool.extend_from_slice(b"]");
        Self { buffer: pool.split(), room, attachments }.in_order(args.in_order)
    }

    /// An ack of arguments that were checked before; this only copies.
    pub fn ack_of(
        pool: &mut BytesMut,
        namespace: &str,
        args: Arguments<'_>,
        attachments: Vec<Bytes>,
    ) -> Self {
        let room = Self::room(namespace);
        pool.reserve(room + 2 + args.len());
        pool.resize(room, 0);
        pool.extend_from_slice(b"[");
        pool.extend_from_slice(args.text.as_bytes());
        pool.extend_from_slice(b"]");
        Self { buffer: pool.split(), room, attachments }.in_order(args.in_order)
    }

    /// Put the attachments in the order of their placeholders, one for each, as the reference encoder
    /// does: there are servers that do not look at the numbers.
    fn in_order(mut self, already: bool) -> Self {
        if !already {
            let (json, former) = json::renumber_placeholders(self.json());
            self.attachments = former.iter().map(|num| self.attachments[*num].clone()).collect();
            self.buffer.truncate(self.room);
            self.buffer.extend_from_slice(&json);
        }
        self
    }

    fn room(namespace: &str) -> usize {
        HEADER_ROOM + namespace.len()
    }

    /// The JSON array, where it is written and stays.
    pub fn json(&self) -> &[u8] {
        &self.buffer[self.room..]
    }

    /// The attachments.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The number of attachments.
    pub fn attachment_count(&self) -> usize {
        self.attachments.len()
    }

    /// The bytes of the JSON array and the attachments, as the queues count them.
    pub fn weight(&self) -> usize {
        self.buffer.len() - self.room + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// The event as those see it who are told what became of it. Copies nothing.
    pub fn into_payload(mut self) -> Payload {
        bytes::Buf::advance(&mut self.buffer, self.room);
        Payload::of_event(self.buffer.freeze(), 0, self.attachments)
    }

    /// Append one more argument, a text. This copies the event.
    pub fn push_text(&mut self, text: &str) {
        self.buffer.truncate(self.buffer.len() - 1);
        self.buffer.extend_from_slice(b",");
        json::write_string(&mut self.buffer, text);
        self.buffer.extend_from_slice(b"]");
    }

    /// Write the packet header in front of the array.
    ///
    /// Gives the finished text frame and the attachments that follow it.
    ///
    /// # Panics
    /// When the header is longer than the room; headers are bounded by the namespace's length.
    pub fn stamp(mut self, header: &[u8]) -> (Bytes, Vec<Bytes>) {
        let start = self.room - header.len();
        self.buffer[start..self.room].copy_from_slice(header);
        let mut frame = self.buffer.freeze();
        bytes::Buf::advance(&mut frame, start);
        (frame, self.attachments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_written_straight_in_front_of_the_arguments() {
        let mut pool = BytesMut::new();
        let event = Outgoing::event(&mut pool, "/chat", "text", " [1, {\"a\":2}] ", Vec::new())
            .expect("valid");
        let before = event.buffer[event.room..].as_ptr();
        let (frame, attachments) = event.stamp(b"42/chat,7");
        assert_eq!(&frame[..], b"42/chat,7[\"text\",1, {\"a\":2}]");
        assert_eq!(frame[9..].as_ptr(), before);
        assert!(attachments.is_empty());
    }

    #[test]
    fn an_event_without_arguments_has_only_its_name() {
        let event =
            Outgoing::event(&mut BytesMut::new(), "/", "logout", "[]", Vec::new()).expect("valid");
        assert_eq!(&event.stamp(b"420").0[..], b"420[\"logout\"]");
    }

    #[test]
    fn an_event_that_is_not_sent_is_read_where_it_was_written() {
        let mut pool = BytesMut::with_capacity(1_000);
        let attachments = vec![Bytes::from_static(&[7])];
        let text = r#"[{"_placeholder":true,"num":0}, "é"]"#;
        let mut event =
            Outgoing::event(&mut pool, "/chat", "a\"b", text, attachments.clone()).expect("valid");
        let written = event.json().as_ptr();
        event.push_text("key");
        let payload = event.into_payload();
        let args: Vec<&str> = payload.args().collect();
        assert_eq!(payload.name(), "a\"b");
        assert_eq!(args, [r#"{"_placeholder":true,"num":0}"#, "\"é\"", "\"key\""]);
        assert_eq!(payload.attachments(), attachments);
        assert_eq!(payload.clone().without_last().len(), 2);

        let event = Outgoing::event(&mut pool, "/", "a", "[1]", Vec::new()).expect("valid");
        assert_ne!(event.json().as_ptr(), written);
        let written = event.json()[5..].as_ptr();
        assert_eq!(event.into_payload().arg_bytes(0).expect("one").as_ptr(), written);
    }

    #[test]
    fn attachments_go_in_the_order_of_their_placeholders() {
        let mut pool = BytesMut::new();
        let parts = ["a", "b", "c"].map(Bytes::from);
        let text = r#"[{"_placeholder":true,"num":2},[{"_placeholder":true,"num":0}]]"#;
        let ordered = r#"[{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#;
        let ack = Outgoing::ack(&mut pool, "/", text, parts.to_vec()).expect("valid");
        assert_eq!(ack.json(), ordered.as_bytes());
        assert_eq!(ack.attachments(), [parts[2].clone(), parts[0].clone()]);
        // One that stands in two places goes twice.
        let twice = text.replace("2", "0");
        let event = Outgoing::event(&mut pool, "/", "é", &twice, parts.to_vec()).expect("valid");
        let (frame, attachments) = event.stamp(b"452-");
        assert_eq!(frame, format!("452-[\"é\",{}", &ordered[1..]));
        assert_eq!(attachments, [parts[0].clone(), parts[0].clone()]);
    }

    #[test]
    fn reserved_names_and_broken_arguments_are_refused() {
        let emit = |name, args| {
            Outgoing::event(&mut BytesMut::new(), "/", name, args, Vec::new()).map_err(|e| e.code())
        };
        assert_eq!(emit("disconnect", "[]").err(), Some(Code::ReservedEvent));
        for args in ["", "{}", "[1,]", "[1", "1", "[]]", "[\"\u{1}\"]"] {
            assert_eq!(emit("a", args).err(), Some(Code::InvalidJson), "{args}");
        }
    }
}
