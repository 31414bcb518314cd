//! A mailbox without a network: what goes in comes out, in order, to whom it may.

mod executor;
mod inline;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;
use crate::config::{Executor, Job};
use crate::proto::io::{
    Event, ManagerEvent, ManagerState, SocketEvent, SocketId, SocketState, Transition,
};

const LONG: Duration = Duration::from_secs(10);

fn limits(events: usize) -> Limits {
    Limits { host_queue_events: events, ..Limits::default() }
}

fn step(number: u64) -> Delivery {
    let state = ManagerState::Connecting;
    let step = Transition { number, state, cause: None, grace_ms: None };
    Delivery::Event(Event::Manager(ManagerEvent::State(step)))
}

fn number(event: &ManagerEvent) -> u64 {
    let ManagerEvent::State(step) = event else { panic!("only steps are sent") };
    step.number
}

/// A mailbox in some mode, and the part of the host that makes it run.
struct Rig {
    mailbox: Arc<Mailbox>,
    /// What an executor was given.
    jobs: Receiver<Job>,
}

impl Rig {
    /// An empty mailbox in every mode.
    fn all() -> impl Iterator<Item = Self> {
        let (post, jobs) = channel();
        let executor = Executor::new(move |job| post.send(job).is_ok());
        let modes = [
            (DispatchMode::Thread, channel().1),
            (DispatchMode::Manual, channel().1),
            (DispatchMode::Executor(executor), jobs),
            (DispatchMode::Inline, channel().1),
        ];
        modes.into_iter().map(|(mode, jobs)| {
            eprintln!("{mode:?}");
            Self { mailbox: Mailbox::new(mode, &Limits::default()), jobs }
        })
    }

    /// Run what waits, as host and as I/O task.
    fn pump(&self) {
        while self.mailbox.dispatch(1).is_ok_and(|count| count > 0) {}
        self.jobs.try_iter().for_each(Job::run);
        assert!(self.mailbox.serve());
    }

    /// What is told next, as it must be.
    fn next<T>(&self, told: &Receiver<T>) -> T {
        self.pump();
        told.recv_timeout(LONG).expect("told")
    }

    /// Wait until nothing can be told any more, and give what was left.
    fn rest<T>(&self, told: &Receiver<T>) -> Vec<T> {
        self.pump();
        let mut rest = Vec::new();
        loop {
            match told.recv_timeout(LONG) {
                Ok(one) => rest.push(one),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return rest,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the sink lives"),
            }
        }
    }
}

/// A mailbox whose manager tells the numbers of its steps.
fn manager(mode: DispatchMode, limits: &Limits) -> (Arc<Mailbox>, Arc<Gate>, Receiver<u64>) {
    let mailbox = Mailbox::new(mode, limits);
    let (gate, told) = add_manager(&mailbox);
    (mailbox, gate, told)
}

fn add_manager(mailbox: &Arc<Mailbox>) -> (Arc<Gate>, Receiver<u64>) {
    let gate = Arc::new(Gate::default());
    let (tell, told) = channel();
    let sink = move |event| {
        let _ = tell.send(number(&event));
    };
    mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
    (gate, told)
}

