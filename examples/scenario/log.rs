//! Lines that are told by callbacks and awaited by steps.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Nothing takes longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The lines of one object, or those of all outcomes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: Mutex<Vec<String>>,
    told: Condvar,
}

impl Log {
    pub(crate) fn tell(&self, line: String) {
        self.lines().push(line);
        self.told.notify_all();
    }

    /// Wait for a line of index `from` or later that begins with these words, and give its index.
    pub(crate) fn wait(&self, from: usize, words: &str) -> Result<usize, String> {
        let wanted = |line: &String| begins(line, words);
        let find = |lines: &[String]| lines.iter().skip(from).position(wanted);
        let (lines, _) = self
            .told
            .wait_timeout_while(self.lines(), LIMIT, |lines| find(lines).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let found = find(&lines).ok_or(format!("nobody told {words:?} within {LIMIT:?}"))?;
        Ok(from + found)
    }

    /// The first line that begins with these words.
    pub(crate) fn find(&self, words: &str) -> Option<String> {
        self.lines().iter().find(|line| begins(line, words)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lines().clone()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a line begins with whole words.
pub(crate) fn begins(line: &str, words: &str) -> bool {
    line.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
