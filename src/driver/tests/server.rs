//! Servers that behave, and servers that do not.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use native_tls::Identity;
use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::config::Endpoint;

/// Give every connection to `serve`.
pub(super) async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Read the head of a request.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Read the head of a handshake and agree. The frames are the caller's.
pub(super) async fn accept(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let head = read_head(stream).await;
    let response = agreement(&head, "");
    stream.write_all(response.as_bytes()).await.expect("the client reads");
    head
}

/// The response that agrees to a handshake, with more header lines.
pub(super) fn agreement(head: &str, lines: &str) -> String {
    let key = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("Sec-WebSocket-Key").then_some(value))
        .expect("the request has a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
    )
}

/// Answer every request with this text, and keep the connection.
pub(super) async fn answering(text: String) -> SocketAddr {
    listen(move |mut stream| {
        let text = text.clone();
        async move {
            read_head(&mut stream).await;
            // An error is a client that has read enough.
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await
}

pub(super) fn endpoint(secure: bool, host: &str, address: SocketAddr) -> Endpoint {
    Endpoint {
        secure,
        host: host.into(),
        port: address.port(),
        path: "/socket.io/".into(),
        query: String::new(),
    }
}

/// An authority that signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) der: Vec<u8>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // Issuer and subject must differ, or the signed ones look self-signed.
        params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let der = params.self_signed(&key).expect("signs").der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// A certificate for these names and addresses; its life may be over.
    pub(super) fn sign(&self, names: &[&str], expired: bool) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        if expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        identity(&certificate.pem(), &key)
    }
}

/// A certificate that vouches for itself.
pub(super) fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a good name");
    identity(&params.self_signed(&key).expect("signs").pem(), &key)
}

fn identity(certificate: &str, key: &KeyPair) -> Identity {
    Identity::from_pkcs8(certificate.as_bytes(), key.serialize_pem().as_bytes()).expect("they fit")
}

/// A TLS server that agrees to every handshake and tells the request's head; empty when not a
/// byte came through TLS.
pub(super) async fn tls(identity: Identity) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let acceptor = native_tls::TlsAcceptor::new(identity).expect("a good identity");
    let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor);
    let (tell, told) = mpsc::unbounded_channel();
    let address = listen(move |stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut head = String::new();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                head = read_head(&mut stream).await;
                if !head.is_empty() {
                    let response = agreement(&head, "");
                    stream.write_all(response.as_bytes()).await.expect("the client reads");
                    tell.send(head).expect("the test listens");
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                    return;
                }
            }
            tell.send(head).expect("the test listens");
        }
    })
    .await;
    (address, told)
}

/// More than the buffers of two sockets hold.
pub(super) const FLOOD: usize = 800;

/// Heartbeats one after the other.
pub(super) const BEATS: u64 = 100;

/// A Socket.IO server with one namespace; tells how each connection ended.
///
/// It answers the ack of `echo` with the event's arguments, and never that of `swallow`. It tells
/// of `tell`, and of the end of a `flood` of [`FLOOD`] events of 64 KiB. `reset` resets the
/// connection, and after `freeze` it reads no more. `beat` makes it ping [`BEATS`] times, each time
/// after the answer to the one before, and tell.
pub(super) async fn socket_io() -> (SocketAddr, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let address = listen(move |stream| {
        let tell = tell.clone();
        async move {
            let mut socket = accept_async(stream).await.expect("a handshake");
            let end = serve_socket_io(&mut socket, &tell).await;
            if end == "reset" {
                let linger = Some(Duration::ZERO);
                SockRef::from(socket.get_ref()).set_linger(linger).expect("can be set");
            }
            drop(socket);
            // The test may be over.
            let _ = tell.send(end);
        }
    })
    .await;
    (address, told)
}

/// The same behind TLS.
pub(super) async fn secure_socket_io(
    identity: Identity,
) -> (SocketAddr, mpsc::UnboundedReceiver<&'static str>) {
    let acceptor = native_tls::TlsAcceptor::new(identity).expect("a good identity");
    let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor);
    let (tell, told) = mpsc::unbounded_channel();
    let address = listen(move |stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let stream = acceptor.accept(stream).await.expect("the client trusts it");
            let mut socket = accept_async(stream).await.expect("a handshake");
            let end = serve_socket_io(&mut socket, &tell).await;
            let _ = tell.send(end);
        }
    })
    .await;
    (address, told)
}

async fn serve_socket_io<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    tell: &mpsc::UnboundedSender<&'static str>,
) -> &'static str {
    let open = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    socket.send(Message::text(open)).await.expect("open");
    while let Some(Ok(message)) = socket.next().await {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Close(_) => return "closed in order",
            _ => continue,
        };
        if text.starts_with("40") {
            socket.send(Message::text(r#"40{"sid":"s"}"#)).await.expect("open");
        }
        let Some((id, event)) = text.strip_prefix("42").and_then(|event| event.split_once('['))
        else {
            continue;
        };
        let (name, args) = event.split_once(',').unwrap_or((event, "]"));
        match name.trim_end_matches(']') {
            "\"echo\"" if !id.is_empty() => {
                socket.send(Message::text(format!("43{id}[{args}"))).await.expect("open");
            }
            "\"tell\"" => tell.send("told").expect("the test listens"),
            "\"flood\"" => {
                let event = Message::text(format!("42[\"text\",\"{}\"]", "x".repeat(64 << 10)));
                for _ in 0..FLOOD {
                    socket.send(event.clone()).await.expect("open");
                }
                tell.send("flooded").expect("the test listens");
            }
            "\"beat\"" => {
                for _ in 0..BEATS {
                    socket.send(Message::text("2")).await.expect("open");
                    let answer = socket.next().await.expect("open").expect("a message");
                    assert_eq!(answer, Message::text("3"));
                }
                tell.send("beaten").expect("the test listens");
            }
            "\"reset\"" => return "reset",
            "\"freeze\"" => std::future::pending().await,
            _ => {}
        }
    }
    "lost"
}
