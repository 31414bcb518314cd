//! What a test is named after, and where it runs.

use crate::found::{self, Found};

/// One thing that the name of a test says it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// A fault in a phase.
    Cell(usize, usize),
    /// A row, such as `W05`.
    Row(String),
    /// A requirement, such as `2.10`.
    Requirement(String),
}

/// What carries the connection of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carrier {
    /// None: the core alone, under a clock of the test.
    Core,
    /// Sockets of the system.
    Sockets,
}

impl Carrier {
    /// As the tables have it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Sockets => "sockets",
        }
    }
}

/// A test and what its name says.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) test: Found,
    pub(crate) labels: Vec<Label>,
    pub(crate) carrier: Carrier,
}

/// A program that is a test as a whole: the compiler finds a function of it that is not called.
const OWN_HARNESS: &str = "tests/soak.rs";

/// Every test that is named after a cell, a row or a requirement.
pub(crate) fn tests() -> Vec<Labelled> {
    let tests = found::all().into_iter().filter(|test| test.runs || test.file == OWN_HARNESS);
    let labelled = tests.map(|test| {
        let without = ["tests/sim", "tests/codec", "tests/transcript_core", "src/"];
        let is_core = without.iter().any(|folder| test.file.starts_with(folder));
        let carrier = if is_core { Carrier::Core } else { Carrier::Sockets };
        Labelled { labels: labels(&test.name), test, carrier }
    });
    labelled.filter(|test| !test.labels.is_empty()).collect()
}

/// The labels stand at the beginning of a name, or behind the number of a conformance item.
fn labels(name: &str) -> Vec<Label> {
    let item = name.strip_prefix("conformance_").and_then(|rest| rest.split_once('_'));
    let name = item.map_or(name, |(_, rest)| rest);
    let mut words = name.split('_').peekable();
    let mut labels = Vec::new();
    while let Some(word) = words.next() {
        let label = match word.split_at_checked(1) {
            Some(("f", fault)) if fault.len() == 2 => {
                let phase = words.peek().and_then(|word| word.strip_prefix('p'));
                let phase = phase.and_then(|phase| phase.parse().ok());
                fault.parse().ok().zip(phase).map(|(fault, phase)| Label::Cell(fault, phase))
            }
            Some(("w" | "b" | "k", number)) if number.len() == 2 && is_number(number) => {
                Some(Label::Row(word.to_uppercase()))
            }
            _ if word == "req" => {
                let part = words.next().filter(|part| is_number(part));
                let number = words.next().filter(|number| is_number(number));
                part.zip(number)
                    .map(|(part, number)| Label::Requirement(format!("{part}.{number}")))
            }
            _ => None,
        };
        let Some(label) = label else { return labels };
        if matches!(label, Label::Cell(..)) {
            words.next();
        }
        labels.push(label);
    }
    labels
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn a_name_can_say_several_things() {
    let row = |row: &str| Label::Row(row.into());
    let requirement = |number: &str| Label::Requirement(number.into());
    assert_eq!(labels("f11_p12_handover_while_relogin"), [Label::Cell(11, 12)]);
    assert_eq!(labels("req_2_10_w05_a_restart"), [requirement("2.10"), row("W05")]);
    assert_eq!(labels("w05_f01"), [row("W05")]);
    assert_eq!(labels("words_of_which_none_says_anything"), []);
    assert_eq!(labels("without_ticket_w05"), []);
}
