//! Coming back: relogin with the ticket, replay of what was missed, and the move between two
//! living connections (`owt-portal` 6 and 17, 2 and 3).

use std::collections::VecDeque;

use serde_json::json;

use crate::error::{Code, Error};
use crate::payload::Payload;
use crate::proto::conference::answer::{Answer, refusal};
use crate::proto::conference::replay::{Entry, Fingerprint, Step, Verdict};
use crate::proto::conference::reply::Reply;
use crate::proto::conference::session::{LATE_ANSWERS_MS, Session};
use crate::proto::conference::ticket::Ticket;
use crate::proto::io::{ConferenceEvent, ConferenceState, LinkId};
use crate::proto::time::{Timestamp, millis};
use crate::secret::Secret;

/// A relogin ends after this even while bytes arrive.
const HARD_LIMIT_MS: u64 = 120_000;
/// How long what is still on its way on the old connection is waited for (all but 1.2).
const DRAIN_MS: u64 = 500;
/// Relogins lost in the middle of their answer, before the answer is held to be too large.
const MAX_LOST_REPLAYS: u32 = 3;
/// The window in which intruders are counted, and in which a relogin of our own that was abandoned
/// can be one.
const INTRUDER_WINDOW_MS: u64 = 60_000;

/// A relogin without an answer.
#[derive(Debug)]
pub(super) struct Relogin {
    link: LinkId,
    ack: u64,
    /// What it was made with.
    ticket: Secret,
    sent: Timestamp,
    /// The old connection showed its `41`, and with it all it had, before the answer came.
    taken_over: bool,
}

impl Relogin {
    pub(super) fn awaits(&self, link: LinkId, id: u64) -> bool {
        self.link == link && self.ack == id
    }
}

/// After a takeover under any protocol but 1.2: what the old connection still yields comes first.
#[derive(Debug)]
pub(super) struct Drain {
    /// The old connection.
    pub(super) link: LinkId,
    /// The new one, whose notifications wait.
    pub(super) next: LinkId,
    until: Timestamp,
}

/// Who took the session away, and which relogins of our own could have.
#[derive(Debug, Default)]
pub(super) struct Intruders {
    foreign: VecDeque<Timestamp>,
    abandoned: VecDeque<Timestamp>,
    lost_replays: u32,
}

impl Intruders {
    /// Whether a `41` can have no other cause in us than the relogin that was made last.
    pub(super) fn none_abandoned(&self, now: Timestamp) -> bool {
        self.abandoned.back().is_none_or(|at| now.since(*at) > INTRUDER_WINDOW_MS)
    }

    /// The wait before the next relogin; `None`: enough.
    fn next(&mut self, now: Timestamp) -> Option<u64> {
        for times in [&mut self.abandoned, &mut self.foreign] {
            while times.front().is_some_and(|at| now.since(*at) > INTRUDER_WINDOW_MS) {
                times.pop_front();
            }
        }
        // Each of our own can have come through late, once.
        if self.abandoned.pop_front().is_some() {
            return Some(0);
        }
        self.foreign.push_back(now);
        match self.foreign.len() {
            1 => Some(0),
            2 => Some(1_000),
            3 => Some(2_000),
            _ => None,
        }
    }
}

impl Session {
    /// The connection in use is lost.
    pub(super) fn begin_resuming(&mut self, cause: Error, now: Timestamp) {
        if self.tickets.is_empty() {
            let text = "the connection was lost, and the portal gave no ticket to come back with";
            return self.end(Some(Error::new(Code::SessionLost, text)));
        }
        self.patient_from = Some(now + millis(self.config.fast_resume));
        self.unreachable_since = self.unreachable_since.map(|_| now);
        self.go(ConferenceState::Resuming, Some(cause), now);
        self.requests.fail_offline();
        self.use_standby(now);
    }

    /// `41` without a `drop`: another connection resumed this session.
    pub(super) fn handle_intruder(&mut self, link: LinkId, cause: Error, now: Timestamp) {
        let Some(delay) = self.intruders.next(now) else {
            let text = "the session was taken over four times within a minute";
            return self.end(Some(Error::new(Code::Superseded, text)));
        };
        self.retire(link, now);
        // What was held back may have held a `drop`.
        if self.track.state() == ConferenceState::Ended {
            return;
        }
        self.path.redial_after(delay, now);
        self.begin_resuming(cause.clone(), now);
        if delay > 0 {
            let attempt = self.intruders.foreign.len() as u32;
            self.handle_retry(attempt, cause, Some(delay), now);
        }
    }

