//! The queue from the host's threads to the task, and what the task says of itself: what waits for
//! the wire, and its counters.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::BytesMut;
use futures_util::task::AtomicWaker;

use crate::config::{HeaderList, Limits};
use crate::driver::completion::Completion;
use crate::driver::process;
use crate::error::{Code, Error, Result};
use crate::proto::io::{Command, Hint, RequestId, SocketId};
use crate::proto::stats::Stats;

/// A block of this size is cut into frames, and used again once they have left.
const POOL: usize = 16 << 10;

/// A command, and whom to tell what becomes of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) completion: Option<(RequestId, Completion)>,
}

/// Packets that wait for the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Waiting {
    pub(crate) const fn and(self, other: Self) -> Self {
        Self { events: self.events + other.events, bytes: self.bytes + other.bytes }
    }
}

/// The queue. The host's threads put in, the task takes everything out at once.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    task: AtomicWaker,
    limit: Waiting,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// Packets among `entries`.
    here: Waiting,
    /// What joins and leaves a namespace, answers and changes options, among `entries`.
    joins: Waiting,
    /// Whose cancellation is among `entries`.
    cancelled: HashSet<RequestId>,
    /// Packets that the task has taken and not yet handed to a socket, as it said last.
    taken: Waiting,
    stats: Stats,
    pool: BytesMut,
    requests: u64,
    closed: bool,
}

