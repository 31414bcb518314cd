//! A router without a network: who is called, in which order, and who is not.

use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;

use super::*;
use crate::config::{Endpoint, ManagerConfig, SocketOptions};
use crate::payload::{Name, Span};

fn event(name: &str) -> Payload {
    let name_span = Name::Plain(Span::new(0, name.len()));
    Payload::new(Bytes::from(name.to_owned()), name_span, Default::default(), Vec::new())
}

/// Handlers that tell who they are.
fn witness() -> (impl Fn(&'static str) -> Tell, Receiver<String>) {
    let (tell, told) = channel();
    (move |own| Tell(own, tell.clone()), told)
}

struct Tell(&'static str, Sender<String>);

impl Tell {
    fn tell(&self, payload: &Payload) {
        self.1.send(format!("{} {}", self.0, payload.name())).expect("the test listens");
    }
}

impl Router {
    fn tell(&self, name: &str) -> bool {
        self.event(&event(name), None, || false)
    }
}

fn told(told: &Receiver<String>) -> Vec<String> {
    told.try_iter().collect()
}

#[test]
fn conformance_66_listeners_come_once_or_always_and_go_by_handler_or_by_name() {
    let router = Router::new();
    let (witness, heard) = witness();
    assert!(!router.tell("a"), "nobody listens");
    let [first, second, once, other] = ["first", "second", "once", "other"].map(&witness);
    let first = router.on("a", move |event, _| first.tell(event)).expect("no reserved name");
    router.once("a", move |event, _| once.tell(event)).expect("no reserved name");
    router.on("a", move |event, _| second.tell(event)).expect("no reserved name");
    router.on("b", move |event, _| other.tell(event)).expect("no reserved name");
    assert!(router.tell("a") && router.tell("a") && !router.tell("c"));
    assert_eq!(told(&heard), ["first a", "once a", "second a", "first a", "second a"]);
    assert!(router.off(first) && !router.off(first));
    assert!(router.tell("a"));
    assert_eq!(told(&heard), ["second a"]);
    router.off_all("a");
    assert!(!router.tell("a") && router.tell("b"));
    assert_eq!(told(&heard), ["other b"]);
    router.clear();
    assert!(!router.tell("b") && told(&heard).is_empty());
    let tables = router.tables();
    assert!(tables.named.is_empty() && tables.places.is_empty(), "nothing is left over");
    assert_eq!(router.inner.incoming.load(Ordering::Relaxed), 0);
}

#[test]
fn conformance_66_what_changes_during_an_event_holds_from_the_next_on() {
    let router = Router::new();
    let (witness, heard) = witness();
    let later: Arc<OnceLock<ListenerId>> = Arc::default();
    let (own, removed, added) = (router.clone(), Arc::clone(&later), witness("added"));
    let added = Arc::new(added);
    let change = move |_: &Payload, _| {
        own.off(*removed.get().expect("set"));
        let added = Arc::clone(&added);
        own.on("a", move |event, _| added.tell(event)).expect("no reserved name");
        // The next handler of this event is called although it is gone.
        assert!(own.tell("b"), "handlers may use the router");
    };
    let [removed, nested] = ["removed", "nested"].map(&witness);
    router.once("a", change).expect("no reserved name");
    let id = router.on("a", move |event, _| removed.tell(event)).expect("no reserved name");
    later.set(id).expect("once");
    router.on("b", move |event, _| nested.tell(event)).expect("no reserved name");
    router.tell("a");
    assert_eq!(told(&heard), ["nested b", "removed a"]);
    router.tell("a");
    assert_eq!(told(&heard), ["added a"]);
}

#[test]
fn conformance_66_a_handler_that_panics_stops_no_other() {
    let router = Router::new();
    let (witness, heard) = witness();
    let [before, after] = ["before", "after"].map(witness);
    let bad = move |event: &Payload, _| {
        before.tell(event);
        panic!("on purpose");
    };
    router.on("a", bad).expect("no reserved name");
    router.on("a", move |event, _| after.tell(event)).expect("no reserved name");
    router.tell("a");
    router.tell("a");
    assert_eq!(told(&heard), ["before a", "after a", "before a", "after a"]);
}

#[test]
fn conformance_67_catch_all_handlers_come_first_and_in_their_order() {
    let router = Router::new();
    let (witness, heard) = witness();
    let [named, any, first, sent] = ["named", "any", "first", "sent"].map(&witness);
    router.on("a", move |event, _| named.tell(event)).expect("no reserved name");
    let any = router.on_any(move |event, _| any.tell(event));
    router.prepend_any(move |event, _| first.tell(event));
    let sent = router.on_any_outgoing(move |event| sent.tell(event));
    assert!(router.tell("a") && !router.tell("b"), "catch-all handlers are not named");
    assert_eq!(told(&heard), ["first a", "any a", "named a", "first b", "any b"]);
    assert!(router.off(any) && router.tell("a"));
    assert_eq!(told(&heard), ["first a", "named a"]);
    router.off_any();
    assert!(router.tell("a") && !router.tell("b"));
    assert_eq!(told(&heard), ["named a"]);

    let [before, behind] = ["before", "behind"].map(&witness);
    router.prepend_any_outgoing(move |event| before.tell(event));
    router.on_any_outgoing(move |event| behind.tell(event));
    assert!(router.sent(&event("a"), || false));
    assert_eq!(told(&heard), ["before a", "sent a", "behind a"]);
    assert!(router.off(sent));
    assert!(router.sent(&event("b"), || false));
    assert_eq!(told(&heard), ["before b", "behind b"]);
    router.off_any_outgoing();
    assert!(!router.sent(&event("a"), || false) && told(&heard).is_empty());
}

#[test]
fn a_closed_socket_stops_between_two_handlers() {
    let router = Router::new();
    let (witness, heard) = witness();
    let closed = Arc::new(AtomicBool::new(false));
    let [first, second] = ["first", "second"].map(&witness);
    let close = Arc::clone(&closed);
    let closing = move |event: &Payload, _| {
        first.tell(event);
        close.store(true, Ordering::Relaxed);
    };
    router.on_any(closing);
    router.on("a", move |event, _| second.tell(event)).expect("no reserved name");
    router.event(&event("a"), None, || closed.load(Ordering::Relaxed));
    assert_eq!(told(&heard), ["first a"]);
}

#[test]
fn names_that_no_server_sends_are_refused() {
    let router = Router::new();
    for name in ["connect", "disconnect", "connect_error"] {
        let refused = router.on(name, |_, _| {}).expect_err("reserved");
        assert_eq!(refused.code(), Code::ReservedEvent);
        assert!(router.once(name, |_, _| {}).is_err());
    }
    assert!(router.on("", |_, _| {}).is_ok() && router.tell(""));
}

#[test]
fn what_a_handler_owns_is_dropped_with_no_lock_held() {
    struct Asks(Router, Sender<String>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let handlers = self.0.tables().places.len();
            self.1.send(handlers.to_string()).expect("the test listens");
        }
    }
    let router = Router::new();
    let (tell, heard) = channel();
    let asks = || {
        let asks = Asks(router.clone(), tell.clone());
        move |_: &Payload, _: Option<AckToken>| {
            let _ = &asks;
        }
    };
    let id = router.on("a", asks()).expect("no reserved name");
    router.once("a", asks()).expect("no reserved name");
    router.on_any(asks());
    router.off(id);
    assert_eq!(told(&heard), ["2"]);
    router.tell("a");
    assert_eq!(told(&heard), ["1"], "the one-time handler goes when the event is told");
    router.clear();
    assert_eq!(told(&heard), ["0"]);
}

#[test]
fn threads_may_change_it_while_it_is_used() {
    let router = Router::new();
    let calls = AtomicUsize::new(0);
    let once = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let count = Arc::clone(&once);
                    let id = router.on("a", |_, _| {}).expect("no reserved name");
                    let count_once = move |_: &Payload, _| {
                        count.fetch_add(1, Ordering::Relaxed);
                    };
                    router.once("a", count_once).expect("no reserved name");
                    calls.fetch_add(usize::from(router.tell("a")), Ordering::Relaxed);
                    assert!(router.off(id));
                }
            });
        }
    });
    assert_eq!(calls.into_inner(), 2_000);
    router.tell("a");
    assert_eq!(once.load(Ordering::Relaxed), 2_000, "each once");
    assert!(router.tables().named.is_empty());
}

#[test]
fn sockets_that_are_closed_are_forgotten_although_their_manager_lives() {
    let router = Router::new();
    let endpoint = Endpoint::parse("http://127.0.0.1:1").expect("a URL").0;
    let manager = Manager::new(ManagerConfig::new(endpoint), |_| {}).expect("valid");
    for _ in 0..100 {
        let options = SocketOptions::default();
        manager.socket_with_router("/", options, &router, |_| {}).expect("free").close();
    }
    assert_eq!(router.tables().sockets.len(), 1);
}
