//! One connection of a path, from its dial to its end.

use std::net::IpAddr;

use crate::config::Target;
use crate::error::Error;
use crate::proto::engine::connection::Connection;
use crate::proto::engine::session::Engine;
use crate::proto::io::{LinkId, WireId};
use crate::proto::path::liveness::HINT_PROBE_MS;
use crate::proto::path::opening::Attempt;
use crate::proto::time::{Timestamp, earliest};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Being dialled, opened or joined. There is one at most, so that two attempts can never both
    /// reach the session.
    Fresh,
    /// In use.
    Current,
    /// Was current; kept for answers that are still on their way.
    Retiring,
}

/// For how long a round trip says something about the next one.
const ROUND_TRIP_LIFE_MS: u64 = 60_000;

/// A question to the next hop whether bytes still get through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) sent: Timestamp,
    pub(super) deadline: Timestamp,
    /// Any byte answers it; otherwise only the pong does.
    pub(super) any_byte: bool,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) role: Role,
    pub(super) target: Target,
    pub(super) dialled: Timestamp,
    /// None while it opens.
    pub(super) opened: Option<Connection>,
    /// The transports that are being tried.
    pub(super) racers: Vec<Connection>,
    pub(super) attempt: Attempt,
    /// It is over, but what came before its end has not been told yet.
    pub(super) ended: Option<Error>,
    pub(super) attempt_deadline: Option<Timestamp>,
    pub(super) local: Option<IpAddr>,
    /// The longest of late, and when it was measured.
    round_trip: (u64, Timestamp),
    pub(super) last_byte: Timestamp,
    pub(super) partial: bool,
    pub(super) last_part: Option<Timestamp>,
    pub(super) probe: Option<Probe>,
    /// Hints must not disturb it.
    pub(super) pinned: bool,
    pub(super) in_service: Option<Timestamp>,
}

impl Link {
    pub(super) fn new(id: LinkId, target: Target, now: Timestamp, attempt_limit: u64) -> Self {
        Self {
            id,
            role: Role::Fresh,
            target,
            dialled: now,
            opened: None,
            racers: Vec::new(),
            attempt: Attempt::default(),
            ended: None,
            attempt_deadline: Some(now + attempt_limit),
            local: None,
            round_trip: (0, now),
            last_byte: now,
            partial: false,
            last_part: None,
            probe: None,
            pinned: false,
            in_service: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.as_ref().is_some_and(Connection::is_open)
    }

    /// The protocol machine of an open link.
    pub(super) fn engine(&self) -> Option<&Engine> {
        self.opened.as_ref()?.engine()
    }

    /// Whether the server was reached, so that bytes of it can be read.
    pub(super) fn is_reached(&self) -> bool {
        self.opened.is_some() || self.racers.iter().any(|racer| racer.engine().is_some())
    }

    pub(super) fn connections(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.opened.iter_mut().chain(&mut self.racers)
    }

    /// The wire that carries it, or the first that is meant to.
    pub(super) fn wire(&self) -> Option<WireId> {
        self.opened.iter().chain(&self.racers).next().map(Connection::live_wire)
    }

    pub(super) fn has_wire(&self, wire: WireId) -> bool {
        self.opened.iter().chain(&self.racers).any(|connection| connection.has_wire(wire))
    }

    /// Bytes arrived. Gives the milliseconds that a probe took which they answer.
    pub(super) fn heard(&mut self, pong: bool, now: Timestamp) -> Option<u64> {
        self.last_byte = now;
        let Some(probe) = self.probe.take_if(|probe| pong || probe.any_byte) else {
            // They may be old and only read late. New ones can keep the pong waiting, though.
            if let Some(probe) = &mut self.probe {
                probe.deadline = probe.deadline.max(now + HINT_PROBE_MS);
            }
            return None;
        };
        let took_ms = now.since(probe.sent);
        self.measured(took_ms, now);
        Some(took_ms)
    }

    /// A round trip took this long.
    pub(super) fn measured(&mut self, took_ms: u64, now: Timestamp) {
        if took_ms >= self.round_trip_ms(now) {
            self.round_trip = (took_ms, now);
        }
    }

    /// The longest round trip of late; zero when there was none.
    pub(super) fn round_trip_ms(&self, now: Timestamp) -> u64 {
        let (took_ms, at) = self.round_trip;
        if now.since(at) <= ROUND_TRIP_LIFE_MS { took_ms } else { 0 }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let connections = self.opened.iter().chain(&self.racers);
        let connections = connections.filter_map(Connection::poll_timeout).min();
        let probe = self.probe.map(|probe| probe.deadline);
        let attempt = earliest(self.attempt_deadline, self.attempt.race_at());
        earliest(connections, earliest(probe, attempt))
    }
}
