//! The way to the server: which connections there are, when the next one is dialled, and whether
//! the current one still works.
//!
//! A path has at most one link being made, one in use, and one or two that only wait for late
//! answers. What is said on them is the business of the layer above, which tells the path when a
//! link does its work ([`Path::promote`], [`Path::in_service`]) and when it does not
//! ([`Path::fail`]).

mod address;
mod debug;
mod event;
mod inbound;
mod link;
mod liveness;
mod loss;
mod memory;
mod opening;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::config::{
    CommonConfig, Endpoint, HeaderList, ReconnectPolicy, Revision, Target, Transport,
};
use crate::error::{Code, Error};
use crate::proto::engine::connection::{Connection, Context, Goodbye};
use crate::proto::engine::cookies::Jars;
use crate::proto::engine::handshake::Handshake;
use crate::proto::engine::session::{Engine, Frame};
use crate::proto::io::{LinkId, Transmit, WireId};
use crate::proto::rng::Rng;
use crate::proto::stats::Stats;
use crate::proto::time::{Timestamp, earliest, millis};

use address::AddressWatch;
pub use event::{PathEvent, Verdict};
use link::Link;
pub use link::Role;
use memory::Memory;
use plan::Plan;

/// The connections to one server.
#[derive(Debug)]
pub struct Path {
    /// What the whole machine has done: the layer above counts here, too.
    pub(crate) stats: Stats,
    config: Arc<CommonConfig>,
    headers: HeaderList,
    /// None while no connection is wanted.
    target: Option<Target>,
    /// Every attempt asks for its target.
    asks: bool,
    /// Until when the answer may come.
    asking: Option<Timestamp>,
    links: SmallVec<[Link; 1]>,
    /// Losers of a race that the server has to be told about once they have opened.
    lingering: Vec<(Connection, Timestamp)>,
    next_link: u32,
    next_wire: u32,
    plan: Plan,
    jars: Jars,
    memory: Memory,
    /// The revision was changed because of what the server showed, and nothing has worked since.
    switched: bool,
    last_error: Option<Error>,
    suspended: bool,
    host_full: bool,
    /// A probe could not be made because nothing was read.
    probe_owed: bool,
    /// A fresh link could take over from a living one.
    movable: bool,
    /// The network has changed: until then a link that fails beside a living one is made again.
    moving_until: Option<Timestamp>,
    outstanding_since: Option<Timestamp>,
    last_own_probe: Option<Timestamp>,
    address: AddressWatch,
    /// When something was last said to the path.
    now: Timestamp,
    control: VecDeque<Transmit>,
    events: VecDeque<PathEvent>,
}

