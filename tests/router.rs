//! Listeners by name, against a server that answers and asks.

#![allow(clippy::unwrap_used)]

#[path = "capi/echo.rs"]
mod echo;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use roamio::client::{EmitOptions, Lookup, Manager, Registry, Router, Socket, SocketEvent};
use roamio::config::{Endpoint, ManagerConfig, Retries, SocketOptions};
use roamio::payload::Payload;

const LONG: Duration = Duration::from_secs(10);

/// A socket that tells what its router leaves over.
fn socket(router: &Router, namespace: &str) -> (Socket, Receiver<String>) {
    let url = format!("http://{}", echo::start());
    let config = ManagerConfig::new(Endpoint::parse(&url).unwrap().0);
    let manager = Manager::new(config, |_| {}).unwrap();
    let (tell, told) = channel();
    let rest = move |event| {
        if let SocketEvent::Event { payload, .. } = event {
            let _ = tell.send(payload.name().to_owned());
        }
    };
    let socket =
        manager.socket_with_router(namespace, SocketOptions::default(), router, rest).unwrap();
    (socket, told)
}

fn next<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(LONG).unwrap()
}

#[test]
fn events_go_to_their_listeners_and_the_rest_to_the_closure() {
    let router = Router::new();
    let (tell, told) = channel();
    router
        .on("a", move |payload, ack| {
            assert!(ack.is_none());
            tell.send(payload.arg(0).unwrap().to_owned()).unwrap();
        })
        .unwrap();
    let (socket, rest) = socket(&router, "/chat");
    for (name, args) in [("a", "[1]"), ("b", "[2]"), ("a", "[3]")] {
        socket.emit(name, args).unwrap();
    }
    socket.connect(None).unwrap();
    assert_eq!([next(&told), next(&told)], ["1", "3"]);
    assert_eq!(next(&rest), "b");
    socket.close_wait(LONG).unwrap();
    assert!(rest.try_recv().is_err() && told.try_recv().is_err());
}

#[test]
fn a_listener_answers_and_one_router_serves_many_sockets() {
    let router = Router::new();
    let (tell, told) = channel();
    router
        .on("answered", move |payload, _| {
            tell.send(payload.arg(0).unwrap().to_owned()).unwrap();
        })
        .unwrap();
    let (one, _) = socket(&router, "/one");
    let (two, _) = socket(&router, "/two");
    let answering = one.clone();
    router.once("question", move |_, ack| answering.ack(ack.unwrap(), "[42]").unwrap()).unwrap();
    one.emit("ask", "[]").unwrap();
    one.connect(None).unwrap();
    assert_eq!(next(&told), "42");
    two.emit("answered", "[43]").unwrap();
    two.connect(None).unwrap();
    assert_eq!(next(&told), "43");
}

#[test]
fn conformance_67_sent_events_are_told_when_they_are_written() {
    let router = Router::new();
    let (tell, told) = channel();
    let (socket, rest) = socket(&router, "/");
    let note = move |payload: &Payload| {
        let parts = (payload.name().to_owned(), payload.attachments().to_vec());
        tell.send(parts).unwrap();
    };
    let id = router.on_any_outgoing(note);
    socket.emit("buffered", "[]").unwrap();
    assert!(told.try_recv().is_err(), "nothing is written yet");
    socket.connect(None).unwrap();
    assert_eq!(next(&told), ("buffered".to_owned(), vec![]));
    assert_eq!(next(&rest), "buffered");
    let part = Bytes::from_static(b"abc");
    let args = r#"[{"_placeholder":true,"num":0}]"#;
    socket.emit_binary("binary", args, vec![part.clone()]).unwrap();
    assert_eq!(next(&told), ("binary".to_owned(), vec![part]));
    assert_eq!(next(&rest), "binary");
    // Answers are none.
    let answering = socket.clone();
    router.on("question", move |_, ack| answering.ack(ack.unwrap(), "[1]").unwrap()).unwrap();
    socket.emit("ask", "[]").unwrap();
    assert_eq!(next(&told).0, "ask");
    assert_eq!(next(&rest), "answered");
    assert!(router.off(id));
    socket.emit("last", "[]").unwrap();
    assert_eq!(next(&rest), "last");
    assert!(told.recv().is_err(), "nobody is told any more");
}

#[test]
fn a_socket_that_is_looked_up_has_listeners_and_options_too() {
    let (router, registry) = (Router::new(), Registry::new());
    let (tell, told) = channel();
    router.on_any_outgoing(move |payload| tell.send(payload.name().to_owned()).unwrap());
    let mut lookup = Lookup::default();
    lookup.socket.retries = Some(Retries { idempotency_key: true, ..Retries::default() });
    let url = format!("http://{}/chat", echo::start());
    let (_, socket) = registry.socket_with_router(&url, lookup, &router, |_| {}).unwrap();
    socket.connect(None).unwrap();
    let (tell, outcome) = channel();
    let completion = move |result| tell.send(result).unwrap();
    socket.emit_with_ack("say", "[1]", EmitOptions::default(), completion).unwrap();
    // The server gives back what it got: the key, too.
    assert_eq!(next(&outcome).unwrap().len(), 2);
    assert_eq!(next(&told), "say");
}