impl Inbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            task: AtomicWaker::new(),
            limit: Waiting { events: limits.wire_queue_events, bytes: limits.wire_queue_bytes },
        }
    }

    /// Queue a command without a packet. However often the host repeats itself, what waits stays
    /// bounded: hints, cancellations and whether to watch wait once, and everything else that has no
    /// end by itself like packets.
    pub(crate) fn submit(&self, command: Command) -> Result<()> {
        let mut state = self.open_state()?;
        match &command {
            Command::Close => state.closed = true,
            Command::Hint(hint) => state.forget_hint(*hint),
            Command::WatchSent { socket, .. } => state.forget_watch(*socket),
            Command::Cancel { request } if !state.cancel(*request) => return Ok(()),
            Command::Connect { .. }
            | Command::Disconnect { .. }
            | Command::Auth { .. }
            | Command::Target { .. }
            | Command::Token { .. }
            | Command::SetHeaders(_)
            | Command::SetReconnect(_) => {
                let joins = state.joins.and(Waiting { events: 1, bytes: weight(&command) });
                if joins.events > self.limit.events || joins.bytes > self.limit.bytes {
                    return Err(full());
                }
                state.joins = joins;
            }
            _ => {}
        }
        self.push(state, Entry { command, completion: None });
        Ok(())
    }

    pub(crate) fn submit_request(
        &self,
        completion: Completion,
        build: impl FnOnce(RequestId) -> Command,
    ) -> Result<RequestId> {
        let mut state = match self.open_state() {
            Ok(state) => state,
            Err(error) => {
                completion.disarm();
                return Err(error);
            }
        };
        let request = state.next_request();
        let command = build(request);
        self.push(state, Entry { command, completion: Some((request, completion)) });
        Ok(request)
    }

    pub(crate) fn submit_packet(
        &self,
        completion: Option<Completion>,
        encode: impl FnOnce(&mut BytesMut, Option<RequestId>) -> Result<Command>,
    ) -> Result<Option<RequestId>> {
        let wants_outcome = completion.is_some();
        let encoded = self.open_state().and_then(|mut state| {
            let request = wants_outcome.then(|| state.next_request());
            let command = self.encode(&mut state, |pool| encode(pool, request))?;
            Ok((state, request, command))
        });
        match encoded {
            Ok((state, request, command)) => {
                self.push(state, Entry { command, completion: request.zip(completion) });
                Ok(request)
            }
            Err(error) => {
                if let Some(completion) = completion {
                    completion.disarm();
                }
                Err(error)
            }
        }
    }

    /// Encode a packet if there is room for it, and count it.
    fn encode(
        &self,
        state: &mut State,
        encode: impl FnOnce(&mut BytesMut) -> Result<Command>,
    ) -> Result<Command> {
        let waiting = state.here.and(state.taken);
        if waiting.events >= self.limit.events {
            return Err(full());
        }
        if state.pool.capacity() == 0 {
            // A block that was only grown to this size would be followed by smaller ones.
            state.pool = BytesMut::with_capacity(POOL);
        }
        state.pool.clear();
        let command = encode(&mut state.pool)?;
        let bytes = weight(&command);
        if bytes > POOL {
            // A big block would stay alive for the small packets that follow.
            state.pool = BytesMut::new();
        }
        if bytes > self.limit.bytes {
            let text = format!("{bytes} bytes can never fit in a queue of {}", self.limit.bytes);
            return Err(Error::new(Code::TooLarge, text));
        }
        if waiting.bytes + bytes > self.limit.bytes {
            return Err(full());
        }
        state.here = state.here.and(Waiting { events: 1, bytes });
        Ok(command)
    }

    /// Wake the task without a command: it looks at everything that it waits for.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    /// From now on `waker` is woken by whatever happens here. Look into the inbox afterwards.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Move everything that waits to `entries`, which is empty.
    pub(crate) fn take(&self, entries: &mut Vec<Entry>) {
        let mut state = self.state();
        mem::swap(&mut state.entries, entries);
        state.taken = state.taken.and(mem::take(&mut state.here));
        state.joins = Waiting::default();
        state.cancelled.clear();
    }

    /// Tell how much of what was taken has not been handed to a socket, and what has been done so
    /// far. True: there is more to take.
    pub(crate) fn publish(&self, taken: Waiting, stats: Stats) -> bool {
        let mut state = self.state();
        state.taken = taken;
        state.stats = stats;
        !state.entries.is_empty()
    }

    /// What the task has done, as it said last.
    pub(crate) fn stats(&self) -> Stats {
        self.state().stats
    }

    /// Take nothing more, and give what was waiting. The task is not woken again.
    pub(crate) fn close(&self) -> Vec<Entry> {
        // A waker keeps its runtime's descriptors open.
        drop(self.task.take());
        let mut state = self.state();
        state.closed = true;
        mem::take(&mut state.entries)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, entry: Entry) {
        let first = state.entries.is_empty();
        state.entries.push(entry);
        drop(state);
        if first {
            self.task.wake();
        }
    }

    fn open_state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.closed {
            return Err(Error::new(Code::Closed, "closed"));
        }
        // Asking the system costs little beside the wake-up that follows. In a forked child nothing
        // is ever taken out, so nothing may get in.
        if state.entries.is_empty() {
            process::check()?;
        }
        Ok(state)
    }

    /// A panic of an encoder leaves nothing behind that the next one could trip over.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// The same hint comes again: only the last one counts.
    fn forget_hint(&mut self, hint: Hint) {
        let same = |entry: &Entry| matches!(entry.command, Command::Hint(other) if other == hint);
        if let Some(index) = self.entries.iter().position(same) {
            self.entries.remove(index);
        }
    }

    /// Only the last word of a socket about its sent events counts.
    fn forget_watch(&mut self, watched: SocketId) {
        let same = |entry: &Entry| matches!(entry.command, Command::WatchSent { socket, .. } if socket == watched);
        self.entries.retain(|entry| !same(entry));
    }

    /// Whether cancelling `request` can mean anything: it was made, and is not being cancelled.
    fn cancel(&mut self, request: RequestId) -> bool {
        (1..=self.requests).contains(&request.0) && self.cancelled.insert(request)
    }
}

fn full() -> Error {
    Error::new(Code::QueueFull, "the queue to the wire is full")
}

