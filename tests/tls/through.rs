//! Through proxies (conformance 94).

use std::net::SocketAddr;
use std::time::Duration;

use roamio::config::{CommonConfig, Proxy, ProxyKind};
use roamio::error::{Code, Error};
use roamio::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::certificates::Authority;
use crate::client::{attempt, refused, transports};
use crate::front::{FrontConfig, closed, listen, socket_io};
use crate::proxies::{PASSWORD, TestProxy, USER};

/// Options with a proxy and, if there is a user, this password.
fn through(
    kind: ProxyKind,
    address: SocketAddr,
    credentials: Option<(&str, &str)>,
) -> CommonConfig {
    let credentials = credentials.map(|(user, word)| (user.to_owned(), Secret::new(word)));
    let (host, port) = (address.ip().to_string(), address.port());
    let proxy = Some(Proxy { kind, host, port, credentials });
    CommonConfig { proxy, ..CommonConfig::default() }
}

/// Both transports reach a server whose name only the proxy knows, with TLS and without.
fn reaches_everything(proxy: &TestProxy, mut common: CommonConfig) {
    let root = Authority::new("root");
    common.tls.add_roots_pem(&root.pem).unwrap();
    let front = FrontConfig::new(root.sign("server.test")).start();
    let plain = socket_io();
    for (scheme, port) in [("http", plain.port()), ("https", front.address.port())] {
        for transport in transports() {
            attempt(&format!("{scheme}://server.test:{port}"), &transport, &common).unwrap();
            assert_eq!(proxy.target(), Some(format!("server.test:{port}")));
            while proxy.target().is_some() {}
        }
    }
    // The certificate is still the server's business.
    for transport in transports() {
        let url = format!("https://127.0.0.1:{}", front.address.port());
        assert_eq!(refused(&url, &transport, &common).code(), Code::TlsCertificate);
        assert!(proxy.target().is_some());
    }
    assert_eq!(front.visit().server_name.as_deref(), Some("server.test"));
}

/// What is told of the proxy, and no credentials.
fn assert_of_proxy(error: &Error, address: SocketAddr, what: &str) {
    assert_eq!(error.code(), Code::Proxy, "{error:?} for {what}");
    let message = error.message();
    assert!(message.contains(&address.to_string()), "{error:?}");
    assert!(message.contains(what), "{error:?} for {what}");
    for secret in [USER, PASSWORD, "wrong", "alice"] {
        assert!(!message.contains(secret), "{error:?}");
    }
}

#[test]
fn conformance_94_connect_without_credentials() {
    let proxy = TestProxy::http(None);
    reaches_everything(&proxy, through(ProxyKind::Http, proxy.address, None));
}

#[test]
fn conformance_94_connect_with_basic_credentials() {
    let proxy = TestProxy::http(Some("alice"));
    let credentials = Some(("alice", PASSWORD));
    reaches_everything(&proxy, through(ProxyKind::Http, proxy.address, credentials));
}

#[test]
fn conformance_94_socks5_without_credentials() {
    let proxy = TestProxy::socks5(false);
    reaches_everything(&proxy, through(ProxyKind::Socks5, proxy.address, None));
    // Credentials that nobody wants do no harm.
    let credentials = Some((USER, PASSWORD));
    reaches_everything(&proxy, through(ProxyKind::Socks5, proxy.address, credentials));
}

#[test]
fn conformance_94_socks5_with_credentials() {
    let proxy = TestProxy::socks5(true);
    let credentials = Some((USER, PASSWORD));
    reaches_everything(&proxy, through(ProxyKind::Socks5, proxy.address, credentials));
}

