//! A Socket.IO server for the C programs: it answers, asks, rains, and leaves.

use std::net::SocketAddr;
use std::thread;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

const OPEN: &str = r#"0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}"#;

/// Listen on a free port of this machine, for as long as the process lives.
pub(crate) fn start() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::from_std(listener).expect("in a runtime");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    address
}

async fn serve(stream: TcpStream) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    if socket.send(Message::text(OPEN)).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        let answered = match message {
            Message::Text(text) => answer(&mut socket, &text).await,
            // Attachments come behind the event that is sent back, and go behind it too.
            Message::Binary(bytes) => socket.send(Message::Binary(bytes)).await.is_ok(),
            Message::Close(_) => false,
            _ => true,
        };
        if !answered {
            return;
        }
    }
}

/// False: the connection is over.
async fn answer(socket: &mut WebSocketStream<TcpStream>, text: &str) -> bool {
    let Some((kind, namespace, id, json)) = split(text) else { return true };
    let event = |id: &str, json: &str| format!("42{namespace}{id}{json}");
    let mut replies = Vec::new();
    match kind {
        "0" => replies.push(format!("40{namespace}{{\"sid\":\"socket\"}}")),
        "2" if json.starts_with("[\"silent\"") => {}
        "2" if json == "[\"ask\"]" => replies.push(event("7", "[\"question\"]")),
        "2" if json == "[\"burst\"]" => {
            replies.extend((0..100).map(|number| event("", &format!("[\"drop\",{number}]"))));
        }
        "2" if json == "[\"leave\"]" => replies.push(format!("41{namespace}")),
        "2" if json == "[\"cut\"]" => return false,
        "2" if id.is_empty() => replies.push(text.to_owned()),
        "2" => {
            let name_end = json.find([',', ']']).unwrap_or_default();
            let rest = json[name_end..].trim_start_matches(',');
            replies.push(format!("43{namespace}{id}[{rest}"));
        }
        "3" => replies.push(event("", &format!("[\"answered\",{}", &json[1..]))),
        "5" => replies.push(text.to_owned()),
        _ => {}
    }
    for reply in replies {
        if socket.send(Message::text(reply)).await.is_err() {
            return false;
        }
    }
    true
}

/// Packet type, namespace with its comma, ack id, JSON.
fn split(text: &str) -> Option<(&str, &str, &str, &str)> {
    let packet = text.strip_prefix('4')?;
    let (kind, rest) = packet.split_at(1);
    let rest = if kind == "5" { rest.split_once('-')?.1 } else { rest };
    let comma = if rest.starts_with('/') { rest.find(',')? + 1 } else { 0 };
    let (namespace, rest) = rest.split_at(comma);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, json) = rest.split_at(digits);
    Some((kind, namespace, id, json))
}
