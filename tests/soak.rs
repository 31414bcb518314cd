//! Ten thousand relogins in a row, and a thousand sessions: nothing lost, nothing doubled, and nothing
//! left behind.
//!
//! Threads, descriptors and live heap bytes belong to a whole process, so this test has one to
//! itself, and the portal runs in another: the same program, started with `--portal`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use roamio::client::{Conference, ConferenceEvent};
use roamio::config::ConferenceConfig;
use roamio_portal::model::{ModelConfig, Retention};
use roamio_portal::{Server, ServerConfig};

const RELOGINS: u64 = 10_000;
const SESSIONS: u64 = 1_000;
/// This one, the library's own, and up to four for callbacks.
const MOST_THREADS: usize = 6;
/// Tables and buffers have grown by then.
const WARM: u64 = 1_000;
/// What may be added for each relogin; a leaked connection would be a thousand times as much.
const BYTES_EACH: f64 = 64.0;
const PATIENCE: Duration = Duration::from_secs(30);

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

/// The portal's process and its control endpoint.
struct Portal {
    process: Child,
    port: u16,
}

impl Portal {
    fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut process =
            Command::new(program).arg("--portal").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }

    fn token(&self, room: &str) -> String {
        let path = format!("/v1/rooms/{room}/tokens");
        self.call("POST", &path, r#"{"user":"alice","role":"presenter"}"#)
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{path}: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
struct Footprint {
    threads: usize,
    descriptors: usize,
    live_bytes: i64,
}

impl Footprint {
    fn now() -> Self {
        let entries = |folder| fs::read_dir(folder).unwrap().count();
        Self {
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
            live_bytes: LIVE.load(Ordering::Relaxed),
        }
    }
}

enum Told {
    Resumed,
    Text(u64),
}

/// The next thing that is told must be the text of this number.
fn expect_text(told: &Receiver<Told>, number: u64) {
    match told.recv_timeout(PATIENCE).expect("a notification was lost") {
        Told::Text(got) => assert_eq!(got, number, "lost, doubled or out of order"),
        Told::Resumed => panic!("resumed twice"),
    }
}

fn expect_resumed(told: &Receiver<Told>) {
    match told.recv_timeout(PATIENCE).expect("the session did not come back") {
        Told::Resumed => {}
        Told::Text(number) => panic!("text {number} was delivered before the session resumed"),
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--portal") {
        // A replay that grew would take its time, and its buffer from the memory that is measured.
        let model = ModelConfig {
            retention: Retention::For(1),
            relogin_ends_pruning: false,
            ..ModelConfig::default()
        };
        let config = ServerConfig { model, ..ServerConfig::default() };
        let server = Server::start_blocking(config).unwrap();
        println!("{}", server.port());
        return server.wait();
    }
    let portal = Portal::start();
    req_6_3_sessions_leave_nothing_behind(&portal);
    k03_w29_relogins_leave_nothing_behind(&portal);
    println!("test result: ok. 2 passed; 0 failed");
}

fn req_6_3_sessions_leave_nothing_behind(portal: &Portal) {
    // The threads of the library end with the last object.
    let _idle = Conference::new(ConferenceConfig::default(), |_| {}).unwrap();
    let mut base = None;
    for session in 1..=SESSIONS {
        let conference = Conference::new(ConferenceConfig::default(), |_| {}).unwrap();
        let (entered, login) = channel();
        conference
            .login(&portal.token("sessions"), move |result| entered.send(result).unwrap())
            .unwrap();
        login.recv_timeout(PATIENCE).unwrap().unwrap();
        // Every other one stays behind as a participant; the connection goes all the same.
        if session % 2 == 0 {
            let (left, logout) = channel();
            conference.logout(move |result| left.send(result).unwrap()).unwrap();
            logout.recv_timeout(PATIENCE).unwrap().unwrap();
        }
        conference.close_wait(PATIENCE).unwrap();
        if session == SESSIONS / 10 {
            base = Some(Footprint::now());
        }
    }
    let (base, end) = (base.unwrap(), Footprint::now());
    println!("{SESSIONS} sessions; after a tenth of them: {base:?}, then {end:?}");
    assert!(end.threads <= MOST_THREADS, "threads: {end:?}");
    assert!(end.descriptors <= base.descriptors, "descriptors: {base:?} -> {end:?}");
    let each = (end.live_bytes - base.live_bytes) as f64 / SESSIONS as f64;
    assert!(each <= BYTES_EACH, "{each} bytes stay of every session");
}

fn k03_w29_relogins_leave_nothing_behind(portal: &Portal) {
    let mut config = ConferenceConfig::default();
    config.resume.min = Duration::from_millis(1);
    config.resume.floor = Duration::ZERO;
    config.resume.stable_after = Duration::ZERO;
    config.resume.dials_per_10s = u32::MAX;
    let (tell, told) = channel();
    let conference = Conference::new(config, move |event| {
        let _ = match event {
            ConferenceEvent::Resumed { complete, .. } => {
                assert!(complete);
                tell.send(Told::Resumed)
            }
            ConferenceEvent::Notification { payload, .. } if payload.name() == "text" => {
                let data: serde_json::Value = payload.decode(0).unwrap();
                tell.send(Told::Text(data["message"].as_str().unwrap().parse().unwrap()))
            }
            ConferenceEvent::Gap { .. } => panic!("a gap"),
            _ => Ok(()),
        };
    })
    .unwrap();
    let (entered, login) = channel();
    conference.login(&portal.token("soak"), move |result| entered.send(result).unwrap()).unwrap();
    let answer: serde_json::Value =
        login.recv_timeout(PATIENCE).unwrap().unwrap().decode(0).unwrap();
    let participant = answer["id"].as_str().unwrap().to_owned();

    let text = |number: u64| {
        portal.call(
            "POST",
            &format!("/control/texts?participant={participant}&count=1&first={number}"),
            "",
        );
    };
    let cut = |how: &str| {
        portal.call("POST", &format!("/control/cut?all=true&how={how}"), "");
    };
    let mut base = None;
    for round in 1..=RELOGINS {
        // The text is missed and replayed in every other round.
        if round % 2 == 0 {
            cut("rst");
            text(round);
            expect_resumed(&told);
            expect_text(&told, round);
        } else {
            text(round);
            expect_text(&told, round);
            cut("fin");
            expect_resumed(&told);
        }
        if round == WARM {
            base = Some(Footprint::now());
        }
    }
    let (base, end) = (base.unwrap(), Footprint::now());
    text(RELOGINS + 1);
    expect_text(&told, RELOGINS + 1);

    let ledger = format!("/control/ledger?participant={participant}&format=text");
    let ledger = portal.call("GET", &ledger, "");
    assert!(ledger.contains(&format!("\nrelogins {RELOGINS}\n")), "every cut was one relogin");
    let grown = end.live_bytes - base.live_bytes;
    let each = grown as f64 / (RELOGINS - WARM) as f64;
    println!("{RELOGINS} relogins, lost 0, doubled 0; after {WARM}: {base:?}, then {end:?}");
    println!("live bytes grown by {grown}: {each:.1} for each relogin");
    assert!(end.threads <= MOST_THREADS, "threads: {end:?}");
    assert!(end.descriptors <= base.descriptors, "descriptors: {base:?} -> {end:?}");
    assert!(each <= BYTES_EACH, "live bytes grow with every relogin");

    conference.close_wait(Duration::from_secs(5)).unwrap();
}
