//! The world of one conference: the core, a portal, the network between them, an application, and
//! a clock that jumps from one event to the next.
//!
//! ```text
//!   App --commands--> Stack --frames--> Link.up ----> Server --> Portal model
//!       <--events----       <--frames-- Link.down <--        <--
//! ```
//!
//! Equal seeds and equal acts give equal runs. Every rule that can be checked while it runs is
//! checked while it runs: on the wire by [`Watch`], in the application by [`App`].

mod acts;
mod network;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use roamio::config::{ConferenceConfig, PortalProtocol, Transport};
use roamio::error::{Code, Error};
use roamio::proto::io::{ConferenceState, Event, Input, WireId};
use roamio::proto::rng::Rng;
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};
use roamio_portal::model::{ModelConfig, Portal};

use crate::app::App;
use crate::link::{Link, Millis, ToClient};
use crate::server::Server;
use crate::watch::Watch;

pub(crate) use acts::outgoing;

/// A machine that has this many things to do without time passing spins.
const SPIN: u32 = 2_000;

/// What happens to a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dials {
    Succeed,
    Refused,
    /// No answer at all.
    Hang,
    /// The system gives up after a few seconds.
    Unreachable,
    /// Success after this.
    Slow(Millis),
}

/// What the application says when it is asked for a fresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Nothing.
    Silent,
    Refuses,
    /// A fresh one.
    Gives,
    /// A fresh one that the portal refuses.
    GivesBad,
    /// The one of the login before.
    Repeats,
}

/// How a world begins.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) config: ConferenceConfig,
    pub(crate) model: ModelConfig,
    /// `pingInterval` and `pingTimeout`.
    pub(crate) ping: (Millis, Millis),
    /// One way.
    pub(crate) latency: Millis,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            config: ConferenceConfig::default(),
            model: ModelConfig::default(),
            ping: (25_000, 20_000),
            latency: 20,
        }
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    config: Arc<ConferenceConfig>,
    pub(crate) now: Millis,
    pub(crate) wall: Millis,
    pub(crate) stack: Stack,
    pub(crate) server: Server,
    pub(crate) links: BTreeMap<WireId, Link>,
    pub(crate) app: App,
    pub(crate) watch: Watch,
    pub(crate) rng: Rng,
    pub(crate) dials: Dials,
    pub(crate) provider: Provider,
    /// The token of the last login.
    token: String,
    /// What a refused dial fails with.
    pub(crate) refusal: Error,
    pub(crate) latency: Millis,
    /// The address that new connections have.
    pub(crate) local: SocketAddr,
    /// Where the way of datagrams is another one: their address.
    pub(crate) datagrams_from: Option<IpAddr>,
    /// The system knows a way to the portal.
    pub(crate) routed: bool,
    /// When the core asked for the address.
    pub(crate) asked_for_address: Vec<Millis>,
    limits: Limits,
    protocol: PortalProtocol,
    /// Who joined the room and has not left it.
    others: Vec<String>,
    /// The device sleeps: the client does nothing, and what arrives waits.
    asleep: bool,
    /// The host said that it is suspended: no deadline counts.
    suspended: bool,
    host_full: bool,
    /// What was told while a callback of the application runs.
    callback: Option<Vec<Event>>,
    /// Frames above this length, and all that follow them, are lost.
    pub(crate) hole: Option<usize>,
    /// Bytes a second in either direction, of connections that are new too.
    rate: Option<u64>,
    /// Frames above this length take a while, in parts: length and time of a part.
    pub(crate) drip: Option<(usize, Millis)>,
    spins: u32,
    trace: bool,
}

