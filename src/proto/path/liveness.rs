//! Whether the current link still works: what the host says about the network, and probes.

use super::link::{Link, Probe};
use super::{Path, PathEvent, Verdict};
use crate::config::Transport;
use crate::proto::io::{Hint, LinkId, Transmit};
use crate::proto::time::Timestamp;

/// How long the answer to a probe may take after a hint or a thaw (`fault-matrix` 2).
pub(super) const HINT_PROBE_MS: u64 = 1_000;
/// Silence before a probe while an answer is outstanding, and the least patience with that probe.
const QUIET_MS: u64 = 3_000;
/// Probes without a hint are at least this far apart.
const PROBE_SPACING_MS: u64 = 60_000;
/// The bounds of the time for which the system waits for what was sent to be acknowledged.
const UNACKNOWLEDGED_MS: (u64, u64) = (10_000, 60_000);
/// After this silence a probe is due whatever the server's heartbeat.
const LONG_SILENCE_MS: u64 = 120_000;

impl Path {
    /// Whether the layer above waits for an answer on the current link: then silence is suspicious.
    pub fn set_outstanding(&mut self, outstanding: bool, now: Timestamp) {
        match (outstanding, self.outstanding_since) {
            (true, None) => self.outstanding_since = Some(now),
            (false, Some(_)) => self.outstanding_since = None,
            _ => {}
        }
    }

    /// Whether a fresh, open link should take over.
    pub fn verdict(&self, fresh: LinkId) -> Verdict {
        let Some(current) = self.current().and_then(|id| self.get(id)) else {
            return Verdict::Required;
        };
        let local = |link: &Link| link.local;
        match (local(current), self.get(fresh).and_then(local)) {
            (Some(old), Some(new)) if old != new => Verdict::Moved,
            _ if current.probe.is_some() => Verdict::Wait,
            _ => Verdict::Unneeded,
        }
    }

    /// The host said something about the network.
    pub fn handle_hint(&mut self, hint: Hint, now: Timestamp) {
        self.now = now;
        let slept = std::mem::replace(&mut self.suspended, hint == Hint::Suspended);
        if hint == Hint::Suspended {
            return;
        }
        if slept {
            self.renew_probes(now);
        }
        // Whatever the host says after a sleep, it is awake.
        if slept || hint == Hint::Resumed {
            self.handle_timeout(now);
            self.probe_current(now);
        }
        match hint {
            Hint::Suspended | Hint::Resumed => {}
            Hint::NetworkLost => {
                self.plan.network_lost(now);
                self.probe_current(now);
            }
            Hint::NetworkAvailable => self.plan.network_available(now),
            Hint::NetworkChanged => {
                self.plan.network_available(now);
                self.network_changed(now);
            }
        }
        self.dial_when_due(now);
    }

    /// Ask the current link for a sign of life, soon: [`PathEvent::Alive`], or it is lost.
    pub fn probe_current(&mut self, now: Timestamp) {
        if let Some(link) = self.current() {
            self.probe_for_hint(link, now);
        }
    }

    /// One that is still being dialled has to show progress. An open one has to answer: bytes that
    /// were on their way before prove nothing about the network of now.
    pub(super) fn probe_for_hint(&mut self, id: LinkId, now: Timestamp) {
        let (host_full, link) = (self.host_full, self.get_mut(id));
        let Some(link) = link else { return };
        if host_full && link.is_reached() {
            // Nothing is read meanwhile, so no answer would be seen.
            self.probe_owed = true;
            return;
        }
        let any_byte = !link.is_open();
        self.probe(id, Probe { sent: now, deadline: now + HINT_PROBE_MS, any_byte });
    }

    fn probe(&mut self, id: LinkId, wanted: Probe) {
        let Some(link) = self.get_mut(id) else { return };
        let harder =
            |probe: Probe| wanted.deadline < probe.deadline || (probe.any_byte && !wanted.any_byte);
        if link.probe.is_none_or(harder) {
            link.probe = Some(wanted);
            self.ping(id);
        }
    }

    fn ping(&mut self, id: LinkId) {
        let (links, cx) = self.split(self.now);
        let opened = links.iter_mut().find(|link| link.id == id).and_then(|it| it.opened.as_mut());
        if let Some(connection) = opened.filter(|connection| connection.is_open()) {
            connection.ping(cx.control);
            self.stats.probes += 1;
        }
    }

