//! A WebSocket client that knows packets but no Socket.IO.

use std::sync::Arc;

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use roamio_portal::Server;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Mutex, mpsc},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, protocol::CloseFrame},
};

use super::within;

/// What a client receives, heartbeats aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    /// One Engine.IO packet.
    Packet(String),
    /// The end of the connection: its close code, 1005 without one, 1006 without a close.
    Closed(u16),
}

type Sink<S> = Arc<Mutex<SplitSink<WebSocketStream<S>, Message>>>;

/// One connection to the portal.
pub(crate) struct Client<S = TcpStream> {
    sink: Sink<S>,
    seen: mpsc::UnboundedReceiver<Seen>,
    pongs: mpsc::UnboundedReceiver<()>,
}

impl Client {
    /// Open a WebSocket, and not more.
    pub(crate) async fn open(server: &Server, path: &str, answers_pings: bool) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        Self::open_on(stream, path, answers_pings).await
    }

    /// Open a WebSocket and join the namespace. Returns the socket id too.
    pub(crate) async fn join(server: &Server) -> (Self, String) {
        let mut client = Self::open(server, "/socket.io/?EIO=4&transport=websocket", true).await;
        let sid = client.join_namespace().await;
        (client, sid)
    }

    /// Log in with protocol 1.2. Returns the participant id and the ticket too.
    pub(crate) async fn login(server: &Server, room: &str) -> (Self, String, String) {
        let (mut client, _) = Self::join(server).await;
        let token = server.mint_token(room, "user", "presenter");
        let reply = client.request(0, "login", Some(login("1.2", &token))).await;
        let id = reply[1]["id"].as_str().unwrap().to_owned();
        let ticket = reply[1]["reconnectionTicket"].as_str().unwrap().to_owned();
        (client, id, ticket)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Client<S> {
    /// Open a WebSocket on a connected stream.
    pub(crate) async fn open_on(stream: S, path: &str, answers_pings: bool) -> Self {
        let url = format!("ws://portal{path}");
        let (socket, _) = within("the upgrade", client_async(url, stream)).await.unwrap();
        let (sink, stream) = socket.split();
        let sink = Arc::new(Mutex::new(sink));
        let (seen_sender, seen) = mpsc::unbounded_channel();
        let (pong_sender, pongs) = mpsc::unbounded_channel();
        let answering = answers_pings.then(|| sink.clone());
        tokio::spawn(read(stream, answering, seen_sender, pong_sender));
        Self { sink, seen, pongs }
    }

    /// Join the namespace. Returns the socket id.
    pub(crate) async fn join_namespace(&mut self) -> String {
        assert!(self.packet().await.starts_with('0'));
        self.send("40").await;
        let packet = self.packet().await;
        let reply: Value = serde_json::from_str(packet.strip_prefix("40").unwrap()).unwrap();
        reply["sid"].as_str().unwrap().to_owned()
    }

    /// Send a packet. On a connection that has ended this does nothing.
    pub(crate) async fn send(&mut self, packet: &str) {
        let _ = self.sink.lock().await.send(Message::text(packet)).await;
    }

    /// Begin a close.
    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = self.sink.lock().await.send(Message::Close(Some(frame))).await;
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Seen {
        within("a packet", self.seen.recv()).await.expect("nothing follows the close")
    }

    /// The next packet.
    pub(crate) async fn packet(&mut self) -> String {
        match self.next().await {
            Seen::Packet(packet) => packet,
            Seen::Closed(code) => panic!("closed with {code} instead of a packet"),
        }
    }

    /// Send a request and return its answer, which has to come next.
    pub(crate) async fn request(&mut self, id: u64, name: &str, data: Option<Value>) -> Value {
        self.send_request(id, name, data).await;
        self.answer(id).await
    }

    /// Send a request.
    pub(crate) async fn send_request(&mut self, id: u64, name: &str, data: Option<Value>) {
        let args: Vec<Value> = [Some(name.into()), data].into_iter().flatten().collect();
        self.send(&format!("42{id}{}", Value::from(args))).await;
    }

    /// The answer to a request, which has to come next.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        let packet = self.packet().await;
        let prefix = format!("43{id}");
        let args = packet.strip_prefix(&prefix).unwrap_or_else(|| panic!("{packet} for {prefix}"));
        serde_json::from_str(args).unwrap()
    }

    /// Wait until the portal has read everything sent so far, and the client everything the portal
    /// had sent by then. Works while the WebSocket is open, and so proves that it is.
    pub(crate) async fn settle(&mut self) {
        let ping = Message::Ping(Vec::new().into());
        self.sink.lock().await.send(ping).await.expect("the WebSocket is open");
        within("a pong", self.pongs.recv()).await.expect("the WebSocket is open");
    }

    /// Whatever has been received and not been taken yet.
    pub(crate) fn leftovers(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: SplitStream<WebSocketStream<S>>,
    answering: Option<Sink<S>>,
    seen: mpsc::UnboundedSender<Seen>,
    pongs: mpsc::UnboundedSender<()>,
) {
    let mut code = 1006;
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(packet) if packet.as_str() == "2" => {
                if let Some(sink) = &answering {
                    let _ = sink.lock().await.send(Message::text("3")).await;
                }
            }
            Message::Text(packet) => drop(seen.send(Seen::Packet(packet.as_str().into()))),
            Message::Pong(_) => drop(pongs.send(())),
            Message::Close(frame) => code = frame.map_or(1005, |frame| frame.code.into()),
            _ => {}
        }
    }
    drop(seen.send(Seen::Closed(code)));
}

/// The argument of a login.
pub(crate) fn login(protocol: &str, token: &str) -> Value {
    json!({
        "token": token,
        "userAgent": {"sdk": {"type": "C++", "version": "5.1"}},
        "protocol": protocol,
    })
}
