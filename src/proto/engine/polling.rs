//! Long-polling as a carrier of one connection: which request may go when (`engine-io` 5 and 9).
//!
//! At most one GET and one POST are in flight. A GET is never given up while the session lives, and
//! a POST is never repeated: its bytes may have arrived.

use bytes::Bytes;

use crate::config::Transport;
use crate::proto::engine::address::Address;
use crate::proto::engine::cookies::Jars;
use crate::proto::engine::packet;
use crate::proto::engine::session::{Engine, Frame};
use crate::proto::io::{Exchange, HttpRequest, WireId};
use crate::proto::time::Timestamp;

/// The requests of one polling session.
#[derive(Debug)]
pub(super) struct Polling {
    pub(super) wire: WireId,
    getting: bool,
    /// Until when the POST in flight has to be answered.
    posting: Option<Timestamp>,
    /// Packets in the POST in flight, without heartbeats.
    posted: u64,
    /// No further request before the switch to WebSocket, or for ever.
    paused: bool,
}

impl Polling {
    pub(super) const fn new(wire: WireId) -> Self {
        Self { wire, getting: false, posting: None, posted: 0, paused: false }
    }

    /// Start no further request.
    pub(super) const fn pause(&mut self) {
        self.paused = true;
    }

    /// Go on.
    pub(super) const fn resume(&mut self) {
        self.paused = false;
    }

    /// Nothing is in flight.
    pub(super) const fn is_idle(&self) -> bool {
        !self.getting && self.posting.is_none()
    }

    /// A packet would leave at once.
    pub(super) const fn is_writable(&self) -> bool {
        !self.paused && self.posting.is_none()
    }

    /// Packets in the POST in flight.
    pub(super) const fn posted(&self) -> u64 {
        self.posted
    }

    /// An answer came; gives the number of packets that have arrived with it;
    /// `None` when nobody asked.
    pub(super) const fn answered(&mut self, exchange: Exchange) -> Option<u64> {
        match exchange {
            Exchange::Poll if self.getting => {
                self.getting = false;
                Some(0)
            }
            Exchange::Post if self.posting.is_some() => {
                self.posting = None;
                Some(std::mem::replace(&mut self.posted, 0))
            }
            _ => None,
        }
    }

    /// When the POST in flight is given up, and the session with it.
    pub(super) const fn deadline(&self) -> Option<Timestamp> {
        self.posting
    }

    /// The POST in flight has at least until then.
    pub(super) fn renew(&mut self, until: Timestamp) {
        self.posting = self.posting.map(|deadline| deadline.max(until));
    }

    /// The first request: no session yet.
    pub(super) fn open(
        &mut self,
        address: &mut Address,
        jars: &Jars,
        now: Timestamp,
    ) -> HttpRequest {
        self.getting = true;
        get(address, None, jars, now)
    }

    /// The next request of an open session, if one may go. Without `read` no GET.
    pub(super) fn poll_request(
        &mut self,
        engine: &mut Engine,
        address: &mut Address,
        jars: &Jars,
        read: bool,
        post_limit_ms: u64,
        now: Timestamp,
    ) -> Option<HttpRequest> {
        if self.paused || !engine.is_open() {
            return None;
        }
        // What is to be said first: a pong should not wait for the GET's dial.
        if self.posting.is_none()
            && let Some((request, packets)) = post(engine, address, jars, now)
        {
            self.posting = Some(now + post_limit_ms);
            self.posted = packets;
            return Some(request);
        }
        if read && !self.getting {
            self.getting = true;
            let sid = engine.handshake().map(|handshake| handshake.sid.clone());
            return Some(get(address, sid.as_deref(), jars, now));
        }
        None
    }
}

/// What an open session still has to send, and that it ends.
pub(super) fn farewell(
    engine: &mut Engine,
    address: &mut Address,
    jars: &Jars,
    now: Timestamp,
) -> Vec<HttpRequest> {
    engine.send(Frame::Text(packet::CLOSE));
    std::iter::from_fn(|| post(engine, address, jars, now).map(|(request, _)| request)).collect()
}

fn get(address: &mut Address, sid: Option<&str>, jars: &Jars, now: Timestamp) -> HttpRequest {
    request(Exchange::Poll, address, sid, Vec::new(), jars, now)
}

/// One POST with as many packets as fit.
fn post(
    engine: &mut Engine,
    address: &mut Address,
    jars: &Jars,
    now: Timestamp,
) -> Option<(HttpRequest, u64)> {
    let sid = engine.handshake()?.sid.clone();
    let beats = engine.waiting_beats();
    let body = engine.take_body();
    if body.packets == 0 {
        return None;
    }
    let request = request(Exchange::Post, address, Some(&sid), body.parts, jars, now);
    Some((request, body.packets as u64 - beats))
}

fn request(
    exchange: Exchange,
    address: &mut Address,
    sid: Option<&str>,
    body: Vec<Bytes>,
    jars: &Jars,
    now: Timestamp,
) -> HttpRequest {
    HttpRequest {
        exchange,
        path_and_query: address.path_and_query(Transport::Polling, sid, now),
        headers: address.headers(Transport::Polling, jars, now),
        body,
        binary: false,
    }
}
