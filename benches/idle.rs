//! What an idle manager keeps of the heap, by transport. `cargo bench --bench idle`
//!
//! The server, socketioxide, runs in another process: the same program, started with `--server`.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use roamio::client::Manager;
use roamio::config::{Endpoint, ManagerConfig, Transport, TransportConfig};
use roamio::proto::io::{SocketEvent, SocketState};
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;

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

const MANAGERS: usize = 200;

fn main() {
    if std::env::args().any(|argument| argument == "--server") {
        return serve();
    }
    let program = std::env::current_exe().unwrap();
    let mut server = Command::new(program).arg("--server").stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let url = format!("http://127.0.0.1:{}", port.trim());
    for (name, transports) in [
        ("WebSocket", TransportConfig::only(Transport::Websocket)),
        ("polling", TransportConfig::only(Transport::Polling)),
        ("upgraded", TransportConfig::polling_first()),
    ] {
        let mut config = ManagerConfig::new(Endpoint::parse(&url).unwrap().0);
        config.common.transports = transports;
        println!("{name:>10} {:>8} bytes for each idle manager", idle(&config));
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Bytes for each of many managers, once what all of them share is there.
fn idle(config: &ManagerConfig) -> i64 {
    let mut managers = vec![joined(config)];
    let before = LIVE.load(Ordering::Relaxed);
    managers.extend((0..MANAGERS).map(|_| joined(config)));
    // What an upgrade leaves behind, and a few heartbeats.
    std::thread::sleep(Duration::from_secs(2));
    let each = (LIVE.load(Ordering::Relaxed) - before) / MANAGERS as i64;
    for (manager, _) in managers {
        manager.close_wait(Duration::from_secs(5)).unwrap();
    }
    each
}

fn joined(config: &ManagerConfig) -> (Manager, roamio::client::Socket) {
    let (tell, told) = channel();
    let manager = Manager::new(config.clone(), |_| {}).unwrap();
    let socket = manager
        .socket("/", move |event| {
            if let SocketEvent::State { transition, .. } = event
                && transition.state == SocketState::Connected
            {
                let _ = tell.send(());
            }
        })
        .unwrap();
    socket.connect(None).unwrap();
    told.recv_timeout(Duration::from_secs(10)).unwrap();
    (manager, socket)
}

fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (layer, io) =
            SocketIo::builder().ping_interval(Duration::from_millis(500)).build_layer();
        io.ns("/", async |_: SocketRef| {});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        axum::serve(listener, axum::Router::new().layer(layer)).await.unwrap();
    });
}
