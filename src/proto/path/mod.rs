//! The way to the server: which connections there are, when the next one is dialled, and whether
//! the current one still works.
//!
//! A path has at most one link being made, one in use, and one or two that only wait for late
//! answers. What is said on them is the business of the layer above, which tells the path when a
//! link does its work ([`Path::promote`], [`Path::in_service`]) and when it does not
//! ([`Path::fail`]).

mod debug;
mod link;
mod liveness;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::config::{CommonConfig, Endpoint, ReconnectPolicy, Revision};
use crate::error::{Code, Error};
use crate::proto::engine::handshake::Handshake;
use crate::proto::engine::session::{Engine, EngineEvent, Frame};
use crate::proto::io::{Input, LinkId, Transmit, WireId};
use crate::proto::rng::Rng;
use crate::proto::time::{Timestamp, earliest, millis};

use link::Link;
pub use link::Role;
use plan::Plan;

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

    /// The link that a wire carries.
    pub fn link_of(&self, wire: WireId) -> Option<LinkId> {
        self.get(LinkId(wire.0)).map(|link| link.id)
    }

    /// What a link is for; `None` when it is gone.
    pub fn role(&self, id: LinkId) -> Option<Role> {
        self.get(id).map(|link| link.role)
    }

    /// What the server said when the link opened.
    pub fn handshake(&self, id: LinkId) -> Option<&Handshake> {
        self.get(id)?.engine.as_ref()?.handshake()
    }

    /// The revision of Engine.IO that a link speaks: never `Auto`.
    pub fn revision(&self, _id: LinkId) -> Revision {
        match self.config.transports.revision {
            Revision::V3 => Revision::V3,
            Revision::V4 | Revision::Auto => Revision::V4,
        }
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
        self.control.push_back(Transmit::Hangup { wire: WireId(link.id.0), farewell: Vec::new() });
    }

    /// A link does not do what it is for: end it as if it had broken.
    pub fn fail(&mut self, id: LinkId, error: Error, now: Timestamp) {
        if let Some(index) = self.links.iter().position(|link| link.id == id) {
            self.control.push_back(Transmit::Hangup { wire: WireId(id.0), farewell: Vec::new() });
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

    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) {
        self.wake(now);
        match input {
            Input::Reached { wire, connect_ms } => {
                if let Some(link) = self.get_mut(LinkId(wire.0)) {
                    link.measured(connect_ms, now);
                }
            }
            // No wire of polling is asked for yet.
            Input::Response { .. } => {}
            Input::Connected { wire, local, .. } => {
                let link = LinkId(wire.0);
                let (timeouts, limits) = (&self.config.timeouts, &self.config.limits);
                let engine = Engine::new(Revision::V4, timeouts, limits, now);
                let paused = self.host_full;
                if let Some(link) = self.get_mut(link) {
                    link.local = local.map(|address| address.ip());
                    link.last_byte = now;
                    link.probe = None;
                    let engine = link.engine.insert(engine);
                    if paused {
                        engine.pause_reading(true, now);
                    }
                }
            }
            Input::Failed { wire, error } => {
                let link = LinkId(wire.0);
                if let Some(index) = self.links.iter().position(|known| known.id == link) {
                    self.lose(index, error, now);
                }
            }
            Input::Text { wire, frame } => {
                self.handle_frame(LinkId(wire.0), Frame::Text(frame), now)
            }
            Input::Binary { wire, frame } => {
                self.handle_frame(LinkId(wire.0), Frame::Binary(frame), now)
            }
            Input::Activity { wire, partial, pong } => {
                let link = LinkId(wire.0);
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
            Input::Closed { wire, error } => {
                let link = LinkId(wire.0);
                match self.get_mut(link).and_then(|link| link.engine.as_mut()) {
                    Some(engine) => {
                        engine.handle_closed(error);
                        self.drain_engine(link, false, now);
                    }
                    None => self.handle_input(Input::Failed { wire, error }, now),
                }
            }
            Input::Writable { wire, writable } => {
                let link = LinkId(wire.0);
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
                        self.control.push_back(Transmit::Hangup {
                            wire: WireId(id.0),
                            farewell: Vec::new(),
                        });
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
        self.probe_after_silence(now);
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
        let headers = self.config.headers.0.as_slice().into();
        let wire = WireId(id.0);
        self.control.push_back(Transmit::Dial { wire, endpoint, path_and_query, headers });
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
        Frame::Text(frame) => Transmit::Text { wire: WireId(link.0), frame },
        Frame::Binary(frame) => Transmit::Binary { wire: WireId(link.0), frame },
    }
}
