//! A Socket.IO server behind something that lets no WebSocket through. It asks its clients, leaves
//! some of their events unanswered, and is a portal that says odd things.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, SocketRef};
use tokio::net::TcpListener;

/// Texts of the odd portal to a newcomer.
const TEXTS: u64 = 500;

/// Start it; it ends with the process.
pub fn start() -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || runtime.block_on(serve(listener)));
    address
}

async fn serve(listener: TcpListener) {
    let (layer, io) = SocketIo::builder().max_buffer_size(10_000).build_layer();
    io.ns("/asking", async |socket: SocketRef| ask(&socket).await);
    io.ns("/", async |socket: SocketRef| socket.on("login", let_in));
    let app = axum::Router::new().layer(layer).layer(from_fn(no_websocket));
    axum::serve(listener, app).await.unwrap();
}

async fn no_websocket(request: Request, next: Next) -> Response {
    if request.headers().contains_key("upgrade") {
        return Response::builder().status(400).body(Body::empty()).unwrap();
    }
    next.run(request).await
}

async fn ask(socket: &SocketRef) {
    let Ok(answer) = socket.emit_with_ack::<_, [Value; 1]>("question", "who?") else { return };
    // A client that leaves does not answer.
    if let Ok([name]) = answer.await {
        let _ = socket.emit("answered", &name);
    }
}

async fn let_in(socket: SocketRef, ack: AckSender) {
    let room = json!({ "id": "room", "views": [], "participants": [], "streams": [] });
    let answer = json!({
        "id": "odd", "user": "odd", "role": "odd", "permission": {}, "room": room,
        "reconnectionTicket": "no ticket",
    });
    let _ = ack.send(&("ok", answer));
    for number in 0..TEXTS {
        let _ = socket.emit("text", &json!({ "from": "odd", "to": "all", "message": number }));
    }
}
