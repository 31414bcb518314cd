//! The standard test server on socketioxide, in this process. `server.js` tells what it does.
//!
//! Missing are `kill-connection`, `raw` and `cut`, which socketioxide has no call for, and the data of refusals.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use rmpv::Value as Any;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::{Map, Value, json};
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SocketIo, TransportType};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use super::Lines;

/// A server on a thread of its own. It ends with this value.
pub struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Start it; gives its port, too.
    pub fn start(options: &Value, lines: Arc<Lines>) -> (Self, u16) {
        let (stop, stopped) = oneshot::channel();
        let port = options["port"].as_u64().unwrap_or(0) as u16;
        // Bound before the thread exists, so that the port is known and open.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // One thread, because socketioxide has a task for every event and their order would be lost.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).expect("a free port");
        let port = listener.local_addr().unwrap().port();
        let options = options.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, options, lines) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        (Self { stop: Some(stop), thread: Some(thread) }, port)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All arguments of an event, whatever they are.
#[derive(Clone, Debug, Default)]
struct Args(Vec<Any>);

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Args;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Args, A::Error> {
                let mut args = Vec::new();
                while let Some(arg) = seq.next_element()? {
                    args.push(arg);
                }
                Ok(Args(args))
            }
        }
        // A tuple is what socketioxide gives all arguments to; the length is not looked at.
        deserializer.deserialize_tuple(usize::MAX, All)
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for arg in &self.0 {
            tuple.serialize_element(arg)?;
        }
        tuple.end()
    }
}

fn number(args: &Args, index: usize) -> u64 {
    args.0.get(index).and_then(Any::as_u64).unwrap_or(0)
}

fn pattern(length: u64) -> Any {
    Any::Binary((0..length).map(|i| i as u8).collect())
}

/// What all sockets have in common.
#[derive(Default)]
struct Hall {
    lines: Arc<Lines>,
    ledgers: Mutex<HashMap<String, Vec<u64>>>,
    gate: Notify,
}

async fn serve(listener: TcpListener, options: Value, lines: Arc<Lines>) {
    let mut builder = SocketIo::builder();
    let ms = |name: &str| options[name].as_u64().map(Duration::from_millis);
    if let Some(interval) = ms("pingInterval") {
        builder = builder.ping_interval(interval);
    }
    if let Some(timeout) = ms("pingTimeout") {
        builder = builder.ping_timeout(timeout);
    }
    if let Some(bytes) = options["maxHttpBufferSize"].as_u64() {
        builder = builder.max_payload(bytes).ws_max_message_size(bytes as usize);
    }
    if options["parser"] == "msgpack" {
        builder = builder.with_parser(ParserConfig::msgpack());
    }
    if let Some([only]) = options["transports"].as_array().map(Vec::as_slice) {
        builder = builder.transports([match only.as_str() {
            Some("polling") => TransportType::Polling,
            _ => TransportType::Websocket,
        }]);
    }
    // Bursts are larger than the default allows; npm servers have no limit.
    let (layer, io) = builder.max_buffer_size(100_000).build_layer();
    let hall = Arc::new(Hall { lines: Arc::clone(&lines), ..Hall::default() });
    let slow = ms("slow").unwrap_or(Duration::from_millis(500));
    let join = |hall: &Arc<Hall>| {
        let hall = Arc::clone(hall);
        async move |socket: SocketRef, auth: TryData<Value>| behave(&hall, &socket, auth.0.ok())
    };
    for open in ["/", "/chat", "/admin"] {
        io.ns(open, join(&hall));
    }
    let _ = io.dyn_ns("/many/{number}", join(&hall));
    io.ns("/deny", join(&hall).with(async || Err::<(), _>("denied")));
    io.ns("/deny-plain", join(&hall).with(async || Err::<(), _>("denied plainly")));
    let secret = async |auth: TryData<Value>| match auth.0 {
        Ok(auth) if auth["token"] == "secret" => Ok(()),
        _ => Err("not authorized"),
    };
    io.ns("/private", join(&hall).with(secret));
    let wait = async move || {
        tokio::time::sleep(slow).await;
        Ok::<(), String>(())
    };
    io.ns("/slow", join(&hall).with(wait));
    let gated = Arc::clone(&hall);
    let gate = async move || {
        gated.gate.notified().await;
        Ok::<(), String>(())
    };
    io.ns("/gated", join(&hall).with(gate));

    let log = options["log"].as_array().is_some_and(|kinds| kinds.contains(&json!("request")));
    let door = move |request: Request, next: Next| {
        let lines = log.then(|| Arc::clone(&lines));
        enter(request, next, lines)
    };
    let app = axum::Router::new().layer(layer).layer(from_fn(door));
    axum::serve(listener, app).await.unwrap();
}

