//! Section G: Buffering, volatile, timeouts, retries.

mod retries;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use roamio::client::{EmitOptions, Offline, Socket, SocketEvent, SocketState};
use roamio::config::SocketOptions;
use roamio::error::Code;
use serde_json::json;

use crate::case::{Case, Via, items};
use crate::fake::{Fake, Frame, Request};
use crate::host::{Host, Told, values};
use crate::relay::Relay;
use crate::server::PATIENCE;
use retries::*;

items! {
    69 "Events emitted while disconnected come first and in order" asks all {
        test conformance_69_what_waits_goes_before_what_the_connect_handler_emits on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    70 "The buffer survives failed reconnections, and is limited" asks [V4] {
        test conformance_70_what_waits_survives_failed_attempts on [V4] over all;
        test conformance_70_a_full_buffer_refuses_and_keeps_what_it_has on [V4] over all;
        test conformance_70_events_may_wait_for_some_time_or_only_the_latest_or_not_at_all on [V4] over all;
    }
    71 "Volatile events" asks [V4] {
        test conformance_71_volatile_events_are_dropped_while_not_connected on [V4] over all;
        test conformance_71_volatile_events_are_dropped_while_a_post_is_on_its_way on [Fake] over [Polling];
        test conformance_71_volatile_events_are_dropped_while_the_websocket_takes_no_more on [Fake] over [Websocket Upgrade];
        test conformance_71_volatile_events_are_dropped_while_the_transport_changes on [Fake] over [Upgrade];
    }
    72 "Ack timeouts" asks [V4] {
        test conformance_72_a_timeout_while_not_connected_means_never_sent on [V4] over all;
        test conformance_72_an_ack_that_is_missing_or_late_is_one_timeout on [V4] over all;
        test conformance_72_the_limit_is_that_of_the_emit_the_socket_or_the_manager on [V4] over all;
        test conformance_72_a_future_has_the_same_outcomes on [V4] over all;
    }
    73 "Pending acks at a disconnection" asks [V4] {
        test conformance_73_written_events_end_once_and_waiting_ones_survive_a_loss on [V4] over all;
        test conformance_73_written_events_end_and_waiting_ones_survive_a_disconnect on [V4] over all;
        test conformance_73_what_has_ended_is_freed on [V4] over all;
    }
    74 "Retries with window 1 and 16" asks [V4] {
        test conformance_74_an_event_without_ack_goes_once_more_than_there_are_retries on [V4] over all;
        test conformance_74_a_window_of_1_keeps_the_order_and_the_head_goes_again_after_a_loss on [V4] over all;
        test conformance_74_nothing_goes_twice_that_the_connect_handler_emits on [V4] over all;
        test conformance_74_a_window_of_16_keeps_the_order_of_first_deliveries_across_cuts on [V4] over all;
        test conformance_74_an_overdue_ack_repeats_only_its_own_event on [V4] over all;
        test conformance_74_a_key_tells_repeated_events on [V4] over all;
        test conformance_74_no_more_than_the_window_is_on_its_way on [Fake] over all;
    }
}

/// A name for a run that no other test of the same server has.
fn run(case: Case, item: &str) -> String {
    format!("{item} {:?}", case.via)
}

fn mark(run: &str, number: u64) -> String {
    json!([run, number]).to_string()
}

/// What has come in, in its order.
fn ledger(host: &mut Host, socket: &Socket, run: &str) -> Vec<u64> {
    let [ledger] = &host.answer(socket, "ledger", &json!([run]).to_string())[..] else {
        panic!("one argument");
    };
    serde_json::from_value(ledger.clone()).unwrap()
}

/// A socket that does something first whenever it has joined.
fn greeting(
    host: &Host,
    options: SocketOptions,
    greet: impl Fn(&Socket) + Send + 'static,
) -> Arc<Socket> {
    let (tell, own) = (host.tell.clone(), Arc::new(OnceLock::<Weak<Socket>>::new()));
    let later = Arc::clone(&own);
    let told = move |event: SocketEvent| {
        if let SocketEvent::State { transition, .. } = &event
            && transition.state == SocketState::Connected
        {
            greet(&own.get().and_then(Weak::upgrade).expect("it is used"));
        }
        let _ = tell.send(Told::Socket("/", event));
    };
    let socket = Arc::new(host.manager.socket_with("/", options, told).unwrap());
    later.set(Arc::downgrade(&socket)).unwrap();
    socket
}

fn timeout(ms: u64) -> EmitOptions {
    EmitOptions { timeout: Some(Duration::from_millis(ms)), ..EmitOptions::default() }
}

fn offline(offline: Offline) -> EmitOptions {
    EmitOptions { offline, ..EmitOptions::default() }
}

/// The code that a request ends with; `None` for an answer.
fn code(host: &mut Host, request: u32) -> Option<Code> {
    host.outcome(request).err().map(|error| error.code())
}

fn outcomes(host: &mut Host, request: u32) -> usize {
    host.count(|told| matches!(told, Told::Outcome(number, _) if *number == request))
}

fn conformance_69_what_waits_goes_before_what_the_connect_handler_emits(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let name = run(case, "69");
    let (own, greetings) = (name.clone(), AtomicU64::new(1_000));
    let root = greeting(&host, SocketOptions::default(), move |socket| {
        let number = greetings.fetch_add(1, Ordering::Relaxed);
        socket.emit("mark", &mark(&own, number)).unwrap();
    });
    for number in 0..20 {
        root.emit("mark", &mark(&name, number)).unwrap();
    }
    root.connect(None).unwrap();
    for number in 20..30 {
        root.emit("mark", &mark(&name, number)).unwrap();
    }
    host.until_state("/", SocketState::Connected);
    let mut expected: Vec<u64> = (0..30).chain([1_000]).collect();
    assert_eq!(ledger(&mut host, &root, &name), expected);

    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    for number in 30..50 {
        root.emit("mark", &mark(&name, number)).unwrap();
    }
    host.until_state("/", SocketState::Connected);
    root.emit("mark", &mark(&name, 50)).unwrap();
    expected.extend((30..50).chain([1_001, 50]));
    assert_eq!(ledger(&mut host, &root, &name), expected);
}

fn conformance_70_what_waits_survives_failed_attempts(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut config = case.config(&relay.url());
    config.reconnect.max = Duration::from_millis(100);
    let mut host = Host::new(config);
    let root = host.joined("/");
    let name = run(case, "70 survives");
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    for number in 0..5 {
        root.emit("mark", &mark(&name, 2 * number)).unwrap();
        host.until_retry();
        root.emit("mark", &mark(&name, 2 * number + 1)).unwrap();
    }
    relay.refuse(false);
    host.until_state("/", SocketState::Connected);
    assert_eq!(ledger(&mut host, &root, &name), (0..10).collect::<Vec<_>>());
}

fn conformance_70_a_full_buffer_refuses_and_keeps_what_it_has(case: Case) {
    for by_bytes in [false, true] {
        let name = run(case, if by_bytes { "70 bytes" } else { "70 events" });
        let mut config = case.config(&case.shared().url());
        if by_bytes {
            // A packet has some bytes more than its arguments.
            config.common.limits.wire_queue_bytes = 5 * (mark(&name, 0).len() + 20);
        } else {
            config.common.limits.wire_queue_events = 5;
        }
        let mut host = Host::new(config);
        let root = host.socket("/");
        let kept = (0..100).find(|number| {
            let refused = root.emit("mark", &mark(&name, *number)).err();
            assert!(refused.as_ref().is_none_or(|error| error.code() == Code::QueueFull));
            refused.is_some()
        });
        let kept = kept.expect("there is a limit");
        assert!(by_bytes && (5..15).contains(&kept) || kept == 5, "{kept}");
        let refused =
            root.emit_with_ack("ack", "[]", EmitOptions::default(), |_| panic!("it was refused"));
        if !by_bytes {
            assert_eq!(refused.unwrap_err().code(), Code::QueueFull);
        }
        root.connect(None).unwrap();
        host.until_state("/", SocketState::Connected);
        // There is room again once they are written.
        let (start, args) = (Instant::now(), mark(&name, 100));
        let asked = loop {
            let tell = host.tell.clone();
            let told = move |result| tell.send(Told::Outcome(0, result)).unwrap_or_default();
            match root.emit_with_ack("mark", &args, EmitOptions::default(), told) {
                Ok(_) => break 0,
                Err(error) => assert_eq!(error.code(), Code::QueueFull),
            }
            assert!(start.elapsed() < PATIENCE);
            host.within(Duration::from_millis(2), |_| None::<()>);
        };
        assert_eq!(code(&mut host, asked), None);
        let expected: Vec<u64> = (0..kept).chain([100]).collect();
        assert_eq!(ledger(&mut host, &root, &name), expected);
    }
}

fn conformance_70_events_may_wait_for_some_time_or_only_the_latest_or_not_at_all(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.socket("/");
    let name = run(case, "70 policies");
    let emit = |number, policy| {
        root.emit_with("mark", &mark(&name, number), offline(policy)).unwrap();
    };
    emit(0, Offline::WaitFor(20));
    emit(1, Offline::Wait);
    emit(2, Offline::Latest("volume".into()));
    emit(3, Offline::WaitFor(60_000));
    emit(4, Offline::Fail);
    emit(5, Offline::Latest("volume".into()));
    for (text, _) in [("4", "at once"), ("0", "after its time")] {
        let dropped = host.until("a dropped event", |told| match told {
            Told::Socket(_, SocketEvent::Dropped { payload, error }) => {
                Some((payload.arg(1).unwrap().to_owned(), error.code()))
            }
            _ => None,
        });
        assert_eq!(dropped, (text.to_owned(), Code::NotSent));
    }
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    assert_eq!(ledger(&mut host, &root, &name), [1, 5, 3]);
}

fn conformance_71_volatile_events_are_dropped_while_not_connected(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let name = run(case, "71");
    let (own, socket) = (name.clone(), SocketOptions::default());
    // In the handler the connection may be busy with what was written before: nothing was.
    let root = greeting(&host, socket, move |root| {
        root.emit_volatile("mark", &mark(&own, 2)).unwrap();
    });
    root.emit_volatile("mark", &mark(&name, 0)).unwrap();
    let asked = host.ask_with(&root, "mark", &mark(&name, 0), offline(Offline::Volatile));
    assert_eq!(code(&mut host, asked), Some(Code::NotSent));
    root.connect(None).unwrap();
    root.emit_volatile("mark", &mark(&name, 1)).unwrap();
    host.until_state("/", SocketState::Connected);
    until_marked(&mut host, &root, &name, 3);
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    root.emit_volatile("mark", &mark(&name, 4)).unwrap();
    relay.refuse(false);
    host.until_state("/", SocketState::Connected);
    until_marked(&mut host, &root, &name, 5);
    let ledger = ledger(&mut host, &root, &name);
    // On polling a POST may be on its way when the handler runs.
    let certain: Vec<u64> = ledger.iter().copied().filter(|number| *number != 2).collect();
    assert_eq!(certain, [3, 5], "{ledger:?}");
    if case.via == Via::Websocket {
        assert_eq!(ledger, [2, 3, 2, 5]);
    }
    let dropped = |told: &Told| matches!(told, Told::Socket(_, SocketEvent::Dropped { .. }));
    assert_eq!(host.count(dropped), 0, "volatile events are dropped without a word");
}

/// Emit a volatile event until one has gone: at the latest when the transport is idle.
fn until_marked(host: &mut Host, socket: &Socket, name: &str, number: u64) {
    let start = Instant::now();
    loop {
        let asked = host.ask_with(socket, "mark", &mark(name, number), offline(Offline::Volatile));
        match code(host, asked) {
            None => return,
            other => assert_eq!(other, Some(Code::NotSent)),
        }
        assert!(start.elapsed() < PATIENCE, "an idle transport takes it");
        // The answer comes when nothing is on its way any more, or soon after.
        host.answer(socket, "ack", "[]");
    }
}

fn is_post(request: &Request) -> bool {
    request.method == "POST"
}

fn conformance_71_volatile_events_are_dropped_while_a_post_is_on_its_way(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    root.emit("plain", "[1]").unwrap();
    let post = session.fake.request_where("a POST", is_post);
    assert_eq!(post.text(), "42[\"plain\",1]");
    root.emit_volatile("volatile", "[2]").unwrap();
    let asked = host.ask_with(&root, "volatile", "[3]", offline(Offline::Volatile));
    assert_eq!(code(&mut host, asked), Some(Code::NotSent));
    root.emit("plain", "[4]").unwrap();
    post.ok("ok");
    let post = session.fake.request_where("a POST", is_post);
    assert_eq!(post.text(), "42[\"plain\",4]");
    post.ok("ok");
    // Nothing is on its way once the answer has been read: then it goes.
    let start = Instant::now();
    let next = loop {
        root.emit_volatile("volatile", "[5]").unwrap();
        if let Some(post) = session.fake.within(Duration::from_millis(20), is_post) {
            break post;
        }
        assert!(start.elapsed() < PATIENCE);
    };
    assert!(next.text().starts_with("42[\"volatile\",5]"));
}

fn conformance_71_volatile_events_are_dropped_while_the_websocket_takes_no_more(case: Case) {
    const MIB: usize = 1 << 20;
    let mut fake = Fake::start();
    let mut config = case.config(&fake.url());
    config.common.limits.wire_queue_bytes = 256 * MIB;
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let mut peer = session.into_peer();
    // Nobody reads.
    let filler = format!("[\"{}\"]", "x".repeat(MIB));
    let mut sent = 0;
    let refused = loop {
        root.emit("filler", &filler).unwrap();
        sent += 1;
        let asked = host.ask_with(&root, "volatile", "[]", offline(Offline::Volatile));
        let outcome = |told: &Told| match told {
            Told::Outcome(number, Err(error)) if *number == asked => Some(error.code()),
            _ => None,
        };
        if let Some(code) = host.within(Duration::from_millis(20), outcome) {
            break code;
        }
        assert!(sent < 200, "the system has no end of buffers");
    };
    assert_eq!(refused, Code::NotSent);
    root.emit("last", "[]").unwrap();
    let (mut fillers, mut volatiles) = (0, 0);
    loop {
        match peer.recv() {
            Frame::Text(text) if text == "42[\"last\"]" => break,
            Frame::Text(text) if text.starts_with("42[\"filler\"") => fillers += 1,
            Frame::Text(text) if text.contains("[\"volatile\"]") => volatiles += 1,
            other => panic!("{other:?}"),
        }
    }
    // What has no outcome was written, and the outcomes come before what is sent now.
    peer.send("42[\"end\"]");
    host.event("end");
    let dropped = |told: &Told| matches!(told, Told::Outcome(_, Err(_)));
    assert_eq!((fillers, volatiles), (sent, sent - host.count(dropped)));
    root.emit_volatile("volatile", "[]").unwrap();
    peer.expect("42[\"volatile\"]");
}

fn conformance_71_volatile_events_are_dropped_while_the_transport_changes(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(Via::Polling);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let mut peer = session.wait_websocket().upgrade();
    peer.expect("2probe");
    peer.send("3probe");
    // The GET that waits is held, so the client cannot move yet, and sends nothing meanwhile. Until it
    // has read the answer to its probe volatile events go by POST.
    let start = Instant::now();
    'asking: loop {
        let asked = host.ask_with(&root, "volatile", "[]", offline(Offline::Volatile));
        let outcome = |told: &Told| match told {
            Told::Outcome(number, Err(error)) if *number == asked => Some(error.code()),
            _ => None,
        };
        loop {
            assert!(start.elapsed() < PATIENCE, "it is either sent or dropped");
            if let Some(code) = host.within(Duration::from_millis(5), outcome) {
                assert_eq!(code, Code::NotSent);
                break 'asking;
            }
            if let Some(post) = session.fake.within(Duration::from_millis(5), is_post) {
                assert!(post.text().contains("[\"volatile\"]"));
                post.ok("ok");
                break;
            }
        }
    }
    root.emit("plain", "[1]").unwrap();
    session.into_poll().ok("6");
    peer.expect("5");
    peer.expect("42[\"plain\",1]");
    root.emit_volatile("volatile", "[2]").unwrap();
    peer.expect("42[\"volatile\",2]");
}

