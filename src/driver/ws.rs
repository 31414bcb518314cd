//! WebSocket: the handshake's request and answer, the limits, and what its errors mean.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::maybe_done;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::config::{CommonConfig, Endpoint, Limits};
use crate::driver::http;
use crate::driver::stream::Stream;
use crate::driver::tls;
use crate::error::{Code, Error, Result};
use crate::proto::engine::refusal::refusal;
use crate::proto::io::Cookies;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Stream>;

/// An idle connection keeps this much for ever, and every read zero-fills it. The stream below reads
/// ahead while much comes.
const READ_BUFFER: usize = 4 << 10;

/// A burst of small frames leaves in writes of about this size.
const WRITE_BUFFER: usize = 16 << 10;

/// What a refusal says beyond its head comes with it, or not in time.
const REFUSAL_TIME: Duration = Duration::from_millis(250);

/// Of more than this it is not read to its end, in bytes.
const REFUSAL_SIZE: usize = 4 << 10;

const PHASE: &str = "WebSocket handshake";

/// Do the WebSocket handshake on a stream.
///
/// # Errors
/// [`Code::InvalidUrl`] and [`Code::InvalidArgument`] before anything is sent;
/// [`Code::HttpStatus`], [`Code::Handshake`], [`Code::Websocket`] or [`Code::NetworkLost`] by what
/// came back.
pub(crate) async fn open(
    stream: Stream,
    endpoint: &Endpoint,
    path_and_query: &str,
    headers: &[(String, String)],
    common: &CommonConfig,
) -> Result<(Socket, Cookies)> {
    let protocols = &common.transports.protocols;
    let (request, agreement) = request(endpoint, path_and_query, headers, protocols)?;
    let failed = |error| http::error(PHASE, &error);
    let (mut sender, connection) = http::start(stream).await.map_err(failed)?;
    let mut connection = pin!(maybe_done(connection.without_shutdown()));
    let answer = http::drive(connection.as_mut(), sender.send_request(request));
    let response = answer.await.map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(response, connection).await);
    }
    agreement.check(response.headers())?;
    let cookies = http::cookies(response.headers());
    connection.as_mut().await;
    let parts = connection.take_output().unwrap_or_else(|| unreachable!("it was awaited"));
    let parts = parts.map_err(failed)?;
    // A stream and not WebSocket gets what came behind the head: its read buffer would stay as small
    // as that.
    let mut stream = parts.io.into_inner();
    stream.unread(parts.read_buf);
    stream.check_next(expect_frames);
    let config = Some(config(&common.limits));
    Ok((Socket::from_raw_socket(stream, Role::Client, config).await, cookies))
}

fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        // The stack stops when a link does not take more, so this is one message of the largest
        // size behind another one, and what WebSocket itself adds.
        .max_write_buffer_size(2 * limits.wire_queue_bytes + 2 * WRITE_BUFFER)
        .max_message_size(Some(limits.inbound_message))
        .max_frame_size(Some(limits.inbound_message))
}

/// What the answer has to agree with.
struct Agreement {
    /// The proof that the server has understood the request.
    accept: String,
    /// The subprotocols on offer.
    offered: Vec<String>,
}

/// The handshake's request.
fn request(
    endpoint: &Endpoint,
    path_and_query: &str,
    headers: &[(String, String)],
    protocols: &[String],
) -> Result<(Request<Empty<Bytes>>, Agreement)> {
    let mut request = http::request(endpoint, path_and_query, headers)?;
    let invalid = |what| Error::new(Code::InvalidArgument, format!("WebSocket {what}"));
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    let map = request.headers_mut();
    map.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    map.insert(UPGRADE, HeaderValue::from_static("websocket"));
    map.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    map.insert(SEC_WEBSOCKET_KEY, HeaderValue::try_from(key).map_err(|_| invalid("key"))?);
    if !protocols.is_empty() {
        let value = HeaderValue::try_from(protocols.join(", "));
        map.insert(SEC_WEBSOCKET_PROTOCOL, value.map_err(|_| invalid("protocols"))?);
    }
    let offered = tokens(map, SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
    Ok((request, Agreement { accept, offered }))
}

/// The parts of a header that is a list.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

impl Agreement {
    /// Whether the answer with the right status agrees in everything else (RFC 6455, section 4.1).
    /// A server that answers no subprotocol is fine: those of Socket.IO know none.
    fn check(&self, headers: &HeaderMap) -> Result<()> {
        let has = |name, wanted: &str| {
            tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
        };
        let accept = headers.get(SEC_WEBSOCKET_ACCEPT);
        let wrong = if !has(UPGRADE, "websocket") || !has(CONNECTION, "Upgrade") {
            "does not upgrade to WebSocket"
        } else if accept.is_none_or(|accept| accept.as_bytes() != self.accept.as_bytes()) {
            "belongs to another request"
        } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            "has an extension nobody asked for"
        } else if tokens(headers, SEC_WEBSOCKET_PROTOCOL)
            .any(|token| !self.offered.iter().any(|offered| offered == token))
        {
            "has a subprotocol nobody asked for"
        } else {
            return Ok(());
        };
        Err(Error::new(Code::Websocket, format!("{PHASE}: the answer {wrong}")))
    }
}