/// Log a request, refuse it if it asks for that, let it in otherwise.
async fn enter(request: Request, next: Next, lines: Option<Arc<Lines>>) -> Response {
    let query = query(request.uri().query().unwrap_or_default());
    if let Some(lines) = lines {
        lines.push(json!({
            "log": "request",
            "method": request.method().as_str(),
            "path": request.uri().path(),
            "query": query,
            "headers": headers(request.headers()),
            "upgrade": request.headers().contains_key("upgrade"),
        }));
    }
    if query.get("refuse").is_some_and(|refuse| Some(refuse) == query.get("transport")) {
        let body = json!({ "code": "4", "message": "refused as asked" }).to_string();
        return Response::builder().status(403).body(Body::from(body)).unwrap();
    }
    next.run(request).await
}

fn headers(headers: &axum::http::HeaderMap) -> Map<String, Value> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The parameters of a query, decoded.
fn query(query: &str) -> Map<String, Value> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let pairs = parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    pairs.map(|(name, value)| (decode(name), decode(value).into())).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        bytes.push(match (*first, more) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16).expect("an escape") as u8;
                digit(*high) << 4 | digit(*low)
            }
            (byte, _) => byte,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn behave(hall: &Arc<Hall>, socket: &SocketRef, auth: Option<Value>) {
    let place = |socket: &SocketRef| json!({ "namespace": socket.ns(), "id": socket.id.as_str() });
    let tell = |lines: &Lines, kind: &str, mut line: Value| {
        line["log"] = kind.into();
        lines.push(line);
    };
    tell(&hall.lines, "join", place(socket));
    let lines = Arc::clone(&hall.lines);
    socket.on_disconnect(async move |socket: SocketRef, reason: DisconnectReason| {
        let mut line = place(&socket);
        line["reason"] = reason.to_string().into();
        tell(&lines, "leave", line);
    });
    let hall = Arc::clone(hall);
    socket.on_fallback(
        move |socket: SocketRef, Event(name): Event, args: TryData<Args>, ack: AckSender| {
            handle(Arc::clone(&hall), socket, name, args.0.unwrap_or_default(), ack, auth.clone())
        },
    );
}

async fn handle(
    hall: Arc<Hall>,
    socket: SocketRef,
    name: String,
    args: Args,
    ack: AckSender,
    auth: Option<Value>,
) {
    let emit = |name: &str, args: &Args| socket.emit(name, args).expect("it can be sent");
    let text = |index: usize| args.0.get(index).and_then(Any::as_str).unwrap_or_default();
    let one = |value: Any| Args(vec![value]);
    let answer = |ack: AckSender, args: &Args| {
        // The client may have gone.
        let _ = ack.send(args);
    };
    match name.as_str() {
        "echo" => {
            emit("echo", &args);
            answer(ack, &args);
        }
        "ack" => answer(ack, &args),
        "late" => {
            tokio::time::sleep(Duration::from_millis(number(&args, 0))).await;
            answer(ack, &Args(args.0[1..].to_vec()));
        }
        "ask" => {
            let asked = socket.emit_with_ack::<_, Args>("question", &args).expect("it can be sent");
            if let Ok(reply) = asked.await {
                let _ = socket.emit("answered", &reply);
            }
        }
        "pushbin" => {
            let lengths = args.0.iter().filter_map(Any::as_u64);
            emit("pushbin", &Args(lengths.map(pattern).collect()));
        }
        "mixed" => {
            let first = number(&args, 0);
            let deep = Any::Map(vec![("deep".into(), Any::Array(vec![pattern(2), pattern(0)]))]);
            emit("text", &one(first.into()));
            emit("binary", &Args(vec![first.into(), deep]));
            emit("text", &one((first + 1).into()));
        }
        "burst" => {
            let (count, chunk, pause) = (number(&args, 0), number(&args, 1), number(&args, 2));
            for tick in 0..count {
                emit("tick", &one(tick.into()));
                if chunk != 0 && tick % chunk == chunk - 1 {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
        "mark" => {
            let mut ledgers = hall.ledgers.lock().unwrap();
            ledgers.entry(text(0).to_owned()).or_default().push(number(&args, 1));
            answer(ack, &Args::default());
        }
        "ledger" => {
            let numbers = hall.ledgers.lock().unwrap().get(text(0)).cloned().unwrap_or_default();
            let numbers = numbers.into_iter().map(Any::from).collect();
            answer(ack, &one(Any::Array(numbers)));
        }
        "who" => {
            let _ = ack.send(&(socket.id.as_str(), auth));
        }
        "handshake" => {
            let parts = socket.req_parts();
            let told = json!({
                "auth": auth,
                "query": query(parts.uri.query().unwrap_or_default()),
                "headers": headers(&parts.headers),
                "transport": match socket.transport_type() {
                    TransportType::Polling => "polling",
                    TransportType::Websocket => "websocket",
                },
                "id": socket.id.as_str(),
                "engine": socket.id.as_str(),
            });
            let _ = ack.send(&told);
        }
        "kick" | "kick-close" => {
            let _ = socket.disconnect();
        }
        "gate" => {
            hall.gate.notify_waiters();
            answer(ack, &Args::default());
        }
        _ => {}
    }
}
