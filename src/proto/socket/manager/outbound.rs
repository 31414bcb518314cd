//! What the host says through its sockets.

use smallvec::SmallVec;

use crate::error::{Code, Error};
use crate::payload::{Outgoing, Payload};
use crate::proto::io::{AckToken, Event, LinkId, Offline, RequestId, SocketEvent, SocketId};
use crate::proto::socket::codec::Codec;
use crate::proto::socket::manager::Manager;
use crate::proto::socket::offline::Queued;
use crate::proto::socket::retries::{InFlight, Overdue, Written};
use crate::proto::time::{Timestamp, millis};

/// An event as the host has handed it over.
#[derive(Debug)]
pub(super) struct Emit {
    pub(super) event: Outgoing,
    pub(super) request: Option<RequestId>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) offline: Offline,
}

impl Manager {
    pub(super) fn emit(&mut self, socket: SocketId, emit: Emit, now: Timestamp) {
        let Emit { event, request, timeout_ms, offline } = emit;
        let Some(index) = self.index(socket).filter(|_| !self.closing) else {
            if let Some(request) = request {
                let error = Error::new(Code::Closed, "the socket was freed");
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            }
            return;
        };
        let link = self.joined_link(index);
        let refusal = match offline {
            Offline::Volatile if !link.is_some_and(|link| self.path.is_writable(link)) => {
                Some("volatile, and the connection is not ready")
            }
            Offline::Fail if link.is_none() => Some("not connected"),
            _ => None,
        };
        if let Some(text) = refusal {
            let error = Error::new(Code::NotSent, text);
            if let Some(request) = request {
                self.events.push_back(Event::Outcome { request, result: Err(error) });
            } else if offline != Offline::Volatile {
                let event = SocketEvent::Dropped { payload: event.into_payload(), error };
                self.events.push_back(Event::Socket(socket, event));
            }
            return;
        }
        let is_reliable =
            self.namespaces[index].options.retries.is_some() && offline != Offline::Volatile;
        if let Some(request) = request {
            let limit = if is_reliable { None } else { self.ack_timeout(index, timeout_ms) };
            self.requests.add(request, socket, limit.map(|ms| now + ms));
        }
        match link {
            Some(link) if !is_reliable => self.write(index, link, event, request),
            _ => {
                let until = match offline {
                    Offline::WaitFor(ms) => Some(now + ms),
                    _ => None,
                };
                let key = if let Offline::Latest(key) = offline { Some(key) } else { None };
                self.enqueue(index, Queued { event, request, timeout_ms, until, key });
                self.fill(index, now);
            }
        }
    }

    /// The time limit of an ack, in milliseconds, where the emit may have one of its own.
    fn ack_timeout(&self, index: usize, own: Option<u64>) -> Option<u64> {
        let options = &self.namespaces[index].options;
        own.or_else(|| options.ack_timeout.or(self.config.ack_timeout).map(millis))
    }

    /// The link in use, if a namespace is joined on it and the host knows that.
    fn joined_link(&self, index: usize) -> Option<LinkId> {
        self.path.current().filter(|_| self.namespaces[index].is_connected())
    }

    fn enqueue(&mut self, index: usize, queued: Queued) {
        self.requests.count(queued.event.weight());
        if let Some(replaced) = self.namespaces[index].buffer.push(queued) {
            self.requests.uncount(replaced.event.weight());
            // The host has replaced an event without ack itself: there is nothing to tell.
            if let Some(request) = replaced.request {
                let error = Error::new(Code::Cancelled, "replaced by a newer one");
                self.finish(request, Err(error));
            }
        }
    }

    // ---- writing --------------------------------------------------------------------------