/// What another status than 101 means.
async fn refused(response: Response<Incoming>, connection: Pin<&mut impl Future>) -> Error {
    let (head, mut body) = response.into_parts();
    if let Some(error) = http::redirected(PHASE, head.status, &head.headers) {
        return error;
    }
    let mut said = Vec::new();
    let read = async {
        while said.len() <= REFUSAL_SIZE
            && let Some(Ok(frame)) = body.frame().await
        {
            said.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
    };
    // What has come is taken, whatever keeps the rest.
    let _ = timeout(REFUSAL_TIME, http::drive(connection, read)).await;
    let (status, wait) = (head.status.as_u16(), http::retry_after_ms(&head.headers));
    refusal(PHASE, status, &said, wait)
}

/// An answer in HTTP in place of the first frame: so socket.io refuses a revision that it does not
/// speak, after the handshake.
fn expect_frames(first: &[u8]) -> Result<()> {
    late_refusal(first).map_or(Ok(()), Err)
}

fn late_refusal(first: &[u8]) -> Option<Error> {
    let (status, rest) = first.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let head = rest.windows(4).position(|end| end == b"\r\n\r\n")?;
    Some(refusal(PHASE, status, &rest[head + 4..], None))
}

/// What ended an open connection.
pub(crate) fn stream_error(error: WsError) -> Error {
    match error {
        WsError::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
        {
            Some(ours) => ours.clone(),
            None => tls::stream_error("connection", &error),
        },
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ended(),
        WsError::Capacity(error) => Error::new(Code::PayloadLimit, format!("WebSocket: {error}")),
        WsError::WriteBufferFull(_) => {
            Error::new(Code::NetworkLost, "connection: the server does not read")
        }
        error => Error::new(Code::Websocket, format!("WebSocket: {error}")),
    }
}

/// The peer closed with a close frame.
pub(crate) fn closed(frame: Option<CloseFrame>) -> Error {
    match frame {
        None => Error::new(Code::EngineClosed, "closed by the server"),
        Some(frame) => {
            let code = u16::from(frame.code);
            Error::new(Code::EngineClosed, format!("closed by the server with code {code}"))
                .with_close_code(code)
        }
    }
}

/// The peer closed without a close frame.
pub(crate) fn ended() -> Error {
    Error::new(Code::EngineClosed, "closed by the server without a close frame")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_place_of_the_first_frame_is_a_refusal() {
        let error = late_refusal(
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nUnsupported protocol version",
        );
        let error = error.expect("an answer");
        assert_eq!((error.code(), error.http_status()), (Code::EngineRevision, Some(400)));
        assert_eq!(error.message(), "WebSocket handshake: HTTP 400: Unsupported protocol version");
        for other in [&b""[..], b"HTTP/1.1 4", b"HTTP/1.1 400 Bad Request\r\n", b"\x81\x02HI"] {
            assert!(late_refusal(other).is_none());
        }
    }

    #[test]
    fn headers_of_the_application_are_added_and_replace_none_of_websockets_own() {
        let endpoint = Endpoint {
            secure: false,
            host: "a.b".into(),
            port: 80,
            path: "/socket.io/".into(),
            query: String::new(),
        };
        let headers = [
            ("X-App".to_owned(), "gr\u{fc}n".to_owned()),
            ("Host".to_owned(), "evil".to_owned()),
            ("sec-websocket-key".to_owned(), "evil".to_owned()),
            ("Sec-WebSocket-Extensions".to_owned(), "permessage-deflate".to_owned()),
        ];
        let (request, _) =
            request(&endpoint, "/socket.io/?EIO=4", &headers, &[]).expect("well-formed");
        let map = request.headers();
        assert_eq!(map["x-app"].as_bytes(), "gr\u{fc}n".as_bytes());
        assert_eq!(map["host"], "a.b");
        assert_eq!(map.get_all(SEC_WEBSOCKET_KEY).iter().count(), 1);
        assert_ne!(map[SEC_WEBSOCKET_KEY], "evil");
        assert!(!map.contains_key(SEC_WEBSOCKET_EXTENSIONS));
    }
}