impl Path {
    /// A path that leads nowhere yet.
    pub fn new(config: Arc<CommonConfig>, policy: &ReconnectPolicy, seed: u64) -> Self {
        Self {
            stats: Stats::default(),
            headers: config.headers.clone(),
            config,
            target: None,
            asks: false,
            asking: None,
            links: SmallVec::new(),
            lingering: Vec::new(),
            next_link: 1,
            next_wire: 1,
            plan: Plan::new(policy, Rng::new(seed)),
            jars: Jars::default(),
            memory: Memory::default(),
            switched: false,
            last_error: None,
            suspended: false,
            host_full: false,
            probe_owed: false,
            movable: true,
            moving_until: None,
            outstanding_since: None,
            last_own_probe: None,
            address: AddressWatch::default(),
            now: Timestamp(0),
            control: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Ask for a target before every attempt ([`PathEvent::TargetWanted`]).
    pub const fn ask_targets(&mut self, ask: bool) {
        self.asks = ask;
    }

    /// The application's headers from the next attempt on.
    pub fn set_headers(&mut self, headers: HeaderList) {
        if let Some(target) = &mut self.target {
            target.headers = headers.clone();
        }
        self.headers = headers;
    }

    /// Make a connection to a server and keep it. Dials at once.
    pub fn start(&mut self, endpoint: Arc<Endpoint>, now: Timestamp) {
        let endpoint = Arc::unwrap_or_clone(endpoint);
        self.target = Some(Target { endpoint, headers: self.headers.clone() });
        if self.current().is_none() && self.fresh().is_none() {
            self.plan.at(now);
            self.dial_when_due(now);
        }
    }

    /// Let go of every link and plan no other.
    pub fn stop(&mut self) {
        self.target = None;
        self.asking = None;
        self.last_error = None;
        self.switched = false;
        self.moving_until = None;
        self.plan.reset();
        for link in std::mem::take(&mut self.links) {
            self.release_link(link);
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

    /// Whether another attempt is planned.
    pub fn will_dial(&self) -> bool {
        self.plan.due().is_some()
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
        self.links.iter().find(|link| link.has_wire(wire)).map(|link| link.id)
    }

    /// What a link is for; `None` when it is gone.
    pub fn role(&self, id: LinkId) -> Option<Role> {
        self.get(id).map(|link| link.role)
    }

    /// What the server said when the link opened.
    pub fn handshake(&self, id: LinkId) -> Option<&Handshake> {
        self.get(id)?.engine()?.handshake()
    }

    /// The revision of Engine.IO that a link speaks: never `Auto`.
    pub fn revision(&self, id: LinkId) -> Revision {
        let opened = self.get(id).and_then(|link| link.opened.as_ref());
        opened.map_or(Revision::V4, |connection| connection.address().revision())
    }

    /// The transport of an open link.
    pub fn transport(&self, id: LinkId) -> Option<Transport> {
        Some(self.get(id)?.opened.as_ref()?.transport())
    }

    /// Everything that was sent on a link up to now, for [`Path::has_left`].
    pub fn mark(&self, id: LinkId) -> u64 {
        self.get(id).and_then(|link| link.opened.as_ref()).map_or(0, Connection::mark)
    }

    /// Whether everything up to a mark went out, on polling in requests that were answered.
    pub fn has_left(&self, id: LinkId, mark: u64) -> bool {
        let opened = self.get(id).and_then(|link| link.opened.as_ref());
        opened.is_none_or(|connection| connection.has_left(mark))
    }

    /// When bytes of an unfinished message last arrived on a link.
    pub fn last_part(&self, id: LinkId) -> Option<Timestamp> {
        self.get(id)?.last_part
    }

    /// Whether a frame would leave at once.
    pub fn is_writable(&self, id: LinkId) -> bool {
        let opened = self.get(id).and_then(|link| link.opened.as_ref());
        opened.is_some_and(Connection::is_writable)
    }

    /// Frames and bytes that wait for the wire.
    pub fn queued(&self) -> (usize, usize) {
        let engines = self.links.iter().filter_map(Link::engine);
        engines.map(Engine::queued).fold((0, 0), |(frames, bytes), (more_frames, more_bytes)| {
            (frames + more_frames, bytes + more_bytes)
        })
    }

    /// Queue a frame on a link.
    pub fn send(&mut self, id: LinkId, frame: Frame) {
        if let Some(connection) = self.get_mut(id).and_then(|link| link.opened.as_mut()) {
            connection.send(frame);
            self.stats.messages_out += 1;
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
        self.switched = false;
        self.last_error = None;
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
            self.release_link(link);
        }
    }

    fn release_link(&mut self, link: Link) {
        let now = self.now;
        for connection in link.opened.into_iter().chain(link.racers) {
            self.release(connection, Goodbye::Flush, now);
        }
    }

    fn release(&mut self, connection: Connection, goodbye: Goodbye, now: Timestamp) {
        let (_, mut cx) = self.split(now);
        if let Some(opening) = connection.release(goodbye, &mut cx) {
            let until = now + millis(self.config.timeouts.open);
            self.lingering.push((opening, until));
        }
    }

    /// The links, and what their connections need.
    fn split(&mut self, now: Timestamp) -> (&mut SmallVec<[Link; 1]>, Context<'_>) {
        self.now = now;
        let cx = Context {
            config: &self.config,
            jars: &mut self.jars,
            control: &mut self.control,
            next_wire: &mut self.next_wire,
            now,
        };
        (&mut self.links, cx)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        if self.suspended {
            return;
        }
        let ids: SmallVec<[LinkId; 3]> = self.links.iter().map(|link| link.id).collect();
        for id in ids {
            self.handle_link_timeout(id, now);
        }
        self.linger_timeout(now);
        self.target_timeout(now);
        self.probe_after_silence(now);
        self.dial_when_due(now);
        self.ask_address(now);
    }

    fn handle_link_timeout(&mut self, id: LinkId, now: Timestamp) {
        let Some(link) = self.get_mut(id) else { return };
        if link.probe.is_some_and(|probe| probe.deadline <= now) {
            let error = Error::new(Code::NetworkLost, "no answer to a probe");
            return self.end(id, error, Goodbye::Silent, now);
        }
        if link.attempt_deadline.is_some_and(|deadline| deadline <= now) {
            let error = Error::new(Code::ConnectTimeout, "the attempt took too long");
            return self.end(id, error, Goodbye::Silent, now);
        }
        let (links, mut cx) = self.split(now);
        if let Some(link) = links.iter_mut().find(|link| link.id == id) {
            link.connections().for_each(|connection| connection.handle_timeout(&mut cx));
        }
        self.race_timeout(id, now);
        self.drain(id, now);
    }

    /// The next thing to do on the network.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.next_transmit()?;
        self.stats.bytes_out += transmit.bytes() as u64;
        Some(transmit)
    }

    fn next_transmit(&mut self) -> Option<Transmit> {
        if let Some(transmit) = self.control.pop_front() {
            return Some(transmit);
        }
        if self.suspended {
            return None;
        }
        let (config, jars, now) = (&self.config, &self.jars, self.now);
        self.links
            .iter_mut()
            .filter_map(|link| link.opened.as_mut())
            .find_map(|connection| connection.poll_transmit(config, jars, now))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PathEvent> {
        if self.events.is_empty()
            && let Some(index) = self.links.iter().position(|link| link.ended.is_some())
            && let Some(error) = self.links[index].ended.take()
        {
            self.lose(index, error, Goodbye::Silent, self.now);
        }
        self.events.pop_front()
    }

    /// When [`Path::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.suspended {
            return None;
        }
        let links = self.links.iter().filter_map(Link::poll_timeout).min();
        let lingering = self.lingering.iter().map(|(_, until)| *until).min();
        let dial = if self.may_dial() { self.plan.due() } else { self.asking };
        let own = earliest(self.own_probe_at(), self.address_at());
        earliest(earliest(links, lingering), earliest(dial, own))
    }
}
