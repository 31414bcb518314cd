//! A scripted server: the test is told each HTTP request and says what becomes of it.
//!
//! [`Fake`] hands out requests, [`Request`] is answered, held, dropped or turned into a [`Peer`] (a
//! WebSocket). [`Session`] is an ordinary Engine.IO session over any transport, for tests that are
//! about packets.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use crate::case::Via;
use crate::server::PATIENCE;

/// The server.
pub struct Fake {
    port: u16,
    requests: Receiver<Request>,
    /// Requests that came before the one that was wanted.
    stash: VecDeque<Request>,
    shared: Arc<Shared>,
}

struct Shared {
    tell: Sender<Request>,
    connections: AtomicUsize,
    closed: AtomicBool,
}

impl Fake {
    /// Listen on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, requests) = channel();
        let shared = Arc::new(Shared {
            tell,
            connections: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.closed.load(Ordering::Relaxed) {
                    return;
                }
                let connection = accepting.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let _ = stream.set_nodelay(true);
                read_request(stream, connection, Arc::clone(&accepting));
            }
        });
        Self { port, requests, stash: VecDeque::new(), shared }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// TCP connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// The next request of any kind.
    pub fn request(&mut self) -> Request {
        self.request_where("any request", |_| true)
    }

    /// The next request that matches; the others wait.
    pub fn request_where(&mut self, what: &str, matches: impl Fn(&Request) -> bool) -> Request {
        self.within(PATIENCE, matches).unwrap_or_else(|| {
            panic!("{what} did not come; there were {:#?}", self.stash);
        })
    }

    /// The next request that matches, if it comes in time; the others wait.
    pub fn within(
        &mut self,
        time: Duration,
        matches: impl Fn(&Request) -> bool,
    ) -> Option<Request> {
        if let Some(at) = self.stash.iter().position(&matches) {
            return self.stash.remove(at);
        }
        let start = Instant::now();
        loop {
            let request = self.requests.recv_timeout(time.saturating_sub(start.elapsed())).ok()?;
            if matches(&request) {
                return Some(request);
            }
            self.stash.push_back(request);
        }
    }

    /// The next request without sid.
    pub fn handshake(&mut self) -> Request {
        self.request_where("a handshake", |request| request.query("sid").is_none())
    }

    /// The next GET with sid.
    pub fn poll(&mut self) -> Request {
        self.request_where("a poll", Request::is_poll)
    }

    /// The next POST.
    pub fn post(&mut self) -> Request {
        self.request_where("a POST", |request| request.method == "POST")
    }

    /// The next WebSocket handshake.
    pub fn websocket(&mut self) -> Request {
        self.request_where("a WebSocket handshake", Request::is_websocket)
    }

    /// Let a client in: revision 4, a heartbeat that no test waits for.
    pub fn open(&mut self, via: Via) -> Session<'_> {
        self.open_with(via, Open::default())
    }

    /// Let a client in, which opens over `via`. [`Via::Upgrade`] is upgraded when this returns.
    pub fn open_with(&mut self, via: Via, open: Open) -> Session<'_> {
        let request = self.handshake();
        let packet = open.packet();
        let Open { sid, revision_3, .. } = open;
        let mut session = Session {
            fake: self,
            sid,
            revision_3,
            poll: None,
            peer: None,
            inbox: VecDeque::new(),
            outbox: Vec::new(),
        };
        assert_eq!(request.is_websocket(), via == Via::Websocket, "{request:?}");
        if via == Via::Websocket {
            let mut peer = request.upgrade();
            peer.send(&packet);
            session.peer = Some(peer);
        } else {
            request.ok(&session.payload(&[Packet::Text(packet)]));
        }
        if via == Via::Upgrade {
            session.upgrade();
        }
        session
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the accepting thread.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Read one request on a thread of its own and hand it out.
fn read_request(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let (method, target, headers, head) = loop {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut slots);
            match request.parse(&bytes) {
                Ok(httparse::Status::Complete(head)) => {
                    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                    let headers: Vec<(String, String)> = request
                        .headers
                        .iter()
                        .map(|header| (header.name.to_owned(), text(header.value)))
                        .collect();
                    let method = request.method.unwrap_or_default().to_owned();
                    break (method, request.path.unwrap_or_default().to_owned(), headers, head);
                }
                Ok(httparse::Status::Partial) => {}
                Err(error) => panic!("not HTTP: {error}"),
            }
            if !matches!(read_more(&mut stream, &mut bytes), Ok(1..)) {
                return;
            }
        };
        let mut body = bytes.split_off(head);
        let length = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().expect("a number"));
        while body.len() < length {
            if !matches!(read_more(&mut stream, &mut body), Ok(1..)) {
                return;
            }
        }
        let shared_too = Arc::clone(&shared);
        let request =
            Request { connection, method, target, headers, body, stream, shared: shared_too };
        let _ = shared.tell.send(request);
    });
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; 16 * 1024];
    let count = stream.read(&mut buffer)?;
    bytes.extend_from_slice(&buffer[..count]);
    Ok(count)
}

