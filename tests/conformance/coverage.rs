//! The table of items and servers, and the check that it says the truth.

use std::fmt::Write as _;

use crate::case::Via;
use crate::found;
use crate::server::Kind;

/// One of the 95 items.
pub struct Item {
    /// Its number.
    pub number: u32,
    /// What it says, in short.
    pub title: &'static str,
    /// The servers that it names.
    pub asks: &'static [Kind],
    /// Its tests, and what is not tested.
    pub rows: &'static [Row],
}

/// Something about servers and transports of an item.
pub enum Row {
    /// They pass a test.
    Test { name: &'static str, file: &'static str, kinds: &'static [Kind], vias: &'static [Via] },
    /// They cannot be tested.
    Not { kinds: &'static [Kind], vias: &'static [Via], reason: &'static str },
}

const SECTIONS: &[(&str, &[Item])] = &[
    ("A. URL and request construction", crate::a::ITEMS),
    ("B. Engine.IO handshake and codec", crate::b::ITEMS),
    ("C. Heartbeat", crate::c::ITEMS),
    ("D. Upgrade", crate::d::ITEMS),
    ("E. Namespaces and connection", crate::e::ITEMS),
    ("F. Events, acks, binary", crate::f::ITEMS),
    ("G. Buffering, volatile, timeouts, retries", crate::g::ITEMS),
    ("H. Reconnection", crate::h::ITEMS),
    ("I. Recovery, parsers, close, threading", crate::i::ITEMS),
];

/// What is known about an item with a server over a transport.
enum Cell {
    Pass,
    /// The number of the reason, counted from 1.
    Not(usize),
    Open,
    NotAsked,
}

impl Item {
    fn cell(&self, kind: Kind, via: Via) -> Cell {
        let concerns = |kinds: &[Kind], vias: &[Via]| {
            kinds.contains(&kind) && (kind == Kind::Local || vias.is_empty() || vias.contains(&via))
        };
        let mut reasons = 0;
        let mut found = None;
        for row in self.rows {
            match row {
                Row::Test { kinds, vias, .. } if concerns(kinds, vias) => return Cell::Pass,
                Row::Test { .. } => {}
                Row::Not { kinds, vias, .. } => {
                    reasons += 1;
                    if concerns(kinds, vias) {
                        found = Some(reasons);
                    }
                }
            }
        }
        match found {
            Some(reason) => Cell::Not(reason),
            None if self.asks.contains(&kind) => Cell::Open,
            None => Cell::NotAsked,
        }
    }

