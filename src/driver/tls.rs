//! TLS: one connector per configuration, and what a failed handshake means.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use native_tls::{Certificate, Protocol};
use tokio::sync::{OnceCell, oneshot};
use tokio_native_tls::{TlsConnector, TlsStream};

use crate::config::TlsConfig;
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

    /// Do the TLS handshake and verify the certificate for `host`, a name or an address.
    ///
    /// # Errors
    /// [`Code::TlsCertificate`] with the check that failed, [`Code::TlsHandshake`], or
    /// [`Code::NetworkLost`] when the connection broke.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        host: &str,
        tcp: CountedTcp,
    ) -> Result<TlsStream<CountedTcp>> {
        if self.config.dangerously_accept_anything {
            log!(Warn, "the certificate of {host} is NOT verified");
        }
        let connector = self.connector.get_or_try_init(|| self.build()).await?;
        connector.connect(host, tcp).await.map_err(|error| handshake_error(&error))
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

fn connector(config: &TlsConfig) -> Result<native_tls::TlsConnector, native_tls::Error> {
    let mut builder = native_tls::TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    for root in &config.extra_roots {
        builder.add_root_certificate(Certificate::from_der(root)?);
    }
    if config.dangerously_accept_anything {
        builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
    }
    builder.build()
}

/// The back ends tell the reason only as text, each in its own words; OpenSSL's end with the failed
/// check in brackets.
fn handshake_error(error: &native_tls::Error) -> Error {
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return Error::new(Code::NetworkLost, format!("TLS handshake: {error}"));
    }
    let text = error.to_string();
    let lower = text.to_ascii_lowercase();
    // An alert is the server's complaint, about a certificate that it wants from this side.
    if !lower.contains("certificate") || lower.contains("alert") {
        return Error::new(Code::TlsHandshake, format!("TLS handshake: {text}"));
    }
    let check = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .map_or(text.as_str(), |(_, check)| check);
    Error::new(Code::TlsCertificate, format!("the server's certificate is not accepted: {check}"))
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
