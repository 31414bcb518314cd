//! A client's certificate and key as clean PEM, which the platforms' libraries want.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The chain, and the key; both are DER.
pub(super) fn identity(chain: &[Vec<u8>], key: &[u8]) -> (String, Zeroizing<String>) {
    let mut certificates = String::new();
    for der in chain {
        encode("CERTIFICATE", der, &mut certificates);
    }
    // Room for all of it, so that the key leaves no copies behind while its text grows.
    let mut text = Zeroizing::new(String::with_capacity(key.len() * 2 + 128));
    encode("PRIVATE KEY", key, &mut text);
    (certificates, text)
}

/// Append one block with lines of 64 characters, which is what every library reads.
fn encode(label: &str, der: &[u8], text: &mut String) {
    *text += &format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        STANDARD.encode_string(line, text);
        text.push('\n');
    }
    *text += &format!("-----END {label}-----\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TlsConfig;

    #[test]
    fn what_is_written_is_as_every_library_reads_it() {
        let (certificates, key) = identity(&[vec![1, 2, 3, 4]], b"secret");
        assert_eq!(
            certificates,
            "-----BEGIN CERTIFICATE-----\nAQIDBA==\n-----END CERTIFICATE-----\n"
        );
        assert_eq!(*key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
        let long: Vec<u8> = (0..=255).collect();
        let (text, key) = identity(std::slice::from_ref(&long), &long.repeat(16));
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        assert!(key.len() <= long.len() * 16 * 2 + 128, "it has not grown");
        let mut tls = TlsConfig::default();
        tls.add_roots_pem(&text).expect("what was written can be read");
        assert_eq!(tls.extra_roots, [long]);
    }
}
