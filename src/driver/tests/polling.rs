//! A polling wire and the raw streams at its other end.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::server::{Authority, endpoint, listen, read_head};
use super::task::LONG;
use super::wire::next;
use crate::config::{CommonConfig, Limits};
use crate::driver::clock;
use crate::driver::dial::Dialer;
use crate::driver::hangup::hang_up;
use crate::driver::inbox::Waiting;
use crate::driver::lifeline::Finish;
use crate::driver::resolve::Resolver;
use crate::driver::runtime::Runtime;
use crate::driver::wire::Wire;
use crate::error::{Code, Error, Result};
use crate::proto::io::{Exchange, Headers, HttpRequest, HttpResponse, Input, WireId};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server whose connections the test serves itself.
pub(super) struct Server {
    address: SocketAddr,
    connections: mpsc::UnboundedReceiver<TcpStream>,
}

impl Server {
    pub(super) async fn new() -> Self {
        let (tell, connections) = mpsc::unbounded_channel();
        let address = listen(move |stream| {
            let tell = tell.clone();
            async move { tell.send(stream).expect("the test listens") }
        })
        .await;
        Self { address, connections }
    }

    fn wire(&self) -> Wire {
        self.wire_with(CommonConfig::default())
    }

    pub(super) fn wire_with(&self, common: CommonConfig) -> Wire {
        let dialer = Arc::new(Dialer::new(common, Resolver::system()));
        Wire::polling(WireId(7), &dialer, Arc::new(endpoint(false, "127.0.0.1", self.address)))
    }

    /// The next connection, while somebody else polls the wire.
    pub(super) async fn connection(&mut self) -> TcpStream {
        let connection = timeout(LONG, self.connections.recv()).await;
        connection.expect("in time").expect("the listener lives")
    }

    /// Nobody connects.
    fn is_left_alone(&mut self) -> bool {
        self.connections.try_recv().is_err()
    }
}

pub(super) fn get() -> HttpRequest {
    let path_and_query = "/socket.io/?EIO=4&transport=polling".into();
    let (headers, body) = (Headers::from([]), Vec::new());
    HttpRequest { exchange: Exchange::Poll, path_and_query, headers, body, binary: false }
}

