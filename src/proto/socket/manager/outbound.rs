//! What the host says through its sockets.

use crate::error::{Code, Error};
use crate::payload::Outgoing;
use crate::proto::io::{AckToken, Event, LinkId, Offline, RequestId, SocketId};
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::Queued;
use crate::proto::time::{Timestamp, millis};

impl Manager {
    pub(super) fn emit(
        &mut self,
        socket: SocketId,
        event: Outgoing,
        request: Option<RequestId>,
        timeout_ms: Option<u64>,
        offline: &Offline,
        now: Timestamp,
    ) {
        let Some(index) = self.index(socket).filter(|_| !self.closing) else {
            if let Some(request) = request {
                let error = Error::new(Code::Closed, "the socket was freed");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
            return;
        };
        let connected = self.namespaces[index].is_connected();
        let link = self.path.current().filter(|_| connected);
        if *offline == Offline::Volatile && !link.is_some_and(|link| self.path.is_writable(link)) {
            if let Some(request) = request {
                let error = Error::new(Code::NotSent, "volatile, and the connection is not ready");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
            return;
        }
        if let Some(request) = request {
            let limit = timeout_ms.or_else(|| self.config.ack_timeout.map(millis));
            self.requests.add(request, socket, limit.map(|ms| now + ms));
        }
        match link {
            Some(link) => self.write(index, link, Queued { event, request }),
            None => {
                self.requests.count(&event);
                self.namespaces[index].queue.push_back(Queued { event, request });
            }
        }
    }

    pub(super) fn write(&mut self, index: usize, link: LinkId, queued: Queued) {
        let namespace = &mut self.namespaces[index];
        let id = match queued.request {
            Some(request) => {
                let id = namespace.expect_ack(request);
                self.requests.written(request, id);
                Some(id)
            }
            None => None,
        };
        let (path, name) = (&mut self.path, &namespace.name);
        self.codec.event(name, id, queued.event, |frame| path.send(link, frame));
    }

    pub(super) fn ack(&mut self, socket: SocketId, token: AckToken, ack: Outgoing) {
        let Some(index) = self.index(socket) else { return };
        let (Some(link), Some(id)) = (self.path.current(), self.namespaces[index].pay(token))
        else {
            return;
        };
        let (path, name) = (&mut self.path, &self.namespaces[index].name);
        self.codec.ack(name, id, ack, |frame| path.send(link, frame));
    }
}
