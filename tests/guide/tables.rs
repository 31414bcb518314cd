//! The tables of errors and states are those of the code.

use std::collections::BTreeSet;

use roamio::error::{Code, Layer, Retry};

use crate::pages::{page, root};

const HEADER: &str = include_str!("../../include/roamio.h");

const fn heading(layer: Layer) -> &'static str {
    match layer {
        Layer::Call => "Call errors",
        Layer::Transport => "Transport errors",
        Layer::Engine => "Engine errors",
        Layer::Socket => "Socket errors",
        Layer::Conference => "Conference errors",
    }
}

const fn word(retry: Retry) -> &'static str {
    match retry {
        Retry::Never => "NEVER",
        Retry::Automatic => "AUTOMATIC",
        Retry::Later => "LATER",
        Retry::Login => "LOGIN",
    }
}

#[test]
fn every_error_is_in_the_table_of_its_layer_with_its_number_and_retry() {
    let page = page("docs/errors.md");
    for layer in [Layer::Call, Layer::Transport, Layer::Engine, Layer::Socket, Layer::Conference] {
        let codes = Code::ALL.iter().filter(|code| code.layer() == layer);
        let expected: Vec<[String; 3]> = codes
            .map(|code| {
                [code.name(), &(*code as u32).to_string(), word(code.retry())].map(str::to_owned)
            })
            .collect();
        let rows = page.table(heading(layer));
        let shown: Vec<[String; 3]> =
            rows.iter().map(|row| [&row[0], &row[1], &row[3]].map(String::clone)).collect();
        assert_eq!(shown, expected, "{}", heading(layer));
        for row in rows {
            assert!(row.len() == 5 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        }
    }
}

/// The constants of the header that begin with `prefix`, without it, in the order of their numbers.
fn constants(prefix: &str) -> Vec<String> {
    let lines = HEADER.lines().filter_map(|line| line.strip_prefix("#define "));
    let named = lines.filter_map(|line| line.strip_prefix(prefix)?.split_once(' '));
    let mut numbered: Vec<(u32, &str)> =
        named.map(|(name, number)| (number.parse().unwrap(), name)).collect();
    numbered.sort_unstable();
    numbered.into_iter().map(|(_, name)| name.to_lowercase()).collect()
}

#[test]
fn every_state_is_in_the_table_of_its_object() {
    let page = page("docs/states.md");
    for (heading, prefix) in [
        ("Conference", "ROAM_CONFERENCE_STATE_"),
        ("Manager", "ROAM_MANAGER_STATE_"),
        ("Socket", "ROAM_SOCKET_STATE_"),
    ] {
        let shown: Vec<String> =
            page.table(heading).into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(shown, constants(prefix), "{heading}");
    }
}

#[test]
fn every_hint_is_in_the_table() {
    let rows = page("docs/lifecycle.md").table("The five hints");
    assert_eq!(rows.len(), 5);
    for row in rows {
        for object in ["manager", "conference"] {
            assert!(HEADER.contains(&format!("roam_{object}_{}(", row[0])), "{}", row[0]);
        }
    }
}

/// The functions of a table of callbacks in the header, without `on_`.
fn callbacks(table: &str) -> Vec<&'static str> {
    let start = HEADER.find(&format!("typedef struct {table} {{")).unwrap();
    let members = &HEADER[start..start + HEADER[start..].find(&format!("}} {table};")).unwrap()];
    let names = members.split("(*on_").skip(1);
    names.map(|rest| &rest[..rest.find(')').unwrap()]).collect()
}

#[test]
fn everything_that_a_conference_tells_is_in_the_table() {
    let rows = page("docs/states.md").table("What a conference tells");
    let mut shown: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let mut expected = callbacks("roam_conference_events");
    shown.sort_unstable();
    expected.sort_unstable();
    assert_eq!(shown, expected);
}

/// The sources of the bridge, whose records carry the options to other languages.
fn bridge() -> String {
    let entries = std::fs::read_dir(root().join("src/bridge")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn the_options_of_other_languages_are_those_of_the_tables() {
    let (page, bridge) = (page("docs/options.md"), bridge());
    let code = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = page.rows("In Swift, Kotlin and Python");
    assert_eq!(rows.len(), 10);
    for row in rows {
        let records = code(&row[1]).into_iter().filter(|name| name.ends_with("Options"));
        let mut members: BTreeSet<String> = code(&row[2]).into_iter().collect();
        for record in records {
            let head = format!("pub struct {record} {{");
            let start = bridge.find(&head).unwrap_or_else(|| panic!("no {record}"));
            let body = &bridge[start..start + bridge[start..].find("\n}").unwrap()];
            let fields = body.split("    pub ").skip(1).filter_map(|rest| rest.split(':').next());
            members.extend(fields.map(str::to_owned));
        }
        for option in page.table(&row[0]) {
            let name = option[0].rsplit('.').next().unwrap();
            assert!(members.contains(name), "{}: {name}", row[0]);
        }
    }
}
