//! `roam connect` and `roam login`, as people and pipes use them.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod support;

use std::env;
use std::fs;
use std::path::PathBuf;

use roamio_portal::{Cut, Server, ServerConfig, Target};

use support::polling_server;
use support::program::{Program, roam};

const ROOM: &str = "room";

fn portal() -> Server {
    Server::start_blocking(ServerConfig::default()).unwrap()
}

/// A file of this test.
fn path(name: &str) -> PathBuf {
    env::temp_dir().join(format!("roam-human-{}-{name}", std::process::id()))
}

#[test]
fn events_are_typed_shown_and_answered() {
    let server = format!("http://{}/asking", polling_server::start());
    let mut asked = Program::start(&["connect", &server], &env::temp_dir());
    let question = asked.see(r#"< question "who?""#);
    let number = question.rsplit(' ').next().unwrap().to_owned();
    asked.send(&format!("/ack {number} \"me\""));
    asked.see(r#"< answered "me""#);
    assert!(asked.end().success());

    let portal = portal();
    let mut chat =
        Program::start(&["connect", &format!("{}/echo", portal.url())], &env::temp_dir());
    chat.see("* connecting to 127.0.0.1 port");
    chat.see("* namespace connected");
    chat.send(r#"hello "you" {"a":1} word"#);
    chat.see(r#"< hello "you" {"a":1} "word""#);
    chat.send("who? 5");
    chat.see("= who: 5");
    chat.send("/nonsense");
    chat.see("! INVALID_ARGUMENT: no command /nonsense");
    chat.send("hello {");
    chat.see("! INVALID_ARGUMENT: {");
    chat.send("/stats");
    chat.see("messages_out");
    portal.cut(&Target::All, Cut::Reset);
    chat.see("* namespace rejoining, because NETWORK_LOST");
    chat.see("* namespace connected");
    chat.send("/quit");
    assert!(chat.end().success());
    assert!(!chat.all.concat().contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn a_namespace_that_is_refused_is_a_failure() {
    let portal = portal();
    let mut chat =
        Program::start(&["connect", &format!("{}/nowhere", portal.url())], &env::temp_dir());
    chat.see("! not joined: CONNECT_ERROR");
    assert_eq!(chat.end().code(), Some(1));
}

#[test]
fn a_session_is_shown_survives_and_is_never_told_in_secrets() {
    let portal = portal();
    let (token, export) = (path("token"), path("export"));
    let text = portal.mint_token(ROOM, "alice", "presenter");
    fs::write(&token, format!("{text}\n")).unwrap();
    let mut alice = Program::start(&["login", token.to_str().unwrap()], &env::temp_dir());
    alice.see("* session ready");
    alice.see("* logged in as alice in room");
    alice.send("/say hello everybody");
    alice.see("< alice: hello everybody");
    alice.send(r#"text {"to":"all","message":{"n":1}}"#);
    alice.see(r#"< alice: {"n":1}"#);
    alice.send(r#"unpublish {"id":"nothing"}"#);
    alice.see("! unpublish: REQUEST_REJECTED");
    alice.send("/room");
    alice.see("alice (presenter)");
    alice.see("stream room-common");

    let other = portal.mint_token(ROOM, "bob", "viewer");
    let mut bob = Program::start(&["login", "-"], &env::temp_dir());
    bob.send(&other);
    bob.see("* logged in as bob in room");
    alice.see("< bob has joined (viewer)");
    bob.send("/leave");
    assert!(bob.end().success());
    alice.see("< bob has left");

    portal.cut(&Target::All, Cut::Reset);
    alice.see("* session resuming, because NETWORK_LOST");
    alice.see("* resumed: ");
    alice.send(&format!("/export {}", export.display()));
    alice.see("is a secret");
    alice.send("/detach");
    assert!(alice.end().success());

    let mut again =
        Program::start(&["login", "--restore", export.to_str().unwrap()], &env::temp_dir());
    again.see("* resumed: ");
    assert!(again.end().success());
    assert!(portal.participants(ROOM).is_empty(), "the end of the input logs out");

    let secrets = [text.as_str(), other.as_str()];
    let kept = fs::read_to_string(&export).unwrap();
    for line in alice.all.iter().chain(&bob.all).chain(&again.all) {
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
        assert!(!line.contains(&kept) && !line.to_lowercase().contains("ticket"), "{line}");
    }
    for file in [token, export] {
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_token_that_is_none_is_refused_without_showing_it() {
    let refused = roam(&["login", "bm8gdG9rZW4="]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.starts_with("roam: token: ") && !text.contains("bm8gdG9rZW4"), "{text}");
}

#[test]
fn the_program_explains_itself() {
    let said = |words: &[&str]| {
        let output = roam(words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, help) = said(&["--help"]);
    assert_eq!(status, Some(0));
    for topic in ["connect", "login", "doctor", "jsonl"] {
        assert!(help.contains(topic), "{topic}: {help}");
        let (status, text) = said(&["help", topic]);
        assert!(status == Some(0) && text.lines().count() > 15, "{topic}: {text}");
    }
    assert!(said(&["help", "doctor"]).1.contains("Usage: roam doctor"));
    assert_eq!(said(&["help", "nonsense"]).0, Some(2));
    assert_eq!(said(&["doctor", "http://127.0.0.1:1", "--trace", "file"]).0, Some(2));
    let version = format!("roam {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(said(&["--version"]), (Some(0), version));
}

#[cfg(unix)]
#[path = "support/terminal.rs"]
mod terminal;

#[cfg(unix)]
#[test]
fn on_a_terminal_there_are_colours_and_names_are_completed() {
    let portal = portal();
    let url = format!("{}/echo", portal.url());
    let mut screen = terminal::Terminal::start(&["connect", &url], &[]);
    screen.see("namespace connected");
    screen.see("> ");
    screen.write("greeting x");
    screen.press('\r');
    screen.see("\u{1b}[32m<\u{1b}[0m \u{1b}[1mgreeting\u{1b}[0m \"x\"");
    screen.see("> ");
    screen.write("gree");
    screen.press('\t');
    screen.see("greeting");
    screen.write(" y");
    screen.press('\r');
    screen.see("\u{1b}[1mgreeting\u{1b}[0m \"y\"");
    screen.see("> ");
    screen.press('\u{4}');
    assert!(screen.end().success());

    let mut screen = terminal::Terminal::start(&["connect", &url], &[("NO_COLOR", "1")]);
    screen.see("* namespace connected");
    screen.see("> ");
    screen.press('\u{4}');
    assert!(screen.end().success());
    assert!(!screen.text().contains("\u{1b}[32m"), "{}", screen.text());
}
