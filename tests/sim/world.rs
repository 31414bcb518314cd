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

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use roamio::config::{ConferenceConfig, Token};
use roamio::error::{Code, Error};
use roamio::payload::Outgoing;
use roamio::proto::io::{Command, ConferenceState, Hint, Input, LinkId, RequestId, Transmit};
use roamio::proto::rng::Rng;
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};
use roamio_portal::model::{Audience, ModelConfig, Portal, TextBurst, TokenRequest};

use crate::app::{App, What};
use crate::link::{Flow, Link, Millis, Side, ToClient, ToServer};
use crate::server::{Says, Server};
use crate::watch::Watch;

/// A machine that has this many things to do without time passing spins.
const SPIN: u32 = 2_000;
/// The room that everybody is in.
const ROOM: &str = "room";

/// What happens to a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dials {
    Succeed,
    Refused,
    /// No answer at all.
    Hang,
    /// Success after this.
    Slow(Millis),
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
    pub(crate) now: Millis,
    pub(crate) wall: Millis,
    pub(crate) stack: Stack,
    pub(crate) server: Server,
    pub(crate) links: BTreeMap<LinkId, Link>,
    pub(crate) app: App,
    pub(crate) watch: Watch,
    pub(crate) rng: Rng,
    pub(crate) dials: Dials,
    pub(crate) latency: Millis,
    /// The address that new connections have.
    pub(crate) local: SocketAddr,
    limits: Limits,
    /// The device sleeps: the client does nothing, and what arrives waits.
    asleep: bool,
    /// The host said that it is suspended: no deadline counts.
    suspended: bool,
    host_full: bool,
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
    request: Millis,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(setup: Setup) -> Self {
        let Setup { seed, config, model, ping, latency } = setup;
        let now = 10_000;
        let millis = |duration: std::time::Duration| duration.as_millis() as Millis;
        let limits = Limits {
            // The life of the token until it is written, then the limit of the answer.
            login: 180_000 + millis(config.login_timeout),
            logout: millis(config.logout_timeout),
            request: millis(config.request_timeout),
        };
        Self {
            now,
            wall: 1_700_000_000_000,
            stack: Stack::conference(Arc::new(config), seed),
            server: Server::new(Portal::new(model, seed, now), ping),
            links: BTreeMap::new(),
            app: App::new(),
            watch: Watch::default(),
            rng: Rng::new(seed ^ 0x5eed),
            dials: Dials::Succeed,
            latency,
            local: "10.0.0.1:1".parse().expect("an address"),
            limits,
            asleep: false,
            suspended: false,
            host_full: false,
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

    // ---- what the application does ----------------------------------------------------------

    /// Log in with a fresh token.
    pub(crate) fn login(&mut self) -> RequestId {
        let token =
            self.server.portal.mint_token(TokenRequest::new(ROOM, "alice", "presenter"), self.now);
        self.login_with(&token)
    }

    pub(crate) fn login_with(&mut self, token: &str) -> RequestId {
        let token = Token::parse(token, false).expect("the portal's tokens are good");
        let request = self.app.ask(What::Login, self.now, self.limits.login);
        self.command(Command::Login { request, token });
        request
    }

    pub(crate) fn logout(&mut self) -> RequestId {
        let request = self.app.ask(What::Logout, self.now, self.limits.logout);
        self.command(Command::Logout { request });
        request
    }

    /// Send a text to the room: it comes back as a notification.
    pub(crate) fn text(&mut self) -> RequestId {
        self.text_within(None)
    }

    pub(crate) fn text_within(&mut self, timeout_ms: Option<Millis>) -> RequestId {
        let limit = timeout_ms.unwrap_or(self.limits.request);
        let request = self.app.ask(What::Text, self.now, limit);
        let data = format!(r#"{{"to":"all","message":"{}"}}"#, App::message(request));
        let event = outgoing("text", &data);
        self.command(Command::Request { request, event, timeout_ms });
        request
    }

    pub(crate) fn cancel(&mut self, request: RequestId) {
        self.command(Command::Cancel { request });
    }

    pub(crate) fn close(&mut self) {
        self.app.closing_since.get_or_insert(self.now);
        self.command(Command::Close);
    }

    pub(crate) fn hint(&mut self, hint: Hint) {
        self.command(Command::Hint(hint));
        self.suspended = hint == Hint::Suspended;
    }

    pub(crate) fn command(&mut self, command: Command) {
        if self.trace {
            self.note(format!("app       {command:?}"));
        }
        // Any call but a hint wakes.
        self.suspended &= matches!(command, Command::Hint(_));
        self.stack.handle_command(command, self.clock());
        self.drain();
    }

    /// The queue to the application fills up, or is empty again.
    pub(crate) fn host_full(&mut self, full: bool) {
        if self.host_full != full {
            self.host_full = full;
            self.input(Input::HostQueue { full });
        }
    }

    // ---- what others do ---------------------------------------------------------------------

    /// Somebody sends numbered texts to the room.
    pub(crate) fn burst(&mut self, prefix: &str, count: u64, gap: Millis) {
        let to = Audience::Room(ROOM.into());
        let burst = TextBurst { to, prefix: prefix.into(), first: 1, count, gap };
        self.server.portal.send_texts(burst, self.now);
        self.settle_server();
    }

    /// Act on the portal, and send what it says to that.
    pub(crate) fn portal<R>(&mut self, act: impl FnOnce(&mut Portal, &str, Millis) -> R) -> R {
        let participant = self.app.participant.clone().unwrap_or_default();
        let result = act(&mut self.server.portal, &participant, self.now);
        self.settle_server();
        result
    }

    /// The portal is restarted: it knows nobody, and all connections are reset.
    pub(crate) fn restart_portal(&mut self) {
        self.server.restart();
        for link in self.links.values_mut() {
            link.reset(Side::Both, self.now);
        }
        self.run_for(0);
    }

    /// Say anything on a link, as a portal gone mad would.
    pub(crate) fn inject(&mut self, link: LinkId, frame: impl Into<Bytes>) {
        let now = self.now;
        if let Some(link) = self.links.get_mut(&link) {
            link.down.push(ToClient::Text(frame.into()), now);
        }
    }

    // ---- what the network does --------------------------------------------------------------

    /// Links that the client has and that are not being dialled.
    pub(crate) fn open_links(&self) -> Vec<LinkId> {
        self.links.iter().filter(|(_, link)| link.is_open()).map(|(id, _)| *id).collect()
    }

    /// The link that the session was granted on last.
    pub(crate) fn session_link(&self) -> LinkId {
        self.watch.newest_admitted().expect("there is a session")
    }

    pub(crate) fn reset(&mut self, link: LinkId, side: Side) {
        self.note(format!("network   {link:?} is reset, {side:?}"));
        let now = self.now;
        self.with_link(link, |link| link.reset(side, now));
    }

    pub(crate) fn finish(&mut self, link: LinkId) {
        self.note(format!("network   {link:?} ends"));
        let now = self.now;
        self.with_link(link, |link| link.finish(now));
    }

    /// Stop what flows to the given side: held until [`World::thaw`], or lost for ever.
    pub(crate) fn freeze(&mut self, link: LinkId, to: Side, flow: Flow) {
        self.note(format!("network   {link:?} {flow:?} to {to:?}"));
        self.with_link(link, |link| {
            if to.is_server() {
                freeze(&mut link.up, flow);
            }
            if to.is_client() {
                freeze(&mut link.down, flow);
            }
        });
    }

    pub(crate) fn thaw(&mut self, link: LinkId) {
        self.note(format!("network   {link:?} flows again"));
        self.with_link(link, |link| {
            link.up.thaw();
            link.down.thaw();
        });
    }

    fn with_link(&mut self, id: LinkId, act: impl FnOnce(&mut Link)) {
        if let Some(link) = self.links.get_mut(&id) {
            act(link);
        }
    }

    /// The device moves: new connections have another address. `old_works`: those of the old
    /// address go on, otherwise they are silent for ever.
    pub(crate) fn roam(&mut self, old_works: bool) {
        self.note(format!("network   another address; the old one works: {old_works}"));
        let port = self.local.port();
        self.local = SocketAddr::new([10, 0, 0, 2 + self.rng.below(200) as u8].into(), port + 1);
        if !old_works {
            for link in self.links.values_mut() {
                link.up.break_off();
                link.down.break_off();
            }
        }
    }

    /// Everything that is on its way or will be sent on the present connections is lost.
    pub(crate) fn black_out(&mut self) {
        self.note("network   silent".into());
        for link in self.links.values_mut() {
            link.up.break_off();
            link.down.break_off();
        }
    }

    /// The device sleeps; its monotonic clock goes on, and its wall clock may be set meanwhile.
    pub(crate) fn sleep(&mut self, duration: Millis, wall_jump: i64) {
        self.asleep = true;
        self.run_for(duration);
        self.asleep = false;
        self.wall = self.wall.saturating_add_signed(wall_jump);
        self.run_for(0);
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
    pub(crate) fn run_until_sent(&mut self, name: &str, nth: usize) -> LinkId {
        self.run_until(60_000, |world| world.watch.count(name) >= nth);
        let mut calls = self.watch.calls.iter().filter(|(call, _)| call == name);
        calls.nth(nth - 1).map(|(_, link)| *link).expect("it was sent")
    }

    /// Run until the portal has answered a call of this name for the `nth` time. The answer is on
    /// its way.
    #[track_caller]
    pub(crate) fn run_until_answered(&mut self, name: &str, nth: usize) -> LinkId {
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
        up.chain(down).chain(client).chain(self.server.poll_timeout()).min()
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

    fn step_server(&mut self) {
        let now = self.now;
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            while let Some(link) = self.links.get_mut(&id)
                && let Some(item) = link.up.pop(now)
            {
                match item {
                    ToServer::Text(frame) if link.server_holds => {
                        let frame = std::str::from_utf8(&frame).expect("UTF-8");
                        self.server.receive(id, frame, now);
                    }
                    ToServer::Ping => link.down.push(ToClient::Pong, now),
                    ToServer::End => {
                        link.server_holds = false;
                        self.server.lose(id, now);
                    }
                    ToServer::Text(_) => {}
                }
                self.settle_server();
            }
        }
        if self.server.poll_timeout().is_some_and(|at| at <= now) {
            self.server.handle_timeout(now);
        }
        self.settle_server();
    }

    /// Put what the server says on the wire.
    fn settle_server(&mut self) {
        let (now, drip) = (self.now, self.drip);
        self.server.collect();
        while let Some((id, says)) = self.server.poll_says() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            match says {
                Says::Text(text) => {
                    if let Some((length, pause)) = drip.filter(|(length, _)| text.len() > *length) {
                        for part in 1..=text.len() / length {
                            let delay = link.down.latency + part as Millis * pause;
                            link.down.push_after(delay, ToClient::Part, now);
                        }
                    }
                    link.down.push(ToClient::Text(text.into()), now);
                }
                Says::End => {
                    link.server_holds = false;
                    link.up.clear();
                    let error = Error::new(Code::EngineClosed, "closed by the server");
                    link.down.push(ToClient::Closed(error), now);
                }
            }
        }
    }

    fn step_inputs(&mut self) {
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            while let Some(link) = self.links.get(&id)
                && self.reads(link)
                && let Some(item) = self.links.get_mut(&id).and_then(|link| link.down.pop(self.now))
            {
                self.deliver(id, item);
            }
        }
    }

    fn deliver(&mut self, id: LinkId, item: ToClient) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&id).filter(|link| link.client_holds) else { return };
        let input = match item {
            ToClient::Accepted => {
                link.server_holds = true;
                let (local, connect_ms) = (Some(link.local), now - link.dialled);
                self.server.open(id, now);
                self.settle_server();
                Input::Connected { link: id, local, connect_ms }
            }
            ToClient::Refused(error) => {
                link.client_holds = false;
                self.watch.over(id);
                Input::Failed { link: id, error }
            }
            ToClient::Text(frame) => {
                let text = String::from_utf8_lossy(&frame);
                self.watch.received(id, &text);
                Input::Text { link: id, frame }
            }
            ToClient::Part => Input::Activity { link: id, partial: true, pong: false },
            ToClient::Pong => Input::Activity { link: id, partial: false, pong: true },
            ToClient::Closed(error) => {
                link.client_holds = false;
                self.watch.over(id);
                Input::Closed { link: id, error }
            }
        };
        self.input(input);
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
            let (portal, admissions) = (&self.server.portal, self.watch.admissions);
            self.app.handle(event, portal, admissions, self.now);
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        let now = self.now;
        match transmit {
            Transmit::Dial { link, .. } => {
                self.watch.dial(link, now);
                self.dial(link);
            }
            Transmit::Text { link: id, frame } => {
                let text = std::str::from_utf8(&frame).expect("text frames are UTF-8");
                let live = self.links.get_mut(&id).filter(|link| link.is_open());
                if let Some(link) = live {
                    self.watch.sent(id, text);
                    link.up.push(ToServer::Text(frame), now);
                }
            }
            Transmit::Binary { .. } => panic!("a conference sends no binary frames"),
            Transmit::Ping { link } => {
                self.with_link(link, |link| link.up.push(ToServer::Ping, now))
            }
            Transmit::Hangup { link: id } => {
                self.watch.over(id);
                self.with_link(id, |link| {
                    link.client_holds = false;
                    link.down.clear();
                    link.up.push(ToServer::End, now);
                });
            }
        }
    }

    fn dial(&mut self, id: LinkId) {
        let mut link = Link::new(self.local, self.latency, self.now);
        // The way there and back, for TCP and for the WebSocket handshake.
        let handshakes = 4 * self.latency;
        match self.dials {
            Dials::Succeed => link.down.push_after(handshakes, ToClient::Accepted, self.now),
            Dials::Slow(by) => link.down.push_after(handshakes + by, ToClient::Accepted, self.now),
            Dials::Refused => {
                let error = Error::new(Code::Connect, "connection refused");
                link.down.push(ToClient::Refused(error), self.now);
            }
            Dials::Hang => link.down.break_off(),
        }
        self.links.insert(id, link);
    }

    fn check(&self) {
        if !self.suspended {
            self.app.check(self.now);
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

fn freeze<T>(pipe: &mut crate::link::Pipe<T>, flow: Flow) {
    match (pipe.flow, flow) {
        (_, Flow::BlackHole) => pipe.break_off(),
        // What is lost does not come back.
        (Flow::BlackHole, _) => {}
        (_, flow) => pipe.flow = flow,
    }
}

/// An event as the application makes it.
pub(crate) fn outgoing(name: &str, data: &str) -> Outgoing {
    let mut pool = bytes::BytesMut::new();
    Outgoing::event(&mut pool, "/", name, &format!("[{data}]"), Vec::new()).expect("JSON")
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
