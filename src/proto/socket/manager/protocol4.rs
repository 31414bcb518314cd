//! What is special about `/` in protocol 4: the server joins it by itself when the connection opens,
//! and once only (`socket-io` 2).
//!
//! So CONNECT is never sent for it, nor DISCONNECT while another namespace wants the connection: a
//! socket that leaves is detached here, and attached again without a word to the server.

use crate::error::{Code, Error};
use crate::proto::io::LinkId;
use crate::proto::socket::decoder::Received;
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::{Namespace, Wire};
use crate::proto::socket::packet::Kind;
use crate::proto::time::{Timestamp, millis};

/// What `/` is on a connection of protocol 4, whoever wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Root {
    /// The server has not joined it yet.
    #[default]
    Awaited,
    /// Joined.
    Joined,
    /// Refused or ended by the server: this connection never has it (again).
    Gone,
}

impl Manager {
    /// Whether a namespace is `/`, and joined by the server.
    pub(super) fn is_root(&self, index: usize) -> bool {
        self.codec.is_protocol_4() && &*self.namespaces[index].name == "/"
    }

    /// Whether the server must not hear that a namespace is left. The last one that is wanted takes
    /// the connection with it.
    pub(super) fn keeps_root(&self, index: usize) -> bool {
        self.is_root(index) && self.namespaces.iter().any(|namespace| namespace.wanted)
    }

    /// Join `/` as the server has it.
    pub(super) fn join_root(&mut self, index: usize, link: LinkId, now: Timestamp) {
        match self.root {
            Root::Awaited => {
                let deadline = now + millis(self.config.common.timeouts.namespace);
                self.namespaces[index].wire = Wire::Pending { deadline, stale_auth: false };
            }
            Root::Joined => self.joined_by_server(index, link, now),
            // Asked for explicitly, so it is worth its price: the others join anew, too.
            Root::Gone => {
                let text = "protocol 4 joins / again on a new connection only";
                self.path.fail(link, Error::new(Code::EngineClosed, text), now);
            }
        }
    }

    /// A namespace is joined. The id of its socket is not on the wire: both ends make it from that of
    /// the engine.
    pub(super) fn joined_by_server(&mut self, index: usize, link: LinkId, now: Timestamp) {
        let Some(handshake) = self.path.handshake(link) else { return };
        let (name, engine) = (&*self.namespaces[index].name, handshake.sid.as_str());
        let sid = if name == "/" { engine.into() } else { format!("{name}#{engine}").into() };
        self.joined(index, sid, None, now);
    }

    /// What a packet for `/` says about the connection. True: there is no more to it.
    pub(super) fn handle_root(&mut self, received: &Received, now: Timestamp) -> bool {
        match received.packet.kind {
            Kind::Connect => self.root = Root::Joined,
            Kind::Disconnect => self.root = Root::Gone,
            Kind::ConnectError if self.root == Root::Awaited => {
                self.root = Root::Gone;
                // A server 2.x joins nothing without `/`, and answers no CONNECT any more.
                if !self.namespaces.iter().any(|known| known.wire == Wire::Joined) {
                    let pending = |known: &Namespace| matches!(known.wire, Wire::Pending { .. });
                    while let Some(index) = self.namespaces.iter().position(pending) {
                        self.handle_connect_error(index, received, now);
                    }
                    return true;
                }
            }
            _ => {}
        }
        false
    }
}
