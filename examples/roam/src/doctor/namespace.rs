//! The namespace, and which one keeps a connection open for the steps after it.

use roamio::error::{Code, Result};

use super::examination::Examination;
use super::report::Step;
use super::transports::Attempt;
use super::way::failed;

/// The namespace that every server has.
const MAIN: &str = "/";

impl Examination<'_> {
    /// The step of the namespace that was asked for.
    pub(super) fn namespace_step(&self, attempt: &Attempt) -> Step {
        match &attempt.joined {
            Some(Ok(())) => Step::ok(
                "namespace",
                Some(attempt.join_ms),
                format!("{} is joined", self.namespace),
            ),
            Some(Err(error)) => failed("namespace", Some(attempt.join_ms), error),
            None => Step::skipped("namespace", "there is no connection"),
        }
    }

    /// A namespace that can be joined: a connection ends when nobody uses it.
    pub(super) fn home(&self, attempt: &Attempt) -> Option<&str> {
        let refused = |joined: &Result<()>| matches!(joined, Err(error) if error.code() == Code::ConnectError);
        match &attempt.joined {
            Some(Ok(())) => Some(&self.namespace),
            Some(joined) if refused(joined) && self.namespace != MAIN => Some(MAIN),
            _ => None,
        }
    }
}
