//! Whom to trust, and whom to be, on TLS.

use std::fmt;

use base64::Engine as _;
use zeroize::Zeroizing;

use super::pem;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3, where the TLS library has it: not on Apple's.
    V1_3,
}

/// A client certificate with its key. `Debug` shows neither, and the memory is zeroed when the last
/// owner drops it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    pub(crate) source: IdentitySource,
}

/// Where certificate and key come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum IdentitySource {
    /// An archive that the TLS library opens.
    Pkcs12 { archive: Zeroizing<Vec<u8>>, password: Secret },
    /// DER: the chain, its first certificate the client's own, and the PKCS#8 key.
    Parts { chain: Vec<Vec<u8>>, key: Zeroizing<Vec<u8>> },
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            IdentitySource::Pkcs12 { .. } => "Pkcs12",
            IdentitySource::Parts { .. } => "Pem",
        })
    }
}

impl ClientIdentity {
    /// Take a PKCS#12 archive (`.p12`, `.pfx`) and its password.
    ///
    /// It is opened when an object is made with it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a password with a NUL, which no library takes.
    pub fn pkcs12(archive: &[u8], password: &str) -> Result<Self> {
        if password.contains('\0') {
            let text = "client certificate: the password contains a NUL";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        let (archive, password) = (archive.to_vec().into(), Secret::new(password));
        Ok(Self { source: IdentitySource::Pkcs12 { archive, password } })
    }

    /// Take PEM texts: the certificate, then those that it needs to be trusted; and its key, PKCS#8
    /// and not encrypted (`BEGIN PRIVATE KEY`). One text may hold both.
    ///
    /// Whether they are intact is checked when an object is made with them. With `tls-native` not on
    /// iOS, where the platform takes PKCS#12 only, and on Windows for RSA keys only.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] with what is missing or damaged.
    pub fn pem(certificates: &str, key: &str) -> Result<Self> {
        let bad =
            |what: &str| Error::new(Code::InvalidArgument, format!("client certificate: {what}"));
        let chain = pem::decode(certificates, CERTIFICATE).map_err(|error| bad(error.message()))?;
        let others = ["ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
        if let Some(other) = others.iter().find(|label| key.contains(&format!("BEGIN {label}-"))) {
            let what =
                format!("the key is {other}, wanted is PKCS#8 (openssl pkcs8 -topk8 -nocrypt)");
            return Err(bad(&what));
        }
        let mut keys = pem::decode(key, PRIVATE_KEY).map_err(|error| bad(error.message()))?;
        let (Some(key), true) = (keys.pop(), keys.is_empty()) else {
            return Err(bad("more than one key"));
        };
        let chain = chain.into_iter().map(|mut der| std::mem::take(&mut *der)).collect();
        Ok(Self { source: IdentitySource::Parts { chain, key } })
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
    /// have; empty: any. Checked after the certificate was verified and before the first HTTP byte,
    /// also when anything else is accepted.
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
    /// Add the certificates of a PEM text to the trust anchors.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when the text holds no certificate or a damaged one.
    pub fn add_roots_pem(&mut self, pem: &str) -> Result<()> {
        let roots = pem::decode(pem, CERTIFICATE)?;
        self.extra_roots.extend(roots.into_iter().map(|mut der| std::mem::take(&mut *der)));
        Ok(())
    }

    /// Add a pin as base64, `sha256/` before it or not.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when it is not the base64 of 32 bytes.
    pub fn add_spki_pin_base64(&mut self, pin: &str) -> Result<()> {
        let base64 = pin.strip_prefix("sha256/").unwrap_or(pin);
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok();
        let pin = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or_else(|| {
            Error::new(Code::InvalidArgument, "SPKI pin: not the base64 of a SHA-256")
        })?;
        self.spki_pins.push(pin);
        Ok(())
    }
}

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";
