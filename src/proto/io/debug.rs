//! How input and output show themselves to developers: whatever may hold a token, a ticket or a
//! payload shows its size.

use std::fmt;

use bytes::Bytes;

use super::{Cookies, HttpRequest, HttpResponse, Input, SocketEvent, Transmit};
use crate::secret::Size;

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: usize = self.body.iter().map(Bytes::len).sum();
        f.debug_struct("HttpRequest")
            .field("exchange", &self.exchange)
            .field("body", &Size(body))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("binary", &self.binary)
            .field("body", &Size(self.body.len()))
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cookies").field(&self.set.len()).finish()
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached { wire, connect_ms } => f
                .debug_struct("Reached")
                .field("wire", wire)
                .field("connect_ms", connect_ms)
                .finish(),
            Self::Secured { wire, tls_ms } => {
                f.debug_struct("Secured").field("wire", wire).field("tls_ms", tls_ms).finish()
            }
            Self::Connected { wire, local, cookies } => f
                .debug_struct("Connected")
                .field("wire", wire)
                .field("local", local)
                .field("cookies", cookies)
                .finish(),
            Self::Failed { wire, error } => {
                f.debug_struct("Failed").field("wire", wire).field("error", error).finish()
            }
            Self::Text { wire, frame } => {
                f.debug_tuple("Text").field(wire).field(&Size(frame.len())).finish()
            }
            Self::Binary { wire, frame } => {
                f.debug_tuple("Binary").field(wire).field(&Size(frame.len())).finish()
            }
            Self::Response { wire, exchange, result } => f
                .debug_struct("Response")
                .field("wire", wire)
                .field("exchange", exchange)
                .field("result", result)
                .finish(),
            Self::Activity { wire, partial, pong } => f
                .debug_struct("Activity")
                .field("wire", wire)
                .field("partial", partial)
                .field("pong", pong)
                .finish(),
            Self::Closed { wire, error } => {
                f.debug_struct("Closed").field("wire", wire).field("error", error).finish()
            }
            Self::Writable { wire, writable } => {
                f.debug_struct("Writable").field("wire", wire).field("writable", writable).finish()
            }
            Self::LocalAddress { wire, local } => {
                f.debug_struct("LocalAddress").field("wire", wire).field("local", local).finish()
            }
            Self::HostQueue { full } => f.debug_struct("HostQueue").field("full", full).finish(),
        }
    }
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Path and query may hold a credential, or the id of the session.
            Self::Dial { wire, endpoint, .. } => f
                .debug_struct("Dial")
                .field("wire", wire)
                .field("endpoint", endpoint)
                .finish_non_exhaustive(),
            Self::Request { wire, request, .. } => {
                f.debug_tuple("Request").field(wire).field(request).finish()
            }
            Self::Text { wire, frame } => {
                f.debug_tuple("Text").field(wire).field(&Size(frame.len())).finish()
            }
            Self::Binary { wire, frame } => {
                f.debug_tuple("Binary").field(wire).field(&Size(frame.len())).finish()
            }
            Self::Ping { wire } => f.debug_tuple("Ping").field(wire).finish(),
            Self::LimitUnacknowledged { wire, ms } => {
                f.debug_struct("LimitUnacknowledged").field("wire", wire).field("ms", ms).finish()
            }
            Self::AskLocalAddress { wire } => f.debug_tuple("AskLocalAddress").field(wire).finish(),
            Self::Hangup { wire, farewell } => f
                .debug_struct("Hangup")
                .field("wire", wire)
                .field("farewell", &farewell.len())
                .finish(),
        }
    }
}

