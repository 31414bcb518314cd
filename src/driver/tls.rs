//! TLS: one connector per configuration, pins, and what failures mean.
//!
//! The work is done by one of two back ends with the same functions; nothing outside of this file
//! knows which.

mod der;
#[cfg(not(feature = "tls-rustls"))]
mod native;
#[cfg(feature = "tls-rustls")]
mod rustls;

use std::fmt::Display;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, oneshot};

#[cfg(not(feature = "tls-rustls"))]
use self::native as backend;
#[cfg(feature = "tls-rustls")]
use self::rustls as backend;
use crate::config::TlsConfig;
use crate::driver::stream::CountedTcp;
use crate::error::{CertificateProblem, Code, Error, Result};
use crate::log::log;

pub(crate) use backend::{TlsStream, check, tcp};

/// The connectors in use. Few configurations exist at a time, so a list is enough.
static SHARED: Mutex<Vec<Weak<Tls>>> = Mutex::new(Vec::new());

/// A configuration and its connector, shared by everybody who uses an equal configuration.
///
/// Building a connector loads the platform's roots, which takes about 50 ms and 1 MB: it happens
/// on a thread of its own at the first use, once.
#[derive(Debug)]
pub(crate) struct Tls {
    config: TlsConfig,
    connector: OnceCell<backend::Connector>,
}

impl Tls {
    pub(crate) fn shared(config: TlsConfig) -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|tls| tls.strong_count() > 0);
        if let Some(tls) = shared.iter().filter_map(Weak::upgrade).find(|tls| tls.config == config)
        {
            return tls;
        }
        let tls = Arc::new(Self { config, connector: OnceCell::new() });
        shared.push(Arc::downgrade(&tls));
        tls
    }

    /// Do the TLS handshake and verify the certificate for `host`, a name or an address, or for the
    /// configured name; then compare the pins.
    ///
    /// # Errors
    /// [`Code::TlsCertificate`] with the check that failed, [`Code::TlsHandshake`], or
    /// [`Code::NetworkLost`] when the connection broke.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        host: &str,
        tcp: CountedTcp,
    ) -> Result<TlsStream> {
        let name = self.config.server_name.as_deref().unwrap_or(host);
        // The dot that ends a complete name is in no certificate (RFC 6066, section 3).
        let name = name.strip_suffix('.').unwrap_or(name);
        if self.config.dangerously_accept_anything {
            log!(Warn, "the certificate of {name} is NOT verified");
        }
        let connector = self.connector.get_or_try_init(|| self.build()).await?;
        let stream = backend::connect(connector, name, tcp).await?;
        if !self.config.spki_pins.is_empty() {
            let certificate = backend::certificate(&stream);
            pinned(&self.config.spki_pins, certificate.as_deref().unwrap_or_default())?;
        }
        Ok(stream)
    }

    async fn build(self: &Arc<Self>) -> Result<backend::Connector> {
        let (tell, built) = oneshot::channel();
        let tls = Arc::clone(self);
        let build = move || {
            // Nobody waits any more when the dial was given up.
            let _ = tell.send(backend::connector(&tls.config));
        };
        let thread = thread::Builder::new().name("roamio-tls".into());
        thread.spawn(build).map_err(|error| unusable(&error))?;
        built.await.map_err(|_| unusable(&"building it has failed"))?
    }
}

/// Whether the server's own certificate, DER, has one of these keys.
fn pinned(pins: &[[u8; 32]], certificate: &[u8]) -> Result<()> {
    match der::public_key_info(certificate) {
        None => Err(not_accepted("no public key to compare with the pins", None)),
        Some(key) if pins.contains(&Sha256::digest(key).into()) => Ok(()),
        Some(_) => Err(not_accepted(
            "its public key is none of the pinned ones",
            Some(CertificateProblem::NotPinned),
        )),
    }
}

/// What it means that reading or writing failed. With TLS 1.3 a server refuses a client's
/// certificate, or that there is none, only when the client takes the handshake for finished.
pub(crate) fn stream_error(phase: &str, error: &io::Error) -> Error {
    match backend::alert(error) {
        Some(alert) => Error::new(Code::TlsHandshake, format!("{phase}: {}", complaint(&alert))),
        None => Error::new(Code::NetworkLost, format!("{phase}: {error}")),
    }
}

/// No connector comes of the configuration.
fn unusable(what: &dyn Display) -> Error {
    Error::new(Code::TlsHandshake, format!("TLS configuration: {what}"))
}

/// Something of the configuration is of no use: certificates, keys.
fn invalid(what: &str, error: &dyn Display) -> Error {
    Error::new(Code::InvalidArgument, format!("{what}: {error}"))
}

/// The two sides have not agreed.
fn failed(what: &dyn Display) -> Error {
    Error::new(Code::TlsHandshake, format!("TLS handshake: {what}"))
}

/// The server's certificate has not passed this check, which means that, if it is known.
fn not_accepted(check: &str, problem: Option<CertificateProblem>) -> Error {
    let text = format!("the server's certificate is not accepted: {check}");
    let error = Error::new(Code::TlsCertificate, text);
    match problem {
        Some(problem) => error.with_certificate(problem),
        None => error,
    }
}

/// An alert is the server's complaint, for one about a certificate that it wants from this side.
fn complaint(alert: &str) -> String {
    let wanted = if alert.contains("certificate required") {
        " (the server wants a client certificate)"
    } else {
        ""
    };
    format!("the server ended it: {alert}{wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_configurations_share_a_connector_while_it_is_used() {
        let config = TlsConfig { extra_roots: vec![vec![1, 2, 3]], ..TlsConfig::default() };
        let one = Tls::shared(config.clone());
        assert!(Arc::ptr_eq(&one, &Tls::shared(config.clone())));
        assert!(!Arc::ptr_eq(&one, &Tls::shared(TlsConfig::default())));
        let weak = Arc::downgrade(&one);
        drop(one);
        assert!(weak.upgrade().is_none());
    }
}