#[test]
fn a_full_queue_says_so_and_wakes_once_when_it_is_half_empty() {
    let (mailbox, _gate, told) = manager(DispatchMode::Manual, &limits(4));
    let drained = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&drained);
    mailbox.on_attention(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    assert!(!mailbox.deliver(&mut vec![step(1), step(2), step(3)]));
    assert!(mailbox.deliver(&mut vec![step(4), step(5)]), "nothing is refused");
    assert_eq!(mailbox.dispatch(2), Ok(2));
    assert!(mailbox.is_full() && drained.load(Ordering::Relaxed) == 0);
    assert_eq!(mailbox.dispatch(1), Ok(1));
    assert!(!mailbox.is_full() && drained.load(Ordering::Relaxed) == 1);
    assert_eq!(mailbox.dispatch(9), Ok(2));
    assert_eq!(drained.load(Ordering::Relaxed), 1);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn bytes_fill_the_queue_too() {
    let bytes = Limits { host_queue_bytes: 100, ..Limits::default() };
    let mailbox = Mailbox::new(DispatchMode::Manual, &bytes);
    let event = || {
        let frame = bytes::Bytes::from(vec![b' '; 60]);
        let payload = Payload::new(frame, Default::default(), Default::default(), Vec::new());
        Delivery::Event(Event::Socket(SocketId(1), SocketEvent::Event { payload, ack: None }))
    };
    assert!(!mailbox.deliver(&mut vec![event()]));
    assert!(mailbox.deliver(&mut vec![event()]));
}

#[test]
fn a_closed_object_hears_nothing_and_ends_with_its_completions_first() {
    for rig in Rig::all() {
        let (gate, told) = add_manager(&rig.mailbox);
        let (tell, outcomes) = channel();
        for request in 0..3 {
            let tell = tell.clone();
            let kept = gate.expect(9, move |result| {
                let code = result.err().map(|error: Error| error.code());
                tell.send((request, code)).expect("the test listens");
            });
            let kept = kept.expect("open");
            if request == 1 {
                assert!(kept.withdraw());
            }
        }
        assert!(gate.close() && !gate.close());
        assert_eq!(gate.expect(9, |_| {}).expect_err("closed").code(), Code::Closed);
        assert!(!gate.wait_ended(Duration::ZERO));
        rig.mailbox.deliver(&mut vec![step(1)]);
        rig.pump();
        rig.mailbox.deliver(&mut vec![step(2)]);
        rig.mailbox.end(Owner::Manager);
        rig.pump();
        assert!(gate.wait_ended(LONG));
        let closed = Some(Code::Closed);
        assert_eq!(outcomes.try_iter().collect::<Vec<_>>(), [(0, closed), (2, closed)]);
        assert!(rig.rest(&told).is_empty(), "closed is enough");
    }
}

#[test]
fn an_outcome_reaches_its_completion_once() {
    for rig in Rig::all() {
        let gate = Arc::new(Gate::default());
        let (tell, told) = channel();
        let kept = gate.expect(9, move |result| {
            tell.send(result.is_ok()).expect("the test listens");
        });
        let completion = kept.expect("open").completion();
        rig.mailbox.deliver(&mut vec![Delivery::Outcome(completion, Ok(Payload::default()))]);
        assert_eq!(rig.rest(&told), [true]);
    }
}

#[test]
fn outcomes_that_the_host_does_not_take_are_bounded() {
    let gate = Arc::new(Gate::default());
    let first = gate.expect(2, |_| {}).expect("room").completion();
    let _second = gate.expect(2, |_| {}).expect("room");
    let refused = gate.expect(2, |_| panic!("refused")).expect_err("no room");
    assert_eq!(refused.code(), Code::QueueFull);
    first.complete(Ok(Payload::default()));
    gate.expect(2, |_| {}).expect("room again");
}

#[test]
fn an_end_that_nobody_wanted_is_told_once_as_the_next_step() {
    for rig in Rig::all() {
        let (tell, told) = channel();
        let sink = move |event: ManagerEvent| tell.send(event).expect("the test listens");
        rig.mailbox.add(Addition::Manager(Arc::default(), Box::new(sink)));
        let cause = Error::new(Code::Panic, "a bug");
        let finished = Delivery::Finished(Some(cause.clone()));
        rig.mailbox.deliver(&mut vec![step(1), step(2), finished]);
        assert_eq!([number(&rig.next(&told)), number(&rig.next(&told))], [1, 2]);
        let ManagerEvent::State(last) = rig.next(&told) else { panic!("only steps are sent") };
        assert_eq!((last.number, last.state), (3, ManagerState::Closed));
        assert_eq!(last.cause, Some(cause.clone()));

        // A socket that was being made at the time.
        let (tell, told) = channel();
        let late = move |event| tell.send(event).expect("the test listens");
        rig.mailbox.add(Addition::Socket(SocketId(1), Arc::default(), Box::new(late)));
        let SocketEvent::State { transition, reason: None, .. } = rig.next(&told) else {
            panic!("only a step is sent")
        };
        assert_eq!((transition.number, transition.state), (1, SocketState::Closed));
        assert_eq!(transition.cause, Some(cause));
    }
}

#[test]
fn an_end_that_was_wanted_is_no_event() {
    for rig in Rig::all() {
        let (gate, told) = add_manager(&rig.mailbox);
        rig.mailbox.deliver(&mut vec![step(1), Delivery::Finished(None)]);
        assert_eq!(rig.next(&told), 1);
        assert!(gate.close());
        rig.mailbox.end(Owner::Manager);
        assert!(rig.rest(&told).is_empty());
    }
}

#[test]
fn a_panic_of_a_callback_stops_nobody() {
    for rig in Rig::all() {
        let (tell, told) = channel();
        let sink = move |event: ManagerEvent| {
            tell.send(number(&event)).expect("the test listens");
            assert!(number(&event) != 1, "the first one panics");
        };
        rig.mailbox.add(Addition::Manager(Arc::default(), Box::new(sink)));
        rig.mailbox.deliver(&mut vec![step(1), step(2)]);
        assert_eq!([rig.next(&told), rig.next(&told)], [1, 2]);
        assert!(!Scope::is_inside());
    }
}

#[test]
fn an_object_that_is_closed_in_its_callback_hears_nothing_more_and_ends_behind_it() {
    for rig in Rig::all() {
        let gate = Arc::new(Gate::default());
        let (tell, told) = channel();
        let (mine, mailbox) = (Arc::clone(&gate), Arc::downgrade(&rig.mailbox));
        let sink = move |event| {
            assert!(mine.close(), "called once");
            mailbox.upgrade().expect("running").end(Owner::Manager);
            assert!(!mine.wait_ended(Duration::ZERO), "not before this returns");
            tell.send(number(&event)).expect("the test listens");
        };
        rig.mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
        rig.mailbox.deliver(&mut vec![step(1), step(2)]);
        rig.pump();
        assert!(gate.wait_ended(LONG));
        assert_eq!(rig.rest(&told), [1]);
    }
}

#[test]
fn callbacks_keep_the_order_and_never_meet() {
    for rig in Rig::all() {
        let gate = Arc::new(Gate::default());
        let (tell, told) = channel();
        let inside = AtomicUsize::new(0);
        let sink = move |event| {
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tell.send(number(&event)).expect("the test listens");
            inside.fetch_sub(1, Ordering::SeqCst);
        };
        rig.mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
        for number in 0..5_000 {
            rig.mailbox.deliver(&mut vec![step(number)]);
        }
        for number in 0..5_000 {
            assert_eq!(rig.next(&told), number);
        }
        gate.close();
        rig.mailbox.end(Owner::Manager);
        rig.pump();
        assert!(gate.wait_ended(LONG));
    }
}

#[test]
fn a_job_or_a_dispatch_is_for_the_mode_that_has_it() {
    for rig in Rig::all() {
        let manual = matches!(rig.mailbox.mode, DispatchMode::Manual);
        assert_eq!(rig.mailbox.dispatch(1).is_ok(), manual);
        assert_eq!(rig.mailbox.set_wake(Box::new(|| {})).is_ok(), manual);
        #[cfg(unix)]
        assert_eq!(rig.mailbox.wake_fd().is_ok(), manual);
        let (_gate, told) = add_manager(&rig.mailbox);
        rig.mailbox.deliver(&mut vec![step(1)]);
        let posted = rig.jobs.try_iter().map(Job::run).count();
        let executor = matches!(rig.mailbox.mode, DispatchMode::Executor(_));
        assert_eq!(posted, usize::from(executor));
        assert_eq!(rig.next(&told), 1);
    }
}

#[test]
fn dispatch_inside_a_callback_would_wait_for_itself() {
    let mailbox = Mailbox::new(DispatchMode::Manual, &limits(100));
    let (tell, told) = channel();
    let again = Arc::downgrade(&mailbox);
    let sink = move |_| {
        let refused = again.upgrade().expect("dispatching").dispatch(1);
        tell.send(refused.map_err(|error| error.code())).expect("the test listens");
    };
    mailbox.add(Addition::Manager(Arc::default(), Box::new(sink)));
    mailbox.deliver(&mut vec![step(1), step(2)]);
    assert_eq!(mailbox.dispatch(1), Ok(1));
    assert_eq!(told.try_recv(), Ok(Err(Code::WouldDeadlock)));
    let threaded = Mailbox::new(DispatchMode::Thread, &limits(100));
    assert_eq!(threaded.dispatch(1).map_err(|error| error.code()), Err(Code::InvalidState));
}

#[test]
fn the_wake_comes_once_until_the_queue_was_found_empty() {
    let (mailbox, _gate, _told) = manager(DispatchMode::Manual, &limits(100));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    mailbox.deliver(&mut vec![step(1)]);
    let wake = move || {
        count.fetch_add(1, Ordering::Relaxed);
    };
    mailbox.set_wake(Box::new(wake)).expect("manual");
    assert_eq!(woken.load(Ordering::Relaxed), 1, "something was there already");
    mailbox.deliver(&mut vec![step(2)]);
    assert_eq!(mailbox.dispatch(1), Ok(1));
    mailbox.deliver(&mut vec![step(3)]);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert_eq!(mailbox.dispatch(9), Ok(2));
    mailbox.deliver(&mut vec![step(4)]);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}

#[test]
#[cfg(unix)]
fn a_wake_callback_that_asks_for_more_waits_for_nothing_and_may_panic() {
    let (mailbox, _gate, _told) = manager(DispatchMode::Manual, &limits(100));
    mailbox.deliver(&mut vec![step(1)]);
    let (tell, answers) = channel();
    let again = Arc::downgrade(&mailbox);
    let wake = move || {
        let mailbox = again.upgrade().expect("waking");
        let refused = mailbox.set_wake(Box::new(|| {})).map_err(|error| error.code());
        tell.send((refused, mailbox.wake_fd().is_ok())).expect("the test listens");
        panic!("on purpose");
    };
    mailbox.set_wake(Box::new(wake)).expect("manual");
    assert_eq!(answers.try_recv(), Ok((Err(Code::WouldDeadlock), true)));
    let descriptor = mailbox.wake_fd().expect("manual");
    let mut readable = [PollFd::new(&descriptor, PollFlags::IN)];
    assert_eq!(poll(&mut readable, Some(&Timespec::default())), Ok(1));
    mailbox.set_wake(Box::new(|| {})).expect("outside again");
    assert!(!Scope::is_inside());
}

#[test]
fn at_most_four_callbacks_run_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let mut gates = Vec::new();
    for _ in 0..12 {
        let mailbox = Mailbox::new(DispatchMode::Thread, &Limits::default());
        let gate = Arc::new(Gate::default());
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        let sink = move |_| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
        };
        mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
        mailbox.deliver(&mut (0..100).map(step).collect());
        gates.push((mailbox, gate));
    }
    for (mailbox, gate) in gates {
        gate.close();
        mailbox.end(Owner::Manager);
        assert!(gate.wait_ended(LONG));
    }
    assert!((1..=4).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}
