//! Items 66 and 67: listeners.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};

use roamio::client::{AckToken, ListenerId, Router, Socket, SocketEvent, SocketState};
use roamio::config::SocketOptions;
use roamio::error::Code;
use roamio::payload::Payload;
use serde_json::{Value, json};

use super::{binary, filled, place, with};
use crate::case::Case;
use crate::host::{Host, Told};
use crate::relay::Relay;
use crate::server::PATIENCE;

/// A socket whose events go to a router. What nobody listens to is told to the host.
fn routed(host: &mut Host, router: &Router) -> Socket {
    let tell = host.tell.clone();
    let rest = move |event| {
        let _ = tell.send(Told::Socket("/", event));
    };
    let socket =
        host.manager.socket_with_router("/", SocketOptions::default(), router, rest).unwrap();
    socket.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    socket
}

/// Handlers that say who they are and what they got.
struct Ear {
    hear: std::sync::mpsc::Sender<String>,
    heard: Receiver<String>,
}

impl Ear {
    fn new() -> Self {
        let (hear, heard) = channel();
        Self { hear, heard }
    }

    fn named(
        &self,
        who: &'static str,
    ) -> impl Fn(&Payload, Option<AckToken>) + Send + Sync + 'static {
        let hear = self.hear.clone();
        move |payload, _| {
            let _ = hear.send(format!("{who}: {} {:?}", payload.name(), payload.arg(0)));
        }
    }

    fn next(&self) -> String {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    /// Everything that these handlers have said about `arg`, in order.
    fn heard(&self, whos: &[&str], name: &str, arg: &str) {
        for who in whos {
            assert_eq!(self.next(), format!("{who}: {name} {:?}", Some(arg)));
        }
    }
}

/// Have the server send an event, and wait until that has been told to everybody.
fn echo(host: &mut Host, socket: &Socket, arg: &str) {
    host.answer(socket, "echo", &format!("[{arg}]"));
}

pub fn conformance_66_listeners_come_once_or_always_and_go_by_handler_or_by_name(case: Case) {
    let (mut host, router, ear) = (case.host(case.shared()), Router::new(), Ear::new());
    let first = router.on("echo", ear.named("first")).unwrap();
    router.once("echo", ear.named("once")).unwrap();
    router.on("echo", ear.named("second")).unwrap();
    router.on("text", ear.named("text")).unwrap();
    let socket = routed(&mut host, &router);
    echo(&mut host, &socket, "1");
    ear.heard(&["first", "once", "second"], "echo", "1");
    echo(&mut host, &socket, "2");
    ear.heard(&["first", "second"], "echo", "2");
    assert!(router.off(first) && !router.off(first));
    echo(&mut host, &socket, "3");
    ear.heard(&["second"], "echo", "3");
    router.off_all("echo");
    echo(&mut host, &socket, "4");
    socket.emit("mixed", "[7]").unwrap();
    ear.heard(&["text"], "text", "7");
    let untold = |told: &Told| matches!(told, Told::Socket(_, SocketEvent::Event { payload, .. }) if payload.name() == "echo");
    assert_eq!(host.count(untold), 1, "what nobody listens to any more");
    ear.heard(&["text"], "text", "8");
    assert!(ear.heard.try_recv().is_err());
    // What is told of the socket itself is no event.
    for name in ["connect", "disconnect", "connect_error"] {
        assert_eq!(router.on(name, |_, _| {}).unwrap_err().code(), Code::ReservedEvent);
    }
}

