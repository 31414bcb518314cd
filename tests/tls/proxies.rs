//! Proxies that work.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::front::listen;

/// What every proxy of these tests wants, if it wants anything.
pub const USER: &str = "al:ice";
pub const PASSWORD: &str = "pass:wörd@";

/// A proxy that resolves every name but `nowhere.test` to this machine.
pub struct TestProxy {
    pub address: SocketAddr,
    targets: Receiver<String>,
}

impl TestProxy {
    /// One for HTTP CONNECT that wants this user and [`PASSWORD`].
    pub fn http(user: Option<&'static str>) -> Self {
        let (tell, targets) = channel();
        let address = listen(move |client| {
            let tell = tell.clone();
            async move {
                // An error is a client that hangs up, which its test asks for.
                let _ = connect(client, user, |target| tell.send(target).unwrap()).await;
            }
        });
        Self { address, targets }
    }

    /// One for SOCKS5 that wants [`USER`] and [`PASSWORD`].
    pub fn socks5(credentials: bool) -> Self {
        let (tell, targets) = channel();
        let address = listen(move |client| {
            let tell = tell.clone();
            async move {
                let _ = socks5(client, credentials, |target| tell.send(target).unwrap()).await;
            }
        });
        Self { address, targets }
    }

    /// Where the next tunnel was asked to lead; none when none was.
    pub fn target(&self) -> Option<String> {
        self.targets.try_recv().ok()
    }
}

async fn reach(target: &str) -> io::Result<TcpStream> {
    let (host, port) = target.rsplit_once(':').unwrap();
    if host == "nowhere.test" {
        return Err(io::ErrorKind::HostUnreachable.into());
    }
    TcpStream::connect(("127.0.0.1", port.parse().unwrap())).await
}

async fn connect(
    mut client: TcpStream,
    user: Option<&str>,
    tell: impl Fn(String),
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.strip_prefix("CONNECT ").unwrap().split_once(" HTTP/1.1\r\n").unwrap().0;
    assert!(head.contains(&format!("\r\nHost: {target}\r\n")), "{head}");
    let sent = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
    let wanted = user
        .map(|user| base64::engine::general_purpose::STANDARD.encode(format!("{user}:{PASSWORD}")));
    if sent != wanted.as_deref() {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                      Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(answer.as_bytes()).await;
    }
    tell(target.to_owned());
    let Ok(mut server) = reach(target).await else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn bytes(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn socks5(mut client: TcpStream, credentials: bool, tell: impl Fn(String)) -> io::Result<()> {
    assert_eq!(client.read_u8().await?, 5);
    let methods = bytes(&mut client).await?;
    let method = if credentials { 2 } else { 0 };
    if !methods.contains(&method) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, method]).await?;
    if credentials {
        assert_eq!(client.read_u8().await?, 1);
        let (user, password) = (bytes(&mut client).await?, bytes(&mut client).await?);
        let right = user == USER.as_bytes() && password == PASSWORD.as_bytes();
        client.write_all(&[1, u8::from(!right)]).await?;
        if !right {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0], "CONNECT");
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => String::from_utf8(bytes(&mut client).await?).unwrap(),
        other => panic!("address type {other}"),
    };
    let target = format!("{host}:{}", client.read_u16().await?);
    tell(target.clone());
    let answer = |code| [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let Ok(mut server) = reach(&target).await else {
        return client.write_all(&answer(4)).await;
    };
    client.write_all(&answer(0)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