/// A request that waits for its answer. Dropping it closes its connection.
pub struct Request {
    /// Which TCP connection it came on, counted from 1.
    pub connection: usize,
    /// GET or POST.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    stream: TcpStream,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} {body:?}", self.method, self.target)
    }
}

impl Request {
    /// The path.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query, as it came.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// Whether it is a WebSocket handshake.
    pub fn is_websocket(&self) -> bool {
        self.header("upgrade").is_some()
    }

    /// Whether it is a GET of an open session.
    pub fn is_poll(&self) -> bool {
        self.method == "GET" && !self.is_websocket() && self.query("sid").is_some()
    }

    /// Answer it; the connection is kept.
    pub fn answer(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = self.raw(&[head.as_bytes(), body].concat());
        if sent.is_ok() {
            read_request(self.stream, self.connection, self.shared);
        }
    }

    /// Answer it with 200 and this text.
    pub fn ok(self, body: &str) {
        self.answer(200, &[("Content-Type", "text/plain; charset=UTF-8")], body.as_bytes());
    }

    /// Write bytes of any kind; the request stays open.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reset its TCP connection.
    pub fn reset(self) {
        reset(&self.stream);
    }

    /// Whether the client lets go of it within this time.
    pub fn is_dropped_within(&self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let gone = match self.stream.peek(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => !is_timeout(&error),
        };
        self.stream.set_read_timeout(None).unwrap();
        gone
    }

    /// Do the WebSocket handshake.
    pub fn upgrade(self) -> Peer {
        self.upgrade_with(&[])
    }

    /// Do the WebSocket handshake with more headers.
    pub fn upgrade_with(mut self, headers: &[(&str, &str)]) -> Peer {
        let key = self.header("sec-websocket-key").expect("a WebSocket handshake");
        let accept = derive_accept_key(key.as_bytes());
        let mut head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.raw(head.as_bytes()).expect("the client is there");
        Peer { socket: WebSocket::from_raw_socket(self.stream, Role::Server, None) }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// What came over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A close frame, with its code.
    Close(Option<u16>),
    /// The connection ended.
    Gone,
}

/// A WebSocket of the scripted server. Dropping it closes its TCP connection.
pub struct Peer {
    socket: WebSocket<TcpStream>,
}

impl Peer {
    /// Send a text message.
    pub fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("the client is there");
    }

    /// Send a text message; whether it could be.
    pub fn send_if_open(&mut self, text: &str) -> bool {
        self.socket.send(Message::text(text)).is_ok()
    }

    /// Send a binary message.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.socket.send(Message::Binary(bytes)).expect("the client is there");
    }

    /// The next message.
    pub fn recv(&mut self) -> Frame {
        self.recv_within(PATIENCE).expect("the client sends something")
    }

    /// The next message, if it comes in time.
    pub fn recv_within(&mut self, time: Duration) -> Option<Frame> {
        let start = Instant::now();
        loop {
            let left = time.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
            self.socket.get_ref().set_read_timeout(Some(left)).unwrap();
            return Some(match self.socket.read() {
                Ok(Message::Text(text)) => Frame::Text(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => Frame::Binary(bytes),
                Ok(Message::Close(frame)) => Frame::Close(frame.map(|frame| frame.code.into())),
                Ok(_) => continue,
                Err(Error::Io(error)) if is_timeout(&error) => {
                    if start.elapsed() >= time {
                        return None;
                    }
                    continue;
                }
                Err(_) => Frame::Gone,
            });
        }
    }

    /// The next message is this text.
    pub fn expect(&mut self, text: &str) {
        assert_eq!(self.recv(), Frame::Text(text.to_owned()));
    }

    /// Send a close frame and wait for the answer.
    pub fn close(mut self, code: Option<u16>) {
        let frame = code.map(|code| CloseFrame { code: CloseCode::from(code), reason: "".into() });
        let _ = self.socket.close(frame);
        while !matches!(self.recv(), Frame::Close(_) | Frame::Gone) {}
    }

    /// Reset its TCP connection.
    pub fn reset(self) {
        reset(self.socket.get_ref());
    }

    /// End its TCP connection without a close frame.
    pub fn finish(self) {
        let _ = self.socket.get_ref().shutdown(Shutdown::Both);
    }
}

