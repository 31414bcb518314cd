//! How packets look on one connection.

use std::borrow::Cow;

use crate::config::{Parser, Revision};
use crate::payload::Outgoing;
use crate::proto::engine::session::Frame;
use crate::proto::socket::msgpack;
use crate::proto::socket::packet::{self, Kind};

/// The form of all packets of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codec {
    /// The revision of Engine.IO: with 3 goes protocol 4, otherwise it is protocol 5. Never `Auto`.
    pub revision: Revision,
    /// Text or MessagePack.
    pub parser: Parser,
}

impl Codec {
    /// Whether this is protocol 4, which servers 2.x speak.
    pub fn is_protocol_4(self) -> bool {
        self.revision == Revision::V3
    }

    /// The frame that joins a namespace, with what the protocol has for it: `query` is percent-encoded
    /// and goes with protocol 4, `auth_json` is an object that was checked and goes with protocol 5.
    pub fn connect(self, namespace: &str, query: &str, auth_json: Option<&str>) -> Frame {
        let (address, auth_json) = if !self.is_protocol_4() {
            (Cow::Borrowed(namespace), auth_json)
        } else if query.is_empty() {
            (Cow::Borrowed(namespace), None)
        } else {
            // A comma would end the name.
            (Cow::Owned(format!("{namespace}?{}", query.replace(',', "%2C"))), None)
        };
        match self.parser {
            Parser::Json => Frame::Text(packet::connect(&address, auth_json)),
            Parser::Msgpack => {
                let auth = auth_json.map(str::as_bytes);
                Frame::Binary(msgpack::encode(Kind::Connect, &address, None, auth, &[]))
            }
        }
    }

    /// The frame that leaves a namespace.
    pub fn disconnect(self, namespace: &str) -> Frame {
        match self.parser {
            Parser::Json => Frame::Text(packet::disconnect(namespace)),
            Parser::Msgpack => {
                Frame::Binary(msgpack::encode(Kind::Disconnect, namespace, None, None, &[]))
            }
        }
    }

    /// The frames of an event, to be sent without anything between them.
    pub fn event(self, namespace: &str, id: Option<u64>, event: Outgoing, send: impl FnMut(Frame)) {
        let kind = if event.attachment_count() > 0 { Kind::BinaryEvent } else { Kind::Event };
        self.message(kind, namespace, id, event, send);
    }

    /// The frames of an ack, to be sent without anything between them.
    pub fn ack(self, namespace: &str, id: u64, ack: Outgoing, send: impl FnMut(Frame)) {
        let kind = if ack.attachment_count() > 0 { Kind::BinaryAck } else { Kind::Ack };
        self.message(kind, namespace, Some(id), ack, send);
    }

    fn message(
        self,
        kind: Kind,
        namespace: &str,
        id: Option<u64>,
        outgoing: Outgoing,
        mut send: impl FnMut(Frame),
    ) {
        if self.parser == Parser::Msgpack {
            let (json, attachments) = (outgoing.json(), outgoing.attachments());
            return send(Frame::Binary(msgpack::encode(
                kind,
                namespace,
                id,
                Some(json),
                attachments,
            )));
        }
        let header = packet::header(kind, namespace, outgoing.attachment_count(), id);
        let (frame, attachments) = outgoing.stamp(&header);
        send(Frame::Text(frame));
        attachments.into_iter().map(Frame::Binary).for_each(send);
    }
}