    /// What was asked before an upgrade ended, well or not, may never be answered.
    pub(super) fn reprobe(&mut self, id: LinkId) {
        if self.get(id).is_some_and(|link| link.probe.is_some()) {
            self.ping(id);
        }
    }

    /// Answers to probes and POSTs may have arrived during the sleep without having been read.
    fn renew_probes(&mut self, now: Timestamp) {
        let renewed = now + HINT_PROBE_MS;
        for link in &mut self.links {
            if let Some(probe) = &mut link.probe {
                probe.sent = now;
                probe.deadline = probe.deadline.max(renewed);
            }
            link.connections().for_each(|connection| connection.renew(renewed));
        }
    }

    /// A WebSocket carries an open link: its connection is of no use any more when the server does not
    /// even acknowledge for as long as its heartbeat may take. Not sooner, because a server that only
    /// stops reading would be taken for dead. Polling has a time limit for each POST.
    pub(super) fn limit_unacknowledged(&mut self, id: LinkId) {
        let (Some(Transport::Websocket), Some(handshake)) =
            (self.transport(id), self.handshake(id))
        else {
            return;
        };
        let (least, most) = UNACKNOWLEDGED_MS;
        let patience = handshake.ping_interval_ms.saturating_add(handshake.ping_timeout_ms);
        let ms = patience.clamp(least, most);
        if let Some(wire) = self.get(id).and_then(Link::wire) {
            self.control.push_back(Transmit::LimitUnacknowledged { wire, ms });
        }
    }

    pub(super) fn handle_host_queue(&mut self, full: bool, now: Timestamp) {
        self.host_full = full;
        self.stats.host_slow += u64::from(full);
        for link in &mut self.links {
            link.connections().for_each(|connection| connection.pause_reading(full, now));
            if full && link.is_reached() && link.probe.take().is_some_and(|probe| !probe.any_byte) {
                self.probe_owed = true;
            }
        }
        if !full && std::mem::take(&mut self.probe_owed) {
            self.probe_current(now);
        }
        self.dial_when_due(now);
    }

    /// Whether the server can be reached, as far as the host says.
    pub const fn is_reachable(&self) -> bool {
        !self.suspended && self.plan.has_network()
    }

    /// Whether the host said that it is suspended.
    pub const fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// The host called: it is not suspended any more.
    pub fn wake(&mut self, now: Timestamp) {
        if self.suspended {
            self.handle_hint(Hint::Resumed, now);
        }
    }

    pub(super) fn heard(&mut self, id: LinkId, pong: bool, now: Timestamp) {
        let Some(took_ms) = self.get_mut(id).and_then(|link| link.heard(pong, now)) else { return };
        self.stats.round_trip_ms = took_ms;
        if self.current() == Some(id) {
            self.events.push_back(PathEvent::Alive);
        }
    }

    /// Ask, if the silence on the current link is long enough.
    pub(super) fn probe_after_silence(&mut self, now: Timestamp) {
        if self.own_probe_at().is_some_and(|at| at <= now)
            && let Some(current) = self.current()
        {
            self.ask_patiently(current, now);
        }
    }

    /// Ask a link for a sign of life of any kind, and leave it as much time as it usually needs and
    /// more.
    pub(super) fn ask_patiently(&mut self, id: LinkId, now: Timestamp) {
        let Some(link) = self.get(id).filter(|link| !(self.host_full && link.is_reached())) else {
            return;
        };
        let patience = (4 * link.round_trip_ms(now)).max(QUIET_MS);
        self.probe(id, Probe { sent: now, deadline: now + patience, any_byte: true });
        self.last_own_probe = Some(now);
    }

    /// When silence on the current link is long enough to ask.
    pub(super) fn own_probe_at(&self) -> Option<Timestamp> {
        let link = self.get(self.current()?)?;
        if link.probe.is_some() || self.host_full || !link.is_open() {
            return None;
        }
        let mut at = link.last_byte + LONG_SILENCE_MS;
        if let Some(since) = self.outstanding_since {
            at = at.min(link.last_byte.max(since) + QUIET_MS);
        }
        Some(self.last_own_probe.map_or(at, |last| at.max(last + PROBE_SPACING_MS)))
    }
}
