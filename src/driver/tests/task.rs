//! A whole stack on a real thread against a small Socket.IO server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::server::{Authority, BEATS, FLOOD, endpoint, secure_socket_io, socket_io};
use crate::config::{CommonConfig, DispatchMode, Limits, ManagerConfig};
use crate::driver::dispatch::Mailbox;
use crate::driver::resolve::Resolver;
use crate::driver::runtime::Runtime;
use crate::driver::{Completion, Driver, clock, seed};
use crate::error::{Code, Error, Result};
use crate::payload::{Outgoing, Payload};
use crate::proto::io::{Command, RequestId, SocketId};
use crate::proto::stack::Stack;

const SOCKET: SocketId = SocketId(1);

/// Longer than anything here takes, unless it hangs.
pub(super) const LONG: Duration = Duration::from_secs(10);

fn start(host: &str, address: SocketAddr, limits: Limits, resolver: Resolver) -> Driver {
    let common = CommonConfig { limits, ..CommonConfig::default() };
    start_with(host, address, common, resolver)
}

pub(super) fn start_with(
    host: &str,
    address: SocketAddr,
    common: CommonConfig,
    resolver: Resolver,
) -> Driver {
    let mailbox = Mailbox::new(common.dispatch.clone(), &common.limits);
    start_into(mailbox, host, address, common, resolver)
}

fn start_into(
    mailbox: Arc<Mailbox>,
    host: &str,
    address: SocketAddr,
    common: CommonConfig,
    resolver: Resolver,
) -> Driver {
    let secure = !common.tls.extra_roots.is_empty();
    let mut config = ManagerConfig::new(endpoint(secure, host, address));
    config.common = common.clone();
    config.reconnect.min = Duration::from_millis(100);
    let runtime = Runtime::shared().expect("starts");
    let stack = Stack::manager(Arc::new(config), seed());
    let driver = Driver::start(runtime, resolver, stack, common, mailbox).expect("starts");
    driver
        .submit(Command::Attach {
            socket: SOCKET,
            namespace: "/".into(),
            options: crate::config::SocketOptions::default(),
        })
        .expect("open");
    driver.submit(Command::Connect { socket: SOCKET, auth: None }).expect("open");
    driver
}

pub(super) fn connect(address: SocketAddr) -> Driver {
    start("127.0.0.1", address, Limits::default(), Resolver::system())
}

pub(super) fn emit(
    driver: &Driver,
    name: &str,
    args: &str,
    completion: Option<Completion>,
) -> Result<Option<RequestId>> {
    driver.submit_packet(completion, |pool, request| {
        Ok(Command::Emit {
            socket: SOCKET,
            event: Outgoing::event(pool, "/", name, args, Vec::new())?,
            request,
            timeout_ms: None,
            offline: crate::proto::io::Offline::Wait,
        })
    })
}

pub(super) type Outcomes = mpsc::UnboundedReceiver<(u32, Result<Payload>)>;

/// Completions that tell their number and outcome.
pub(super) fn completions() -> (impl Fn(u32) -> Option<Completion>, Outcomes) {
    let (tell, told) = mpsc::unbounded_channel();
    let completion = move |number| {
        let tell = tell.clone();
        Some(Completion::new(move |result| {
            let _ = tell.send((number, result));
        }))
    };
    (completion, told)
}

pub(super) async fn next(outcomes: &mut Outcomes) -> (u32, Result<Payload>) {
    tokio::time::timeout(LONG, outcomes.recv()).await.expect("in time").expect("an outcome")
}

pub(super) fn code(result: Result<Payload>) -> Option<Code> {
    result.err().map(|error: Error| error.code())
}

#[tokio::test]
async fn a_burst_is_answered_once_each_and_in_order() {
    let (address, _heads) = socket_io().await;
    let driver = connect(address);
    let (completion, mut outcomes) = completions();
    for number in 0..900 {
        emit(&driver, "echo", &format!("[{number}]"), completion(number)).expect("room");
    }
    for number in 0..900 {
        let (told, result) = next(&mut outcomes).await;
        assert_eq!(told, number);
        let reply = result.expect("a reply");
        assert_eq!(reply.arg(0), Some(number.to_string().as_str()));
    }
    driver.submit(Command::Close).expect("open");
    assert!(driver.wait_finished(LONG));
}

