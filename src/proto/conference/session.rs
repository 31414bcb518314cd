//! The machine of one conference session: its states, its connections, and who hears what.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::config::{ConferenceConfig, Endpoint, PortalProtocol};
use crate::error::{Code, Error, Result};
use crate::payload::{Outgoing, Payload};
use crate::proto::conference::inbound::Side;
use crate::proto::conference::leave::Leaving;
use crate::proto::conference::login::Login;
use crate::proto::conference::refresh::Refresh;
use crate::proto::conference::relogin::{Drain, Intruders, Relogin};
use crate::proto::conference::renew::Renewal;
use crate::proto::conference::replay::Tally;
use crate::proto::conference::requests::{Fate, Requests, Terms};
use crate::proto::conference::ticket::Ticket;
use crate::proto::engine::session::Frame;
use crate::proto::io::{
    Command, ConferenceEvent, ConferenceState, Event, Hint, Input, LinkId, OfflineRequest,
    RequestId, Retry, Transmit,
};
use crate::proto::path::{Path, PathEvent, Role};
use crate::proto::rng::Rng;
use crate::proto::socket::packet::{self, Kind};
use crate::proto::stats::Stats;
use crate::proto::time::{Now, Timestamp, millis};
use crate::proto::track::Track;

/// Late answers are awaited this long on a connection that was taken over from.
pub(super) const LATE_ANSWERS_MS: u64 = 5_000;

/// One conference session.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Arc<ConferenceConfig>,
    pub(super) path: Path,
    pub(super) sides: SmallVec<[Side; 3]>,
    pub(super) track: Track<ConferenceState>,
    pub(super) rng: Rng,
    pub(super) next_ack: u64,
    pub(super) requests: Requests,
    pub(super) tally: Tally,
    /// Newest first; the one before is kept until the newest is proven or expired.
    pub(super) tickets: Vec<Ticket>,
    /// Where they are from, and the protocol of the session.
    pub(super) portal: Option<(Endpoint, PortalProtocol)>,
    pub(super) login: Option<Login>,
    pub(super) relogin: Option<Relogin>,
    pub(super) refresh: Refresh,
    pub(super) leaving: Option<Leaving>,
    pub(super) renewal: Renewal,
    pub(super) drain: Option<Drain>,
    pub(super) intruders: Intruders,
    /// The waits between attempts grow longer from then on.
    pub(super) patient_from: Option<Timestamp>,
    /// Since when the host says that the portal cannot be reached.
    pub(super) unreachable_since: Option<Timestamp>,
    /// A relogin without an answer may have taken the session from the current connection:
    /// nothing is asked on it before it answers a probe.
    pub(super) in_doubt: bool,
    /// When something was last said to the session.
    pub(super) now: Timestamp,
    finished: bool,
    pub(super) events: VecDeque<Event>,
}

impl Session {
    /// A session that has not logged in.
    pub fn new(config: Arc<ConferenceConfig>, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let path = Path::new(Arc::new(config.common.clone()), &config.patient, rng.next_u64());
        Self {
            path,
            rng,
            sides: SmallVec::new(),
            track: Track::default(),
            next_ack: 0,
            requests: Requests::default(),
            tally: Tally::new(config.sequence_base),
            tickets: Vec::new(),
            portal: None,
            login: None,
            relogin: None,
            refresh: Refresh::default(),
            leaving: None,
            renewal: Renewal::default(),
            drain: None,
            intruders: Intruders::default(),
            patient_from: None,
            unreachable_since: None,
            in_doubt: false,
            now: Timestamp(0),
            finished: false,
            events: VecDeque::new(),
            config,
        }
    }

    /// Requests and bytes that wait to be written.
    pub fn queued(&self) -> (usize, usize) {
        let (frames, bytes) = self.path.queued();
        let (requests, request_bytes) = self.requests.queued();
        (frames + requests, bytes + request_bytes)
    }

    /// What it has done so far.
    pub const fn stats(&self) -> &Stats {
        &self.path.stats
    }

    // ---- commands -------------------------------------------------------------------------

