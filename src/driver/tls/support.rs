//! What the platforms' TLS libraries cannot do is refused before any of them is asked.

use super::der;
use crate::config::{IdentitySource, TlsConfig, TlsVersion};
use crate::error::{Code, Error, Result};

/// Refuse what the TLS library of the operating system `os`, named as by [`std::env::consts::OS`],
/// cannot do.
///
/// # Errors
/// [`Code::Unsupported`] with what it is.
pub(super) fn check(config: &TlsConfig, os: &str) -> Result<()> {
    let unsupported = |what: &str| Err(Error::new(Code::Unsupported, format!("TLS: {what}")));
    let mobile_apple = ["ios", "tvos", "watchos", "visionos"].contains(&os);
    if config.min_version >= TlsVersion::V1_3 && (mobile_apple || os == "macos") {
        return unsupported("Apple's library has no version 1.3");
    }
    match config.identity.as_ref().map(|identity| &identity.source) {
        Some(IdentitySource::Parts { .. }) if mobile_apple => {
            unsupported("Apple's library takes client certificates as PKCS#12 only")
        }
        Some(IdentitySource::Parts { key, .. }) if os == "windows" && !der::is_rsa(key) => {
            unsupported("of PEM keys, Windows' library takes those of RSA only")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClientIdentity;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";

    fn pem(key: &str) -> Option<ClientIdentity> {
        let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
        Some(ClientIdentity::pem(CERTIFICATE, &key).expect("both are there"))
    }

    #[test]
    fn what_a_platform_cannot_do_is_unsupported_there_and_nowhere_else() {
        let version = TlsConfig { min_version: TlsVersion::V1_3, ..TlsConfig::default() };
        // The beginnings of an RSA key and of an EC key.
        let rsa = pem("MBACAQAwCwYJKoZIhvcNAQEB");
        let rsa = TlsConfig { identity: rsa, ..TlsConfig::default() };
        let ec = TlsConfig { identity: pem("MA4CAQAwCQYHKoZIzj0CAQ=="), ..TlsConfig::default() };
        let archive = Some(ClientIdentity::pkcs12(&[1], "").expect("no NUL"));
        let archive = TlsConfig { identity: archive, ..TlsConfig::default() };
        let apples = &["macos", "ios", "tvos", "watchos", "visionos"];
        for (config, refusing) in [
            (&TlsConfig::default(), &[][..]),
            (&version, apples),
            (&rsa, &apples[1..]),
            (&ec, &["ios", "tvos", "watchos", "visionos", "windows"]),
            (&archive, &[]),
        ] {
            for os in ["linux", "android", "windows"].iter().chain(apples) {
                let refused = check(config, os).map_err(|error| error.code());
                let expected = if refusing.contains(os) { Err(Code::Unsupported) } else { Ok(()) };
                assert_eq!(refused, expected, "{config:?} on {os}");
            }
        }
    }
}
