//! The host's loop runs the callbacks.

use std::sync::mpsc::{TryRecvError, sync_channel};
use std::thread;

use super::*;

/// A mailbox with an executor whose jobs the test runs, or does not.
fn executor() -> (Arc<Mailbox>, Receiver<Job>) {
    let (post, jobs) = channel();
    let mode = DispatchMode::Executor(Executor::new(move |job| post.send(job).is_ok()));
    (Mailbox::new(mode, &Limits::default()), jobs)
}

fn thread_name() -> Option<String> {
    thread::current().name().map(str::to_owned)
}

/// Add a manager that tells the number of each step and the thread.
fn add_witness(mailbox: &Arc<Mailbox>) -> Receiver<(u64, Option<String>)> {
    let (tell, told) = channel();
    let sink = move |event| tell.send((number(&event), thread_name())).expect("the test listens");
    mailbox.add(Addition::Manager(Arc::default(), Box::new(sink)));
    told
}

#[test]
fn one_job_is_out_at_a_time_and_each_is_short() {
    let (mailbox, jobs) = executor();
    let (_gate, told) = add_manager(&mailbox);
    let steps = 3 * BATCH as u64;
    for number in 0..steps {
        mailbox.deliver(&mut vec![step(number)]);
    }
    for round in 1..=3 {
        let job = jobs.try_recv().expect("one job");
        assert!(jobs.try_recv().is_err(), "and only one");
        assert!(told.try_recv().is_err(), "nothing runs before the job");
        job.run();
        assert_eq!(told.try_iter().count(), BATCH, "round {round}");
    }
    jobs.try_iter().for_each(Job::run);
    assert!(told.try_recv().is_err());
    mailbox.deliver(&mut vec![step(steps)]);
    assert_eq!(jobs.try_iter().map(Job::run).count(), 1);
    assert_eq!(told.try_recv(), Ok(steps));
}

#[test]
fn a_job_is_posted_with_no_lock_held_and_may_not_wait() {
    let mailbox: Arc<OnceCell<Arc<Mailbox>>> = Arc::default();
    let (post, jobs) = channel();
    let again = Arc::clone(&mailbox);
    let mode = DispatchMode::Executor(Executor::new(move |job| {
        let full = again.get().is_some_and(|mailbox| mailbox.is_full());
        post.send((job, full, Scope::is_inside())).is_ok()
    }));
    let own = mailbox.get_or_init(|| Mailbox::new(mode, &limits(1)));
    own.deliver(&mut vec![step(1)]);
    let (_job, full, inside) = jobs.try_recv().expect("one job");
    assert!(full && inside && !Scope::is_inside());
}

#[test]
fn a_dropped_job_says_that_threads_of_the_library_take_over_for_good() {
    let (mailbox, jobs) = executor();
    let told = add_witness(&mailbox);
    let pool = Some("roamio-host".to_owned());
    mailbox.deliver(&mut vec![step(1)]);
    drop(jobs.try_recv().expect("one job"));
    assert_eq!(told.recv_timeout(LONG), Ok((1, pool.clone())));
    mailbox.deliver(&mut vec![step(2)]);
    assert_eq!(told.recv_timeout(LONG), Ok((2, pool)));
    assert_eq!(jobs.try_recv().err(), Some(TryRecvError::Empty));
}

#[test]
fn an_executor_that_refuses_or_panics_is_not_asked_again() {
    for panics in [false, true] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let executor = Executor::new(move |_job| {
            count.fetch_add(1, Ordering::Relaxed);
            assert!(!panics, "on purpose");
            false
        });
        let mailbox = Mailbox::new(DispatchMode::Executor(executor), &Limits::default());
        let told = add_witness(&mailbox);
        for number in 1..=2 {
            mailbox.deliver(&mut vec![step(number)]);
            let pool = Some("roamio-host".to_owned());
            assert_eq!(told.recv_timeout(LONG), Ok((number, pool)));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(!Scope::is_inside());
    }
}

