use std::collections::BTreeSet;
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use std::{env, fs, process};

use bytes::{Bytes, BytesMut};

use super::writer::LIMIT;
use super::*;
use crate::config::{Endpoint, SocketOptions, TraceSink, Transport};
use crate::driver::lifeline::Finish;
use crate::driver::runtime::Runtime;
use crate::error::{Code, Error};
use crate::payload::{Outgoing, Payload};
use crate::proto::io::{
    Command, ConferenceEvent, ConferenceState, Cookies, DisconnectReason, Event, Exchange, Headers,
    Hint, HttpRequest, HttpResponse, Input, ManagerEvent, Offline, OfflineRequest, Retry,
    SocketEvent, SocketId, SocketState, Transition, Transmit,
};
use crate::secret::Secret;

const SECRET: &str = "s3cr3t-planted";
const LONG: Duration = Duration::from_secs(10);
const START: Now = Now { mono: Timestamp(7_000), wall: 1_764_333_000_000 };

/// A recorder, and what it has written.
struct Scene {
    recorder: Box<Recorder>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let sink = TraceSink::lines(move |line| seen.lock().expect("whole").push(line.to_owned()));
        Self { recorder: start(sink).expect("starts"), lines }
    }

    fn at(&mut self, ms: u64) -> &mut Recorder {
        self.recorder.turn(Now { mono: START.mono + ms, wall: 0 });
        &mut self.recorder
    }

    fn end(self) -> Vec<String> {
        end(*self.recorder);
        self.lines.lock().expect("whole").clone()
    }
}

fn start(sink: TraceSink) -> Result<Box<Recorder>> {
    let common = CommonConfig { trace: Some(sink), ..CommonConfig::default() };
    Recorder::start(&common, "conference", START).map(|recorder| recorder.expect("wanted"))
}

/// End a trace and wait until its last line is written.
fn end(recorder: Recorder) {
    let finish = Arc::new(Finish::default());
    recorder.end(finish.lifeline(Runtime::shared().expect("starts")));
    assert!(finish.wait(LONG), "the writer lets go of the lifeline");
}

fn error(code: Code) -> Error {
    Error::new(code, "why")
}

fn outgoing(name: &str) -> Outgoing {
    let args = format!("[\"{SECRET}\"]");
    Outgoing::event(&mut BytesMut::new(), "/", name, &args, Vec::new()).expect("valid")
}

fn payload(name: &str) -> Payload {
    outgoing(name).into_payload()
}

fn endpoint() -> Arc<Endpoint> {
    Arc::new(Endpoint::parse(&format!("https://portal.example/?key={SECRET}")).expect("valid").0)
}

fn headers() -> Headers {
    Arc::new([("Authorization".to_owned(), SECRET.to_owned())])
}

fn text(wire: u32, frame: &str) -> Input {
    Input::Text { wire: WireId(wire), frame: Bytes::copy_from_slice(frame.as_bytes()) }
}

fn send(wire: u32, frame: &str) -> Transmit {
    Transmit::Text { wire: WireId(wire), frame: Bytes::copy_from_slice(frame.as_bytes()) }
}

fn step<S>(number: u64, state: S, cause: Option<Code>) -> Transition<S> {
    Transition { number, state, cause: cause.map(error), grace_ms: None }
}

fn dial(wire: u32, query: &str) -> Transmit {
    Transmit::Dial {
        wire: WireId(wire),
        endpoint: endpoint(),
        path_and_query: format!("/socket.io/?EIO=4{query}"),
        headers: headers(),
    }
}

