//! From the I/O thread to the disk: a bounded buffer, and a thread that empties it.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{mem, thread};

use crate::config::{TraceLines, TraceSink};
use crate::driver::dispatch::Scope;
use crate::driver::lifeline::Lifeline;
use crate::error::{Code, Error, Result};
use crate::log::log;

/// More bytes never wait to be written.
pub(super) const LIMIT: usize = 1 << 20;

/// The I/O thread's end.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: String,
    over: bool,
    /// Keeps whoever waits for the end of the object waiting until the last line is written.
    lifeline: Option<Arc<Lifeline>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the lines end up.
enum Target {
    File(File),
    Lines(TraceLines),
    /// Writing has failed, and was told.
    Broken,
}

impl Writer {
    /// Open the sink and start the thread.
    pub(super) fn start(sink: &TraceSink) -> Result<Self> {
        let mut target = Target::open(sink)?;
        let shared = Arc::new(Shared::default());
        let source = Arc::clone(&shared);
        let run = move || {
            while let Some(lines) = source.next() {
                target.write(&lines);
            }
            drop(target);
            drop(source.state().lifeline.take());
        };
        thread::Builder::new().name("roamio-trace".into()).spawn(run).map_err(|error| {
            Error::new(Code::Unsupported, format!("cannot start the trace's thread: {error}"))
        })?;
        Ok(Self { shared })
    }

    /// Queue lines if there is room for all of them.
    pub(super) fn offer(&self, lines: &str) -> bool {
        let mut state = self.shared.state();
        let fits = state.lines.len() + lines.len() <= LIMIT;
        if fits {
            state.lines.push_str(lines);
            self.shared.changed.notify_one();
        }
        fits
    }

    /// Queue the last lines, room or not.
    pub(super) fn end(&self, lines: &str, lifeline: Arc<Lifeline>) {
        let mut state = self.shared.state();
        state.lines.push_str(lines);
        state.lifeline = Some(lifeline);
        state.over = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// Wait for lines; `None` is the end.
    fn next(&self) -> Option<String> {
        let waits = |state: &mut State| state.lines.is_empty() && !state.over;
        let state = self.changed.wait_while(self.state(), waits);
        let lines = mem::take(&mut state.unwrap_or_else(PoisonError::into_inner).lines);
        (!lines.is_empty()).then_some(lines)
    }
}

impl Target {
    fn open(sink: &TraceSink) -> Result<Self> {
        let path = match sink {
            TraceSink::Lines(lines) => return Ok(Self::Lines(lines.clone())),
            TraceSink::File(path) => path,
        };
        let bad = |error: std::io::Error| {
            Error::new(Code::InvalidArgument, format!("trace file: {error}"))
        };
        // Emptied only once it is known that nobody else writes it.
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(bad)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let text = "trace file: another object writes it";
                return Err(Error::new(Code::InvalidArgument, text));
            }
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => file.set_len(0).map_err(bad)?,
        }
        Ok(Self::File(file))
    }

    fn write(&mut self, text: &str) {
        match self {
            Self::File(file) => {
                if let Err(error) = file.write_all(text.as_bytes()) {
                    log!(Warn, "the trace ends here, its file cannot be written: {error}");
                    *self = Self::Broken;
                }
            }
            Self::Lines(lines) => {
                let _scope = Scope::enter();
                let tell = || text.lines().for_each(|line| lines.take(line));
                if catch_unwind(AssertUnwindSafe(tell)).is_err() {
                    log!(Error, "a trace function panicked");
                }
            }
            Self::Broken => {}
        }
    }
}
