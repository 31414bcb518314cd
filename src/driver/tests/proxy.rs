//! The way to a proxy.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::{accept, endpoint, listen, read_head};
use crate::config::{CommonConfig, Proxy};
use crate::driver::dial::{Dialer, Progress};
use crate::driver::resolve::Resolver;
use crate::error::{Code, Result};

/// Dial `server.test` through `proxy.test`, which is the only name that can be resolved.
async fn dial(addresses: &[SocketAddr]) -> Result<String> {
    let common = CommonConfig {
        proxy: Some(Proxy::parse("http://u:hunter2@proxy.test:3128").expect("valid")),
        ..CommonConfig::default()
    };
    let addresses = addresses.to_vec();
    let resolver = Resolver::new(move |host, port| {
        assert_eq!((host, port), ("proxy.test", 3128));
        Ok(addresses.clone())
    });
    let dialer = Arc::new(Dialer::new(common, resolver));
    let headers = dialer.headers();
    let server = "127.0.0.1:80".parse().expect("an address");
    let endpoint = Arc::new(endpoint(false, "server.test", server));
    let progress = Progress::default();
    let dialled = dialer.dial(endpoint, "/".into(), headers, progress).await?;
    Ok(dialled.local.expect("it is bound").ip().to_string())
}

/// An address where nobody listens.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    listener.local_addr().expect("bound")
}

#[tokio::test]
async fn the_addresses_of_the_proxy_are_raced_and_the_server_speaks_in_the_tunnel() {
    let proxy = listen(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("CONNECT server.test:80 HTTP/1.1\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("the client reads");
        let head = accept(&mut stream).await;
        assert!(!head.contains("Proxy-Authorization"), "{head}");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(dial(&[closed().await, proxy]).await.expect("connects"), "127.0.0.1");
}

#[tokio::test]
async fn what_fails_on_the_way_to_the_proxy_is_the_proxys_error() {
    for (addresses, what) in
        [(vec![], "the name has no address"), (vec![closed().await], "TCP connect")]
    {
        let error = dial(&addresses).await.expect_err("nobody is there");
        assert_eq!(error.code(), Code::Proxy, "{error:?}");
        assert!(error.message().starts_with("proxy proxy.test:3128: "), "{error:?}");
        assert!(error.message().contains(what) && !error.message().contains("hunter2"));
    }
}
