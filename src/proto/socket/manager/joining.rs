//! What the host wants of a namespace, and when the server may hear of it.

use std::sync::Arc;

use crate::config::SocketOptions;
use crate::error::{Code, Error};
use crate::proto::io::{
    DisconnectReason, Event, LinkId, ManagerState, SocketEvent, SocketId, SocketState,
};
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::{Namespace, Wire};
use crate::proto::socket::rejoin::Rejoin;
use crate::proto::time::{Timestamp, millis};
use crate::proto::track::Track;
use crate::secret::Secret;

/// CONNECT does not follow DISCONNECT of the same namespace sooner than this (`socket-io` 3, rule 4).
const REJOIN_GAP_MS: u64 = 100;

impl Manager {
    pub(super) fn attach(&mut self, socket: SocketId, name: Arc<str>, options: SocketOptions) {
        let is_old = self.codec.is_protocol_4();
        match self.namespaces.iter_mut().find(|namespace| namespace.name == name) {
            // Detached a moment ago; the wire may still know it.
            Some(namespace) => {
                if let Wire::Pending { stale_auth, .. } = &mut namespace.wire {
                    *stale_auth |= if is_old {
                        // `/` is joined without a query.
                        &*name != "/" && namespace.options.query != options.query
                    } else {
                        // Nobody knows which payload a reply answers that another socket was asked for.
                        namespace.options.ask_auth || options.ask_auth
                    };
                }
                namespace.socket = Some(socket);
                namespace.options = options;
                namespace.watch_sent = false;
                namespace.track = Track::default();
            }
            None => {
                self.namespaces.push(Namespace::new(name, socket, options, self.first_ack));
            }
        }
    }

    pub(super) fn index(&self, socket: SocketId) -> Option<usize> {
        self.namespaces.iter().position(|namespace| namespace.socket == Some(socket))
    }

    pub(super) fn connect(&mut self, socket: SocketId, auth: Option<Secret>, now: Timestamp) {
        let Some(index) = self.index(socket).filter(|_| !self.closing) else { return };
        let namespace = &mut self.namespaces[index];
        // With a provider the payload is what it said last.
        let changed = !namespace.options.ask_auth && namespace.auth != auth;
        if changed {
            namespace.auth = auth;
        }
        if namespace.wanted {
            return;
        }
        namespace.wanted = true;
        // A reply that is still due is adopted, unless it answers another auth payload.
        if let Wire::Pending { stale_auth, .. } = &mut namespace.wire {
            *stale_auth |= changed && !self.codec.is_protocol_4();
        }
        self.go_socket(index, SocketState::Joining, None, None, None);
        self.join(index, now);
        // In every other state the path is at work, and a wait that it keeps is not cut short.
        if self.track.state() == ManagerState::Idle {
            self.path.start(Arc::new(self.config.endpoint.clone()), now);
            self.go(ManagerState::Connecting, None);
        }
    }

    /// Send CONNECT if the wire allows it and the protocol has it.
    pub(super) fn join(&mut self, index: usize, now: Timestamp) {
        let Some(link) = self.path.current() else { return };
        let namespace = &self.namespaces[index];
        if !namespace.wanted || namespace.wire != Wire::Apart || namespace.rejoin.is_due() {
            return;
        }
        if self.is_root(index) {
            self.join_root(index, link, now);
        } else if namespace.options.ask_auth && !self.codec.is_protocol_4() {
            self.ask_auth(index, now);
        } else {
            self.send_connect(index, link, now);
        }
    }

    pub(super) fn send_connect(&mut self, index: usize, link: LinkId, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        let own = namespace.auth.as_ref().map(Secret::expose);
        let recovery = namespace.recovery.auth(own);
        let auth = recovery.as_ref().map(Secret::expose).or(own);
        let frame = self.codec.connect(&namespace.name, &namespace.options.query, auth);
        let deadline = now + millis(self.config.common.timeouts.namespace);
        namespace.wire = Wire::Pending { deadline, stale_auth: false };
        self.path.send(link, frame);
    }

    pub(super) fn disconnect(&mut self, socket: SocketId, now: Timestamp) {
        let Some(index) = self.index(socket) else { return };
        let namespace = &mut self.namespaces[index];
        if !namespace.wanted {
            return;
        }
        namespace.wanted = false;
        namespace.asking = None;
        namespace.rejoin = Rejoin::default();
        if !self.config.recover_after_disconnect {
            namespace.recovery.forget();
        }
        let reason = namespace.is_connected().then_some(DisconnectReason::ClientDisconnect);
        self.leave(index, now);
        self.go_socket(index, SocketState::Idle, None, None, reason);
        self.lose_written(index, "the namespace was left before the ack came");
        self.rest_if_unwanted();
    }