/// The time limits that the application counts on.
#[derive(Debug)]
struct Limits {
    login: Millis,
    logout: Millis,
    rejoin: Millis,
    restore: Millis,
    request: Millis,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(setup: Setup) -> Self {
        let Setup { seed, mut config, model, ping, latency } = setup;
        // The simulated server has no polling.
        config.common.transports.order = vec![Transport::Websocket];
        let (now, protocol) = (10_000, config.protocol);
        let millis = |duration: std::time::Duration| duration.as_millis() as Millis;
        // The life of the token until it is written, then the limit of the answer.
        let login = 180_000 + millis(config.login_timeout);
        let provider = millis(config.common.timeouts.provider);
        let limits = Limits {
            login: if config.ask_token { 2 * login + provider } else { login },
            // The waits between five questions.
            rejoin: 5 * (provider + login) + 15_000 + millis(config.logout_timeout),
            logout: millis(config.logout_timeout),
            // Resuming takes as long as the network is away.
            restore: 3_600_000,
            request: millis(config.request_timeout),
        };
        let config = Arc::new(config);
        Self {
            now,
            wall: 1_700_000_000_000,
            stack: Stack::conference(Arc::clone(&config), seed),
            config,
            server: Server::new(Portal::new(model, seed, now), ping),
            links: BTreeMap::new(),
            app: App::new(),
            watch: Watch::default(),
            rng: Rng::new(seed ^ 0x5eed),
            dials: Dials::Succeed,
            provider: Provider::Silent,
            token: String::new(),
            refusal: Error::new(Code::Connect, "connection refused"),
            latency,
            local: "10.0.0.1:1".parse().expect("an address"),
            datagrams_from: None,
            routed: true,
            asked_for_address: Vec::new(),
            limits,
            protocol,
            others: Vec::new(),
            asleep: false,
            suspended: false,
            host_full: false,
            callback: None,
            hole: None,
            rate: None,
            drip: None,
            spins: 0,
            trace: std::env::var_os("ROAMIO_TRACE").is_some(),
        }
    }

    /// A world in which the login has just succeeded.
    pub(crate) fn ready(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        world.login();
        world.run_until(5_000, Self::is_ready);
        world
    }

    // ---- time -------------------------------------------------------------------------------