pub(super) fn post(pieces: &[&'static str]) -> HttpRequest {
    let body = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
    HttpRequest { exchange: Exchange::Post, body, ..get() }
}

pub(super) fn begin(wire: &mut Wire, request: HttpRequest) {
    assert!(wire.request(request).is_none(), "it can be sent");
}

/// The next answer, while the wire is polled; news of the connection are skipped.
pub(super) async fn answer(wire: &mut Wire) -> (Exchange, Result<HttpResponse>) {
    loop {
        match timeout(LONG, next(wire)).await.expect("in time") {
            Input::Response { wire: WireId(7), exchange, result } => return (exchange, result),
            Input::Reached { .. } | Input::Secured { .. } | Input::Activity { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn body(wire: &mut Wire) -> Bytes {
    answer(wire).await.1.expect("an answer").body
}

async fn failure(wire: &mut Wire) -> Error {
    answer(wire).await.1.expect_err("no answer")
}

/// Poll the wire as long as `work` takes; it has nothing to tell meanwhile.
pub(super) async fn meanwhile<T>(wire: &mut Wire, work: impl Future<Output = T>) -> T {
    let quiet = async {
        loop {
            match next(wire).await {
                Input::Reached { .. } | Input::Secured { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    };
    tokio::select! {
        done = timeout(LONG, work) => done.expect("in time"),
        never = quiet => never,
    }
}

/// Read a request: head and body.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> (String, Vec<u8>) {
    let head = read_head(stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).await.expect("the whole body");
    (head, body)
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.expect("the client reads");
}

/// Answer the next request.
pub(super) async fn serve(stream: &mut TcpStream, text: &str) {
    read_request(stream).await;
    write(stream, text).await;
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_told_once() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    assert!(matches!(next(&mut wire).await, Input::Reached { connect_ms: 0..1_000, .. }));
    let mut stream = server.connection().await;
    for text in ["one", "two", "three"] {
        let length = text.len();
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}");
        let (received, ()) = tokio::join!(next(&mut wire), serve(&mut stream, &response));
        let Input::Response { wire: WireId(7), exchange: Exchange::Poll, result } = received else {
            panic!("unexpected {received:?}");
        };
        let answer = result.expect("an answer");
        assert_eq!((answer.status, &answer.body[..], answer.binary), (200, text.as_bytes(), false));
        assert_eq!(answer.local.map(|local| local.ip()), Some(server.address.ip()));
        begin(&mut wire, get());
    }
    begin(&mut wire, post(&["3"]));
    let mut other = meanwhile(&mut wire, server.connection()).await;
    let (_, ()) = tokio::join!(answer(&mut wire), serve(&mut other, OK));
    assert!(server.is_left_alone());
}

#[tokio::test]
async fn get_and_post_are_in_flight_together_and_answered_in_any_order() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut polled = meanwhile(&mut wire, server.connection()).await;
    let (head, _) = meanwhile(&mut wire, read_request(&mut polled)).await;
    assert!(head.starts_with("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n"), "{head}");
    begin(&mut wire, post(&["4hi"]));
    let mut posted = meanwhile(&mut wire, server.connection()).await;
    let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut posted, OK));
    assert_eq!(answered.0, Exchange::Post);
    begin(&mut wire, post(&["4again"]));
    meanwhile(&mut wire, read_request(&mut posted)).await;
    write(&mut polled, OK).await;
    assert_eq!(answer(&mut wire).await.0, Exchange::Poll);
    write(&mut posted, OK).await;
    assert_eq!(answer(&mut wire).await.0, Exchange::Post);
    assert!(server.is_left_alone(), "two connections are enough");
}

#[tokio::test]
async fn a_post_has_its_length_and_type_and_its_pieces_in_order() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    let header = |name: &str| (name.to_owned(), "app".to_owned());
    let names = ["X-App", "Host", "Accept", "Content-Type", "Transfer-Encoding", "Accept-Encoding"];
    let headers: Headers = names.map(header).into();
    // More pieces than one system call takes, and some are empty.
    let pieces: Vec<_> = (0..3_000).map(|n| Bytes::from("x".repeat(n % 5) + "|")).collect();
    let pieces: Vec<_> = pieces.into_iter().flat_map(|piece| [piece, Bytes::new()]).collect();
    let expected = pieces.concat();
    begin(&mut wire, HttpRequest { headers: headers.clone(), body: pieces, ..post(&[]) });
    assert_eq!(wire.unsent(), Waiting { events: 1, bytes: expected.len() });
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let (head, body) = meanwhile(&mut wire, read_request(&mut stream)).await;
    assert_eq!(body, expected);
    let (first, lines) = head.trim_end().split_once("\r\n").expect("lines");
    assert_eq!(first, "POST /socket.io/?EIO=4&transport=polling HTTP/1.1");
    let mut lines: Vec<_> = lines.split("\r\n").map(str::to_owned).collect();
    lines.sort();
    let host = format!("Host: {}", server.address);
    let length = format!("Content-Length: {}", expected.len());
    let kind = "Content-Type: text/plain;charset=UTF-8";
    assert_eq!(lines, ["Accept: */*", &length, kind, &host, "X-App: app"]);
    write(&mut stream, OK).await;
    assert_eq!(self::body(&mut wire).await, "ok");
    assert_eq!(wire.unsent(), Waiting::default());

    begin(&mut wire, HttpRequest { headers, binary: true, ..post(&["\u{1}"]) });
    let (head, _) = meanwhile(&mut wire, read_request(&mut stream)).await;
    assert!(head.contains("\r\nContent-Type: application/octet-stream\r\n"), "{head}");
}

#[tokio::test]
async fn big_bodies_go_both_ways_and_are_counted_until_they_are_taken() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    let big = "x".repeat(3 << 20);
    let pieces = vec![Bytes::from(big.clone()), Bytes::from_static(b"|"), Bytes::from(big.clone())];
    begin(&mut wire, HttpRequest { body: pieces, ..post(&[]) });
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    assert_eq!(wire.unsent().bytes, 2 * big.len() + 1);
    let (_, body) = meanwhile(&mut wire, read_request(&mut stream)).await;
    assert!(body == [&big, "|", &big].concat().as_bytes());
    let length = big.len();
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{big}");
    let (answered, ()) = tokio::join!(answer(&mut wire), write(&mut stream, &response));
    assert!(answered.1.expect("an answer").body == big);
}

#[tokio::test]
async fn a_chunked_answer_is_put_together() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
                Content-Type: Application/Octet-Stream; x=y\r\n\r\n";
    for chunks in ["3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", "6;x=y\r\nonetwo\r\n0\r\nA: b\r\n\r\n"] {
        begin(&mut wire, get());
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        let response = format!("{head}{chunks}");
        let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, &response));
        let answer = answered.1.expect("an answer");
        assert_eq!((&answer.body[..], answer.binary), (&b"onetwo"[..], true));
        drop(stream);
        meanwhile(&mut wire, tokio::task::yield_now()).await;
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_however_its_length_is_told() {
    let limits = Limits { inbound_message: 1_000, ..Limits::default() };
    let common = CommonConfig { limits, ..CommonConfig::default() };
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let (text, end) = ("x".repeat(1_001), "0\r\n\r\n");
    for (response, fits) in [
        ("Content-Length: 1099511627776\r\n\r\n".to_owned(), false),
        (format!("Transfer-Encoding: chunked\r\n\r\n{}{end}", chunk.repeat(11)), false),
        (format!("Transfer-Encoding: chunked\r\n\r\n{}{end}", chunk.repeat(10)), true),
        (format!("Connection: close\r\n\r\n{text}"), false),
        (format!("Content-Length: 1000\r\n\r\n{}", &text[1..]), true),
    ] {
        let mut server = Server::new().await;
        let mut wire = server.wire_with(common.clone());
        begin(&mut wire, get());
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        let response = format!("HTTP/1.1 200 OK\r\n{response}");
        let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, &response));
        let code = answered.1.as_ref().err().map(Error::code);
        assert_eq!(code, (!fits).then_some(Code::PayloadLimit), "{response:.90}");
        if !fits {
            let end = timeout(LONG, stream.read(&mut [0; 1])).await.expect("closed at once");
            assert_eq!(end.unwrap_or(0), 0);
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_has_ended_is_replaced_and_the_request_sent_once() {
    for reset in [false, true] {
        let mut server = Server::new().await;
        let mut wire = server.wire();
        begin(&mut wire, post(&["1"]));
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        let (_, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, OK));
        if reset {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("can be set");
        }
        drop(stream);
        // Nobody polls the wire before the next request, but the news has arrived.
        tokio::time::sleep(Duration::from_millis(20)).await;
        begin(&mut wire, post(&["2"]));
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        let (_, body) = meanwhile(&mut wire, read_request(&mut stream)).await;
        assert_eq!(body, b"2");
        write(&mut stream, OK).await;
        assert_eq!(answer(&mut wire).await.1.expect("an answer").status, 200);
        assert!(server.is_left_alone());
    }
}

