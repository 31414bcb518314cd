//! One session at an OWT portal.

mod export;
mod renewal;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use super::core::{Core, Object, check_size, may_wait, timeout_ms};
use super::reply::{Call, Reply};
use super::room::Told;
use super::socket::to_json;
use super::validate;
use crate::config::{CommonConfig, ConferenceConfig, Limits, PortalProtocol, Token};
use crate::driver::dispatch::{Addition, Gate, Mailbox, Owner, Report, closed};
use crate::driver::{Driver, seed};
use crate::error::{Code, Error, Result};
use crate::owt::Room;
use crate::owt::request::{Request, Text};
use crate::payload::{Arguments, Outgoing, Payload, check_name};
use crate::proto::conference::kept::{Mark, Record};
use crate::proto::io::{
    Command, ConferenceEvent, ConferenceState, Hint, OfflineRequest, RequestId,
};
use crate::proto::stack::Stack;
use crate::proto::stats::Stats;

/// A conference session, from one login to its end. See [the module](super) for what holds for all
/// objects.
///
/// It has a connection of its own, to the portal that the token names. A new session is a new
/// conference with a new token.
#[derive(Clone, Debug)]
pub struct Conference {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    object: Object,
    state: Arc<AtomicU32>,
    room: Arc<Told>,
    record: Arc<Mutex<Record>>,
    /// Login was called.
    used: AtomicBool,
    allow_plaintext: bool,
    protocol: PortalProtocol,
    text_limit: Option<usize>,
    ask_token: bool,
}

/// How a request is made.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Time limit, 1 ms to 24 h, counted from the call, also while it waits for the session;
    /// `None` for [`ConferenceConfig::request_timeout`].
    pub timeout: Option<Duration>,
    /// What becomes of it while the session is not ready.
    pub offline: OfflineRequest,
    /// The portal may act twice without harm. Then a request that was sent when the connection was
    /// lost, and has no answer, is sent once more when the session is back, within the same time
    /// limit; its outcome says so ([`Payload::resent`], [`Error::resent`]). No other request is ever
    /// sent twice.
    pub idempotent: bool,
}

/// What the session itself says to the portal; sent by anybody else it would break the session.
const SESSION_REQUESTS: [&str; 4] = ["login", "relogin", "refreshReconnectionTicket", "logout"];

impl Conference {
    /// A conference that tells `events` what happens. No traffic before [`Conference::login`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] naming the option that is out of range, or for a certificate or key
    /// that cannot be used; [`Code::Unsupported`] when the system gives no thread or its TLS library
    /// cannot do what is asked; [`Code::InvalidState`] in a forked child of a process that has made
    /// an object before.
    pub fn new(
        config: ConferenceConfig,
        events: impl FnMut(ConferenceEvent) + Send + 'static,
    ) -> Result<Self> {
        Self::start(config, events, Driver::spawn)
    }

    /// As [`Conference::new`], with I/O on a runtime of the caller, which has I/O and time enabled.
    ///
    /// # Errors
    /// As [`Conference::new`].
    pub fn new_on(
        runtime: tokio::runtime::Handle,
        config: ConferenceConfig,
        events: impl FnMut(ConferenceEvent) + Send + 'static,
    ) -> Result<Self> {
        Self::start(config, events, |stack, common, mailbox| {
            Driver::spawn_on(runtime, stack, common, mailbox)
        })
    }

