//! A fresh login in place of a session: because it cannot be resumed, or because the host wants it
//! (`owt-portal` 17, 2.7; fault matrix L and E).
//!
//! ```text
//!              cannot be resumed                        fresh token, ok
//!   Resuming --------------------> Joining: TokenWanted ---------------> Ready: Rejoined
//!
//!                      fresh token          logged out, or its limit          ok
//!   Ready: TokenWanted -----------> Leaving -----------------------> Joining ----> Ready: Rejoined
//! ```
//!
//! A token is used once and only the application can get another, so every fresh login begins with a
//! question to it. A session that lives goes on until the answer is there, and beyond a refusal.

use std::mem;

use crate::config::Token;
use crate::error::{Code, Error, Result, Retry};
use crate::payload::Payload;
use crate::proto::conference::leave::Leaving;
use crate::proto::conference::login::Login;
use crate::proto::conference::replay::Tally;
use crate::proto::conference::session::Session;
use crate::proto::io::{self, AskToken, ConferenceEvent, ConferenceState, RequestId};
use crate::proto::time::{Timestamp, millis};
use crate::secret::Secret;

/// So many fresh logins may follow each other without a session that lasts.
const MOST_IN_A_ROW: u32 = 5;
/// The wait before the second question of a row; it doubles with each further one.
const FIRST_WAIT_MS: u64 = 1_000;
/// A session that has lived this long ends a row.
const LASTING_MS: u64 = 60_000;

/// Where a fresh login has got to.
#[derive(Debug, Default)]
enum Stage {
    /// None is wanted, or it has its token.
    #[default]
    Idle,
    /// The host is asked then. Without a cause the session lives.
    Waiting { until: Timestamp, cause: Option<Error> },
    /// The host is asked.
    Asking { token: AskToken, deadline: Timestamp, cause: Option<Error> },
}

/// What is known of fresh logins.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    stage: Stage,
    last_ask: u64,
    /// Questions since the last session that lasted.
    in_a_row: u32,
    /// When the portal has let the present session in.
    ready_since: Option<Timestamp>,
    /// The first login, while a second token is to save it.
    first: Option<RequestId>,
    /// Who waits for a restored session to be there.
    pub(super) restore: Option<RequestId>,
    /// Who wait for a fresh login.
    waiting: Vec<RequestId>,
    /// The token that was used last.
    spent: Option<Secret>,
    /// Something is lost for good, which only a fresh login makes up for.
    gap: bool,
}

impl Renewal {
    /// A token is used now.
    pub(super) fn spend(&mut self, token: &Token) {
        self.spent = Some(token.text.clone());
    }

    /// The portal has let the session in.
    pub(super) const fn succeeded(&mut self, now: Timestamp) {
        self.ready_since = Some(now);
    }

    /// A gap was told.
    pub(super) const fn has_gap(&mut self) {
        self.gap = true;
    }

    /// The session is over. Gives whoever waited for it.
    pub(super) fn end(&mut self) -> Vec<RequestId> {
        self.stage = Stage::Idle;
        let single = self.first.take().into_iter().chain(self.restore.take());
        single.chain(mem::take(&mut self.waiting)).collect()
    }

    /// Nobody waits for a fresh login any more that would begin while the session lives.
    pub(super) fn cancel(&mut self) {
        self.stage = Stage::Idle;
    }

    /// Why the session was lost, if nothing of it is left.
    pub(super) const fn cause(&self) -> Option<&Error> {
        match &self.stage {
            Stage::Idle => None,
            Stage::Waiting { cause, .. } | Stage::Asking { cause, .. } => cause.as_ref(),
        }
    }

    const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    fn begin_row(&mut self, now: Timestamp) {
        if self.ready_since.is_some_and(|since| now.since(since) >= LASTING_MS) {
            self.in_a_row = 0;
        }
    }
}

impl Session {
    /// The session cannot go on, or was left. True: a fresh login takes its place.
    pub(super) fn renew(&mut self, cause: Option<&Error>) -> bool {
        let dropped = cause.is_some_and(|cause| cause.code() == Code::Dropped);
        let successor = self.leaving.as_mut().and_then(Leaving::take_successor);
        if let Some(token) = successor.filter(|_| !dropped) {
            self.lay_down(None);
            self.log_in_anew(token);
            return true;
        }
        self.renewal.begin_row(self.now);
        let Some(cause) = cause.filter(|cause| self.can_be_renewed(cause)).cloned() else {
            return false;
        };
        self.lay_down(Some(cause.clone()));
        match &mut self.renewal.stage {
            // The answer is on its way, for a session that lived until now.
            Stage::Asking { cause: lost, .. } => *lost = Some(cause),
            _ => self.ask_in_turn(Some(cause)),
        }
        true
    }

    /// Whether another token would help, and may be asked for.
    fn can_be_renewed(&self, cause: &Error) -> bool {
        let first = self.login.as_ref().is_some_and(|login| login.request.is_some());
        let fits = match cause.code() {
            Code::Superseded => false,
            // A first login that was refused has had its answer.
            Code::LoginUnknown if first => self.renewal.in_a_row == 0,
            _ => cause.retry() == Retry::Login && !first,
        };
        let may = self.config.ask_token && self.leaving.is_none();
        may && fits && self.renewal.in_a_row < MOST_IN_A_ROW
    }

