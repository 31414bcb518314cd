//! The Socket.IO packets of one connection: text, and the binary parts that follow it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::config::{Limits, Parser};
use crate::error::{Code, Error};
use crate::json;
use crate::payload::{Name, Payload};
use crate::proto::socket::assembler::Assembler;
use crate::proto::socket::codec::Codec;
use crate::proto::socket::msgpack;
use crate::proto::socket::packet::{self, Packet};
use crate::secret::Size;

/// A complete packet and the frames it came in.
pub struct Received {
    /// The packet: ranges in `frame`.
    pub packet: Packet,
    /// The text frame; of a MessagePack packet its JSON.
    pub frame: Bytes,
    /// The binary parts.
    pub attachments: Vec<Bytes>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("kind", &self.packet.kind)
            .field("frame", &Size(self.frame.len()))
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

impl Received {
    /// The namespace.
    pub fn namespace(&self) -> &[u8] {
        self.packet.namespace_bytes(&self.frame)
    }

    /// The payload of CONNECT or CONNECT_ERROR.
    pub fn body(&self) -> Option<&[u8]> {
        self.packet.body.map(|span| span.of(&self.frame))
    }

    /// The payload of CONNECT_ERROR as the only argument of an event, protocol 4's `error`.
    pub fn error_event(&self) -> Payload {
        let args = self.packet.body.into_iter().collect();
        Payload::new(self.frame.clone(), Name::Decoded("error".into()), args, Vec::new())
    }

    /// The payload of CONNECT_ERROR when it is a plain text.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        json::decode_value(self.body()?)
    }

    /// A text in the payload of CONNECT or CONNECT_ERROR; of equal members the last counts.
    pub fn text_member(&self, name: &[u8]) -> Option<Cow<'_, str>> {
        let (frame, mut member) = (&self.frame, None);
        json::visit_object(frame, self.packet.body?, json::MAX_DEPTH, |key, value| {
            if key.of(frame) == name {
                member = Some(value);
            }
        })
        .ok()?;
        json::decode_value(member?.of(frame))
    }

    /// The arguments of an event or ack.
    pub fn into_payload(self) -> Payload {
        Payload::new(self.frame, self.packet.name, self.packet.args, self.attachments)
    }
}

/// The decoder of one connection.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    limits: Limits,
    assembler: Assembler,
}

impl Decoder {
    /// A decoder for a connection that has just opened.
    pub fn new(codec: Codec, limits: Limits) -> Self {
        Self { codec, limits, assembler: Assembler::default() }
    }

    /// A text message: the packet, unless binary parts are still to come.
    ///
    /// # Errors
    /// [`Code::SocketPacket`], [`Code::Attachments`] or [`Code::PayloadLimit`]: the connection cannot
    /// go on.
    pub fn text(&mut self, frame: Bytes, start: usize) -> Result<Option<Received>, Error> {
        if self.codec.parser == Parser::Msgpack {
            return Err(Error::new(Code::SocketPacket, "text where every packet is MessagePack"));
        }
        if self.assembler.is_pending() {
            return Err(Error::new(
                Code::Attachments,
                "text between an event and its binary parts",
            ));
        }
        let packet = packet::decode(&frame, start, self.codec.revision, &self.limits)?;
        if packet.attachments > 0 {
            self.assembler.begin(frame, packet);
            return Ok(None);
        }
        Ok(Some(Received { packet, frame, attachments: Vec::new() }))
    }

    /// A binary message: the packet it completes.
    ///
    /// # Errors
    /// As [`Decoder::text`].
    pub fn binary(&mut self, data: Bytes) -> Result<Option<Received>, Error> {
        if self.codec.parser == Parser::Msgpack {
            return msgpack::decode(&data, self.codec.revision, &self.limits).map(Some);
        }
        Ok(self.assembler.push(data, &self.limits)?.map(|(frame, packet, attachments)| Received {
            packet,
            frame,
            attachments,
        }))
    }
}
