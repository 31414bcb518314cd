//! The way from the I/O thread into the host's code: in order, one at a time, with no lock held.
//!
//! ```text
//!  I/O task --deliver--> Mailbox (bounded) --a pool thread, or the host's `dispatch`--> sinks
//!  client   --add, end-->                                                               completions
//! ```
//!
//! The sinks belong to whoever is dispatching; that makes delivery serial without a lock. Only the
//! way of arousing that somebody differs between the modes.

mod gate;
mod host;
mod pool;
mod scope;
#[cfg(test)]
mod tests;
mod told;
mod wake;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

use self::host::Host;
use self::wake::Wake;
use crate::config::{DispatchMode, Limits};
use crate::driver::{Delivery, process};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;

pub(crate) use self::gate::closed;
pub use self::gate::{Expected, Gate};
pub use self::host::{Addition, Owner, Sink};
pub use self::scope::Scope;

/// This many deliveries are taken out at once; they count as queued until all are done.
const BATCH: usize = 32;

/// An empty queue with room for more than this gives its memory back.
const KEPT: usize = 1_024;

/// What waits for the host, of one manager with its sockets or of one conference.
pub struct Mailbox {
    mode: DispatchMode,
    limit: Load,
    state: Mutex<State>,
    /// Objects came or went: the running batch looks at it after every callback.
    urgent: AtomicBool,
    /// There was no thread to deliver what is in here.
    unserved: AtomicBool,
    wake: Wake,
    attention: OnceCell<Box<dyn Fn() + Send + Sync>>,
}

/// Deliveries and the bytes that they keep alive.
#[derive(Clone, Copy, Default)]
struct Load {
    events: usize,
    bytes: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Delivery>,
    /// The queue and the batch in hand together.
    load: Load,
    full: bool,
    additions: Vec<Addition>,
    ends: Vec<Owner>,
    /// Taken by whoever is dispatching.
    host: Option<Host>,
    /// Somebody was aroused, and nobody has found the queue empty since.
    aroused: bool,
}