impl fmt::Debug for SocketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Whoever knows the id can recover the session.
            Self::State { transition, socket_sid: _, reason, recovered } => f
                .debug_struct("State")
                .field("transition", transition)
                .field("reason", reason)
                .field("recovered", recovered)
                .finish_non_exhaustive(),
            Self::ConnectError { error, active } => f
                .debug_struct("ConnectError")
                .field("error", error)
                .field("active", active)
                .finish(),
            Self::Event { payload, ack } => {
                f.debug_struct("Event").field("payload", payload).field("ack", ack).finish()
            }
            Self::Sent { payload } => f.debug_struct("Sent").field("payload", payload).finish(),
            Self::Dropped { payload, error } => {
                f.debug_struct("Dropped").field("payload", payload).field("error", error).finish()
            }
            Self::AuthWanted { token, error } => {
                f.debug_struct("AuthWanted").field("token", token).field("error", error).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine as _;
    use bytes::{Bytes, BytesMut};

    use super::*;
    use crate::config::{ConferenceConfig, Endpoint, Limits, ManagerConfig, SocketOptions, Token};
    use crate::payload::{Arguments, Name, Outgoing, Payload};
    use crate::proto::engine::handshake::percent_encode_component;
    use crate::proto::engine::session::{EngineEvent, Frame};
    use crate::proto::io::{
        Command, Event, Exchange, Headers, LinkId, Offline, OfflineRequest, RequestId, SocketId,
        SocketState, Transition, WireId,
    };
    use crate::proto::path::PathEvent;
    use crate::proto::socket::codec::Codec;
    use crate::proto::socket::decoder::Decoder;
    use crate::proto::stack::Stack;
    use crate::proto::time::{Now, Timestamp};
    use crate::secret::Secret;

    const LINK: LinkId = LinkId(1);
    const WIRE: WireId = WireId(1);
    const SOCKET: SocketId = SocketId(1);
    /// As a part of a query it is percent-encoded, and as a part of a token base64.
    const SECRET: &str = "s3cr3t/plan+ted?";

    fn bytes() -> Bytes {
        Bytes::from(format!("42[\"event\",\"{SECRET}\"]"))
    }

    fn outgoing() -> Outgoing {
        let args = format!("[\"{SECRET}\"]");
        let attachments = Vec::new();
        Outgoing::event(&mut BytesMut::new(), "/", "event", &args, attachments).expect("valid")
    }

    fn endpoint() -> Endpoint {
        let url = format!("http://127.0.0.1:1/?key={}", percent_encode_component(SECRET));
        Endpoint::parse(&url).expect("valid").0
    }

    fn token() -> Token {
        let json =
            format!(r#"{{"tokenId":"{SECRET}","host":"h","secure":true,"signature":"{SECRET}"}}"#);
        Token::parse(&base64::engine::general_purpose::STANDARD.encode(json), false).expect("valid")
    }

    fn options() -> SocketOptions {
        SocketOptions { query: format!("token={SECRET}"), ..SocketOptions::default() }
    }

    fn auth() -> Option<Secret> {
        Some(Secret::new(format!("{{\"key\":\"{SECRET}\"}}")))
    }

    /// A manager that holds an auth payload, frames in both directions, and a queued event.
    fn stack(config: ManagerConfig) -> Stack {
        let mut stack = Stack::manager(Arc::new(config), 1);
        let now = Now { mono: Timestamp(1), wall: 0 };
        for (socket, name) in [(SOCKET, "/"), (SocketId(2), "/b")] {
            stack.handle_command(
                Command::Attach { socket, namespace: name.into(), options: options() },
                now,
            );
            stack.handle_command(Command::Connect { socket, auth: auth() }, now);
            let (event, request) = (outgoing(), None);
            let (timeout_ms, offline) = (None, Offline::Wait);
            let emit = Command::Emit { socket, event, request, timeout_ms, offline };
            stack.handle_command(emit, now);
        }
        stack.handle_input(
            Input::Connected { wire: WIRE, local: None, cookies: Cookies::default() },
            now,
        );
        for text in [
            r#"0{"sid":"s","pingInterval":25000,"pingTimeout":20000}"#,
            r#"40{"sid":"s"}"#,
            &format!(r#"42["event","{SECRET}"]"#),
            &format!(r#"42/b,["early","{SECRET}"]"#),
            &format!(r#"451-["event","{SECRET}",{{"_placeholder":true,"num":0}}]"#),
        ] {
            let frame = Bytes::copy_from_slice(text.as_bytes());
            stack.handle_input(Input::Text { wire: WIRE, frame }, now);
        }
        stack
    }

    #[test]
    fn nothing_that_can_be_shown_shows_a_secret() {
        let mut manager = ManagerConfig::new(endpoint());
        manager.common.add_header("Authorization", SECRET).expect("valid");
        let conference = ConferenceConfig { common: manager.common.clone(), ..Default::default() };
        let name = Name::Decoded("event".into());
        let payload = Payload::new(bytes(), name, Default::default(), vec![bytes()]);
        let request = RequestId(1);
        let transition =
            Transition { number: 1, state: SocketState::Connected, cause: None, grace_ms: None };
        let socket_sid = Some(SECRET.into());
        let state = SocketEvent::State { transition, socket_sid, reason: None, recovered: false };
        let arguments = format!("[\"{SECRET}\"]");
        let arguments = Arguments::array(&arguments, 8, 0).expect("valid");
        let received =
            Decoder::new(Codec::default(), Limits::default()).text(bytes(), 1).expect("valid");
        let path_and_query = format!("/socket.io/?{}", endpoint().query);
        let headers: Headers = Arc::new([("Cookie".to_owned(), SECRET.to_owned())]);
        let http = HttpRequest {
            exchange: Exchange::Post,
            path_and_query: path_and_query.clone(),
            headers: headers.clone(),
            body: vec![bytes()],
            binary: false,
        };
        let cookies = Cookies { set: vec![SECRET.to_owned()], date: None };
        let answer = HttpResponse { body: bytes(), cookies, ..HttpResponse::default() };
        let shown = [
            format!("{:?}", [Input::Text { wire: WIRE, frame: bytes() }]),
            format!("{:?}", Input::Binary { wire: WIRE, frame: bytes() }),
            format!(
                "{:?}",
                Transmit::Dial {
                    wire: WIRE,
                    endpoint: Arc::new(endpoint()),
                    path_and_query: path_and_query.clone(),
                    headers: headers.clone(),
                }
            ),
            format!(
                "{:?}",
                Transmit::Request { wire: WIRE, endpoint: Arc::new(endpoint()), request: http }
            ),
            format!(
                "{:?}",
                Input::Response { wire: WIRE, exchange: Exchange::Poll, result: Ok(answer) }
            ),
            format!("{:?}", Command::SetHeaders(manager.common.headers.clone())),
            format!("{:?}", Transmit::Text { wire: WIRE, frame: bytes() }),
            format!("{:?}", Transmit::Binary { wire: WIRE, frame: bytes() }),
            format!("{:?}", Command::Connect { socket: SOCKET, auth: auth() }),
            format!("{:?}", Command::Login { request, token: token() }),
            format!(
                "{:?}",
                Command::Request {
                    request,
                    event: outgoing(),
                    timeout_ms: None,
                    offline: OfflineRequest::Wait,
                    idempotent: false
                }
            ),
            format!("{:?}", Event::Socket(SOCKET, state)),
            format!("{:?}", Event::Outcome { request, result: Ok(payload) }),
            format!("{:?}", (Frame::Text(bytes()), Frame::Binary(bytes()))),
            format!("{:?}", EngineEvent::Message { frame: bytes(), start: 1 }),
            format!("{:?}", EngineEvent::Binary(bytes())),
            format!("{:?}", PathEvent::Message { link: LINK, frame: bytes(), start: 1 }),
            format!("{:?}", PathEvent::Binary { link: LINK, data: bytes() }),
            format!("{received:?} {arguments:?}"),
            format!("{:?}", stack(manager.clone())),
            format!("{manager:?} {conference:?}"),
        ];
        let base64 = base64::engine::general_purpose::STANDARD.encode(SECRET);
        let raw_bytes = format!("{:?}", SECRET.as_bytes());
        let token = token().text.expose().to_owned();
        let escaped = percent_encode_component(SECRET);
        let raw_bytes = raw_bytes.trim_matches(['[', ']']);
        for text in &shown {
            for form in [SECRET, &escaped, &base64, &token, raw_bytes] {
                assert!(!text.contains(form), "{text}");
            }
        }
        assert!(shown[0].contains("bytes") && shown[20].contains("Authorization"));
    }
}