fn conformance_72_a_timeout_while_not_connected_means_never_sent(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.socket("/");
    let name = run(case, "72");
    let started = Instant::now();
    let asked = host.ask_with(&root, "mark", &mark(&name, 0), timeout(50));
    assert_eq!(code(&mut host, asked), Some(Code::NotSent));
    // The library counts whole milliseconds.
    assert!(started.elapsed() >= Duration::from_millis(48), "{:?}", started.elapsed());
    // The time runs while it connects.
    let asked_too = host.ask_with(&root, "mark", &mark(&name, 1), timeout(30_000));
    root.connect(None).unwrap();
    assert_eq!(code(&mut host, asked_too), None);
    assert_eq!(ledger(&mut host, &root, &name), [1]);
    assert_eq!([outcomes(&mut host, asked), outcomes(&mut host, asked_too)], [1, 1]);
}

fn conformance_72_an_ack_that_is_missing_or_late_is_one_timeout(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let silence = host.ask_with(&root, "silence", "[]", timeout(50));
    let late = host.ask_with(&root, "late", "[200,\"late\"]", timeout(50));
    let in_time = host.ask_with(&root, "late", "[10,\"in time\"]", timeout(30_000));
    let limit = host.ask_with(&root, "late", "[400,\"the end\"]", timeout(30_000));
    assert_eq!(code(&mut host, silence), Some(Code::AckTimeout));
    assert_eq!(code(&mut host, late), Some(Code::AckTimeout));
    assert_eq!(values(&host.outcome(in_time).unwrap()), [json!("in time")]);
    // By now the late one has come as well.
    assert_eq!(values(&host.outcome(limit).unwrap()), [json!("the end")]);
    for request in [silence, late, in_time, limit] {
        assert_eq!(outcomes(&mut host, request), 1);
    }
    assert_eq!(host.states("/", SocketState::Connected), 1);
}

