//! Reading the recordings in `tests/transcripts` at the root of the repository.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

/// One line of a recording.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Milliseconds since the start.
    pub(crate) at: f64,
    /// What happened.
    pub(crate) what: What,
}

/// What a line tells.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The client opened a connection.
    Open { conn: u64, path: String },
    /// The client sent a packet.
    Sent { conn: u64, packet: String },
    /// The client received a packet.
    Received { conn: u64, packet: String },
    /// The client began a close.
    Close { conn: u64, code: u16 },
    /// The connection ended.
    Closed { conn: u64, code: u16 },
    /// The client sent an HTTP request.
    Request { conn: u64, method: String, path: String, body: String },
    /// The answer to the last request with this method.
    Response { conn: u64, method: &'static str, answer: Value },
    /// Something beside the wire.
    Note(Value),
}

/// A recording.
pub(crate) struct Transcript {
    /// Settings of the recorded server, in seconds.
    pub(crate) settings: Value,
    /// All lines after the first.
    pub(crate) lines: Vec<Line>,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts")
}

/// Names of all recordings.
pub(crate) fn names() -> BTreeSet<String> {
    let files = fs::read_dir(directory()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".jsonl").map(str::to_owned)).collect()
}

impl Transcript {
    /// Read the recording of this name.
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(directory().join(format!("{name}.jsonl"))).unwrap();
        let mut lines = text.lines().map(|line| Line::parse(&serde_json::from_str(line).unwrap()));
        let What::Note(first) = lines.next().unwrap().what else {
            panic!("a recording begins with a note");
        };
        Self { settings: first["server"].clone(), lines: deliver_before_cuts(lines.collect()) }
    }

    /// Whether the client of a connection left a ping unanswered.
    pub(crate) fn answers_pings(&self, conn: u64) -> bool {
        let is = |line: &Line, wanted: &str| match &line.what {
            What::Received { conn: of, packet } | What::Sent { conn: of, packet } => {
                *of == conn && packet == wanted
            }
            _ => false,
        };
        let count = |packet| self.lines.iter().filter(|line| is(line, packet)).count();
        count("2") == count("3")
    }

    /// All login replies, with the connection they came on.
    pub(crate) fn login_replies(&self) -> Vec<Value> {
        let reply = |line: &Line| match &line.what {
            What::Received { packet, .. } => {
                let args: Value = serde_json::from_str(packet.get(3..)?).ok()?;
                args[1]["room"].is_object().then(|| args[1].clone())
            }
            _ => None,
        };
        self.lines.iter().filter_map(reply).collect()
    }

    /// The ids the recorded connections got: of the engine, which revision 3 takes for the socket
    /// too, and of sockets.
    pub(crate) fn socket_ids(&self) -> BTreeSet<String> {
        let sid = |line: &Line| match &line.what {
            What::Received { packet, .. } => {
                let json = packet.strip_prefix("40").or(packet.strip_prefix('0'))?;
                let reply: Value = serde_json::from_str(json).ok()?;
                reply["sid"].as_str().map(str::to_owned)
            }
            _ => None,
        };
        self.lines.iter().filter_map(sid).collect()
    }
}

impl Line {
    fn parse(line: &Value) -> Self {
        let at = line["t"].as_f64().unwrap();
        let conn = line["conn"].as_u64().unwrap_or_default();
        let sent = line["dir"] == "c2s";
        let what = if line["kind"] == "note" {
            What::Note(line.clone())
        } else if let Some(method) = line["method"].as_str() {
            let path = line["path"].as_str().unwrap().to_owned();
            let body = line["data"].as_str().unwrap_or_default().to_owned();
            What::Request { conn, method: method.into(), path, body }
        } else if line["kind"] == "http" {
            let method = if line["contentType"] == "text/html" { "POST" } else { "GET" };
            What::Response { conn, method, answer: line.clone() }
        } else if let Some(path) = line["open"].as_str() {
            What::Open { conn, path: path.into() }
        } else if let Some(code) = line["close"].as_u64() {
            let code = code as u16;
            if sent { What::Close { conn, code } } else { What::Closed { conn, code } }
        } else {
            let packet = line["data"].as_str().unwrap().to_owned();
            if sent { What::Sent { conn, packet } } else { What::Received { conn, packet } }
        };
        Self { at, what }
    }
}

/// Whether a note tells that a connection was cut.
pub(crate) fn is_cut(note: &Value) -> bool {
    note["text"] == "network: rst" || note["text"] == "network: client-terminate"
}

/// Move every cut behind what the client still received on the connection: when two things happen
/// in the same millisecond the recording can have them in either order.
fn deliver_before_cuts(mut lines: Vec<Line>) -> Vec<Line> {
    for index in 1..lines.len() {
        let What::Received { conn, .. } = lines[index].what else { continue };
        let cut = match &lines[index - 1].what {
            What::Note(note) => is_cut(note) && note["conn"] == conn,
            _ => false,
        };
        if cut {
            lines.swap(index - 1, index);
        }
    }
    lines
}
