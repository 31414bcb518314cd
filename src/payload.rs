//! What travels: the name and the JSON arguments of one event or ack, and its binary attachments.
//!
//! A received [`Payload`] is the frame it came in plus ranges into it: decoding copies nothing, and
//! a clone shares the frame. What is to be sent is an [`Outgoing`]: JSON text written once, behind
//! room for the packet header.

mod outgoing;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use crate::error::{Code, Error, Result};
use crate::json;

pub use outgoing::{Arguments, Outgoing, check_name, is_reserved};

/// A range of bytes in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`. Frames are far below 4 GiB (the inbound limit).
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes of this range.
    pub fn of(self, frame: &[u8]) -> &[u8] {
        &frame[self.start as usize..self.end as usize]
    }

    /// The number of bytes.
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the range is empty.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The ranges of the arguments; up to four need no allocation.
pub type Spans = SmallVec<[Span; 4]>;

/// The name of an event: nearly always a range of the frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// An ack has no name.
    #[default]
    None,
    /// The characters between the quotes; the JSON string has no escapes.
    Plain(Span),
    /// A name that was written with escapes, decoded.
    Decoded(Box<str>),
}

impl Name {
    /// The name that a checked JSON string at `value` is; `None` when it is no text.
    pub(crate) fn read(frame: &[u8], value: Span) -> Option<Self> {
        Some(match json::decode_value(value.of(frame))? {
            Cow::Borrowed(_) => Self::Plain(Span { start: value.start + 1, end: value.end - 1 }),
            Cow::Owned(name) => Self::Decoded(name.into()),
        })
    }

    /// The name as UTF-8 bytes; `frame` is the one it was read from.
    pub(crate) fn bytes<'a>(&'a self, frame: &'a [u8]) -> &'a [u8] {
        match self {
            Self::None => &[],
            Self::Plain(span) => span.of(frame),
            Self::Decoded(name) => name.as_bytes(),
        }
    }
}

/// A received event or ack: name, arguments as JSON text, attachments.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    frame: Bytes,
    name: Name,
    args: Spans,
    attachments: Vec<Bytes>,
    resent: bool,
}

impl Payload {
    /// Put a payload together from a frame that is known to be UTF-8 with checked JSON in `args`.
    pub(crate) fn new(frame: Bytes, name: Name, args: Spans, attachments: Vec<Bytes>) -> Self {
        Self { frame, name, args, attachments, resent: false }
    }

    /// The event name; empty for an ack.
    pub fn name(&self) -> &str {
        match &self.name {
            Name::None => "",
            Name::Plain(span) => text(span.of(&self.frame)),
            Name::Decoded(name) => name,
        }
    }

    /// The event name as UTF-8 bytes, without checking them again.
    pub fn name_bytes(&self) -> &[u8] {
        self.name.bytes(&self.frame)
    }

    /// The number of arguments.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The JSON text of argument `index`, as it came over the wire.
    ///
    /// A binary value is the object `{"_placeholder":true,"num":i}`; its bytes are attachment `i`.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).map(|span| text(span.of(&self.frame)))
    }

    /// The JSON text of argument `index` as UTF-8 bytes, without checking them again.
    pub fn arg_bytes(&self, index: usize) -> Option<&[u8]> {
        self.args.get(index).map(|span| span.of(&self.frame))
    }

    /// The JSON texts of all arguments.
    pub fn args(&self) -> impl ExactSizeIterator<Item = &str> {
        self.args.iter().map(|span| text(span.of(&self.frame)))
    }

    /// Decode argument `index` into a type.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when there is no such argument, [`Code::InvalidJson`] when it has
    /// another shape; the message names the place.
    pub fn decode<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        let json = self
            .arg_bytes(index)
            .ok_or_else(|| Error::new(Code::InvalidArgument, format!("no argument {index}")))?;
        serde_json::from_slice(json).map_err(|error| {
            Error::new(
                Code::InvalidJson,
                format!(
                    "argument {index}: {:?} error at column {}",
                    error.classify(),
                    error.column()
                ),
            )
        })
    }

    /// The binary attachments, each a slice of the frame it came in.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The request that this answers was sent twice, as
    /// [`idempotent`](crate::client::RequestOptions::idempotent) allows.
    pub const fn resent(&self) -> bool {
        self.resent
    }

    /// The same payload as the answer to a request that was sent twice.
    pub(crate) fn of_resent(self) -> Self {
        Self { resent: true, ..self }
    }

    /// The bytes that this payload keeps alive, as the queues count them.
    pub fn weight(&self) -> usize {
        self.frame.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// The bytes of name and arguments alone: what one of many payloads of a frame counts.
    pub(crate) fn own_weight(&self) -> usize {
        let args: usize = self.args.iter().map(|span| span.len()).sum();
        self.name_bytes().len() + args
    }

    /// A payload whose one argument is `null`, which is not in the frame.
    pub(crate) fn with_null(frame: &[u8], name: &Name) -> Self {
        let name = match name {
            Name::Plain(span) => Name::Decoded(text(span.of(frame)).into()),
            other => other.clone(),
        };
        let args = [Span::new(0, 4)].into_iter().collect();
        Self::new(Bytes::from_static(b"null"), name, args, Vec::new())
    }

    /// The same payload without its first argument.
    pub(crate) fn without_first(mut self) -> Self {
        if !self.args.is_empty() {
            self.args.remove(0);
        }
        self
    }

    /// The same payload without its last argument.
    pub(crate) fn without_last(mut self) -> Self {
        self.args.pop();
        self
    }

    /// An event of ours: from `start` to its end `frame` holds the JSON array of [`Outgoing`].
    pub(crate) fn of_event(frame: Bytes, start: usize, attachments: Vec<Bytes>) -> Self {
        let (mut name, mut args) = (None, Spans::new());
        let array = Span::new(start, frame.len());
        let read = json::visit_array(&frame, array, json::MAX_DEPTH, |element| match &name {
            None => name = Some(Name::read(&frame, element).unwrap_or_default()),
            Some(_) => args.push(element),
        });
        debug_assert!(read.is_ok(), "an event is checked before it is written");
        Self::new(frame, name.unwrap_or_default(), args, attachments)
    }

    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }

    pub(crate) fn arg_span(&self, index: usize) -> Option<Span> {
        self.args.get(index).copied()
    }
}

impl fmt::Debug for Payload {
    /// Shows sizes only: payloads are the application's business and may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("name", &self.name())
            .field("args", &self.args.len())
            .field("bytes", &self.weight())
            .finish()
    }
}

/// Frames are checked as UTF-8 when they arrive, and ranges end at JSON tokens, so this cannot
/// fail; without `unsafe` the check is made again.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a frame is checked as UTF-8 before it is cut into ranges")
}
