//! The faults, seen from a client.

#![allow(clippy::unwrap_used)]

mod support;

use std::{io, time::Duration};

use roamio_portal::{
    Cut, Direction, FreezeMode, Refusal, Server, ServerConfig, Target, TlsIdentity,
    model::{Audience, TextBurst},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_native_tls::native_tls;

use support::{
    client::{Client, Seen, login},
    eventually,
    http::http,
    polling::Polling,
    until, within,
};

const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=websocket";

async fn server() -> Server {
    Server::start(ServerConfig::default()).await.unwrap()
}

fn text(message: &str) -> Option<Value> {
    Some(json!({"to": "all", "message": message}))
}

fn texts(participant: &str, count: u64) -> TextBurst {
    let to = Audience::Participant(participant.into());
    TextBurst { to, prefix: "t".into(), first: 1, count, gap: 0 }
}

fn message_of(packet: &str) -> String {
    let args: Value = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
    args[1]["message"].as_str().unwrap().to_owned()
}

async fn relogin(server: &Server, ticket: &str) -> (Client, Value) {
    let (mut client, _) = Client::join(server).await;
    let reply = client.request(0, "relogin", Some(ticket.into())).await;
    (client, reply)
}

/// A bare TCP connection that has become a WebSocket, read up to its open packet.
async fn upgraded(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: portal\r\n\
                   Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    while !received.windows(10).any(|part| part == b"maxPayload") {
        let mut chunk = [0; 1024];
        let length = within("the upgrade", stream.read(&mut chunk)).await.unwrap();
        received.extend_from_slice(&chunk[..length]);
    }
    stream
}

/// Read to the end of the stream, or to an error.
async fn end_of(stream: &mut TcpStream) -> io::Result<usize> {
    within("the end", stream.read_to_end(&mut Vec::new())).await
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_close_is_an_end() {
    let server = server().await;
    let mut first = upgraded(&server).await;
    let mut second = upgraded(&server).await;
    assert_eq!(server.connections(), [1, 2]);
    assert_eq!(server.cut(&Target::Connection(1), Cut::Reset), 1);
    assert_eq!(end_of(&mut first).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(server.cut(&Target::Connection(2), Cut::Close), 1);
    assert!(end_of(&mut second).await.is_ok());
}

#[tokio::test]
async fn a_client_that_does_not_follow_a_close_is_cut_off() {
    let connect_timeout = Duration::from_millis(50);
    let config = ServerConfig { connect_timeout, ..ServerConfig::default() };
    let server = Server::start(config).await.unwrap();
    let mut stream = upgraded(&server).await;
    assert!(end_of(&mut stream).await.is_ok());
    eventually("the cut", || server.connections().is_empty()).await;
}

#[tokio::test]
async fn a_frozen_direction_stops_only_that_direction() {
    let server = server().await;
    let (mut client, id, _) = Client::login(&server, "room").await;
    let target = Target::Participant(id.clone());

    server.freeze(&target, Direction::ToServer, FreezeMode::Hold);
    client.send_request(1, "text", text("held")).await;
    server.send_texts(texts(&id, 1));
    assert_eq!(message_of(&client.packet().await), "t1");
    assert_eq!(server.ledger(&id).unwrap().requests.len(), 0);
    server.thaw(&target);
    assert_eq!(message_of(&client.packet().await), "held");
    assert_eq!(client.answer(1).await, json!(["ok"]));

    server.freeze(&target, Direction::ToClient, FreezeMode::Hold);
    client.send_request(2, "text", text("executed")).await;
    until(&server, "the request", |model, _| model.ledger(&id).unwrap().requests.len() == 2).await;
    assert_eq!(client.leftovers(), []);
    server.thaw(&target);
    assert_eq!(message_of(&client.packet().await), "executed");
}

#[tokio::test]
async fn a_black_hole_is_noticed_however_much_is_unread() {
    let ping = Duration::from_millis(300);
    let server = Server::start(ServerConfig::default().with_ping(ping, ping)).await.unwrap();
    let (_client, id, _) = Client::login(&server, "room").await;
    server.freeze(&Target::All, Direction::Both, FreezeMode::Hold);
    let large = "x".repeat(100_000);
    for _ in 0..50 {
        server.notify(&id, "text", Some(&json!({"message": large})));
    }
    until(&server, "the loss", |model, _| !model.is_connected(&id)).await;
}

#[tokio::test]
async fn a_delay_holds_both_ways() {
    let server = server().await;
    let (mut client, id, _) = Client::login(&server, "room").await;
    let one_way = Duration::from_millis(50);
    assert_eq!(server.delay(&Target::Participant(id), one_way), 1);
    let clock = || server.with_model(|_, now| now);
    let start = clock();
    client.request(1, "refreshReconnectionTicket", None).await;
    assert!(clock() - start >= 100);
}

#[tokio::test]
async fn a_swallowed_request_is_executed_once() {
    let server = server().await;
    let (mut client, id, _) = Client::login(&server, "room").await;
    server.swallow_acks(Some(&id), "publish", 1);
    let publish = || Some(json!({"media": null, "data": true}));
    client.send_request(1, "publish", publish()).await;
    assert_eq!(client.request(2, "publish", publish()).await[0], "ok");
    let ledger = server.ledger(&id).unwrap();
    let numbers: Vec<u64> = ledger.requests.iter().map(|request| request.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(client.leftovers(), []);
}

#[tokio::test]
async fn late_answers_go_to_the_old_engine_after_a_takeover() {
    let server = server().await;
    let (mut old, id, ticket) = Client::login(&server, "room").await;
    server.delay_acks(Some(&id), "publish", 1, Duration::from_millis(200));
    old.send_request(7, "publish", Some(json!({"media": null, "data": true}))).await;
    until(&server, "the request", |model, _| {
        model.ledger(&id).is_some_and(|ledger| ledger.requests.len() == 1)
    })
    .await;
    let (_new, reply) = relogin(&server, &ticket).await;
    assert_eq!(reply[0], "ok");
    assert_eq!(old.packet().await, "41");
    assert_eq!(old.answer(7).await[0], "ok");
    // The engine still lives; only a packet for the namespace ends it.
    old.settle().await;
    old.send_request(8, "publish", Some(json!({"media": null, "data": true}))).await;
    assert_eq!(old.next().await, Seen::Packet("1".into()));
    assert_eq!(old.next().await, Seen::Closed(1005));
}

#[tokio::test]
async fn a_kick_is_a_disconnect_without_a_drop() {
    let server = server().await;
    let (mut client, id, ticket) = Client::login(&server, "room").await;
    assert!(server.kick(&id));
    assert_eq!(client.packet().await, "41");
    client.settle().await;
    let (_client, reply) = relogin(&server, &ticket).await;
    assert_eq!(reply[0], "ok");
}

#[tokio::test]
async fn a_restart_cuts_everybody_and_makes_tickets_worthless() {
    let server = server().await;
    let (mut client, id, ticket) = Client::login(&server, "room").await;
    server.restart();
    assert_eq!(client.next().await, Seen::Closed(1006));
    assert_eq!(server.participants("room"), []);
    assert!(server.ledger(&id).is_some());
    let (mut client, reply) = relogin(&server, &ticket).await;
    assert_eq!(reply, json!(["error", "Invalid reconnection ticket signature"]));
    assert_eq!(client.packet().await, "41");
    Client::login(&server, "room").await;
}

#[tokio::test]
async fn refusals_hit_only_new_socket_io_connections() {
    let server = server().await;
    let (mut client, _, _) = Client::login(&server, "room").await;
    for (refusal, status) in [(Refusal::Forbidden, 403), (Refusal::CaptivePortal, 200)] {
        server.refuse(Some(refusal));
        let answer = http(server.port(), "GET", HANDSHAKE, "").await.unwrap();
        assert_eq!(answer.status, status);
    }
    server.refuse(Some(Refusal::Reset));
    let refused = http(server.port(), "GET", HANDSHAKE, "").await;
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    client.settle().await;
    let answer = http(server.port(), "POST", "/control/refuse?on=false", "").await.unwrap();
    assert_eq!(answer.body, "ok\n");
    Client::login(&server, "room").await;
}

#[tokio::test]
async fn a_burst_arrives_complete_and_in_order() {
    let server = server().await;
    let (mut client, id, _) = Client::login(&server, "room").await;
    server.send_texts(texts(&id, 20_000));
    for number in 1..=20_000 {
        assert_eq!(message_of(&client.packet().await), format!("t{number}"));
    }
    assert_eq!(server.ledger(&id).unwrap().notifications.len(), 20_000);
}

#[tokio::test]
async fn answers_keep_the_order_of_the_requests() {
    let server = server().await;
    let (mut client, _, _) = Client::login(&server, "room").await;
    for id in 1..=500 {
        client.send_request(id, "refreshReconnectionTicket", None).await;
    }
    for id in 1..=500 {
        assert_eq!(client.answer(id).await[0], "ok");
    }
}

#[tokio::test]
async fn the_portal_speaks_tls() {
    let identity = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let tls =
        TlsIdentity { certificate: identity.cert.pem(), key: identity.signing_key.serialize_pem() };
    let server =
        Server::start(ServerConfig { tls: Some(tls), ..ServerConfig::default() }).await.unwrap();
    assert!(server.url().starts_with("https://"));
    let root = native_tls::Certificate::from_pem(identity.cert.pem().as_bytes()).unwrap();
    let connector = native_tls::TlsConnector::builder().add_root_certificate(root).build().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let connector = tokio_native_tls::TlsConnector::from(connector);
    let stream = within("TLS", connector.connect("localhost", stream)).await.unwrap();
    let mut client = Client::open_on(stream, "/socket.io/?EIO=4&transport=websocket", true).await;
    client.join_namespace().await;
    let token = server.mint_token("room", "user", "presenter");
    let reply = client.request(0, "login", Some(login("1.2", &token))).await;
    assert_eq!(reply[0], "ok");
    // A fault below TLS is seen above it.
    let id = reply[1]["id"].as_str().unwrap().to_owned();
    server.cut(&Target::Participant(id), Cut::Reset);
    assert_eq!(client.next().await, Seen::Closed(1006));
}

#[tokio::test]
async fn control_works_with_empty_posts() {
    let server = server().await;
    let (mut client, id, _) = Client::login(&server, "room").await;
    let post = async |path: String| http(server.port(), "POST", &path, "").await.unwrap();

    post(format!("/control/texts?participant={id}&count=2&prefix=m")).await;
    assert_eq!(message_of(&client.packet().await), "m1");
    assert_eq!(message_of(&client.packet().await), "m2");
    post(format!("/control/swallow-ack?participant={id}&request=text")).await;
    client.send_request(1, "text", text("one")).await;
    assert_eq!(message_of(&client.packet().await), "one");

    let ledger = format!("/control/ledger?participant={id}&format=text");
    let ledger = http(server.port(), "GET", &ledger, "").await.unwrap();
    let lines: Vec<&str> = ledger.body.lines().collect();
    assert_eq!(lines[3], r#"request 1 text {"message":"one","to":"all"}"#);
    let totals = ["notifications 3", "requests 1", "refusals 0", "relogins 0", "refreshes 0"];
    assert_eq!(lines[4..], totals);
    let listed = http(server.port(), "GET", "/control/participants?room=room", "").await.unwrap();
    assert!(listed.body.contains(&id));

    for bad in ["cut?how=rst", "freeze?all=true&direction=up", "texts?count=1"] {
        assert_eq!(post(format!("/control/{bad}")).await.status, 400, "{bad}");
    }
    assert_eq!(post("/control/drop?participant=nobody".into()).await.status, 404);
    post(format!("/control/cut?participant={id}&how=fin")).await;
    assert!(matches!(client.next().await, Seen::Closed(1006)));
}

#[tokio::test]
async fn control_can_be_switched_off() {
    let config = ServerConfig { control: false, ..ServerConfig::default() };
    let server = Server::start(config).await.unwrap();
    let answer = http(server.port(), "POST", "/control/restart", "").await.unwrap();
    assert_eq!(answer.status, 404);
}

#[test]
fn the_server_works_without_a_runtime_of_its_user() {
    let server = Server::start_blocking(ServerConfig::default()).unwrap();
    let token = server.mint_token("room", "user", "presenter");
    assert!(!token.is_empty());
    let port = server.port();
    server.stop();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn faults_hit_a_polling_participant_on_all_of_its_connections() {
    let server = server().await;
    let mut polling = Polling::new(server.port());
    polling.send("GET", "/socket.io/?EIO=4&transport=polling", String::new());
    polling.answer("GET").await;
    let path = "/socket.io/?EIO=4&transport=polling&sid=<sid>";
    let token = server.mint_token("room", "user", "presenter");
    let request = json!(["login", login("1.2", &token)]);
    for packet in ["40".into(), format!("420{request}")] {
        polling.send("POST", path, packet);
        polling.answer("POST").await;
        polling.send("GET", path, String::new());
        polling.answer("GET").await;
    }
    let id = server.participants("room").remove(0).id;
    polling.send("GET", path, String::new());
    eventually("the poll", || server.cut(&Target::Participant(id.clone()), Cut::Reset) == 1).await;
    assert!(server.with_model(|model, _| model.is_connected(&id)), "the session lives on");
}

#[tokio::test]
async fn faults_hit_the_connection_that_took_over_from_polling() {
    let server = server().await;
    let mut polling = Polling::new(server.port());
    polling.send("GET", "/socket.io/?EIO=4&transport=polling", String::new());
    polling.answer("GET").await;
    let path = "/socket.io/?EIO=4&transport=polling&sid=<sid>";
    polling.send("POST", path, "40".into());
    polling.answer("POST").await;
    polling.send("GET", path, String::new());
    assert!(polling.answer("GET").await.body.starts_with("40{"));
    let mut client =
        Client::open(&server, &format!("{HANDSHAKE}&sid={}", polling.sid()), true).await;
    client.send("2probe").await;
    assert_eq!(client.packet().await, "3probe");
    client.send("5").await;
    let token = server.mint_token("room", "user", "presenter");
    let reply = client.request(0, "login", Some(login("1.2", &token))).await;
    let id = reply[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.cut(&Target::Participant(id), Cut::Reset), 1);
    assert_eq!(client.next().await, Seen::Closed(1006));
}
