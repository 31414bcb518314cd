//! A proxy between this device and every server.

use std::fmt;

use super::endpoint::percent_decode_text;
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
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .finish()
    }
}

impl Proxy {
    /// Read `http://[user:password@]host[:port]` or `socks5://…`; user and password are
    /// percent-encoded. The ports are 80 and 1080 unless given.
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
        let credentials = match credentials {
            None => None,
            Some(text) => {
                let (user, password) = text.split_once(':').unwrap_or((text, ""));
                let decoded = percent_decode_text(user).zip(percent_decode_text(password));
                let (user, password) =
                    decoded.ok_or_else(|| bad("user or password is not UTF-8"))?;
                Some((user, Secret::new(password)))
            }
        };
        let (host, port) = Endpoint::parse_authority(authority, false)
            .map_err(|error| bad(error.message().trim_start_matches("URL: ")))?;
        let no_port = !authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        let port = if kind == ProxyKind::Socks5 && no_port { 1080 } else { port };
        Ok(Self { kind, host, port, credentials })
    }

    /// Refuse what cannot be said to such a proxy.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] with what is wrong; it never shows the credentials.
    pub(crate) fn check(&self) -> Result<()> {
        let bad = |what: &str| Err(Error::new(Code::InvalidArgument, format!("proxy: {what}")));
        if !Endpoint::is_host(&self.host) {
            return bad("host is neither an address nor a name in ASCII");
        }
        if self.port == 0 {
            return bad("port is 0");
        }
        let Some((user, password)) = &self.credentials else { return Ok(()) };
        let fits = |text: &str| (1..=255).contains(&text.len());
        match self.kind {
            // RFC 7617, section 2.
            ProxyKind::Http if user.contains(':') => bad("user name has a colon"),
            ProxyKind::Http if user.len() > 1024 || password.expose().len() > 4096 => {
                bad("user name or password is longer than 1 or 4 KiB")
            }
            // RFC 1929, section 2.
            ProxyKind::Socks5 if !fits(user) || !fits(password.expose()) => {
                bad("user name and password have 1 to 255 bytes each")
            }
            ProxyKind::Http | ProxyKind::Socks5 => Ok(()),
        }
    }
}

/// `host:port`, brackets around an IPv6 address; nothing secret.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}
