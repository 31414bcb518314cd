//! The table of the requirements, and the check that it says the truth.

use std::fmt::Write as _;

use crate::found;
use crate::label::{self, Carrier, Label, Labelled};
use crate::requirements::{NOT_OVER_TCP, REQUIREMENTS};

const FILE: &str = "tests/coverage/REQUIREMENTS.md";

const HEAD: &str = "\
# Requirements of a portal's client

Which test shows which number of the portal's protocol, section 17. Made from the sources by
`make coverage`; a test fails when it is not current.

";

/// The tests of a number, on the core or over sockets.
fn names(tests: &[Labelled], number: &str, carrier: Carrier) -> Vec<String> {
    let label = Label::Requirement(number.into());
    let tests = tests.iter().filter(|test| test.carrier == carrier && test.labels.contains(&label));
    tests.map(|test| format!("`{}`", test.test.name)).collect()
}

fn reason(number: &str) -> Option<&'static str> {
    NOT_OVER_TCP.iter().find(|(known, _)| *known == number).map(|(_, reason)| *reason)
}

fn table(tests: &[Labelled]) -> String {
    let mut out = String::from(HEAD);
    out.push_str("| number | demand | core | sockets |\n|---|---|---|---|\n");
    for (number, title) in REQUIREMENTS {
        let core = names(tests, number, Carrier::Core).join(", ");
        let mut sockets = names(tests, number, Carrier::Sockets).join(", ");
        if let Some(reason) = reason(number) {
            sockets.push_str(reason);
        }
        let _ = writeln!(out, "| {number} | {title} | {core} | {sockets} |");
    }
    out
}

#[test]
fn the_table_of_the_requirements_is_current() {
    found::assert_current(FILE, &table(&label::tests()));
}

#[test]
fn every_requirement_that_a_test_names_exists() {
    for test in label::tests() {
        for label in &test.labels {
            let Label::Requirement(named) = label else { continue };
            let exists = REQUIREMENTS.iter().any(|(number, _)| number == named);
            assert!(exists, "{} in {}: there is no {named}", test.test.name, test.test.file);
        }
    }
}
