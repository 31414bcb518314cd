//! What happened last, for people who watch.

use std::collections::VecDeque;

use serde::Serialize;

use super::Millis;

/// How many lines are kept.
const KEPT: usize = 200;

/// Characters of a line that are kept.
const LINE_LIMIT: usize = 160;

/// One thing that happened. No line carries a token or a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalLine {
    /// When, by the portal's wall clock in milliseconds since 1970.
    pub at: Millis,
    /// To whom, if it was a participant.
    pub participant: Option<String>,
    /// What.
    pub text: String,
}

/// The last lines.
#[derive(Debug, Default)]
pub(super) struct Journal(VecDeque<JournalLine>);

impl Journal {
    pub(super) fn note(&mut self, at: Millis, participant: Option<&str>, mut text: String) {
        if let Some((end, _)) = text.char_indices().nth(LINE_LIMIT) {
            text.truncate(end);
            text.push('…');
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(JournalLine { at, participant: participant.map(str::to_owned), text });
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &JournalLine> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_number_are_limited() {
        let mut journal = Journal::default();
        for number in 0..KEPT as u64 + 5 {
            journal.note(number, None, "ä".repeat(LINE_LIMIT + 1));
        }
        let lines: Vec<_> = journal.lines().collect();
        assert_eq!((lines.len(), lines[0].at), (KEPT, 5));
        assert_eq!(lines[0].text.chars().count(), LINE_LIMIT + 1);
    }
}
