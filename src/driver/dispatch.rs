//! The way from the I/O thread into the host's code: in order, one at a time, with no lock held.
//!
//! ```text
//!  I/O task --deliver--> Mailbox (bounded) --a pool thread, a job, `dispatch`--> sinks
//!  client   --add, end-->                                                        completions
//! ```
//!
//! The sinks belong to whoever is dispatching; that makes delivery serial without a lock. Only the
//! way of arousing that somebody differs between the modes. In inline mode it is the I/O task
//! itself, which leaves out the queue. When a host's executor or the I/O task is gone, the pool
//! takes over.

mod executor;
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
use crate::log::log;
use crate::payload::Payload;

pub(crate) use self::gate::closed;
pub use self::gate::{Expected, Gate};
pub(crate) use self::host::guarded;
pub use self::host::{Addition, Owner, Report, Sink};
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
    /// Manual mode: the host was woken, and no dispatch has found the queue empty since. Otherwise: a
    /// thread or a job is on its way to run this.
    aroused: bool,
    /// The host's executor is gone: the pool is there instead.
    taken_over: bool,
    /// The last delivery is here or behind. The I/O task comes no more.
    finished: bool,
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
        let mut state = self.state();
        if state.runs_here(&self.mode) {
            self.tell_here(state, batch);
            return false;
        }
        state.append(batch);
        state.full |=
            state.load.events >= self.limit.events || state.load.bytes >= self.limit.bytes;
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

    /// For the I/O task, whenever it runs: in inline mode see to objects that came or went; and where
    /// the system gave no thread for what is in here, try again. False: there is still none, so that
    /// the caller has to come back.
    pub fn serve(&self) -> bool {
        if self.urgent.load(Ordering::Acquire) && self.state().runs_here(&self.mode) {
            self.run(0);
        }
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
    pub fn add(self: &Arc<Self>, addition: Addition) {
        let mut state = self.state();
        state.additions.push(addition);
        self.urgent.store(true, Ordering::Release);
        if state.finished {
            // No event comes later, and it may have to hear why.
            self.arouse(state);
        }
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
        if let DispatchMode::Manual = self.mode {
            drop(state);
            self.run(0);
        } else {
            self.arouse(state);
        }
    }

    /// This thread is about to wait for an end. An executor may be waiting for this very thread, or
    /// run nothing any more, so what is left to do at the end is done here, unless somebody is at it.
    pub fn end_here(self: &Arc<Self>) {
        if let DispatchMode::Executor(_) = self.mode {
            self.run_on(0);
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
        if let DispatchMode::Manual = self.mode {
            return Ok(());
        }
        let text = "callbacks run by themselves; choose manual dispatch first";
        Err(Error::new(Code::InvalidState, text))
    }

    fn is_pending(&self) -> bool {
        !self.state().queue.is_empty()
    }

    /// There is something to do: see that somebody does it.
    fn arouse(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let running = state.host.is_none();
        let inline = state.runs_here(&self.mode);
        match &self.mode {
            DispatchMode::Manual => {
                if !std::mem::replace(&mut state.aroused, true) {
                    drop(state);
                    self.wake.wake();
                }
            }
            // Whoever is at it looks again before it stops.
            _ if running => {}
            DispatchMode::Inline if inline => {
                drop(state);
                self.want_attention();
            }
            _ if std::mem::replace(&mut state.aroused, true) => {}
            DispatchMode::Executor(executor) if !state.taken_over => {
                drop(state);
                self.post(executor);
            }
            _ => {
                drop(state);
                if !pool::schedule(Arc::clone(self)) {
                    self.unserved.store(true, Ordering::Release);
                    self.want_attention();
                }
            }
        }
    }

    /// A thread of the pool or a job has come: deliver up to `max`, and see that somebody comes again
    /// if there is more.
    fn turn(self: &Arc<Self>, max: usize) {
        self.state().aroused = false;
        self.run_on(max);
    }

    fn run_on(self: &Arc<Self>, max: usize) {
        if self.run(max).1 {
            self.arouse(self.state());
        }
    }

    /// The pool is there from now on.
    fn take_over(self: &Arc<Self>) {
        let first = !std::mem::replace(&mut self.state().taken_over, true);
        if first {
            log!(Warn, "the executor runs nothing any more; threads of the library take over");
            let mut state = self.state();
            state.aroused = false;
            self.arouse(state);
        }
    }

    /// Inline mode: tell a batch on this thread, and then whatever was left meanwhile.
    fn tell_here<'a>(&'a self, mut state: MutexGuard<'a, State>, batch: &mut Vec<Delivery>) {
        let last = is_last(batch);
        if let Some(mut host) = state.host.take() {
            drop(state);
            let _scope = Scope::enter();
            self.see_to_objects(&mut host);
            self.tell(&mut host, batch);
            state = self.state();
            state.host = Some(host);
        } else {
            // The task was dropped inside a callback that it has run.
            state.append(batch);
        }
        // Who closes an object after this finds the pool.
        state.finished |= last;
        let more = !state.queue.is_empty() || self.urgent.load(Ordering::Acquire);
        drop(state);
        if more {
            self.run(usize::MAX);
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
                    if let DispatchMode::Manual = self.mode {
                        state.aroused = false;
                        self.wake.clear();
                    }
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
            self.tell(&mut host, &mut batch);
            host.batch = batch;
        }
    }

    fn tell(&self, host: &mut Host, batch: &mut Vec<Delivery>) {
        for delivery in batch.drain(..) {
            host.deliver(delivery);
            self.see_to_objects(host);
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
    /// Whether the I/O task itself runs callbacks.
    const fn runs_here(&self, mode: &DispatchMode) -> bool {
        matches!(mode, DispatchMode::Inline) && !self.finished
    }

    fn append(&mut self, batch: &mut Vec<Delivery>) {
        let load = Load::of(batch);
        self.load.events += load.events;
        self.load.bytes += load.bytes;
        self.finished |= is_last(batch);
        self.queue.extend(batch.drain(..));
    }

    /// A batch is done. True: the queue was full and has fallen below half.
    fn settle(&mut self, done: Load, limit: Load) -> bool {
        self.load.events -= done.events;
        self.load.bytes -= done.bytes;
        let below_half = self.load.events <= limit.events / 2 && self.load.bytes <= limit.bytes / 2;
        below_half && std::mem::take(&mut self.full)
    }

    /// The queue is empty: a burst's memory goes back.
    fn rest(&mut self) {
        if self.queue.capacity() > KEPT {
            self.queue.shrink_to(BATCH);
        }
    }
}

/// Whether nothing comes after this batch.
fn is_last(batch: &[Delivery]) -> bool {
    matches!(batch.last(), Some(Delivery::Finished(_)))
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