fn conformance_72_the_limit_is_that_of_the_emit_the_socket_or_the_manager(case: Case) {
    let short = Some(Duration::from_millis(50));
    let long = Some(Duration::from_secs(60));
    let socket = |host: &Host, ack_timeout| {
        let options = SocketOptions { ack_timeout, ..SocketOptions::default() };
        let socket = host.manager.socket_with("/", options, |_| {}).unwrap();
        socket.connect(None).unwrap();
        socket
    };
    for (manager, own, emit) in
        [(short, None, None), (long, short, None), (long, long, short), (None, None, short)]
    {
        let mut config = case.config(&case.shared().url());
        config.ack_timeout = manager;
        let mut host = Host::new(config);
        let socket = socket(&host, own);
        let options = EmitOptions { timeout: emit, ..EmitOptions::default() };
        // The time to connect must not count.
        let joined = host.ask_with(&socket, "ack", "[]", timeout(30_000));
        assert_eq!(code(&mut host, joined), None);
        let start = Instant::now();
        let asked = host.ask_with(&socket, "silence", "[]", options);
        assert_eq!(code(&mut host, asked), Some(Code::AckTimeout));
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    let mut config = case.config(&case.shared().url());
    config.ack_timeout = None;
    let mut host = Host::new(config);
    let socket = socket(&host, None);
    let asked = host.ask(&socket, "silence", "[]");
    let ever = |told: &Told| matches!(told, Told::Outcome(number, _) if *number == asked);
    assert!(host.within(Duration::from_millis(150), |told| ever(told).then_some(())).is_none());
}

fn conformance_72_a_future_has_the_same_outcomes(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ask = |name, args, ms| root.emit_with_ack_async(name, args, timeout(ms)).unwrap();
    let (silence, late, in_time) =
        (ask("silence", "[]", 50), ask("late", "[200,1]", 50), ask("late", "[10,2]", 30_000));
    let code = |outcome: Result<_, roamio::error::Error>| outcome.map_err(|error| error.code());
    assert_eq!(code(runtime.block_on(silence)).unwrap_err(), Code::AckTimeout);
    assert_eq!(code(runtime.block_on(late)).unwrap_err(), Code::AckTimeout);
    assert_eq!(values(&runtime.block_on(in_time).unwrap()), [json!(2)]);
    root.disconnect().unwrap();
    host.until_state("/", SocketState::Idle);
    assert_eq!(code(runtime.block_on(ask("ack", "[]", 50))).unwrap_err(), Code::NotSent);
}

fn conformance_73_written_events_end_once_and_waiting_ones_survive_a_loss(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    let written: Vec<u32> = (0..3).map(|_| host.ask(&root, "silence", "[]")).collect();
    // They have arrived when this is answered.
    host.answer(&root, "ack", "[]");
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    for request in &written {
        assert_eq!(code(&mut host, *request), Some(Code::AckLost));
    }
    let waiting: Vec<u32> =
        (0..3).map(|number| host.ask(&root, "ack", &format!("[{number}]"))).collect();
    host.until_retry();
    host.until_retry();
    relay.refuse(false);
    for (number, request) in waiting.iter().enumerate() {
        assert_eq!(values(&host.outcome(*request).unwrap()), [json!(number)]);
    }
    host.answer(&root, "ack", "[]");
    for request in written.into_iter().chain(waiting) {
        assert_eq!(outcomes(&mut host, request), 1);
    }
}

fn conformance_73_written_events_end_and_waiting_ones_survive_a_disconnect(case: Case) {
    let mut host = case.host(case.shared());
    let (root, chat) = (host.joined("/"), host.joined("/chat"));
    let (written, other) = (host.ask(&root, "silence", "[]"), host.ask(&chat, "silence", "[]"));
    host.answer(&root, "ack", "[]");
    root.disconnect().unwrap();
    assert_eq!(code(&mut host, written), Some(Code::AckLost));
    let waiting = host.ask(&root, "ack", "[1]");
    host.answer(&chat, "ack", "[]");
    assert_eq!([outcomes(&mut host, waiting), outcomes(&mut host, other)], [0, 0]);
    root.connect(None).unwrap();
    assert_eq!(values(&host.outcome(waiting).unwrap()), [json!(1)]);
    root.disconnect().unwrap();
    let never = host.ask(&root, "ack", "[2]");
    root.close();
    assert_eq!(code(&mut host, never), Some(Code::Closed));
    chat.close();
    assert_eq!(code(&mut host, other), Some(Code::Closed));
    for request in [written, waiting, never, other] {
        assert_eq!(outcomes(&mut host, request), 1);
    }
}

/// Bytes that tell by the witness that they are still somewhere.
fn witnessed(witness: &Arc<()>) -> Bytes {
    struct Owned(#[expect(dead_code, reason = "it is counted")] Arc<()>);
    impl AsRef<[u8]> for Owned {
        fn as_ref(&self) -> &[u8] {
            b"bytes"
        }
    }
    Bytes::from_owner(Owned(Arc::clone(witness)))
}

fn conformance_73_what_has_ended_is_freed(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    let witness = Arc::new(());
    let args = json!([{ "_placeholder": true, "num": 0 }]).to_string();
    let emit = |root: &Socket, ms| {
        let (seen, tell) = (Arc::clone(&witness), host.tell.clone());
        let options = EmitOptions { attachments: vec![witnessed(&witness)], ..timeout(ms) };
        let told = move |result| {
            drop(seen);
            let _ = tell.send(Told::Outcome(0, result));
        };
        root.emit_with_ack("silence", &args, options, told).unwrap();
    };
    for _ in 0..10 {
        emit(&root, 30_000);
        emit(&root, 50);
    }
    let freed = |host: &mut Host, what| {
        let start = Instant::now();
        while Arc::strong_count(&witness) > 1 {
            assert!(start.elapsed() < PATIENCE, "{what}: {} left", Arc::strong_count(&witness));
            host.within(Duration::from_millis(5), |_| None::<()>);
        }
    };
    // All of it has arrived when this is answered. It ends with the connection, unless before.
    host.answer(&root, "ack", "[]");
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    freed(&mut host, "what was written");
    let ended = |told: &Told| matches!(told, Told::Outcome(0, Err(_)));
    assert_eq!(host.count(ended), 20);

    let (seen, tell) = (Arc::clone(&witness), host.tell.clone());
    let options = EmitOptions { attachments: vec![witnessed(&witness)], ..timeout(50) };
    let told = move |result| {
        drop(seen);
        let _ = tell.send(Told::Outcome(0, result));
    };
    root.emit_with_ack("silence", &args, options, told).unwrap();
    freed(&mut host, "what waited for too long");
    let attachments = vec![witnessed(&witness)];
    root.emit_with("silence", &args, EmitOptions { attachments, ..EmitOptions::default() })
        .unwrap();
    assert!(Arc::strong_count(&witness) > 1);
    root.close();
    freed(&mut host, "what waited when the socket was closed");
}
