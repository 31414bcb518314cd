//! How a link comes to be: to which server, over which transports, and which of them wins.
//!
//! With WebSocket first, polling starts beside it when WebSocket takes long although the server can
//! be reached, or at once when it fails. The first finished engine handshake wins. Nothing of
//! Socket.IO is said before that, so the loser has reached no namespace; it is closed properly.

use std::sync::Arc;

use smallvec::SmallVec;

use super::link::Link;
use super::{Path, PathEvent, Role};
use crate::config::{Endpoint, Opening, Revision, Target, Transport};
use crate::error::{Code, Error, Result, Retry};
use crate::proto::engine::address::Address;
use crate::proto::engine::connection::{Connection, Goodbye};
use crate::proto::engine::session::{Engine, EngineEvent};
use crate::proto::io::LinkId;
use crate::proto::time::{Timestamp, millis};

/// Polling waits at least for this many TCP connect times.
const CONNECTS_BEFORE_RACE: u64 = 4;

/// What a link that opens has still to try.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// Transports that were not started.
    waiting: SmallVec<[Transport; 2]>,
    /// When the next one starts beside the first.
    race_at: Option<Timestamp>,
    /// What the transport said that tells most of those that failed.
    error: Option<Error>,
}

impl Attempt {
    pub(super) const fn race_at(&self) -> Option<Timestamp> {
        self.race_at
    }
}

impl Path {
    /// Whether a dial could start now, were it due.
    pub(super) fn may_dial(&self) -> bool {
        !self.suspended
            && !self.host_full
            && self.target.is_some()
            && self.asking.is_none()
            && self.fresh().is_none()
    }

    pub(super) fn dial_when_due(&mut self, now: Timestamp) {
        if !self.may_dial() || !self.plan.take_due(now) {
            return;
        }
        if self.asks {
            let (attempt, error) = (self.plan.failures(), self.last_error.clone());
            self.asking = Some(now + millis(self.config.timeouts.provider));
            return self.events.push_back(PathEvent::TargetWanted { attempt, error });
        }
        self.dial(now);
    }

    /// The answer to [`PathEvent::TargetWanted`].
    pub fn set_target(&mut self, target: Result<Target>, now: Timestamp) {
        if self.asking.take().is_none() {
            return;
        }
        match target {
            Ok(target) => {
                self.target = Some(target);
                self.dial(now);
            }
            Err(error) => self.attempt_failed(error, now),
        }
    }

    pub(super) fn target_timeout(&mut self, now: Timestamp) {
        if self.asking.is_some_and(|deadline| deadline <= now) {
            let text = "the application did not say where to connect to";
            self.set_target(Err(Error::new(Code::ConnectTimeout, text)), now);
        }
    }

    /// An attempt failed before there was a link.
    fn attempt_failed(&mut self, error: Error, now: Timestamp) {
        let link = self.next_link_id();
        self.stats.failed_attempts += 1;
        self.events.push_back(PathEvent::Lost {
            link,
            role: Role::Fresh,
            error: error.clone(),
            receiving: false,
        });
        if self.current().is_none() {
            self.plan_after(error, now);
        } else {
            self.move_again(&error, now);
        }
    }

