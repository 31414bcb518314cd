//! What both transports have of HTTP: heads, connections, and what their errors mean.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::iter;
use std::pin::{Pin, pin};

use hyper::body::Body;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use crate::config::Endpoint;
use crate::driver::stream::Stream;
use crate::driver::tls;
use crate::error::{Code, Error, Result};
use crate::proto::io::Cookies;

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// The most header lines of an answer.
const MAX_LINES: usize = 124;

/// How long a server keeps an idle connection when it does not tell: the shortest default of those
/// that carry Socket.IO.
const PATIENCE_MS: u64 = 5_000;

/// The way of a request to the server may take this long.
const PATIENCE_MARGIN_MS: u64 = 1_000;

/// What describes the connection and the body is this library's business.
const OURS: [HeaderName; 13] = [
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The two ends of an HTTP connection within this process: what is sent into one goes out while the
/// other is polled.
pub(crate) type Ends<B> = (SendRequest<B>, Connection<TokioIo<Stream>, B>);

/// Speak HTTP on a stream.
pub(crate) async fn start<B>(stream: Stream) -> hyper::Result<Ends<B>>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    http1::Builder::new()
        .title_case_headers(true)
        .max_headers(MAX_LINES)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
}

/// Do some work on a connection, which lives only while it is polled. It can be polled after its end.
pub(crate) async fn drive<T>(
    mut connection: Pin<&mut impl Future>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        // The work learns of its end.
        let _ = connection.as_mut().poll(cx);
        work.as_mut().poll(cx)
    })
    .await
}

/// A request without a body, with the application's headers. Those of [`OURS`] are left out, and
/// the caller puts in its own afterwards.
///
/// # Errors
/// [`Code::InvalidUrl`] and [`Code::InvalidArgument`].
pub(crate) fn request<B: Default>(
    endpoint: &Endpoint,
    path_and_query: &str,
    headers: &[(String, String)],
) -> Result<Request<B>> {
    let invalid = |what: &str| Error::new(Code::InvalidUrl, format!("URL: {what}"));
    let uri = path_and_query
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.authority().is_none() && path_and_query.starts_with('/'))
        .ok_or_else(|| invalid("path or query has characters that must be escaped"))?;
    let mut map = HeaderMap::with_capacity(headers.len() + 6);
    let host = HeaderValue::try_from(authority(endpoint)).ok().filter(|host| host.to_str().is_ok());
    map.insert(HOST, host.ok_or_else(|| invalid("host is not ASCII"))?);
    for (name, value) in headers {
        let refused = |_| Error::new(Code::InvalidArgument, format!("header {name} is malformed"));
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused(()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused(()))?;
        if !OURS.contains(&name) {
            map.append(name, value);
        }
    }
    let mut request = Request::new(B::default());
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

/// What a head says about cookies. Values that are not UTF-8 are left out.
pub(crate) fn cookies(headers: &HeaderMap) -> Cookies {
    let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).ok();
    Cookies {
        set: headers.get_all(SET_COOKIE).iter().filter_map(text).collect(),
        date: headers.get(DATE).and_then(text),
    }
}

/// The wish to be left alone, in milliseconds. The other form of the header, a date, could only be
/// compared with this device's clock.
pub(crate) fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok()?;
    Some(u64::from(seconds) * 1_000)
}

/// For how long a connection may lie idle and then be used again, in milliseconds. A request that
/// meets the server's FIN is lost, so this ends before the server's patience, which some tell.
pub(crate) fn reusable_ms(headers: &HeaderMap) -> u64 {
    let parameters = headers.get_all(HeaderName::from_static("keep-alive")).into_iter();
    let told = parameters
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))
        .and_then(|(_, seconds)| seconds.trim().parse::<u32>().ok());
    let patience = told.map_or(PATIENCE_MS, |seconds| u64::from(seconds) * 1_000);
    patience - PATIENCE_MARGIN_MS.min(patience / 2)
}

/// What a redirect means: it is not followed, and of where it leads to only the host is told.
pub(crate) fn redirected(phase: &str, status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    let location = headers.get(LOCATION).filter(|_| status.is_redirection())?;
    let to = location.to_str().ok()?.parse::<Uri>().ok()?;
    let (status, host) = (status.as_u16(), to.host()?);
    let text = format!("{phase}: HTTP {status}, a redirect to {host}, which is not followed");
    Some(Error::new(Code::HttpStatus, text).with_http_status(status))
}

/// What a failed exchange means.
pub(crate) fn error(phase: &str, error: &hyper::Error) -> Error {
    // A request that did not get out any more has the connection's error as its source.
    let mut sources = iter::successors(error.source(), |source| (*source).source());
    if error.is_parse() {
        // Size limits are told in this way, too.
        Error::new(Code::Handshake, format!("{phase}: the answer is not acceptable: {error}"))
    } else if let Some(error) = sources.find_map(|source| source.downcast_ref::<io::Error>()) {
        tls::stream_error(phase, error)
    } else {
        let text = format!("{phase}: the server closed the connection");
        Error::new(Code::NetworkLost, text)
    }
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
    fn what_cannot_stand_in_a_request_is_an_invalid_url() {
        let code = |host, path| {
            let request = request::<String>(&endpoint(false, host, 80), path, &[]);
            request.err().map(|error| error.code())
        };
        assert_eq!(code("a.b", "/socket.io/?EIO=4"), None);
        assert_eq!(code("b\u{fc}cher.example", "/"), Some(Code::InvalidUrl));
        for path in ["", "a", "/a b", "http://evil/", "/\r\nX: y"] {
            assert_eq!(code("a.b", path), Some(Code::InvalidUrl), "{path:?}");
        }
    }

    #[test]
    fn an_idle_connection_is_used_again_only_well_within_the_patience_of_the_server() {
        for (told, ms) in [
            (None, 4_000),
            (Some("timeout=5"), 4_000),
            (Some("max=100, Timeout = 75"), 74_000),
            (Some("timeout=1"), 500),
            (Some("timeout=0"), 0),
            (Some("timeout=4294967295"), 4_294_967_294_000),
            (Some("timeout=x"), 4_000),
            (Some("max=7"), 4_000),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(told) = told {
                headers.insert("keep-alive", HeaderValue::from_static(told));
            }
            assert_eq!(reusable_ms(&headers), ms, "{told:?}");
        }
    }

    #[test]
    fn headers_of_the_application_say_nothing_about_connection_and_body() {
        let header = |name: &str| (name.to_owned(), "evil".to_owned());
        let headers = ["Host", "transfer-encoding", "Content-Length", "EXPECT"].map(header);
        let request = request::<String>(&endpoint(false, "a.b", 80), "/", &headers);
        let map = request.expect("well-formed").into_parts().0.headers;
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&HOST, &HeaderValue::from_static("a.b"))]);
    }
}