    fn start(
        config: ConferenceConfig,
        mut events: impl FnMut(ConferenceEvent) + Send + 'static,
        spawn: impl FnOnce(Stack, CommonConfig, Arc<Mailbox>) -> Result<Driver>,
    ) -> Result<Self> {
        validate::conference(&config)?;
        if config.rejoin_on_gap && !config.ask_token {
            return Err(Error::new(Code::InvalidArgument, "rejoin_on_gap: needs ask_token"));
        }
        let ConferenceConfig { allow_plaintext, protocol, text_limit, ask_token, .. } = config;
        let common = config.common.clone();
        let limits = common.limits.clone();
        let mailbox = Mailbox::new(common.dispatch.clone(), &limits);
        let gate = Arc::new(Gate::default());
        let state = Arc::new(AtomicU32::new(ConferenceState::Idle as u32));
        let room = Arc::<Told>::default();
        let (told, told_room) = (Arc::clone(&state), Arc::clone(&room));
        let record = Arc::<Mutex<Record>>::default();
        let kept = Arc::clone(&record);
        let sink = move |report| match report {
            Report::Keep(keepsake) => export::lock(&kept).keep(keepsake),
            Report::Event(event) => {
                if let ConferenceEvent::State(step) = &event {
                    told.store(step.state as u32, Ordering::Release);
                }
                told_room.observe(&event);
                let mark = Mark::of(&event);
                events(event);
                export::lock(&kept).follow(mark);
            }
        };
        let stack = Stack::conference(Arc::new(config), seed());
        let driver = spawn(stack, common, Arc::clone(&mailbox))?;
        mailbox.add(Addition::Conference(Arc::clone(&gate), Box::new(sink)));
        let core = Core::new(driver, mailbox, limits, false);
        let object = Object::new(core, gate, Owner::Conference);
        let used = AtomicBool::new(false);
        let inner = Inner {
            object,
            state,
            room,
            record,
            used,
            allow_plaintext,
            protocol,
            text_limit,
            ask_token,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the conference was last said to be.
    pub fn state(&self) -> ConferenceState {
        if self.inner.object.is_closed() {
            return ConferenceState::Ended;
        }
        let states = [
            ConferenceState::Idle,
            ConferenceState::Joining,
            ConferenceState::Ready,
            ConferenceState::Resuming,
            ConferenceState::Leaving,
        ];
        let told = self.inner.state.load(Ordering::Acquire) as usize;
        states.get(told).copied().unwrap_or(ConferenceState::Ended)
    }

    /// What has been done since this conference was made. Any thread may
    /// ask at any time, after the end too; what a callback is told of is counted when it runs.
    pub fn stats(&self) -> Stats {
        self.inner.object.core.driver.stats()
    }

    /// The room as the portal has described it up to the event that the event closure was told
    /// last: filled right before the completion of the login runs, current before the closure is
    /// called with a change, and empty before that. After the end it stays as it was.
    ///
    /// What is given is a snapshot, which does not change. It costs nothing as long as the room does
    /// not.
    pub fn room(&self) -> Arc<Room> {
        self.inner.room.room()
    }

    /// Log in with a token from the application's server, which is used at most once. The outcome
    /// is the portal's answer (argument 0: an object with `id`, `user`, `role`, `permission`, `room`;
    /// [`owt::Login`](crate::owt::Login) reads that of any protocol), or `LOGIN_REJECTED`,
    /// `LOGIN_UNKNOWN`, `CANCELLED` (by a logout), `CLOSED`, or why the portal could not be reached.
    ///
    /// # Errors
    /// [`Code::TokenInvalid`] for a token that cannot be decoded or asks for plain text that is not
    /// allowed, [`Code::InvalidState`] when this conference was used before, [`Code::Closed`].
    pub fn login(
        &self,
        token: &str,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        let token = Token::parse(token, self.inner.allow_plaintext)?;
        if self.inner.object.is_closed() {
            return Err(closed());
        }
        if self.inner.used.swap(true, Ordering::AcqRel) {
            return Err(Error::new(Code::InvalidState, "a conference logs in once"));
        }
        let room = Arc::clone(&self.inner.room);
        let completion = move |outcome: Result<Payload>| {
            if let Ok(answer) = &outcome {
                room.enter(answer);
            }
            completion(outcome);
        };
        // Whether there may be one was decided above.
        self.inner.object.request(usize::MAX, completion, |driver, completion| {
            driver.submit_request(completion, |request| Command::Login { request, token })
        })
    }

    /// [`Conference::login`] as a future. Dropping it does not undo the login.
    ///
    /// # Errors
    /// As [`Conference::login`].
    pub fn login_async(&self, token: &str) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| self.login(token, completion))
    }

