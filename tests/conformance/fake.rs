//! A scripted server: the test is told each HTTP request and says what becomes of it.
//!
//! [`Fake`] hands out requests, [`Request`] is answered, held, dropped or turned into a [`Peer`] (a
//! WebSocket). [`Session`] is an ordinary Engine.IO session over any transport, for tests that are
//! about packets.

mod session;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use crate::server::PATIENCE;
pub use session::{Open, Packet, Session};

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
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next request of any kind.
    #[track_caller]
    pub fn request(&mut self) -> Request {
        self.request_where("any request", |_| true)
    }

    /// The next request that matches; the others wait.
    #[track_caller]
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
    #[track_caller]
    pub fn handshake(&mut self) -> Request {
        self.request_where("a handshake", |request| request.query("sid").is_none())
    }

    /// The next GET with sid.
    #[track_caller]
    pub fn poll(&mut self) -> Request {
        self.request_where("a poll", Request::is_poll)
    }

    /// The next POST.
    #[track_caller]
    pub fn post(&mut self) -> Request {
        self.request_where("a POST", |request| request.method == "POST")
    }

    /// The next WebSocket handshake.
    #[track_caller]
    pub fn websocket(&mut self) -> Request {
        self.request_where("a WebSocket handshake", Request::is_websocket)
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

    /// Answer a CONNECT: what follows is for the server behind this proxy, which is the same script.
    pub fn tunnel(mut self) {
        if self.raw(b"HTTP/1.1 200 Connected\r\n\r\n").is_ok() {
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
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("the client is there");
    }

    /// Send a text message; whether it could be.
    pub fn send_if_open(&mut self, text: &str) -> bool {
        self.socket.send(Message::text(text)).is_ok()
    }

    /// Send a binary message.
    #[track_caller]
    pub fn send_binary(&mut self, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.socket.send(Message::Binary(bytes)).expect("the client is there");
    }

    /// The next message.
    #[track_caller]
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
    #[track_caller]
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
