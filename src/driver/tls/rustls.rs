//! TLS by rustls, with ring, inside the library: nothing of it is the platform's but the roots.

mod pkcs12;
mod reason;
mod roots;
mod trust;
mod unverified;

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, InconsistentKeys};
use tokio_rustls::TlsConnector;

use self::trust::Trust;
use self::unverified::Unverified;
use super::{complaint, der, failed, invalid, not_accepted, unusable};
use crate::config::{IdentitySource, TlsConfig, TlsVersion};
use crate::driver::stream::CountedTcp;
use crate::error::{Code, Error, Result};

pub(super) type Connector = Arc<ClientConfig>;
pub(crate) type TlsStream = tokio_rustls::client::TlsStream<CountedTcp>;

/// Refuse certificates and keys that cannot be used.
///
/// # Errors
/// [`Code::InvalidArgument`] with what it is.
pub(crate) fn check(config: &TlsConfig) -> Result<()> {
    roots::given(config)?;
    config.identity.as_ref().map_or(Ok(()), |client| identity(&client.source).map(drop))
}

fn identity(source: &IdentitySource) -> Result<CertifiedKey> {
    let bad = |error: &dyn Display| invalid("client certificate", error);
    let identity = match source {
        IdentitySource::Parts { chain, key } => certified(chain.clone(), key),
        IdentitySource::Pkcs12 { archive, password } => {
            let opened = pkcs12::open(archive, password.expose()).map_err(|error| bad(&error))?;
            certified(opened.certificates, &opened.key).map(own_first)
        }
    };
    let identity = identity.map_err(|error| bad(&error))?;
    match identity.keys_match() {
        Ok(()) => Ok(identity),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(bad(&"the key is that of another certificate"))
        }
        Err(rustls::Error::InvalidCertificate(error)) => Err(bad(&reason::of(&error))),
        Err(error) => Err(bad(&error)),
    }
}

fn certified(chain: Vec<Vec<u8>>, key: &[u8]) -> Result<CertifiedKey, rustls::Error> {
    let key = ring::sign::any_supported_type(&PrivatePkcs8KeyDer::from(key).into())?;
    Ok(CertifiedKey::new(chain.into_iter().map(CertificateDer::from).collect(), key))
}

/// An archive has its certificates in any order; servers want to see the client's own first.
fn own_first(mut identity: CertifiedKey) -> CertifiedKey {
    let own = identity.key.public_key();
    identity.cert.sort_by_key(|certificate| der::public_key_info(certificate) != own.as_deref());
    identity
}

/// Make what connects with this configuration. It reads the platform's roots, which blocks.
///
/// # Errors
/// Those of [`check`], and [`Code::TlsHandshake`] with what else cannot be used.
pub(super) fn connector(config: &TlsConfig) -> Result<Connector> {
    let versions: &[_] = match config.min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    // A program may have a provider of its own for the whole process, which is none of ours.
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if config.dangerously_accept_anything {
        Arc::new(Unverified(provider.signature_verification_algorithms))
    } else {
        let roots = Arc::new(roots::all(config)?);
        let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let webpki = webpki.build().map_err(|error| unusable(&error))?;
        Arc::new(Trust { webpki, given: config.extra_roots.clone() })
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| unusable(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut connector = match &config.identity {
        None => builder.with_no_client_auth(),
        Some(client) => builder
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity(&client.source)?))),
    };
    connector.resumption = Resumption::disabled();
    Ok(Arc::new(connector))
}

/// Do the handshake and verify the certificate for `name`.
///
/// # Errors
/// As [`Tls::connect`](super::Tls::connect), without the pins.
pub(super) async fn connect(
    connector: &Connector,
    name: &str,
    tcp: CountedTcp,
) -> Result<TlsStream> {
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| not_accepted("no certificate is for such a name", None))?;
    let connector = TlsConnector::from(Arc::clone(connector));
    connector.connect(name, tcp).await.map_err(|error| handshake_error(&error))
}

/// The server's own certificate, DER.
pub(super) fn certificate(stream: &TlsStream) -> Option<Vec<u8>> {
    Some(stream.get_ref().1.peer_certificates()?.first()?.to_vec())
}

/// The connection below.
pub(crate) fn tcp(stream: &TlsStream) -> &CountedTcp {
    stream.get_ref().0
}

fn handshake_error(error: &io::Error) -> Error {
    match of_tls(error) {
        None => Error::new(Code::NetworkLost, format!("TLS handshake: {error}")),
        Some(rustls::Error::InvalidCertificate(error)) => {
            not_accepted(&reason::of(error), reason::problem(error))
        }
        Some(error) => match reason::alert(error) {
            Some(alert) => failed(&complaint(&alert)),
            None => failed(error),
        },
    }
}

/// The alert that ended a connection.
pub(super) fn alert(error: &io::Error) -> Option<String> {
    reason::alert(of_tls(error)?)
}

/// What TLS has to say, and not the connection below.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
