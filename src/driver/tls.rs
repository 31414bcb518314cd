//! TLS: one connector per configuration, pins, and what failures mean.

mod der;
mod support;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use native_tls::{Certificate, Identity, Protocol};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, oneshot};
use tokio_native_tls::{TlsConnector, TlsStream};

use crate::config::{IdentitySource, TlsConfig, TlsVersion};
use crate::driver::stream::CountedTcp;
use crate::error::{Code, Error, Result};
use crate::log::log;

/// The connectors in use. Few configurations exist at a time, so a list is enough.
static SHARED: Mutex<Vec<Weak<Tls>>> = Mutex::new(Vec::new());

/// A configuration and its connector, shared by everybody who uses an equal configuration.
///
/// Building a connector loads the platform's roots, which takes about 50 ms and 1 MB: it happens
/// on a thread of its own at the first use, once.
#[derive(Debug)]
pub(crate) struct Tls {
    config: TlsConfig,
    connector: OnceCell<TlsConnector>,
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
    ) -> Result<TlsStream<CountedTcp>> {
        let name = self.config.server_name.as_deref().unwrap_or(host);
        // The dot that ends a complete name is in no certificate (RFC 6066, section 3).
        let name = name.strip_suffix('.').unwrap_or(name);
        if self.config.dangerously_accept_anything {
            log!(Warn, "the certificate of {name} is NOT verified");
        }
        let connector = self.connector.get_or_try_init(|| self.build()).await?;
        let stream = connector.connect(name, tcp).await.map_err(|error| handshake_error(&error))?;
        if !self.config.spki_pins.is_empty() {
            let certificate = stream.get_ref().peer_certificate();
            let der = certificate.ok().flatten().and_then(|leaf| leaf.to_der().ok());
            pinned(&self.config.spki_pins, der.as_deref().unwrap_or_default())?;
        }
        Ok(stream)
    }

    async fn build(self: &Arc<Self>) -> Result<TlsConnector> {
        let failed = |what: &dyn std::fmt::Display| {
            Error::new(Code::TlsHandshake, format!("TLS configuration: {what}"))
        };
        let (tell, built) = oneshot::channel();
        let tls = Arc::clone(self);
        let build = move || {
            // Nobody waits any more when the dial was given up.
            let _ = tell.send(connector(&tls.config));
        };
        let thread = thread::Builder::new().name("roamio-tls".into());
        thread.spawn(build).map_err(|error| failed(&error))?;
        let built = built.await.map_err(|_| failed(&"building it has failed"))?;
        Ok(built.map_err(|error| failed(&error))?.into())
    }
}

/// Refuse what the platform cannot do, and certificates and keys that cannot be used.
///
/// Where the platform has to write a client's key down to read it, that is left to the first
/// connect.
///
/// # Errors
/// [`Code::Unsupported`] or [`Code::InvalidArgument`] with what it is.
pub(crate) fn check(config: &TlsConfig) -> Result<()> {
    support::check(config, std::env::consts::OS)?;
    let bad = |what: &str, error: &dyn fmt::Display| {
        Error::new(Code::InvalidArgument, format!("{what}: {error}"))
    };
    for root in &config.extra_roots {
        Certificate::from_der(root).map_err(|error| bad("trusted certificate", &error))?;
    }
    if let Some(client) = &config.identity
        && !cfg!(any(target_vendor = "apple", windows))
    {
        identity(&client.source).map_err(|error| match &client.source {
            IdentitySource::Pkcs12 { .. } => {
                bad("client certificate: no PKCS#12 archive, or another password", &error)
            }
            IdentitySource::Parts { .. } => bad("client certificate", &error),
        })?;
    }
    Ok(())
}

fn identity(source: &IdentitySource) -> Result<Identity, native_tls::Error> {
    match source {
        IdentitySource::Pkcs12 { archive, password } => {
            Identity::from_pkcs12(archive, password.expose())
        }
        IdentitySource::Parts { chain, key } => {
            let (certificates, key) = IdentitySource::to_pem(chain, key);
            Identity::from_pkcs8(certificates.as_bytes(), key.as_bytes())
        }
    }
}

fn connector(config: &TlsConfig) -> Result<native_tls::TlsConnector, native_tls::Error> {
    let mut builder = native_tls::TlsConnector::builder();
    builder.min_protocol_version(Some(match config.min_version {
        TlsVersion::V1_2 => Protocol::Tlsv12,
        TlsVersion::V1_3 => Protocol::Tlsv13,
    }));
    for root in &config.extra_roots {
        builder.add_root_certificate(Certificate::from_der(root)?);
    }
    if let Some(client) = &config.identity {
        builder.identity(identity(&client.source)?);
    }
    if config.dangerously_accept_anything {
        builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
    }
    builder.build()
}

/// Whether the server's own certificate, DER, has one of these keys.
fn pinned(pins: &[[u8; 32]], certificate: &[u8]) -> Result<()> {
    let refused = |what: &'static str| {
        let text = format!("the server's certificate is not accepted: {what}");
        Err(Error::new(Code::TlsCertificate, text))
    };
    match der::public_key_info(certificate) {
        None => refused("no public key to compare with the pins"),
        Some(key) if pins.contains(&Sha256::digest(key).into()) => Ok(()),
        Some(_) => refused("its public key is none of the pinned ones"),
    }
}

/// The back ends tell the reason only as text, each in its own words; OpenSSL's end with the failed
/// check in brackets.
fn handshake_error(error: &native_tls::Error) -> Error {
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return Error::new(Code::NetworkLost, format!("TLS handshake: {error}"));
    }
    let text = error.to_string();
    if let Some(alert) = alert(&text) {
        return Error::new(Code::TlsHandshake, format!("TLS handshake: {alert}"));
    }
    if !text.to_ascii_lowercase().contains("certificate") {
        return Error::new(Code::TlsHandshake, format!("TLS handshake: {text}"));
    }
    let check = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .map_or(text.as_str(), |(_, check)| check);
    Error::new(Code::TlsCertificate, format!("the server's certificate is not accepted: {check}"))
}

/// What it means that reading or writing failed. With TLS 1.3 a server refuses a client's
/// certificate, or that there is none, only when the client takes the handshake for finished.
pub(crate) fn stream_error(phase: &str, error: &io::Error) -> Error {
    match alert(&error.to_string()) {
        Some(alert) => Error::new(Code::TlsHandshake, format!("{phase}: {alert}")),
        None => Error::new(Code::NetworkLost, format!("{phase}: {error}")),
    }
}

/// An alert is the server's complaint, for one about a certificate that it wants from this side.
/// OpenSSL's texts have it between colons.
fn alert(text: &str) -> Option<String> {
    let alert = text.split(':').find(|part| part.to_ascii_lowercase().contains(" alert "))?;
    let wanted = if alert.contains("certificate required") {
        " (the server wants a client certificate)"
    } else {
        ""
    };
    Some(format!("the server ended it: {}{wanted}", alert.trim()))
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
