//! What lies between: a relay that delays, freezes and cuts, and a proxy that strips upgrades.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::PATIENCE;

/// A TCP relay to a port of this machine.
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    /// Each way.
    delay: Duration,
    /// Bytes in both directions after which connections are reset.
    budget: AtomicUsize,
    closed: AtomicBool,
    refusing: AtomicBool,
    frozen: Mutex<bool>,
    thawed: Condvar,
    accepted: AtomicUsize,
    open: Mutex<Vec<Arc<Connection>>>,
    ended: Condvar,
}

impl Relay {
    /// Without delay.
    pub fn new(upstream: u16) -> Self {
        Self::delaying(upstream, Duration::ZERO)
    }

    /// Everything arrives `delay` later, each way. The first bytes of a connection take two delays
    /// more: what its TCP handshake would have taken.
    pub fn delaying(upstream: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream,
            delay,
            budget: AtomicUsize::new(usize::MAX),
            closed: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            frozen: Mutex::new(false),
            thawed: Condvar::new(),
            accepted: AtomicUsize::new(0),
            open: Mutex::new(Vec::new()),
            ended: Condvar::new(),
        });
        let relay = Self { port, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.closed.load(Ordering::Relaxed) {
                    return;
                }
                shared.accepted.fetch_add(1, Ordering::Relaxed);
                if shared.refusing.load(Ordering::Relaxed) {
                    linger_zero(&client);
                    continue;
                }
                Shared::connect(&shared, client);
            }
        });
        relay
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Connections so far, refused ones included.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Wait until there are that many open connections or fewer.
    #[track_caller]
    pub fn until_open(&self, wanted: usize) {
        let start = Instant::now();
        let mut open = self.shared.open.lock().unwrap();
        while open.len() > wanted {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "{} connections are still open", open.len());
            open = self.shared.ended.wait_timeout(open, left).unwrap().0;
        }
    }

    /// Reset every connection, on both sides.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// End every connection in order, on both sides.
    pub fn finish(&self) {
        self.shared.finish();
    }

    /// Reset new connections at once, or no longer.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::Relaxed);
    }

    /// Pass nothing on, in either direction and without a sign, or go on with it.
    pub fn freeze(&self, freeze: bool) {
        *self.shared.frozen.lock().unwrap() = freeze;
        self.shared.thawed.notify_all();
    }

    /// Reset every connection once that many more bytes have gone through.
    pub fn reset_after(&self, bytes: usize) {
        self.shared.budget.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.freeze(false);
        self.finish();
        // Wakes the accepting thread.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn linger_zero(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// One connection. Its sockets are closed when the last thread is done with it.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// It ends with a reset, and passes nothing on any more.
    reset: AtomicBool,
}

impl Connection {
    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Let every thread let go of it; the last one's close is a reset.
    fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        for stream in [&self.client, &self.server] {
            linger_zero(stream);
            let _ = stream.shutdown(Shutdown::Read);
        }
    }
}