    /// The namespace is joined: write what has no ack yet once more, then what was never written.
    pub(super) fn flush(&mut self, index: usize, link: LinkId, now: Timestamp) {
        self.settle_due(now);
        self.drop_over(index, now);
        let namespace = &mut self.namespaces[index];
        let watcher = namespace.socket.filter(|_| namespace.watch_sent);
        for written in namespace.window.again(now) {
            written.frames.iter().for_each(|frame| self.path.send(link, frame.clone()));
            self.events.extend(watcher.map(|socket| sent(socket, written)));
        }
        self.drain(index, link, now);
    }

    /// Write what waits, if the namespace is joined.
    pub(super) fn fill(&mut self, index: usize, now: Timestamp) {
        if let Some(link) = self.joined_link(index) {
            self.drain(index, link, now);
        }
    }

    fn drain(&mut self, index: usize, link: LinkId, now: Timestamp) {
        loop {
            let namespace = &mut self.namespaces[index];
            let retries = namespace.options.retries.as_ref();
            if retries.is_some_and(|retries| namespace.window.len() >= retries.window as usize) {
                return;
            }
            let is_reliable = retries.is_some();
            let Some(queued) = namespace.buffer.pop() else { return };
            if is_reliable {
                self.write_reliably(index, link, queued, now);
            } else {
                self.requests.uncount(queued.event.weight());
                self.write(index, link, queued.event, queued.request);
            }
        }
    }

    fn write(&mut self, index: usize, link: LinkId, event: Outgoing, request: Option<RequestId>) {
        let namespace = &mut self.namespaces[index];
        let id = match request {
            Some(request) => {
                let id = namespace.expect_ack(request);
                self.requests.written(request, id);
                Some(id)
            }
            None => None,
        };
        if let Some(socket) = namespace.socket.filter(|_| namespace.watch_sent) {
            let written = encode(self.codec, &namespace.name, id, event, false);
            self.events.push_back(sent(socket, &written));
            written.frames.into_iter().for_each(|frame| self.path.send(link, frame));
            return;
        }
        let (path, name) = (&mut self.path, &namespace.name);
        self.codec.event(name, id, event, |frame| path.send(link, frame));
    }

