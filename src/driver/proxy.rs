//! The way to a server through a proxy: a tunnel by HTTP CONNECT or SOCKS5, in which nothing but
//! the server is spoken to.

use std::fmt::Display;
use std::io;

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_socks::Error as SocksError;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use crate::config::{Endpoint, Proxy, ProxyKind};
use crate::error::{Code, Error, Result};

/// The head of an answer to CONNECT, with those of interim answers before it.
const MAX_HEAD: usize = 16 << 10;

/// Header lines of an answer.
const MAX_HEADERS: usize = 64;

/// Let the proxy at the other end of `tcp` connect to a server.
///
/// # Errors
/// [`Code::Proxy`]; the message names the proxy, and no credentials.
pub(crate) async fn tunnel(proxy: &Proxy, tcp: TcpStream, to: &Endpoint) -> Result<TcpStream> {
    match proxy.kind {
        ProxyKind::Http => http(proxy, tcp, to).await,
        ProxyKind::Socks5 => socks5(proxy, tcp, to).await,
    }
}

/// A failure of the way to the proxy, or of the proxy itself.
pub(crate) fn failed(proxy: &Proxy, what: impl Display) -> Error {
    Error::new(Code::Proxy, format!("proxy {proxy}: {what}"))
}

/// The proxy does not let us in. The same credentials will not help later either.
fn refused(proxy: &Proxy, phase: &str) -> Error {
    let other = if proxy.credentials.is_some() { "other " } else { "" };
    failed(proxy, format_args!("{phase}: the proxy wants {other}credentials"))
}

/// HTTP CONNECT (RFC 9110, section 9.3.6).
async fn http(proxy: &Proxy, mut tcp: TcpStream, to: &Endpoint) -> Result<TcpStream> {
    let broken = |error: io::Error| failed(proxy, format_args!("CONNECT: {error}"));
    tcp.write_all(connect_request(proxy, to).as_bytes()).await.map_err(broken)?;
    let mut room = MAX_HEAD;
    let status = loop {
        let head = read_head(&mut tcp, room).await.map_err(broken)?;
        room -= head.len();
        let status = status(&head).map_err(|error| {
            failed(proxy, format_args!("CONNECT: the answer is not HTTP: {error}"))
        })?;
        // An interim answer; the final one follows.
        if !(100..200).contains(&status) {
            break status;
        }
    };
    match status {
        200..300 => Ok(tcp),
        407 => Err(refused(proxy, "CONNECT").with_http_status(407)),
        _ => Err(failed(proxy, format_args!("CONNECT: HTTP {status}")).with_http_status(status)),
    }
}

fn connect_request(proxy: &Proxy, to: &Endpoint) -> Zeroizing<String> {
    let (host, port) = (&to.host, to.port);
    let server =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let credentials = proxy
        .credentials
        .as_ref()
        .map(|(user, password)| Zeroizing::new(format!("{user}:{}", password.expose())));
    let length = credentials.as_ref().map_or(0, |text| text.len());
    // No growth, which would leave the credentials behind.
    let mut request = Zeroizing::new(String::with_capacity(2 * server.len() + 2 * length + 128));
    *request += &format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
    if let Some(credentials) = credentials {
        *request += "Proxy-Authorization: Basic ";
        base64::engine::general_purpose::STANDARD
            .encode_string(credentials.as_bytes(), &mut request);
        *request += "\r\n";
    }
    *request += "\r\n";
    request
}

/// Read to the end of a head of at most `most` bytes, and nothing behind it: that is the server's.
async fn read_head(tcp: &mut TcpStream, most: usize) -> io::Result<Vec<u8>> {
    let (mut head, mut piece) = (Vec::new(), [0; 512]);
    loop {
        let peeked = tcp.peek(&mut piece).await?;
        if peeked == 0 {
            return Err(io::Error::other("the proxy closed the connection"));
        }
        let before = head.len();
        head.extend_from_slice(&piece[..peeked]);
        let end = end_of_head(&head, before.saturating_sub(2));
        head.truncate(end.unwrap_or(head.len()));
        tcp.read_exact(&mut piece[..head.len() - before]).await?;
        if head.len() > most {
            return Err(io::Error::other("the answer's head is over 16 KiB"));
        }
        if end.is_some() {
            return Ok(head);
        }
    }
}

/// Behind the first empty line that ends at `from` or later. Lines may end without a carriage
/// return.
fn end_of_head(head: &[u8], from: usize) -> Option<usize> {
    let lines = head[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    lines.map(|(at, _)| from + at).find_map(|end| match &head[end + 1..] {
        [b'\n', ..] => Some(end + 2),
        [b'\r', b'\n', ..] => Some(end + 3),
        _ => None,
    })
}

fn status(head: &[u8]) -> Result<u16, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head)?;
    response.code.ok_or(httparse::Error::Status)
}

/// SOCKS5 (RFC 1928); the proxy resolves the server's name.
async fn socks5(proxy: &Proxy, tcp: TcpStream, to: &Endpoint) -> Result<TcpStream> {
    let target = (to.host.as_str(), to.port);
    let connected = match &proxy.credentials {
        None => Socks5Stream::connect_with_socket(tcp, target).await,
        Some((user, password)) => {
            let password = password.expose();
            Socks5Stream::connect_with_password_and_socket(tcp, target, user, password).await
        }
    };
    connected.map(Socks5Stream::into_inner).map_err(|error| match error {
        SocksError::NoAcceptableAuthMethods
        | SocksError::AuthorizationRequired
        | SocksError::PasswordAuthFailure(_) => refused(proxy, "SOCKS5"),
        error => failed(proxy, format_args!("SOCKS5: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint::parse(&format!("https://{host}")).expect("a good host").0
    }

    #[test]
    fn the_request_names_the_server_and_carries_basic_credentials() {
        let proxy = Proxy::parse("http://proxy.test:3128").expect("valid");
        assert_eq!(
            *connect_request(&proxy, &endpoint("server.test")),
            "CONNECT server.test:443 HTTP/1.1\r\nHost: server.test:443\r\n\r\n"
        );
        let proxy = Proxy::parse("http://Aladdin:open%20sesame@proxy.test").expect("valid");
        let request = connect_request(&proxy, &endpoint("[::1]:8080"));
        assert!(request.starts_with("CONNECT [::1]:8080 HTTP/1.1\r\n"), "{request:?}");
        let line = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert!(request.ends_with(line), "{request:?}");
    }

    #[test]
    fn a_head_ends_behind_its_first_empty_line() {
        let whole = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest\r\n\r\n";
        let end = whole.len() - b"rest\r\n\r\n".len();
        for cut in 0..whole.len() {
            let from = cut.saturating_sub(2);
            let found = if cut < end { Some(end) } else { Some(whole.len()) };
            assert_eq!(end_of_head(whole, from), found, "{cut}");
            if cut < end {
                assert_eq!(end_of_head(&whole[..cut], 0), None, "{cut}");
            }
        }
        assert_eq!(end_of_head(b"HTTP/1.0 200\n\nrest", 0), Some(14));
        assert_eq!(status(&whole[..end]), Ok(200));
        assert!(status(b"220 ready\r\n\r\n").is_err());
    }
}
