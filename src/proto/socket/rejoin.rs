//! Joining again after the server has disconnected a namespace, where that is wanted.

use crate::config::ReconnectPolicy;
use crate::proto::backoff::Backoff;
use crate::proto::rng::Rng;
use crate::proto::time::{Timestamp, millis};

/// The waits of one namespace. They follow the reconnection's policy, so that a server that
/// disconnects everyone at once is not asked again and again.
#[derive(Debug, Default)]
pub(super) struct Rejoin {
    due: Option<Timestamp>,
    joined: Timestamp,
    backoff: Option<Backoff>,
    /// Disconnected so often in a row.
    times: u32,
}

impl Rejoin {
    /// The server has disconnected the namespace. False: the policy allows no (further) attempt.
    pub(super) fn plan(&mut self, policy: &ReconnectPolicy, rng: &mut Rng, now: Timestamp) -> bool {
        if now.since(self.joined) >= millis(policy.stable_after) {
            (self.backoff, self.times) = (None, 0);
        }
        self.times = self.times.saturating_add(1);
        if !policy.enabled || policy.attempts.is_some_and(|most| self.times > most) {
            *self = Self::default();
            return false;
        }
        let backoff = self.backoff.get_or_insert_with(|| Backoff::new(policy));
        self.due = Some(now + backoff.next(rng));
        true
    }

    /// The namespace is joined.
    pub(super) const fn handle_joined(&mut self, now: Timestamp) {
        self.joined = now;
    }

    /// Whether joining waits.
    pub(super) const fn is_due(&self) -> bool {
        self.due.is_some()
    }

    /// The wait is over, once.
    pub(super) fn take_due(&mut self, now: Timestamp) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// There is no need to wait any more: another connection starts afresh.
    pub(super) const fn cancel(&mut self) {
        self.due = None;
    }

    /// When the wait is over.
    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }
}