pub fn conformance_66_listeners_may_change_and_panic_while_an_event_is_told(case: Case) {
    let (mut host, router, ear) = (case.host(case.shared()), Router::new(), Ear::new());
    let removed: Arc<OnceLock<ListenerId>> = Arc::default();
    let (own, id, added) = (router.clone(), Arc::clone(&removed), Arc::new(ear.named("added")));
    let changing = move |_: &Payload, _| {
        assert!(own.off(*id.get().unwrap()));
        let added = Arc::clone(&added);
        own.on("echo", move |payload, ack| added(payload, ack)).unwrap();
    };
    router.once("echo", changing).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let panicking = move |_: &Payload, _| {
        count.fetch_add(1, Ordering::Relaxed);
        panic!("a handler that panics on purpose");
    };
    router.on("echo", panicking).unwrap();
    removed.set(router.on("echo", ear.named("removed")).unwrap()).unwrap();
    router.on("echo", ear.named("kept")).unwrap();
    let socket = routed(&mut host, &router);
    echo(&mut host, &socket, "1");
    ear.heard(&["removed", "kept"], "echo", "1");
    echo(&mut host, &socket, "2");
    ear.heard(&["kept", "added"], "echo", "2");
    assert_eq!(calls.load(Ordering::Relaxed), 2, "it is called again");
    assert_eq!(host.states("/", SocketState::Connected), 1);
    assert!(ear.heard.try_recv().is_err());
}

pub fn conformance_67_catch_all_listeners_of_incoming_events_come_first(case: Case) {
    let (mut host, router, ear) = (case.host(case.shared()), Router::new(), Ear::new());
    router.on("echo", ear.named("named")).unwrap();
    let any = router.on_any(ear.named("any"));
    router.prepend_any(ear.named("first"));
    let (hear, heard) = channel();
    router.on_any(move |payload, ack| {
        let _ = hear.send((payload.name().to_owned(), filled(payload), ack));
    });
    let socket = routed(&mut host, &router);
    echo(&mut host, &socket, "1");
    ear.heard(&["first", "any", "named"], "echo", "1");
    assert_eq!(heard.recv().unwrap(), ("echo".to_owned(), vec![json!(1)], None));
    // Binary values are in place, and a question can be answered.
    socket.emit_with("ask", &json!([place(0)]).to_string(), with(&[b"x"])).unwrap();
    let (name, args, ack) = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!((name.as_str(), args), ("question", vec![binary(b"x")]));
    socket.ack(ack.expect("the server wants an answer"), "[2]").unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().1, [json!(2)]);
    for _ in 0..2 {
        assert!(ear.next().starts_with("first: ") && ear.next().starts_with("any: "));
    }
    assert!(router.off(any));
    echo(&mut host, &socket, "3");
    ear.heard(&["first", "named"], "echo", "3");
    router.off_any();
    echo(&mut host, &socket, "4");
    ear.heard(&["named"], "echo", "4");
    assert_eq!(heard.try_iter().count(), 1, "the third echo, not the fourth");
}

pub fn conformance_67_catch_all_listeners_of_outgoing_events_hear_what_is_written(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let router = Router::new();
    let (hear, heard) = channel();
    let note = move |who: &'static str| {
        let hear = hear.clone();
        move |payload: &Payload| {
            let _ = hear.send(format!("{who} {} {}", payload.name(), Value::from(filled(payload))));
        }
    };
    let next = || heard.recv_timeout(PATIENCE).unwrap();
    let behind = router.on_any_outgoing(note("behind"));
    router.prepend_any_outgoing(note("before"));
    let socket = routed(&mut host, &router);
    echo(&mut host, &socket, "1");
    assert_eq!([next(), next()], ["before echo [1]", "behind echo [1]"]);
    assert!(router.off(behind));

    // Binary, and not what answers the server.
    socket.emit_with("ask", &json!([place(0)]).to_string(), with(&[b"x"])).unwrap();
    assert_eq!(next(), format!("before ask {}", json!([binary(b"x")])));
    let token = host.event("question").1.unwrap();
    socket.ack(token, "[2]").unwrap();
    host.event("answered");
    assert!(heard.try_recv().is_err());

    // What waits is not told before it is written.
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    socket.emit("silence", "[\"waits\"]").unwrap();
    host.until_retry();
    assert!(heard.try_recv().is_err());
    relay.refuse(false);
    host.until_state("/", SocketState::Connected);
    assert_eq!(next(), "before silence [\"waits\"]");
    router.off_any_outgoing();
    echo(&mut host, &socket, "3");
    assert!(heard.try_recv().is_err());
}
