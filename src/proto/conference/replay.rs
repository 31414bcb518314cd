//! Which notifications of a relogin answer are new (`owt-portal` 7 and 17, 3.1 to 3.9).
//!
//! Live notifications carry no number, so the client's position is the count of those it received.
//! The answer's entries are numbered, by the portal's code from 1, by its document from 0. The
//! [`Tally`] keeps fingerprints of the last notifications and finds out, by laying them over the
//! answer, which numbering it is.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::config::SequenceBase;
use crate::payload::{Name, Span};

/// How many notifications are remembered for the comparison.
const RING: usize = 64;

/// No number of a portal is larger.
const LARGEST: u64 = 1 << 53;

/// So many equal notifications in a row prove an offset that the numbers do not suggest.
const FAR_OVERLAP: usize = 8;
/// So many do when nothing else was delivered.
const FAR_OVERLAP_WHOLE: usize = 3;

/// One entry of a relogin answer: ranges in its frame.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event name.
    pub name: Name,
    /// The JSON text of the data; none when the notification had none.
    pub data: Option<Span>,
    /// The portal's number, if it is a whole number from 0 to 2^53.
    pub seq: Option<u64>,
    /// Of name and data.
    pub print: Fingerprint,
}

/// What is remembered of a notification: the length of its data and a hash of name and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    len: usize,
    hash: u64,
}

impl Fingerprint {
    /// Of a name and the raw JSON text of the data. Absent data equals `null`, as on the wire.
    pub fn new(name: &[u8], data: Option<&[u8]>) -> Self {
        let data = data.unwrap_or(b"null");
        Self { len: data.len(), hash: mix(mix(0x51_7c_c1_b7_27_22_0a_95, name), data) }
    }
}

/// A multiply-and-rotate hash, eight bytes at a time. The portal's data is compared with itself,
/// so it need not withstand an attacker.
fn mix(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ (bytes.len() as u64);
    let mut step = |word: u64| {
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    };
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        step(u64::from_le_bytes(word.try_into().expect("chunks of eight")));
    }
    let mut tail = [0; 8];
    tail[..words.remainder().len()].copy_from_slice(words.remainder());
    step(u64::from_le_bytes(tail));
    hash ^ (hash >> 32)
}

/// What to do with an answer, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tell the host that these are lost.
    Gap {
        /// First.
        from: u64,
        /// Last.
        to: u64,
        /// The numbers prove it.
        certain: bool,
    },
    /// Deliver an entry.
    Deliver {
        /// Its index in the answer.
        index: usize,
        /// Its position since login, from 1.
        number: u64,
    },
}

/// The result of laying an answer over what was delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What to tell the host, in order.
    pub steps: Vec<Step>,
    /// Nothing is known to be, or may have been, lost.
    pub complete: bool,
    /// What was wrong with the answer.
    pub complaint: Option<&'static str>,
}

/// The notifications received since login.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    count: u64,
    ring: VecDeque<Fingerprint>,
    /// The application's word on it, which is asked for anew by each process.
    #[serde(skip)]
    configured: SequenceBase,
    /// What to add to a portal's number to get a position, once it is proven.
    offset: Option<i64>,
}

impl Tally {
    /// Nothing received.
    pub fn new(configured: SequenceBase) -> Self {
        Self { count: 0, ring: VecDeque::with_capacity(RING), configured, offset: None }
    }

    /// The same notifications, with the application's word on their numbering.
    pub const fn configured(mut self, configured: SequenceBase) -> Self {
        self.configured = configured;
        self
    }

    /// What to add to a portal's number to get a position, once it is proven.
    pub const fn offset(&self) -> Option<i64> {
        self.offset
    }

    /// Take over what is known of the numbering.
    pub const fn set_offset(&mut self, offset: Option<i64>) {
        self.offset = offset;
    }

    /// Whether this can be the tally of a session: for one that was read.
    pub fn is_sane(&self) -> bool {
        let offset = self.offset.unwrap_or(0);
        self.ring.len() <= RING && self.count <= LARGEST && offset.unsigned_abs() <= LARGEST
    }

    /// The notification of this number was received; what is missing before it is lost.
    pub fn follow(&mut self, number: u64, print: Fingerprint) {
        if number != self.count + 1 {
            self.ring.clear();
            self.count = number.saturating_sub(1);
        }
        self.push(print);
    }

    /// How many were received.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// One more was received. Gives its position.
    pub fn push(&mut self, print: Fingerprint) -> u64 {
        self.count += 1;
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        self.ring.push_back(print);
        self.count
    }

    /// Decide what of an answer is new, and count it as received.
    pub fn apply(&mut self, entries: &[Entry]) -> Verdict {
        if entries.is_empty() {
            // A portal keeps the last notification for ever: it has lost what was received, too.
            return Verdict { complete: self.count == 0, ..Verdict::default() };
        }
        let numbered = entries.windows(2).all(|pair| pair[0].seq < pair[1].seq)
            && entries.iter().all(|entry| entry.seq.is_some());
        if numbered { self.apply_numbered(entries) } else { self.apply_by_content(entries) }
    }

