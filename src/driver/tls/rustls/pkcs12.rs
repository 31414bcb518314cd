//! Opening PKCS#12 archives (RFC 7292), which rustls leaves to others.

mod cipher;
mod fields;
mod kdf;

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use self::fields::{Fields, OCTET_STRING};
use crate::driver::tls::der::{EXPLICIT, INTEGER, OBJECT_IDENTIFIER, SEQUENCE};

/// 1.2.840.113549.1.7.1, `data`, and .6, `encryptedData`.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];

/// 1.2.840.113549.1.12.10.1: what a bag holds is the number behind it.
const BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const KEY: u8 = 1;
const SHROUDED_KEY: u8 = 2;
const CERTIFICATE: u8 = 3;

/// The encrypted content of [`ENCRYPTED`] has an implicit tag.
const SEALED: u8 = 0x80;

/// Why an archive is not opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Problem {
    Malformed,
    Password,
    Algorithm,
    NoKey,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no PKCS#12 archive, or a damaged one",
            Self::Password => "the archive has another password, or is damaged",
            Self::Algorithm => "the PKCS#12 archive uses an algorithm that is not known here",
            Self::NoKey => "the PKCS#12 archive has not one key",
        })
    }
}

/// What an archive holds.
pub(super) struct Opened {
    /// PKCS#8.
    pub(super) key: Zeroizing<Vec<u8>>,
    /// All certificates, DER, in the archive's order.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Open an archive, which has one key.
///
/// # Errors
/// Why it is not opened. What its password does not vouch for is not looked at.
pub(super) fn open(archive: &[u8], password: &str) -> Result<Opened, Problem> {
    let mut archive = Fields::new(archive).enter(SEQUENCE)?;
    archive.take(INTEGER)?;
    let mut content = archive.enter(SEQUENCE)?;
    if content.take(OBJECT_IDENTIFIER)? != DATA {
        // Sealed for a key of the recipient instead of a password.
        return Err(Problem::Algorithm);
    }
    let safe = content.enter(EXPLICIT)?.take(OCTET_STRING)?;
    verify(archive.enter(SEQUENCE)?, safe, password)?;
    let mut contents = Fields::new(safe).enter(SEQUENCE)?;
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    while contents.more() {
        let bags = unseal(contents.enter(SEQUENCE)?, password)?;
        let mut bags = Fields::new(&bags).enter(SEQUENCE)?;
        while bags.more() {
            unpack(bags.enter(SEQUENCE)?, password, &mut keys, &mut certificates)?;
        }
    }
    let (Some(key), true) = (keys.pop(), keys.is_empty()) else { return Err(Problem::NoKey) };
    Ok(Opened { key, certificates })
}

/// Whether the archive is as it was made by someone who knows the password (section 4, `MacData`).
fn verify(mut mac: Fields<'_>, safe: &[u8], password: &str) -> Result<(), Problem> {
    let mut digest = mac.enter(SEQUENCE)?;
    let algorithm = kdf::digest(digest.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)?)?;
    let expected = digest.take(OCTET_STRING)?;
    let salt = mac.take(OCTET_STRING)?;
    let rounds = if mac.more() { mac.number()? } else { 1 };
    let size = algorithm.digest_algorithm().output_len();
    let key = kdf::pkcs12(algorithm, kdf::Purpose::Mac, password, salt, rounds, size);
    hmac::verify(&hmac::Key::new(algorithm, &key), safe, expected).map_err(|_| Problem::Password)
}

/// The bags of one content, which may be encrypted.
fn unseal(mut content: Fields<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let kind = content.take(OBJECT_IDENTIFIER)?;
    let mut content = content.enter(EXPLICIT)?;
    if kind == DATA {
        return Ok(content.take(OCTET_STRING)?.to_vec().into());
    }
    if kind != ENCRYPTED {
        return Err(Problem::Algorithm);
    }
    let mut sealed = content.enter(SEQUENCE)?;
    sealed.take(INTEGER)?;
    let mut sealed = sealed.enter(SEQUENCE)?;
    sealed.take(OBJECT_IDENTIFIER)?;
    let algorithm = sealed.enter(SEQUENCE)?;
    cipher::decrypt(algorithm, sealed.take(SEALED)?, password)
}

/// Take the key or the certificate out of a bag; others are passed over.
fn unpack(
    mut bag: Fields<'_>,
    password: &str,
    keys: &mut Vec<Zeroizing<Vec<u8>>>,
    certificates: &mut Vec<Vec<u8>>,
) -> Result<(), Problem> {
    let kind = bag.take(OBJECT_IDENTIFIER)?.strip_prefix(BAG);
    let value = bag.take(EXPLICIT)?;
    match kind {
        Some([KEY]) => keys.push(value.to_vec().into()),
        Some([SHROUDED_KEY]) => {
            let mut shrouded = Fields::new(value).enter(SEQUENCE)?;
            let algorithm = shrouded.enter(SEQUENCE)?;
            keys.push(cipher::decrypt(algorithm, shrouded.take(OCTET_STRING)?, password)?);
        }
        Some([CERTIFICATE]) => {
            let mut certificate = Fields::new(value).enter(SEQUENCE)?;
            certificate.take(OBJECT_IDENTIFIER)?;
            certificates.push(certificate.enter(EXPLICIT)?.take(OCTET_STRING)?.to_vec());
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

    use super::*;

    /// Made by `openssl pkcs12 -export` with an EC key, its certificate and that of an authority,
    /// and the password `pass wörd`: as it is (AES), with `-legacy` (RC2 and triple DES), and with
    /// `-keypbe NONE -certpbe NONE -macalg sha512`.
    const ARCHIVES: [&[u8]; 3] = [
        include_bytes!("pkcs12/aes.p12"),
        include_bytes!("pkcs12/legacy.p12"),
        include_bytes!("pkcs12/plain.p12"),
    ];
    const PASSWORD: &str = "pass wörd";

    #[test]
    fn archives_of_every_age_hold_the_same() {
        let [aes, others @ ..] = ARCHIVES.map(|it| open(it, PASSWORD).expect("it opens"));
        assert_eq!(aes.certificates.len(), 2);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(aes.key.as_slice()));
        any_supported_type(&key).expect("a key");
        for other in others {
            assert_eq!((&other.key, &other.certificates), (&aes.key, &aes.certificates));
        }
    }

    #[test]
    fn another_password_opens_nothing() {
        for archive in ARCHIVES {
            for password in ["", "pass word", "pass wörd "] {
                assert_eq!(open(archive, password).err(), Some(Problem::Password));
            }
        }
    }

    #[test]
    fn a_piece_of_an_archive_is_none() {
        for archive in ARCHIVES {
            for end in 0..archive.len() {
                assert!(open(&archive[..end], PASSWORD).is_err(), "{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_spoilt_archive_does_no_harm(
            which in 0..ARCHIVES.len(), at: prop::sample::Index, byte: u8,
        ) {
            let mut archive = ARCHIVES[which].to_vec();
            let at = at.index(archive.len());
            archive[at] = byte;
            if let Ok(opened) = open(&archive, PASSWORD) {
                prop_assert_eq!(&opened.key, &open(ARCHIVES[which], PASSWORD).expect("it opens").key);
            }
        }
    }
}
