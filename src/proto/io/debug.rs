//! How input and output show themselves to developers: whatever may hold a token, a ticket or a
//! payload shows its size.

use std::fmt;

use super::{Input, SocketEvent, Transmit};
use crate::secret::Size;

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { link, local, connect_ms } => f
                .debug_struct("Connected")
                .field("link", link)
                .field("local", local)
                .field("connect_ms", connect_ms)
                .finish(),
            Self::Failed { link, error } => {
                f.debug_struct("Failed").field("link", link).field("error", error).finish()
            }
            Self::Text { link, frame } => {
                f.debug_tuple("Text").field(link).field(&Size(frame.len())).finish()
            }
            Self::Binary { link, frame } => {
                f.debug_tuple("Binary").field(link).field(&Size(frame.len())).finish()
            }
            Self::Activity { link, partial, pong } => f
                .debug_struct("Activity")
                .field("link", link)
                .field("partial", partial)
                .field("pong", pong)
                .finish(),
            Self::Closed { link, error } => {
                f.debug_struct("Closed").field("link", link).field("error", error).finish()
            }
            Self::Writable { link, writable } => {
                f.debug_struct("Writable").field("link", link).field("writable", writable).finish()
            }
            Self::HostQueue { full } => f.debug_struct("HostQueue").field("full", full).finish(),
        }
    }
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Path and query are the endpoint's, and more that is no secret.
            Self::Dial { link, endpoint, path_and_query: _ } => f
                .debug_struct("Dial")
                .field("link", link)
                .field("endpoint", endpoint)
                .finish_non_exhaustive(),
            Self::Text { link, frame } => {
                f.debug_tuple("Text").field(link).field(&Size(frame.len())).finish()
            }
            Self::Binary { link, frame } => {
                f.debug_tuple("Binary").field(link).field(&Size(frame.len())).finish()
            }
            Self::Ping { link } => f.debug_tuple("Ping").field(link).finish(),
            Self::Hangup { link } => f.debug_tuple("Hangup").field(link).finish(),
        }
    }
}

impl fmt::Debug for SocketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Whoever knows the id can recover the session.
            Self::State { transition, socket_sid: _, reason } => f
                .debug_struct("State")
                .field("transition", transition)
                .field("reason", reason)
                .finish_non_exhaustive(),
            Self::ConnectError { error, active } => f
                .debug_struct("ConnectError")
                .field("error", error)
                .field("active", active)
                .finish(),
            Self::Event { payload, ack } => {
                f.debug_struct("Event").field("payload", payload).field("ack", ack).finish()
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
    use crate::config::{ConferenceConfig, Endpoint, Limits, ManagerConfig, Token};
    use crate::payload::{Arguments, Name, Outgoing, Payload};
    use crate::proto::engine::handshake::percent_encode_component;
    use crate::proto::engine::session::{EngineEvent, Frame};
    use crate::proto::io::{Command, Event, LinkId, RequestId, SocketId, SocketState, Transition};
    use crate::proto::path::PathEvent;
    use crate::proto::socket::decoder::Decoder;
    use crate::proto::stack::Stack;
    use crate::proto::time::{Now, Timestamp};
    use crate::secret::Secret;

    const LINK: LinkId = LinkId(1);
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

    fn auth() -> Option<Secret> {
        Some(Secret::new(format!("{{\"key\":\"{SECRET}\"}}")))
    }

    /// A manager that holds an auth payload, frames in both directions, and a queued event.
    fn stack(config: ManagerConfig) -> Stack {
        let mut stack = Stack::manager(Arc::new(config), 1);
        let now = Now { mono: Timestamp(1), wall: 0 };
        for (socket, name) in [(SOCKET, "/"), (SocketId(2), "/b")] {
            stack.handle_command(Command::Attach { socket, namespace: name.into() }, now);
            stack.handle_command(Command::Connect { socket, auth: auth() }, now);
            let (event, request) = (outgoing(), None);
            let (timeout_ms, volatile) = (None, false);
            let emit = Command::Emit { socket, event, request, timeout_ms, volatile };
            stack.handle_command(emit, now);
        }
        stack.handle_input(Input::Connected { link: LINK, local: None, connect_ms: 1 }, now);
        for text in [
            r#"0{"sid":"s","pingInterval":25000,"pingTimeout":20000}"#,
            r#"40{"sid":"s"}"#,
            &format!(r#"42["event","{SECRET}"]"#),
            &format!(r#"42/b,["early","{SECRET}"]"#),
            &format!(r#"451-["event","{SECRET}",{{"_placeholder":true,"num":0}}]"#),
        ] {
            let frame = Bytes::copy_from_slice(text.as_bytes());
            stack.handle_input(Input::Text { link: LINK, frame }, now);
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
        let state = SocketEvent::State { transition, socket_sid, reason: None };
        let arguments = format!("[\"{SECRET}\"]");
        let arguments = Arguments::array(&arguments, 8, 0).expect("valid");
        let received = Decoder::new(Limits::default()).text(bytes(), 1).expect("valid");
        let path_and_query = format!("/socket.io/?{}", endpoint().query);
        let shown = [
            format!("{:?}", [Input::Text { link: LINK, frame: bytes() }]),
            format!("{:?}", Input::Binary { link: LINK, frame: bytes() }),
            format!(
                "{:?}",
                Transmit::Dial { link: LINK, endpoint: Arc::new(endpoint()), path_and_query }
            ),
            format!("{:?}", Transmit::Text { link: LINK, frame: bytes() }),
            format!("{:?}", Transmit::Binary { link: LINK, frame: bytes() }),
            format!("{:?}", Command::Connect { socket: SOCKET, auth: auth() }),
            format!("{:?}", Command::Login { request, token: token() }),
            format!("{:?}", Command::Request { request, event: outgoing(), timeout_ms: None }),
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
        assert!(shown[0].contains("bytes") && shown[17].contains("Authorization"));
    }
}