    /// The current connection has lost the session; only late answers are awaited on it.
    fn retire(&mut self, current: LinkId, now: Timestamp) {
        self.give_up_drain();
        self.path.retire();
        if let Some(side) = self.side(current) {
            side.late_until = Some(now + LATE_ANSWERS_MS);
        }
    }

    /// `41` on the old connection while our relogin is under way on a new one: it was done, and the
    /// answer is late.
    pub(super) fn handle_takeover(&mut self, old: LinkId, now: Timestamp) {
        self.retire(old, now);
        // If an abandoned one came through first, notifications went to its connection meanwhile.
        let proof = self.intruders.none_abandoned(now);
        if let Some(relogin) = &mut self.relogin {
            relogin.taken_over = proof;
        }
    }

    /// Write the relogin. From here on nothing but heartbeats goes out on the old connection.
    pub(super) fn send_relogin(&mut self, link: LinkId, now: Timestamp) {
        let Some(ticket) = self.tickets.first().map(|ticket| ticket.text.clone()) else {
            let text = "there is no ticket to come back with";
            return self.end(Some(Error::new(Code::SessionLost, text)));
        };
        let args = json!([ticket.expose()]).to_string();
        self.path.lift_deadline(link);
        let ack = self.call(link, "relogin", &args);
        self.path.stats.relogins += 1;
        self.relogin = Some(Relogin { link, ack, ticket, sent: now, taken_over: false });
    }

    /// When the answer is given up.
    fn relogin_deadline(&self) -> Option<Timestamp> {
        let relogin = self.relogin.as_ref()?;
        // Heartbeats and other messages do not count: they show that the answer is not coming.
        let receiving = self.path.last_part(relogin.link).unwrap_or(relogin.sent);
        let quiet = relogin.sent.max(receiving) + millis(self.config.relogin_timeout);
        Some(quiet.min(relogin.sent + HARD_LIMIT_MS))
    }

    /// When the waits between attempts grow longer. Time in which the portal cannot be reached does
    /// not count.
    fn patience_deadline(&self) -> Option<Timestamp> {
        self.patient_from.filter(|_| self.unreachable_since.is_none())
    }

    /// The waits between attempts grow longer, and once more when the ticket's life is over: one
    /// relogin is left, and nothing hurries.
    fn be_patient(&mut self, now: Timestamp) {
        let expires = self.tickets.first().map(Ticket::expires);
        self.patient_from = expires.filter(|at| *at > now);
        let patient = &self.config.patient;
        let policy =
            if self.patient_from.is_some() { patient.clone() } else { patient.at_its_longest() };
        self.path.set_policy(&policy);
    }

    pub(super) fn relogin_timeout(&self) -> Option<Timestamp> {
        let drain = self.drain.as_ref().map(|drain| drain.until);
        [self.relogin_deadline(), drain, self.patience_deadline()].into_iter().flatten().min()
    }

    pub(super) fn handle_relogin_timeout(&mut self, now: Timestamp) {
        if self.patience_deadline().is_some_and(|at| at <= now) {
            self.be_patient(now);
        }
        if let Some(drain) = self.drain.as_ref().filter(|drain| drain.until <= now) {
            self.end_drain(drain.link, false);
        }
        if let Some(relogin) = &self.relogin
            && self.relogin_deadline().is_some_and(|at| at <= now)
        {
            let error = Error::new(Code::ConnectTimeout, "no answer to the relogin");
            self.path.fail(relogin.link, error, now);
        }
    }

    /// A connection is gone. A relogin that was written on it may still have been done.
    pub(super) fn lose_relogin(
        &mut self,
        link: LinkId,
        receiving: bool,
        cause: &Error,
        now: Timestamp,
    ) {
        if !self.abandon_relogin(link, now) {
            return;
        }
        self.intruders.lost_replays += u32::from(receiving);
        // An answer above the inbound limit will be above it the next time.
        if self.intruders.lost_replays >= MAX_LOST_REPLAYS || cause.code() == Code::PayloadLimit {
            let text = "replay too large for this link";
            return self.end(Some(Error::new(Code::SessionLost, text)));
        }
        let expired = self.tickets.first().is_some_and(|ticket| ticket.expires() <= now);
        if expired && self.path.current().is_none() {
            let text = "the ticket's life is over, and the last relogin got no answer";
            return self.end(Some(Error::new(Code::TicketExpired, text)));
        }
        self.go_on_without_relogin(cause, now);
    }

