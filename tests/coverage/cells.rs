//! The table of the fault matrix, and the check that it says the truth.

use std::fmt::Write as _;

use crate::faults::{FAULTS, OUTCOMES, PHASES, ROWS, concerns_a_session, outcome};
use crate::found;
use crate::label::{self, Carrier, Label, Labelled};

const FILE: &str = "tests/coverage/FAULT-MATRIX.md";

const HEAD: &str = "\
# Fault matrix

What happens when the network, the portal or the machine misbehaves in each phase of a session, and
which tests show it. Made from the sources by `make coverage`; a test fails when it is not current, or
when a cell or row that concerns a session has no test.

A test is named after its cell (`f11_p12_...`) or row (`w05_...`). `c`: it runs on the core alone, under
a clock of the test. `s`: over sockets of the system. `·`: the cell has no test of its name. `-`: it
cannot occur. A call under way is struck three times: before the portal has read it, after the portal
has acted, and in the middle of the answer.
";

/// Where a label is shown: on the core, over sockets.
fn marks(tests: &[Labelled], label: &Label) -> String {
    let shown = |carrier| {
        let fits = |test: &&Labelled| test.carrier == carrier && test.labels.contains(label);
        tests.iter().any(|test| fits(&test))
    };
    let mark = |carrier, mark| if shown(carrier) { mark } else { "" };
    format!("{}{}", mark(Carrier::Core, "c"), mark(Carrier::Sockets, "s"))
}

fn table(tests: &[Labelled]) -> String {
    let mut out = String::from(HEAD);
    out.push_str("\n## Outcomes\n\n| | what must be observable |\n|---|---|\n");
    for (letter, meaning) in OUTCOMES {
        let _ = writeln!(out, "| {letter} | {meaning} |");
    }
    out.push_str("\n## Phases\n\n");
    for (at, phase) in PHASES.iter().enumerate() {
        let _ = writeln!(out, "* P{:02}: {phase}", at + 1);
    }
    out.push_str("\n## Cells\n\n| fault |");
    (1..=PHASES.len()).for_each(|phase| {
        let _ = write!(out, " P{phase:02} |");
    });
    let _ = writeln!(out, "\n|---|{}", "---|".repeat(PHASES.len()));
    for (at, (title, _)) in FAULTS.iter().enumerate() {
        let fault = at + 1;
        let _ = write!(out, "| F{fault:02} {title} |");
        for phase in 1..=PHASES.len() {
            let cell = outcome(fault, phase).map_or_else(
                || "-".into(),
                |letter| match marks(tests, &Label::Cell(fault, phase)) {
                    marks if marks.is_empty() => format!("{letter} ·"),
                    marks => format!("{letter} {marks}"),
                },
            );
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    out.push_str("\n## Rows\n\n| row | situation | tests |\n|---|---|---|\n");
    for (row, situation) in ROWS {
        let label = Label::Row(row.into());
        let names = tests.iter().filter(|test| test.labels.contains(&label));
        let names = names.map(|test| format!("`{}` ({})", test.test.name, test.carrier.word()));
        let _ = writeln!(out, "| {row} | {situation} | {} |", names.collect::<Vec<_>>().join(", "));
    }
    out
}

#[test]
fn the_table_of_the_fault_matrix_is_current() {
    found::assert_current(FILE, &table(&label::tests()));
}

#[test]
fn every_cell_and_row_that_concerns_a_session_has_a_test() {
    let tests = label::tests();
    let cells = (1..=FAULTS.len()).flat_map(|fault| (1..=PHASES.len()).map(move |p| (fault, p)));
    let cells = cells.filter(|(fault, phase)| concerns_a_session(*fault, *phase));
    let cells = cells.map(|(fault, phase)| Label::Cell(fault, phase));
    let rows = ROWS.iter().map(|(row, _)| Label::Row((*row).into()));
    let open: Vec<Label> =
        cells.chain(rows).filter(|label| marks(&tests, label).is_empty()).collect();
    assert!(open.is_empty(), "without a test: {open:?}");
}

#[test]
fn every_cell_and_row_that_a_test_names_exists() {
    for test in label::tests() {
        for label in &test.labels {
            let exists = match label {
                Label::Cell(fault, phase) => outcome(*fault, *phase).is_some(),
                Label::Row(row) => ROWS.iter().any(|(known, _)| known == row),
                Label::Requirement(_) => true,
            };
            assert!(exists, "{} in {}: there is no {label:?}", test.test.name, test.test.file);
        }
    }
}
