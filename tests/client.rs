//! The Rust API against a server that answers, asks, rains and leaves.

#![allow(clippy::unwrap_used)]

#[path = "capi/echo.rs"]
mod echo;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use roamio::client::{
    Conference, ConferenceState, EmitOptions, Manager, ManagerEvent, ManagerState, Offline,
    RequestOptions, Socket, SocketEvent, SocketState,
};
use roamio::config::{
    ConferenceConfig, DispatchMode, Endpoint, HeaderList, ManagerConfig, ReconnectPolicy, Retries,
    Revision, SocketOptions, Target,
};
use roamio::error::{Code, Error};

const LONG: Duration = Duration::from_secs(10);

fn config() -> ManagerConfig {
    let url = format!("http://{}", echo::start());
    ManagerConfig::new(Endpoint::parse(&url).unwrap().0)
}

fn manager() -> Manager {
    Manager::new(config(), |_| {}).unwrap()
}

/// A socket that tells the names of its events.
fn listening(manager: &Manager, namespace: &str) -> (Socket, Receiver<String>) {
    let (tell, told) = channel();
    let events = move |event| {
        if let SocketEvent::Event { payload, .. } = event {
            let _ = tell.send(payload.name().to_owned());
        }
    };
    (manager.socket(namespace, events).unwrap(), told)
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

#[tokio::test]
async fn a_reply_is_a_future() {
    let manager = manager();
    let (socket, _told) = listening(&manager, "/");
    let reply = socket.emit_with_ack_async("echo", r#"[{"a":1}]"#, EmitOptions::default()).unwrap();
    socket.connect(None).unwrap();
    let payload = reply.await.unwrap();
    assert_eq!(payload.arg(0), Some(r#"{"a":1}"#));

    let silent = || socket.emit_with_ack_async("silent", "[]", EmitOptions::default()).unwrap();
    drop(silent());
    let pending = silent();
    socket.close();
    assert_eq!(code(pending.await), Some(Code::Closed));
    assert_eq!(code(socket.emit("a", "[]")), Some(Code::Closed));
    assert_eq!(socket.state(), SocketState::Closed);
}

#[test]
fn conformance_65_reserved_names_are_refused_where_they_are_emitted() {
    let mut old = config();
    old.common.transports.revision = Revision::V3;
    for (config, is_old) in [(config(), false), (old, true)] {
        let manager = Manager::new(config, |_| {}).unwrap();
        let (socket, _told) = listening(&manager, "/");
        for name in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        ] {
            assert_eq!(code(socket.emit(name, "[]")), Some(Code::ReservedEvent), "{name}");
        }
        let refused = is_old.then_some(Code::ReservedEvent);
        assert_eq!(code(socket.emit("error", "[]")), refused);
        assert_eq!(code(socket.emit("message", "[]")), None);
    }
}

#[tokio::test]
async fn dropping_a_reply_makes_room_in_the_queue() {
    let mut config = config();
    config.common.limits.wire_queue_events = 1;
    let manager = Manager::new(config, |_| {}).unwrap();
    let (socket, _told) = listening(&manager, "/");
    let ask = || socket.emit_with_ack_async("silent", "[]", EmitOptions::default());
    let waiting = ask().unwrap();
    assert_eq!(code(ask()), Some(Code::QueueFull));
    drop(waiting);
    let room = async {
        while code(ask().map(drop)).is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, room).await.unwrap();
}

#[tokio::test]
async fn io_runs_on_the_callers_runtime_when_asked() {
    let runtime = tokio::runtime::Handle::current();
    let manager = Manager::new_on(runtime, config(), |_| {}).unwrap();
    let (socket, _told) = listening(&manager, "/");
    socket.connect(None).unwrap();
    let reply = socket.emit_with_ack_async("echo", "[1]", EmitOptions::default()).unwrap();
    assert_eq!(reply.await.unwrap().arg(0), Some("1"));
    assert_eq!(manager.state(), ManagerState::Connected);
}

#[test]
fn a_socket_keeps_the_connection_and_dropping_it_gives_the_namespace_back() {
    let manager = manager();
    let (socket, told) = listening(&manager, "/chat");
    assert_eq!(code(manager.socket("/chat", |_| {})), Some(Code::InvalidState));
    socket.connect(None).unwrap();
    let other = manager.clone();
    drop(manager);
    socket.emit_json("hello", &("a", 1)).unwrap();
    assert_eq!(told.recv_timeout(LONG).as_deref(), Ok("hello"));
    drop(socket);
    assert!(told.recv_timeout(LONG).is_err(), "its closure is dropped");
    let (socket, told) = listening(&other, "/chat");
    drop(other);
    socket.connect(None).unwrap();
    socket.emit("again", "[]").unwrap();
    assert_eq!(told.recv_timeout(LONG).as_deref(), Ok("again"));
    socket.close_wait(LONG).unwrap();
}

#[test]
fn a_closure_that_panics_is_called_again() {
    let manager = manager();
    let (tell, told) = channel();
    let socket = manager.socket("/", move |event| {
        if let SocketEvent::Event { payload, .. } = event {
            let _ = tell.send(payload.name().to_owned());
            assert!(payload.name() != "first", "on purpose");
        }
    });
    let socket = socket.unwrap();
    socket.emit("first", "[]").unwrap();
    socket.emit("second", "[]").unwrap();
    socket.connect(None).unwrap();
    assert_eq!(told.recv_timeout(LONG).as_deref(), Ok("first"));
    assert_eq!(told.recv_timeout(LONG).as_deref(), Ok("second"));
}

#[test]
fn manual_mode_tells_only_inside_dispatch() {
    let mut config = config();
    config.common.dispatch = DispatchMode::Manual;
    let manager = Manager::new(config, |_| {}).unwrap();
    let (socket, told) = listening(&manager, "/");
    let (wake, woken) = channel();
    manager.set_wake(move || wake.send(()).unwrap()).unwrap();
    socket.emit("hello", "[]").unwrap();
    socket.connect(None).unwrap();
    while told.try_recv().as_deref() != Ok("hello") {
        woken.recv_timeout(LONG).unwrap();
        assert!(told.try_recv().is_err(), "nobody has dispatched");
        while manager.dispatch(1).unwrap() == 1 {}
    }
    assert_eq!(socket.state(), SocketState::Connected);
    drop((socket, manager));
    assert!(told.recv().is_err(), "over before the drop returned");
}

#[test]
fn a_socket_still_wakes_the_loop_when_its_manager_is_closed() {
    let mut config = config();
    config.common.dispatch = DispatchMode::Manual;
    let manager = Manager::new(config, |_| {}).unwrap();
    let (socket, told) = listening(&manager, "/");
    let (wake, woken) = channel();
    manager.set_wake(move || wake.send(()).unwrap()).unwrap();
    manager.close();
    socket.emit("hello", "[]").unwrap();
    socket.connect(None).unwrap();
    while told.try_recv().as_deref() != Ok("hello") {
        woken.recv_timeout(LONG).unwrap();
        while socket.dispatch(1).unwrap() == 1 {}
    }
    socket.close();
    while woken.try_recv().is_ok() {}
    assert!(woken.recv().is_err(), "the wake closure is dropped");
}

#[test]
fn outcomes_that_nobody_takes_are_bounded() {
    let mut config = config();
    config.common.dispatch = DispatchMode::Manual;
    config.common.limits.host_queue_events = 3;
    let manager = Manager::new(config, |_| {}).unwrap();
    let (socket, _told) = listening(&manager, "/");
    let (tell, told) = channel();
    let ask = || {
        let options = EmitOptions { offline: Offline::Volatile, ..EmitOptions::default() };
        let tell = tell.clone();
        code(socket.emit_with_ack("a", "[]", options, move |_| tell.send(()).unwrap()))
    };
    assert_eq!([ask(), ask(), ask(), ask()], [None, None, None, Some(Code::QueueFull)]);
    while told.try_recv().is_err() {
        manager.dispatch(1).unwrap();
    }
    assert_eq!(ask(), None);
}

#[test]
fn objects_hear_that_the_callers_runtime_is_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (tell, told) = channel();
    let of_manager = tell.clone();
    let manager = Manager::new_on(runtime.handle().clone(), config(), move |event| {
        let _ = of_manager.send(format!("{event:?}"));
    });
    let manager = manager.unwrap();
    let socket = manager.socket("/", move |event| {
        let _ = tell.send(format!("{event:?}"));
    });
    let socket = socket.unwrap();
    socket.connect(None).unwrap();
    let connected = async {
        while socket.state() != SocketState::Connected {
            tokio::task::yield_now().await;
        }
    };
    runtime.block_on(async { tokio::time::timeout(LONG, connected).await }).unwrap();
    drop(runtime);
    while (manager.state(), socket.state()) != (ManagerState::Closed, SocketState::Closed) {
        let event = told.recv_timeout(LONG).unwrap();
        assert!(
            !event.contains("Closed") || event.contains("the runtime was shut down"),
            "{event}"
        );
    }
    assert_eq!(code(socket.emit("a", "[]")), Some(Code::Closed));
    socket.close_wait(LONG).unwrap();
    manager.close_wait(LONG).unwrap();
}

#[test]
fn a_conference_checks_what_it_can_at_once() {
    let conference = Conference::new(ConferenceConfig::default(), |_| {}).unwrap();
    let request = |name, data| {
        code(conference.request(name, data, RequestOptions::default(), |_| panic!("refused")))
    };
    assert_eq!(request("text", "{}"), Some(Code::NotLoggedIn));
    assert_eq!(request("text", "null"), Some(Code::InvalidJson));
    assert_eq!(request("relogin", "{}"), Some(Code::ReservedEvent));
    let never = RequestOptions { timeout: Some(Duration::ZERO), ..RequestOptions::default() };
    let refused = conference.request("text", "{}", never, |_| panic!("refused"));
    assert_eq!(code(refused), Some(Code::InvalidArgument));
    assert_eq!(code(conference.login("?", |_| panic!("refused"))), Some(Code::TokenInvalid));
    assert_eq!(conference.state(), ConferenceState::Idle);
    conference.close_wait(LONG).unwrap();
    assert_eq!(request("text", "{}"), Some(Code::Closed));
    assert_eq!(conference.state(), ConferenceState::Ended);
}

#[test]
fn a_namespace_is_found_again_and_is_the_same_object() {
    let manager = manager();
    assert!(manager.existing("/").is_none());
    let (socket, told) = listening(&manager, "/");
    let again = manager.existing("/").unwrap();
    again.connect(None).unwrap();
    again.emit("hello", "[]").unwrap();
    assert_eq!(told.recv_timeout(LONG).unwrap(), "hello");
    drop(again);
    assert_eq!(socket.state(), SocketState::Connected, "the other handle goes on");
    assert_eq!(manager.existing("/").unwrap().state(), SocketState::Connected);
    assert!(manager.existing("/other").is_none());
    drop(socket);
    assert!(manager.existing("/").is_none(), "the last handle is gone");
    let (_socket, _told) = listening(&manager, "/");
    assert!(manager.existing("/").is_some());
}

#[test]
fn target_and_auth_can_be_given_later_and_from_another_thread() {
    let (endpoint, _) = Endpoint::parse("http://nowhere.invalid:1").unwrap();
    let config = ManagerConfig { ask_target: true, ..ManagerConfig::new(endpoint) };
    let (tell, told) = channel();
    let wanted = tell.clone();
    let manager = Manager::new(config, move |event| {
        if let ManagerEvent::TargetWanted { token, .. } = event {
            let _ = wanted.send(token);
        }
    });
    let manager = manager.unwrap();
    let (connected, joined) = channel();
    let options = SocketOptions { ask_auth: true, ..SocketOptions::default() };
    let events = move |event| match event {
        SocketEvent::AuthWanted { token, .. } => {
            let _ = tell.send(token);
        }
        SocketEvent::State { transition, .. } if transition.state == SocketState::Connected => {
            let _ = connected.send(());
        }
        _ => {}
    };
    let socket = manager.socket_with("/", options, events).unwrap();
    socket.connect(None).unwrap();

    let token = told.recv_timeout(LONG).unwrap();
    let mut target = Target { endpoint: self::config().endpoint, headers: HeaderList::default() };
    target.headers.0.push(("X".into(), "a\r\nY: b".into()));
    let refused = manager.provide_target(token, Ok(target.clone()));
    assert_eq!(code(refused), Some(Code::InvalidArgument), "and the question stays open");
    target.headers = HeaderList::default();
    manager.provide_target(token, Ok(target)).unwrap();

    let token = told.recv_timeout(LONG).unwrap();
    assert_eq!(code(socket.provide_auth(token, Ok(Some("[]")))), Some(Code::InvalidJson));
    socket.provide_auth(token, Ok(Some("{}"))).unwrap();
    joined.recv_timeout(LONG).unwrap();
}

#[test]
fn options_that_change_on_the_way_are_checked_at_once() {
    let manager = manager();
    let bad = HeaderList(vec![("not a token".into(), String::new())]);
    assert_eq!(code(manager.set_headers(bad)), Some(Code::InvalidArgument));
    manager.set_headers(HeaderList(vec![("X-A".into(), "b".into())])).unwrap();
    let bad = ReconnectPolicy { factor: 0.0, ..ReconnectPolicy::default() };
    assert_eq!(code(manager.set_reconnect(bad)), Some(Code::InvalidArgument));
    manager.set_reconnect(ReconnectPolicy { enabled: false, ..Default::default() }).unwrap();
    let retries = Some(Retries { window: 0, ..Retries::default() });
    let options = SocketOptions { retries, ..SocketOptions::default() };
    let refused = manager.socket_with("/", options, |_| {});
    assert_eq!(code(refused), Some(Code::InvalidArgument));
    assert!(!manager.uses("/"));
}
