//! How long to wait between attempts.

use std::time::Duration;

use crate::config::ReconnectPolicy;

/// How long to wait between attempts. What is not set stays as the library has it.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct ReconnectOptions {
    /// Whether to reconnect at all; yes unless set.
    #[uniffi(default)]
    pub enabled: Option<bool>,
    /// The wait before the first retry.
    #[uniffi(default)]
    pub min: Option<Duration>,
    /// No wait is longer than this.
    #[uniffi(default)]
    pub max: Option<Duration>,
    /// Growth per failed attempt.
    #[uniffi(default)]
    pub factor: Option<f64>,
    /// Spread of the waits, 0 to 1: a wait lies between `1 - jitter` and `1 + jitter` times its
    /// middle.
    #[uniffi(default)]
    pub jitter: Option<f64>,
    /// Attempts before giving up; no end unless set.
    #[uniffi(default)]
    pub attempts: Option<u32>,
    /// No wait is shorter than this.
    #[uniffi(default)]
    pub floor: Option<Duration>,
    /// So long a connection must have lived before the waits start from `min` again.
    #[uniffi(default)]
    pub stable_after: Option<Duration>,
    /// Attempts that may start within any ten seconds.
    #[uniffi(default)]
    pub dials_per_10s: Option<u32>,
}

impl ReconnectOptions {
    /// `policy` with what is set here.
    pub(super) fn over(self, policy: ReconnectPolicy) -> ReconnectPolicy {
        ReconnectPolicy {
            enabled: self.enabled.unwrap_or(policy.enabled),
            min: self.min.unwrap_or(policy.min),
            max: self.max.unwrap_or(policy.max),
            factor: self.factor.unwrap_or(policy.factor),
            jitter: self.jitter.unwrap_or(policy.jitter),
            attempts: self.attempts.or(policy.attempts),
            floor: self.floor.unwrap_or(policy.floor),
            stable_after: self.stable_after.unwrap_or(policy.stable_after),
            dials_per_10s: self.dials_per_10s.unwrap_or(policy.dials_per_10s),
        }
    }
}
