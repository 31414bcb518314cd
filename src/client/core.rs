//! What the objects of one connection share, and how each of them ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::config::Limits;
use crate::driver::dispatch::{Gate, Mailbox, Owner, Scope, closed};
use crate::driver::{Completion, Driver, clock, process};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;
use crate::proto::io::{Command, Hint, RequestId};
use crate::proto::time::millis;

/// One running stack and its way to the host.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) driver: Driver,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) limits: Limits,
    /// The servers speak Socket.IO protocol 4, and it is known that they do.
    pub(super) protocol_4: bool,
    /// Objects that are not closed; the stack is closed with the last.
    open: AtomicUsize,
}

impl Core {
    /// The core of its first object.
    pub(super) fn new(
        driver: Driver,
        mailbox: Arc<Mailbox>,
        limits: Limits,
        protocol_4: bool,
    ) -> Arc<Self> {
        Arc::new(Self { driver, mailbox, limits, protocol_4, open: AtomicUsize::new(1) })
    }

    /// One object more.
    pub(super) fn enter(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// One object less, whose sink ends, if it has one. The last one waits for a wake callback that
    /// is running.
    pub(super) fn leave(&self, owner: Option<Owner>) {
        let last = self.open.fetch_sub(1, Ordering::AcqRel) == 1;
        if last {
            self.mailbox.silence();
        }
        // Before the stack ends, because its task is who does this in inline mode.
        if let Some(owner) = owner {
            self.mailbox.end(owner);
        }
        if last {
            // An error says that it is closed already.
            let _ = self.driver.submit(Command::Close);
        }
    }

    fn is_over(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }
}

/// The part that manager, socket and conference have in common.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) core: Arc<Core>,
    gate: Arc<Gate>,
    owner: Owner,
}

impl Object {
    /// An object whose sink, behind `gate`, is on its way to the dispatch side.
    pub(super) const fn new(core: Arc<Core>, gate: Arc<Gate>, owner: Owner) -> Self {
        Self { core, gate, owner }
    }

    pub(super) const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(super) fn is_closed(&self) -> bool {
        self.gate.is_closed()
    }

    /// The driver, unless this object is closed.
    pub(super) fn driver(&self) -> Result<&Driver> {
        if self.is_closed() { Err(closed()) } else { Ok(&self.core.driver) }
    }

    pub(super) fn hint(&self, hint: Hint) -> Result<()> {
        self.driver()?.submit(Command::Hint(hint))
    }

    /// Submit a request whose outcome `completion` gets, unless `most` are outstanding already.
    pub(super) fn request(
        &self,
        most: usize,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
        submit: impl FnOnce(&Driver, Completion) -> Result<RequestId>,
    ) -> Result<RequestId> {
        let expected = self.gate.expect(most, completion)?;
        submit(&self.core.driver, expected.completion()).or_else(|error| {
            // A close from another thread may have called it meanwhile; then the call was accepted.
            if expected.withdraw() { Err(error) } else { Ok(RequestId(0)) }
        })
    }

    /// End the object; `leave` tells the stack. Does nothing the second time, and in a forked child,
    /// where nobody is there to end anything.
    pub(super) fn close(&self, leave: impl FnOnce(&Driver)) {
        if process::check().is_ok() && self.gate.close() {
            leave(&self.core.driver);
            self.core.leave(Some(self.owner));
        }
    }

    /// Wait until a closed object's sink is dropped and, if it was the last of its connection,
    /// until the connection is gone.
    pub(super) fn wait_ended(&self, timeout: Duration) -> Result<()> {
        let start = clock::now().mono;
        self.core.mailbox.end_here();
        let ended = self.gate.wait_ended(timeout);
        let spent = Duration::from_millis(clock::now().mono.since(start));
        let rest = timeout.saturating_sub(spent);
        if ended && (!self.core.is_over() || self.core.driver.wait_finished(rest)) {
            return Ok(());
        }
        Err(Error::new(Code::TimedOut, "a callback or the connection is not over yet"))
    }
}

/// Refuse to wait where the wait could be for this very thread, or for one that does not exist.
pub(super) fn may_wait() -> Result<()> {
    process::check()?;
    if Scope::is_inside() {
        return Err(Error::new(Code::WouldDeadlock, "waiting inside a callback"));
    }
    Ok(())
}

/// Refuse text that could never be sent, before anybody looks at it.
pub(super) fn check_size(bytes: usize, limits: &Limits) -> Result<()> {
    if bytes > limits.wire_queue_bytes {
        let most = limits.wire_queue_bytes;
        return Err(Error::new(Code::TooLarge, format!("{bytes} bytes, the limit is {most}")));
    }
    Ok(())
}

/// Whole milliseconds of a time limit that the host gave.
pub(super) fn timeout_ms(timeout: Option<Duration>) -> Result<Option<u64>> {
    timeout
        .map(|limit| super::validate::duration("timeout", limit).map(|()| millis(limit)))
        .transpose()
}
