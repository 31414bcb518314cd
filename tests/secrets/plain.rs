//! Plain Socket.IO, with servers and proxies that say what they should not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use roamio::client::{Manager, ManagerEvent, SocketEvent, SocketState};
use roamio::config::{Endpoint, HeaderList, ManagerConfig, Proxy, Target, Transport};
use roamio_portal::{Server, ServerConfig};

use crate::assert_unheard;
use crate::heard::HEARD;

const LONG: Duration = Duration::from_secs(30);
const QUERY: &str = "Hk3xWq8ZtN5vPb2JrC9y";
const HEADER: &str = "Gf7dLm4SuX1aKo6VeB8i";
const AUTH: &str = "Rw2cTz9YgM6hQn3DpJ5s";
const ARGUMENT: &str = "Ub8kFv5XjA1eLs4WmC7o";
const PASSWORD: &str = "Nt6pHz3KyR9wGd2QxV8b";
const COOKIE: &str = "Jm5sCe8UfP2tBk7ZaL4g";
const HEAD: &str = "Dx1nYv6MwH9rTq3EhS5j";
const EXTRA: &str = "Qo4bKu7GcW2zFi8NlX6d";
const SECRETS: [&str; 8] = [QUERY, HEADER, AUTH, ARGUMENT, PASSWORD, COOKIE, HEAD, EXTRA];

/// A server, or a proxy, that answers every request with this status and with secrets.
fn grudging(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { continue };
            let body = format!("no GET /socket.io/?EIO=4&key={QUERY}");
            let answer = format!(
                "HTTP/1.1 {status} {HEAD}\r\nSet-Cookie: id={COOKIE}\r\nX-Why: {HEAD}\r\n\
                 Location: http://elsewhere/{HEAD}\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            // The client may be gone.
            let _ = client.read(&mut [0; 4096]).and_then(|_| client.write_all(answer.as_bytes()));
        }
    });
    address
}

fn config(server: &str) -> ManagerConfig {
    let mut endpoint = Endpoint::parse(&format!("http://{server}/?key={QUERY}")).unwrap().0;
    endpoint.query = format!("key={QUERY}");
    let mut config = ManagerConfig::new(endpoint);
    config.common.add_header("Authorization", HEADER).unwrap();
    config.common.transports.websocket.query = format!("extra={EXTRA}");
    config.common.transports.polling.headers = HeaderList(vec![("X-Extra".into(), EXTRA.into())]);
    config.common.trace = HEARD.trace();
    config
}

/// Connect until the first attempt has failed or the socket is joined and has emitted.
fn play(config: ManagerConfig) -> bool {
    HEARD.add(format!("{config:?}"));
    let (tell, told) = channel();
    let failed = tell.clone();
    let manager = Manager::new(config, move |event| {
        HEARD.add(format!("{event:?}"));
        if let ManagerEvent::Retry(retry) = event {
            HEARD.add(&retry.error);
            let _ = failed.send(false);
        }
    });
    let manager = manager.unwrap();
    let socket = manager.socket("/", move |event| {
        HEARD.add(format!("{event:?}"));
        if let SocketEvent::State { transition, .. } = event
            && transition.state == SocketState::Connected
        {
            let _ = tell.send(true);
        }
    });
    let socket = socket.unwrap();
    socket.connect(Some(&format!(r#"{{"token":"{AUTH}"}}"#))).unwrap();
    let joined = told.recv_timeout(LONG).unwrap();
    socket.emit("say", &format!(r#"["{ARGUMENT}"]"#)).unwrap();
    HEARD.add(format!("{manager:?} {socket:?}"));
    manager.close_wait(LONG).unwrap();
    joined
}

#[test]
fn s01_s15_a_client_of_socket_io_tells_no_secret() {
    let portal = Server::start_blocking(ServerConfig::default()).unwrap();
    let server = format!("127.0.0.1:{}", portal.port());
    for order in [vec![Transport::Websocket], vec![Transport::Polling, Transport::Websocket]] {
        let mut config = config(&server);
        config.common.transports.order = order;
        assert!(play(config), "joins");
    }
    assert_unheard(&SECRETS);
}

#[test]
fn s01_s15_refusals_of_servers_and_proxies_tell_no_secret() {
    for status in [200, 301, 401, 407, 500] {
        for transport in [Transport::Websocket, Transport::Polling] {
            let mut direct = config(&grudging(status));
            direct.common.transports.order = vec![transport];
            let mut through = direct.clone();
            assert!(!play(direct), "{status} is no answer for {transport:?}");
            for scheme in ["http", "socks5"] {
                let url = format!("{scheme}://alice:{PASSWORD}@{}", grudging(status));
                through.common.proxy = Some(Proxy::parse(&url).unwrap());
                // A tunnel that begins with an answer of 200 leads nowhere.
                assert!(!play(through.clone()), "{scheme} {status} for {transport:?}");
            }
        }
    }
    assert_unheard(&SECRETS);
}

#[test]
fn s15_refused_texts_are_not_repeated() {
    let url = format!("ftp://alice:{PASSWORD}@host/?key={QUERY}");
    let proxy = Proxy::parse(&url).unwrap_err();
    HEARD.add(format!("{proxy} {proxy:?}"));
    let endpoint = Endpoint::parse(&url).unwrap_err();
    HEARD.add(format!("{endpoint} {endpoint:?}"));
    let query = Endpoint::check_query(&format!("key={QUERY}\r\n")).unwrap_err();
    HEARD.add(format!("{query} {query:?}"));
    let header = config("host:1").common.add_header("X-A", &format!("{HEADER}\n")).unwrap_err();
    HEARD.add(format!("{header} {header:?}"));
    let target = Target { endpoint: config("host:1").endpoint, headers: HeaderList(Vec::new()) };
    HEARD.add(format!("{target:?}"));
    let manager = Manager::new(config("127.0.0.1:1"), |_| {}).unwrap();
    let socket = manager.socket("/", |_| {}).unwrap();
    for error in [
        socket.connect(Some(&format!(r#"{{"token":"{AUTH}""#))).unwrap_err(),
        socket.emit("say", &format!(r#"["{ARGUMENT}""#)).unwrap_err(),
    ] {
        HEARD.add(format!("{error} {error:?}"));
    }
    assert_unheard(&SECRETS);
}
