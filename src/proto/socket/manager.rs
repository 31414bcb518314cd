//! A manager: one connection, its reconnection, and the sockets that share it.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::config::ManagerConfig;
use crate::error::{Code, Error};
use crate::payload::{Outgoing, Payload};
use crate::proto::engine::session::Frame;
use crate::proto::io::{
    AckToken, Command, DisconnectReason, Event, Input, LinkId, ManagerEvent, ManagerState,
    RequestId, Retry, SocketEvent, SocketId, SocketState, Transmit,
};
use crate::proto::path::{Path, PathEvent, Role, Verdict};
use crate::proto::socket::decoder::{Decoder, Received};
use crate::proto::socket::namespace::{Namespace, Queued, Wire};
use crate::proto::socket::packet::{self, Kind};
use crate::proto::time::{Now, Timestamp, earliest, millis};
use crate::proto::track::{Deadlines, Track};
use crate::secret::Secret;

/// CONNECT does not follow DISCONNECT of the same namespace sooner than this (`socket-io` 3, rule 4).
const REJOIN_GAP_MS: u64 = 100;
/// What a refusal without a message says.
const REFUSED: &str = "the server refused the namespace";

/// A request that has no outcome yet.
#[derive(Debug)]
struct Pending {
    socket: SocketId,
    deadline: Option<Timestamp>,
    /// Under which it was written.
    ack: Option<u64>,
}

/// One manager and its sockets.
#[derive(Debug)]
pub struct Manager {
    config: Arc<ManagerConfig>,
    path: Path,
    decoder: Decoder,
    track: Track<ManagerState>,
    namespaces: Vec<Namespace>,
    requests: HashMap<RequestId, Pending>,
    deadlines: Deadlines,
    /// How many of `requests` were written.
    unanswered: usize,
    queued: (usize, usize),
    last_token: u64,
    /// A link that opened while the current one was being probed.
    candidate: Option<LinkId>,
    closing: bool,
    events: VecDeque<Event>,
}

impl Manager {
    /// A manager without sockets or connection.
    pub fn new(config: Arc<ManagerConfig>, seed: u64) -> Self {
        let common = Arc::new(config.common.clone());
        Self {
            path: Path::new(common, &config.reconnect, seed),
            decoder: Decoder::new(config.common.limits.clone()),
            config,
            track: Track::default(),
            namespaces: Vec::new(),
            requests: HashMap::new(),
            deadlines: Deadlines::default(),
            unanswered: 0,
            queued: (0, 0),
            last_token: 0,
            candidate: None,
            closing: false,
            events: VecDeque::new(),
        }
    }