#[tokio::test]
async fn a_connection_that_the_server_may_be_about_to_close_is_not_used_again() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, post(&["one"]));
    let mut first = meanwhile(&mut wire, server.connection()).await;
    let impatient = OK.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=0\r\n\r\n");
    meanwhile(&mut wire, read_request(&mut first)).await;
    write(&mut first, &impatient).await;
    assert_eq!(body(&mut wire).await, "ok");
    begin(&mut wire, post(&["two"]));
    let mut second = meanwhile(&mut wire, server.connection()).await;
    let (_, sent) = meanwhile(&mut wire, read_request(&mut second)).await;
    assert_eq!(sent, b"two");
}

#[tokio::test]
async fn a_server_that_closes_an_idle_connection_sees_its_end() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let (_, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, OK));
    stream.shutdown().await.expect("open");
    let end = meanwhile(&mut wire, stream.read(&mut [0; 1])).await;
    assert_eq!(end.expect("no reset"), 0);
}

#[tokio::test]
async fn what_a_server_says_unasked_is_no_answer() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let twice = format!("{OK}{}", OK.replace("ok", "no"));
    let (_, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, &twice));
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let (_, ()) = tokio::join!(body(&mut wire), serve(&mut stream, OK));
}

#[tokio::test]
async fn a_request_whose_bytes_may_have_left_is_never_sent_again() {
    for kept in [false, true] {
        let mut server = Server::new().await;
        let mut wire = server.wire();
        begin(&mut wire, post(&["1"]));
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        if kept {
            let (_, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, OK));
            begin(&mut wire, post(&["2"]));
        }
        meanwhile(&mut wire, read_request(&mut stream)).await;
        drop(stream);
        assert_eq!(failure(&mut wire).await.code(), Code::NetworkLost);
        meanwhile(&mut wire, tokio::time::sleep(Duration::from_millis(50))).await;
        assert!(server.is_left_alone());
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_is_a_lost_connection() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n4ab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n4ab\r\n",
        "",
    ] {
        for reset in [false, true] {
            let mut server = Server::new().await;
            let mut wire = server.wire();
            begin(&mut wire, get());
            let mut stream = meanwhile(&mut wire, server.connection()).await;
            meanwhile(&mut wire, read_request(&mut stream)).await;
            write(&mut stream, response).await;
            if reset {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("can be set");
            }
            drop(stream);
            let error = failure(&mut wire).await;
            assert_eq!(error.code(), Code::NetworkLost, "{response:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_a_sign_of_life() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    meanwhile(&mut wire, read_request(&mut stream)).await;
    for piece in ["HTTP/1.1 200 OK\r\n", "Content-Length: 4\r\n\r\n", "4", "ab"] {
        write(&mut stream, piece).await;
        let partial = timeout(LONG, next(&mut wire)).await.expect("in time");
        assert!(matches!(partial, Input::Activity { partial: true, pong: false, .. }), "{piece}");
        meanwhile(&mut wire, tokio::task::yield_now()).await;
    }
    write(&mut stream, "c").await;
    let whole = timeout(LONG, next(&mut wire)).await.expect("in time");
    assert!(matches!(whole, Input::Response { result: Ok(_), .. }), "{whole:?}");
    assert!(wire.activity().is_none());
}

#[tokio::test]
async fn every_status_is_an_answer_with_what_its_head_says() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let response = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nSet-Cookie: a=1; Path=/\r\n\
                    Date: Tue, 01 Jan 2030 00:00:00 GMT\r\nset-cookie: b=2\r\n\
                    Content-Length: 4\r\n\r\nbusy";
    let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, response));
    let answer = answered.1.expect("an answer");
    assert_eq!((answer.status, answer.retry_after_ms), (503, Some(7_000)));
    assert_eq!(answer.body, "busy");
    assert_eq!(answer.cookies.set, ["a=1; Path=/", "b=2"]);
    assert_eq!(answer.cookies.date.as_deref(), Some("Tue, 01 Jan 2030 00:00:00 GMT"));
}