    /// Write an event for the first time, and keep it until it has its ack.
    fn write_reliably(&mut self, index: usize, link: LinkId, queued: Queued, now: Timestamp) {
        let Queued { mut event, request, timeout_ms, .. } = queued;
        let timeout_ms = self.ack_timeout(index, timeout_ms);
        let weight = event.weight();
        let retries = self.namespaces[index].options.retries.as_ref();
        let has_key = retries.is_some_and(|retries| retries.idempotency_key);
        if has_key {
            self.last_key += 1;
            event.push_text(&format!("{:016x}-{}", self.key, self.last_key));
        }
        let namespace = &mut self.namespaces[index];
        let id = namespace.next_ack();
        let written = encode(self.codec, &namespace.name, Some(id), event, has_key);
        written.frames.iter().for_each(|frame| self.path.send(link, frame.clone()));
        if let Some(socket) = namespace.socket.filter(|_| namespace.watch_sent) {
            self.events.push_back(sent(socket, &written));
        }
        namespace.window.add(InFlight::new(id, request, written, weight, timeout_ms), now);
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

    // ---- what becomes of it ---------------------------------------------------------------

    /// An ack came in; unknown and repeated ones mean nothing.
    pub(super) fn handle_ack(&mut self, index: usize, id: u64, payload: Payload, now: Timestamp) {
        if let Some(request) = self.namespaces[index].take_ack(id) {
            return self.settle(request, Ok(payload));
        }
        if let Some(event) = self.namespaces[index].window.take_ack(id) {
            self.requests.uncount(event.weight);
            if let Some(request) = event.request {
                self.finish(request, Ok(payload));
            }
            return self.fill(index, now);
        }
        self.path.stats.late_acks_ignored += 1;
    }

    /// Acks that have not come in time on a connection that lives.
    pub(super) fn handle_overdue(&mut self, index: usize, now: Timestamp) {
        let Some(link) = self.joined_link(index) else { return };
        let namespace = &mut self.namespaces[index];
        let times = namespace.options.retries.as_ref().map_or(0, |retries| retries.times);
        let watcher = namespace.socket.filter(|_| namespace.watch_sent);
        let mut failed = Vec::new();
        while let Some(overdue) = namespace.window.overdue(times, now) {
            match overdue {
                Overdue::Again(written) => {
                    written.frames.iter().for_each(|frame| self.path.send(link, frame.clone()));
                    self.events.extend(watcher.map(|socket| sent(socket, written)));
                }
                Overdue::Failed(event) => failed.push(event),
            }
        }
        for event in failed {
            self.give_up(index, *event, Error::new(Code::AckTimeout, "no ack in time"));
        }
        self.drain(index, link, now);
    }

    /// What was written and has no ack: with retries it goes again, if it has not gone often enough.
    pub(super) fn lose_written(&mut self, index: usize, why: &'static str) {
        let namespace = &mut self.namespaces[index];
        let times = namespace.options.retries.as_ref().map_or(0, |retries| retries.times);
        for event in namespace.window.lose(times) {
            self.give_up(index, event, Error::new(Code::AckLost, why));
        }
        for request in self.namespaces[index].take_written() {
            self.settle(request, Err(Error::new(Code::AckLost, why)));
        }
    }

    fn give_up(&mut self, index: usize, event: InFlight, error: Error) {
        self.requests.uncount(event.weight);
        match event.request {
            Some(request) => self.finish(request, Err(error)),
            None => self.tell_dropped(index, event.written.payload(), error),
        }
    }

    /// Events whose time to wait is over are never sent.
    pub(super) fn drop_over(&mut self, index: usize, now: Timestamp) {
        while let Some(queued) = self.namespaces[index].buffer.take_over(now) {
            self.requests.uncount(queued.event.weight());
            let error = Error::new(Code::NotSent, "not written within the time it may wait");
            match queued.request {
                Some(request) => self.finish(request, Err(error)),
                None => self.tell_dropped(index, queued.event.into_payload(), error),
            }
        }
    }

    fn tell_dropped(&mut self, index: usize, payload: Payload, error: Error) {
        let socket = self.namespaces[index].socket;
        let told =
            socket.map(|socket| Event::Socket(socket, SocketEvent::Dropped { payload, error }));
        self.events.extend(told);
    }

    /// A request whose event is out of buffer and window has its outcome.
    fn finish(&mut self, request: RequestId, result: Result<Payload, Error>) {
        if self.requests.finish(request).is_some() {
            self.events.push_back(Event::Outcome { request, result });
        }
    }

    /// The event of a request goes no more, and makes room for others.
    pub(super) fn forget_event(&mut self, index: usize, request: RequestId) {
        let namespace = &mut self.namespaces[index];
        if let Some(queued) = namespace.buffer.take(request) {
            self.requests.uncount(queued.event.weight());
        } else if let Some(event) = namespace.window.take(request) {
            self.requests.uncount(event.weight);
        }
    }

    /// Nobody is there any more who could be told what becomes of the events of a socket.
    pub(super) fn forget_events(&mut self, index: usize) {
        let namespace = &mut self.namespaces[index];
        while let Some(queued) = namespace.buffer.pop() {
            self.requests.uncount(queued.event.weight());
        }
        while let Some(event) = namespace.window.pop() {
            self.requests.uncount(event.weight);
        }
    }
}

fn encode(
    codec: Codec,
    namespace: &str,
    id: Option<u64>,
    event: Outgoing,
    has_key: bool,
) -> Written {
    let (json, mut frames) = (event.json().len(), SmallVec::new());
    codec.event(namespace, id, event, |frame| frames.push(frame));
    Written { frames, json, has_key }
}

fn sent(socket: SocketId, written: &Written) -> Event {
    Event::Socket(socket, SocketEvent::Sent { payload: written.payload() })
}
