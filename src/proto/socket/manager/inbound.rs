//! What the server says on the current connection.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::proto::io::{AckToken, DisconnectReason, Event, LinkId, SocketEvent, SocketState};
use crate::proto::socket::decoder::Received;
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::Wire;
use crate::proto::socket::packet::Kind;
use crate::proto::time::Timestamp;

/// What a refusal without a message says.
const REFUSED: &str = "the server refused the namespace";

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
        // Packets for namespaces that nobody asked for touch nothing.
        let Some(index) = known else { return };
        match received.packet.kind {
            Kind::Connect => self.handle_connect(index, &received, now),
            Kind::ConnectError => self.handle_connect_error(index, &received, now),
            Kind::Disconnect => self.handle_disconnect(index, now),
            Kind::Event | Kind::BinaryEvent => self.handle_event(index, received, now),
            Kind::Ack | Kind::BinaryAck => {
                let id = received.packet.id;
                if let Some(request) = id.and_then(|id| self.namespaces[index].take_ack(id)) {
                    self.settle(request, Ok(received.into_payload()));
                }
            }
        }
    }

    fn handle_connect(&mut self, index: usize, received: &Received, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        let Wire::Pending { stale_auth, .. } = namespace.wire else { return };
        namespace.wire = Wire::Joined;
        if !namespace.wanted || stale_auth {
            return self.leave(index, now);
        }
        let sid = received.text_member(b"sid").filter(|sid| !sid.is_empty());
        let Some(sid) = sid.map(Arc::from) else {
            let text = "CONNECT reply without a sid: the server may speak Socket.IO 2.x";
            let error = Error::new(Code::ConnectError, text);
            if let Some(link) = self.path.current() {
                self.connect_error(index, &error, true);
                self.path.fail(link, error, now);
            }
            return;
        };
        for (payload, ack) in namespace.take_early() {
            if let Some(socket) = namespace.socket {
                let event = SocketEvent::Event { payload, ack };
                self.events.push_back(Event::Socket(socket, event));
            }
        }
        if let Some(link) = self.path.current() {
            for queued in std::mem::take(&mut self.namespaces[index].queue) {
                self.requests.uncount(&queued.event);
                self.write(index, link, queued);
            }
        }
        self.go_socket(index, SocketState::Connected, None, Some(sid), None);
    }

    fn handle_connect_error(&mut self, index: usize, received: &Received, now: Timestamp) {
        if matches!(self.namespaces[index].wire, Wire::Pending { .. }) {
            let message = received.text().or_else(|| received.text_member(b"message"));
            let message = message.map_or(Cow::Borrowed(REFUSED), |text| text.into_owned().into());
            let json = received.body().and_then(|json| std::str::from_utf8(json).ok());
            let error = Error::new(Code::ConnectError, message);
            self.refuse(index, error.with_server_json(json.unwrap_or("{}")), now);
        }
    }

    /// The server does not want this namespace: the socket rests until the user connects again.
    fn refuse(&mut self, index: usize, error: Error, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        let stale_auth = matches!(namespace.wire, Wire::Pending { stale_auth: true, .. });
        namespace.forget_wire();
        // What was refused is an auth payload that the user has replaced since.
        if namespace.wanted && stale_auth {
            return self.join(index, now);
        }
        self.connect_error(index, &error, false);
        self.namespaces[index].wanted = false;
        self.go_socket(index, SocketState::Idle, Some(error), None, None);
        self.rest_if_unwanted();
    }

    fn handle_disconnect(&mut self, index: usize, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        match namespace.wire {
            Wire::Joined => {
                namespace.forget_wire();
                namespace.wanted = false;
                let error = Error::new(Code::ServerDisconnect, "disconnected by the server");
                let reason = Some(DisconnectReason::ServerDisconnect);
                self.lose_written(index, "the server disconnected before the ack came");
                self.go_socket(index, SocketState::Idle, Some(error), None, reason);
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
            self.events.push_back(Event::Socket(socket, SocketEvent::Event { payload, ack }));
        }
    }
}
