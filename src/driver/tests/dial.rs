//! Every phase of connecting, and what its failure is called.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::server::{
    Authority, agreement, answering, endpoint, listen, read_head, self_signed, tls,
};
use crate::config::{CommonConfig, Endpoint, Proxy, SocketHook, SocketPurpose, TlsConfig};
use crate::driver::clock;
use crate::driver::dial::{Dialer, Dialled, Progress};
use crate::driver::resolve::Resolver;
#[cfg(target_os = "linux")]
use crate::driver::socket::limit_unacknowledged;
use crate::driver::socket::source_address;
use crate::error::{Code, Error, Result};

const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

async fn dial_with(
    common: CommonConfig,
    resolver: Resolver,
    endpoint: Endpoint,
) -> Result<Dialled> {
    let dialer = Arc::new(Dialer::new(common, resolver));
    let headers = dialer.headers();
    dialer.dial(Arc::new(endpoint), PATH.into(), headers, Progress::default()).await
}

/// A resolver that knows only these.
fn knowing(addresses: &[SocketAddr]) -> Resolver {
    let addresses = addresses.to_vec();
    Resolver::new(move |_, _| Ok(addresses.clone()))
}

async fn dial(address: SocketAddr) -> Result<Dialled> {
    dial_with(CommonConfig::default(), knowing(&[]), endpoint(false, "127.0.0.1", address)).await
}

async fn failure(address: SocketAddr) -> Error {
    dial(address).await.expect_err("the server does not agree")
}

fn code(result: Result<Dialled>) -> Option<Code> {
    result.err().map(|error| error.code())
}

/// An address where nobody listens.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    listener.local_addr().expect("bound")
}

/// An address that answers no SYN: a listener whose queue is full. It lives as long as the sockets.
async fn silent() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    listener.bind(&any.into()).expect("binds");
    listener.listen(0).expect("listens");
    let address = listener.local_addr().expect("bound");
    let mut sockets = vec![listener];
    for _ in 0..3 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("can be set");
        // In progress, or never.
        let _ = socket.connect(&address);
        sockets.push(socket);
    }
    (address.as_socket().expect("IPv4"), sockets)
}

