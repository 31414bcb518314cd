//! WebSocket: the handshake's request, the limits, and what its errors mean.

use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response, generate_key};
use tokio_tungstenite::tungstenite::http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::tungstenite::http::uri::Uri;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::config::{Endpoint, Limits};
use crate::driver::stream::Stream;
use crate::error::{Code, Error, Result};

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Stream>;

/// An idle connection keeps this much for ever, and every read zero-fills it.
const READ_BUFFER: usize = 16 << 10;

/// A burst of small frames leaves in writes of about this size.
const WRITE_BUFFER: usize = 16 << 10;

/// Do the WebSocket handshake on a stream.
///
/// # Errors
/// [`Code::InvalidUrl`] before anything is sent; [`Code::HttpStatus`], [`Code::Handshake`],
/// [`Code::Websocket`] or [`Code::NetworkLost`] by what came back.
pub(crate) async fn open(
    stream: Stream,
    endpoint: &Endpoint,
    path_and_query: &str,
    headers: &[(String, String)],
    limits: &Limits,
) -> Result<Socket> {
    let request = request(endpoint, path_and_query, headers)?;
    let opened =
        tokio_tungstenite::client_async_with_config(request, stream, Some(config(limits))).await;
    let (socket, response) = opened.map_err(handshake_error)?;
    if response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        let text = "WebSocket handshake: the server answers with an extension nobody asked for";
        return Err(Error::new(Code::Websocket, text));
    }
    // The handshake leaves a read buffer behind that never grows beyond one frame. Nothing is in it,
    // because the stream ends the handshake's reading at the end of the head.
    let stream = socket.into_inner();
    Ok(Socket::from_raw_socket(stream, Role::Client, Some(config(limits))).await)
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

/// The handshake's request. The application's headers come first, so that they can replace none of
/// WebSocket's own.
fn request(
    endpoint: &Endpoint,
    path_and_query: &str,
    headers: &[(String, String)],
) -> Result<Request> {
    let invalid = |what: &str| Error::new(Code::InvalidUrl, format!("URL: {what}"));
    let scheme = if endpoint.secure { "wss" } else { "ws" };
    let authority = authority(endpoint);
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority.as_str())
        .path_and_query(path_and_query)
        .build()
        .map_err(|_| invalid("host, path or query has characters that must be escaped"))?;
    let mut map = HeaderMap::with_capacity(headers.len() + 5);
    for (name, value) in headers {
        let refused = |_| Error::new(Code::InvalidArgument, format!("header {name} is malformed"));
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused(()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused(()))?;
        map.append(name, value);
    }
    let key = HeaderValue::try_from(generate_key()).map_err(|_| invalid("key"))?;
    let host = HeaderValue::try_from(authority).map_err(|_| invalid("host is not ASCII"))?;
    map.insert(HOST, host);
    map.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    map.insert(UPGRADE, HeaderValue::from_static("websocket"));
    map.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    map.insert(SEC_WEBSOCKET_KEY, key);
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    *request.headers_mut() = map;
    Ok(request)
}

/// `host` or `host:port` as the `Host` header has it: brackets around IPv6, no default port.
fn authority(endpoint: &Endpoint) -> String {
    let host = &endpoint.host;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let default = if endpoint.secure { 443 } else { 80 };
    if endpoint.port == default { host } else { format!("{host}:{}", endpoint.port) }
}

/// What a failed handshake means.
fn handshake_error(error: WsError) -> Error {
    const PHASE: &str = "WebSocket handshake";
    match error {
        WsError::Http(response) => status_error(&response),
        WsError::AttackAttempt | WsError::Capacity(CapacityError::TooManyHeaders) => {
            let text = "WebSocket handshake: the response head is over 64 KiB or 124 lines";
            Error::new(Code::Handshake, text)
        }
        WsError::Protocol(ProtocolError::HttparseError(error)) => {
            Error::new(Code::Handshake, format!("{PHASE}: the answer is not HTTP: {error}"))
        }
        WsError::HttpFormat(error) => {
            Error::new(Code::Handshake, format!("{PHASE}: the answer is not HTTP: {error}"))
        }
        WsError::Protocol(ProtocolError::HandshakeIncomplete) => {
            Error::new(Code::NetworkLost, "WebSocket handshake: the server closed the connection")
        }
        WsError::Io(error) => Error::new(Code::NetworkLost, format!("{PHASE}: {error}")),
        error => Error::new(Code::Websocket, format!("{PHASE}: {error}")),
    }
}

/// Redirects are not followed; the message tells the host they lead to and nothing else of them.
fn status_error(response: &Response) -> Error {
    let status = response.status();
    let target = response
        .headers()
        .get(LOCATION)
        .filter(|_| status.is_redirection())
        .and_then(|location| location.to_str().ok()?.parse::<Uri>().ok()?.host().map(str::to_owned))
        .map_or_else(String::new, |host| format!(", a redirect to {host}, which is not followed"));
    let text = format!("WebSocket handshake: HTTP {}{target}", status.as_u16());
    let error = Error::new(Code::HttpStatus, text).with_http_status(status.as_u16());
    // The other form, a date, could only be compared with this device's clock.
    let seconds = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    match seconds {
        Some(seconds) => error.with_retry_after_ms(u64::from(seconds) * 1_000),
        None => error,
    }
}

/// What ended an open connection.
pub(crate) fn stream_error(error: WsError) -> Error {
    match error {
        WsError::Io(error) => Error::new(Code::NetworkLost, format!("connection: {error}")),
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

    fn endpoint(secure: bool, host: &str, port: u16) -> Endpoint {
        Endpoint {
            secure,
            host: host.into(),
            port,
            path: "/socket.io/".into(),
            query: String::new(),
        }
    }

    #[test]
    fn the_host_header_has_brackets_and_no_default_port() {
        let host = |secure, host, port| authority(&endpoint(secure, host, port));
        assert_eq!(host(true, "example.org", 443), "example.org");
        assert_eq!(host(false, "example.org", 443), "example.org:443");
        assert_eq!(host(false, "::1", 80), "[::1]");
        assert_eq!(host(true, "::1", 3001), "[::1]:3001");
    }

    #[test]
    fn headers_of_the_application_are_added_and_replace_none_of_websockets_own() {
        let headers = [
            ("X-App".to_owned(), "grün".to_owned()),
            ("Host".to_owned(), "evil".to_owned()),
            ("sec-websocket-key".to_owned(), "evil".to_owned()),
        ];
        let request = request(&endpoint(false, "a.b", 80), "/socket.io/?EIO=4", &headers)
            .expect("well-formed");
        assert_eq!(request.uri().path_and_query().map(|it| it.as_str()), Some("/socket.io/?EIO=4"));
        assert_eq!(request.headers()["x-app"].as_bytes(), "grün".as_bytes());
        assert_eq!(request.headers()[HOST], "a.b");
        assert_eq!(request.headers().get_all(SEC_WEBSOCKET_KEY).iter().count(), 1);
        assert_ne!(request.headers()[SEC_WEBSOCKET_KEY], "evil");
    }

    #[test]
    fn a_host_that_cannot_stand_in_a_request_is_an_invalid_url() {
        let refused = request(&endpoint(false, "b\u{fc}cher.example", 80), "/", &[]);
        assert_eq!(refused.err().map(|error| error.code()), Some(Code::InvalidUrl));
    }
}
