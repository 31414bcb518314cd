//! The tally against a portal that numbers, keeps and loses notifications at random.

use super::*;
use crate::proto::rng::Rng;

/// What a portal has issued, of which the client may have missed some.
#[derive(Default)]
struct Portal {
    issued: u64,
    /// Everything up to here is no longer in the buffer.
    pruned: u64,
}

/// A notification: its content follows from its place, and `period` contents repeat.
fn print(position: u64, period: u64) -> Fingerprint {
    Fingerprint::new(b"text", Some((position % period).to_string().as_bytes()))
}

fn entry(seq: Option<u64>, print: Fingerprint) -> Entry {
    Entry { name: Name::None, data: None, seq, print }
}

fn deliver(index: usize, number: u64) -> Step {
    Step::Deliver { index, number }
}

impl Portal {
    /// The answer to a relogin, with the first notification numbered `base`.
    fn answer(&self, base: u64, period: u64) -> Vec<Entry> {
        (self.pruned + 1..=self.issued)
            .map(|position| entry(Some(position - 1 + base), print(position, period)))
            .collect()
    }
}

/// Check an answer: what is delivered goes on from `count`, and every hole is announced.
fn check(verdict: &Verdict, entries: &[Entry], first_position: u64, mut count: u64) {
    let mut gaps = 0;
    for step in &verdict.steps {
        match step {
            Step::Gap { from, to, certain } => {
                assert!(*certain && *from == count + 1 && *to >= *from, "{step:?} after {count}");
                count = *to;
                gaps += 1;
            }
            Step::Deliver { index, number } => {
                count += 1;
                assert_eq!(first_position + *index as u64, count, "delivered in order");
                assert_eq!(*number, count);
            }
        }
    }
    assert!(gaps <= 1 && verdict.complete == (gaps == 0));
    assert_eq!(count.max(first_position + entries.len() as u64 - 1), count, "all are delivered");
}

#[test]
fn nothing_is_lost_or_repeated_whatever_is_missed_and_pruned() {
    for seed in 0..500 {
        let mut rng = Rng::new(seed);
        let mut below = |bound: u64| rng.next_u64() % bound;
        let base = below(2);
        // A buffer that is pruned hides base 0, which is then configured.
        let pruning = below(2) == 0;
        let configured = match (base, pruning) {
            (0, true) => SequenceBase::Zero,
            _ => SequenceBase::Detect,
        };
        let period = if base == 1 { [1, 2, u64::MAX][below(3) as usize] } else { u64::MAX };
        let mut portal = Portal::default();
        let mut tally = Tally::new(configured);
        for _ in 0..20 {
            for _ in 0..below(40) {
                portal.issued += 1;
                tally.push(print(portal.issued, period));
            }
            portal.issued += 1 + below(30);
            if pruning {
                // The newest is always there.
                portal.pruned += below(portal.issued - portal.pruned);
            }
            let (before, entries) = (tally.count(), portal.answer(base, period));
            let verdict = tally.apply(&entries);
            assert_eq!(verdict.complaint, None, "seed {seed}");
            check(&verdict, &entries, portal.pruned + 1, before);
            assert_eq!(tally.count(), portal.issued, "seed {seed}");
        }
    }
}

#[test]
fn equal_notifications_decide_nothing_and_base_one_holds() {
    let mut tally = Tally::new(SequenceBase::Detect);
    let tick = print(0, 1);
    (0..5).for_each(|_| _ = tally.push(tick));
    let entries: Vec<Entry> = (1..=8).map(|seq| entry(Some(seq), tick)).collect();
    let verdict = tally.apply(&entries);
    assert_eq!(verdict.steps, [deliver(5, 6), deliver(6, 7), deliver(7, 8)]);
    assert!(verdict.complete);
}

#[test]
fn a_hole_before_equal_notifications_is_a_gap_and_no_other_numbering() {
    let mut tally = Tally::new(SequenceBase::Detect);
    let tick = print(0, 1);
    (0..5).for_each(|_| _ = tally.push(tick));
    let entries: Vec<Entry> = (8..=9).map(|seq| entry(Some(seq), tick)).collect();
    let verdict = tally.apply(&entries);
    let gap = Step::Gap { from: 6, to: 7, certain: true };
    assert_eq!(verdict.steps, [gap, deliver(0, 8), deliver(1, 9)]);
}

#[test]
fn alternating_notifications_behind_a_hole_are_new() {
    let mut tally = Tally::new(SequenceBase::Detect);
    (1..=20).for_each(|position| _ = tally.push(print(position, 2)));
    let entries: Vec<Entry> =
        (31..=46).map(|position| entry(Some(position), print(position, 2))).collect();
    let verdict = tally.apply(&entries);
    assert_eq!(verdict.steps[0], Step::Gap { from: 21, to: 30, certain: true });
    assert_eq!(verdict.steps.len(), 17);
}

#[test]
fn numbers_of_another_kind_are_known_by_the_contents() {
    let mut tally = Tally::new(SequenceBase::Detect);
    (1..=3).for_each(|position| _ = tally.push(print(position, 99)));
    let entries: Vec<Entry> =
        (1..=5).map(|position| entry(Some(position + 1_000), print(position, 99))).collect();
    assert_eq!(tally.apply(&entries).steps, [deliver(3, 4), deliver(4, 5)]);
    // The numbering is known from now on.
    let entries: Vec<Entry> =
        (6..=7).map(|position| entry(Some(position + 1_000), print(position, 99))).collect();
    let verdict = tally.apply(&entries);
    assert_eq!((verdict.steps, verdict.complete), (vec![deliver(0, 6), deliver(1, 7)], true));
}

#[test]
fn the_ring_forgets_and_the_numbers_still_hold() {
    let mut tally = Tally::new(SequenceBase::Detect);
    (1..=1_000).for_each(|position| _ = tally.push(print(position, u64::MAX)));
    let portal = Portal { issued: 1_003, pruned: 0 };
    let entries = portal.answer(1, u64::MAX);
    assert_eq!(tally.apply(&entries).steps.len(), 3);
    assert_eq!(tally.ring.len(), RING);
}

#[test]
fn an_empty_answer_is_proof_only_when_nothing_was_received() {
    let mut tally = Tally::new(SequenceBase::Detect);
    assert!(tally.apply(&[]).complete);
    tally.push(print(1, 1));
    assert_eq!(tally.apply(&[]), Verdict::default());
}