fn size(headers: &HeaderList) -> usize {
    headers.0.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// The bytes that a command adds to the queue to the wire.
fn weight(command: &Command) -> usize {
    match command {
        Command::Emit { event, .. } | Command::Request { event, .. } => event.weight(),
        Command::Ack { ack, .. } => ack.weight(),
        Command::Connect { auth: Some(auth), .. } | Command::Auth { auth: Ok(Some(auth)), .. } => {
            auth.expose().len()
        }
        Command::SetHeaders(headers) => size(headers),
        Command::Token { answer: Ok(token), .. } => token.text.expose().len(),
        Command::Target { target: Ok(target), .. } => {
            target.endpoint.query.len() + size(&target.headers)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::payload::Outgoing;
    use crate::proto::io::{AskToken, SocketId};
    use crate::secret::Secret;

    fn inbox(events: usize, bytes: usize) -> Inbox {
        let limits =
            Limits { wire_queue_events: events, wire_queue_bytes: bytes, ..Limits::default() };
        Inbox::new(&limits)
    }

    fn emit(
        inbox: &Inbox,
        args: &str,
        completion: Option<Completion>,
    ) -> Result<Option<RequestId>> {
        inbox.submit_packet(completion, |pool, request| {
            Ok(Command::Emit {
                socket: SocketId(0),
                event: Outgoing::event(pool, "/", "text", args, Vec::new())?,
                request,
                timeout_ms: None,
                offline: crate::proto::io::Offline::Wait,
            })
        })
    }

    fn code<T>(result: Result<T>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    /// A completion that counts its calls.
    fn counting(calls: &Arc<AtomicUsize>) -> Option<Completion> {
        let calls = Arc::clone(calls);
        Some(Completion::new(move |_| {
            calls.fetch_add(1, Ordering::Relaxed);
        }))
    }

    #[test]
    fn packets_count_until_the_task_says_that_they_left() {
        let inbox = inbox(2, 1_000);
        assert!(emit(&inbox, "[]", None).is_ok() && emit(&inbox, "[]", None).is_ok());
        assert_eq!(code(emit(&inbox, "[]", None)), Some(Code::QueueFull));
        let mut entries = Vec::new();
        inbox.take(&mut entries);
        assert_eq!(entries.len(), 2);
        assert_eq!(code(emit(&inbox, "[]", None)), Some(Code::QueueFull), "taken, not yet sent");
        assert!(!inbox.publish(Waiting { events: 1, bytes: 8 }, Stats::default()));
        assert!(emit(&inbox, "[]", None).is_ok());
        assert_eq!(code(emit(&inbox, "[]", None)), Some(Code::QueueFull));
        assert!(inbox.publish(Waiting::default(), Stats::default()), "one more to take");
    }

    #[test]
    fn bytes_are_limited_and_what_can_never_fit_says_so() {
        let inbox = inbox(100, 60);
        let text = format!("[\"{}\"]", "x".repeat(40));
        assert!(emit(&inbox, &text, None).is_ok());
        assert_eq!(code(emit(&inbox, &text, None)), Some(Code::QueueFull));
        let long = format!("[\"{}\"]", "x".repeat(60));
        assert_eq!(code(emit(&inbox, &long, None)), Some(Code::TooLarge));
    }

    #[test]
    fn what_the_host_repeats_does_not_pile_up() {
        let inbox = inbox(3, 100);
        assert!(emit(&inbox, "[]", None).is_ok());
        for _ in 0..1_000 {
            for hint in [Hint::Suspended, Hint::Resumed] {
                assert_eq!(inbox.submit(Command::Hint(hint)), Ok(()));
            }
            for request in [0, 1, 2, u64::MAX] {
                let cancel = Command::Cancel { request: RequestId(request) };
                assert_eq!(inbox.submit(cancel), Ok(()));
            }
        }
        let mut entries = Vec::new();
        inbox.take(&mut entries);
        let told: Vec<_> = entries.drain(..).map(|entry| entry.command).collect();
        let resumed = told.iter().position(|c| matches!(c, Command::Hint(Hint::Resumed)));
        let suspended = told.iter().position(|c| matches!(c, Command::Hint(Hint::Suspended)));
        assert!(told.len() == 3 && suspended < resumed, "the last word counts: {told:?}");

        let request = emit(&inbox, "[]", counting(&Arc::default())).expect("room").expect("asked");
        for _ in 0..2 {
            assert_eq!(inbox.submit(Command::Cancel { request }), Ok(()));
        }
        inbox.take(&mut entries);
        assert_eq!(entries.drain(..).count(), 2, "the packet and one cancellation");
    }

    #[test]
    fn whether_to_watch_is_never_refused_and_only_the_last_word_waits() {
        let inbox = inbox(1, 100);
        let mut entries = Vec::new();
        for round in 0..1_000 {
            for socket in 1..=2 {
                let watch = (round + socket) % 2 == 0;
                let command = Command::WatchSent { socket: SocketId(socket), watch };
                assert_eq!(inbox.submit(command), Ok(()));
            }
        }
        inbox.take(&mut entries);
        let told = entries.iter().map(|entry| match entry.command {
            Command::WatchSent { socket, watch } => (socket.0, watch),
            _ => panic!("nothing else was submitted"),
        });
        assert_eq!(told.collect::<Vec<_>>(), [(1, true), (2, false)]);
    }

    #[test]
    fn joins_and_their_auth_are_bounded_and_need_no_room_for_packets() {
        let inbox = inbox(2, 100);
        let connect = |auth: &str| {
            let auth = Some(Secret::new(auth));
            code(inbox.submit(Command::Connect { socket: SocketId(1), auth }))
        };
        let mut entries = Vec::new();
        assert!(emit(&inbox, "[]", None).is_ok() && emit(&inbox, "[]", None).is_ok());
        assert_eq!(code(emit(&inbox, "[]", None)), Some(Code::QueueFull));
        let long = "x".repeat(60);
        assert_eq!((connect(&long), connect(&long)), (None, Some(Code::QueueFull)));
        assert_eq!((connect("x"), connect("x")), (None, Some(Code::QueueFull)));
        let leave = inbox.submit(Command::Disconnect { socket: SocketId(1) });
        assert_eq!(code(leave), Some(Code::QueueFull));
        let token = AskToken(1);
        let answer = inbox.submit(Command::Auth { token, auth: Ok(None) });
        assert_eq!(code(answer), Some(Code::QueueFull), "answers are as many as they like, too");
        inbox.take(&mut entries);
        assert_eq!(connect(&long), None, "the task has taken them");
    }

    #[test]
    fn a_refused_call_leaves_its_completion_uncalled() {
        let calls = Arc::new(AtomicUsize::new(0));
        let inbox = inbox(1, 100);
        assert_eq!(code(emit(&inbox, "[", counting(&calls))), Some(Code::InvalidJson));
        assert_eq!(emit(&inbox, "[]", counting(&calls)), Ok(Some(RequestId(2))));
        assert_eq!(code(emit(&inbox, "[]", counting(&calls))), Some(Code::QueueFull));
        assert_eq!(inbox.submit(Command::Close), Ok(()));
        let closed = inbox.submit(Command::Hint(Hint::Resumed));
        assert_eq!(code(closed), Some(Code::Closed));
        let logout = counting(&calls).map(|completion| {
            inbox.submit_request(completion, |request| Command::Logout { request })
        });
        assert_eq!(logout.and_then(code), Some(Code::Closed));
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        drop(inbox.close());
        assert_eq!(calls.load(Ordering::Relaxed), 1, "the accepted one was closed");
    }

    #[test]
    fn only_the_first_of_a_burst_wakes_the_task() {
        struct Wakes(AtomicUsize);
        impl std::task::Wake for Wakes {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
        let inbox = inbox(10, 1_000);
        for _ in 0..3 {
            inbox.register(&Waker::from(Arc::clone(&wakes)));
            assert!(emit(&inbox, "[]", None).is_ok());
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn small_packets_share_blocks_of_memory() {
        let inbox = inbox(1_000, 1 << 20);
        let mut entries = Vec::new();
        let mut frames = Vec::new();
        for _ in 0..1_000 {
            assert!(emit(&inbox, "[1]", None).is_ok());
            inbox.take(&mut entries);
            inbox.publish(Waiting::default(), Stats::default());
            for entry in entries.drain(..) {
                let Command::Emit { event, .. } = entry.command else { continue };
                frames.push(event.stamp(b"42").0);
            }
        }
        let starts: Vec<_> = frames.iter().map(|frame| frame.as_ptr() as usize).collect();
        let blocks = starts.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 100).count();
        assert!(blocks <= 5, "1,000 packets of 50 bytes are in {blocks} blocks");
    }
}
