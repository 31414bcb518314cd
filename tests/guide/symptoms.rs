//! What the page on troubles says of a symptom is what an application is told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use roamio::client::{Manager, ManagerEvent};
use roamio::config::{Endpoint, ManagerConfig};
use roamio::error::Error;
use roamio_portal::{Refusal, Server, ServerConfig};

use crate::pages::page;

/// Why the first attempt to connect fails.
fn failure(config: ManagerConfig) -> Error {
    let (tell, told) = channel();
    let manager = Manager::new(config, move |event| {
        if let ManagerEvent::Retry(retry) = event {
            tell.send(retry.error).unwrap_or_default();
        }
    })
    .unwrap();
    let socket = manager.socket("/", |_| {}).unwrap();
    socket.connect(None).unwrap();
    told.recv_timeout(Duration::from_secs(30)).unwrap()
}

fn at(url: &str) -> ManagerConfig {
    ManagerConfig::new(Endpoint::parse(url).unwrap().0)
}

/// A server that says this to everybody, whatever it is asked.
fn server_that_says(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // Whoever has gone again need not be told.
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(text.as_bytes());
        }
    });
    address.to_string()
}

/// The text of a section, from its heading to the next.
fn section(text: &str, heading: &str) -> String {
    let start = text.find(&format!("\n## {heading}\n")).unwrap();
    let body = &text[start + 1..];
    body[..body.find("\n## ").unwrap_or(body.len())].to_owned()
}

#[test]
fn an_application_is_told_the_codes_of_the_symptoms() {
    let page = page("docs/troubleshooting.md");
    let portal = Server::start_blocking(ServerConfig::default()).unwrap();
    let url = portal.url().to_string();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut wrong_path = at(&url);
    wrong_path.endpoint.set_path("/wrong", true);
    let moved =
        "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n";
    for (heading, what, config) in [
        ("It cannot connect", "`CONNECT`", at(&format!("http://{closed}"))),
        ("It cannot connect", "`HTTP_STATUS` 404", wrong_path),
        (
            "It cannot connect",
            "`HTTP_STATUS` 3xx",
            at(&format!("http://{}", server_that_says(moved))),
        ),
        (
            "It cannot connect",
            "`HANDSHAKE`",
            at(&format!("http://{}", server_that_says("SSH-2.0-x\r\n"))),
        ),
        ("TLS fails", "`TLS_HANDSHAKE`, wrong version", at(&url.replace("http:", "https:"))),
    ] {
        let error = failure(config);
        let told = format!("`{}`", error.code().name());
        assert!(what.starts_with(&told), "{what}: {error:?}");
        assert!(section(&page.text, heading).contains(what), "{heading}: {what}");
        match what.split_once("` ").map(|(_, status)| status) {
            Some("404") => assert_eq!(error.http_status(), Some(404)),
            Some(_) => assert!(error.message().contains("login.example"), "{error:?}"),
            None => {}
        }
    }
    portal.refuse(Some(Refusal::CaptivePortal));
    let error = failure(at(&url));
    assert!(section(&page.text, "Captive portals").contains(error.code().name()), "{error:?}");
}