#[tokio::test]
async fn the_request_carries_path_host_and_headers() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = listen(move |mut stream| {
        let tell = tell.clone();
        async move {
            let head = super::server::accept(&mut stream).await;
            tell.send(head).expect("the test listens");
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let mut common = CommonConfig::default();
    common.add_header("X-App", "demo").expect("a good header");
    let endpoint = endpoint(false, "portal.test", address);
    let dialled = dial_with(common, knowing(&[address]), endpoint).await.expect("connects");
    assert_eq!(dialled.local.map(|local| local.ip()), Some(address.ip()));
    let head = told.recv().await.expect("a request");
    assert!(head.starts_with(&format!("GET {PATH} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains(&format!("\r\nHost: portal.test:{}\r\n", address.port())), "{head}");
    assert!(head.contains("\r\nX-App: demo\r\n"), "{head}");
}

#[tokio::test]
async fn a_certificate_is_verified_for_the_name_or_the_address() {
    let authority = Authority::new();
    let config = TlsConfig { extra_roots: vec![authority.der.clone()], ..TlsConfig::default() };
    let common = CommonConfig { tls: config, ..CommonConfig::default() };
    let (address, mut told) = tls(authority.sign(&["portal.test", "127.0.0.1"], false)).await;
    for host in ["portal.test", "127.0.0.1"] {
        let endpoint = endpoint(true, host, address);
        dial_with(common.clone(), knowing(&[address]), endpoint).await.expect("connects");
        assert!(told.recv().await.expect("a request").contains(PATH));
    }
}

#[tokio::test]
async fn a_bad_certificate_names_the_failed_check_and_gets_no_request() {
    let authority = Authority::new();
    let roots = TlsConfig { extra_roots: vec![authority.der.clone()], ..TlsConfig::default() };
    let rustls = cfg!(feature = "tls-rustls");
    let cases = [
        (authority.sign(&["other.test"], false), &roots, "hostname mismatch"),
        (authority.sign(&["portal.test"], true), &roots, "certificate has expired"),
        (self_signed("portal.test"), &roots, if rustls { "unknown issuer" } else { "self-signed" }),
        (
            authority.sign(&["portal.test"], false),
            &TlsConfig::default(),
            if rustls { "unknown issuer" } else { "unable to get local" },
        ),
    ];
    for (identity, config, check) in cases {
        let (address, mut told) = tls(identity).await;
        let mut common = CommonConfig { tls: config.clone(), ..CommonConfig::default() };
        let endpoint = endpoint(true, "portal.test", address);
        let refused = dial_with(common.clone(), knowing(&[address]), endpoint.clone()).await;
        let error = refused.expect_err("not acceptable");
        assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
        if rustls || cfg!(target_os = "linux") {
            assert!(error.message().to_lowercase().contains(check), "{error:?} for {check}");
        }
        assert_eq!(told.recv().await.as_deref(), Some(""), "no byte of HTTP for {check}");

        common.tls.dangerously_accept_anything = true;
        dial_with(common, knowing(&[address]), endpoint).await.expect("anything goes");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_and_one_that_hangs_up_are_told_apart() {
    let plain = listen(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let secure = |address| {
        let endpoint = endpoint(true, "127.0.0.1", address);
        dial_with(CommonConfig::default(), knowing(&[]), endpoint)
    };
    assert_eq!(code(secure(plain).await), Some(Code::TlsHandshake));
    let reset = listen(|stream| async move {
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("can be set");
    })
    .await;
    assert_eq!(code(secure(reset).await), Some(Code::NetworkLost));
}

#[tokio::test]
async fn another_status_than_101_is_told_with_its_wish_to_wait() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\nbusy";
    let error = failure(answering(busy.into()).await).await;
    let told = (error.code(), error.http_status(), error.retry_after_ms());
    assert_eq!(told, (Code::HttpStatus, Some(503), Some(7_000)));
    let body = r#"{"code":1,"message":"Session ID unknown"}"#;
    let length = body.len();
    let gone = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\n\r\n{body}");
    let gone = failure(answering(gone).await).await;
    assert_eq!((gone.code(), gone.http_status()), (Code::UnknownSid, Some(400)), "{gone:?}");
    // The server neither ends this body nor closes.
    let fine = failure(answering("HTTP/1.1 200 OK\r\n\r\n".into()).await).await;
    assert_eq!((fine.code(), fine.http_status()), (Code::HttpStatus, Some(200)));
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let (tell, mut visited) = mpsc::unbounded_channel();
    let target = listen(move |_| {
        let tell = tell.clone();
        async move { tell.send(()).expect("the test listens") }
    })
    .await;
    let head = format!("HTTP/1.1 302 Found\r\nLocation: http://{target}/away?token=secret\r\n\r\n");
    let error = failure(answering(head).await).await;
    assert_eq!((error.code(), error.http_status()), (Code::HttpStatus, Some(302)));
    assert!(error.message().contains("127.0.0.1"), "{error:?}");
    assert!(!error.message().contains("secret"), "{error:?}");
    assert!(visited.try_recv().is_err());
}

#[tokio::test]
async fn a_head_that_is_too_large_or_malformed_is_a_handshake_error() {
    let line = format!("X-Fill: {}\r\n", "x".repeat(70 << 10));
    let endless = format!("HTTP/1.1 101 Switching Protocols\r\n{line}\r\n");
    let many = format!("HTTP/1.1 101 Switching Protocols\r\n{}\r\n", "A: b\r\n".repeat(125));
    for head in [endless, many, "SSH-2.0-server\r\n\r\n".into(), "\0\0\0\0\r\n\r\n".into()] {
        let error = failure(answering(head).await).await;
        assert_eq!(error.code(), Code::Handshake, "{error:?}");
    }
}

#[tokio::test]
async fn an_agreement_that_does_not_fit_the_request_is_a_websocket_error() {
    type Spoil = fn(String) -> String;
    let cases: [Spoil; 3] = [
        |head| agreement(&head, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        |head| agreement(&head, "Sec-WebSocket-Protocol: chat\r\n"),
        |_| agreement("Sec-WebSocket-Key: another", ""),
    ];
    for spoil in cases {
        let address = listen(move |mut stream| async move {
            let head = read_head(&mut stream).await;
            let _ = stream.write_all(spoil(head).as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let error = failure(address).await;
        assert_eq!(error.code(), Code::Websocket, "{error:?}");
    }
}

#[tokio::test]
async fn a_subprotocol_is_offered_and_the_answer_is_one_of_them_or_none() {
    let mut common = CommonConfig::default();
    common.transports.protocols = vec!["one".into(), "two".into()];
    for (line, agrees) in [
        ("", true),
        ("Sec-WebSocket-Protocol: two\r\n", true),
        ("Sec-WebSocket-Protocol: three\r\n", false),
    ] {
        let (tell, mut told) = mpsc::unbounded_channel();
        let address = listen(move |mut stream| {
            let tell = tell.clone();
            async move {
                let head = read_head(&mut stream).await;
                let _ = stream.write_all(agreement(&head, line).as_bytes()).await;
                tell.send(head).expect("the test listens");
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
        let endpoint = endpoint(false, "127.0.0.1", address);
        let dialled = dial_with(common.clone(), knowing(&[]), endpoint).await;
        assert_eq!(code(dialled), (!agrees).then_some(Code::Websocket), "{line:?}");
        let head = told.recv().await.expect("a request").to_lowercase();
        assert!(head.contains("\r\nsec-websocket-protocol: one, two\r\n"), "{head}");
    }
}

#[tokio::test]
async fn cookies_of_the_answer_are_told_with_its_date() {
    let lines = "Set-Cookie: a=1; Path=/\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n\
                 Set-Cookie: b=2; HttpOnly\r\n";
    let address = listen(move |mut stream| async move {
        let head = read_head(&mut stream).await;
        let _ = stream.write_all(agreement(&head, lines).as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let cookies = dial(address).await.expect("connects").cookies;
    assert_eq!(cookies.set, ["a=1; Path=/", "b=2; HttpOnly"]);
    assert_eq!(cookies.date.as_deref(), Some("Tue, 01 Jan 2030 00:00:00 GMT"));
}

#[tokio::test]
async fn a_server_that_closes_before_it_answers_is_a_lost_connection() {
    let address = listen(|mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    assert_eq!(failure(address).await.code(), Code::NetworkLost);
}

#[tokio::test]
async fn every_phase_has_its_limit_and_its_name() {
    let mut common = CommonConfig::default();
    let short = Duration::from_millis(60);
    let limits = &mut common.timeouts;
    (limits.dns, limits.tcp, limits.tls, limits.open) = (short, short, short, short);
    let mute = listen(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let (silent, _sockets) = silent().await;
    for (secure, address, phase) in [
        (false, silent, "TCP connect"),
        (true, mute, "TLS handshake"),
        (false, mute, "WebSocket handshake"),
    ] {
        let endpoint = endpoint(secure, "127.0.0.1", address);
        let error = dial_with(common.clone(), knowing(&[]), endpoint).await.expect_err("slow");
        assert_eq!(error.code(), Code::ConnectTimeout);
        assert!(error.message().starts_with(phase), "{error:?}");
    }
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let hanging = Resolver::new(move |_, _| {
        let _ = released.lock().map(|released| released.recv());
        Err(io::Error::other("released"))
    });
    let endpoint = endpoint(false, "portal.test", mute);
    assert_eq!(code(dial_with(common, hanging, endpoint).await), Some(Code::Dns));
    drop(release);
}

#[tokio::test]
async fn the_next_address_is_tried_at_once_after_a_failure_and_soon_after_silence() {
    let good = listen(|mut stream| async move {
        super::server::accept(&mut stream).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let (silent, _sockets) = silent().await;
    for (dead, range) in [(closed().await, 0..200), (silent, 200..2_000)] {
        let start = clock::now().mono;
        let resolver = knowing(&[dead, good]);
        let endpoint = endpoint(false, "portal.test", good);
        dial_with(CommonConfig::default(), resolver, endpoint).await.expect("the second one");
        let passed = clock::now().mono.since(start);
        assert!(range.contains(&passed), "{passed} ms, expected {range:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_connect_error_that_tells_why() {
    let endpoint = endpoint(false, "portal.test", closed().await);
    let resolver = knowing(&[closed().await, closed().await]);
    let error = dial_with(CommonConfig::default(), resolver, endpoint).await.expect_err("dead");
    assert_eq!(error.code(), Code::Connect);
    assert!(error.message().contains("refused") && error.message().contains('2'), "{error:?}");
}

#[tokio::test]
async fn connections_come_from_the_chosen_address_and_keep_its_family() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let from = |text: &str| CommonConfig {
        local_address: Some(text.parse().expect("an address")),
        ..CommonConfig::default()
    };
    let other = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 1));
    let resolver = knowing(&[other, address]);
    let endpoint = endpoint(false, "some.example", address);
    let dialling = tokio::spawn(dial_with(from("127.0.0.3"), resolver, endpoint.clone()));
    let (_, peer) = listener.accept().await.expect("a client");
    assert_eq!(peer.ip().to_string(), "127.0.0.3");
    dialling.abort();
    let refused = dial_with(from("::"), knowing(&[address]), endpoint).await;
    assert_eq!(code(refused), Some(Code::Connect));
}

/// A hook that allows what `allow` says, and what it was shown.
fn watching(
    allow: impl Fn(SocketPurpose) -> bool + Send + Sync + 'static,
) -> (SocketHook, mpsc::UnboundedReceiver<SocketPurpose>) {
    let (tell, told) = mpsc::unbounded_channel();
    let hook = SocketHook::new(move |socket, purpose| {
        let fresh = socket2::SockRef::from(&socket).peer_addr().is_err();
        assert!(fresh, "it is shown before it connects");
        tell.send(purpose).expect("the test listens");
        allow(purpose)
    });
    (hook, told)
}

#[tokio::test]
async fn every_socket_is_shown_before_it_connects_and_a_refused_one_never_does() {
    let (address, _requests) = tls(self_signed("portal.test")).await;
    let (hook, mut shown) = watching(|_| false);
    let mut common = CommonConfig { on_socket: Some(hook), ..CommonConfig::default() };
    let to = || endpoint(false, "127.0.0.1", address);
    let error = dial_with(common.clone(), knowing(&[]), to()).await.expect_err("refused");
    assert_eq!(error.code(), Code::Connect);
    assert!(error.message().contains("the application refused the socket"), "{error}");
    assert_eq!(shown.try_recv(), Ok(SocketPurpose::Server));
    assert_eq!(source_address(address, &common), None);
    assert_eq!(shown.try_recv(), Ok(SocketPurpose::Probe));
    common.proxy = Some(Proxy::parse(&format!("http://{address}")).expect("a proxy"));
    assert_eq!(code(dial_with(common, knowing(&[address]), to()).await), Some(Code::Proxy));
    assert_eq!(shown.try_recv(), Ok(SocketPurpose::Proxy));
    assert!(shown.try_recv().is_err(), "nothing else");
}

#[test]
fn the_system_tells_which_address_it_would_use_without_sending_anything() {
    let mut common = CommonConfig::default();
    let here: IpAddr = [127, 0, 0, 1].into();
    assert_eq!(source_address(SocketAddr::new(here, 9), &common), Some(here));
    let other: IpAddr = [127, 0, 0, 2].into();
    common.local_address = Some(other);
    assert_eq!(source_address(SocketAddr::new(here, 9), &common), Some(other));
    // An address that this device does not have, as after a change of the network.
    common.local_address = Some([192, 0, 2, 1].into());
    assert_eq!(source_address(SocketAddr::new(here, 9), &common), None);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_not_acknowledged_in_time_breaks_the_connection() {
    let address = listen(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let tcp = tokio::net::TcpStream::connect(address).await.expect("connects");
    limit_unacknowledged(&tcp, 45_000);
    let limit = socket2::SockRef::from(&tcp).tcp_user_timeout().expect("an option");
    assert_eq!(limit, Some(Duration::from_secs(45)));
}
