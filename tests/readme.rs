//! What the README shows is what the library has.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use roamio::config::{ConferenceConfig, Limits, Timeouts};

const README: &str = include_str!("../README.md");

fn block(language: &str) -> &'static str {
    let start = README.find(&format!("```{language}\n")).unwrap() + language.len() + 4;
    &README[start..start + README[start..].find("```").unwrap()]
}

#[test]
fn the_c_program_of_the_readme_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.c");
    std::fs::write(&source, block("c")).unwrap();
    let compiler = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"])
        .arg(root.join("include"))
        .arg(source)
        .output()
        .unwrap();
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
}

#[test]
fn the_files_that_the_readme_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for (at, _) in README.match_indices("](") {
        let target = &README[at + 2..];
        let target = &target[..target.find(')').unwrap()];
        if !target.contains("://") {
            links += 1;
            assert!(root.join(target).exists(), "{target}");
        }
    }
    assert!(links >= 4);
}

/// The second column of the row of a table.
fn row(what: &str) -> &'static str {
    let start = README.find(&format!("\n| {what} | ")).unwrap() + what.len() + 6;
    README[start..].split(" |").next().unwrap()
}

#[test]
fn the_limits_of_the_readme_are_the_defaults() {
    let limits = Limits::default();
    assert_eq!(row("inbound message"), format!("{} MiB", limits.inbound_message >> 20));
    let attachments = (limits.inbound_attachments, limits.outbound_attachments);
    assert_eq!(
        row("attachments of an event, in / out"),
        format!("{} / {}", attachments.0, attachments.1)
    );
    assert_eq!(row("JSON nesting"), limits.json_depth.to_string());
    let thousands = |number: usize| format!("{},{:03}", number / 1_000, number % 1_000);
    let queue = |events, bytes| format!("{} events, {} MiB", thousands(events), bytes >> 20);
    let wire = queue(limits.wire_queue_events, limits.wire_queue_bytes);
    assert!(row("queue to the wire").starts_with(&wire));
    let host = queue(limits.host_queue_events, limits.host_queue_bytes);
    assert!(row("queue to the host").starts_with(&host));

    let seconds = |limit: Duration| format!("{} s", limit.as_secs());
    let conference = ConferenceConfig::default();
    let answers = [conference.login_timeout, conference.refresh_timeout, conference.logout_timeout];
    assert_eq!(row("answer to login / refresh / logout"), answers.map(seconds).join(" / "));
    assert!(row("answer to relogin").starts_with(&seconds(conference.relogin_timeout)));
    let attempt = Timeouts::default().attempt;
    assert!(row("one attempt to connect").starts_with(&seconds(attempt)));
    assert_eq!(row("dials in any ten seconds"), conference.resume.dials_per_10s.to_string());
}
