//! Many of everything, again and again, against the reference server: it works, and nothing is left
//! behind (conformance 82 and 85).
//!
//! Threads, descriptors and live heap bytes belong to a whole process, so the tests of this one run
//! one at a time.

#![cfg(target_os = "linux")] // /proc tells what a process has.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub, dead_code)]

#[path = "conformance/server.rs"]
mod server;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use roamio::client::{EmitOptions, Manager, Socket, SocketEvent, SocketState};
use roamio::config::{Endpoint, ManagerConfig, Transport, TransportConfig};
use serde_json::json;
use server::{Kind, PATIENCE, Server};

/// The system's allocator, with a count of the bytes that are in use.
struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What may be added by each cycle: tables that have grown, once. A leaked connection would be a
/// hundred times as much.
const BYTES_EACH: i64 = 64;

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What this process has, as far as the library makes it.
#[derive(Clone, Debug)]
struct Footprint {
    threads: usize,
    descriptors: usize,
    live_bytes: i64,
}

impl Footprint {
    fn now(server: &Server) -> Self {
        server.forget_log();
        let name = |task: std::io::Result<fs::DirEntry>| {
            fs::read_to_string(task.ok()?.path().join("comm")).ok()
        };
        let names = fs::read_dir("/proc/self/task").unwrap().filter_map(name);
        Self {
            threads: names.filter(|name| name.starts_with("roamio-")).count(),
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            live_bytes: LIVE.load(Ordering::Relaxed),
        }
    }