    fn next_link_id(&mut self) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        id
    }

    fn dial(&mut self, now: Timestamp) {
        let Some(target) = self.target.clone() else { return };
        let mut waiting = self.order(&target.endpoint);
        if waiting.is_empty() {
            let error = Error::new(Code::Unsupported, "no transports available");
            return self.attempt_failed(error.with_retry(Retry::Never), now);
        }
        let first = waiting.remove(0);
        self.stats.dials += 1;
        let id = self.next_link_id();
        let mut link = Link::new(id, target, now, millis(self.config.timeouts.attempt));
        link.attempt.waiting = waiting;
        self.links.push(link);
        self.start_transport(id, first, now);
    }

    fn order(&self, endpoint: &Endpoint) -> SmallVec<[Transport; 2]> {
        let config = &self.config.transports;
        let mut order: SmallVec<[Transport; 2]> = SmallVec::new();
        for transport in &config.order {
            if !order.contains(transport) {
                order.push(*transport);
            }
        }
        if config.remember_upgrade && self.memory.of(endpoint).websocket {
            order.sort_by_key(|transport| *transport != Transport::Websocket);
        }
        order
    }

    /// The revision to speak with a server: 3 or 4.
    fn revision_for(&self, endpoint: &Endpoint) -> Revision {
        match self.config.transports.revision {
            Revision::Auto if self.memory.of(endpoint).revision_3 => Revision::V3,
            Revision::V3 => Revision::V3,
            Revision::V4 | Revision::Auto => Revision::V4,
        }
    }

    fn start_transport(&mut self, id: LinkId, transport: Transport, now: Timestamp) {
        let Some(target) = self.get(id).map(|link| link.target.clone()) else { return };
        let revision = self.revision_for(&target.endpoint);
        let address = Address::new(target, Arc::clone(&self.config), revision);
        let paused = self.host_full;
        let (links, mut cx) = self.split(now);
        let mut connection = Connection::open(address, transport, &mut cx);
        connection.pause_reading(paused, now);
        if let Some(link) = links.iter_mut().find(|link| link.id == id) {
            link.racers.push(connection);
        }
    }

    fn start_next(&mut self, id: LinkId, now: Timestamp) {
        let Some(link) = self.get_mut(id) else { return };
        link.attempt.race_at = None;
        if link.opened.is_none() && !link.attempt.waiting.is_empty() {
            let next = link.attempt.waiting.remove(0);
            self.start_transport(id, next, now);
        }
    }

    /// The server can be reached: from here on WebSocket is expected to be quick.
    pub(super) fn plan_race(&mut self, id: LinkId, connect_ms: u64) {
        let config = &self.config.transports;
        let races = config.opening == Opening::Race && config.revision == Revision::V4;
        let least = millis(config.race_after);
        let Some(link) = self.get_mut(id).filter(|_| races) else { return };
        let websocket = |connection: &Connection| connection.transport() == Transport::Websocket;
        if link.attempt.waiting.is_empty() || !link.racers.iter().all(websocket) {
            return;
        }
        let wait = least.max(connect_ms.saturating_mul(CONNECTS_BEFORE_RACE));
        link.attempt.race_at = Some(link.dialled + wait);
    }

    pub(super) fn race_timeout(&mut self, id: LinkId, now: Timestamp) {
        let due = |link: &Link| link.attempt.race_at.is_some_and(|at| at <= now);
        if self.get(id).is_some_and(due) {
            self.start_next(id, now);
        }
    }

    /// Look whether one of the transports of a link that opens has opened or failed. True: it has.
    pub(super) fn settle_race(&mut self, id: LinkId, now: Timestamp) -> bool {
        let Some(link) = self.get_mut(id).filter(|link| link.opened.is_none()) else {
            return false;
        };
        let said = link.racers.iter_mut().enumerate().find_map(|(index, racer)| {
            racer.engine_mut().and_then(Engine::poll_event).map(|event| (index, event))
        });
        let Some((index, event)) = said else { return false };
        let racer = link.racers.remove(index);
        match event {
            EngineEvent::Closed(error) => {
                let transport = racer.transport();
                self.release(racer, Goodbye::Silent, now);
                self.transport_failed(id, transport, error, now);
            }
            // Nothing can come before it.
            EngineEvent::Opened | EngineEvent::Message { .. } | EngineEvent::Binary(_) => {
                self.win(id, racer, now);
            }
        }
        true
    }

    fn win(&mut self, id: LinkId, winner: Connection, now: Timestamp) {
        let transport = winner.transport();
        let Some(link) = self.get_mut(id) else { return };
        link.opened = Some(winner);
        link.attempt = Attempt::default();
        for loser in std::mem::take(&mut link.racers) {
            self.release(loser, Goodbye::Flush, now);
        }
        if transport == Transport::Websocket {
            self.learn_websocket(id, true);
        }
        self.limit_unacknowledged(id);
        self.stats.connections += 1;
        self.events.push_back(PathEvent::Opened(id));
    }

    pub(super) fn learn_websocket(&mut self, id: LinkId, works: bool) {
        if let Some(link) = self.links.iter().find(|link| link.id == id) {
            self.memory.learn(&link.target.endpoint, |known| known.websocket = works);
        }
    }

    fn transport_failed(&mut self, id: LinkId, transport: Transport, error: Error, now: Timestamp) {
        if transport == Transport::Websocket {
            self.learn_websocket(id, false);
        }
        let first_only = self.config.transports.opening == Opening::First;
        let Some(link) = self.get_mut(id) else { return };
        let telling = |error: &Error| error.http_status().is_some();
        if link.attempt.error.as_ref().is_none_or(|former| telling(&error) || !telling(former)) {
            link.attempt.error = Some(error.clone());
        }
        let next = !first_only && !link.attempt.waiting.is_empty() && concerns_transport(&error);
        if next {
            return self.start_next(id, now);
        }
        if link.racers.is_empty()
            && let Some(index) = self.links.iter().position(|link| link.id == id)
        {
            let error = self.links[index].attempt.error.take().unwrap_or(error);
            self.lose(index, error, Goodbye::Silent, now);
        }
    }
}

/// Whether the other transport may fare better: not where the server was not reached, or is not the
/// one that is meant.
const fn concerns_transport(error: &Error) -> bool {
    !matches!(
        error.code(),
        Code::Dns
            | Code::Connect
            | Code::Proxy
            | Code::TlsHandshake
            | Code::TlsCertificate
            | Code::EngineRevision
            | Code::Unsupported
            | Code::InvalidArgument
            | Code::InvalidUrl
    )
}
