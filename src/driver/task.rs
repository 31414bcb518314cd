//! The task: commands, frames and time go into the stack; frames and events come out of it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;

use crate::driver::Delivery;
use crate::driver::clock;
use crate::driver::completion::Completion;
use crate::driver::dial::Dialer;
use crate::driver::dispatch::Mailbox;
use crate::driver::hangup::hang_up;
use crate::driver::inbox::{Entry, Inbox, Waiting};
use crate::driver::journal;
use crate::driver::lifeline::Lifeline;
use crate::driver::timer::Timer;
use crate::driver::trace::Recorder;
use crate::driver::wire::Wire;
use crate::error::{Code, Error};
use crate::log::log;
use crate::proto::io::{Event, HttpRequest, Input, RequestId, Transmit, WireId};
use crate::proto::stack::Stack;
use crate::proto::stats::Stats;
use crate::proto::time::{Now, earliest};

/// A wire is read this often in one turn at most, so that it can starve nobody.
const FRAMES_PER_TURN: usize = 64;

/// A wire is not read any further in a turn that brought this many bytes.
const BYTES_PER_TURN: usize = 1 << 20;

/// How often the system is asked again for a dispatch thread that it has refused.
const THREAD_RETRY: Duration = Duration::from_millis(100);

/// Runs one stack until it is finished.
pub(crate) struct Task {
    stack: Stack,
    dialer: Arc<Dialer>,
    inbox: Arc<Inbox>,
    mailbox: Arc<Mailbox>,
    wires: Vec<Wire>,
    completions: HashMap<RequestId, Completion>,
    /// Empty between turns, like `batch`; they keep their memory.
    entries: Vec<Entry>,
    batch: Vec<Delivery>,
    trace: Option<Box<Recorder>>,
    /// How often it was woken.
    wakeups: u64,
    /// The mailbox is full: no frame is read.
    host_full: bool,
    /// There is more to do than this turn does.
    again: bool,
    finished: bool,
    /// The last field, so that it goes after the sockets.
    lifeline: Arc<Lifeline>,
}

impl Task {
    pub(crate) fn new(
        stack: Stack,
        dialer: Dialer,
        inbox: Arc<Inbox>,
        mailbox: Arc<Mailbox>,
        trace: Option<Box<Recorder>>,
        lifeline: Arc<Lifeline>,
    ) -> Self {
        Self {
            stack,
            dialer: Arc::new(dialer),
            inbox,
            mailbox,
            wires: Vec::new(),
            completions: HashMap::new(),
            entries: Vec::new(),
            batch: Vec::new(),
            trace,
            wakeups: 0,
            host_full: false,
            again: false,
            finished: false,
            lifeline,
        }
    }

    /// Run until the stack is finished. Dropping the future ends everything with `CLOSED`.
    pub(crate) async fn run(mut self: Box<Self>) {
        let mut timer = Timer::new();
        poll_fn(|cx| {
            // The state is not used after a panic: everything ends.
            catch_unwind(AssertUnwindSafe(|| self.turn(cx, &mut timer))).unwrap_or_else(|_| {
                log!(Error, "a panic was stopped; the session ends");
                self.end(Error::new(Code::Panic, "a bug of roamio ended the session"));
                Poll::Ready(())
            })
        })
        .await;
        while let Some(wire) = self.wires.pop() {
            self.let_go(wire, Vec::new());
        }
        while !self.mailbox.serve() {
            sleep(THREAD_RETRY).await;
        }
    }