impl Shared {
    fn connect(this: &Arc<Self>, client: TcpStream) {
        // Whoever cuts connections that the server knows of cuts this one, too.
        let mut open = this.open.lock().unwrap();
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, this.upstream)) else {
            linger_zero(&client);
            return;
        };
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let connection = Arc::new(Connection { client, server, reset: AtomicBool::new(false) });
        open.push(Arc::clone(&connection));
        drop(open);
        let ends = Arc::new(AtomicUsize::new(0));
        for to_server in [true, false] {
            let (shared, connection) = (Arc::clone(this), Arc::clone(&connection));
            let ends = Arc::clone(&ends);
            thread::spawn(move || {
                shared.pump(&connection, to_server);
                if ends.fetch_add(1, Ordering::AcqRel) == 1 {
                    shared.open.lock().unwrap().retain(|known| !Arc::ptr_eq(known, &connection));
                    shared.ended.notify_all();
                }
            });
        }
    }

    /// Pass on what comes in one direction, and the end of it.
    fn pump(&self, connection: &Arc<Connection>, to_server: bool) {
        let earliest = Instant::now() + if to_server { 2 * self.delay } else { Duration::ZERO };
        let (later, due) = channel::<(Instant, Option<Vec<u8>>)>();
        let (reading, delay) = (Arc::clone(connection), self.delay);
        thread::spawn(move || {
            let mut from = if to_server { &reading.client } else { &reading.server };
            let mut buffer = [0; 16 * 1024];
            loop {
                let read = from.read(&mut buffer);
                let at = Instant::now().max(earliest) + delay;
                let bytes = match read {
                    Ok(count @ 1..) => Some(buffer[..count].to_vec()),
                    Ok(_) => None,
                    Err(_) => {
                        reading.reset();
                        None
                    }
                };
                let end = bytes.is_none();
                if later.send((at, bytes)).is_err() || end {
                    return;
                }
            }
        });
        let mut to = if to_server { &connection.server } else { &connection.client };
        while let Ok((at, bytes)) = due.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let mut frozen = self.frozen.lock().unwrap();
            while *frozen && !connection.is_reset() {
                frozen = self.thawed.wait(frozen).unwrap();
            }
            drop(frozen);
            if connection.is_reset() {
                return;
            }
            let Some(bytes) = bytes else { break };
            let left = self.budget.load(Ordering::Relaxed);
            if left != usize::MAX {
                self.budget.store(left.saturating_sub(bytes.len()), Ordering::Relaxed);
                if left <= bytes.len() {
                    let _ = to.write_all(&bytes[..left]);
                    self.budget.store(usize::MAX, Ordering::Relaxed);
                    self.reset();
                    return;
                }
            }
            if to.write_all(&bytes).is_err() {
                connection.reset();
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    fn reset(&self) {
        for connection in self.open.lock().unwrap().drain(..) {
            connection.reset();
        }
        self.thawed.notify_all();
        self.ended.notify_all();
    }

    fn finish(&self) {
        for connection in &*self.open.lock().unwrap() {
            for stream in [&connection.client, &connection.server] {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

/// nginx in front of a port of this machine, which knows nothing of WebSocket: upgrades arrive as
/// plain GETs.
pub struct Stripping {
    process: Child,
    port: u16,
    folder: std::path::PathBuf,
}

impl Stripping {
    /// Start it on a free port.
    pub fn start(upstream: u16) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = root.join(format!("nginx-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let here = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error;\n\
             events {{ }}\n\
             http {{\n access_log off; {temporary}\n server {{\n listen 127.0.0.1:{port};\n\
             location / {{\n proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_buffering off; proxy_read_timeout 120s;\n\
             }}\n}}\n}}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let binary = if std::path::Path::new("/usr/sbin/nginx").exists() {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        };
        let mut command = Command::new(binary);
        command.arg("-p").arg(&folder).arg("-c").arg(&file).arg("-e").arg(folder.join("error"));
        let started = command.stdin(Stdio::null()).spawn();
        let process = started.unwrap_or_else(|error| {
            panic!("{binary}: {error}; `.ci/prepare test` installs what the tests need");
        });
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "nginx listens");
            thread::sleep(Duration::from_millis(5));
        }
        Self { process, port, folder }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Stripping {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn nginx_strips_what_an_upgrade_is_made_of() {
    use std::io::{BufRead, BufReader};
    let mut fake = crate::fake::Fake::start();
    let nginx = Stripping::start(fake.port());
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, nginx.port)).unwrap();
    client
        .write_all(
            b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .unwrap();
    let request = fake.request();
    assert!(!request.is_websocket() && request.path() == "/x");
    request.ok("plain");
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 Scripted\r\n");
}

#[test]
fn a_relay_delays_freezes_cuts_and_refuses() {
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let delay = Duration::from_millis(30);
    let relay = Relay::delaying(upstream.local_addr().unwrap().port(), delay);
    let connect = || {
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
        (client, upstream.accept().unwrap().0)
    };
    let mut byte = [0];

    let start = Instant::now();
    let (mut client, mut server) = connect();
    client.write_all(b"a").unwrap();
    server.read_exact(&mut byte).unwrap();
    assert!(start.elapsed() >= 3 * delay, "the TCP handshake, and one way");
    let start = Instant::now();
    server.write_all(b"b").unwrap();
    client.read_exact(&mut byte).unwrap();
    assert!(start.elapsed() >= delay);

    relay.freeze(true);
    client.write_all(b"c").unwrap();
    server.set_read_timeout(Some(3 * delay)).unwrap();
    assert!(server.read(&mut byte).is_err(), "nothing passes");
    relay.freeze(false);
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    server.read_exact(&mut byte).unwrap();

    relay.reset();
    for mut end in [client, server] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
        let error = end.read(&mut byte).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    relay.until_open(0);

    let (mut client, mut server) = connect();
    relay.reset_after(2);
    client.write_all(b"xyz").unwrap();
    let mut seen = Vec::new();
    assert!(server.read_to_end(&mut seen).is_err());
    assert!(b"xyz".starts_with(&seen) && seen.len() < 3);

    let (mut client, _server) = connect();
    relay.finish();
    assert_eq!(client.read(&mut byte).unwrap(), 0, "an end in order");

    relay.refuse(true);
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
    assert!(matches!(client.read(&mut byte), Err(_) | Ok(0)));
    assert_eq!(relay.accepted(), 4);
}
