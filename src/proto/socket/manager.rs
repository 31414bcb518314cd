//! A manager: one connection, its reconnection, and the sockets that share it.

mod inbound;
mod outbound;
mod protocol4;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::{ManagerConfig, Revision, SocketOptions};
use crate::error::{Code, Error};
use crate::payload::Payload;
use crate::proto::io::{
    Command, DisconnectReason, Event, Input, LinkId, ManagerEvent, ManagerState, RequestId, Retry,
    SocketEvent, SocketId, SocketState, Transmit,
};
use crate::proto::path::{Path, PathEvent, Role, Verdict};
use crate::proto::rng::Rng;
use crate::proto::socket::codec::Codec;
use crate::proto::socket::decoder::Decoder;
use crate::proto::socket::namespace::{Namespace, Wire};
use crate::proto::socket::requests::Requests;
use crate::proto::time::{Now, Timestamp, earliest, millis};
use crate::proto::track::Track;
use crate::secret::Secret;

use outbound::Emit;
use protocol4::Root;

/// CONNECT does not follow DISCONNECT of the same namespace sooner than this (`socket-io` 3, rule 4).
const REJOIN_GAP_MS: u64 = 100;

/// One manager and its sockets.
#[derive(Debug)]
pub struct Manager {
    config: Arc<ManagerConfig>,
    path: Path,
    /// Of the current link, as is the decoder.
    codec: Codec,
    decoder: Decoder,
    root: Root,
    track: Track<ManagerState>,
    namespaces: Vec<Namespace>,
    requests: Requests,
    last_token: u64,
    /// A link that opened while the current one was being probed.
    candidate: Option<LinkId>,
    closing: bool,
    /// Idempotency keys: what they begin with, and the number of the last one.
    key: u64,
    last_key: u64,
    events: VecDeque<Event>,
}

impl Manager {
    /// A manager without sockets or connection.
    pub fn new(config: Arc<ManagerConfig>, seed: u64) -> Self {
        let common = Arc::new(config.common.clone());
        Self {
            path: Path::new(common, &config.reconnect, seed),
            codec: Codec::default(),
            decoder: Decoder::new(Codec::default(), config.common.limits.clone()),
            root: Root::default(),
            config,
            track: Track::default(),
            namespaces: Vec::new(),
            requests: Requests::default(),
            last_token: 0,
            candidate: None,
            closing: false,
            // Apart from the numbers that the jitter is made of.
            key: Rng::new(!seed).next_u64(),
            last_key: 0,
            events: VecDeque::new(),
        }
    }

    /// Events and bytes that wait to be written.
    pub fn queued(&self) -> (usize, usize) {
        let (path, own) = (self.path.queued(), self.requests.queued());
        (path.0 + own.0, path.1 + own.1)
    }

    // ---- commands -------------------------------------------------------------------------

