//! A proxy between this device and every server.

use crate::config::Endpoint;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP CONNECT, for both transports and also for servers without TLS.
    Http,
    /// SOCKS5; the proxy resolves the server's name.
    Socks5,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Its host name or address, an IPv6 address without its brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password: basic authentication, or that of SOCKS5.
    pub credentials: Option<(String, Secret)>,
}

impl Proxy {
    /// Read `http://[user:password@]host:port` or `socks5://…`; user and password are
    /// percent-encoded.
    ///
    /// # Errors
    /// [`Code::InvalidUrl`] with the part that is wrong; it never shows the password.
    pub fn parse(url: &str) -> Result<Self> {
        let bad = |what: &str| Error::new(Code::InvalidUrl, format!("proxy URL: {what}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        let kind = match scheme {
            "http" => ProxyKind::Http,
            "socks5" | "socks5h" => ProxyKind::Socks5,
            _ => return Err(bad("scheme is not http or socks5")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(credentials), authority),
            None => (None, rest),
        };
        let credentials = credentials.map(|text| {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            (
                super::endpoint::percent_decode_text(user),
                super::endpoint::percent_decode_text(password),
            )
        });
        let credentials = match credentials {
            None => None,
            Some((Some(user), Some(password))) => Some((user, Secret::new(password))),
            Some(_) => return Err(bad("user or password is not UTF-8")),
        };
        let (host, port) =
            Endpoint::parse_authority(authority, false).map_err(|error| bad(error.message()))?;
        Ok(Self { kind, host, port, credentials })
    }
}
