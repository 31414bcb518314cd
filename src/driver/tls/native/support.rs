//! What the platforms' TLS libraries cannot do is refused before any of them is asked.

use crate::config::{IdentitySource, TlsConfig, TlsVersion};
use crate::driver::tls::der::{INTEGER, OBJECT_IDENTIFIER, SEQUENCE, Values};
use crate::error::{Code, Error, Result};

/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

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
        Some(IdentitySource::Parts { key, .. }) if os == "windows" && !is_rsa(key) => {
            unsupported("of PEM keys, Windows' library takes those of RSA only")
        }
        _ => Ok(()),
    }
}

/// Whether a PKCS#8 key (RFC 5208, section 5) is one of RSA.
fn is_rsa(key: &[u8]) -> bool {
    let algorithm = || {
        let mut key = Values(Values(key).expect(SEQUENCE)?.content);
        key.expect(INTEGER)?;
        let mut algorithm = Values(key.expect(SEQUENCE)?.content);
        Some(algorithm.expect(OBJECT_IDENTIFIER)?.content)
    };
    algorithm() == Some(RSA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::KeyPair;

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

    #[test]
    fn an_rsa_key_is_told_by_its_algorithm() {
        let algorithm = [&[0x30, 0x0b, 0x06, 0x09], RSA].concat();
        let key = [&[0x30, 0x10, 0x02, 0x01, 0x00], &algorithm[..]].concat();
        assert!(is_rsa(&key));
        for end in 0..key.len() {
            assert!(!is_rsa(&key[..end]), "{end}");
        }
        assert!(!is_rsa(&KeyPair::generate().expect("a key").serialize_der()), "it is an EC key");
    }

    proptest! {
        #[test]
        fn bytes_of_no_key_do_no_harm(bytes: Vec<u8>) {
            is_rsa(&bytes);
        }
    }
}
