//! When the next dial starts.

use std::collections::VecDeque;

use crate::config::ReconnectPolicy;
use crate::error::Error;
use crate::proto::backoff::Backoff;
use crate::proto::rng::Rng;
use crate::proto::time::{Timestamp, millis};

/// The window in which the number of dials is bounded.
const WINDOW_MS: u64 = 10_000;
/// Dials that hints ask for are at least this far apart.
const HINT_SPACING_MS: u64 = 500;
/// The wait while the host says that there is no network.
const NO_NETWORK_MS: u64 = 30_000;
/// A server's wish to be left alone is honoured up to here.
const RETRY_AFTER_CAP_MS: u64 = 600_000;

/// The next dial: wished for at some time, allowed at another.
#[derive(Debug)]
pub(super) struct Plan {
    policy: ReconnectPolicy,
    backoff: Backoff,
    rng: Rng,
    wish: Option<Timestamp>,
    failures: u32,
    recent: VecDeque<Timestamp>,
    no_network: bool,
}

impl Plan {
    pub(super) fn new(policy: &ReconnectPolicy, rng: Rng) -> Self {
        Self {
            policy: policy.clone(),
            backoff: Backoff::new(policy),
            rng,
            wish: None,
            failures: 0,
            recent: VecDeque::new(),
            no_network: false,
        }
    }

    pub(super) fn set_policy(&mut self, policy: &ReconnectPolicy) {
        if self.policy != *policy {
            self.policy = policy.clone();
            self.backoff = Backoff::new(policy);
        }
    }

    pub(super) fn at(&mut self, at: Timestamp) {
        self.wish = Some(at);
    }

    /// As soon as hints may: at once, or a moment after the last dial.
    pub(super) fn soon(&mut self, now: Timestamp) {
        let spaced = self.recent.back().map_or(now, |last| now.max(*last + HINT_SPACING_MS));
        self.wish = Some(self.wish.map_or(spaced, |wish| wish.min(spaced)));
    }

    pub(super) fn clear(&mut self) {
        self.wish = None;
    }

    /// Nobody wants a connection any more: the next start has all its attempts and short waits.
    pub(super) const fn reset(&mut self) {
        self.wish = None;
        self.failures = 0;
        self.backoff.reset();
    }

    /// An attempt failed or a connection was lost. Gives the number of failures in a row and the
    /// wait, if there is to be another attempt.
    pub(super) fn after_failure(&mut self, error: &Error, now: Timestamp) -> (u32, Option<u64>) {
        self.failures = self.failures.saturating_add(1);
        let exhausted = self.policy.attempts.is_some_and(|most| self.failures > most);
        if !self.policy.enabled || exhausted {
            self.wish = None;
            return (self.failures, None);
        }
        let at = self.back_off(error, now);
        (self.failures, Some(at.since(now)))
    }

    /// A dial that nothing depends on failed: it counts for nothing but the wait before the next one.
    pub(super) fn again(&mut self, error: &Error, now: Timestamp) {
        if self.policy.enabled {
            self.back_off(error, now);
        }
    }

    fn back_off(&mut self, error: &Error, now: Timestamp) -> Timestamp {
        let mut delay = self.backoff.next(&mut self.rng);
        if let Some(wanted) = error.retry_after_ms() {
            delay = delay.max(wanted.min(RETRY_AFTER_CAP_MS));
        }
        if self.no_network {
            delay = delay.max(NO_NETWORK_MS);
        }
        let at = self.allowed(now + delay);
        self.wish = Some(at);
        at
    }

    /// A connection does its work: failures are counted anew. The waits start over only when it
    /// has lived a while, so that a server that drops everyone at once is not hammered.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn was_stable(&self, since: Timestamp, now: Timestamp) -> bool {
        now.since(since) >= millis(self.policy.stable_after)
    }

    pub(super) const fn start_over(&mut self) {
        self.backoff.reset();
    }

    /// Only the first word of it postpones the dial: a host that repeats itself must not do so for
    /// ever.
    pub(super) fn network_lost(&mut self, now: Timestamp) {
        if !std::mem::replace(&mut self.no_network, true) {
            self.wish = self.wish.map(|wish| wish.max(now + NO_NETWORK_MS));
        }
    }

    /// Failed attempts in a row.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) const fn has_network(&self) -> bool {
        !self.no_network
    }

    pub(super) fn network_available(&mut self, now: Timestamp) {
        self.no_network = false;
        self.backoff.reset();
        if self.wish.is_some() {
            self.soon(now);
        }
    }

    /// The earliest time at which a dial that is wished for at `wish` may start: the floor after the
    /// last one, and within the number that the window allows.
    fn allowed(&self, wish: Timestamp) -> Timestamp {
        let floor = millis(self.policy.floor);
        let wish = self.recent.back().map_or(wish, |last| wish.max(*last + floor));
        let most = self.policy.dials_per_10s.max(1) as usize;
        match self.recent.len().checked_sub(most).and_then(|index| self.recent.get(index)) {
            Some(first) => wish.max(*first + WINDOW_MS),
            None => wish,
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        self.wish.map(|wish| self.allowed(wish))
    }

    /// If the dial is due, count it and forget the wish.
    pub(super) fn take_due(&mut self, now: Timestamp) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        self.wish = None;
        if self.recent.len() >= self.policy.dials_per_10s.max(1) as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        true
    }
}
