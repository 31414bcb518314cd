//! The way to the server: which connections there are, when the next one is dialled, and whether
//! the current one still works.
//!
//! A path has at most one link being made, one in use, and one or two that only wait for late
//! answers. What is said on them is the business of the layer above, which tells the path when a
//! link does its work ([`Path::promote`], [`Path::in_service`]) and when it does not
//! ([`Path::fail`]).

mod debug;
mod link;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::config::{CommonConfig, Endpoint, ReconnectPolicy};
use crate::error::{Code, Error};
use crate::proto::engine::handshake::Handshake;
use crate::proto::engine::session::{Engine, EngineEvent, Frame};
use crate::proto::io::{Hint, Input, LinkId, Transmit};
use crate::proto::rng::Rng;
use crate::proto::time::{Timestamp, earliest, millis};

pub use link::Role;
use link::{Link, Probe};
use plan::Plan;

/// How long the answer to a probe may take after a hint or a thaw (`fault-matrix` 2).
const HINT_PROBE_MS: u64 = 1_000;
/// Silence before a probe while an answer is outstanding, and the least patience with that probe.
const QUIET_MS: u64 = 3_000;
/// Probes without a hint are at least this far apart.
const PROBE_SPACING_MS: u64 = 60_000;
/// After this silence a probe is due whatever the server's heartbeat.
const LONG_SILENCE_MS: u64 = 120_000;
/// A dial that is older than this does not survive a change of the network.
const YOUNG_DIAL_MS: u64 = 500;

/// What a path tells the layer above.
pub enum PathEvent {
    /// The Engine.IO connection of a fresh link is open.
    Opened(LinkId),
    /// A text message: the frame, and where its data starts.
    Message {
        /// The link.
        link: LinkId,
        /// The frame.
        frame: Bytes,
        /// First byte of the data.
        start: usize,
    },
    /// A binary message.
    Binary {
        /// The link.
        link: LinkId,
        /// The bytes.
        data: Bytes,
    },
    /// A link ended.
    Lost {
        /// The link.
        link: LinkId,
        /// What it was for.
        role: Role,
        /// Why.
        error: Error,
        /// A part of a message had been received on it.
        receiving: bool,
    },
    /// A fresh link was given up for a newer network.
    Abandoned(LinkId),
    /// The current link answered a probe.
    Alive,
    /// The next attempt is planned.
    Retry {
        /// Failures in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Error,
        /// The wait in milliseconds; `None`: the policy allows no further attempt.
        delay_ms: Option<u64>,
    },
}

/// Whether a fresh link should take over from the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no current link any more.
    Required,
    /// The current link lives, but belongs to another local address.
    Moved,
    /// Not known before the probe of the current link ends.
    Wait,
    /// The current link lives; the fresh one is not needed.
    Unneeded,
}

/// The connections to one server.
#[derive(Debug)]
pub struct Path {
    config: Arc<CommonConfig>,
    endpoint: Option<Arc<Endpoint>>,
    links: SmallVec<[Link; 3]>,
    next_link: u32,
    plan: Plan,
    suspended: bool,
    host_full: bool,
    /// A probe could not be made because nothing was read.
    probe_owed: bool,
    /// A fresh link could take over from a living one.
    movable: bool,
    outstanding_since: Option<Timestamp>,
    last_own_probe: Option<Timestamp>,
    control: VecDeque<Transmit>,
    events: VecDeque<PathEvent>,
}