    /// Send DISCONNECT if the wire knows the namespace. A reply that is still due is awaited first.
    pub(super) fn leave(&mut self, index: usize, now: Timestamp) {
        let keeps_root = self.keeps_root(index);
        let namespace = &mut self.namespaces[index];
        if namespace.wire == Wire::Joined
            && let Some(link) = self.path.current()
        {
            if keeps_root {
                return namespace.forget_wire();
            }
            let frame = self.codec.disconnect(&namespace.name);
            namespace.forget_wire();
            self.path.send(link, frame);
            let mark = self.path.mark(link);
            self.namespaces[index].wire = Wire::Gap { until: now + REJOIN_GAP_MS, mark };
        }
    }

    pub(super) fn detach(&mut self, socket: SocketId, now: Timestamp) {
        if self.closing {
            return;
        }
        self.disconnect(socket, now);
        let closed = || Error::new(Code::Closed, "the socket was freed");
        for request in self.requests.of(Some(socket)) {
            self.settle(request, Err(closed()));
        }
        let Some(index) = self.index(socket) else { return };
        self.forget_events(index);
        let namespace = &mut self.namespaces[index];
        namespace.recovery.forget();
        namespace.last_error = None;
        namespace.socket = None;
        self.forget_namespaces();
        self.events.push_back(Event::Detached(socket));
    }

    pub(super) fn handle_namespace_timeout(&mut self, index: usize, now: Timestamp) {
        if self.namespaces[index].poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        self.drop_over(index, now);
        self.handle_overdue(index, now);
        if self.namespaces[index].rejoin.take_due(now) {
            self.join(index, now);
        }
        if self.namespaces[index].asking.is_some_and(|asking| asking.deadline <= now) {
            self.namespaces[index].asking = None;
            let error = Error::new(Code::ConnectTimeout, "the application gave no auth payload");
            return self.not_joined(index, error, now);
        }
        match &mut self.namespaces[index].wire {
            Wire::Gap { until, mark } if *until <= now => {
                // On polling the two could get into one POST, which is too close whatever the time.
                let path = &self.path;
                if path.current().is_some_and(|link| !path.has_left(link, *mark)) {
                    *until = now + REJOIN_GAP_MS;
                    return;
                }
                self.namespaces[index].wire = Wire::Apart;
                self.join(index, now);
            }
            Wire::Pending { deadline, .. } if *deadline <= now => {
                // A second CONNECT could cost everyone the connection, so the reply is awaited further.
                *deadline = now + millis(self.config.common.timeouts.namespace);
                if !self.namespaces[index].wanted {
                    return;
                }
                let error = Error::new(Code::ConnectTimeout, "no answer to the namespace CONNECT");
                self.not_joined(index, error, now);
            }
            _ => {}
        }
    }

    /// Joining takes too long. Alone, the connection is made anew; a sibling that is joined, or was a
    /// moment ago, keeps it.
    fn not_joined(&mut self, index: usize, error: Error, now: Timestamp) {
        self.connect_error(index, &error, true);
        let works = |known: &Namespace| matches!(known.wire, Wire::Joined | Wire::Gap { .. });
        if self.namespaces.iter().any(works) {
            self.join(index, now);
        } else if let Some(link) = self.path.current() {
            self.path.fail(link, error, now);
        }
    }

    /// Joining failed; `active`: it goes on.
    pub(super) fn connect_error(&mut self, index: usize, error: &Error, active: bool) {
        let namespace = &mut self.namespaces[index];
        if let Some(socket) = namespace.socket.filter(|_| namespace.wanted) {
            namespace.last_error = Some(error.clone());
            let event = SocketEvent::ConnectError { error: error.clone(), active };
            self.events.push_back(Event::Socket(socket, event));
        }
    }

    /// The server, or who gives the auth payload, does not want this namespace: the socket rests until the user connects again.
    pub(super) fn refuse(&mut self, index: usize, error: Error, now: Timestamp) {
        let namespace = &mut self.namespaces[index];
        let stale_auth = matches!(namespace.wire, Wire::Pending { stale_auth: true, .. });
        namespace.forget_wire();
        // What was refused is an auth payload that the user has replaced since.
        if namespace.wanted && stale_auth {
            return self.join(index, now);
        }
        self.connect_error(index, &error, false);
        let namespace = &mut self.namespaces[index];
        namespace.recovery.forget();
        namespace.wanted = false;
        self.go_socket(index, SocketState::Idle, Some(error), None, None);
        self.rest_if_unwanted();
    }
}