/// The handshake of a scripted session.
#[derive(Clone, Debug)]
pub struct Open {
    /// Engine.IO 3 in place of 4.
    pub revision_3: bool,
    /// The id of the session, by default one that no other has.
    pub sid: String,
    /// In milliseconds.
    pub ping_interval: u64,
    /// In milliseconds.
    pub ping_timeout: u64,
    /// The transports to upgrade to.
    pub upgrades: Vec<&'static str>,
}

impl Default for Open {
    fn default() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Self {
            revision_3: false,
            sid: format!("scripted-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            ping_interval: 25_000,
            ping_timeout: 20_000,
            upgrades: vec!["websocket"],
        }
    }
}

impl Open {
    /// As JSON behind its digit.
    pub fn packet(&self) -> String {
        let handshake = serde_json::json!({
            "sid": self.sid,
            "upgrades": self.upgrades,
            "pingInterval": self.ping_interval,
            "pingTimeout": self.ping_timeout,
            "maxPayload": 1_000_000,
        });
        format!("0{handshake}")
    }
}

/// An Engine.IO packet, over whatever transport it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// With its digit.
    Text(String),
    /// A binary message, without what marks it as one.
    Binary(Bytes),
}

impl Packet {
    /// A text packet.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An Engine.IO session of the scripted server over any transport.
///
/// It works while the test waits for it: a POST is answered inside [`Session::recv`].
pub struct Session<'a> {
    pub fake: &'a mut Fake,
    sid: String,
    revision_3: bool,
    /// The GET that waits.
    poll: Option<Request>,
    /// The WebSocket that carries the session.
    peer: Option<Peer>,
    inbox: VecDeque<Packet>,
    outbox: Vec<Packet>,
}

