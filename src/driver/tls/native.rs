//! TLS by the platform's library: OpenSSL, on Apple's systems Security, on Windows SChannel.

mod pem;
mod support;

use std::error::Error as _;
use std::io;

use native_tls::{Certificate, Identity, Protocol};

use super::{complaint, failed, invalid, not_accepted, unusable};
use crate::config::{IdentitySource, TlsConfig, TlsVersion};
use crate::driver::stream::CountedTcp;
use crate::error::{CertificateProblem, Code, Error, Result};

pub(super) type Connector = tokio_native_tls::TlsConnector;
pub(crate) type TlsStream = tokio_native_tls::TlsStream<CountedTcp>;

/// Refuse what the platform cannot do, and certificates and keys that cannot be used.
///
/// Where the platform has to write a client's key down to read it, that is left to the first
/// connect.
///
/// # Errors
/// [`Code::Unsupported`] or [`Code::InvalidArgument`] with what it is.
pub(crate) fn check(config: &TlsConfig) -> Result<()> {
    support::check(config, std::env::consts::OS)?;
    for root in &config.extra_roots {
        Certificate::from_der(root).map_err(|error| invalid("trusted certificate", &error))?;
    }
    if let Some(client) = &config.identity
        && !cfg!(any(target_vendor = "apple", windows))
    {
        identity(&client.source).map_err(|error| match &client.source {
            IdentitySource::Pkcs12 { .. } => {
                invalid("client certificate: no PKCS#12 archive, or another password", &error)
            }
            IdentitySource::Parts { .. } => invalid("client certificate", &error),
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
            let (certificates, key) = pem::identity(chain, key);
            Identity::from_pkcs8(certificates.as_bytes(), key.as_bytes())
        }
    }
}

/// Make what connects with this configuration. It reads the platform's roots, which blocks.
///
/// # Errors
/// [`Code::TlsHandshake`] with what cannot be used.
pub(super) fn connector(config: &TlsConfig) -> Result<Connector> {
    let build = || {
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
    };
    build().map(Connector::from).map_err(|error| unusable(&error))
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
    connector.connect(name, tcp).await.map_err(|error| handshake_error(&error))
}

/// The server's own certificate, DER.
pub(super) fn certificate(stream: &TlsStream) -> Option<Vec<u8>> {
    stream.get_ref().peer_certificate().ok()??.to_der().ok()
}

/// The connection below.
pub(crate) fn tcp(stream: &TlsStream) -> &CountedTcp {
    stream.get_ref().get_ref().get_ref()
}

/// The platforms' libraries tell the reason only as text, each in its own words; OpenSSL's end with
/// the failed check in brackets.
fn handshake_error(error: &native_tls::Error) -> Error {
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return Error::new(Code::NetworkLost, format!("TLS handshake: {error}"));
    }
    let text = error.to_string();
    if let Some(alert) = alert_of(&text) {
        return failed(&complaint(alert));
    }
    if !text.to_ascii_lowercase().contains("certificate") {
        return failed(&text);
    }
    let check = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let check = check.map_or(text.as_str(), |(_, check)| check);
    not_accepted(check, problem(check))
}

/// What a failed check means, in OpenSSL's words, which are the same in every locale.
fn problem(check: &str) -> Option<CertificateProblem> {
    const WORDS: [(&str, CertificateProblem); 10] = [
        ("certificate has expired", CertificateProblem::Expired),
        ("not yet valid", CertificateProblem::NotYetValid),
        // It is the root that is not trusted, and not the server's own certificate.
        ("in certificate chain", CertificateProblem::UnknownIssuer),
        ("self-signed certificate", CertificateProblem::SelfSigned),
        ("self signed certificate", CertificateProblem::SelfSigned),
        ("issuer certificate", CertificateProblem::UnknownIssuer),
        ("unable to verify the first certificate", CertificateProblem::UnknownIssuer),
        ("hostname mismatch", CertificateProblem::WrongHost),
        ("ip address mismatch", CertificateProblem::WrongHost),
        ("revoked", CertificateProblem::Revoked),
    ];
    let check = check.to_ascii_lowercase();
    WORDS.iter().find(|(words, _)| check.contains(words)).map(|(_, problem)| *problem)
}

/// The alert that ended a connection.
pub(super) fn alert(error: &io::Error) -> Option<String> {
    alert_of(&error.to_string()).map(str::to_owned)
}

/// OpenSSL's texts have an alert between colons.
fn alert_of(text: &str) -> Option<&str> {
    text.split(':').find(|part| part.to_ascii_lowercase().contains(" alert ")).map(str::trim)
}