    /// Let go of the session. What was not sent waits for the next one.
    fn lay_down(&mut self, cause: Option<Error>) {
        self.renewal.first = self.login.take().and_then(|login| login.request);
        self.renewal.ready_since = None;
        self.leaving = None;
        self.requests.leave_session();
        self.let_go();
        let patient = self.config.patient.clone();
        self.path.set_policy(&patient);
        self.go(ConferenceState::Joining, cause, self.now);
    }

    /// Ask at once, or after a wait when fresh logins follow each other.
    fn ask_in_turn(&mut self, cause: Option<Error>) {
        let before = self.renewal.in_a_row;
        self.renewal.in_a_row += 1;
        let Some(doublings) = before.checked_sub(1) else { return self.ask(cause) };
        let wait = FIRST_WAIT_MS << doublings;
        if let Some(error) = cause.clone() {
            let (attempt, delay_ms, grace_ms) = (before, Some(wait), None);
            self.tell(ConferenceEvent::Retry(io::Retry { attempt, error, delay_ms, grace_ms }));
        }
        self.renewal.stage = Stage::Waiting { until: self.now + wait, cause };
    }

    fn ask(&mut self, cause: Option<Error>) {
        self.renewal.last_ask += 1;
        let token = AskToken(self.renewal.last_ask);
        let deadline = self.now + millis(self.config.common.timeouts.provider);
        self.renewal.stage = Stage::Asking { token, deadline, cause: cause.clone() };
        self.tell(ConferenceEvent::TokenWanted { token, error: cause });
    }

    /// The host's answer; one to an older question is ignored.
    pub(super) fn handle_token(&mut self, token: AskToken, answer: Result<Token>) {
        let cause = match &mut self.renewal.stage {
            Stage::Asking { token: asked, cause, .. } if *asked == token => cause.take(),
            _ => return,
        };
        self.renewal.stage = Stage::Idle;
        let fresh = answer.and_then(|token| match &self.renewal.spent {
            Some(spent) if *spent == token.text => {
                Err(Error::new(Code::TokenInvalid, "this token was used before"))
            }
            _ => Ok(token),
        });
        match (fresh, cause) {
            (Ok(token), Some(_)) => self.log_in_anew(token),
            (Ok(token), None) => self.leave_for(token),
            (Err(_), Some(cause)) => self.end_for_good(Some(cause)),
            (Err(error), None) => self.settle_waiting(&Err(error)),
        }
    }

    fn log_in_anew(&mut self, token: Token) {
        let first = self.renewal.first.take();
        self.start_login(Login::new(first, token, self.now));
    }

    /// The host wants a fresh login.
    pub(super) fn begin_rejoin(&mut self, request: RequestId) {
        let leaves = self.leaving.as_ref().is_some_and(|leaving| !leaving.has_successor());
        match self.track.state() {
            ConferenceState::Idle | ConferenceState::Ended => {
                self.refuse(request, Code::NotLoggedIn, "there is no session");
            }
            _ if leaves => self.refuse(request, Code::InvalidState, "the session is being left"),
            _ if !self.config.ask_token => {
                self.refuse(request, Code::InvalidState, "ask_token is off");
            }
            state => {
                self.renewal.waiting.push(request);
                let lives = matches!(state, ConferenceState::Ready | ConferenceState::Resuming);
                if lives && !matches!(self.renewal.stage, Stage::Asking { .. }) {
                    self.ask(None);
                }
            }
        }
    }

    /// The policy to log in anew after a gap.
    pub(super) fn rejoin_after_gap(&mut self) {
        let gap = mem::take(&mut self.renewal.gap);
        let ready = self.track.state() == ConferenceState::Ready && self.renewal.is_idle();
        if gap && ready && self.config.rejoin_on_gap {
            self.renewal.begin_row(self.now);
            if self.renewal.in_a_row < MOST_IN_A_ROW {
                self.ask_in_turn(None);
            }
        }
    }

    /// A login in place of a session has succeeded. What the old one may have lost is told in its
    /// numbers, before those of the new one begin.
    pub(super) fn tell_rejoined(&mut self, answer: &Payload) {
        self.tell_uncertain_gap();
        self.renewal.gap = false;
        self.tally = Tally::new(self.config.sequence_base);
        self.tell(ConferenceEvent::Rejoined { answer: answer.clone() });
    }

    /// A restored session is there.
    pub(super) fn settle_restore(&mut self, result: &Result<Payload>) {
        if let Some(request) = self.renewal.restore.take() {
            self.outcome(request, result.clone());
        }
    }

    /// A fresh login is done, or will not be: tell whoever waits for it.
    pub(super) fn settle_waiting(&mut self, result: &Result<Payload>) {
        for request in mem::take(&mut self.renewal.waiting) {
            self.outcome(request, result.clone());
        }
    }

    pub(super) const fn renewal_timeout(&self) -> Option<Timestamp> {
        match self.renewal.stage {
            Stage::Idle => None,
            Stage::Waiting { until, .. } => Some(until),
            Stage::Asking { deadline, .. } => Some(deadline),
        }
    }

    pub(super) fn handle_renewal_timeout(&mut self, now: Timestamp) {
        if self.renewal_timeout().is_none_or(|at| at > now) {
            return;
        }
        match &mut self.renewal.stage {
            Stage::Idle => {}
            Stage::Waiting { cause, .. } => {
                let cause = cause.take();
                self.ask(cause);
            }
            Stage::Asking { token, .. } => {
                let (token, text) = (*token, "the application gave no fresh token in time");
                self.handle_token(token, Err(Error::new(Code::TimedOut, text)));
            }
        }
    }
}
