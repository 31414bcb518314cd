//! Whom to trust, and whom to be, on TLS.

use std::fmt;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3, where the platform has it.
    V1_3,
}

/// A client certificate with its key.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientIdentity {
    /// A PKCS#12 archive and its password.
    Pkcs12 {
        /// The archive, base64: it holds the key.
        der_base64: Secret,
        /// The password.
        password: Secret,
    },
    /// PEM texts.
    Pem {
        /// The certificate, then those that it needs to be trusted.
        certificates: String,
        /// The key, PKCS#8.
        key: Secret,
    },
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs12 { .. } => "Pkcs12",
            Self::Pem { .. } => "Pem",
        })
    }
}

/// A certificate check that replaces or extends the platform's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Further trust anchors, DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// The certificate that this side shows to a server that asks for one.
    pub identity: Option<ClientIdentity>,
    /// SHA-256 of the public keys (SubjectPublicKeyInfo, DER) that the server's own certificate may
    /// have; empty: any. Checked after the certificate was verified and before the first HTTP byte.
    pub spki_pins: Vec<[u8; 32]>,
    /// The name that is sent (SNI) and that the certificate must have, in place of the host's.
    pub server_name: Option<String>,
    /// The oldest version of TLS that is spoken.
    pub min_version: TlsVersion,
    /// Accept any certificate for any name. For development only; a warning is logged at every
    /// connect.
    pub dangerously_accept_anything: bool,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("extra_roots", &self.extra_roots.len())
            .field("identity", &self.identity)
            .field("spki_pins", &self.spki_pins.len())
            .field("server_name", &self.server_name)
            .field("min_version", &self.min_version)
            .field("dangerously_accept_anything", &self.dangerously_accept_anything)
            .finish()
    }
}

impl TlsConfig {
    /// Add the certificates of a PEM text. PEM is decoded here because some platforms' TLS
    /// libraries panic on it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when the text holds no certificate or a damaged one.
    pub fn add_roots_pem(&mut self, pem: &str) -> Result<()> {
        use base64::Engine as _;
        let bad = |what: &str| Error::new(Code::InvalidArgument, format!("PEM: {what}"));
        let mut found = false;
        let mut rest = pem;
        while let Some(start) = rest.find(PEM_BEGIN) {
            let body = &rest[start + PEM_BEGIN.len()..];
            let end = body.find(PEM_END).ok_or_else(|| bad("certificate has no end"))?;
            let text: String = body[..end].split_ascii_whitespace().collect();
            let der = base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|_| bad("certificate is not base64"))?;
            self.extra_roots.push(der);
            found = true;
            rest = &body[end + PEM_END.len()..];
        }
        if found { Ok(()) } else { Err(bad("no certificate found")) }
    }
}

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";
