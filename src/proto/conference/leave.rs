//! Leaving: logout with an answer, or the truth that there was none (`owt-portal` 8 and 17, 6.1).

use crate::config::Token;
use crate::error::{Code, Error, Result};
use crate::payload::Payload;
use crate::proto::conference::answer::Answer;
use crate::proto::conference::session::Session;
use crate::proto::io::{ConferenceState, LinkId, RequestId};
use crate::proto::time::{Timestamp, millis};

/// How long a login that nobody wants any more is waited for after the host is gone.
const CLOSING_MS: u64 = 700;

/// A logout without an answer.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Who waits for it.
    pub(super) requests: Vec<RequestId>,
    sent: Option<(LinkId, u64)>,
    deadline: Timestamp,
    confirmed: bool,
    /// The host is gone: the session is finished after this.
    closing: bool,
    /// The host was never told of a login, or is gone: notifications are not for it.
    silent: bool,
    /// Another login follows, with this.
    successor: Option<Token>,
}

impl Leaving {
    const fn until(deadline: Timestamp) -> Self {
        Self {
            requests: Vec::new(),
            sent: None,
            deadline,
            confirmed: false,
            closing: false,
            silent: false,
            successor: None,
        }
    }

    pub(super) fn closing(link: LinkId, ack: u64, now: Timestamp) -> Self {
        let sent = Some((link, ack));
        Self { sent, closing: true, silent: true, ..Self::until(now + CLOSING_MS) }
    }

    /// The host is gone: the session is finished after this.
    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Another login follows.
    pub(super) const fn has_successor(&self) -> bool {
        self.successor.is_some()
    }

    /// The token of the login that follows.
    pub(super) const fn take_successor(&mut self) -> Option<Token> {
        self.successor.take()
    }

    pub(super) fn awaits(&self, link: LinkId, id: u64) -> bool {
        self.sent == Some((link, id))
    }

    pub(super) const fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    fn is_sent_on(&self, link: LinkId) -> bool {
        self.sent.is_some_and(|(sent, _)| sent == link)
    }

    pub(super) const fn is_silent(&self) -> bool {
        self.silent
    }

    pub(super) const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// What a logout came to when the session ended for this cause.
    pub(super) fn result(&self, cause: Option<&Error>) -> Result<Payload> {
        match cause.map(Error::code) {
            // Gone is gone, whoever was first.
            None | Some(Code::Dropped | Code::SessionLost) => Ok(Payload::default()),
            Some(Code::Closed) => Err(Error::new(Code::Closed, "the conference was freed")),
            Some(_) => Err(left_unconfirmed()),
        }
    }
}

fn left_unconfirmed() -> Error {
    let text = "left without the portal's answer; the participant may stay visible for a while";
    Error::new(Code::LeftUnconfirmed, text)
}

impl Session {
    pub(super) fn begin_leaving(&mut self, request: RequestId, now: Timestamp) {
        match self.track.state() {
            ConferenceState::Idle | ConferenceState::Ended => {
                return self.refuse(request, Code::NotLoggedIn, "there is no session");
            }
            ConferenceState::Leaving => {
                if let Some(leaving) = &mut self.leaving {
                    leaving.requests.push(request);
                    leaving.successor = None;
                }
                return;
            }
            ConferenceState::Joining | ConferenceState::Ready | ConferenceState::Resuming => {}
        }
        let lost = self.renewal.cause().cloned();
        self.renewal.cancel();
        let leaving = Leaving::until(now + millis(self.config.logout_timeout));
        let requests = vec![request];
        let leaving = self.leaving.insert(Leaving { requests, ..leaving });
        if let Some(lost) = lost {
            // Whether a participant is left behind is what the portal said last.
            let gone = leaving.result(Some(&lost)).is_ok() || lost.code() == Code::ServerRestarted;
            return self.end(if gone { None } else { Some(left_unconfirmed()) });
        }
        self.leave(now);
    }

    /// Leave, and log in anew with this token whatever becomes of the logout.
    pub(super) fn leave_for(&mut self, token: Token) {
        let leaving = Leaving::until(self.now + millis(self.config.logout_timeout));
        self.leaving = Some(Leaving { successor: Some(token), ..leaving });
        self.leave(self.now);
    }

    fn leave(&mut self, now: Timestamp) {
        if let Some(login) = &self.login {
            let Some(link) = login.sent_on() else {
                self.cancel_login();
                return self.end(None);
            };
            self.send_logout(link);
        } else if let Some(link) = self.path.current().filter(|_| self.relogin.is_none()) {
            self.send_logout(link);
        } else {
            self.path.redial_after(0, now);
        }
        self.go(ConferenceState::Leaving, None, now);
    }

    pub(super) fn send_logout(&mut self, link: LinkId) {
        let ack = self.call(link, "logout", "[]");
        if let Some(leaving) = &mut self.leaving {
            leaving.sent = Some((link, ack));
        }
    }

    /// The session goes on with the connection it has: say there what waits, which is the logout
    /// in a session that is being left.
    pub(super) fn go_on(&mut self) {
        let Some(leaving) = &self.leaving else { return self.flush_requests() };
        if let Some(link) = self.path.current()
            && !leaving.is_sent_on(link)
        {
            self.send_logout(link);
        }
    }

    fn cancel_login(&mut self) {
        if let Some(request) = self.login.take().and_then(|login| login.request) {
            self.refuse(request, Code::Cancelled, "the login was cancelled by a logout");
        }
    }

    /// The answer to a login that a logout followed: normally `Participant early left`.
    pub(super) fn handle_cancelled_login(&mut self, link: LinkId, answer: &Answer, now: Timestamp) {
        self.cancel_login();
        if let Some(leaving) = &mut self.leaving {
            leaving.silent = true;
        }
        if matches!(answer, Answer::Ok) {
            self.path.promote(link);
            self.path.in_service(link, now);
        }
        let confirmed = self.leaving.as_ref().is_some_and(|leaving| leaving.confirmed);
        if confirmed || !matches!(answer, Answer::Ok) {
            self.end_leaving(None);
        }
    }

    pub(super) fn handle_logout_answer(&mut self, answer: &Answer) {
        if self.login.is_some() {
            // The answer to the login itself is still to come.
            if let Some(leaving) = &mut self.leaving {
                leaving.confirmed = true;
            }
            return;
        }
        let cause = if matches!(answer, Answer::Ok) { None } else { Some(left_unconfirmed()) };
        self.end_leaving(cause);
    }

    /// The connection is gone on which the logout was written: say it again on the next one.
    pub(super) fn lose_logout(&mut self, link: LinkId) {
        let Some(leaving) = &mut self.leaving else { return };
        if leaving.is_sent_on(link) {
            leaving.sent = None;
            if self.tickets.is_empty() {
                self.end_leaving(Some(left_unconfirmed()));
            }
        }
    }

    pub(super) fn handle_leaving_timeout(&mut self, now: Timestamp) {
        if self.leaving.as_ref().is_some_and(|leaving| leaving.deadline <= now) {
            self.give_up_leaving();
        }
    }

    pub(super) fn give_up_leaving(&mut self) {
        self.cancel_login();
        self.end_leaving(Some(left_unconfirmed()));
    }

    fn end_leaving(&mut self, cause: Option<Error>) {
        let closing = self.leaving.as_ref().is_some_and(|leaving| leaving.closing);
        self.end(cause);
        if closing {
            self.finish();
        }
    }
}