    pub(crate) fn is_ready(&self) -> bool {
        self.app.state == ConferenceState::Ready
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.app.state == ConferenceState::Ended
    }

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: self.wall + self.now }
    }

    /// Let time pass.
    pub(crate) fn run_for(&mut self, duration: Millis) {
        let end = self.now + duration;
        while self.next_event().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Let time pass until something is so.
    #[track_caller]
    pub(crate) fn run_until(&mut self, limit: Millis, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            match self.next_event() {
                Some(at) if at <= end => self.step(),
                _ => panic!("not so within {limit} ms: {:?}", self.app.steps),
            }
        }
    }

    /// Run until the client has written a call of this name for the `nth` time.
    #[track_caller]
    pub(crate) fn run_until_sent(&mut self, name: &str, nth: usize) -> WireId {
        self.run_until(60_000, |world| world.watch.count(name) >= nth);
        let mut calls = self.watch.calls.iter().filter(|(call, _)| call == name);
        calls.nth(nth - 1).map(|(_, link)| *link).expect("it was sent")
    }

    /// Run until the portal has answered a call of this name for the `nth` time. The answer is on
    /// its way.
    #[track_caller]
    pub(crate) fn run_until_answered(&mut self, name: &str, nth: usize) -> WireId {
        let answers = |world: &Self| {
            let answered = world.server.answered().iter();
            answered.filter(|(call, _)| call == name).map(|(_, link)| *link).collect::<Vec<_>>()
        };
        self.run_until(60_000, |world| answers(world).len() >= nth);
        answers(self)[nth - 1]
    }

    /// When something happens by itself.
    fn next_event(&self) -> Option<Millis> {
        let up = self.links.values().filter_map(|link| link.up.due());
        let down = self.links.values().filter(|link| self.reads(link));
        let down = down.filter_map(|link| link.down.due());
        let client = self.stack.poll_timeout().map(|at| at.0).filter(|_| !self.asleep);
        let server = up.chain(self.server.poll_timeout());
        server.filter(|_| !self.server.stopped).chain(down).chain(client).min()
    }

    /// Whether the client takes what arrives on a link.
    fn reads(&self, link: &Link) -> bool {
        let first = link.down.front();
        !self.asleep && (!self.host_full || first.is_some_and(ToClient::ends_dial))
    }

    /// Jump to the next event and let everything happen that is due.
    pub(crate) fn step(&mut self) {
        let Some(at) = self.next_event() else { return };
        self.spins = if at > self.now { 0 } else { self.spins + 1 };
        assert!(self.spins < SPIN, "rule 6: the clock stands still");
        self.now = self.now.max(at);
        // A driver may look at its timer or at its sockets first.
        let timer_first = self.rng.below(2) == 0;
        self.step_server();
        if !self.asleep {
            if timer_first {
                self.step_timer();
            }
            self.step_inputs();
            self.step_timer();
            self.check();
        }
        self.links.retain(|_, link| !link.is_over());
    }

    fn step_timer(&mut self) {
        if self.stack.poll_timeout().is_some_and(|at| at.0 <= self.now) {
            self.stack.handle_timeout(self.clock());
            self.drain();
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        if self.trace {
            self.note(format!("    ---> {}", Brief(&input)));
        }
        self.suspended = false;
        self.stack.handle_input(input, self.clock());
        self.drain();
    }

    /// Do what the core wants done, and hear what it says.
    fn drain(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            if self.trace {
                self.note(format!("    <--- {}", Brief(&transmit)));
            }
            self.transmit(transmit);
        }
        while let Some(event) = self.stack.poll_event() {
            if self.trace {
                self.note(format!("core      {event:?}"));
            }
            match &mut self.callback {
                Some(waiting) => waiting.push(event),
                None => self.tell(event),
            }
        }
        self.answer_questions();
    }

    fn tell(&mut self, event: Event) {
        let (portal, admissions) = (&self.server.portal, self.watch.admissions);
        self.app.handle(event, portal, admissions, self.now);
    }

    /// Once all that was issued has come, and the portal has told what it has done, the room is that
    /// of the portal.
    pub(crate) fn check_room(&mut self) {
        let differs = |world: &Self| {
            let portal = &world.server.portal;
            world.app.knows_room(portal) && !world.app.agrees(portal)
        };
        if differs(self) {
            // Streams are told a little later than they come and go.
            self.run_for(self.server.portal.config().stream_delay);
            let portal = &self.server.portal;
            let me = self.app.participant.as_deref().unwrap_or_default();
            assert!(
                !differs(self),
                "the portal has {:?}, the application {:?}",
                portal.welcome(me),
                self.app.room
            );
        }
    }

    fn check(&self) {
        if self.callback.is_none() {
            self.app.check_stats(&self.stack.stats());
            if !self.suspended {
                self.app.check(self.now);
            }
        }
        let (events, _) = self.stack.queued();
        let most = self.app.open_requests() + 32;
        assert!(events <= most, "memory: {events} events wait for the wire");
        if self.is_ended() {
            assert!(self.stack.queued() == (0, 0), "memory: something waits after the end");
            assert_eq!(self.stack.poll_timeout(), None, "a timer runs after the end");
        }
    }

    /// Print a line of the trace.
    pub(crate) fn note(&self, line: String) {
        if self.trace {
            println!("{:>9}.{:03} {line}", self.now / 1_000, self.now % 1_000);
        }
    }
}

/// One line of a trace, without the long middle of frames.
struct Brief<'a, T>(&'a T);

impl<T: std::fmt::Debug> std::fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        match text.char_indices().nth(180) {
            Some((end, _)) => write!(f, "{}...", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

/// Whole numbers below a bound.
pub(crate) trait Below {
    fn below(&mut self, bound: u64) -> u64;
}

impl Below for Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound.max(1)
    }
}