    /// Wait until the process has no more than that: what was closed may still be saying goodbye.
    #[track_caller]
    fn until_back(&self, server: &Server, cycles: i64) -> Self {
        let start = Instant::now();
        loop {
            let now = Self::now(server);
            let bytes = now.live_bytes - self.live_bytes;
            if now.threads <= self.threads
                && now.descriptors <= self.descriptors
                && bytes <= cycles * BYTES_EACH
            {
                return now;
            }
            assert!(start.elapsed() < PATIENCE, "{self:?} has become {now:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn transports() -> [TransportConfig; 3] {
    let only = TransportConfig::only;
    [only(Transport::Polling), only(Transport::Websocket), TransportConfig::polling_first()]
}

/// Options that reconnect as fast as they can.
fn config(server: &Server, transports: TransportConfig) -> ManagerConfig {
    let mut config = ManagerConfig::new(Endpoint::parse(&server.url()).unwrap().0);
    config.common.transports = transports;
    config.reconnect.min = Duration::from_millis(1);
    config.reconnect.floor = Duration::ZERO;
    config.reconnect.stable_after = Duration::ZERO;
    config.reconnect.dials_per_10s = u32::MAX;
    config
}

/// A socket that tells its states.
fn socket(manager: &Manager, namespace: &str, tell: &Sender<SocketState>) -> Socket {
    let tell = tell.clone();
    let socket = manager.socket(namespace, move |event| {
        if let SocketEvent::State { transition, .. } = event {
            let _ = tell.send(transition.state);
        }
    });
    socket.unwrap()
}

/// Wait until a state was told that often.
#[track_caller]
fn until(told: &Receiver<SocketState>, wanted: SocketState, times: usize) {
    for _ in 0..times {
        while told.recv_timeout(PATIENCE).expect("a state that does not come") != wanted {}
    }
}

/// Every socket has its own words echoed.
#[track_caller]
fn assert_all_answer(sockets: &[Socket]) {
    let (tell, told) = channel();
    for (number, socket) in sockets.iter().enumerate() {
        let tell = tell.clone();
        let answered = move |answer: roamio::error::Result<roamio::payload::Payload>| {
            let _ = tell.send((number, answer.unwrap().decode::<usize>(0).unwrap()));
        };
        let args = format!("[{number}]");
        socket.emit_with_ack("ack", &args, EmitOptions::default(), answered).unwrap();
    }
    for _ in sockets {
        let (number, answer) = told.recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(number, answer);
    }
}

#[test]
fn conformance_85_two_hundred_cycles_leave_nothing_behind() {
    const AT_ONCE: usize = 10;
    let _alone = alone();
    let server = Server::start(Kind::V4, json!({}));
    for transports in transports() {
        let config = config(&server, transports);
        // It keeps the threads that all of them share.
        let kept = Manager::new(config.clone(), |_| {}).unwrap();
        // Half of a round are new managers, the others connect again and again.
        let (tell, told) = channel();
        let managers: Vec<Manager> =
            (0..AT_ONCE / 2).map(|_| Manager::new(config.clone(), |_| {}).unwrap()).collect();
        let again: Vec<Socket> =
            managers.iter().map(|manager| socket(manager, "/", &tell)).collect();
        let round = || {
            let fresh: Vec<(Manager, Socket)> = (0..AT_ONCE / 2)
                .map(|_| Manager::new(config.clone(), |_| {}).unwrap())
                .map(|manager| (manager.clone(), socket(&manager, "/", &tell)))
                .collect();
            for socket in fresh.iter().map(|(_, socket)| socket).chain(&again) {
                socket.connect(None).unwrap();
            }
            until(&told, SocketState::Connected, AT_ONCE);
            again.iter().for_each(|socket| socket.disconnect().unwrap());
            until(&told, SocketState::Idle, AT_ONCE / 2);
            for (manager, socket) in fresh {
                socket.close();
                manager.close_wait(PATIENCE).unwrap();
            }
        };
        (0..5).for_each(|_| round());
        let before = Footprint::now(&server).until_back(&server, 0);
        (0..20).for_each(|_| round());
        let after = before.until_back(&server, 200);
        println!("{:?}: {before:?}, after 200 cycles {after:?}", config.common.transports.order);
        assert_all_answer(&{
            again[0].connect(None).unwrap();
            [again[0].clone()]
        });
        drop((again, managers));
        kept.close_wait(PATIENCE).unwrap();
    }
}

#[test]
fn conformance_82_parse_errors_leave_nothing_behind() {
    let _alone = alone();
    let server = Server::start(Kind::V4, json!({}));
    for transports in transports() {
        let (tell, told) = channel();
        let manager = Manager::new(config(&server, transports), |_| {}).unwrap();
        let root = socket(&manager, "/", &tell);
        root.connect(None).unwrap();
        until(&told, SocketState::Connected, 1);
        let err = || {
            root.emit("raw", r#"["2[\"disconnect\"]"]"#).unwrap();
            until(&told, SocketState::Rejoining, 1);
            until(&told, SocketState::Connected, 1);
        };
        (0..10).for_each(|_| err());
        assert_all_answer(std::slice::from_ref(&root));
        let before = Footprint::now(&server);
        (0..50).for_each(|_| err());
        let after = before.until_back(&server, 50);
        println!("{before:?}, after 50 parse errors {after:?}");
        drop(root);
        manager.close_wait(PATIENCE).unwrap();
    }
}

#[test]
fn a_thousand_managers_live_in_one_process() {
    const MANAGERS: usize = 1_000;
    let _alone = alone();
    allow_descriptors();
    let server = Server::start(Kind::V4, json!({}));
    let config = config(&server, TransportConfig::default());
    // What a process opens once is open, and what the others have left behind ends by itself.
    Manager::new(config.clone(), |_| {}).unwrap().close_wait(PATIENCE).unwrap();
    let none = Footprint { threads: 0, ..Footprint::now(&server) };
    let before = none.until_back(&server, 1_000);
    let start = Instant::now();
    let (tell, told) = channel();
    let managers: Vec<Manager> =
        (0..MANAGERS).map(|_| Manager::new(config.clone(), |_| {}).unwrap()).collect();
    let sockets: Vec<Socket> = managers.iter().map(|manager| socket(manager, "/", &tell)).collect();
    sockets.iter().for_each(|socket| socket.connect(None).unwrap());
    until(&told, SocketState::Connected, MANAGERS);
    let connected = start.elapsed();
    assert_all_answer(&sockets);
    assert_eq!(server.count(|line| line["log"] == "open"), MANAGERS);
    let during = Footprint::now(&server);
    assert!(during.threads <= 1 + 4 + 4, "they share their threads: {during:?}");
    drop(sockets);
    for manager in &managers {
        manager.close_wait(PATIENCE).unwrap();
    }
    drop((managers, tell, told));
    let after = before.until_back(&server, 1_000);
    println!("{MANAGERS} managers after {connected:?}: {before:?}, {during:?}, {after:?}");
}

/// As many descriptors as this process may have.
fn allow_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