/// A conference that loses its connection while a request is in flight.
fn conference(scene: &mut Scene) {
    let login = RequestId(1);
    let token = crate::config::Token { endpoint: (*endpoint()).clone(), text: Secret::new(SECRET) };
    scene.at(2).command(&Command::Login { request: login, token });
    scene.at(2).event(&Event::Conference(ConferenceEvent::State(step(
        1,
        ConferenceState::Joining,
        None,
    ))));
    scene.at(3).transmit(&dial(1, ""));
    scene.at(20).input(&Input::Reached { wire: WireId(1), connect_ms: 12 });
    scene.at(45).input(&Input::Secured { wire: WireId(1), tls_ms: 25 });
    scene.at(60).input(&Input::Connected {
        wire: WireId(1),
        local: "192.0.2.7:50123".parse().ok(),
        cookies: Cookies { set: vec![format!("route={SECRET}")], date: None },
    });
    scene.at(60).transmit(&Transmit::LimitUnacknowledged { wire: WireId(1), ms: 45_000 });
    let open = format!(r#"0{{"sid":"{SECRET}","pingInterval":25000,"pingTimeout":20000}}"#);
    scene.at(61).input(&text(1, &open));
    scene.at(62).transmit(&send(1, "40"));
    scene.at(70).input(&text(1, &format!(r#"40{{"sid":"{SECRET}"}}"#)));
    scene.at(71).transmit(&send(1, &format!(r#"420["login","{SECRET}"]"#)));
    scene.at(90).input(&text(1, &format!(r#"430["ok",{{"ticket":"{SECRET}"}}]"#)));
    scene.at(90).event(&Event::Conference(ConferenceEvent::State(step(
        2,
        ConferenceState::Ready,
        None,
    ))));
    scene.at(90).event(&Event::Conference(ConferenceEvent::Resumable(true)));
    scene.at(90).event(&Event::Outcome { request: login, result: Ok(payload("login")) });
    scene.at(200).input(&text(1, &format!(r#"42["text","{SECRET}"]"#)));
    scene.at(200).event(&Event::Conference(ConferenceEvent::Notification {
        payload: payload("text"),
        replayed: false,
        number: 1,
    }));
    let request = RequestId(2);
    let event = outgoing("publish");
    scene.at(300).command(&Command::Request {
        request,
        event,
        timeout_ms: Some(5_000),
        offline: OfflineRequest::Wait,
        idempotent: false,
    });
    scene.at(300).transmit(&send(1, &format!(r#"421["publish","{SECRET}"]"#)));
    scene.at(400).command(&Command::Hint(Hint::NetworkChanged));
    scene.at(400).transmit(&Transmit::Ping { wire: WireId(1) });
    let local = "198.51.100.7".parse().ok();
    scene.at(410).input(&Input::LocalAddress { wire: WireId(1), local });
    scene.at(450).input(&Input::Activity { wire: WireId(1), partial: false, pong: true });
    for _ in 0..3 {
        scene.at(460).input(&Input::Activity { wire: WireId(1), partial: true, pong: false });
    }
    scene.at(500).input(&Input::Closed { wire: WireId(1), error: error(Code::NetworkLost) });
    scene.at(500).event(&Event::Conference(ConferenceEvent::State(Transition {
        grace_ms: Some(590_000),
        ..step(3, ConferenceState::Resuming, Some(Code::NetworkLost))
    })));
    scene.at(500).event(&Event::Outcome { request, result: Err(error(Code::AckLost)) });
    scene.at(501).transmit(&dial(2, ""));
    scene.at(520).input(&Input::Failed { wire: WireId(2), error: error(Code::Connect) });
    scene.at(520).event(&Event::Conference(ConferenceEvent::Retry(Retry {
        attempt: 1,
        error: error(Code::Connect),
        delay_ms: Some(80),
        grace_ms: Some(589_980),
    })));
    scene
        .at(700)
        .event(&Event::Conference(ConferenceEvent::Resumed { complete: false, replayed: 1 }));
    scene.at(700).event(&Event::Conference(ConferenceEvent::Gap { from: 2, to: 4, certain: true }));
    scene.at(700).event(&Event::Conference(ConferenceEvent::Notification {
        payload: payload("text"),
        replayed: true,
        number: 5,
    }));
    scene.at(700).event(&Event::Conference(ConferenceEvent::Migrated));
    scene.at(710).input(&Input::HostQueue { full: true });
    scene.at(710).input(&Input::Writable { wire: WireId(3), writable: false });
}

/// A socket whose connection begins with polling and is upgraded.
fn socket(scene: &mut Scene) {
    let (socket, polling) = (SocketId(1), WireId(4));
    let attach =
        Command::Attach { socket, namespace: "/chat".into(), options: SocketOptions::default() };
    scene.at(800).command(&attach);
    scene.at(800).command(&Command::Connect { socket, auth: Some(Secret::new(SECRET)) });
    let request = HttpRequest {
        exchange: Exchange::Poll,
        path_and_query: format!("/?key={SECRET}"),
        headers: headers(),
        body: Vec::new(),
        binary: false,
    };
    scene.at(801).transmit(&Transmit::Request { wire: polling, endpoint: endpoint(), request });
    let open = r#"0{"sid":"abc","pingInterval":25000,"pingTimeout":20000}"#;
    let body = Bytes::from(format!("{open}\u{1e}6"));
    let answer = HttpResponse { status: 200, body, ..HttpResponse::default() };
    scene.at(830).input(&Input::Response {
        wire: polling,
        exchange: Exchange::Poll,
        result: Ok(answer),
    });
    scene.at(840).transmit(&dial(5, "&sid=abc"));
    scene.at(860).transmit(&send(5, "2probe"));
    scene.at(870).input(&text(5, "3probe"));
    scene.at(871).transmit(&send(5, "5"));
    scene.at(871).transmit(&Transmit::Hangup { wire: polling, farewell: Vec::new() });
    scene.at(871).event(&Event::Manager(ManagerEvent::Transport {
        transport: Transport::Websocket,
        upgraded: true,
    }));
    let state = step(2, SocketState::Connected, None);
    scene.at(880).event(&Event::Socket(
        socket,
        SocketEvent::State {
            transition: state,
            socket_sid: Some(SECRET.into()),
            reason: None,
            recovered: true,
        },
    ));
    let event = outgoing("upload");
    let (timeout_ms, offline) = (None, Offline::Latest(SECRET.into()));
    scene.at(900).command(&Command::Emit { socket, event, request: None, timeout_ms, offline });
    scene.at(900).transmit(&send(5, &format!(r#"451-/chat,["upload","{SECRET}"]"#)));
    scene.at(900).transmit(&Transmit::Binary { wire: WireId(5), frame: Bytes::from(SECRET) });
    let ack = Some(crate::proto::io::AckToken(1));
    scene
        .at(910)
        .event(&Event::Socket(socket, SocketEvent::Event { payload: payload("say"), ack }));
    scene.at(950).transmit(&send(5, "1"));
    scene.at(950).transmit(&Transmit::Hangup { wire: WireId(5), farewell: Vec::new() });
    scene.at(950).event(&Event::Socket(
        socket,
        SocketEvent::State {
            transition: step(3, SocketState::Idle, None),
            socket_sid: None,
            reason: Some(DisconnectReason::ClientDisconnect),
            recovered: false,
        },
    ));
    scene.at(960).command(&Command::Close);
    scene.at(960).finished(None);
}

fn whole_trace() -> Vec<String> {
    let mut scene = Scene::new();
    conference(&mut scene);
    socket(&mut scene);
    scene.end()
}

fn kind(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    line["what"].as_str().expect("a name").to_owned()
}

#[test]
fn the_examples_of_the_documentation_are_what_is_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/trace.md");
    let docs = fs::read_to_string(path).expect("is there");
    let written = whole_trace();
    let mut shown = BTreeSet::new();
    for line in docs.lines().filter(|line| line.starts_with("{\"t\":")) {
        // It has the versions of its day, and nothing is left out of a short trace.
        if !line.contains(r#""what":"trace""#) && !line.contains(r#""what":"dropped""#) {
            assert!(written.iter().any(|real| real == line), "{line}\n{}", written.join("\n"));
        }
        shown.insert(kind(line));
    }
    for line in &written {
        assert!(shown.contains(&kind(line)), "docs/trace.md has no example of {line}");
    }
}

#[test]
fn no_secret_is_in_any_record() {
    let written = whole_trace();
    assert!(written.len() > 40, "{}", written.len());
    for line in written {
        assert!(!line.contains(SECRET), "{line}");
    }
}

#[test]
fn an_ack_is_told_with_the_name_of_what_it_answers() {
    let mut scene = Scene::new();
    scene.at(1).transmit(&send(1, r#"423["text",{}]"#));
    scene.at(2).input(&text(1, r#"423["ask"]"#));
    scene.at(3).transmit(&send(1, r#"433["answer"]"#));
    scene.at(4).input(&text(1, r#"433["ok"]"#));
    scene.at(5).input(&text(1, r#"433["ok"]"#));
    let written = scene.end();
    let answers: Vec<_> =
        written.iter().filter(|line| line.contains("\"packet\":\"ack\"")).collect();
    assert!(answers[0].contains(r#""answers":"ask""#), "{answers:?}");
    assert!(answers[1].contains(r#""answers":"text""#), "{answers:?}");
    assert!(!answers[2].contains("answers"), "it was answered: {answers:?}");
}

#[test]
fn bodies_of_both_revisions_are_taken_apart() {
    for (body, binary) in [("2\u{1e}40", false), ("1:22:40", false), ("\0\x01\u{ff}", true)] {
        let body: Vec<u8> = body.chars().map(|c| c as u8).collect();
        let mut body = Bytes::from(body);
        if binary {
            body = Bytes::from_static(b"\x00\x01\xff2\x00\x02\xff40");
        }
        let mut scene = Scene::new();
        let answer = HttpResponse { status: 200, body, binary, ..HttpResponse::default() };
        scene.at(1).input(&Input::Response {
            wire: WireId(1),
            exchange: Exchange::Poll,
            result: Ok(answer),
        });
        let engines: Vec<_> = scene
            .end()
            .iter()
            .filter(|line| kind(line) == "in")
            .map(|line| line.split("\"engine\":").nth(1).expect("named").chars().take(9).collect())
            .collect::<Vec<String>>();
        assert_eq!(engines, ["\"ping\",\"b", "\"message\""]);
    }
}

#[test]
fn a_sink_that_stands_still_costs_a_bounded_amount_and_the_trace_says_what_is_missing() {
    let (release, wait) = mpsc::channel::<()>();
    let (wait, lines) = (Mutex::new(wait), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&lines);
    let sink = TraceSink::lines(move |line| {
        if seen.lock().expect("whole").is_empty() {
            // Until the test has dropped its end.
            let _ = wait.lock().expect("whole").recv();
        }
        seen.lock().expect("whole").push(line.to_owned());
    });
    let mut recorder = start(sink).expect("starts");
    recorder.flush();
    let line_bytes = 30;
    let sent = 3 * LIMIT / line_bytes;
    for _ in 0..sent {
        recorder.input(&Input::HostQueue { full: true });
        recorder.flush();
    }
    drop(release);
    end(*recorder);
    let lines = lines.lock().expect("whole");
    let records = lines.iter().filter(|line| kind(line) == "host_queue").count();
    let dropped: u64 = lines
        .iter()
        .filter(|line| kind(line) == "dropped")
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["records"].as_u64().expect("a number")
        })
        .sum();
    assert!(dropped > 0 && records > 0, "{dropped} {records}");
    assert_eq!(records as u64 + dropped, sent as u64);
    assert_eq!(lines.last().map(|line| kind(line)).as_deref(), Some("end"));
}

#[test]
fn a_file_is_replaced_and_belongs_to_one_object_at_a_time() {
    let path = env::temp_dir().join(format!("roamio-trace-{}.jsonl", process::id()));
    fs::write(&path, "what was there before".repeat(100)).expect("writable");
    let sink = TraceSink::file(&path);
    let first = start(sink.clone()).expect("starts");
    let second = start(sink.clone()).map(|_| ()).expect_err("in use");
    assert_eq!(second.code(), Code::InvalidArgument);
    end(*first);
    let written = fs::read_to_string(&path).expect("is there");
    let kinds: Vec<_> = written.lines().map(kind).collect();
    assert_eq!(kinds, ["trace", "end"]);
    end(*start(sink).expect("free again"));
    fs::remove_file(&path).expect("is there");
}

#[test]
fn a_file_that_cannot_be_written_and_a_function_that_panics_stop_nothing() {
    let nowhere =
        start(TraceSink::file("/nowhere/trace.jsonl")).map(|_| ()).expect_err("no folder");
    assert_eq!(nowhere.code(), Code::InvalidArgument);
    let mut recorder = start(TraceSink::lines(|_| panic!("on purpose"))).expect("starts");
    recorder.flush();
    recorder.input(&Input::HostQueue { full: true });
    end(*recorder);
}
