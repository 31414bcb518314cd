//! The bodies of long-polling, and the one packet of a WebSocket frame, in both revisions. No state.
//!
//! | form | packets of a body |
//! | --- | --- |
//! | revision 4 | joined by the byte 0x1e; a binary message is `b` and base64 |
//! | revision 3, text | `<length>:<packet>`, the length in UTF-16 units; a binary message is `b4` and base64 |
//! | revision 3, binary | 0 for text or 1, the digits of the length in bytes as numbers, 0xff, the packet |
//!
//! Above this module a packet is a [`Frame`] in one form only: text with its type digit, or a binary
//! message as it is.
//!
//! Source: `engine-io` 3, 4 and 9; engine.io-parser 2.2.1 and 5.2.3.

mod encode;
mod websocket;

use std::fmt;

use bytes::Bytes;

use crate::config::Revision;
use crate::error::{Code, Error, Result};
use crate::proto::engine::packet::{self, PacketError, PacketType};
use crate::proto::engine::session::Frame;
use crate::secret::Size;

pub use encode::{Body, MAX_PACKETS, UNKNOWN_LIMIT, encode};
pub use websocket::{ws_decode, ws_encode};

/// What stands between two packets of a body of revision 4.
const SEPARATOR: u8 = 0x1e;
/// The type of a binary message of revision 3, a number and no digit.
const BINARY_MESSAGE: u8 = 4;
/// Enough for every length that a body can have, whatever its zeros in front.
const MAX_DIGITS: usize = 16;

/// Take a polling body apart. `binary`: it came as `application/octet-stream`, which only revision 3
/// has.
pub fn decode(body: &Bytes, binary: bool, revision: Revision) -> Packets {
    let form = match (revision, binary) {
        (Revision::V4 | Revision::Auto, _) => Form::Separated,
        (Revision::V3, false) => Form::Utf16,
        (Revision::V3, true) => Form::Binary,
    };
    // Checked here once; the binary form has its texts checked one by one.
    let text = match std::str::from_utf8(body) {
        _ if form == Form::Binary => 0,
        Ok(_) => body.len(),
        Err(error) => error.valid_up_to(),
    };
    Packets { body: body.clone(), at: Some(0), text, form }
}

/// Take the body of the first poll apart, see [`decode`].
///
/// # Errors
/// [`Code::EngineRevision`] when revision 4 was asked for and this is revision 3.
pub fn decode_handshake(body: &Bytes, binary: bool, revision: Revision) -> Result<Packets> {
    if revision != Revision::V3 && looks_like_revision_3(body) {
        return Err(Error::new(Code::EngineRevision, "the server speaks Engine.IO revision 3"));
    }
    Ok(decode(body, binary, revision))
}

/// Whether a polling body that should begin with an open packet does so in the way of revision 3:
/// `97:0{…`. A server of version 2.x answers so whatever revision it is asked for.
pub fn looks_like_revision_3(body: &[u8]) -> bool {
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=MAX_DIGITS).contains(&digits) && body[0] != b'0' && body[digits..].starts_with(b":0")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Separated,
    Utf16,
    Binary,
}

/// The packets of a polling body, read one by one: nothing is allocated but the bytes of base64. The
/// first error is the last item.
pub struct Packets {
    body: Bytes,
    /// The next packet; `None` behind the last one or an error.
    at: Option<usize>,
    /// That many bytes of the body are UTF-8.
    text: usize,
    form: Form,
}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Packets").field(&Size(self.body.len())).finish()
    }
}

impl Iterator for Packets {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        let at = self.at.take()?;
        let read = match self.form {
            Form::Separated => self.separated(at).map(Some),
            Form::Utf16 => self.utf16(at),
            Form::Binary => self.binary(at).map(Some),
        };
        if read.is_err() {
            self.at = None;
        }
        read.map_err(refuse).transpose()
    }
}

impl Packets {
    fn separated(&mut self, at: usize) -> Result<Frame, PacketError> {
        let length = self.body[at..].iter().position(|byte| *byte == SEPARATOR);
        let end = length.map_or(self.body.len(), |length| at + length);
        self.at = length.map(|_| end + 1);
        self.text_packet(at, end, Revision::V4)
    }

    /// `None`: there are only empty records left, which are legal.
    fn utf16(&mut self, mut at: usize) -> Result<Option<Frame>, PacketError> {
        if self.body.is_empty() {
            return Err(PacketError::Empty);
        }
        while at < self.body.len() {
            let (length, digits) = decimal(&self.body[at..], b':', |byte| {
                byte.is_ascii_digit().then(|| usize::from(byte - b'0'))
            })?;
            let start = at + digits + 1;
            let Some(end) = self.utf16_end(start, length)? else {
                at = start;
                continue;
            };
            self.at = Some(end);
            return self.text_packet(start, end, Revision::V3).map(Some);
        }
        Ok(None)
    }