    /// A fresh connection was given up for a newer network.
    pub(super) fn handle_abandoned(&mut self, link: LinkId, now: Timestamp) {
        self.forget(link);
        if self.abandon_relogin(link, now) {
            let cause = Error::new(Code::NetworkLost, "given up for a newer network");
            self.go_on_without_relogin(&cause, now);
        }
    }

    /// The answer does not come any more. False: there was no relogin on this connection.
    fn abandon_relogin(&mut self, link: LinkId, now: Timestamp) -> bool {
        let abandoned = self.relogin.take_if(|relogin| relogin.link == link).is_some();
        if abandoned {
            self.intruders.abandoned.push_back(now);
        }
        abandoned
    }

    fn go_on_without_relogin(&mut self, cause: &Error, now: Timestamp) {
        if self.path.current().is_some() {
            // It is in use again, unless the relogin was done all the same: the portal's `41` comes
            // before the answer to a probe.
            self.in_doubt = true;
            self.path.probe_current(now);
            self.go_on();
        } else if self.track.state() == ConferenceState::Ready {
            self.begin_resuming(cause.clone(), now);
        }
    }

    pub(super) fn handle_relogin_answer(
        &mut self,
        link: LinkId,
        answer: Answer,
        payload: Payload,
        now: Timestamp,
    ) {
        let Some(relogin) = self.relogin.take() else { return };
        match answer {
            Answer::Ok => self.resume(link, &payload, relogin.taken_over, now),
            Answer::Error(text) => {
                self.handle_refusal(link, &relogin.ticket, &text, &payload, now);
            }
            Answer::Other => {
                let text = "the portal's answer to the relogin has no known status";
                self.refuse_resume(link, Error::new(Code::ReloginRejected, text));
            }
        }
    }

    fn handle_refusal(
        &mut self,
        link: LinkId,
        refused: &Secret,
        text: &str,
        payload: &Payload,
        now: Timestamp,
    ) {
        let code = match text {
            "Ticket is expired" => Code::TicketExpired,
            "Invalid reconnection ticket signature" => Code::ServerRestarted,
            "Client does NOT exist" => Code::SessionLost,
            _ => Code::ReloginRejected,
        };
        let error = refusal(code, text, "the portal refused the relogin", payload);
        if code == Code::TicketExpired && self.path.current().is_none() {
            // After a step of the portal's clock an older ticket can be the valid one.
            self.tickets.retain(|ticket| ticket.text != *refused);
            if !self.tickets.is_empty() {
                self.path.fail(link, error, now);
                return self.path.redial_after(0, now);
            }
        }
        self.refuse_resume(link, error);
    }

    /// The portal does not let us come back. A session that lives on its old connection goes on.
    fn refuse_resume(&mut self, link: LinkId, error: Error) {
        if self.path.current().is_some() {
            self.forget(link);
            self.path.hangup(link);
            self.tell(ConferenceEvent::ProtocolError(error));
            return self.go_on();
        }
        let left = self.leaving.is_some() && error.code() == Code::SessionLost;
        self.end(if left { None } else { Some(error) });
    }