    fn cell_text(&self, kind: Kind) -> String {
        let vias = if kind == Kind::Local { &Via::ALL[..1] } else { &Via::ALL[..] };
        let mut groups: Vec<(String, String)> = Vec::new();
        for via in vias {
            let (word, note) = match self.cell(kind, *via) {
                Cell::Pass => ("pass", String::new()),
                Cell::Not(reason) => ("n/a", format!(" ({reason})")),
                Cell::Open => ("**open**", String::new()),
                Cell::NotAsked => ("·", String::new()),
            };
            let letter = match via {
                Via::Polling => "p",
                Via::Websocket => "w",
                Via::Upgrade => "u",
            };
            let word = format!("{word}{note}");
            match groups.iter_mut().find(|(known, _)| *known == word) {
                Some((_, letters)) => letters.push_str(letter),
                None => groups.push((word, letter.to_owned())),
            }
        }
        match groups.as_slice() {
            [(word, _)] => word.clone(),
            groups => {
                let group = |(word, letters): &(String, String)| format!("{word} {letters}");
                let known = groups.iter().filter(|(word, _)| word != "·");
                known.map(group).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The whole table.
fn table() -> String {
    let found = found();
    let mut out = String::from(HEAD);
    for (title, items) in SECTIONS {
        write!(out, "\n## {title}\n\n").unwrap();
        out.push_str("| # | Item | 2 | 3 | 4 | 4e | P uvicorn | P aiohttp | O | F | L |\n");
        out.push_str("|---|---|---|---|---|---|---|---|---|---|---|\n");
        for item in *items {
            write!(out, "| {} | {} |", item.number, item.title).unwrap();
            for kind in Kind::ALL {
                write!(out, " {} |", item.cell_text(kind)).unwrap();
            }
            out.push('\n');
        }
        let mut notes = Vec::new();
        for item in *items {
            let number = item.number;
            let tests = found.iter().filter(|test| test.number == number);
            notes.extend(
                tests.map(|test| format!("* {number}: `{}` in {}", test.test.name, test.test.file)),
            );
            let reasons = item.rows.iter().filter_map(|row| match row {
                Row::Not { reason, .. } => Some(reason),
                Row::Test { .. } => None,
            });
            let numbered = reasons.enumerate().map(|(at, why)| (at + 1, why));
            notes.extend(numbered.map(|(at, why)| format!("* {number} ({at}): {why}")));
        }
        if !notes.is_empty() {
            write!(out, "\n{}\n", notes.join("\n")).unwrap();
        }
    }
    out
}

const HEAD: &str = "\
# Conformance

Which item is tested with which server. Made from the sources by `make coverage`; a test fails when it
is not current, or when an item is open.

Servers: socket.io 2.5 (2), 3.1 (3), 4.8 (4), 4.8 spoken to in Engine.IO 3 (4e), python-socketio 5 on
uvicorn and aiohttp (P), socketioxide (O), a scripted server (F), none (L). Transports: polling (p),
WebSocket (w), polling and upgrade (u); all of them where none is named. `·`: the item does not ask for
this server. `n/a`: it does, and the reason has this number below the table.
";

/// A test that is named after an item.
struct Found {
    number: u32,
    test: found::Found,
}

/// All tests that are named after items, wherever they are.
fn found() -> Vec<Found> {
    let named = found::all().into_iter().filter_map(|test| {
        let number = test.name.strip_prefix("conformance_")?.split('_').next()?.parse().ok()?;
        Some(Found { number, test })
    });
    named.collect()
}

fn items() -> impl Iterator<Item = &'static Item> {
    SECTIONS.iter().flat_map(|(_, items)| items.iter())
}

#[test]
fn the_coverage_table_is_current() {
    found::assert_current("tests/conformance/COVERAGE.md", &table());
}

#[test]
fn every_item_is_tested_or_has_a_reason() {
    let numbers: Vec<u32> = items().map(|item| item.number).collect();
    assert_eq!(numbers, (1..=95).collect::<Vec<_>>(), "the numbers of the items");
    let open: Vec<String> = items()
        .flat_map(|item| Kind::ALL.map(|kind| (item.number, kind, item.cell_text(kind))))
        .filter(|(_, _, text)| text.contains("open"))
        .map(|(number, kind, text)| format!("{number} {kind:?}: {text}"))
        .collect();
    assert!(open.is_empty(), "{} open: {open:#?}", open.len());
}

#[test]
fn every_test_that_the_items_name_exists_and_the_tests_here_are_named_by_them() {
    let found = found();
    let mut named = Vec::new();
    for item in items() {
        for row in item.rows {
            let Row::Test { name, file, .. } = row else { continue };
            // What is here may be in a file beside the one with the item.
            let fits = |other: &str| other == *file || is_here(file) && is_here(other);
            let test =
                found.iter().find(|found| found.test.name == *name && fits(&found.test.file));
            let test = test.unwrap_or_else(|| panic!("{name} is not in {file}"));
            assert_eq!(test.number, item.number, "{name} is a test of another item");
            named.push(*name);
            let runs = test.test.runs || is_here(file);
            assert!(runs, "{name} in {file} is no test, or ignored");
        }
    }
    // A function here runs only if an item names it; the compiler does not mind when none does.
    for Found { test, .. } in found.iter().filter(|found| is_here(&found.test.file)) {
        assert!(named.contains(&test.name.as_str()), "no item names {}", test.name);
    }
}

fn is_here(file: &str) -> bool {
    file.starts_with("tests/conformance/")
}