    /// The end of that many UTF-16 units of text from `start` on; `None` for none.
    fn utf16_end(&self, start: usize, units: usize) -> Result<Option<usize>, PacketError> {
        if units == 0 {
            return Ok(None);
        }
        let rest = &self.body[start..];
        if rest.get(..units).is_some_and(<[u8]>::is_ascii) {
            return Ok(Some(start + units));
        }
        let mut left = units;
        for (index, byte) in rest.iter().enumerate() {
            match utf16_width(*byte) {
                // In the middle of a character.
                0 => {}
                _ if left == 0 => return Ok(Some(start + index)),
                width => left = left.checked_sub(width).ok_or(PacketError::Length)?,
            }
        }
        if left == 0 { Ok(Some(self.body.len())) } else { Err(PacketError::Truncated) }
    }

    fn binary(&mut self, at: usize) -> Result<Frame, PacketError> {
        let is_text = match self.body.get(at) {
            Some(0) => true,
            Some(1) => false,
            Some(_) => return Err(PacketError::Length),
            None => return Err(PacketError::Empty),
        };
        let (length, digits) =
            decimal(&self.body[at + 1..], 0xff, |byte| (byte <= 9).then_some(usize::from(byte)))?;
        let start = at + 1 + digits + 1;
        let end = start.checked_add(length).filter(|end| *end <= self.body.len());
        let end = end.ok_or(PacketError::Truncated)?;
        self.at = (end < self.body.len()).then_some(end);
        let packet = self.body.slice(start..end);
        if !is_text {
            return strip_type(packet).map(Frame::Binary);
        }
        std::str::from_utf8(&packet).map_err(|_| PacketError::Utf8)?;
        text_packet(packet, Revision::V3)
    }

    fn text_packet(
        &self,
        start: usize,
        end: usize,
        revision: Revision,
    ) -> Result<Frame, PacketError> {
        if end > self.text {
            return Err(PacketError::Utf8);
        }
        text_packet(self.body.slice(start..end), revision)
    }
}

/// Bring a packet in its text form into the form of this library.
fn text_packet(packet: Bytes, revision: Revision) -> Result<Frame, PacketError> {
    match (packet::decode_text(&packet)?.0, revision) {
        (PacketType::Binary, Revision::V3) => match packet.get(1) {
            Some(&packet::MESSAGE) => packet::decode_base64(&packet[2..]).map(Frame::Binary),
            Some(&byte) => Err(PacketError::BinaryType(byte)),
            None => Err(PacketError::Empty),
        },
        (PacketType::Binary, _) => packet::decode_base64(&packet[1..]).map(Frame::Binary),
        _ => Ok(Frame::Text(packet)),
    }
}

/// Remove the type of a binary packet of revision 3.
fn strip_type(packet: Bytes) -> Result<Bytes, PacketError> {
    match packet.first() {
        Some(&BINARY_MESSAGE) => Ok(packet.slice(1..)),
        Some(&byte) => Err(PacketError::BinaryType(byte)),
        None => Err(PacketError::Empty),
    }
}

/// What stands before the base64 of a binary message.
const fn base64_mark(revision: Revision) -> &'static str {
    match revision {
        Revision::V3 => "b4",
        Revision::V4 | Revision::Auto => "b",
    }
}

/// How many UTF-16 units a character of UTF-8 has, told at its first byte; its others have none.
const fn utf16_width(byte: u8) -> usize {
    match byte {
        0x80..=0xbf => 0,
        0xf0.. => 2,
        _ => 1,
    }
}

/// A decimal number up to `end`, and how many digits it has.
fn decimal(
    text: &[u8],
    end: u8,
    digit: impl Fn(u8) -> Option<usize>,
) -> Result<(usize, usize), PacketError> {
    let mut value = 0usize;
    for (count, &byte) in text.iter().enumerate().take(MAX_DIGITS + 1) {
        if byte == end && count > 0 {
            return Ok((value, count));
        }
        let digit = digit(byte).ok_or(PacketError::Length)?;
        value = value.saturating_mul(10).saturating_add(digit);
    }
    Err(PacketError::Length)
}

fn refuse(error: PacketError) -> Error {
    Error::new(Code::EnginePacket, error.to_string())
}
