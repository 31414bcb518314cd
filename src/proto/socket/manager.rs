//! A manager: one connection, its reconnection, and the sockets that share it.

mod asking;
mod inbound;
mod joining;
mod outbound;
mod protocol4;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::{ManagerConfig, ReconnectPolicy, Revision};
use crate::error::{Code, Error};
use crate::payload::Payload;
use crate::proto::io::{
    AskToken, Command, DisconnectReason, Event, Input, LinkId, ManagerEvent, ManagerState,
    RequestId, Retry, SocketEvent, SocketState, Transmit,
};
use crate::proto::path::{Path, PathEvent, Role, Verdict};
use crate::proto::rng::Rng;
use crate::proto::socket::codec::Codec;
use crate::proto::socket::decoder::Decoder;
use crate::proto::socket::namespace::{Namespace, Wire};
use crate::proto::socket::requests::Requests;
use crate::proto::stats::Stats;
use crate::proto::time::{Now, Timestamp, earliest};
use crate::proto::track::Track;

use outbound::Emit;
use protocol4::Root;

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
    /// The first ack id of a new namespace: higher than those of all that were forgotten, because
    /// the server may still answer these on the same connection.
    first_ack: u64,
    last_token: u64,
    /// The number of the last question to the host, and that of the open one for a target.
    last_ask: u64,
    target_asked: Option<AskToken>,
    /// The present policy, and the failure that the path waits after.
    policy: ReconnectPolicy,
    failure: Option<(u32, Error)>,
    /// The time of day of the last input.
    wall: u64,
    /// A link that opened while the current one was being probed.
    candidate: Option<LinkId>,
    closing: bool,
    /// Idempotency keys: what they begin with, and the number of the last one.
    key: u64,
    last_key: u64,
    rng: Rng,
    events: VecDeque<Event>,
}

impl Manager {
    /// A manager without sockets or connection.
    pub fn new(config: Arc<ManagerConfig>, seed: u64) -> Self {
        let common = Arc::new(config.common.clone());
        let mut path = Path::new(common, &config.reconnect, seed);
        path.ask_targets(config.ask_target);
        // Apart from the numbers that the path draws.
        let mut rng = Rng::new(!seed);
        Self {
            path,
            codec: Codec::default(),
            decoder: Decoder::new(Codec::default(), config.common.limits.clone()),
            root: Root::default(),
            track: Track::default(),
            namespaces: Vec::new(),
            requests: Requests::default(),
            first_ack: 0,
            last_token: 0,
            last_ask: 0,
            target_asked: None,
            policy: config.reconnect.clone(),
            failure: None,
            wall: 0,
            candidate: None,
            closing: false,
            key: rng.next_u64(),
            last_key: 0,
            rng,
            config,
            events: VecDeque::new(),
        }
    }

    /// Events and bytes that wait to be written.
    pub fn queued(&self) -> (usize, usize) {
        let (path, own) = (self.path.queued(), self.requests.queued());
        (path.0 + own.0, path.1 + own.1)
    }

    /// What it has done so far.
    pub const fn stats(&self) -> &Stats {
        &self.path.stats
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
            Command::Target { token, target } => self.handle_target(token, target, now),
            Command::Auth { token, auth } => self.handle_auth(token, auth, now),
            Command::SetHeaders(headers) => self.path.set_headers(headers),
            Command::SetReconnect(policy) => self.set_reconnect(policy),
            Command::Login { request, .. }
            | Command::Logout { request }
            | Command::Rejoin { request }
            | Command::Restore { request, .. }
            | Command::Request { request, .. } => {
                let error = Error::new(Code::Unsupported, "a manager has no conference");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
            Command::Token { .. } => {}
        }
        self.run(now);
    }

    /// Close the connection when no socket wants one.
    fn rest_if_unwanted(&mut self) {
        if self.namespaces.iter().any(|namespace| namespace.wanted) {
            return;
        }
        self.path.stop();
        self.failure = None;
        self.candidate = None;
        for namespace in &mut self.namespaces {
            namespace.forget_wire();
        }
        self.forget_namespaces();
        self.go(ManagerState::Idle, None);
    }

    /// Forget what neither the host nor the wire knows any more.
    fn forget_namespaces(&mut self) {
        let first_ack = &mut self.first_ack;
        self.namespaces.retain(|known| {
            let is_known = known.socket.is_some() || known.wire != Wire::Apart;
            if !is_known {
                *first_ack = known.next_ack.max(*first_ack);
            }
            is_known
        });
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
        self.wall = now.wall;
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
        self.forget_namespaces();
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
                PathEvent::TargetWanted { attempt, error } => self.ask_target(attempt, error),
                PathEvent::Message { .. } | PathEvent::Binary { .. } => {
                    self.path.stats.packets_ignored += 1;
                }
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
        self.failure = None;
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
                let namespace = &mut self.namespaces[index];
                namespace.forget_wire();
                let state = if !namespace.wanted {
                    SocketState::Idle
                } else if namespace.is_connected() {
                    SocketState::Rejoining
                } else {
                    namespace.track.state()
                };
                self.go_socket(index, state, Some(error.clone()), None, Some(reason));
                self.lose_written(index, "the connection was lost before the ack came");
            }
            self.forget_namespaces();
            if let Some(candidate) = self.candidate {
                self.adopt(candidate, now);
            }
        } else if role == Role::Fresh && self.path.current().is_none() {
            let active = self.path.will_dial();
            for index in 0..self.namespaces.len() {
                self.connect_error(index, error, active);
            }
        }
    }

    fn handle_retry(&mut self, attempt: u32, error: Error, delay_ms: Option<u64>) {
        let retry = Retry { attempt, error: error.clone(), delay_ms, grace_ms: None };
        self.events.push_back(Event::Manager(ManagerEvent::Retry(retry)));
        self.failure = Some((attempt, error.clone()));
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
            let recovered = state == SocketState::Connected && namespace.recovery.is_recovered();
            let event = SocketEvent::State { transition, socket_sid, reason, recovered };
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