#[tokio::test]
async fn a_head_that_is_too_large_or_no_http_is_a_handshake_error() {
    let large = format!("HTTP/1.1 200 OK\r\nX-Fill: {}\r\n\r\n", "x".repeat(70 << 10));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(125));
    for response in [large, many, "SSH-2.0-server\r\n\r\n".into()] {
        let mut server = Server::new().await;
        let mut wire = server.wire();
        begin(&mut wire, get());
        let mut stream = meanwhile(&mut wire, server.connection()).await;
        meanwhile(&mut wire, read_request(&mut stream)).await;
        // An error is a client that has read enough.
        let served = async { stream.write_all(response.as_bytes()).await };
        let (error, _) = tokio::join!(failure(&mut wire), served);
        assert_eq!(error.code(), Code::Handshake, "{error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_or_sent_is_told_in_the_answer() {
    let server = Server::new().await;
    let mut wire = server.wire();
    let path_and_query = "/a b".into();
    let refused = wire.request(HttpRequest { path_and_query, ..post(&["1"]) });
    let Some(Input::Response { exchange: Exchange::Post, result: Err(error), .. }) = refused else {
        panic!("unexpected {refused:?}");
    };
    assert_eq!(error.code(), Code::InvalidUrl);
    assert_eq!(wire.unsent(), Waiting::default());

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let server = Server { address: nobody.expect("bound"), ..server };
    let mut wire = server.wire();
    for _ in 0..2 {
        begin(&mut wire, get());
        assert_eq!(failure(&mut wire).await.code(), Code::Connect);
    }
}

#[tokio::test]
async fn a_full_host_does_not_keep_an_answer() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    meanwhile(&mut wire, read_request(&mut stream)).await;
    write(&mut stream, OK).await;
    let unread = poll_fn(|cx| wire.poll(cx, false));
    let received = timeout(LONG, unread).await.expect("in time");
    assert!(matches!(received, Some(Input::Response { result: Ok(_), .. })), "{received:?}");
}

/// Hang up like the task.
fn goodbye(wire: Wire, farewell: Vec<HttpRequest>) -> (JoinHandle<()>, Arc<Finish>) {
    let finish = Arc::new(Finish::default());
    let lifeline = finish.lifeline(Runtime::of_caller(tokio::runtime::Handle::current()));
    let goodbye = wire.goodbye(farewell).expect("there is something to do");
    (tokio::spawn(hang_up(goodbye, lifeline)), finish)
}

/// A wire with a GET and a POST that have no answer yet, and their connections.
pub(super) async fn busy(server: &mut Server) -> (Wire, TcpStream, TcpStream) {
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut polled = meanwhile(&mut wire, server.connection()).await;
    meanwhile(&mut wire, read_request(&mut polled)).await;
    begin(&mut wire, post(&["4first"]));
    let mut posted = meanwhile(&mut wire, server.connection()).await;
    meanwhile(&mut wire, read_request(&mut posted)).await;
    (wire, polled, posted)
}