#[test]
fn conformance_94_a_proxy_that_wants_other_credentials_says_so() {
    let (http, socks) = (TestProxy::http(Some("alice")), TestProxy::socks5(true));
    let url = format!("http://{}", socket_io());
    for transport in transports() {
        for (credentials, what) in
            [(None, "wants credentials"), (Some(("alice", "wrong")), "wants other credentials")]
        {
            let common = through(ProxyKind::Http, http.address, credentials);
            let error = refused(&url, &transport, &common);
            assert_of_proxy(&error, http.address, what);
            assert_eq!(error.http_status(), Some(407));
            let common = through(ProxyKind::Socks5, socks.address, credentials);
            assert_of_proxy(&refused(&url, &transport, &common), socks.address, what);
        }
    }
    assert_eq!((http.target(), socks.target()), (None, None));
}

#[test]
fn conformance_94_a_server_that_the_proxy_does_not_reach_is_its_error() {
    let (http, socks) = (TestProxy::http(None), TestProxy::socks5(false));
    for transport in transports() {
        let common = through(ProxyKind::Http, http.address, None);
        let error = refused("http://nowhere.test", &transport, &common);
        assert_of_proxy(&error, http.address, "HTTP 502");
        assert_eq!(error.http_status(), Some(502));
        let common = through(ProxyKind::Socks5, socks.address, None);
        let error = refused("http://nowhere.test", &transport, &common);
        assert_of_proxy(&error, socks.address, "unreachable");
    }
}

#[test]
fn conformance_94_a_proxy_that_is_down_is_told_from_a_server_that_is_down() {
    let address = closed();
    for kind in [ProxyKind::Http, ProxyKind::Socks5] {
        for transport in transports() {
            let error = refused("http://server.test", &transport, &through(kind, address, None));
            assert_of_proxy(&error, address, "refused");
        }
    }
}

/// A proxy that answers every request with this for ever, or once.
fn answering(answer: &'static [u8], endless: bool) -> SocketAddr {
    listen(move |mut client| async move {
        let _ = client.read(&mut [0; 1024]).await;
        while client.write_all(answer).await.is_ok() && endless {}
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut Vec::new()).await;
    })
}

#[test]
fn conformance_94_what_is_no_answer_of_a_proxy_ends_the_attempt() {
    let url = "https://server.test";
    for (kind, answer, endless, what) in [
        (ProxyKind::Http, &b"SSH-2.0-server\r\n\r\n"[..], false, "not HTTP"),
        (ProxyKind::Http, b"HTTP/1.1 200 OK\r\nA: ", false, "closed"),
        (ProxyKind::Http, b"", false, "closed"),
        (ProxyKind::Http, b"X-Fill: 0123456789\r\n", true, "over 16 KiB"),
        (ProxyKind::Http, b"HTTP/1.1 100 Continue\r\n\r\n", true, "over 16 KiB"),
        (ProxyKind::Http, b"\0\0\0\0\0\0\0\0", true, "over 16 KiB"),
        (ProxyKind::Socks5, b"HTTP/1.1 400 Bad Request\r\n\r\n", false, "SOCKS5"),
        (ProxyKind::Socks5, b"\x05\x00\x05\x00\x00\x09", false, "SOCKS5"),
        (ProxyKind::Socks5, b"\x05", false, "SOCKS5"),
    ] {
        let address = answering(answer, endless);
        for transport in transports() {
            let error = refused(url, &transport, &through(kind, address, None));
            assert_of_proxy(&error, address, what);
        }
    }
}

#[test]
fn conformance_94_a_silent_proxy_has_the_limit_of_the_tcp_connect() {
    let address = listen(|mut client| async move {
        let _ = client.read_to_end(&mut Vec::new()).await;
    });
    for kind in [ProxyKind::Http, ProxyKind::Socks5] {
        for transport in transports() {
            let mut common = through(kind, address, None);
            common.timeouts.tcp = Duration::from_millis(60);
            let error = refused("http://server.test", &transport, &common);
            assert_eq!(error.code(), Code::ConnectTimeout, "{error:?}");
            assert!(error.message().contains(&address.to_string()), "{error:?}");
        }
    }
}