    fn apply_numbered(&mut self, entries: &[Entry]) -> Verdict {
        let mut verdict = Verdict { complete: true, ..Verdict::default() };
        let offset = self.find_offset(entries).unwrap_or_else(|| {
            verdict.complete = false;
            verdict.complaint = Some("the replay contradicts what was delivered before");
            0
        });
        // A position below 1 cannot be new.
        let position =
            |entry: &Entry| u64::try_from(entry.seq.unwrap_or(0) as i64 + offset).unwrap_or(0);
        let last = entries.last().map_or(0, position);
        if last < self.count {
            verdict.complete = false;
            verdict.complaint = Some("the portal's counter went back");
            verdict.steps.push(Step::Gap { from: self.count + 1, to: 0, certain: false });
            self.count = last;
            self.ring.clear();
            return verdict;
        }
        for (index, entry) in entries.iter().enumerate() {
            let at = position(entry);
            if at <= self.count {
                continue;
            }
            if at > self.count + 1 {
                verdict.complete = false;
                verdict.steps.push(Step::Gap { from: self.count + 1, to: at - 1, certain: true });
                self.count = at - 1;
                // The ring holds what was received in a row, up to the count.
                self.ring.clear();
            }
            let number = self.push(entry.print);
            verdict.steps.push(Step::Deliver { index, number });
        }
        verdict
    }

    /// What to add to the portal's numbers; `None` when nothing fits.
    fn find_offset(&mut self, entries: &[Entry]) -> Option<i64> {
        match self.configured {
            SequenceBase::One => return Some(0),
            SequenceBase::Zero => return Some(1),
            SequenceBase::Detect => {}
        }
        let overlap = |offset| self.overlap(entries, offset);
        if let Some(known) = self.offset
            && overlap(known).is_some()
        {
            return Some(known);
        }
        if entries.first().is_some_and(|entry| entry.seq == Some(0)) {
            self.offset = Some(1);
            return self.offset;
        }
        let (one, zero) = (overlap(0), overlap(1));
        let found = match (one, zero) {
            // No entry is at a known position: the numbers may be of another kind altogether.
            (Some(0), Some(0)) => match self.search_far_offset(entries) {
                Some(far) => far,
                None => return Some(0),
            },
            // Equal entries decide nothing: then the portal's code is believed, not its document.
            (Some(_), Some(_)) => return Some(0),
            (Some(0), None) => return Some(0),
            (Some(_), None) => 0,
            (None, Some(_)) => 1,
            (None, None) => self.search_offset(entries)?,
        };
        self.offset = Some(found);
        self.offset
    }

    /// The offsets under which the newest delivered is among the entries, and none of them differs
    /// from what was delivered at its position; with the number of equal ones.
    fn fitting_offsets(&self, entries: &[Entry]) -> impl Iterator<Item = (usize, i64)> {
        let newest = self.ring.back().copied();
        entries
            .iter()
            .filter(move |entry| Some(entry.print) == newest)
            .filter_map(|entry| Some(self.count as i64 - entry.seq? as i64))
            .filter_map(|offset| Some((self.overlap(entries, offset)?, offset)))
    }

    /// The offset under which the most entries equal what was delivered at their position.
    fn search_offset(&self, entries: &[Entry]) -> Option<i64> {
        self.fitting_offsets(entries).max().map(|(_, offset)| offset)
    }

    /// An offset that the numbers themselves do not suggest: only one may fit, and what is equal
    /// must not be a coincidence, or new notifications would be taken for known ones.
    fn search_far_offset(&self, entries: &[Entry]) -> Option<i64> {
        let mut fitting = self.fitting_offsets(entries);
        let ((same, offset), None) = (fitting.next()?, fitting.next()) else { return None };
        let varied = self.ring.iter().rev().take(same).any(|print| Some(print) != self.ring.back());
        let whole = same as u64 == self.count && same >= FAR_OVERLAP_WHOLE;
        (varied && (same >= FAR_OVERLAP || whole)).then_some(offset)
    }

    /// How many entries were delivered before under this offset; `None` when one of them differs.
    fn overlap(&self, entries: &[Entry], offset: i64) -> Option<usize> {
        let oldest = self.count as i64 - self.ring.len() as i64 + 1;
        let first = entries
            .partition_point(|entry| entry.seq.is_some_and(|seq| (seq as i64 + offset) < oldest));
        let mut same = 0;
        for entry in &entries[first..] {
            let position = entry.seq? as i64 + offset;
            if position > self.count as i64 {
                break;
            }
            if self.ring.get((position - oldest) as usize) != Some(&entry.print) {
                return None;
            }
            same += 1;
        }
        Some(same)
    }

    /// Numbers are missing or make no sense: find where the entries go on from what was delivered.
    fn apply_by_content(&mut self, entries: &[Entry]) -> Verdict {
        let mut verdict = Verdict {
            complaint: Some("the numbers of the replay make no sense"),
            ..Verdict::default()
        };
        // The place where the longest run of delivered notifications ends.
        let run_to = |end: usize| {
            let before = entries[..=end].iter().rev().map(|entry| entry.print);
            before.zip(self.ring.iter().rev()).take_while(|(new, old)| new == *old).count()
        };
        let best = (0..entries.len()).map(|end| (run_to(end), end)).max();
        let first = match best {
            Some((run, end)) if run > 0 => end + 1,
            _ => 0,
        };
        if first == 0 && self.count > 0 {
            verdict.steps.push(Step::Gap { from: self.count + 1, to: 0, certain: false });
        }
        for (index, entry) in entries.iter().enumerate().skip(first) {
            let number = self.push(entry.print);
            verdict.steps.push(Step::Deliver { index, number });
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