    /// The host wants something.
    pub fn handle_command(&mut self, command: Command, now: Now) {
        let now = now.mono;
        self.now = now;
        match command {
            Command::Hint(hint) => self.handle_hint(hint, now),
            _ => self.wake(now),
        }
        match command {
            Command::Close => self.close(now),
            Command::Cancel { request } => {
                self.requests.settle(request, Err(Error::new(Code::Cancelled, "by the host")));
            }
            Command::Login { request, token } => self.begin_login(request, token, now),
            Command::Restore { request, kept } => self.begin_restore(request, *kept, now),
            Command::Logout { request } => self.begin_leaving(request, now),
            Command::Rejoin { request } => self.begin_rejoin(request),
            Command::Token { token, answer } => self.handle_token(token, answer),
            Command::Request { request, event, timeout_ms, offline, idempotent } => {
                let limit = timeout_ms.unwrap_or(millis(self.config.request_timeout));
                let terms = Terms { deadline: now + limit, offline, idempotent };
                self.begin_request(request, event, terms);
            }
            Command::Emit { request: Some(request), .. } => {
                self.refuse(request, Code::Unsupported, "a conference has no sockets");
            }
            _ => {}
        }
        self.run(now);
    }

    fn handle_hint(&mut self, hint: Hint, now: Timestamp) {
        self.path.handle_hint(hint, now);
        // Only time in which the portal could have been reached uses up the quick attempts.
        match (self.path.is_reachable(), self.unreachable_since) {
            (false, None) => self.unreachable_since = Some(now),
            (true, Some(since)) => {
                self.unreachable_since = None;
                self.patient_from = self.patient_from.map(|at| at + now.since(since));
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: Timestamp) {
        if self.path.is_suspended() {
            self.handle_hint(Hint::Resumed, now);
        }
    }

    fn begin_request(&mut self, request: RequestId, event: Outgoing, terms: Terms) {
        match self.track.state() {
            ConferenceState::Idle | ConferenceState::Ended => {
                self.refuse(request, Code::NotLoggedIn, "there is no session");
            }
            ConferenceState::Leaving if self.is_left_for_good() => {
                self.refuse(request, Code::InvalidState, "the session is being left");
            }
            state if state != ConferenceState::Ready && terms.offline == OfflineRequest::Fail => {
                self.refuse(request, Code::NotSent, "the session is not ready");
            }
            _ => {
                self.requests.add(request, event, terms);
                self.flush_requests();
            }
        }
    }

    fn is_left_for_good(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| !leaving.has_successor())
    }

    pub(super) fn refuse(&mut self, request: RequestId, code: Code, why: &'static str) {
        self.outcome(request, Err(Error::new(code, why)));
    }

    pub(super) fn outcome(&mut self, request: RequestId, result: Result<Payload>) {
        self.events.push_back(Event::Outcome { request, result });
    }

    /// Write what waits, if the gate is open: joined, and no relogin under way (promise P3).
    pub(super) fn flush_requests(&mut self) {
        let open = self.relogin.is_none() && !self.in_doubt;
        if self.track.state() != ConferenceState::Ready || !open {
            return;
        }
        let Some(link) = self.path.current() else { return };
        let most = self.path.handshake(link).and_then(|handshake| handshake.max_payload);
        while let Some(frame) = self.requests.write_next(link, &mut self.next_ack, most) {
            self.path.send(link, frame);
        }
    }

    /// Write one of the session's own requests. Gives its ack id.
    pub(super) fn call(&mut self, link: LinkId, name: &str, args_json: &str) -> u64 {
        let ack = self.next_ack;
        self.next_ack += 1;
        let mut pool = bytes::BytesMut::new();
        let event = Outgoing::event(&mut pool, "/", name, args_json, Vec::new())
            .expect("the session's own requests are JSON");
        let (frame, _) = event.stamp(&packet::header(Kind::Event, "/", 0, Some(ack)));
        self.path.send(link, Frame::Text(frame));
        ack
    }

    // ---- the network ----------------------------------------------------------------------

    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Now) {
        let now = now.mono;
        self.now = now;
        self.wake(now);
        if matches!(input, Input::HostQueue { full: true }) {
            self.tell(ConferenceEvent::HostSlow);
        }
        let traffic = match &input {
            Input::Text { wire, .. } | Input::Response { wire, .. } => self.path.link_of(*wire),
            _ => None,
        };
        self.path.handle_input(input, now);
        self.run(now);
        if traffic.is_some() && traffic == self.path.current() {
            self.refresh_with_traffic(now);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        self.now = now;
        if self.path.is_suspended() {
            return;
        }
        self.path.handle_timeout(now);
        self.run(now);
        self.requests.handle_timeout(now);
        self.handle_login_timeout(now);
        self.handle_relogin_timeout(now);
        self.handle_refresh_timeout(now);
        self.handle_leaving_timeout(now);
        self.handle_renewal_timeout(now);
        for link in self.sides.iter().map(|side| side.link).collect::<SmallVec<[LinkId; 3]>>() {
            self.handle_side_timeout(link, now);
        }
        self.run(now);
    }

    fn handle_side_timeout(&mut self, link: LinkId, now: Timestamp) {
        if self.path.role(link).is_none() {
            return self.forget(link);
        }
        let Some(side) = self.side(link) else { return };
        if side.joining_until.is_some_and(|until| until <= now) {
            let error = Error::new(Code::ConnectTimeout, "no answer to the namespace CONNECT");
            self.path.fail(link, error, now);
        } else if side.late_until.is_some_and(|until| until <= now) {
            self.drop_retired(link);
        }
    }

    /// Work off what the path has to say.
    pub(super) fn run(&mut self, now: Timestamp) {
        while let Some(event) = self.path.poll_event() {
            match event {
                PathEvent::Opened(link) => self.handle_opened(link, now),
                PathEvent::Message { link, frame, start } => {
                    let received = self.side(link).map(|side| side.decoder.text(frame, start));
                    self.handle_decoded(link, received, now);
                }
                PathEvent::Binary { link, data } => {
                    let received = self.side(link).map(|side| side.decoder.binary(data));
                    self.handle_decoded(link, received, now);
                }
                PathEvent::Lost { link, role, error, receiving } => {
                    self.handle_lost(link, role, error, receiving, now);
                }
                PathEvent::Abandoned(link) => self.handle_abandoned(link, now),
                PathEvent::Upgraded(_)
                | PathEvent::UpgradeFailed(_)
                | PathEvent::TargetWanted { .. } => {}
                PathEvent::Alive => self.handle_alive(),
                PathEvent::Retry { attempt, error, delay_ms } => {
                    self.handle_retry(attempt, error, delay_ms, now);
                }
            }
        }
        self.rejoin_after_gap();
        while let Some((request, result)) = self.requests.poll_outcome() {
            self.outcome(request, result);
        }
        self.release_answered();
        let outstanding = self.requests.any_sent()
            || self.refresh.is_in_flight()
            || self.leaving.as_ref().is_some_and(Leaving::is_sent);
        self.path.set_outstanding(outstanding, now);
    }

    /// Retired connections that owe no answer any more are closed.
    fn release_answered(&mut self) {
        let drained = self.drain.as_ref().map(|drain| drain.link);
        let done = self.sides.iter().find(|side| {
            side.late_until.is_some()
                && drained != Some(side.link)
                && !self.requests.any_sent_on(side.link)
        });
        if let Some(link) = done.map(|side| side.link) {
            self.forget(link);
            self.path.hangup(link);
        }
    }

    fn drop_retired(&mut self, link: LinkId) {
        self.end_drain(link, false);
        self.requests.lose_link(link);
        self.forget(link);
        self.path.hangup(link);
        self.flush_requests();
    }

    pub(super) fn side(&mut self, link: LinkId) -> Option<&mut Side> {
        self.sides.iter_mut().find(|side| side.link == link)
    }

    pub(super) fn forget(&mut self, link: LinkId) {
        self.sides.retain(|side| side.link != link);
    }

    fn handle_lost(
        &mut self,
        link: LinkId,
        role: Role,
        error: Error,
        receiving: bool,
        now: Timestamp,
    ) {
        if self.drain.as_ref().is_some_and(|drain| [drain.link, drain.next].contains(&link)) {
            self.give_up_drain();
        }
        self.forget(link);
        self.requests.lose_link(link);
        self.refresh.forget_link(link);
        self.lose_login(link);
        self.lose_relogin(link, receiving, &error, now);
        self.lose_logout(link);
        match self.track.state() {
            ConferenceState::Ready if role == Role::Current => self.begin_resuming(error, now),
            ConferenceState::Leaving if role == Role::Current => self.use_standby(now),
            _ => self.flush_requests(),
        }
    }

    pub(super) fn handle_retry(
        &mut self,
        attempt: u32,
        error: Error,
        delay_ms: Option<u64>,
        now: Timestamp,
    ) {
        if matches!(self.track.state(), ConferenceState::Ended | ConferenceState::Idle) {
            return;
        }
        let grace_ms = self.grace(now);
        let retry = Retry { attempt, error: error.clone(), delay_ms, grace_ms };
        self.tell(ConferenceEvent::Retry(retry));
        if delay_ms.is_none() {
            self.end(Some(error));
        }
    }

    // ---- states and ends ------------------------------------------------------------------

    pub(super) fn tell(&mut self, event: ConferenceEvent) {
        self.path.stats.told(&event);
        self.events.push_back(Event::Conference(event));
    }

    pub(super) fn go(&mut self, state: ConferenceState, cause: Option<Error>, now: Timestamp) {
        if let Some(mut transition) = self.track.go(state, cause) {
            transition.grace_ms = self.grace(now);
            self.tell(ConferenceEvent::State(transition));
        }
    }

    /// For how long the newest ticket can still be used, as far as the client can tell.
    fn grace(&self, now: Timestamp) -> Option<u64> {
        self.tickets.first().map(|ticket| ticket.expires().since(now))
    }

    /// The session is over, unless a fresh login can take its place.
    pub(super) fn end(&mut self, cause: Option<Error>) {
        self.give_up_drain();
        // What was held back may have held a `drop`: nothing follows that end.
        if self.track.state() == ConferenceState::Ended {
            return;
        }
        if !self.renew(cause.as_ref()) {
            self.end_for_good(cause);
        }
    }

    /// The session is over. Whatever waits gets its outcome.
    pub(super) fn end_for_good(&mut self, cause: Option<Error>) {
        let dropped = cause.clone().filter(|cause| cause.code() == Code::Dropped);
        self.end_with(cause, &|sent| {
            dropped.clone().unwrap_or_else(|| {
                if sent {
                    Error::new(Code::AckLost, "the session ended before the answer came")
                } else {
                    Error::new(Code::NotSent, "the session ended before it was sent")
                }
            })
        });
    }

    pub(super) fn end_with(&mut self, cause: Option<Error>, fate: Fate<'_>) {
        // First the state, so that whoever gets an outcome finds the session ended.
        if let Some(transition) = self.track.go(ConferenceState::Ended, cause.clone()) {
            self.tell(ConferenceEvent::State(transition));
        }
        self.requests.end(fate);
        while let Some((request, result)) = self.requests.poll_outcome() {
            self.outcome(request, result);
        }
        let ended = || Error::new(Code::SessionLost, "the session ended");
        if let Some(request) = self.login.take().and_then(|login| login.request) {
            self.outcome(request, Err(cause.clone().unwrap_or_else(ended)));
        }
        for request in self.renewal.end() {
            self.outcome(request, Err(cause.clone().unwrap_or_else(ended)));
        }
        if let Some(leaving) = self.leaving.take() {
            let result = leaving.result(cause.as_ref());
            for request in leaving.requests {
                self.outcome(request, result.clone());
            }
        }
        self.let_go();
    }

    /// Forget the portal's session and every connection.
    pub(super) fn let_go(&mut self) {
        self.relogin = None;
        self.drain = None;
        self.refresh = Refresh::default();
        self.tickets.clear();
        self.portal = None;
        self.intruders = Intruders::default();
        self.patient_from = None;
        self.in_doubt = false;
        self.sides.clear();
        self.path.stop();
        // What it still has to say is of connections that are gone.
        while self.path.poll_event().is_some() {}
    }

    /// The last handle is gone.
    fn close(&mut self, now: Timestamp) {
        if self.finished {
            return;
        }
        let closed = || Error::new(Code::Closed, "the conference was freed");
        if self.abort_login(now) {
            self.requests.end(&|_| closed());
            return;
        }
        self.end_with(Some(closed()), &|_| closed());
        self.finish();
    }

    /// Nothing more comes after this.
    pub(super) fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            self.events.push_back(Event::Finished);
        }
    }

    /// The next thing to do on the network.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.path.poll_transmit()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.path.is_suspended() {
            return None;
        }
        let sides = self.sides.iter().flat_map(|side| [side.joining_until, side.late_until]);
        let deadlines = [
            self.path.poll_timeout(),
            self.requests.poll_timeout(),
            self.login_timeout(),
            self.relogin_timeout(),
            self.refresh_timeout(),
            self.leaving.as_ref().map(Leaving::deadline),
            self.renewal_timeout(),
        ];
        sides.chain(deadlines).flatten().min()
    }
}
