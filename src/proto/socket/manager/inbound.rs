//! What the server says on the current connection.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::Revision;
use crate::error::{Code, Error, Result};
use crate::proto::io::{AckToken, DisconnectReason, Event, LinkId, SocketEvent, SocketState};
use crate::proto::socket::decoder::Received;
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::Wire;
use crate::proto::socket::packet::Kind;
use crate::proto::time::{Now, Timestamp};

/// What a refusal without a message says.
const REFUSED: &str = "the server refused the namespace";

/// The id in a reply to CONNECT.
fn sid(received: &Received) -> Option<Arc<str>> {
    received.text_member(b"sid").filter(|sid| !sid.is_empty()).map(Arc::from)
}

impl Manager {
    pub(super) fn handle_decoded(
        &mut self,
        link: LinkId,
        received: Result<Option<Received>>,
        now: Timestamp,
    ) {
        match received {
            Ok(Some(received)) => self.handle_packet(received, now),
            Ok(None) => {}
            Err(error) => self.path.fail(link, error, now),
        }
    }

    fn handle_packet(&mut self, received: Received, now: Timestamp) {
        let name = received.namespace();
        let known = self.namespaces.iter().position(|known| known.name.as_bytes() == name);
        let (is_root, is_old) = (name == b"/", self.codec.is_protocol_4());
        if is_root && is_old && self.handle_root(&received, now) {
            return;
        }
        // Packets for namespaces that nobody asked for touch nothing; but servers 2.x show themselves
        // by one.
        let Some(index) = known else {
            if is_root && !is_old && received.packet.kind == Kind::Connect {
                self.handle_unasked_connect(&received, now);
            }
            self.path.stats.packets_ignored += 1;
            return;
        };
        match received.packet.kind {
            Kind::Connect => self.handle_connect(index, &received, now),
            Kind::ConnectError => self.handle_connect_error(index, &received, now),
            Kind::Disconnect => self.handle_disconnect(index, now),
            Kind::Event | Kind::BinaryEvent => self.handle_event(index, received, now),
            Kind::Ack | Kind::BinaryAck => {
                if let Some(id) = received.packet.id {
                    self.handle_ack(index, id, received.into_payload(), now);
                }
            }
        }
    }

    fn handle_connect(&mut self, index: usize, received: &Received, now: Timestamp) {
        let Some(link) = self.path.current() else { return };
        match self.namespaces[index].wire {
            Wire::Pending { .. } if self.codec.is_protocol_4() => {
                self.joined_by_server(index, link, now);
            }
            Wire::Pending { .. } => match sid(received) {
                Some(sid) => {
                    let pid = received.text_member(b"pid");
                    self.joined(index, sid, pid.as_deref(), now);
                }
                None => self.handle_wrong_revision(link, now),
            },
            // Nobody wants it (any more).
            Wire::Apart if !self.codec.is_protocol_4() => {
                if self.handle_unasked_connect(received, now) {
                    self.namespaces[index].wire = Wire::Joined;
                    self.leave(index, now);
                }
            }
            Wire::Apart | Wire::Joined | Wire::Gap { .. } => {}
        }
    }

    /// Only a server 2.x joins `/` by itself, and such a reply has no sid. False: the link is given
    /// up.
    fn handle_unasked_connect(&mut self, received: &Received, now: Timestamp) -> bool {
        let link = self.path.current().filter(|_| sid(received).is_none());
        if let Some(link) = link {
            self.handle_wrong_revision(link, now);
        }
        link.is_none()
    }

    /// The server speaks protocol 4 where 5 was asked for.
    fn handle_wrong_revision(&mut self, link: LinkId, now: Timestamp) {
        let text = "the server speaks Socket.IO 2.x (Engine.IO revision 3)";
        let error = Error::new(Code::EngineRevision, text);
        // Otherwise the next attempt is made with the other revision.
        if self.config.common.transports.revision != Revision::Auto {
            for index in 0..self.namespaces.len() {
                if !self.namespaces[index].is_connected() {
                    self.connect_error(index, &error, true);
                }
            }
        }
        self.path.fail(link, error, now);
    }