impl Session<'_> {
    /// Send a text packet, `40{…}` and the like.
    pub fn send(&mut self, text: &str) {
        self.send_all(&[Packet::text(text)]);
    }

    /// Send packets: in one payload if it is polling.
    pub fn send_all(&mut self, packets: &[Packet]) {
        if let Some(peer) = &mut self.peer {
            for packet in packets {
                match packet {
                    Packet::Text(text) => peer.send(text),
                    Packet::Binary(bytes) if self.revision_3 => {
                        peer.send_binary(&[&[4], &bytes[..]].concat());
                    }
                    Packet::Binary(bytes) => peer.send_binary(bytes),
                }
            }
            return;
        }
        self.outbox.extend_from_slice(packets);
        let start = Instant::now();
        while !self.outbox.is_empty() {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.step(left), "the client polls");
        }
    }

    /// Send a text packet if the client takes it at once: its WebSocket is there, or its GET waits.
    pub fn send_if_open(&mut self, text: &str) {
        if let Some(peer) = &mut self.peer {
            peer.send_if_open(text);
            return;
        }
        while self.poll.is_none() && self.step(Duration::from_millis(10)) {}
        if self.poll.is_some() {
            self.outbox.push(Packet::text(text));
            self.flush();
        }
    }

    /// The next packet.
    pub fn recv(&mut self) -> Packet {
        self.recv_within(PATIENCE).expect("the client sends something")
    }

    /// The next packet, if it comes in time. The end of a WebSocket is none.
    pub fn recv_within(&mut self, time: Duration) -> Option<Packet> {
        let start = Instant::now();
        loop {
            if let Some(packet) = self.inbox.pop_front() {
                return Some(packet);
            }
            let left = time.saturating_sub(start.elapsed());
            if let Some(peer) = &mut self.peer {
                return match peer.recv_within(left)? {
                    Frame::Text(text) => Some(self.text_packet(text)),
                    Frame::Binary(bytes) if self.revision_3 => {
                        Some(Packet::Binary(bytes.slice(1..)))
                    }
                    Frame::Binary(bytes) => Some(Packet::Binary(bytes)),
                    Frame::Close(_) | Frame::Gone => None,
                };
            }
            if !self.step(left) {
                return None;
            }
        }
    }

    /// The next packet is this text.
    pub fn expect(&mut self, text: &str) {
        assert_eq!(self.recv(), Packet::text(text));
    }

    /// The next packet is text; gives it.
    pub fn recv_text(&mut self) -> String {
        match self.recv() {
            Packet::Text(text) => text,
            packet @ Packet::Binary(_) => panic!("text was expected, not {packet:?}"),
        }
    }

    /// Expect the CONNECT of a namespace (without its payload) and let it in.
    pub fn join(&mut self, namespace: &str, id: &str) {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let connect = self.recv_text();
        assert!(connect.starts_with(&format!("40{prefix}")), "{connect} is CONNECT {namespace}");
        self.send(&format!("40{prefix}{{\"sid\":\"{id}\"}}"));
    }

    /// Upgrade from polling, as a server does.
    pub fn upgrade(&mut self) {
        let mut peer = self.wait_websocket().upgrade();
        peer.expect("2probe");
        peer.send("3probe");
        loop {
            // What is posted meanwhile counts; a poll that waits is answered so that the client can
            // move, again and again because it may not have seen the answer to its probe yet.
            while self.step(Duration::from_millis(1)) {}
            if let Some(poll) = self.poll.take() {
                poll.ok(&self.payload(&[Packet::text("6")]));
            }
            match peer.recv_within(Duration::from_millis(20)) {
                None => {}
                Some(Frame::Text(text)) if text == "5" => break,
                Some(other) => panic!("not 5 but {other:?}"),
            }
        }
        self.poll = None;
        self.peer = Some(peer);
    }

    /// Wait for the WebSocket of an upgrade, and work meanwhile.
    pub fn wait_websocket(&mut self) -> Request {
        let start = Instant::now();
        loop {
            if let Some(request) = self.fake.within(Duration::ZERO, Request::is_websocket) {
                return request;
            }
            self.step(Duration::from_millis(10));
            assert!(start.elapsed() < PATIENCE, "the client upgrades");
        }
    }

    /// Take the WebSocket out of an upgraded or WebSocket session.
    pub fn into_peer(self) -> Peer {
        self.peer.expect("a WebSocket")
    }

    /// The GET that waits, once there is one.
    pub fn into_poll(mut self) -> Request {
        let start = Instant::now();
        while self.poll.is_none() {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.step(left), "the client polls");
        }
        self.poll.expect("seen above")
    }

    /// Break it: reset the WebSocket or the poll that waits.
    pub fn reset(self) {
        if self.peer.is_some() {
            self.into_peer().reset();
        } else {
            self.into_poll().reset();
        }
    }

    /// Take one request of the session; whether there was one.
    fn step(&mut self, time: Duration) -> bool {
        if self.flush() {
            return true;
        }
        let sid = self.sid.clone();
        let ours = |request: &Request| {
            !request.is_websocket() && request.query("sid") == Some(sid.as_str())
        };
        let Some(request) = self.fake.within(time, ours) else { return false };
        if request.method == "POST" {
            for packet in self.packets(request.text()) {
                self.inbox.push_back(packet);
            }
            request.ok("ok");
        } else {
            assert!(self.poll.is_none(), "a second GET while one waits: {request:?}");
            self.poll = Some(request);
            self.flush();
        }
        true
    }

    /// Answer the GET that waits if there is something for it; whether it was.
    fn flush(&mut self) -> bool {
        if self.outbox.is_empty() || self.poll.is_none() {
            return false;
        }
        let packets = std::mem::take(&mut self.outbox);
        let payload = self.payload(&packets);
        self.poll.take().expect("seen above").ok(&payload);
        true
    }

    fn payload(&self, packets: &[Packet]) -> String {
        let text = |packet: &Packet| match packet {
            Packet::Text(text) => text.clone(),
            Packet::Binary(bytes) if self.revision_3 => format!("b4{}", BASE64.encode(bytes)),
            Packet::Binary(bytes) => format!("b{}", BASE64.encode(bytes)),
        };
        let texts = packets.iter().map(text);
        if self.revision_3 {
            texts.map(|text| format!("{}:{text}", text.encode_utf16().count())).collect()
        } else {
            texts.collect::<Vec<_>>().join("\x1e")
        }
    }

    fn packets(&self, payload: &str) -> Vec<Packet> {
        if !self.revision_3 {
            return payload.split('\x1e').map(|text| self.text_packet(text.to_owned())).collect();
        }
        let (mut packets, mut rest) = (Vec::new(), payload);
        while let Some((length, after)) = rest.split_once(':') {
            let mut units = length.parse::<usize>().expect("a length");
            let end = after.char_indices().find_map(|(at, char)| {
                (units == 0).then_some(at).or_else(|| {
                    units -= char.len_utf16();
                    None
                })
            });
            let (text, left) = after.split_at(end.unwrap_or(after.len()));
            packets.push(self.text_packet(text.to_owned()));
            rest = left;
        }
        packets
    }

    fn text_packet(&self, text: String) -> Packet {
        let base64 = if self.revision_3 { text.strip_prefix("b4") } else { text.strip_prefix('b') };
        match base64 {
            Some(base64) => Packet::Binary(BASE64.decode(base64).expect("base64").into()),
            None => Packet::Text(text),
        }
    }
}
