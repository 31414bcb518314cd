//! The whole path, wire to C callback and C emit to wire, over loopback, beside the limit: the raw
//! WebSocket library handling the same frames. `cargo bench --bench c_path`
//!
//! `in` has its callbacks on threads of the library, `inline` on the I/O thread. Then the time from
//! the write of one lone frame to its callback is measured for both.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use roamio::capi::*;
use support::{Counting, Figures, event_args, measure};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, accept};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Messages of a round.
const fn messages(size: usize) -> u64 {
    if size > 100_000 { 200 } else { 20_000 }
}

/// What the C callback has seen: events, and those whose name and argument were not in one frame.
static SEEN: AtomicU64 = AtomicU64::new(0);
static COPIED: AtomicU64 = AtomicU64::new(0);
/// How many it will see.
static WANTED: AtomicU64 = AtomicU64::new(0);
static WAITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
static ARRIVED: std::sync::Condvar = std::sync::Condvar::new();

unsafe extern "C" fn on_event(_: *mut c_void, event: *const roam_event) {
    // SAFETY: the library gives a valid event.
    let (name, argument) = unsafe { ((*event).name, *(*event).args) };
    // `text",` stands between the two on the wire, and nothing else does in one frame.
    let apart = argument.data as usize - name.data as usize;
    COPIED.fetch_add(u64::from(apart != r#"text","#.len()), Ordering::Relaxed);
    if SEEN.fetch_add(1, Ordering::Relaxed) + 1 == WANTED.load(Ordering::Relaxed) {
        drop(WAITING.lock());
        ARRIVED.notify_one();
    }
}

fn wait_for_all() {
    let mut guard = WAITING.lock().unwrap();
    while SEEN.load(Ordering::Relaxed) < WANTED.load(Ordering::Relaxed) {
        guard = ARRIVED.wait(guard).unwrap();
    }
    drop(guard);
    SEEN.store(0, Ordering::Relaxed);
}

/// A frame as a server sends it: unmasked.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        short @ 0..=125 => frame.push(short as u8),
        long @ ..0x1_0000 => {
            frame.push(126);
            frame.extend((long as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Accept one client: the WebSocket and, for Socket.IO, its opening. Gives the bare connection.
fn accept_client(listener: &TcpListener, socket_io: bool) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    let mut socket = accept(stream.try_clone().unwrap()).unwrap();
    if socket_io {
        let open = r#"0{"sid":"a","upgrades":[],"pingInterval":86000000,"pingTimeout":20000}"#;
        socket.send(Message::text(open)).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("40"));
        socket.send(Message::text(r#"40{"sid":"b"}"#)).unwrap();
    }
    stream
}

/// The length of a masked client frame.
const fn masked_len(payload: usize) -> usize {
    let header = match payload {
        ..126 => 6,
        126..0x1_0000 => 8,
        _ => 14,
    };
    payload + header
}

struct Client {
    manager: *mut roam_manager,
    socket: *mut roam_socket,
}

impl Client {
    /// A joined socket made through the C ABI.
    fn connect(port: u16, dispatch: u32) -> Self {
        let text = |text: &str| roam_str { data: text.as_ptr().cast(), len: text.len() };
        let (mut manager, mut socket) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the arguments are valid as the header asks; zeroed tables are allowed.
        unsafe {
            let config = roam_config_new();
            roam_config_set_url(config, text(&format!("http://127.0.0.1:{port}")));
            assert_eq!(roam_config_set_dispatch(config, dispatch), ROAM_OK);
            roam_config_set_limit(config, ROAM_LIMIT_WIRE_QUEUE_EVENTS, 1 << 20);
            roam_config_set_limit(config, ROAM_LIMIT_WIRE_QUEUE_BYTES, 1 << 29);
            let none: roam_manager_events = roam_manager_events {
                struct_size: size_of::<roam_manager_events>(),
                ..std::mem::zeroed()
            };
            assert_eq!(roam_manager_new(config, &none, &mut manager), ROAM_OK);
            let events = roam_socket_events {
                struct_size: size_of::<roam_socket_events>(),
                on_event: Some(on_event),
                ..std::mem::zeroed()
            };
            assert_eq!(
                roam_socket_new(manager, text("/"), ptr::null(), &events, &mut socket),
                ROAM_OK
            );
            assert_eq!(roam_socket_connect(socket, text("")), ROAM_OK);
            while roam_socket_state(socket) != ROAM_SOCKET_STATE_CONNECTED {
                thread::yield_now();
            }
            roam_config_free(config);
        }
        Self { manager, socket }
    }

    fn emit(&self, args: &str) {
        let text = |text: &str| roam_str { data: text.as_ptr().cast(), len: text.len() };
        // SAFETY: the arguments are valid for the call.
        let status =
            unsafe { roam_socket_emit(self.socket, text("text"), text(args), ptr::null()) };
        assert_eq!(status, ROAM_OK);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: both were made above and are freed once.
        unsafe {
            roam_socket_free(self.socket);
            roam_manager_free_wait(self.manager, 5_000);
        }
    }
}

fn main() {
    println!(
        "over loopback, per message       nanoseconds (limit, ratio)       allocations (limit)   copies"
    );
    for size in [64, 4 << 10, 256 << 10] {
        let args = event_args(size);
        let payload = format!(r#"42["text",{}"#, &args[1..]);
        let limit = inbound_limit(&payload);
        for (name, dispatch) in [("in", ROAM_DISPATCH_THREAD), ("inline", ROAM_DISPATCH_INLINE)] {
            report(name, payload.len(), &inbound(&payload, dispatch), &limit);
        }
        report("out", payload.len(), &outbound(&args, payload.len()), &outbound_limit(&payload));
    }
    let args = event_args(64);
    let payload = format!(r#"42["text",{}"#, &args[1..]);
    for (name, dispatch) in [("in", ROAM_DISPATCH_THREAD), ("inline", ROAM_DISPATCH_INLINE)] {
        let (median, late) = latency(&payload, dispatch);
        println!("{name:>6} a lone frame to its callback: {median:.1} us, 99 %: {late:.1} us");
    }
}

fn inbound(payload: &str, dispatch: u32) -> Figures {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || accept_client(&listener, true));
    let client = Client::connect(port, dispatch);
    let mut stream = server.join().unwrap();
    let messages = messages(payload.len());
    let burst = frame(payload.as_bytes()).repeat(messages as usize);
    WANTED.store(messages, Ordering::Relaxed);
    let figures = measure(messages, || {
        stream.write_all(&burst).unwrap();
        wait_for_all();
    });
    drop(client);
    figures
}

/// Microseconds from the write of a lone frame to its callback: the median and the 99th percentile.
fn latency(payload: &str, dispatch: u32) -> (f64, f64) {
    const ROUNDS: usize = 5_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || accept_client(&listener, true));
    let client = Client::connect(port, dispatch);
    let mut stream = server.join().unwrap();
    let frame = frame(payload.as_bytes());
    let mut taken: Vec<f64> = (1..=ROUNDS as u64)
        .map(|round| {
            let start = Instant::now();
            stream.write_all(&frame).unwrap();
            while SEEN.load(Ordering::Acquire) < round {
                std::hint::spin_loop();
            }
            start.elapsed().as_nanos() as f64 / 1_000.0
        })
        .collect();
    SEEN.store(0, Ordering::Relaxed);
    drop(client);
    taken.sort_by(f64::total_cmp);
    (taken[ROUNDS / 2], taken[ROUNDS * 99 / 100])
}

fn outbound(args: &str, payload: usize) -> Figures {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || accept_client(&listener, true));
    let client = Client::connect(port, ROAM_DISPATCH_THREAD);
    let mut stream = server.join().unwrap();
    let mut sink = vec![0; 1 << 16];
    let messages = messages(payload);
    measure(messages, || {
        for _ in 0..messages {
            client.emit(args);
        }
        drain(&mut stream, &mut sink, payload);
    })
}

/// Read what a round of client frames amounts to.
fn drain(stream: &mut TcpStream, sink: &mut [u8], payload: usize) {
    let mut left = masked_len(payload) * messages(payload) as usize;
    while left > 0 {
        let most = left.min(sink.len());
        left -= stream.read(&mut sink[..most]).unwrap();
    }
}

fn limit_config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(16 << 10)
}

fn inbound_limit(payload: &str) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || accept_client(&listener, false));
    let connect = tokio_tungstenite::connect_async_with_config(url, Some(limit_config()), true);
    let (mut socket, _) = runtime.block_on(connect).unwrap();
    let mut stream = server.join().unwrap();
    let burst = frame(payload.as_bytes()).repeat(messages(payload.len()) as usize);
    let messages = messages(payload.len());
    measure(messages, || {
        thread::scope(|scope| {
            scope.spawn(|| stream.write_all(&burst).unwrap());
            runtime.block_on(async {
                for _ in 0..messages {
                    std::hint::black_box(socket.next().await.unwrap().unwrap());
                }
            });
        });
    })
}

fn outbound_limit(payload: &str) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || accept_client(&listener, false));
    let connect = tokio_tungstenite::connect_async_with_config(url, Some(limit_config()), true);
    let (mut socket, _) = runtime.block_on(connect).unwrap();
    let mut stream = server.join().unwrap();
    let mut sink = vec![0; 1 << 16];
    let text = tokio_tungstenite::tungstenite::Utf8Bytes::from(payload);
    let messages = messages(payload.len());
    measure(messages, || {
        thread::scope(|scope| {
            scope.spawn(|| drain(&mut stream, &mut sink, payload.len()));
            runtime.block_on(async {
                for _ in 0..messages {
                    socket.feed(Message::Text(text.clone())).await.unwrap();
                }
                socket.flush().await.unwrap();
            });
        });
    })
}

fn report(direction: &str, bytes: usize, roamio: &Figures, limit: &Figures) {
    println!(
        "{direction:>6} {bytes:>6} bytes        {:>11.0} ({:>5.0}, {:>4.2})       {:>11.3} ({:>5.3})   {:>6}",
        roamio.nanoseconds,
        limit.nanoseconds,
        roamio.nanoseconds / limit.nanoseconds,
        roamio.allocations,
        limit.allocations,
        COPIED.swap(0, Ordering::Relaxed),
    );
}