    fn resume(&mut self, link: LinkId, payload: &Payload, taken_over: bool, now: Timestamp) {
        self.give_up_drain();
        if self.track.state() == ConferenceState::Ended {
            return;
        }
        self.in_doubt = false;
        let reply = Reply::read(payload, now);
        let old = self.path.current();
        self.path.promote(link);
        self.path.in_service(link, now);
        let resume = self.config.resume.clone();
        self.path.set_policy(&resume);
        self.patient_from = None;
        self.intruders.lost_replays = 0;
        if let Some(side) = old.and_then(|old| self.side(old)) {
            side.late_until = Some(now + LATE_ANSWERS_MS);
        }
        let (ticket, entries) = match reply {
            Ok(Reply { ticket, entries }) => (ticket, entries),
            Err(error) => (Err(error), None),
        };
        match ticket {
            Ok(ticket) => self.keep_ticket(ticket),
            Err(error) => {
                // The ticket in hand goes on; its refresh was planned when it came.
                if let Some(old) = old {
                    self.refresh.forget_link(old);
                }
                self.tell(ConferenceEvent::ProtocolError(error));
            }
        }
        let before = self.track.state();
        if before != ConferenceState::Leaving {
            self.go(ConferenceState::Ready, None, now);
        }
        self.settle_restore(&Ok(Payload::default()));
        if before == ConferenceState::Ready {
            self.tell(ConferenceEvent::Migrated);
        }
        // What was missed is due to the host even when it leaves.
        let back = before == ConferenceState::Resuming;
        match entries {
            Some(entries) => self.deliver_replay(link, payload, &entries, back),
            // Nothing was lost, and the old connection's notifications came first.
            None if taken_over => self.deliver_early(link),
            None => self.resume_without_replay(link, old, back, now),
        }
        self.go_on();
    }

    /// 1.2: everything that was missed is in the answer.
    fn deliver_replay(&mut self, link: LinkId, payload: &Payload, entries: &[Entry], back: bool) {
        let Verdict { steps, complete, complaint } = self.tally.apply(entries);
        self.tell_keepsake();
        if back {
            let replayed = steps.iter().filter(|step| matches!(step, Step::Deliver { .. })).count();
            self.tell(ConferenceEvent::Resumed { complete, replayed: replayed as u64 });
        }
        if let Some(text) = complaint {
            self.tell(ConferenceEvent::ProtocolError(Error::new(Code::SocketPacket, text)));
        }
        for step in steps {
            // A `drop` among them ends the session.
            if self.track.state() == ConferenceState::Ended {
                return;
            }
            match step {
                Step::Gap { from, to, certain } => self.tell_gap(from, to, certain),
                Step::Deliver { index, number } => {
                    self.hand_over(entries[index].payload(payload.frame()), number, true);
                }
            }
        }
        self.forget_early_in(link, entries);
        self.deliver_early(link);
    }

    /// What came on the new connection before the answer is in the answer too.
    fn forget_early_in(&mut self, link: LinkId, entries: &[Entry]) {
        let Some(side) = self.side(link) else { return };
        let early: Vec<Fingerprint> = side
            .early
            .iter()
            .map(|early| Fingerprint::new(early.name_bytes(), early.arg_bytes(0)))
            .collect();
        let known = (1..=early.len().min(entries.len())).rev().find(|count| {
            let tail = &entries[entries.len() - count..];
            tail.iter().map(|entry| &entry.print).eq(&early[..*count])
        });
        side.early.drain(..known.unwrap_or(0));
    }

    /// Legacy, 1.0 and 1.1: what was missed follows as ordinary events, and what the portal wrote into a
    /// dead connection is lost without a trace.
    fn resume_without_replay(
        &mut self,
        link: LinkId,
        old: Option<LinkId>,
        back: bool,
        now: Timestamp,
    ) {
        if back {
            self.tell(ConferenceEvent::Resumed { complete: false, replayed: 0 });
        }
        match old {
            Some(old) => {
                self.drain = Some(Drain { link: old, next: link, until: now + DRAIN_MS });
            }
            None => {
                self.tell_uncertain_gap();
                self.deliver_early(link);
            }
        }
    }

    pub(super) fn tell_uncertain_gap(&mut self) {
        self.tell_gap(self.tally.count() + 1, 0, false);
    }

    fn tell_gap(&mut self, from: u64, to: u64, certain: bool) {
        self.tell(ConferenceEvent::Gap { from, to, certain });
        self.renewal.has_gap();
    }

    /// The old connection has shown all it had (`complete`), or will not: the new one's
    /// notifications follow.
    pub(super) fn end_drain(&mut self, old: LinkId, complete: bool) {
        let Some(drain) = self.drain.take_if(|drain| drain.link == old) else { return };
        if !complete {
            self.tell_uncertain_gap();
        }
        self.deliver_early(drain.next);
    }

    /// The new connection changes its role too: what came on it is not to wait any longer.
    pub(super) fn give_up_drain(&mut self) {
        if let Some(old) = self.drain.as_ref().map(|drain| drain.link) {
            self.end_drain(old, false);
        }
    }
}