    /// The host wants something.
    pub fn handle_command(&mut self, command: Command, now: Now) {
        let now = now.mono;
        if !matches!(command, Command::Hint(_)) {
            self.path.wake(now);
        }
        match command {
            Command::Hint(hint) => self.path.handle_hint(hint, now),
            Command::Close => self.close(),
            Command::Cancel { request } => {
                let error = Error::new(Code::Cancelled, "cancelled by the host");
                self.settle(request, Err(error));
                (0..self.namespaces.len()).for_each(|index| self.fill(index, now));
            }
            Command::Attach { socket, namespace, options } => {
                self.attach(socket, namespace, options);
            }
            Command::Connect { socket, auth } => self.connect(socket, auth, now),
            Command::Disconnect { socket } => self.disconnect(socket, now),
            Command::Detach { socket } => self.detach(socket, now),
            Command::Emit { socket, event, request, timeout_ms, offline } => {
                self.emit(socket, Emit { event, request, timeout_ms, offline }, now);
            }
            Command::Ack { socket, token, ack } => self.ack(socket, token, ack),
            Command::WatchSent { socket, watch } => {
                if let Some(index) = self.index(socket) {
                    self.namespaces[index].watch_sent = watch;
                }
            }
            Command::Target { .. }
            | Command::Auth { .. }
            | Command::SetHeaders(_)
            | Command::SetReconnect(_) => {}
            Command::Login { request, .. }
            | Command::Logout { request }
            | Command::Request { request, .. } => {
                let error = Error::new(Code::Unsupported, "a manager has no conference");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
        }
        self.run(now);
    }

    fn attach(&mut self, socket: SocketId, name: Arc<str>, options: SocketOptions) {
        match self.namespaces.iter_mut().find(|namespace| namespace.name == name) {
            // Detached a moment ago; the wire may still know it.
            Some(namespace) => {
                namespace.socket = Some(socket);
                namespace.options = options;
                namespace.watch_sent = false;
                namespace.track = Track::default();
            }
            None => self.namespaces.push(Namespace::new(name, socket, options)),
        }
    }

    fn index(&self, socket: SocketId) -> Option<usize> {
        self.namespaces.iter().position(|namespace| namespace.socket == Some(socket))
    }

    fn connect(&mut self, socket: SocketId, auth: Option<Secret>, now: Timestamp) {
        let Some(index) = self.index(socket).filter(|_| !self.closing) else { return };
        let namespace = &mut self.namespaces[index];
        let changed = namespace.auth != auth;
        namespace.auth = auth;
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
    fn join(&mut self, index: usize, now: Timestamp) {
        let Some(link) = self.path.current() else { return };
        let namespace = &self.namespaces[index];
        if !namespace.wanted || namespace.wire != Wire::Apart {
            return;
        }
        if self.is_root(index) {
            return self.join_root(index, link, now);
        }
        let namespace = &mut self.namespaces[index];
        let auth = namespace.auth.as_ref().map(Secret::expose);
        let frame = self.codec.connect(&namespace.name, &namespace.options.query, auth);
        let deadline = now + millis(self.config.common.timeouts.namespace);
        namespace.wire = Wire::Pending { deadline, stale_auth: false };
        self.path.send(link, frame);
    }

    fn disconnect(&mut self, socket: SocketId, now: Timestamp) {
        let Some(index) = self.index(socket) else { return };
        let namespace = &mut self.namespaces[index];
        if !namespace.wanted {
            return;
        }
        namespace.wanted = false;
        let reason = namespace.is_connected().then_some(DisconnectReason::ClientDisconnect);
        self.leave(index, now);
        self.go_socket(index, SocketState::Idle, None, None, reason);
        self.lose_written(index, "the namespace was left before the ack came");
        self.rest_if_unwanted();
    }

    /// Send DISCONNECT if the wire knows the namespace. A reply that is still due is awaited first.
    fn leave(&mut self, index: usize, now: Timestamp) {
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

    fn detach(&mut self, socket: SocketId, now: Timestamp) {
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
        namespace.socket = None;
        if namespace.wire == Wire::Apart {
            self.namespaces.remove(index);
        }
        self.events.push_back(Event::Detached(socket));
    }

    /// Close the connection when no socket wants one.
    fn rest_if_unwanted(&mut self) {
        if self.namespaces.iter().any(|namespace| namespace.wanted) {
            return;
        }
        self.path.stop();
        self.candidate = None;
        for namespace in &mut self.namespaces {
            namespace.forget_wire();
        }
        self.namespaces.retain(|namespace| namespace.socket.is_some());
        self.go(ManagerState::Idle, None);
    }

    fn close(&mut self) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        for request in self.requests.of(None) {
            self.settle(request, Err(Error::new(Code::Closed, "the manager was closed")));
        }
        if let Some(link) = self.path.current() {
            for namespace in self.namespaces.iter().filter(|known| known.wire == Wire::Joined) {
                self.path.send(link, self.codec.disconnect(&namespace.name));
            }
        }
        for index in 0..self.namespaces.len() {
            let reason = self.namespaces[index].is_connected();
            let reason = reason.then_some(DisconnectReason::ClientDisconnect);
            self.go_socket(index, SocketState::Closed, None, None, reason);
            self.forget_events(index);
            self.namespaces[index].wanted = false;
            self.namespaces[index].forget_wire();
        }
        self.path.stop();
        self.go(ManagerState::Closed, None);
        self.events.push_back(Event::Finished);
    }

    // ---- outcomes -------------------------------------------------------------------------

    /// Give a request its outcome; nothing happens when it has one.
    fn settle(&mut self, request: RequestId, result: Result<Payload, Error>) {
        let Some(pending) = self.requests.finish(request) else { return };
        if let Some(index) = self.index(pending.socket) {
            match pending.ack {
                Some(id) => drop(self.namespaces[index].take_ack(id)),
                None => self.forget_event(index, request),
            }
        }
        self.events.push_back(Event::Outcome { request, result });
    }

    // ---- the network ----------------------------------------------------------------------

    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Now) {
        if matches!(input, Input::HostQueue { full: true }) && !self.closing {
            self.events.push_back(Event::Manager(ManagerEvent::HostSlow));
        }
        self.path.handle_input(input, now.mono);
        self.run(now.mono);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        if self.path.is_suspended() {
            return;
        }
        self.path.handle_timeout(now);
        self.run(now);
        self.settle_due(now);
        for index in 0..self.namespaces.len() {
            self.handle_namespace_timeout(index, now);
        }
        self.namespaces.retain(|known| known.socket.is_some() || known.wire != Wire::Apart);
        self.run(now);
    }

    fn settle_due(&mut self, now: Timestamp) {
        while let Some(request) = self.requests.due(now) {
            let error = if self.requests.is_written(request) {
                Error::new(Code::AckTimeout, "no ack in time")
            } else {
                Error::new(Code::NotSent, "not connected within the time limit")
            };
            self.settle(request, Err(error));
        }
    }

    fn handle_namespace_timeout(&mut self, index: usize, now: Timestamp) {
        if self.namespaces[index].poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        self.drop_over(index, now);
        self.handle_overdue(index, now);
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
                // A second CONNECT could cost everyone the connection, so with a joined sibling the
                // reply is awaited further; alone, the connection is made anew.
                *deadline = now + millis(self.config.common.timeouts.namespace);
                let error = Error::new(Code::ConnectTimeout, "no answer to the namespace CONNECT");
                self.connect_error(index, &error, true);
                let siblings = self.namespaces.iter().any(|known| known.wire == Wire::Joined);
                if let Some(link) = self.path.current().filter(|_| !siblings) {
                    self.path.fail(link, error, now);
                }
            }
            _ => {}
        }
    }

    fn connect_error(&mut self, index: usize, error: &Error, active: bool) {
        let namespace = &self.namespaces[index];
        if let Some(socket) = namespace.socket.filter(|_| namespace.wanted) {
            let event = SocketEvent::ConnectError { error: error.clone(), active };
            self.events.push_back(Event::Socket(socket, event));
        }
    }

    /// Work off what the path has to say.
    fn run(&mut self, now: Timestamp) {
        while let Some(event) = self.path.poll_event() {
            match event {
                PathEvent::Opened(link) => self.handle_opened(link, now),
                PathEvent::Message { link, frame, start } if self.path.current() == Some(link) => {
                    let received = self.decoder.text(frame, start);
                    self.handle_decoded(link, received, now);
                }
                PathEvent::Binary { link, data } if self.path.current() == Some(link) => {
                    let received = self.decoder.binary(data);
                    self.handle_decoded(link, received, now);
                }
                PathEvent::Lost { link, role, error, .. } => {
                    self.handle_lost(link, role, &error, now);
                }
                PathEvent::Retry { attempt, error, delay_ms } => {
                    self.handle_retry(attempt, error, delay_ms);
                }
                PathEvent::Alive => {
                    if let Some(candidate) = self.candidate.take() {
                        self.path.hangup(candidate);
                    }
                }
                PathEvent::Abandoned(link) => self.forget_candidate(link),
                PathEvent::Upgraded(link) if self.path.current() == Some(link) => {
                    self.tell_transport(link, true);
                }
                // A link that is not in use yet is told of when it is.
                PathEvent::Upgraded(_) => {}
                PathEvent::UpgradeFailed(error) => {
                    self.events.push_back(Event::Manager(ManagerEvent::UpgradeFailed(error)));
                }
                PathEvent::TargetWanted { .. } => {}
                PathEvent::Message { .. } | PathEvent::Binary { .. } => {}
            }
        }
        self.path.set_outstanding(self.awaits_answer(), now);
    }

    fn awaits_answer(&self) -> bool {
        self.requests.await_answers() || self.namespaces.iter().any(Namespace::awaits_answer)
    }

    fn handle_opened(&mut self, link: LinkId, now: Timestamp) {
        match self.path.verdict(link) {
            Verdict::Required => self.adopt(link, now),
            // The server of protocol 4 takes a spare connection for a second client.
            _ if self.path.revision(link) == Revision::V3 => self.path.hangup(link),
            // Moving a plain socket costs its server-side session, so it stays while it lives.
            Verdict::Moved | Verdict::Wait => self.candidate = Some(link),
            Verdict::Unneeded => self.path.hangup(link),
        }
    }

    fn adopt(&mut self, link: LinkId, now: Timestamp) {
        self.candidate = None;
        self.path.promote(link);
        self.path.in_service(link, now);
        self.codec = Codec { revision: self.path.revision(link), parser: self.config.parser };
        self.decoder = Decoder::new(self.codec, self.config.common.limits.clone());
        self.root = Root::default();
        self.path.set_movable(!self.codec.is_protocol_4());
        self.go(ManagerState::Connected, None);
        self.tell_transport(link, false);
        for index in 0..self.namespaces.len() {
            self.join(index, now);
        }
    }

    fn tell_transport(&mut self, link: LinkId, upgraded: bool) {
        if let Some(transport) = self.path.transport(link) {
            let event = ManagerEvent::Transport { transport, upgraded };
            self.events.push_back(Event::Manager(event));
        }
    }

    fn forget_candidate(&mut self, link: LinkId) {
        if self.candidate == Some(link) {
            self.candidate = None;
        }
    }

    fn handle_lost(&mut self, link: LinkId, role: Role, error: &Error, now: Timestamp) {
        self.forget_candidate(link);
        if role == Role::Current {
            self.go(ManagerState::Reconnecting, Some(error.clone()));
            let reason = disconnect_reason(error.code());
            for index in 0..self.namespaces.len() {
                self.namespaces[index].forget_wire();
                self.lose_written(index, "the connection was lost before the ack came");
                let state = if !self.namespaces[index].wanted {
                    SocketState::Idle
                } else if self.namespaces[index].is_connected() {
                    SocketState::Rejoining
                } else {
                    continue;
                };
                self.go_socket(index, state, Some(error.clone()), None, Some(reason));
            }
            self.namespaces.retain(|namespace| namespace.socket.is_some());
            if let Some(candidate) = self.candidate {
                self.adopt(candidate, now);
            }
        } else if role == Role::Fresh && self.path.current().is_none() {
            for index in 0..self.namespaces.len() {
                self.connect_error(index, error, true);
            }
        }
    }

    fn handle_retry(&mut self, attempt: u32, error: Error, delay_ms: Option<u64>) {
        let retry = Retry { attempt, error: error.clone(), delay_ms, grace_ms: None };
        self.events.push_back(Event::Manager(ManagerEvent::Retry(retry)));
        if delay_ms.is_none() {
            for index in 0..self.namespaces.len() {
                self.namespaces[index].wanted = false;
                self.go_socket(index, SocketState::Idle, Some(error.clone()), None, None);
            }
            self.rest_if_unwanted();
        }
    }

    // ---- states ---------------------------------------------------------------------------

    fn go(&mut self, state: ManagerState, cause: Option<Error>) {
        if let Some(transition) = self.track.go(state, cause) {
            self.events.push_back(Event::Manager(ManagerEvent::State(transition)));
        }
    }

    fn go_socket(
        &mut self,
        index: usize,
        state: SocketState,
        cause: Option<Error>,
        socket_sid: Option<Arc<str>>,
        reason: Option<DisconnectReason>,
    ) {
        let namespace = &mut self.namespaces[index];
        let transition = namespace.track.go(state, cause);
        if let (Some(transition), Some(socket)) = (transition, namespace.socket) {
            let event = SocketEvent::State { transition, socket_sid, reason, recovered: false };
            self.events.push_back(Event::Socket(socket, event));
        }
    }

    /// The next thing to do on the network.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.path.poll_transmit()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Manager::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.path.is_suspended() {
            return None;
        }
        let namespaces = self.namespaces.iter().filter_map(Namespace::poll_timeout).min();
        earliest(self.path.poll_timeout(), earliest(namespaces, self.requests.poll_timeout()))
    }
}

/// The reason in the reference client's words.
const fn disconnect_reason(code: Code) -> DisconnectReason {
    match code {
        Code::PingTimeout => DisconnectReason::PingTimeout,
        Code::EngineClosed | Code::NetworkLost => DisconnectReason::TransportClose,
        Code::SocketPacket | Code::Attachments => DisconnectReason::ParseError,
        _ => DisconnectReason::TransportError,
    }
}
