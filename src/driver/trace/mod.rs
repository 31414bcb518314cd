//! The trace of an object: everything that goes into its stack and comes out of it, one JSON object
//! per line, without secrets (`docs/trace.md`).
//!
//! The task shows the recorder what passes; without a trace each such place costs one branch. Lines
//! are collected for a turn and handed to the [`writer`], which never makes the I/O thread wait.

mod host;
mod packets;
mod record;
mod wires;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env::consts::{ARCH, OS};
use std::sync::Arc;

use self::packets::Packets;
use self::record::{FORMAT, Record, Totals, What};
use self::wires::Carrier;
use self::writer::Writer;
use crate::config::CommonConfig;
use crate::driver::lifeline::Lifeline;
use crate::error::Result;
use crate::proto::io::{RequestId, WireId};
use crate::proto::time::{Now, Timestamp};
use crate::watch;

/// Writes the trace of one object.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// None when it is written for the watch only.
    writer: Option<Writer>,
    start: Timestamp,
    now: Timestamp,
    /// The lines of this turn, and how many.
    lines: String,
    count: u64,
    /// Records that found no room since the last that did.
    dropped: u64,
    totals: Totals,
    packets: Packets,
    /// Requests without an outcome: since when, and what they ask.
    requests: HashMap<RequestId, (Timestamp, String)>,
    /// Wires that carry an open engine.
    carriers: Vec<Carrier>,
    /// WebSockets that are dialled for an upgrade: from which wire.
    upgrades: HashMap<WireId, u32>,
    /// Polling wires that have been told.
    polling: Vec<WireId>,
    /// Wires in the middle of a frame.
    partial: Vec<WireId>,
}

impl Recorder {
    /// Begin the trace of an `object`, if there is to be one.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::error::Code::InvalidArgument) for a file that cannot be
    /// written or is being written by another object,
    /// [`Code::Unsupported`](crate::error::Code::Unsupported) when the system gives no thread.
    pub(crate) fn start(
        common: &CommonConfig,
        object: &'static str,
        now: Now,
    ) -> Result<Option<Box<Self>>> {
        let sink = common.trace.as_ref();
        if sink.is_none() && !watch::keeps() {
            return Ok(None);
        }
        let writer = sink.map(Writer::start).transpose()?;
        Ok(Some(Box::new(Self::with(writer, common, object, now))))
    }

    fn with(writer: Option<Writer>, common: &CommonConfig, object: &'static str, now: Now) -> Self {
        let mut recorder = Self {
            writer,
            start: now.mono,
            now: now.mono,
            lines: String::new(),
            count: 0,
            dropped: 0,
            totals: Totals::default(),
            packets: Packets::new(common.limits.clone()),
            requests: HashMap::new(),
            carriers: Vec::new(),
            upgrades: HashMap::new(),
            polling: Vec::new(),
            partial: Vec::new(),
        };
        recorder.write(What::Trace {
            format: FORMAT,
            object,
            library: env!("CARGO_PKG_VERSION"),
            os: OS,
            arch: ARCH,
            wall_ms: now.wall,
        });
        recorder
    }

    /// The time of what follows.
    pub(crate) fn turn(&mut self, now: Now) {
        self.now = now.mono;
    }

    /// The turn is over: hand its lines to the writer, all or none.
    pub(crate) fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        if self.dropped > 0 {
            let dropped = line(self.elapsed(), What::Dropped { records: self.dropped });
            self.lines.insert_str(0, &dropped);
        }
        watch::keep(&self.lines);
        if self.writer.as_ref().is_none_or(|writer| writer.offer(&self.lines)) {
            self.dropped = 0;
        } else {
            self.dropped += self.count;
        }
        self.lines.clear();
        self.count = 0;
    }

    /// The object is over: nothing follows. Who waits for `lifeline` waits for the last line.
    pub(crate) fn end(mut self, lifeline: Arc<Lifeline>) {
        self.flush();
        if self.dropped > 0 {
            self.write(What::Dropped { records: self.dropped });
        }
        self.write(What::End(self.totals));
        watch::keep(&self.lines);
        if let Some(writer) = self.writer {
            writer.end(&self.lines, lifeline);
        }
    }

    fn elapsed(&self) -> u64 {
        self.now.since(self.start)
    }

    fn write(&mut self, what: What<'_>) {
        let line = line(self.elapsed(), what);
        self.lines.push_str(&line);
        self.count += 1;
    }
}

fn line(t: u64, what: What<'_>) -> String {
    // Names and numbers only: there is nothing that has no JSON.
    let mut line = serde_json::to_string(&Record { t, what }).unwrap_or_default();
    line.push('\n');
    line
}
