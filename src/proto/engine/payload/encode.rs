//! Batching: what waits becomes the body of one POST.

use std::collections::VecDeque;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::SEPARATOR;
use crate::config::Revision;
use crate::proto::engine::session::Frame;
use crate::secret::Size;

/// The limit of a body in bytes for a server that names none: the smallest default of any server.
pub const UNKNOWN_LIMIT: usize = 100_000;

/// The packets of one body. python-engineio takes no more: it drops a body of 17 packets as a whole
/// and answers 200 all the same.
pub const MAX_PACKETS: usize = 16;

/// The body of a POST.
#[derive(Default)]
pub struct Body {
    /// Its pieces, in order. Text messages are not copied.
    pub parts: Vec<Bytes>,
    /// How many packets it holds.
    pub packets: usize,
    /// Its length in bytes.
    pub bytes: usize,
    /// The weight of these packets in the queue, see [`Frame::weight`].
    pub weight: usize,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("packets", &self.packets)
            .field("bytes", &Size(self.bytes))
            .finish_non_exhaustive()
    }
}

impl Body {
    fn push(&mut self, part: impl Into<Bytes>) {
        let part = part.into();
        self.bytes += part.len();
        self.parts.push(part);
    }
}

/// Take up to [`MAX_PACKETS`] packets from the front of `queue` as long as the body stays within `limit`
/// bytes. One packet is taken even above it: the server refuses it then, and nothing else with it.
///
/// A text must not contain the character U+001E: in revision 4 it ends the packet. JSON has no place
/// for it.
pub fn encode(queue: &mut VecDeque<Frame>, limit: usize, revision: Revision) -> Body {
    let mut body = Body::default();
    while body.packets < MAX_PACKETS
        && let Some(frame) = queue.pop_front()
    {
        let form = Form::of(&frame, revision, body.packets == 0);
        if body.packets > 0 && form.bytes() > limit.saturating_sub(body.bytes) {
            queue.push_front(frame);
            break;
        }
        body.packets += 1;
        body.weight += frame.weight();
        match frame {
            Frame::Text(text) => {
                match form.head {
                    Head::Nothing => {}
                    Head::Separator => body.push(Bytes::from_static(&[SEPARATOR])),
                    Head::Length(units) => body.push(format!("{units}:")),
                }
                body.push(text);
            }
            Frame::Binary(data) => body.push(form.base64(&data)),
        }
    }
    body
}

/// What stands before a packet.
#[derive(Clone, Copy)]
enum Head {
    Nothing,
    Separator,
    /// In UTF-16 units.
    Length(usize),
}

/// How a packet will stand in the body, before it is written.
struct Form {
    head: Head,
    /// What makes base64 a binary message.
    mark: &'static str,
    /// The length of the packet with its mark.
    packet: usize,
}

impl Form {
    fn of(frame: &Frame, revision: Revision, first: bool) -> Self {
        let mark = super::base64_mark(revision);
        let (packet, units) = match frame {
            Frame::Text(text) => (text.len(), utf16_units(text)),
            Frame::Binary(data) => {
                let packet =
                    mark.len() + base64::encoded_len(data.len(), true).unwrap_or(usize::MAX);
                (packet, packet)
            }
        };
        let head = match revision {
            Revision::V3 => Head::Length(units),
            _ if first => Head::Nothing,
            _ => Head::Separator,
        };
        Self { head, mark, packet }
    }

    fn bytes(&self) -> usize {
        let head = match self.head {
            Head::Nothing => 0,
            Head::Separator => 1,
            Head::Length(units) => units.checked_ilog10().unwrap_or(0) as usize + 2,
        };
        head + self.packet
    }

    fn base64(&self, data: &[u8]) -> String {
        let mut text = String::with_capacity(self.bytes());
        match self.head {
            Head::Nothing => {}
            Head::Separator => text.push(SEPARATOR.into()),
            Head::Length(units) => text.push_str(&format!("{units}:")),
        }
        text.push_str(self.mark);
        STANDARD.encode_string(data, &mut text);
        text
    }
}

/// The length of a UTF-8 text in UTF-16.
fn utf16_units(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.iter().map(|byte| super::utf16_width(*byte)).sum()
}
