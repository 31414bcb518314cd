//! Pages of other origins may use Socket.IO and obtain tokens, as with the real portal and its
//! sample application server. They cannot see what is below `/control`.

use axum::http::{HeaderMap, HeaderValue, Request, header};

/// The origin that asks for something it may have.
pub(super) fn asking<T>(request: &Request<T>) -> Option<HeaderValue> {
    let open = !request.uri().path().starts_with("/control");
    request.headers().get(header::ORIGIN).filter(|_| open).cloned()
}

/// Tell the browser that the origin may have the answer.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::VARY, "Origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