    /// The server has joined a namespace.
    pub(super) fn joined(
        &mut self,
        index: usize,
        sid: Arc<str>,
        pid: Option<&str>,
        now: Timestamp,
    ) {
        let namespace = &mut self.namespaces[index];
        let stale_auth = matches!(namespace.wire, Wire::Pending { stale_auth: true, .. });
        namespace.wire = Wire::Joined;
        if !namespace.wanted || stale_auth {
            return self.leave(index, now);
        }
        namespace.recovery.handle_reply(pid);
        namespace.last_error = None;
        namespace.rejoin.handle_joined(now);
        for (payload, ack) in namespace.take_early() {
            if ack.is_none() && namespace.recovery.is_possible() {
                namespace.recovery.note(&payload, Now { mono: now, wall: self.wall });
            }
            if let Some(socket) = namespace.socket {
                let event = SocketEvent::Event { payload, ack };
                self.events.push_back(Event::Socket(socket, event));
            }
        }
        if let Some(link) = self.path.current() {
            self.flush(index, link, now);
        }
        self.go_socket(index, SocketState::Connected, None, Some(sid), None);
    }

    pub(super) fn handle_connect_error(
        &mut self,
        index: usize,
        received: &Received,
        now: Timestamp,
    ) {
        let namespace = &self.namespaces[index];
        if matches!(namespace.wire, Wire::Pending { .. }) {
            let message = received.text().or_else(|| received.text_member(b"message"));
            let message = message.map_or(Cow::Borrowed(REFUSED), |text| text.into_owned().into());
            let json = received.body().and_then(|json| std::str::from_utf8(json).ok());
            let error = Error::new(Code::ConnectError, message);
            self.refuse(index, error.with_server_json(json.unwrap_or("{}")), now);
        } else if self.codec.is_protocol_4() && namespace.is_connected() {
            // What a middleware says later on.
            let payload = received.error_event();
            self.events.extend(
                namespace
                    .socket
                    .map(|socket| Event::Socket(socket, SocketEvent::Event { payload, ack: None })),
            );
        }
    }

    fn handle_disconnect(&mut self, index: usize, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        match namespace.wire {
            Wire::Joined => {
                namespace.forget_wire();
                namespace.recovery.forget();
                let error = Error::new(Code::ServerDisconnect, "disconnected by the server");
                let reason = Some(DisconnectReason::ServerDisconnect);
                let rejoins = self.config.rejoin_after_server_disconnect && {
                    let rejoin = &mut self.namespaces[index].rejoin;
                    rejoin.plan(&self.policy, &mut self.rng, now)
                };
                let state = if rejoins { SocketState::Rejoining } else { SocketState::Idle };
                let namespace = &mut self.namespaces[index];
                namespace.wanted &= rejoins;
                namespace.last_error = Some(error.clone());
                self.go_socket(index, state, Some(error), None, reason);
                self.lose_written(index, "the server disconnected before the ack came");
                self.rest_if_unwanted();
            }
            Wire::Pending { .. } => {
                let text = "the server disconnected the namespace before it was joined";
                self.refuse(index, Error::new(Code::ServerDisconnect, text), now);
            }
            Wire::Apart | Wire::Gap { .. } => {}
        }
    }

    fn handle_event(&mut self, index: usize, received: Received, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        let pending = matches!(namespace.wire, Wire::Pending { .. });
        if !namespace.wanted || !(pending || namespace.wire == Wire::Joined) {
            self.path.stats.packets_ignored += 1;
            return;
        }
        let Some(socket) = namespace.socket else { return };
        let ack = received.packet.id.map(|id| {
            self.last_token += 1;
            let token = AckToken(self.last_token);
            namespace.owe(token, id);
            token
        });
        let payload = received.into_payload();
        if pending {
            let limits = &self.config.common.limits;
            if !namespace.keep_early(payload, ack, limits)
                && let Some(link) = self.path.current()
            {
                let text = "too many events before the CONNECT reply";
                self.path.fail(link, Error::new(Code::SocketPacket, text), now);
            }
        } else {
            if ack.is_none() && namespace.recovery.is_possible() {
                namespace.recovery.note(&payload, Now { mono: now, wall: self.wall });
            }
            self.events.push_back(Event::Socket(socket, SocketEvent::Event { payload, ack }));
        }
    }
}
