//! Where the trace of an object goes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where an object's trace goes (`docs/trace.md`): one JSON object per line, without tokens,
/// tickets, headers, queries and payloads.
///
/// A thread of the trace's own writes it, so a slow disk delays nothing: when a mebibyte waits, whole
/// turns are left out, and the trace says how many records are missing. Waiting for the end of the
/// object waits for its last line too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceSink {
    /// A file, which is replaced. It is locked against other objects and processes for as long as
    /// the object lives.
    File(PathBuf),
    /// A function, called with each line.
    Lines(TraceLines),
}

impl TraceSink {
    /// A trace in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// A trace for a function, which gets each line, without its line feed. It runs on the trace's
    /// thread, for objects made with copies of one sink on several threads at once. It must not wait
    /// for an object.
    pub fn lines(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::Lines(TraceLines(Arc::new(take)))
    }
}

/// A function that takes the lines of a trace ([`TraceSink::lines`]).
#[derive(Clone)]
pub struct TraceLines(Arc<dyn Fn(&str) + Send + Sync>);

impl TraceLines {
    pub(crate) fn take(&self, line: &str) {
        (self.0)(line);
    }
}

impl PartialEq for TraceLines {
    /// The same one, not another that does the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TraceLines {}

impl fmt::Debug for TraceLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceLines")
    }
}