#[tokio::test]
async fn hanging_up_finishes_the_post_then_says_farewell_then_drops_the_get() {
    let mut server = Server::new().await;
    let (wire, mut polled, mut posted) = busy(&mut server).await;
    let (goodbye, finish) = goodbye(wire, vec![post(&["41"]), post(&["1"])]);
    let early = timeout(Duration::from_millis(50), posted.read(&mut [0; 1])).await;
    assert!(early.is_err(), "the first POST has no answer yet");
    write(&mut posted, OK).await;
    for last in [&b"41"[..], b"1"] {
        assert_eq!(timeout(LONG, read_request(&mut posted)).await.expect("in time").1, last);
        assert!(timeout(Duration::from_millis(20), polled.read(&mut [0; 1])).await.is_err());
        assert!(!finish.wait(Duration::ZERO));
        write(&mut posted, OK).await;
    }
    assert_eq!(polled.read(&mut [0; 1]).await.expect("no reset"), 0);
    assert_eq!(posted.read(&mut [0; 1]).await.expect("no reset"), 0);
    goodbye.await.expect("no panic");
    assert!(finish.wait(Duration::ZERO));
    assert!(server.is_left_alone());
}

#[tokio::test]
async fn a_farewell_ends_at_the_first_failure() {
    for answer in ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 "] {
        let mut server = Server::new().await;
        let (wire, polled, mut posted) = busy(&mut server).await;
        let (goodbye, _) = goodbye(wire, vec![post(&["41"]), post(&["1"])]);
        write(&mut posted, OK).await;
        serve(&mut posted, answer).await;
        posted.shutdown().await.expect("open");
        timeout(LONG, goodbye).await.expect("in time").expect("no panic");
        assert_eq!(posted.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert!(server.is_left_alone());
        drop(polled);
    }
}

#[tokio::test]
async fn a_farewell_takes_a_second_at_most() {
    let mut server = Server::new().await;
    let (wire, mut polled, mut posted) = busy(&mut server).await;
    let start = clock::now().mono;
    goodbye(wire, vec![post(&["1"])]).0.await.expect("no panic");
    let passed = clock::now().mono.since(start);
    assert!((900..1_900).contains(&passed), "{passed} ms");
    assert_eq!(polled.read(&mut [0; 1]).await.expect("no reset"), 0);
    assert_eq!(posted.read(&mut [0; 1]).await.expect("no reset"), 0);
}

#[tokio::test]
async fn a_wire_with_nothing_to_say_is_dropped_at_once() {
    let mut server = Server::new().await;
    let mut wire = server.wire();
    begin(&mut wire, get());
    let mut polled = meanwhile(&mut wire, server.connection()).await;
    meanwhile(&mut wire, read_request(&mut polled)).await;
    assert!(wire.goodbye(Vec::new()).is_none());
    assert_eq!(polled.read(&mut [0; 1]).await.expect("no reset"), 0);
}

#[tokio::test]
async fn requests_go_through_tls() {
    let authority = Authority::new();
    let acceptor = native_tls::TlsAcceptor::new(authority.sign(&["127.0.0.1"], false));
    let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor.expect("a good identity"));
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = listen(move |stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.expect("the client trusts it");
            for _ in 0..2 {
                let (_, body) = read_request(&mut stream).await;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(&[head.as_bytes(), &body].concat()).await.expect("reads");
            }
            tell.send(stream.read(&mut [0; 1]).await.ok()).expect("the test listens");
        }
    })
    .await;
    let mut common = CommonConfig::default();
    common.tls.extra_roots.push(authority.der.clone());
    let dialer = Arc::new(Dialer::new(common, Resolver::system()));
    let endpoint = Arc::new(endpoint(true, "127.0.0.1", address));
    let mut wire = Wire::polling(WireId(7), &dialer, endpoint);
    let big = Bytes::from("x".repeat(300_000));
    for pieces in [vec!["4a", "\u{1e}", "4b"], vec![]] {
        let mut pieces: Vec<_> =
            pieces.into_iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        pieces.extend((0..500).map(|n| Bytes::from(format!("{n},"))));
        pieces.extend([big.clone(), Bytes::from_static(b"end")]);
        let expected = pieces.concat();
        begin(&mut wire, HttpRequest { body: pieces, ..post(&[]) });
        assert!(body(&mut wire).await == expected);
    }
    drop(wire);
    assert!(told.recv().await.is_some(), "closed");
}