#[test]
fn a_job_that_was_refused_and_kept_does_nothing() {
    let (keep, kept) = channel();
    let refuse = Executor::new(move |job| {
        keep.send(job).expect("the test listens");
        false
    });
    let mailbox = Mailbox::new(DispatchMode::Executor(refuse), &Limits::default());
    let told = add_witness(&mailbox);
    mailbox.deliver(&mut vec![step(1)]);
    kept.recv().expect("a job").run();
    assert_eq!(told.recv_timeout(LONG), Ok((1, Some("roamio-host".to_owned()))));
}

#[test]
fn an_executor_that_runs_jobs_at_once_goes_no_deeper_for_many() {
    let depth = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let seen = Arc::clone(&depth);
    let executor = Executor::new(move |job: Job| {
        let now = seen.0.fetch_add(1, Ordering::Relaxed) + 1;
        seen.1.fetch_max(now, Ordering::Relaxed);
        job.run();
        seen.0.fetch_sub(1, Ordering::Relaxed);
        true
    });
    let mailbox = Mailbox::new(DispatchMode::Executor(executor), &Limits::default());
    let (_gate, told) = add_manager(&mailbox);
    mailbox.deliver(&mut (0..1_000).map(step).collect());
    assert_eq!(told.try_iter().count(), 1_000);
    assert_eq!(depth.1.load(Ordering::Relaxed), 1);
}

#[test]
fn who_waits_for_the_end_is_not_kept_waiting_by_a_job_behind_it() {
    let (mailbox, jobs) = executor();
    let (gate, told) = add_manager(&mailbox);
    let (tell, sibling) = channel();
    let sink = move |_| tell.send(()).expect("the test listens");
    mailbox.add(Addition::Socket(SocketId(1), Arc::default(), Box::new(sink)));
    let settled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&settled);
    let kept = gate.expect(9, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    kept.expect("open");
    let event = SocketEvent::ConnectError { error: Code::Connect.into(), active: true };
    mailbox.deliver(&mut vec![step(1), Delivery::Event(Event::Socket(SocketId(1), event))]);
    gate.close();
    mailbox.end(Owner::Manager);
    assert!(!gate.wait_ended(Duration::ZERO), "closing alone runs nothing here");
    mailbox.end_here();
    assert!(gate.wait_ended(Duration::ZERO) && settled.load(Ordering::Relaxed) == 1);
    assert_eq!(told.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(sibling.try_recv(), Err(TryRecvError::Empty), "others keep to the executor");
    assert_eq!(jobs.try_iter().map(Job::run).count(), 1);
    assert_eq!(sibling.try_recv(), Ok(()));
}

#[test]
fn a_job_that_comes_while_somebody_waits_for_an_end_is_made_up_for() {
    let (mailbox, jobs) = executor();
    let (_gate, told) = add_manager(&mailbox);
    let (began, begun) = channel();
    let (go_on, waits) = sync_channel::<()>(0);
    /// Lets the test in while its owner is being dropped.
    struct Slow(std::sync::mpsc::Sender<()>, Receiver<()>);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.send(()).expect("the test listens");
            self.1.recv_timeout(LONG).expect("the test goes on");
        }
    }
    let slow = Slow(began, waits);
    let sink = move |_| {
        let _ = &slow;
    };
    let gate = Arc::new(Gate::default());
    mailbox.add(Addition::Socket(SocketId(1), Arc::clone(&gate), Box::new(sink)));
    gate.close();
    mailbox.end(Owner::Socket(SocketId(1)));
    thread::scope(|scope| {
        scope.spawn(|| mailbox.end_here());
        begun.recv_timeout(LONG).expect("it is being dropped");
        jobs.try_recv().expect("of the end").run();
        mailbox.deliver(&mut vec![step(1)]);
        assert!(jobs.try_recv().is_err(), "somebody is at it");
        go_on.send(()).expect("it waits");
    });
    assert!(gate.wait_ended(LONG));
    assert_eq!(jobs.try_iter().map(Job::run).count(), 1);
    assert_eq!(told.try_recv(), Ok(1));
}
