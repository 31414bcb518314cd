//! How long to wait before the next attempt.

use std::time::Duration;

use crate::config::ReconnectPolicy;
use crate::proto::rng::Rng;

/// A growing, jittered, capped delay.
///
/// With `b = min(min * factor^n, max / (1 + jitter))` the delay is `b * (1 + jitter * (2r - 1))` for
/// a random `r` in `[0, 1)`: never above `max`, still jittered at the cap, and without overflow
/// after any number of attempts. It is never below `floor`.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: f64,
    max: f64,
    factor: f64,
    jitter: f64,
    floor: u64,
    failures: u32,
}

impl Backoff {
    /// From an application's policy.
    pub fn new(policy: &ReconnectPolicy) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        Self {
            min: ms(policy.min),
            max: ms(policy.max),
            factor: policy.factor,
            jitter: policy.jitter,
            floor: ms(policy.floor) as u64,
            failures: 0,
        }
    }

    /// The wait before the next attempt, in milliseconds; the one after it will be longer.
    pub fn next(&mut self, rng: &mut Rng) -> u64 {
        // The exponent is bounded where every sensible delay is at its cap already.
        let grown = self.min * self.factor.powi(self.failures.min(1_000) as i32);
        let middle = grown.min(self.max / (1.0 + self.jitter));
        let delay = middle * (1.0 + self.jitter * (2.0 * rng.next_f64() - 1.0));
        self.failures = self.failures.saturating_add(1);
        (delay as u64).max(self.floor)
    }

    /// Start again from the smallest delay.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformance_76_delays_are_what_the_formula_says() {
        let mut backoff = Backoff::new(&ReconnectPolicy::default());
        let (mut rng, mut same) = (Rng::new(42), Rng::new(42));
        for middle in [1_000.0, 2_000.0, 5_000.0 / 1.5, 5_000.0 / 1.5, 5_000.0 / 1.5] {
            let spread = 1.0 + 0.5 * (2.0 * same.next_f64() - 1.0);
            assert_eq!(backoff.next(&mut rng), (middle * spread) as u64);
        }
        backoff.reset();
        let spread = 1.0 + 0.5 * (2.0 * same.next_f64() - 1.0);
        assert_eq!(backoff.next(&mut rng), (1_000.0 * spread) as u64);
    }

    #[test]
    fn conformance_76_b04_delays_grow_stay_under_the_cap_and_keep_their_jitter_there() {
        let mut backoff = Backoff::new(&ReconnectPolicy::default());
        let mut rng = Rng::new(1);
        let first = backoff.next(&mut rng);
        assert!((500..1_500).contains(&first), "{first}");
        for _ in 0..1_000_000 {
            assert!(backoff.next(&mut rng) <= 5_000);
        }
        let at_cap: Vec<u64> = (0..100).map(|_| backoff.next(&mut rng)).collect();
        assert!(at_cap.iter().any(|delay| *delay < 3_000) && at_cap.iter().any(|d| *d > 4_000));
    }

    #[test]
    fn conformance_76_full_jitter_has_a_floor() {
        let policy = ReconnectPolicy { jitter: 1.0, ..ReconnectPolicy::default() };
        let mut backoff = Backoff::new(&policy);
        let mut rng = Rng::new(7);
        assert!((0..1_000).all(|_| backoff.next(&mut rng) >= 100));
    }
}