impl Path {
    /// A path that leads nowhere yet.
    pub fn new(config: Arc<CommonConfig>, policy: &ReconnectPolicy, seed: u64) -> Self {
        Self {
            config,
            endpoint: None,
            links: SmallVec::new(),
            next_link: 1,
            plan: Plan::new(policy, Rng::new(seed)),
            suspended: false,
            host_full: false,
            probe_owed: false,
            movable: true,
            outstanding_since: None,
            last_own_probe: None,
            control: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Make a connection to a server and keep it. Dials at once.
    pub fn start(&mut self, endpoint: Arc<Endpoint>, now: Timestamp) {
        self.endpoint = Some(endpoint);
        if self.current().is_none() && self.fresh().is_none() {
            self.plan.at(now);
            self.dial_when_due(now);
        }
    }

    /// Let go of every link and plan no other.
    pub fn stop(&mut self) {
        self.endpoint = None;
        self.plan.reset();
        for link in std::mem::take(&mut self.links) {
            self.release(link);
        }
    }

    /// Wait differently between attempts from now on.
    pub fn set_policy(&mut self, policy: &ReconnectPolicy) {
        self.plan.set_policy(policy);
    }

    /// Whether a fresh link could take over from a living one; otherwise none is made beside it.
    pub const fn set_movable(&mut self, movable: bool) {
        self.movable = movable;
    }

    /// Dial after exactly this wait unless a link is being made already.
    pub fn redial_after(&mut self, delay_ms: u64, now: Timestamp) {
        if self.fresh().is_none() {
            self.plan.at(now + delay_ms);
            self.dial_when_due(now);
        }
    }

    /// The link in use.
    pub fn current(&self) -> Option<LinkId> {
        self.with_role(Role::Current)
    }

    /// The link being made.
    pub fn fresh(&self) -> Option<LinkId> {
        self.with_role(Role::Fresh)
    }

    fn with_role(&self, role: Role) -> Option<LinkId> {
        self.links.iter().find(|link| link.role == role).map(|link| link.id)
    }

    fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }

    /// What a link is for; `None` when it is gone.
    pub fn role(&self, id: LinkId) -> Option<Role> {
        self.get(id).map(|link| link.role)
    }

    /// What the server said when the link opened.
    pub fn handshake(&self, id: LinkId) -> Option<&Handshake> {
        self.get(id)?.engine.as_ref()?.handshake()
    }

    /// When bytes of an unfinished message last arrived on a link.
    pub fn last_part(&self, id: LinkId) -> Option<Timestamp> {
        self.get(id)?.last_part
    }

    /// Whether a frame would leave at once.
    pub fn is_writable(&self, id: LinkId) -> bool {
        self.get(id).is_some_and(|link| {
            link.writable && link.engine.as_ref().is_some_and(|engine| engine.queued().0 == 0)
        })
    }

    /// Frames and bytes that wait for the wire.
    pub fn queued(&self) -> (usize, usize) {
        self.links
            .iter()
            .filter_map(|link| link.engine.as_ref())
            .map(Engine::queued)
            .fold((0, 0), |(frames, bytes), (more_frames, more_bytes)| {
                (frames + more_frames, bytes + more_bytes)
            })
    }

    /// Queue a frame on a link.
    pub fn send(&mut self, id: LinkId, frame: Frame) {
        if let Some(engine) = self.get_mut(id).and_then(|link| link.engine.as_mut()) {
            engine.send(frame);
        }
    }

    /// Take a fresh link into use. The link that was current retires. Nothing happens when the
    /// fresh one is gone.
    pub fn promote(&mut self, id: LinkId) {
        if self.get(id).is_none() {
            return;
        }
        self.retire();
        if let Some(link) = self.get_mut(id) {
            link.role = Role::Current;
        }
        self.plan.clear();
    }

    /// Stop using the current link, but keep it for late answers.
    pub fn retire(&mut self) {
        // Two generations of late answers are enough; an older link goes.
        let retiring = self.links.iter().filter(|link| link.role == Role::Retiring).count();
        if retiring > 1
            && self.current().is_some()
            && let Some(oldest) = self.with_role(Role::Retiring)
        {
            self.hangup(oldest);
        }
        if let Some(current) = self.current()
            && let Some(link) = self.get_mut(current)
        {
            link.role = Role::Retiring;
            link.probe = None;
        }
    }

    /// A link did all that an attempt is for: its time limit ends.
    pub fn in_service(&mut self, id: LinkId, now: Timestamp) {
        self.plan.succeeded();
        if let Some(link) = self.get_mut(id) {
            link.attempt_deadline = None;
            link.in_service = Some(now);
            link.pinned = false;
        }
    }

    /// The time limit of an attempt does not end this link any more; the caller has one.
    pub fn lift_deadline(&mut self, id: LinkId) {
        if let Some(link) = self.get_mut(id) {
            link.attempt_deadline = None;
        }
    }

    /// Hints must not disturb a fresh link from now on.
    pub fn pin(&mut self, id: LinkId) {
        self.lift_deadline(id);
        if let Some(link) = self.get_mut(id) {
            link.pinned = true;
        }
    }

    /// Let go of a link without a word to the layer above.
    pub fn hangup(&mut self, id: LinkId) {
        if let Some(index) = self.links.iter().position(|link| link.id == id) {
            let link = self.links.remove(index);
            self.release(link);
        }
    }

    fn release(&mut self, mut link: Link) {
        link.writable = true;
        while let Some(frame) = link.poll_frame() {
            self.control.push_back(transmit(link.id, frame));
        }
        self.control.push_back(Transmit::Hangup { link: link.id });
    }

    /// A link does not do what it is for: end it as if it had broken.
    pub fn fail(&mut self, id: LinkId, error: Error, now: Timestamp) {
        if let Some(index) = self.links.iter().position(|link| link.id == id) {
            self.control.push_back(Transmit::Hangup { link: id });
            self.lose(index, error, now);
        }
    }

    /// A link is gone: tell, and plan the next one if it is needed.
    fn lose(&mut self, index: usize, error: Error, now: Timestamp) {
        let link = self.links.remove(index);
        let receiving = link.partial;
        self.events.push_back(PathEvent::Lost {
            link: link.id,
            role: link.role,
            error: error.clone(),
            receiving,
        });
        if link.in_service.is_some_and(|since| self.plan.was_stable(since, now)) {
            self.plan.start_over();
        }
        let needed =
            link.role != Role::Retiring && self.current().is_none() && self.fresh().is_none();
        if needed && self.endpoint.is_some() {
            let (attempt, delay_ms) = self.plan.after_failure(&error, now);
            self.events.push_back(PathEvent::Retry { attempt, error, delay_ms });
        }
    }

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
                self.probe_current(now);
                self.dial_on_the_new_network(now);
            }
        }
        self.dial_when_due(now);
    }

    fn dial_on_the_new_network(&mut self, now: Timestamp) {
        if self.endpoint.is_none() || (self.current().is_some() && !self.movable) {
            return;
        }
        if let Some(fresh) = self.fresh().and_then(|id| self.get(id)) {
            let id = fresh.id;
            if fresh.pinned {
                return;
            }
            // It may belong to the newer network already: it shows whether it works.
            if now.since(fresh.dialled) < YOUNG_DIAL_MS {
                return self.probe_for_hint(id, now);
            }
            self.hangup(id);
            self.events.push_back(PathEvent::Abandoned(id));
        }
        self.plan.soon(now);
    }

    /// Ask the current link for a sign of life, soon: [`PathEvent::Alive`], or it is lost.
    pub fn probe_current(&mut self, now: Timestamp) {
        if let Some(link) = self.current() {
            self.probe_for_hint(link, now);
        }
    }

    /// One that is still being dialled has to show progress. An open one has to answer: bytes that
    /// were on their way before prove nothing about the network of now.
    fn probe_for_hint(&mut self, id: LinkId, now: Timestamp) {
        let (host_full, link) = (self.host_full, self.get_mut(id));
        let Some(link) = link else { return };
        if host_full && link.engine.is_some() {
            // Nothing is read meanwhile, so no answer would be seen.
            self.probe_owed = true;
            return;
        }
        let any_byte = !link.is_open();
        self.probe(id, Probe { sent: now, deadline: now + HINT_PROBE_MS, any_byte });
    }

    fn probe(&mut self, id: LinkId, wanted: Probe) {
        let Some(link) = self.get_mut(id) else { return };
        if link.probe.is_none_or(|probe| wanted.deadline < probe.deadline) {
            link.probe = Some(wanted);
            if link.is_open() {
                self.control.push_back(Transmit::Ping { link: id });
            }
        }
    }

    /// Answers to probes may have arrived during the sleep without having been read.
    fn renew_probes(&mut self, now: Timestamp) {
        for probe in self.links.iter_mut().filter_map(|link| link.probe.as_mut()) {
            probe.sent = now;
            probe.deadline = probe.deadline.max(now + HINT_PROBE_MS);
        }
    }

    fn handle_host_queue(&mut self, full: bool, now: Timestamp) {
        self.host_full = full;
        for link in &mut self.links {
            let Some(engine) = &mut link.engine else { continue };
            engine.pause_reading(full, now);
            if full && link.probe.take().is_some_and(|probe| !probe.any_byte) {
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

    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) {
        self.wake(now);
        match input {
            Input::Connected { link, local, connect_ms } => {
                let (timeouts, limits) = (&self.config.timeouts, &self.config.limits);
                let engine = Engine::new(timeouts, limits, now);
                let paused = self.host_full;
                if let Some(link) = self.get_mut(link) {
                    link.local = local.map(|address| address.ip());
                    link.measured(connect_ms, now);
                    link.last_byte = now;
                    link.probe = None;
                    let engine = link.engine.insert(engine);
                    if paused {
                        engine.pause_reading(true, now);
                    }
                }
            }
            Input::Failed { link, error } => {
                if let Some(index) = self.links.iter().position(|known| known.id == link) {
                    self.lose(index, error, now);
                }
            }
            Input::Text { link, frame } => self.handle_frame(link, Frame::Text(frame), now),
            Input::Binary { link, frame } => self.handle_frame(link, Frame::Binary(frame), now),
            Input::Activity { link, partial, pong } => {
                self.heard(link, pong, now);
                if let Some(link) = self.get_mut(link)
                    && partial
                {
                    link.partial = true;
                    link.last_part = Some(now);
                    if let Some(engine) = &mut link.engine {
                        engine.handle_partial(now);
                    }
                }
            }
            Input::Closed { link, error } => {
                match self.get_mut(link).and_then(|link| link.engine.as_mut()) {
                    Some(engine) => {
                        engine.handle_closed(error);
                        self.drain_engine(link, false, now);
                    }
                    None => self.handle_input(Input::Failed { link, error }, now),
                }
            }
            Input::Writable { link, writable } => {
                if let Some(link) = self.get_mut(link) {
                    link.writable = writable;
                }
            }
            Input::HostQueue { full } => self.handle_host_queue(full, now),
        }
    }

    fn handle_frame(&mut self, id: LinkId, frame: Frame, now: Timestamp) {
        self.heard(id, false, now);
        let Some(link) = self.get_mut(id) else { return };
        link.partial = false;
        if let Some(engine) = &mut link.engine {
            engine.handle_input(frame, now);
            self.drain_engine(id, true, now);
        }
    }

    fn heard(&mut self, id: LinkId, pong: bool, now: Timestamp) {
        let answered = self.get_mut(id).is_some_and(|link| link.heard(pong, now));
        if answered && self.current() == Some(id) {
            self.events.push_back(PathEvent::Alive);
        }
    }

    /// Pass on what an engine has to say. `hangup`: the socket below is still there.
    fn drain_engine(&mut self, id: LinkId, hangup: bool, now: Timestamp) {
        loop {
            let Some(index) = self.links.iter().position(|link| link.id == id) else { return };
            let engine = self.links[index].engine.as_mut();
            let Some(event) = engine.and_then(Engine::poll_event) else { return };
            match event {
                EngineEvent::Opened => self.events.push_back(PathEvent::Opened(id)),
                EngineEvent::Message { frame, start } => {
                    self.events.push_back(PathEvent::Message { link: id, frame, start });
                }
                EngineEvent::Binary(data) => {
                    self.events.push_back(PathEvent::Binary { link: id, data });
                }
                EngineEvent::Closed(error) => {
                    if hangup {
                        self.control.push_back(Transmit::Hangup { link: id });
                    }
                    return self.lose(index, error, now);
                }
            }
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.suspended {
            return;
        }
        let ids: SmallVec<[LinkId; 3]> = self.links.iter().map(|link| link.id).collect();
        for id in ids {
            self.handle_link_timeout(id, now);
        }
        if self.own_probe_at().is_some_and(|at| at <= now)
            && let Some(link) = self.current().and_then(|id| self.get(id))
        {
            let patience = (4 * link.round_trip_ms(now)).max(QUIET_MS);
            let probe = Probe { sent: now, deadline: now + patience, any_byte: true };
            self.probe(link.id, probe);
            self.last_own_probe = Some(now);
        }
        self.dial_when_due(now);
    }

    fn handle_link_timeout(&mut self, id: LinkId, now: Timestamp) {
        let Some(link) = self.get_mut(id) else { return };
        if link.probe.is_some_and(|probe| probe.deadline <= now) {
            let error = Error::new(Code::NetworkLost, "no answer to a probe");
            return self.fail(id, error, now);
        }
        if link.attempt_deadline.is_some_and(|deadline| deadline <= now) {
            let error = Error::new(Code::ConnectTimeout, "the attempt took too long");
            return self.fail(id, error, now);
        }
        if let Some(engine) = &mut link.engine {
            engine.handle_timeout(now);
            self.drain_engine(id, true, now);
        }
    }

    /// When silence on the current link is long enough to ask.
    fn own_probe_at(&self) -> Option<Timestamp> {
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

    /// Whether a dial could start now, were it due.
    fn may_dial(&self) -> bool {
        !self.suspended && !self.host_full && self.endpoint.is_some() && self.fresh().is_none()
    }

    fn dial_when_due(&mut self, now: Timestamp) {
        if !self.may_dial() || !self.plan.take_due(now) {
            return;
        }
        let Some(endpoint) = self.endpoint.clone() else { return };
        let id = LinkId(self.next_link);
        self.next_link += 1;
        self.links.push(Link::new(id, now, millis(self.config.timeouts.attempt)));
        let path_and_query = Engine::path_and_query(&endpoint);
        self.control.push_back(Transmit::Dial { link: id, endpoint, path_and_query });
    }

    /// The next thing to do on the network.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(transmit) = self.control.pop_front() {
            return Some(transmit);
        }
        if self.suspended {
            return None;
        }
        self.links
            .iter_mut()
            .find_map(|link| link.poll_frame().map(|frame| transmit(link.id, frame)))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PathEvent> {
        self.events.pop_front()
    }

    /// When [`Path::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.suspended {
            return None;
        }
        let links = self.links.iter().filter_map(Link::poll_timeout).min();
        let dial = if self.may_dial() { self.plan.due() } else { None };
        earliest(links, earliest(dial, self.own_probe_at()))
    }
}

fn transmit(link: LinkId, frame: Frame) -> Transmit {
    match frame {
        Frame::Text(frame) => Transmit::Text { link, frame },
        Frame::Binary(frame) => Transmit::Binary { link, frame },
    }
}
