//! A recording, line by line.

use std::path::Path;

use roamio::config::Revision;
use serde_json::Value;

/// What one line says. Numbers are those of the recorded client's connections.
#[derive(Debug)]
pub(crate) enum Record {
    /// The client opened a connection, in this revision of Engine.IO.
    Open(u64, Revision),
    /// The client sent a packet.
    Sent(u64, String),
    /// The server sent a packet.
    Received(u64, String),
    /// The connection ended, with this code where there was one.
    Closed(u64, u64),
    /// Something beside the wire.
    Note,
}

/// Read a recording: the time of each line in milliseconds, and what it says.
pub(crate) fn read(name: &str) -> Vec<(u64, Record)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).expect("a recording");
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(u64, Record)> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let at = line["t"].as_f64().expect("a time") as u64;
    if line["kind"] == "note" {
        return Some((at, Record::Note));
    }
    let conn = line["conn"].as_u64().expect("a connection");
    let from_client = line["dir"] == "c2s";
    let record = if let Some(data) = line["data"].as_str() {
        if from_client {
            Record::Sent(conn, data.into())
        } else {
            Record::Received(conn, data.into())
        }
    } else if let Some(path) = line["open"].as_str() {
        Record::Open(conn, if path.contains("EIO=3") { Revision::V3 } else { Revision::V4 })
    } else if from_client {
        // The recorded client closes by hand; the core has a mind of its own.
        return None;
    } else {
        Record::Closed(conn, line["close"].as_u64().expect("a close code"))
    };
    Some((at, record))
}
