//! One simulated WebSocket connection: two pipes, and what can go wrong in them.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use roamio::error::{Code, Error};

/// A time or a duration in milliseconds of the virtual clock.
pub(crate) type Millis = u64;

/// What travels from the client to the server.
#[derive(Debug)]
pub(crate) enum ToServer {
    Text(Bytes),
    Ping,
    /// The client closed the connection.
    End,
}

/// What travels from the server to the client.
#[derive(Debug)]
pub(crate) enum ToClient {
    /// The dial succeeded.
    Accepted,
    /// The dial failed.
    Refused(Error),
    Text(Bytes),
    /// A part of a frame that is still on its way.
    Part,
    Pong,
    /// The connection is over.
    Closed(Error),
}

impl ToClient {
    /// A dial's result: a driver takes it even while the host does not keep up.
    pub(crate) fn ends_dial(&self) -> bool {
        matches!(self, Self::Accepted | Self::Refused(_))
    }
}

/// Whether bytes get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    /// They wait, as behind a dead spot that TCP survives.
    Held,
    /// They are gone, and so is everything after them: TCP does not recover.
    BlackHole,
}

/// One direction of a connection. Nothing overtakes anything.
#[derive(Debug)]
pub(crate) struct Pipe<T> {
    pub(crate) latency: Millis,
    pub(crate) flow: Flow,
    /// Bytes a second; none: no limit.
    pub(crate) rate: Option<u64>,
    /// Everything sent so far is on its way by then.
    written: Millis,
    queue: VecDeque<(Millis, T)>,
}

impl<T> Pipe<T> {
    fn new(latency: Millis) -> Self {
        Self { latency, flow: Flow::Open, rate: None, written: 0, queue: VecDeque::new() }
    }

    /// How long a frame of this length takes to arrive, behind what was sent before it.
    pub(crate) fn delay(&mut self, length: usize, now: Millis) -> Millis {
        let took = self.rate.map_or(0, |rate| length as u64 * 1_000 / rate);
        self.written = self.written.max(now) + took;
        self.latency + self.written - now
    }

    pub(crate) fn push(&mut self, item: T, now: Millis) {
        self.push_after(self.latency, item, now);
    }

    pub(crate) fn push_after(&mut self, delay: Millis, item: T, now: Millis) {
        let behind = self.queue.back().map_or(0, |(at, _)| *at);
        self.queue.push_back(((now + delay).max(behind), item));
    }

    /// When the next item arrives.
    pub(crate) fn due(&self) -> Option<Millis> {
        if self.flow == Flow::Open { self.queue.front().map(|(at, _)| *at) } else { None }
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.queue.front().map(|(_, item)| item)
    }

    pub(crate) fn pop(&mut self, now: Millis) -> Option<T> {
        if self.due()? > now {
            return None;
        }
        self.queue.pop_front().map(|(_, item)| item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Everything on the way is lost.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// From now on everything, on the way or sent later, is lost.
    pub(crate) fn break_off(&mut self) {
        self.clear();
        self.flow = Flow::BlackHole;
    }

    /// What was held arrives, in order.
    pub(crate) fn thaw(&mut self) {
        if self.flow == Flow::Held {
            self.flow = Flow::Open;
        }
    }
}

/// One end has it, the other, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
    Both,
}

impl Side {
    pub(crate) fn is_client(self) -> bool {
        self != Self::Server
    }

    pub(crate) fn is_server(self) -> bool {
        self != Self::Client
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) local: SocketAddr,
    pub(crate) dialled: Millis,
    pub(crate) up: Pipe<ToServer>,
    pub(crate) down: Pipe<ToClient>,
    /// The client knows the link. Afterwards only what it sent is still on its way.
    pub(crate) client_holds: bool,
    /// What the client sends is answered with a reset: a middlebox knows the link no more.
    pub(crate) rebound: bool,
    /// The server knows the link.
    pub(crate) server_holds: bool,
}

impl Link {
    pub(crate) fn new(local: SocketAddr, latency: Millis, now: Millis) -> Self {
        Self {
            local,
            dialled: now,
            up: Pipe::new(latency),
            down: Pipe::new(latency),
            client_holds: true,
            rebound: false,
            server_holds: false,
        }
    }

    /// Accepted by the server and not given up by the client.
    pub(crate) fn is_open(&self) -> bool {
        self.client_holds && self.server_holds
    }

    /// A reset: what is on the way is lost, and the given sides learn of it at once. The other one
    /// finds out by its silence.
    pub(crate) fn reset(&mut self, side: Side, now: Millis) {
        self.up.clear();
        self.down.clear();
        self.up.flow = Flow::Open;
        self.down.flow = Flow::Open;
        if side.is_client() {
            let error = Error::new(Code::NetworkLost, "connection reset");
            let told =
                if self.server_holds { ToClient::Closed(error) } else { ToClient::Refused(error) };
            self.down.push_after(0, told, now);
        } else {
            self.down.break_off();
        }
        if side.is_server() {
            self.up.push_after(0, ToServer::End, now);
        } else {
            self.up.break_off();
        }
    }

    /// An orderly end: what is on the way arrives before it.
    pub(crate) fn finish(&mut self, now: Millis) {
        let error = Error::new(Code::EngineClosed, "the connection ended");
        self.down.push(ToClient::Closed(error), now);
        self.up.push(ToServer::End, now);
    }

    /// Nobody knows it any more.
    pub(crate) fn is_over(&self) -> bool {
        !self.client_holds && !self.server_holds && self.up.is_empty()
    }
}