#[tokio::test]
async fn big_and_small_frames_go_through_tls() {
    let authority = Authority::new();
    let (address, mut server) = secure_socket_io(authority.sign(&["127.0.0.1"], false)).await;
    let mut common = CommonConfig::default();
    common.tls.extra_roots.push(authority.der.clone());
    let driver = start_with("127.0.0.1", address, common, Resolver::system());
    let (completion, mut outcomes) = completions();
    let text = |number: u32| format!("\"{}\"", "x".repeat(number as usize * 1_000));
    for number in 0..100 {
        emit(&driver, "echo", &format!("[{}]", text(number)), completion(number)).expect("room");
    }
    for number in 0..100 {
        let (told, result) = next(&mut outcomes).await;
        assert_eq!(told, number);
        assert_eq!(result.expect("a reply").arg(0), Some(text(number).as_str()));
    }
    driver.submit(Command::Close).expect("open");
    assert_eq!(server.recv().await, Some("closed in order"));
}

#[tokio::test]
async fn room_in_the_queue_comes_back_when_frames_have_left() {
    let (address, _heads) = socket_io().await;
    let limits = Limits { wire_queue_events: 5, ..Limits::default() };
    let driver = start("127.0.0.1", address, limits, Resolver::system());
    let (completion, mut outcomes) = completions();
    let mut refused = 0;
    for number in 0..200 {
        loop {
            match emit(&driver, "echo", "[]", completion(number)) {
                Ok(_) => break,
                Err(error) => assert_eq!(error.code(), Code::QueueFull),
            }
            refused += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert!(refused > 0, "five at a time");
    for number in 0..200 {
        assert_eq!(next(&mut outcomes).await.0, number);
    }
}

#[tokio::test]
async fn close_ends_what_is_outstanding_and_closes_the_socket() {
    let (address, mut connections) = socket_io().await;
    let driver = connect(address);
    let (completion, mut outcomes) = completions();
    emit(&driver, "echo", "[]", completion(1)).expect("room");
    assert!(next(&mut outcomes).await.1.is_ok());
    emit(&driver, "swallow", "[]", completion(2)).expect("room");
    driver.submit(Command::Close).expect("open");
    let late = emit(&driver, "echo", "[]", completion(3)).map_err(|error| error.code());
    assert_eq!(late, Err(Code::Closed));
    let start = clock::now().mono;
    let waiting = driver.clone();
    let finished = tokio::task::spawn_blocking(move || waiting.wait_finished(LONG)).await;
    assert!(finished.expect("no panic"));
    assert!(clock::now().mono.since(start) < 500);
    let (number, result) = next(&mut outcomes).await;
    assert_eq!((number, code(result)), (2, Some(Code::Closed)));
    assert_eq!(connections.recv().await, Some("closed in order"));
}

#[tokio::test]
async fn dropping_the_last_handle_closes() {
    let (address, mut connections) = socket_io().await;
    let driver = connect(address);
    let (completion, mut outcomes) = completions();
    emit(&driver, "swallow", "[]", completion(1)).expect("room");
    drop(driver.clone());
    emit(&driver, "echo", "[]", completion(2)).expect("still open");
    assert_eq!(next(&mut outcomes).await.0, 2);
    drop(driver);
    assert_eq!(code(next(&mut outcomes).await.1), Some(Code::Closed));
    assert_eq!(connections.recv().await, Some("closed in order"));
}

#[tokio::test]
async fn a_lookup_that_hangs_does_not_delay_the_end() {
    let (address, _heads) = socket_io().await;
    let (entered, entry) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let hanging = Resolver::new(move |_, _| {
        entered.send(()).expect("the test listens");
        let _ = released.lock().map(|released| released.recv());
        Ok(Vec::new())
    });
    let driver = start("portal.test", address, Limits::default(), hanging);
    entry.recv_timeout(LONG).expect("the lookup began");
    let start = clock::now().mono;
    driver.submit(Command::Close).expect("open");
    assert!(driver.wait_finished(LONG));
    let passed = clock::now().mono.since(start);
    assert!(passed < 100, "{passed} ms");
    drop(release);
}

#[tokio::test]
async fn a_reset_is_survived() {
    let (address, mut connections) = socket_io().await;
    let driver = connect(address);
    let (completion, mut outcomes) = completions();
    emit(&driver, "reset", "[]", completion(1)).expect("room");
    let (number, result) = next(&mut outcomes).await;
    assert_eq!((number, code(result)), (1, Some(Code::AckLost)));
    assert_eq!(connections.recv().await, Some("reset"));
    emit(&driver, "echo", "[]", completion(2)).expect("room");
    assert!(next(&mut outcomes).await.1.is_ok());
}

/// Promise P7.
#[tokio::test]
async fn a_heartbeat_is_one_wakeup() {
    let (address, mut server) = socket_io().await;
    let driver = connect(address);
    emit(&driver, "beat", "[]", None).expect("room");
    assert_eq!(server.recv().await, Some("beaten"));
    driver.submit(Command::Close).expect("open");
    assert_eq!(server.recv().await, Some("closed in order"));
    assert!(driver.wait_finished(LONG));
    let stats = driver.stats();
    // Beside the beats there are the steps of connecting, joining, sending and closing.
    assert!((BEATS..BEATS + 30).contains(&stats.wakeups), "{stats:?}");
    assert_eq!((stats.dials, stats.connections, stats.failed_attempts), (1, 1, 0));
    // In: the reply to CONNECT. Out: CONNECT, the event, DISCONNECT.
    assert_eq!((stats.messages_in, stats.messages_out), (1, 3));
    let least = BEATS + r#"42["beat"]"#.len() as u64;
    assert!(stats.bytes_in > BEATS && stats.bytes_out > least, "{stats:?}");
}

#[tokio::test]
async fn a_server_that_does_not_read_holds_up_only_its_own_manager() {
    let (address, _heads) = socket_io().await;
    let (stuck, other) = (connect(address), connect(address));
    let (completion, mut outcomes) = completions();
    emit(&stuck, "freeze", "[]", None).expect("room");
    let text = format!("[\"{}\"]", "x".repeat(256 << 10));
    let mut accepted = 0;
    loop {
        // The other one goes on all the time.
        emit(&other, "echo", "[]", completion(accepted)).expect("room");
        assert!(next(&mut outcomes).await.1.is_ok());
        match emit(&stuck, "echo", &text, None) {
            Ok(_) => accepted += 1,
            Err(error) => break assert_eq!(error.code(), Code::QueueFull),
        }
        assert!(accepted < 1_000, "256 MiB do not fit in between");
    }
    stuck.submit(Command::Close).expect("open");
    let waiting = tokio::task::spawn_blocking(move || stuck.wait_finished(LONG));
    assert!(waiting.await.expect("no panic"));
}

#[tokio::test]
async fn a_host_that_does_not_take_its_events_stops_the_reading_and_loses_nothing() {
    let (address, mut server) = socket_io().await;
    let limits = Limits { host_queue_events: 20, ..Limits::default() };
    let common = CommonConfig { limits, dispatch: DispatchMode::Manual, ..CommonConfig::default() };
    let mailbox = Mailbox::new(common.dispatch.clone(), &common.limits);
    let resolver = Resolver::system();
    let driver = start_into(Arc::clone(&mailbox), "127.0.0.1", address, common, resolver);
    emit(&driver, "flood", "[]", None).expect("room");
    let flooded = tokio::time::timeout(Duration::from_millis(300), server.recv()).await;
    assert!(flooded.is_err(), "the server cannot write all of it");
    assert!(mailbox.is_full());

    let mut delivered = 0;
    while delivered < FLOOD {
        delivered += mailbox.dispatch(10).expect("manual");
        tokio::task::yield_now().await;
    }
    assert_eq!(server.recv().await, Some("flooded"));
    driver.submit(Command::Close).expect("open");
    assert_eq!(server.recv().await, Some("closed in order"));
}

#[tokio::test]
async fn the_callers_runtime_may_go_first() {
    let (address, _heads) = socket_io().await;
    let (completion, mut outcomes) = completions();
    let driver = tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
        let config = ManagerConfig::new(endpoint(false, "127.0.0.1", address));
        let common = config.common.clone();
        let mailbox = Mailbox::new(DispatchMode::Thread, &common.limits);
        let stack = Stack::manager(Arc::new(config), seed());
        let driver =
            Driver::spawn_on(runtime.handle().clone(), stack, common, mailbox).expect("here");
        driver
            .submit(Command::Attach {
                socket: SOCKET,
                namespace: "/".into(),
                options: crate::config::SocketOptions::default(),
            })
            .expect("open");
        emit(&driver, "echo", "[]", completion(1)).expect("room");
        runtime.block_on(tokio::task::yield_now());
        drop(runtime);
        driver
    })
    .await
    .expect("no panic");
    assert_eq!(code(next(&mut outcomes).await.1), Some(Code::Closed));
    assert!(driver.wait_finished(LONG));
    let late = driver.submit(Command::Close).map_err(|error| error.code());
    assert_eq!(late, Err(Code::Closed));
}