    /// Events and bytes that wait to be written.
    pub fn queued(&self) -> (usize, usize) {
        let (frames, bytes) = self.path.queued();
        (frames + self.queued.0, bytes + self.queued.1)
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
            }
            Command::Attach { socket, namespace } => self.attach(socket, namespace),
            Command::Connect { socket, auth } => self.connect(socket, auth, now),
            Command::Disconnect { socket } => self.disconnect(socket, now),
            Command::Detach { socket } => self.detach(socket, now),
            Command::Emit { socket, event, request, timeout_ms, volatile } => {
                self.emit(socket, event, request, timeout_ms, volatile, now);
            }
            Command::Ack { socket, token, ack } => self.ack(socket, token, ack),
            Command::Login { request, .. }
            | Command::Logout { request }
            | Command::Request { request, .. } => {
                let error = Error::new(Code::Unsupported, "a manager has no conference");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
        }
        self.run(now);
    }

    fn attach(&mut self, socket: SocketId, name: Arc<str>) {
        match self.namespaces.iter_mut().find(|namespace| namespace.name == name) {
            // Detached a moment ago; the wire may still know it.
            Some(namespace) => {
                namespace.socket = Some(socket);
                namespace.track = Track::default();
            }
            None => self.namespaces.push(Namespace::new(name, socket)),
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
            *stale_auth |= changed;
        }
        self.go_socket(index, SocketState::Joining, None, None, None);
        self.join(index, now);
        // In every other state the path is at work, and a wait that it keeps is not cut short.
        if self.track.state() == ManagerState::Idle {
            self.path.start(Arc::new(self.config.endpoint.clone()), now);
            self.go(ManagerState::Connecting, None);
        }
    }

    /// Send CONNECT if the wire allows it.
    fn join(&mut self, index: usize, now: Timestamp) {
        let Some(link) = self.path.current() else { return };
        let namespace = &mut self.namespaces[index];
        if !namespace.wanted || namespace.wire != Wire::Apart {
            return;
        }
        let auth = namespace.auth.as_ref().map(Secret::expose);
        let frame = packet::connect(&namespace.name, auth);
        let deadline = now + millis(self.config.common.timeouts.namespace);
        namespace.wire = Wire::Pending { deadline, stale_auth: false };
        self.path.send(link, Frame::Text(frame));
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
        let namespace = &mut self.namespaces[index];
        if namespace.wire == Wire::Joined
            && let Some(link) = self.path.current()
        {
            let frame = packet::disconnect(&namespace.name);
            namespace.forget_wire();
            namespace.wire = Wire::Gap { until: now + REJOIN_GAP_MS };
            self.path.send(link, Frame::Text(frame));
        }
    }

    fn detach(&mut self, socket: SocketId, now: Timestamp) {
        if self.closing {
            return;
        }
        self.disconnect(socket, now);
        let closed = || Error::new(Code::Closed, "the socket was freed");
        let requests: Vec<RequestId> = self.requests_of(socket);
        for request in requests {
            self.settle(request, Err(closed()));
        }
        let Some(index) = self.index(socket) else { return };
        let namespace = &mut self.namespaces[index];
        for queued in std::mem::take(&mut namespace.queue) {
            Self::uncount(&mut self.queued, &queued.event);
        }
        namespace.socket = None;
        if namespace.wire == Wire::Apart {
            self.namespaces.remove(index);
        }
        self.events.push_back(Event::Detached(socket));
    }

    fn requests_of(&self, socket: SocketId) -> Vec<RequestId> {
        let of_socket = self.requests.iter().filter(|(_, pending)| pending.socket == socket);
        let mut requests: Vec<RequestId> = of_socket.map(|(request, _)| *request).collect();
        requests.sort_unstable();
        requests
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

    fn emit(
        &mut self,
        socket: SocketId,
        event: Outgoing,
        request: Option<RequestId>,
        timeout_ms: Option<u64>,
        volatile: bool,
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
        if volatile && !link.is_some_and(|link| self.path.is_writable(link)) {
            if let Some(request) = request {
                let error = Error::new(Code::NotSent, "volatile, and the connection is not ready");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
            return;
        }
        if let Some(request) = request {
            let limit = timeout_ms.or_else(|| self.config.ack_timeout.map(millis));
            let deadline = limit.map(|ms| now + ms);
            if let Some(at) = deadline {
                self.deadlines.add(at, request);
            }
            self.requests.insert(request, Pending { socket, deadline, ack: None });
        }
        match link {
            Some(link) => self.write(index, link, Queued { event, request }),
            None => {
                self.queued.0 += 1;
                self.queued.1 += event.weight();
                self.namespaces[index].queue.push_back(Queued { event, request });
            }
        }
    }

    fn write(&mut self, index: usize, link: LinkId, queued: Queued) {
        let namespace = &mut self.namespaces[index];
        let id = match queued.request {
            Some(request) => match self.requests.get_mut(&request) {
                Some(pending) => {
                    self.unanswered += 1;
                    pending.ack = Some(namespace.expect_ack(request));
                    pending.ack
                }
                // It ran out of time in the queue, so it is never sent.
                None => return,
            },
            None => None,
        };
        let kind =
            if queued.event.attachment_count() > 0 { Kind::BinaryEvent } else { Kind::Event };
        let header = packet::header(kind, &namespace.name, queued.event.attachment_count(), id);
        self.send(link, queued.event, &header);
    }

    fn send(&mut self, link: LinkId, outgoing: Outgoing, header: &[u8]) {
        let (frame, attachments) = outgoing.stamp(header);
        self.path.send(link, Frame::Text(frame));
        for attachment in attachments {
            self.path.send(link, Frame::Binary(attachment));
        }
    }

    fn ack(&mut self, socket: SocketId, token: AckToken, ack: Outgoing) {
        let Some(index) = self.index(socket) else { return };
        let (Some(link), Some(id)) = (self.path.current(), self.namespaces[index].pay(token))
        else {
            return;
        };
        let kind = if ack.attachment_count() > 0 { Kind::BinaryAck } else { Kind::Ack };
        let name = &self.namespaces[index].name;
        let header = packet::header(kind, name, ack.attachment_count(), Some(id));
        self.send(link, ack, &header);
    }

    fn close(&mut self) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        let mut requests: Vec<RequestId> = self.requests.keys().copied().collect();
        requests.sort_unstable();
        for request in requests {
            self.settle(request, Err(Error::new(Code::Closed, "the manager was closed")));
        }
        if let Some(link) = self.path.current() {
            for namespace in self.namespaces.iter().filter(|known| known.wire == Wire::Joined) {
                self.path.send(link, Frame::Text(packet::disconnect(&namespace.name)));
            }
        }
        for index in 0..self.namespaces.len() {
            let reason = self.namespaces[index].is_connected();
            let reason = reason.then_some(DisconnectReason::ClientDisconnect);
            self.go_socket(index, SocketState::Closed, None, None, reason);
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
        let Some(pending) = self.requests.remove(&request) else { return };
        if let Some(index) = self.index(pending.socket) {
            match pending.ack {
                Some(id) => drop(self.namespaces[index].take_ack(id)),
                None => self.take_from_queue(index, request),
            }
        }
        self.unanswered -= usize::from(pending.ack.is_some());
        if let Some(at) = pending.deadline {
            self.deadlines.remove(at, request);
        }
        self.events.push_back(Event::Outcome { request, result });
    }

    /// It is never sent, and makes room for others.
    fn take_from_queue(&mut self, index: usize, request: RequestId) {
        let queue = &mut self.namespaces[index].queue;
        let place = queue.iter().position(|queued| queued.request == Some(request));
        if let Some(queued) = place.and_then(|place| queue.remove(place)) {
            Self::uncount(&mut self.queued, &queued.event);
        }
    }

    fn lose_written(&mut self, index: usize, why: &'static str) {
        for request in self.namespaces[index].take_written() {
            self.settle(request, Err(Error::new(Code::AckLost, why)));
        }
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
        while let Some(request) = self.deadlines.pop_due(now) {
            let written = self.requests.get(&request).is_some_and(|pending| pending.ack.is_some());
            let error = if written {
                Error::new(Code::AckTimeout, "no ack in time")
            } else {
                Error::new(Code::NotSent, "not connected within the time limit")
            };
            self.settle(request, Err(error));
        }
        for index in 0..self.namespaces.len() {
            self.handle_namespace_timeout(index, now);
        }
        self.namespaces.retain(|known| known.socket.is_some() || known.wire != Wire::Apart);
        self.run(now);
    }

    fn handle_namespace_timeout(&mut self, index: usize, now: Timestamp) {
        if self.namespaces[index].poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        match &mut self.namespaces[index].wire {
            Wire::Gap { .. } => {
                self.namespaces[index].wire = Wire::Apart;
                self.join(index, now);
            }
            Wire::Pending { deadline, .. } => {
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
            Wire::Apart | Wire::Joined => {}
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
                PathEvent::Message { .. } | PathEvent::Binary { .. } => {}
            }
        }
        self.path.set_outstanding(self.awaits_answer(), now);
    }

    fn awaits_answer(&self) -> bool {
        self.unanswered > 0
            || self.namespaces.iter().any(|known| matches!(known.wire, Wire::Pending { .. }))
    }

    fn handle_opened(&mut self, link: LinkId, now: Timestamp) {
        match self.path.verdict(link) {
            Verdict::Required => self.adopt(link, now),
            // Moving a plain socket costs its server-side session, so it stays while it lives.
            Verdict::Moved | Verdict::Wait => self.candidate = Some(link),
            Verdict::Unneeded => self.path.hangup(link),
        }
    }

    fn adopt(&mut self, link: LinkId, now: Timestamp) {
        self.candidate = None;
        self.path.promote(link);
        self.path.in_service(link, now);
        self.decoder = Decoder::new(self.config.common.limits.clone());
        self.go(ManagerState::Connected, None);
        for index in 0..self.namespaces.len() {
            self.join(index, now);
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

    // ---- packets --------------------------------------------------------------------------

    fn handle_decoded(
        &mut self,
        link: LinkId,
        received: Result<Option<Received>, Error>,
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
                Self::uncount(&mut self.queued, &queued.event);
                self.write(index, link, queued);
            }
        }
        self.go_socket(index, SocketState::Connected, None, Some(sid), None);
    }

    fn uncount(queued: &mut (usize, usize), event: &Outgoing) {
        queued.0 -= 1;
        queued.1 -= event.weight();
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
            let event = SocketEvent::State { transition, socket_sid, reason };
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
        earliest(self.path.poll_timeout(), earliest(namespaces, self.deadlines.first()))
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

#[cfg(test)]
mod tests;
