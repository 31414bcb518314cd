//! What the examination is about to find out, for somebody who waits.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What is fast is not worth a line.
const SOON: Duration = Duration::from_millis(500);

/// A line on the terminal that says what is waited for, and for how long.
pub(crate) struct Progress {
    /// None: nobody would see it.
    shown: Option<(Sender<&'static str>, JoinHandle<()>)>,
}

impl Progress {
    /// Show what takes long, if that is wanted and there is a terminal.
    pub(crate) fn start(wanted: bool) -> Self {
        let shown = (wanted && stderr().is_terminal()).then(|| {
            let (tell, told) = channel();
            (tell, thread::spawn(move || show(&told)))
        });
        Self { shown }
    }

    /// What comes next.
    pub(crate) fn step(&self, what: &'static str) {
        if let Some((tell, _)) = &self.shown {
            // The line is gone only when all is over.
            let _ = tell.send(what);
        }
    }

    /// Take the line away.
    pub(crate) fn end(self) {
        if let Some((tell, thread)) = self.shown {
            drop(tell);
            let _ = thread.join();
        }
    }
}

fn show(told: &Receiver<&'static str>) {
    let (mut what, mut since) = ("", Instant::now());
    loop {
        match told.recv_timeout(SOON) {
            Ok(next) => (what, since) = (next, Instant::now()),
            Err(RecvTimeoutError::Timeout) if !what.is_empty() => {
                let _ = write!(stderr(), "\r\x1b[K{what}, {} s ", since.elapsed().as_secs());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let _ = write!(stderr(), "\r\x1b[K");
}