    /// One wake-up: take what is there, up to a bound, and hand over the results.
    fn turn(&mut self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<()> {
        self.inbox.register(cx.waker());
        let now = clock::now();
        if let Some(trace) = &mut self.trace {
            trace.turn(now);
        }
        self.wakeups += 1;
        self.again = false;
        self.run_commands(cx, now);
        if self.stack.poll_timeout().is_some_and(|deadline| deadline <= now.mono) {
            self.stack.handle_timeout(now);
            self.drain(cx, now);
        }
        self.read_wires(cx, now);
        self.flush_wires(cx, now);
        // Before the host is told, so that what a callback is told of is counted.
        let more_commands = self.inbox.publish(self.waiting(), self.stats());
        self.deliver(cx, now);
        if let Some(trace) = &mut self.trace {
            trace.flush();
        }
        if self.finished && self.batch.is_empty() {
            return Poll::Ready(());
        }
        let retry = (!self.mailbox.serve()).then(|| now.mono + THREAD_RETRY);
        timer.set(earliest(self.stack.poll_timeout(), retry), now.mono);
        let fired = timer.poll(cx).is_ready();
        if self.again || fired || more_commands {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn run_commands(&mut self, cx: &mut Context<'_>, now: Now) {
        let mut entries = mem::take(&mut self.entries);
        self.inbox.take(&mut entries);
        // All of them first, so that a panic on the way cannot lose one.
        self.completions.extend(entries.iter_mut().filter_map(|entry| entry.completion.take()));
        for Entry { command, .. } in entries.drain(..) {
            if let Some(trace) = &mut self.trace {
                trace.command(&command);
            }
            self.stack.handle_command(command, now);
            self.drain(cx, now);
        }
        self.entries = entries;
    }

    fn read_wires(&mut self, cx: &mut Context<'_>, now: Now) {
        let mut index = 0;
        while let Some(wire) = self.wires.get(index).map(|wire| wire.id) {
            self.read_wire(wire, cx, now);
            // What was read may have ended this wire or one before it.
            if self.wires.get(index).is_some_and(|still| still.id == wire) {
                index += 1;
            }
        }
    }

    fn read_wire(&mut self, id: WireId, cx: &mut Context<'_>, now: Now) {
        let mut bytes = 0;
        for _ in 0..FRAMES_PER_TURN {
            let read = !self.host_full;
            let Some(wire) = self.wires.iter_mut().find(|wire| wire.id == id) else { return };
            let input = match wire.poll(cx, read) {
                Poll::Ready(Some(input)) => input,
                Poll::Ready(None) => continue,
                Poll::Pending => return self.tell_activity(id, cx, now),
            };
            bytes += input.bytes();
            if let Input::Failed { error, .. } | Input::Closed { error, .. } = &input {
                log!(Debug, "wire {} is over: {error:?}", id.0);
                self.remove(id, Vec::new());
            }
            self.feed(input, cx, now);
            if bytes >= BYTES_PER_TURN {
                break;
            }
        }
        self.again = true;
        self.tell_activity(id, cx, now);
    }

    fn tell_activity(&mut self, id: WireId, cx: &mut Context<'_>, now: Now) {
        let wire = self.wires.iter_mut().find(|wire| wire.id == id);
        if let Some(input) = wire.and_then(Wire::activity) {
            self.feed(input, cx, now);
        }
    }

    /// One write for all frames of a turn. A wire that takes frames again gets what the stack has
    /// held back, until it is full or nothing is left.
    fn flush_wires(&mut self, cx: &mut Context<'_>, now: Now) {
        while let Some(input) = self.wires.iter_mut().find_map(|wire| wire.flush(cx)) {
            self.feed(input, cx, now);
        }
        // Not every failure to write makes the socket readable, so nothing else might wake the task.
        self.again |= !self.host_full && self.wires.iter().any(Wire::is_broken);
    }

    /// Hand over what the stack told in this turn, and notice whether the host keeps up.
    fn deliver(&mut self, cx: &mut Context<'_>, now: Now) {
        let overflows = !self.batch.is_empty() && self.mailbox.deliver(&mut self.batch);
        let full = if self.host_full { self.mailbox.is_full() } else { overflows };
        if full != self.host_full && !self.finished {
            self.host_full = full;
            self.again = true;
            self.feed(Input::HostQueue { full }, cx, now);
        }
    }

    fn feed(&mut self, input: Input, cx: &mut Context<'_>, now: Now) {
        self.handle_input(input, now);
        self.drain(cx, now);
    }

    fn handle_input(&mut self, input: Input, now: Now) {
        if let Some(trace) = &mut self.trace {
            trace.input(&input);
        }
        self.stack.handle_input(input, now);
    }

    /// Do what the stack wants done, and collect what it tells.
    fn drain(&mut self, cx: &mut Context<'_>, now: Now) {
        while let Some(transmit) = self.stack.poll_transmit() {
            if let Some(trace) = &mut self.trace {
                trace.transmit(&transmit);
            }
            if let Some(input) = self.transmit(transmit, cx) {
                self.handle_input(input, now);
            }
        }
        while !self.finished
            && let Some(event) = self.stack.poll_event()
        {
            if let Some(trace) = &mut self.trace {
                trace.event(&event);
            }
            journal::note(&event);
            match event {
                Event::Outcome { request, result } => {
                    if let Some(completion) = self.completions.remove(&request) {
                        self.batch.push(Delivery::Outcome(completion, result));
                    }
                }
                Event::Finished => {
                    self.finish(
                        &Error::new(Code::Closed, "closed before there was an outcome"),
                        None,
                    );
                }
                event => self.batch.push(Delivery::Event(event)),
            }
        }
    }

    /// What is meant for a wire that is over is dropped: the stack learns of the end, or has asked
    /// for it.
    fn transmit(&mut self, transmit: Transmit, cx: &mut Context<'_>) -> Option<Input> {
        match transmit {
            Transmit::Dial { wire, endpoint, path_and_query, headers } => {
                let wire = Wire::dial(wire, &self.dialer, endpoint, path_and_query, headers);
                self.wires.push(wire);
                self.again = true;
                None
            }
            Transmit::Text { wire, frame } => self.wire(wire)?.send_text(cx, frame),
            Transmit::Binary { wire, frame } => self.wire(wire)?.send_binary(cx, frame),
            Transmit::Ping { wire } => self.wire(wire)?.send_ping(cx),
            Transmit::LimitUnacknowledged { wire, ms } => {
                self.wire(wire)?.limit_unacknowledged(ms);
                None
            }
            Transmit::AskLocalAddress { wire } => {
                let dialer = Arc::clone(&self.dialer);
                self.wire(wire)?.local_address(&dialer)
            }
            Transmit::Request { wire, endpoint, request } => {
                if self.wire(wire).is_none() {
                    self.wires.push(Wire::polling(wire, &self.dialer, endpoint));
                }
                self.again = true;
                self.wire(wire)?.request(request)
            }
            Transmit::Hangup { wire, farewell } => {
                self.remove(wire, farewell);
                None
            }
        }
    }

    fn wire(&mut self, id: WireId) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| wire.id == id)
    }

    fn remove(&mut self, id: WireId, farewell: Vec<HttpRequest>) {
        if let Some(index) = self.wires.iter().position(|wire| wire.id == id) {
            let wire = self.wires.remove(index);
            self.let_go(wire, farewell);
        }
    }

    /// Dropping a dial cancels it; what takes longer is done by a task of its own.
    fn let_go(&self, wire: Wire, farewell: Vec<HttpRequest>) {
        if let Some(goodbye) = wire.goodbye(farewell) {
            tokio::spawn(hang_up(goodbye, Arc::clone(&self.lifeline)));
        }
    }

    /// What the stack and the sockets have not sent yet.
    fn waiting(&self) -> Waiting {
        let (events, bytes) = self.stack.queued();
        let unsent = self.wires.iter().map(Wire::unsent);
        unsent.fold(Waiting { events, bytes }, Waiting::and)
    }

    fn stats(&self) -> Stats {
        Stats { wakeups: self.wakeups, ..self.stack.stats() }
    }

    /// The stack is finished: whoever still waits for an outcome gets this one. `cause`: nobody has
    /// asked for the end.
    fn finish(&mut self, outcome: &Error, cause: Option<Error>) {
        if mem::replace(&mut self.finished, true) {
            return;
        }
        let unread = self.inbox.close();
        let mut open: Vec<_> = self.completions.drain().collect();
        open.extend(unread.into_iter().filter_map(|entry| entry.completion));
        open.sort_by_key(|(request, _)| *request);
        for (request, completion) in open {
            if let Some(trace) = &mut self.trace {
                trace.outcome(request, Some(outcome));
            }
            self.batch.push(Delivery::Outcome(completion, Err(outcome.clone())));
        }
        if let Some(trace) = &mut self.trace {
            trace.finished(cause.as_ref());
        }
        self.batch.push(Delivery::Finished(cause));
    }

    /// End without the stack.
    fn end(&mut self, cause: Error) {
        self.finish(&cause.clone(), Some(cause));
        self.mailbox.deliver(&mut self.batch);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.finished {
            self.end(Error::new(Code::Closed, "the runtime was shut down"));
        }
        if let Some(trace) = self.trace.take() {
            trace.end(Arc::clone(&self.lifeline));
        }
    }
}
