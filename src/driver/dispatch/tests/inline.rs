//! The I/O task runs the callbacks; here the test is the task.

use std::thread::{self, ThreadId};

use super::*;

#[test]
fn what_is_delivered_is_told_before_the_task_goes_on() {
    let (mailbox, _gate, told) = manager(DispatchMode::Inline, &limits(2));
    let full = mailbox.deliver(&mut vec![step(1), step(2), step(3)]);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(!full && !mailbox.is_full(), "there is no queue");
}

/// Tells on which thread it is dropped.
struct Dropped(std::sync::mpsc::Sender<ThreadId>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).expect("the test listens");
    }
}

fn add_dropped(mailbox: &Arc<Mailbox>) -> (Arc<Gate>, Receiver<ThreadId>) {
    let gate = Arc::new(Gate::default());
    let (tell, told) = channel();
    let dropped = Dropped(tell);
    let sink = move |_| {
        let _ = &dropped;
    };
    mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
    (gate, told)
}

#[test]
fn a_close_elsewhere_is_handed_to_the_task() {
    let mailbox = Mailbox::new(DispatchMode::Inline, &limits(9));
    let attention = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attention);
    mailbox.on_attention(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let (gate, dropped) = add_dropped(&mailbox);
    thread::scope(|scope| {
        scope.spawn(|| {
            gate.close();
            mailbox.end(Owner::Manager);
        });
    });
    assert!(dropped.try_recv().is_err() && attention.load(Ordering::Relaxed) == 1);
    assert!(mailbox.serve());
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
    assert!(gate.wait_ended(Duration::ZERO));
}

#[test]
fn when_the_task_is_gone_the_pool_takes_over() {
    let mailbox = Mailbox::new(DispatchMode::Inline, &limits(9));
    let (gate, dropped) = add_dropped(&mailbox);
    mailbox.deliver(&mut vec![Delivery::Finished(None)]);
    gate.close();
    mailbox.end(Owner::Manager);
    let on = dropped.recv_timeout(LONG).expect("dropped");
    assert!(on != thread::current().id() && gate.wait_ended(LONG));
}

#[test]
fn a_close_in_the_last_callback_is_done_by_the_task() {
    let mailbox = Mailbox::new(DispatchMode::Inline, &limits(9));
    let (gate, dropped) = add_dropped(&mailbox);
    let (mine, its) = (Arc::clone(&gate), Arc::downgrade(&mailbox));
    let completion = crate::driver::Completion::new(move |_| {
        mine.close();
        its.upgrade().expect("running").end(Owner::Manager);
    });
    let outcome = Delivery::Outcome(completion, Ok(Payload::default()));
    mailbox.deliver(&mut vec![outcome, Delivery::Finished(None)]);
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
}
