//! What `Debug` and `Display` of values show.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use roamio::client::{ConferenceEvent, SocketEvent};
use roamio::config::{ClientIdentity, Endpoint, HeaderList, Proxy, TlsConfig, Token};
use roamio::error::{Code, Error};
use roamio::payload::{Arguments, Outgoing};
use roamio::proto::io::{
    Command, Cookies, Event, Exchange, HttpRequest, HttpResponse, Input, RequestId, SocketId,
    Transmit, WireId,
};
use roamio::secret::Secret;

use crate::search::Search;

const SECRET: &str = "Wp3vNq8KzT5xRb2JyC9h";
const WIRE: WireId = WireId(1);
const SOCKET: SocketId = SocketId(1);

fn event() -> Outgoing {
    let args = format!(r#"["{SECRET}",{{"_placeholder":true,"num":0}}]"#);
    let data = Bytes::from_static(SECRET.as_bytes());
    Outgoing::event(&mut BytesMut::new(), "/", "say", &args, vec![data]).unwrap()
}

fn endpoint() -> Endpoint {
    Endpoint { host: "host".into(), query: format!("key={SECRET}"), ..Endpoint::default() }
}

fn headers() -> HeaderList {
    HeaderList(vec![("Authorization".into(), SECRET.into())])
}

fn request() -> HttpRequest {
    HttpRequest {
        exchange: Exchange::Poll,
        path_and_query: format!("/?sid={SECRET}"),
        headers: Arc::new([("Authorization".into(), SECRET.into())]),
        body: vec![Bytes::from_static(SECRET.as_bytes())],
        binary: false,
    }
}

fn cookies() -> Cookies {
    Cookies { set: vec![format!("id={SECRET}")], date: None }
}

fn frame() -> Bytes {
    Bytes::from_static(SECRET.as_bytes())
}

/// Every value that can hold a secret, and what it prints.
fn printed() -> Vec<String> {
    let secret = || Secret::new(SECRET);
    let payload = || event().into_payload();
    let token = || Token { endpoint: endpoint(), text: secret() };
    let proxy = Proxy::parse(&format!("http://alice:{SECRET}@host")).unwrap();
    let identity = ClientIdentity::pkcs12(SECRET.as_bytes(), SECRET).unwrap();
    let response = HttpResponse {
        status: 200,
        body: frame(),
        binary: false,
        cookies: cookies(),
        ..HttpResponse::default()
    };
    let json = format!(r#"["{SECRET}"]"#);
    let arguments = Arguments::array(&json, 8, 0).unwrap();
    let shown: Vec<Box<dyn Debug + '_>> = vec![
        Box::new(secret()),
        Box::new(endpoint()),
        Box::new(headers()),
        Box::new(token()),
        Box::new(TlsConfig { identity: Some(identity), ..TlsConfig::default() }),
        Box::new(arguments),
        Box::new(event()),
        Box::new(payload()),
        Box::new(request()),
        Box::new(cookies()),
        Box::new(SocketEvent::Event { payload: payload(), ack: None }),
        Box::new(SocketEvent::Sent { payload: payload() }),
        Box::new(SocketEvent::Dropped { payload: payload(), error: Error::from(Code::NotSent) }),
        Box::new(ConferenceEvent::Rejoined { answer: payload() }),
        Box::new(ConferenceEvent::Notification { payload: payload(), replayed: true, number: 1 }),
        Box::new(Event::Outcome { request: RequestId(1), result: Ok(payload()) }),
        Box::new(Command::Login { request: RequestId(1), token: token() }),
        Box::new(Command::Connect { socket: SOCKET, auth: Some(secret()) }),
        Box::new(Command::SetHeaders(headers())),
        Box::new(Input::Connected { wire: WIRE, local: None, cookies: cookies() }),
        Box::new(Input::Text { wire: WIRE, frame: frame() }),
        Box::new(Input::Binary { wire: WIRE, frame: frame() }),
        Box::new(Input::Response { wire: WIRE, exchange: Exchange::Poll, result: Ok(response) }),
        Box::new(Transmit::Dial {
            wire: WIRE,
            endpoint: Arc::new(endpoint()),
            path_and_query: format!("/?key={SECRET}"),
            headers: Arc::new([("Authorization".into(), SECRET.into())]),
        }),
        Box::new(Transmit::Request {
            wire: WIRE,
            endpoint: Arc::new(endpoint()),
            request: request(),
        }),
        Box::new(Transmit::Text { wire: WIRE, frame: frame() }),
        Box::new(Transmit::Hangup { wire: WIRE, farewell: vec![request()] }),
    ];
    let mut printed: Vec<String> = shown.iter().map(|value| format!("{value:?}")).collect();
    printed.extend([format!("{proxy}"), format!("{proxy:?}")]);
    printed
}

#[test]
fn s01_values_print_no_secret() {
    let search = Search::new([SECRET], 1);
    for text in printed() {
        assert_eq!(search.find(text.as_bytes()), None, "{text}");
    }
    assert!(search.find(request().path_and_query.as_bytes()).is_some(), "it was there");
}
