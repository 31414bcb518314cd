//! What a trace tells of frames: kinds, names and sizes, never what they carry.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;

use super::record::{Packet, snake};
use crate::config::{Limits, Revision};
use crate::json;
use crate::payload::{Name, Span};
use crate::proto::engine::packet::{PacketType, decode_text};
use crate::proto::engine::payload;
use crate::proto::engine::session::Frame;
use crate::proto::socket::packet::{self, Kind};

/// Longer names are cut.
const MAX_NAME: usize = 64;

/// Events whose acks are waited for that are remembered by name.
const MAX_AWAITED: usize = 256;

/// Reads frames for the trace.
#[derive(Debug, Default)]
pub(super) struct Packets {
    limits: Limits,
    /// Namespace, ack id and name of events that went out, and of those that came in.
    awaited: [VecDeque<(String, u64, String)>; 2],
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In = 0,
    Out = 1,
}

impl Packets {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, awaited: Default::default() }
    }

    /// A text frame of a WebSocket, or one packet of a polling body.
    pub(super) fn text<'a>(
        &mut self,
        way: Way,
        wire: u32,
        frame: &'a Bytes,
    ) -> (Packet<'a>, Option<PacketType>) {
        let blank = Packet { wire, bytes: frame.len(), ..Packet::default() };
        let Ok((kind, body)) = decode_text(frame) else {
            return (Packet { engine: "invalid", ..blank }, None);
        };
        let mut packet = Packet { engine: name_of(kind), ..blank };
        if kind == PacketType::Message {
            self.message(way, frame, body, &mut packet);
        }
        (packet, Some(kind))
    }

    /// Revision 3 is the more lenient one, and the sender has been checked elsewhere.
    fn message<'a>(&mut self, way: Way, frame: &'a Bytes, start: usize, packet: &mut Packet<'a>) {
        let Ok(read) = packet::decode(frame, start, Revision::V3, &self.limits) else {
            packet.packet = Some("invalid".into());
            return;
        };
        let namespace = namespace_of(read.namespace_bytes(frame));
        packet.packet = Some(snake(&read.kind));
        packet.ack = read.id;
        packet.attachments = (read.attachments > 0).then_some(read.attachments);
        match read.kind {
            Kind::Event | Kind::BinaryEvent => {
                let name = short(match read.name {
                    Name::Plain(span) => lossy(span.of(frame)),
                    Name::Decoded(name) => Cow::Owned(name.into()),
                    Name::None => Cow::Borrowed(""),
                });
                if let Some(id) = read.id {
                    self.awaits(way, &namespace, id, &name);
                }
                packet.event = Some(name);
            }
            Kind::Ack | Kind::BinaryAck => {
                packet.answers = read.id.and_then(|id| self.answered(way, &namespace, id));
            }
            Kind::Connect | Kind::Disconnect | Kind::ConnectError => {}
        }
        packet.namespace = (namespace != "/").then_some(namespace);
    }

    fn awaits(&mut self, way: Way, namespace: &str, id: u64, name: &str) {
        let awaited = &mut self.awaited[way as usize];
        if awaited.len() == MAX_AWAITED {
            awaited.pop_front();
        }
        awaited.push_back((namespace.into(), id, name.into()));
    }

    /// The name of the event, from the other side, that an ack answers. Of equal ids, which a new
    /// connection brings, the latest is meant.
    fn answered(&mut self, way: Way, namespace: &str, id: u64) -> Option<String> {
        let awaited = &mut self.awaited[1 - way as usize];
        let found = awaited.iter().rposition(|(at, key, _)| at == namespace && *key == id)?;
        awaited.remove(found).map(|(_, _, name)| name)
    }
}

/// A binary frame: an attachment, or a packet in MessagePack.
pub(super) fn binary(wire: u32, bytes: usize) -> Packet<'static> {
    Packet { wire, engine: "binary", bytes, ..Packet::default() }
}

/// The packets of a polling body, in either revision.
pub(super) fn of_body(body: &Bytes, is_binary: bool) -> Vec<Frame> {
    let revision = if is_binary || has_lengths(body) { Revision::V3 } else { Revision::V4 };
    payload::decode(body, is_binary, revision).filter_map(Result::ok).collect()
}

/// Digits and a colon begin a body of revision 3 only: no packet of revision 4 looks so.
fn has_lengths(body: &[u8]) -> bool {
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && body.get(digits) == Some(&b':')
}

/// The name of an event to be sent, from its JSON array.
pub(super) fn event_name(array: &[u8]) -> Cow<'_, str> {
    let mut first = None;
    // The array was checked when it was made.
    let _ = json::visit_array(array, Span::new(0, array.len()), json::MAX_DEPTH, |element| {
        first.get_or_insert(element);
    });
    short(first.and_then(|name| json::decode_value(name.of(array))).unwrap_or_default())
}

/// A namespace without a query, which may be a credential.
pub(super) fn namespace_of(bytes: &[u8]) -> Cow<'_, str> {
    let path = bytes.split(|byte| *byte == b'?').next().unwrap_or_default();
    short(lossy(path))
}

/// A name of a length that can be read.
pub(super) fn short(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => name,
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

const fn name_of(kind: PacketType) -> &'static str {
    match kind {
        PacketType::Open => "open",
        PacketType::Close => "close",
        PacketType::Ping => "ping",
        PacketType::Pong => "pong",
        PacketType::Message => "message",
        PacketType::Upgrade => "upgrade",
        PacketType::Noop => "noop",
        PacketType::Binary => "binary",
    }
}
