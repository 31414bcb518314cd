//! The manual of `roam jsonl` is played: what it says goes in, and what it says comes out does.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use roamio_portal::model::{Audience, TextBurst};
use roamio_portal::{Cut, Refusal, Server, ServerConfig, Target};
use serde_json::{Value, json};

use support::polling_server;
use support::program::Program;

const MANUAL: &str = include_str!("../src/jsonl/help.txt");
const ROOM: &str = "room";

/// This takes another network, which a test of the library has (`tests/network`); a test of the
/// program compares the shape of the event.
const ELSEWHERE: &str = "the device moves to another network";

/// Where the manual is played.
struct Stage {
    portal: Server,
    polling: String,
    program: Program,
    folder: PathBuf,
    /// Every token that went in.
    tokens: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        let mut config = ServerConfig::default();
        config.model.relogin_ends_pruning = false;
        let portal = Server::start_blocking(config).unwrap();
        let polling = format!("127.0.0.1:{}", polling_server::start().port());
        let folder = std::env::temp_dir().join(format!("roam-jsonl-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = Program::start(&["jsonl"], &folder);
        Self { portal, polling, program, folder, tokens: Vec::new() }
    }

    /// A line of the manual with what this stage has in the places of its examples.
    fn fill(&mut self, line: &str) -> String {
        let odd = json!({
            "tokenId": "1", "host": self.polling, "secure": false, "signature": "s",
        });
        let odd = base64::engine::general_purpose::STANDARD.encode(odd.to_string());
        let portal = self.portal.url();
        let portal = portal.strip_prefix("http://").unwrap();
        let line = line.replace("127.0.0.1:8080", portal).replace("127.0.0.1:9090", &self.polling);
        let line = line.replace("\"ODD-TOKEN\"", &format!("\"{odd}\""));
        if !line.contains("\"TOKEN\"") {
            return line;
        }
        let token = self.portal.mint_token(ROOM, "alice", "presenter");
        let line = line.replace("\"TOKEN\"", &format!("\"{token}\""));
        self.tokens.push(token);
        line
    }

    /// What happens elsewhere.
    fn happen(&self, what: &str) {
        match what {
            "the server is gone" => self.lose(),
            "the server is back" => self.portal.refuse(None),
            "the portal is gone" => self.lose(),
            "two texts are missed, and the portal is back" => {
                self.portal.send_texts(TextBurst {
                    to: Audience::Room(ROOM.into()),
                    prefix: "missed ".into(),
                    first: 1,
                    count: 2,
                    gap: 0,
                });
                self.portal.refuse(None);
            }
            "the portal is gone, forgets what is missed, and is back" => {
                self.lose();
                self.portal.set_switch("retention-ms", "1").unwrap();
                let participant = self.portal.participants(ROOM)[0].id.clone();
                self.portal.with_model(|model, now| {
                    let data = json!({ "from": "x", "to": "all", "message": "y" });
                    for later in [0, 0, 1_000] {
                        model.notify(&participant, "text", Some(&data), now + later);
                    }
                });
                self.portal.refuse(None);
            }
            other => panic!("what is {other:?}?"),
        }
    }

    fn lose(&self) {
        self.portal.refuse(Some(Refusal::Reset));
        self.portal.cut(&Target::All, Cut::Reset);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether a line is what an example shows.
fn fits(example: &Value, real: &Value, name: &str) -> bool {
    match (example, real) {
        (Value::String(text), _) if text == "…" => true,
        (Value::String(text), Value::String(real)) => match text.strip_suffix('…') {
            Some(beginning) => real.starts_with(beginning),
            None => text == real,
        },
        (Value::Number(_), Value::Number(_)) if name != "id" && name != "line" => true,
        (Value::Object(example), Value::Object(real)) => {
            example.keys().eq(real.keys())
                && example.iter().all(|(name, value)| fits(value, &real[name], name))
        }
        (Value::Array(example), Value::Array(real)) => {
            example.len() == real.len()
                && example.iter().zip(real).all(|(example, real)| fits(example, real, name))
        }
        _ => example == real,
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The kind of an event, and the names of its members.
fn kind(event: &Value) -> Option<(String, BTreeSet<String>)> {
    let members = event.as_object()?;
    let object =
        ["manager", "socket", "conference"].into_iter().find(|it| members.contains_key(*it));
    let kind = format!("{} {}", event.get("event")?.as_str()?, object.unwrap_or_default());
    Some((kind, members.keys().cloned().collect()))
}

#[test]
fn the_manual_says_what_happens() {
    let mut stage = Stage::new();
    let mut documented = BTreeMap::<String, BTreeSet<String>>::new();
    let mut lines = MANUAL.lines();
    while let Some(line) = lines.next() {
        let Some((mark, rest)) = line.split_once(' ') else { continue };
        match mark {
            ">" => {
                let line = stage.fill(rest);
                stage.program.send(&line);
            }
            "*" if rest == ELSEWHERE => drop(lines.next()),
            "*" => stage.happen(rest),
            "<" => {
                let example = json(rest);
                stage.program.expect(rest, |line| fits(&example, &json(line), ""));
                if let Some((kind, members)) = kind(&example) {
                    documented.entry(kind).or_default().extend(members);
                }
            }
            _ => {}
        }
    }
    assert!(stage.program.end().success());
    for line in &stage.program.all {
        assert!(!stage.tokens.iter().any(|token| line.contains(token)), "a token: {line}");
        assert!(!line.contains("reconnectionTicket\":"), "a ticket: {line}");
        let Some((kind, members)) = kind(&json(line)) else { continue };
        let known = documented.get(&kind).unwrap_or_else(|| panic!("not in the manual: {line}"));
        assert!(members.is_subset(known), "not all in the manual: {line}");
    }
    let trace = fs::read_to_string(stage.folder.join("session.jsonl")).unwrap();
    assert!(trace.lines().last().unwrap().contains("\"what\":\"end\""));
}