impl Mailbox {
    /// An empty mailbox.
    pub fn new(mode: DispatchMode, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            mode,
            limit: Load { events: limits.host_queue_events, bytes: limits.host_queue_bytes },
            state: Mutex::new(State { host: Some(Host::default()), ..State::default() }),
            urgent: AtomicBool::new(false),
            unserved: AtomicBool::new(false),
            wake: Wake::default(),
            attention: OnceCell::new(),
        })
    }

    /// Append a batch; `batch` is empty afterwards and keeps its memory. One lock, and one wake-up
    /// unless somebody is awake. True: the queue is full now, though nothing is ever refused.
    pub fn deliver(self: &Arc<Self>, batch: &mut Vec<Delivery>) -> bool {
        let load = Load::of(batch);
        let mut state = self.state();
        state.load.events += load.events;
        state.load.bytes += load.bytes;
        state.full |=
            state.load.events >= self.limit.events || state.load.bytes >= self.limit.bytes;
        state.queue.extend(batch.drain(..));
        let full = state.full;
        self.arouse(state);
        full
    }

    /// Run `wake` whenever a full queue has fallen below half, and when [`Mailbox::serve`] is
    /// needed. Called once.
    pub fn on_attention(&self, wake: Box<dyn Fn() + Send + Sync>) {
        // Only the driver that was given this mailbox calls this.
        let _ = self.attention.set(wake);
    }

    /// Where the system gave no thread for what is in here: try again. False: there is still none,
    /// so that the caller has to come back.
    pub fn serve(&self) -> bool {
        if self.unserved.load(Ordering::Acquire) && pool::serve() {
            self.unserved.store(false, Ordering::Release);
        }
        !self.unserved.load(Ordering::Acquire)
    }

    /// Whether the queue was full and has not fallen below half since.
    pub fn is_full(&self) -> bool {
        self.state().full
    }

    /// A new object wants to be told. Its sink is there before any event that comes later.
    pub fn add(&self, addition: Addition) {
        let mut state = self.state();
        state.additions.push(addition);
        self.urgent.store(true, Ordering::Release);
    }

    /// An object, whose gate is closed, is not told any more: its pending completions end `CLOSED`,
    /// then its sink is dropped.
    ///
    /// In manual mode that happens before this returns, unless a dispatch is running, which does it
    /// as soon as the callback that it is in has returned.
    pub fn end(self: &Arc<Self>, owner: Owner) {
        let mut state = self.state();
        state.ends.push(owner);
        self.urgent.store(true, Ordering::Release);
        match self.mode {
            DispatchMode::Thread => self.arouse(state),
            DispatchMode::Manual => {
                drop(state);
                self.run(0);
            }
        }
    }

    /// The last object is closed: the host is not woken any more. When this returns no wake callback
    /// is running, unless it is the caller.
    pub fn silence(&self) {
        self.wake.silence();
    }

    /// Deliver up to `max_events` on this thread, in manual mode. Gives how many were delivered;
    /// none while another thread dispatches.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode or in a forked child, [`Code::WouldDeadlock`] inside a
    /// callback.
    pub fn dispatch(&self, max_events: usize) -> Result<usize> {
        process::check()?;
        self.manual()?;
        if Scope::is_inside() {
            return Err(Error::new(Code::WouldDeadlock, "dispatch inside a callback"));
        }
        Ok(self.run(max_events).0)
    }

    /// Run `wake` on the I/O thread when there is something to dispatch after there was nothing;
    /// at once, on this thread, if there is something now.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside a wake callback.
    pub fn set_wake(&self, wake: Box<dyn Fn() + Send>) -> Result<()> {
        self.manual()?;
        self.wake.set(wake)?;
        if self.is_pending() {
            self.wake.call();
        }
        Ok(())
    }

    /// A descriptor that is readable while there is something to dispatch. It lives as long as the
    /// mailbox.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::Unsupported`] when there is no descriptor.
    #[cfg(unix)]
    pub fn wake_fd(&self) -> Result<std::os::fd::BorrowedFd<'_>> {
        self.manual()?;
        let signal = self.wake.signal.get_or_try_init(wake::signal::Signal::new)?;
        if self.is_pending() {
            signal.set();
        }
        Ok(signal.as_fd())
    }

    fn manual(&self) -> Result<()> {
        match self.mode {
            DispatchMode::Manual => Ok(()),
            DispatchMode::Thread => {
                let text = "callbacks are run by the library; choose manual dispatch first";
                Err(Error::new(Code::InvalidState, text))
            }
        }
    }

    fn is_pending(&self) -> bool {
        !self.state().queue.is_empty()
    }

    /// There is something to do: see that somebody does it.
    fn arouse(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !std::mem::replace(&mut state.aroused, true) {
            drop(state);
            match self.mode {
                DispatchMode::Thread if pool::schedule(Arc::clone(self)) => {}
                DispatchMode::Thread => {
                    self.unserved.store(true, Ordering::Release);
                    self.want_attention();
                }
                DispatchMode::Manual => self.wake.wake(),
            }
        }
    }

    fn want_attention(&self) {
        if let Some(wake) = self.attention.get() {
            wake();
        }
    }

    /// Deliver up to `max` on this thread, and see to objects that came or went in any case. Gives
    /// how many were delivered, and whether there is more. Nothing while another thread is at it;
    /// that one then does it.
    fn run(&self, max: usize) -> (usize, bool) {
        let Some(mut host) = self.state().host.take() else { return (0, false) };
        let _scope = Scope::enter();
        let mut delivered = 0;
        let mut in_hand = Load::default();
        loop {
            self.see_to_objects(&mut host);
            let mut state = self.state();
            let drained = state.settle(std::mem::take(&mut in_hand), self.limit);
            let most = BATCH.min(max - delivered).min(state.queue.len());
            host.batch.extend(state.queue.drain(..most));
            let over = most == 0 && !drained && !self.urgent.load(Ordering::Acquire);
            if over {
                state.host = Some(host);
                let more = !state.queue.is_empty();
                if !more {
                    state.rest();
                    self.wake.clear();
                }
                return (delivered, more);
            }
            drop(state);
            if drained {
                self.want_attention();
            }
            in_hand = Load::of(&host.batch);
            delivered += in_hand.events;
            let mut batch = std::mem::take(&mut host.batch);
            for delivery in batch.drain(..) {
                host.deliver(delivery);
                self.see_to_objects(&mut host);
            }
            host.batch = batch;
        }
    }

    fn see_to_objects(&self, host: &mut Host) {
        if !self.urgent.load(Ordering::Acquire) {
            return;
        }
        let (additions, ends) = {
            let mut state = self.state();
            self.urgent.store(false, Ordering::Release);
            (std::mem::take(&mut state.additions), std::mem::take(&mut state.ends))
        };
        additions.into_iter().for_each(|addition| host.add(addition));
        ends.into_iter().for_each(|owner| host.end(owner));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A batch is done. True: the queue was full and has fallen below half.
    fn settle(&mut self, done: Load, limit: Load) -> bool {
        self.load.events -= done.events;
        self.load.bytes -= done.bytes;
        let below_half = self.load.events <= limit.events / 2 && self.load.bytes <= limit.bytes / 2;
        below_half && std::mem::take(&mut self.full)
    }

    /// The queue is empty: whoever comes next arouses somebody, and a burst's memory goes back.
    fn rest(&mut self) {
        self.aroused = false;
        if self.queue.capacity() > KEPT {
            self.queue.shrink_to(BATCH);
        }
    }
}

impl Load {
    fn of(deliveries: &[Delivery]) -> Self {
        let bytes = deliveries.iter().map(|delivery| match delivery {
            Delivery::Event(event) => event.weight(),
            Delivery::Finished(_) => 0,
            Delivery::Outcome(_, result) => result.as_ref().map_or(0, Payload::weight),
        });
        Self { events: deliveries.len(), bytes: bytes.sum() }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Mailbox")
            .field("mode", &self.mode)
            .field("queued", &state.load.events)
            .field("full", &state.full)
            .finish_non_exhaustive()
    }
}
