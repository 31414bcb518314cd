//! Where a server is.

use std::fmt;

use crate::error::{Code, Error, Result};

/// How one Engine.IO server is reached, before any credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// TLS is used: `wss`.
    pub secure: bool,
    /// Host name or address, an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// HTTP path, usually with one slash at its end ([`Endpoint::set_path`]).
    pub path: String,
    /// Query parameters of the application, percent-encoded and joined with `&`. It may hold a
    /// credential, so `Debug` does not show it.
    pub query: String,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path)
            .field("query", &hidden(&self.query))
            .finish()
    }
}

/// HTTP headers of the application: name and value. `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderList(pub Vec<(String, String)>);

impl fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What one attempt to connect is made with: the server, and the headers of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub endpoint: Endpoint,
    /// Headers of every request.
    pub headers: HeaderList,
}

/// What `Debug` shows of a text that may be secret.
pub(super) const fn hidden(text: &str) -> &str {
    if text.is_empty() { "" } else { "***" }
}

impl Default for Endpoint {
    /// No server, and the path of every Socket.IO server.
    fn default() -> Self {
        Self {
            secure: false,
            host: String::new(),
            port: 80,
            path: DEFAULT_PATH.into(),
            query: String::new(),
        }
    }
}

impl Endpoint {
    /// Read `http`, `https`, `ws` or `wss` URLs. The URL's path is **not** the HTTP path (that is
    /// an option); it is given back as the namespace, `/` when there is none.
    ///
    /// # Errors
    /// [`Code::InvalidUrl`] with the part that is wrong.
    pub fn parse(url: &str) -> Result<(Self, String)> {
        let bad = |what: &str| Error::new(Code::InvalidUrl, format!("URL: {what}"));
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(bad("contains white space or control characters"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        let secure = match scheme {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(bad("scheme is not http, https, ws or wss")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        let (host, port) = Self::parse_authority(authority, secure)?;
        Self::check_query(query)?;
        let namespace = if path.is_empty() { "/" } else { path };
        let endpoint =
            Self { secure, host, port, path: DEFAULT_PATH.into(), query: query.to_owned() };
        Ok((endpoint, namespace.to_owned()))
    }

    /// Set the HTTP path; `slash`: with exactly one at its end, otherwise with none. Most servers
    /// answer only with it.
    pub fn set_path(&mut self, path: &str, slash: bool) {
        let path = path.trim_end_matches('/');
        self.path = format!("{path}{}", if slash { "/" } else { "" });
        if self.path.is_empty() {
            self.path.push('/');
        }
    }

    /// Refuse a query that is not percent-encoded, or that names a parameter of Engine.IO itself.
    ///
    /// # Errors
    /// [`Code::InvalidUrl`] with what is wrong.
    pub fn check_query(query: &str) -> Result<()> {
        let bad = |what: &str| Err(Error::new(Code::InvalidUrl, format!("URL: query {what}")));
        if query.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#') {
            return bad("is not percent-encoded");
        }
        for parameter in query.split('&') {
            let name = percent_decode(parameter.split('=').next().unwrap_or_default());
            if let Some(own) = ["EIO", "transport", "sid"].iter().find(|own| own.as_bytes() == name)
            {
                return bad(&format!("has the parameter {own}, which is the protocol's"));
            }
        }
        Ok(())
    }

    /// Read `host`, `host:port`, `[v6]:port`. A host is an address, or a name of ASCII letters,
    /// digits, `.`, `-` and `_`: an international name has to come in its `xn--` form.
    ///
    /// # Errors
    /// [`Code::InvalidUrl`] with the part that is wrong.
    pub fn parse_authority(authority: &str, secure: bool) -> Result<(String, u16)> {
        let bad = |what: &str| Error::new(Code::InvalidUrl, format!("URL: {what}"));
        if authority.contains('@') {
            return Err(bad("user information is not supported"));
        }
        let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(|| bad("bracket is not closed"))?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| bad("host is no IPv6 address"))?;
            match rest {
                "" => (host, None),
                _ => (host, Some(rest.strip_prefix(':').ok_or_else(|| bad("host is malformed"))?)),
            }
        } else {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            if !Self::is_host(host) {
                return Err(bad("host is missing or malformed"));
            }
            (host, port)
        };
        let port = match port {
            None => {
                if secure {
                    443
                } else {
                    80
                }
            }
            // The standard parser takes a sign, too.
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number != 0 && !port.starts_with('+') => number,
                _ => return Err(bad("port is not 1 to 65535")),
            },
        };
        Ok((host.to_owned(), port))
    }

    /// Whether a text is an IP address (IPv6 without brackets) or a name that can be resolved.
    pub fn is_host(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let name = !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed);
        name || text.parse::<std::net::Ipv6Addr>().is_ok()
    }

    /// Whether the host names this machine, so that plain text does not leave it.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The bytes that a percent-encoded text stands for; what is no escape stands for itself.
fn percent_decode(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let (bytes, mut at) = (text.as_bytes(), 0);
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// A percent-decoded text; `None` when it is not UTF-8.
pub(super) fn percent_decode_text(text: &str) -> Option<String> {
    String::from_utf8(percent_decode(text)).ok()
}

/// The HTTP path of a Socket.IO server.
pub const DEFAULT_PATH: &str = "/socket.io/";
