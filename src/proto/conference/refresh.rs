//! Renewing the reconnection ticket, preferably when the radio is awake anyway (`owt-portal` 17, 5).

use crate::error::{Code, Error};
use crate::payload::Payload;
use crate::proto::conference::answer::Answer;
use crate::proto::conference::session::Session;
use crate::proto::conference::ticket::Ticket;
use crate::proto::io::{ConferenceEvent, ConferenceState, LinkId};
use crate::proto::time::{Timestamp, millis};

/// Refreshes are at least this far apart.
const SPACING_MS: u64 = 1_000;
/// The wait after a failed refresh doubles up to this.
const MAX_RETRY_MS: u64 = 60_000;

/// The one timer of the ticket.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    in_flight: Option<(LinkId, u64, Timestamp)>,
    /// From when on traffic triggers it.
    with_traffic: Option<Timestamp>,
    /// When it is sent without traffic.
    at_the_latest: Option<Timestamp>,
    not_before: Timestamp,
    failures: u32,
    /// The portal does not do it.
    off: bool,
}

impl Refresh {
    pub(super) const fn is_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(super) fn awaits(&self, on: LinkId, id: u64) -> bool {
        self.in_flight.is_some_and(|(link, ack, _)| link == on && ack == id)
    }

    /// An answer that was due on this connection does not come any more, or no longer matters.
    pub(super) fn forget_link(&mut self, gone: LinkId) {
        self.in_flight = self.in_flight.filter(|(link, ..)| *link != gone);
    }

    /// Plan anew for a ticket; an answer that is still due belongs to an older one.
    fn plan(&mut self, ticket: &Ticket, share: f64) {
        self.in_flight = None;
        self.failures = 0;
        self.with_traffic = Some(ticket.half_life());
        self.at_the_latest = Some(ticket.refresh_at_the_latest(share));
    }

    fn plan_retry(&mut self, now: Timestamp) {
        self.in_flight = None;
        let wait = (SPACING_MS << self.failures.min(16)).min(MAX_RETRY_MS);
        self.failures += 1;
        self.not_before = now + wait;
        self.at_the_latest = Some(self.not_before);
    }
}

impl Session {
    /// Use a ticket from now on; the one before is kept until this one is proven or expired.
    pub(super) fn keep_ticket(&mut self, ticket: Ticket) {
        let share = self.rng.next_f64();
        self.refresh.plan(&ticket, share);
        self.tickets.insert(0, ticket);
        self.tickets.truncate(2);
        self.tell_keepsake();
    }

    fn can_refresh(&self) -> bool {
        self.track.state() == ConferenceState::Ready
            && self.relogin.is_none()
            && !self.in_doubt
            && !self.refresh.off
            && !self.refresh.is_in_flight()
            && !self.tickets.is_empty()
            && self.path.current().is_some()
    }

    /// A heartbeat or message has just been handled: the radio is awake.
    pub(super) fn refresh_with_traffic(&mut self, now: Timestamp) {
        let due =
            self.refresh.with_traffic.is_some_and(|at| at.max(self.refresh.not_before) <= now);
        if due && self.can_refresh() {
            self.path.stats.refreshes_by_traffic += 1;
            self.send_refresh(now);
        }
    }

    fn send_refresh(&mut self, now: Timestamp) {
        let Some(link) = self.path.current() else { return };
        let ack = self.call(link, "refreshReconnectionTicket", "[]");
        let deadline = now + millis(self.config.refresh_timeout);
        self.refresh.in_flight = Some((link, ack, deadline));
        self.refresh.not_before = now + SPACING_MS;
    }

    pub(super) fn refresh_timeout(&self) -> Option<Timestamp> {
        match self.refresh.in_flight {
            Some((_, _, deadline)) => Some(deadline),
            None if self.can_refresh() => {
                self.refresh.at_the_latest.map(|at| at.max(self.refresh.not_before))
            }
            None => None,
        }
    }

    pub(super) fn handle_refresh_timeout(&mut self, now: Timestamp) {
        if self.refresh_timeout().is_none_or(|at| at > now) {
            return;
        }
        if self.refresh.is_in_flight() {
            self.refresh.plan_retry(now);
        } else {
            self.path.stats.refreshes_by_backstop += 1;
            self.send_refresh(now);
        }
    }

    pub(super) fn handle_refresh_answer(
        &mut self,
        link: LinkId,
        answer: Answer,
        payload: &Payload,
        now: Timestamp,
    ) {
        match answer {
            Answer::Ok => match Ticket::from_json(payload.arg_bytes(1).unwrap_or_default(), now) {
                Ok(ticket) => self.keep_ticket(ticket),
                Err(error) => {
                    self.refresh.plan_retry(now);
                    self.tell(ConferenceEvent::ProtocolError(error));
                }
            },
            Answer::Error(text) if text == "Illegal request" => {
                let text = "the portal does not know this connection as logged in";
                self.path.fail(link, Error::new(Code::SessionLost, text), now);
            }
            Answer::Error(text) if text == "Reconnection is not enabled." => {
                self.refresh.in_flight = None;
                self.refresh.off = true;
                self.tell(ConferenceEvent::Resumable(false));
            }
            Answer::Error(_) | Answer::Other => self.refresh.plan_retry(now),
        }
    }
}