    /// Leave the conference. The outcome is success when the portal has confirmed it or the session
    /// was over, else `LEFT_UNCONFIRMED`: the participant may stay visible for a while.
    ///
    /// # Errors
    /// [`Code::NotLoggedIn`] before a login and after the end, [`Code::QueueFull`] when callbacks
    /// do not keep up with outcomes, [`Code::Closed`].
    pub fn logout(
        &self,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        self.check_session()?;
        // There is room for it beside the requests that are outstanding.
        let most = 2 * self.limits().host_queue_events;
        self.inner.object.request(most, completion, |driver, completion| {
            driver.submit_request(completion, |request| Command::Logout { request })
        })
    }

    /// [`Conference::logout`] as a future.
    ///
    /// # Errors
    /// As [`Conference::logout`].
    pub fn logout_async(&self) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| self.logout(completion))
    }

    /// Ask the portal; `data_json` is one JSON object. A request of the legacy protocol may have
    /// several arguments: then it is the JSON array of them, which does not begin with null. While
    /// the session is not ready the request waits for it, unless `options` says otherwise. The outcome
    /// is the portal's answer, or one of `REQUEST_REJECTED`, `ACK_TIMEOUT`, `ACK_LOST` (both: the
    /// portal may have acted), `NOT_SENT`, `CANCELLED`, `CLOSED`. When the session ends, a request
    /// that was sent ends `ACK_LOST`, one that was not `NOT_SENT`, and either `DROPPED` if the portal
    /// has thrown the participant out.
    ///
    /// # Errors
    /// [`Code::NotLoggedIn`] before a login and after the end, [`Code::ReservedEvent`] also for the
    /// requests of the session itself, [`Code::InvalidJson`] for anything else,
    /// [`Code::TooLarge`] (also for [`ConferenceConfig::text_limit`]), [`Code::QueueFull`] (also when [`Limits::host_queue_events`] outcomes are
    /// outstanding), [`Code::InvalidArgument`] for the time limit, [`Code::Closed`].
    pub fn request(
        &self,
        name: &str,
        data_json: &str,
        options: RequestOptions,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        let limits = self.limits();
        check_size(name.len().saturating_add(data_json.len()), limits)?;
        check_name(name)?;
        if SESSION_REQUESTS.contains(&name) {
            let text = format!("\"{name}\" is sent by the session itself");
            return Err(Error::new(Code::ReservedEvent, text));
        }
        let data = match self.inner.protocol {
            PortalProtocol::Legacy => Arguments::positional(data_json, limits.json_depth)?,
            _ => Arguments::object(data_json, limits.json_depth)?,
        };
        if let Some(most) = self.inner.text_limit.filter(|_| name == Text::NAME) {
            validate::text(data_json, most)?;
        }
        let RequestOptions { timeout, offline, idempotent } = options;
        let timeout_ms = timeout_ms(timeout)?;
        self.check_session()?;
        self.inner.object.request(limits.host_queue_events, completion, |driver, completion| {
            let request = driver.submit_packet(Some(completion), |pool, request| {
                let event = Outgoing::event_of(pool, "/", name, data, Vec::new());
                let request = request.unwrap_or(RequestId(0));
                Ok(Command::Request { request, event, timeout_ms, offline, idempotent })
            })?;
            Ok(request.unwrap_or(RequestId(0)))
        })
    }

    /// [`Conference::request`] as a future.
    ///
    /// # Errors
    /// As [`Conference::request`].
    pub fn request_async(
        &self,
        name: &str,
        data_json: &str,
        options: RequestOptions,
    ) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| {
            self.request(name, data_json, options, completion)
        })
    }

    /// [`Conference::request_async`] with data that serializes to the JSON that it takes.
    ///
    /// # Errors
    /// As [`Conference::request`].
    pub fn request_json(
        &self,
        name: &str,
        data: &(impl Serialize + ?Sized),
        options: RequestOptions,
    ) -> Result<Reply> {
        self.request_async(name, &to_json(data)?, options)
    }

    /// [`Conference::request_async`] with a request that has a type: one of
    /// [`owt::request`](crate::owt::request), of [`owt::legacy`](crate::owt::legacy), or your own.
    ///
    /// Its outcome is also [`Code::InvalidJson`], with what the portal said
    /// ([`Error::server_json`]), when the portal has done it and answers with something of another
    /// shape.
    ///
    /// # Errors
    /// As [`Conference::request`].
    pub fn call<R: Request>(
        &self,
        request: &R,
        options: RequestOptions,
    ) -> Result<Call<R::Answer>> {
        self.request_json(R::NAME, request, options).map(Call::new)
    }

    /// Forget a request: its outcome is `CANCELLED` unless it has one already. What was sent is
    /// sent, and the portal may have acted. A login or logout is not cancelled this way.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn cancel(&self, request: RequestId) -> Result<()> {
        self.inner.object.driver()?.submit(Command::Cancel { request })
    }

    /// Say what is known about the network. Harmless when wrong.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn hint(&self, hint: Hint) -> Result<()> {
        self.inner.object.hint(hint)
    }

    /// A network is there (again): do not wait for the next attempt.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_available(&self) -> Result<()> {
        self.hint(Hint::NetworkAvailable)
    }

    /// There is no network: attempts become rare, the connection is kept.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_lost(&self) -> Result<()> {
        self.hint(Hint::NetworkLost)
    }

    /// The device moved to another network: move the session there now.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_changed(&self) -> Result<()> {
        self.hint(Hint::NetworkChanged)
    }

    /// The application is about to be suspended: no timer, nothing sent until
    /// [`Conference::resumed`] or any other call.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn suspended(&self) -> Result<()> {
        self.hint(Hint::Suspended)
    }

    /// The application runs again: find out at once whether the connection has survived.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn resumed(&self) -> Result<()> {
        self.hint(Hint::Resumed)
    }

    /// Manual mode: see [`Manager::dispatch`](super::Manager::dispatch).
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside a callback.
    pub fn dispatch(&self, max_events: usize) -> Result<usize> {
        self.inner.object.core.mailbox.dispatch(max_events)
    }

    /// Manual mode: see [`Manager::set_wake`](super::Manager::set_wake).
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside the closure itself.
    pub fn set_wake(&self, wake: impl Fn() + Send + 'static) -> Result<()> {
        self.inner.object.core.mailbox.set_wake(Box::new(wake))
    }

    /// Manual mode: see [`Manager::wake_fd`](super::Manager::wake_fd).
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::Unsupported`] when the system gives none.
    #[cfg(unix)]
    pub fn wake_fd(&self) -> Result<std::os::fd::BorrowedFd<'_>> {
        self.inner.object.core.mailbox.wake_fd()
    }

    /// Close without a logout: the participant stays visible until the portal gives it up (minutes).
    /// Pending requests end `CLOSED`. A login without an answer is taken back as far as possible.
    pub fn detach(&self) {
        self.inner.object.close(|_| {});
    }

    /// [`Conference::detach`], then wait until its event closure is dropped and the connection is
    /// gone.
    ///
    /// # Errors
    /// [`Code::WouldDeadlock`] inside a callback: nothing is closed. [`Code::TimedOut`]: it is
    /// closed, but not over yet; wait again or let go.
    pub fn close_wait(&self, timeout: Duration) -> Result<()> {
        may_wait()?;
        self.detach();
        self.inner.object.wait_ended(timeout)
    }

    /// The limits that hold for this conference.
    pub fn limits(&self) -> &Limits {
        &self.inner.object.core.limits
    }

    fn check_session(&self) -> Result<()> {
        let inner = &self.inner;
        if inner.object.is_closed() {
            return Err(closed());
        }
        if !inner.used.load(Ordering::Acquire) || self.state() == ConferenceState::Ended {
            return Err(Error::new(Code::NotLoggedIn, "there is no session"));
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.object.close(|_| {});
    }
}
