//! Whom to trust on TLS, and whom to be.

use crate::config::{ClientIdentity, TlsConfig, TlsVersion};
use crate::error::Result;

/// Whom to trust on TLS, and whom to be. The system's trust anchors count in any case.
#[derive(Clone, Default, uniffi::Record)]
pub struct TlsOptions {
    /// Further trust anchors: PEM texts of one or more certificates.
    #[uniffi(default)]
    pub extra_roots_pem: Vec<String>,
    /// What this side shows to a server that asks for a certificate.
    #[uniffi(default)]
    pub client_certificate: Option<ClientCertificate>,
    /// SHA-256 of the public keys that the server's own certificate may have, in base64, `sha256/`
    /// before it or not; none: any.
    #[uniffi(default)]
    pub spki_pins: Vec<String>,
    /// The name that is sent and that the certificate must have, in place of the host's.
    #[uniffi(default)]
    pub server_name: Option<String>,
    /// The oldest version that is spoken; 1.2 unless set.
    #[uniffi(default)]
    pub min_version: Option<TlsVersion>,
    /// Accept any certificate for any name. For development only; a warning is logged at every
    /// connect.
    #[uniffi(default = false)]
    pub dangerously_accept_anything: bool,
}

/// A client certificate with its key.
#[derive(Clone, uniffi::Enum)]
pub enum ClientCertificate {
    /// PEM texts. Not on iOS; RSA only on Windows.
    Pem {
        /// The certificate, then those that it needs to be trusted.
        certificates: String,
        /// The key: PKCS#8, not encrypted.
        key: String,
    },
    /// A PKCS#12 archive.
    Pkcs12 {
        /// The archive.
        archive: Vec<u8>,
        /// Its password.
        password: String,
    },
}

impl TlsOptions {
    pub(super) fn config(self) -> Result<TlsConfig> {
        let identity = self.client_certificate.map(|certificate| match certificate {
            ClientCertificate::Pem { certificates, key } => {
                ClientIdentity::pem(&certificates, &key)
            }
            ClientCertificate::Pkcs12 { archive, password } => {
                ClientIdentity::pkcs12(&archive, &password)
            }
        });
        let mut config = TlsConfig {
            identity: identity.transpose()?,
            server_name: self.server_name,
            min_version: self.min_version.unwrap_or_default(),
            dangerously_accept_anything: self.dangerously_accept_anything,
            ..TlsConfig::default()
        };
        for pem in &self.extra_roots_pem {
            config.add_roots_pem(pem)?;
        }
        for pin in &self.spki_pins {
            config.add_spki_pin_base64(pin)?;
        }
        Ok(config)
    }
}
