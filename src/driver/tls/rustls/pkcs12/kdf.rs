//! Keys from passwords.

use std::num::NonZeroU32;

use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::Problem;
use super::fields::{Fields, OCTET_STRING};
use crate::driver::tls::der::{INTEGER, OBJECT_IDENTIFIER, SEQUENCE};

/// 1.3.14.3.2.26, `sha1`.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.2: which SHA-2 is the number behind it.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// 1.2.840.113549.1.5.12, `PBKDF2`.
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.2.840.113549.2: HMAC with which digest is the number behind it.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];

/// What bytes from a password are for (RFC 7292, appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The HMAC with the digest of this name.
pub(super) fn digest(name: &[u8]) -> Result<hmac::Algorithm, Problem> {
    if name == SHA1 {
        return Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY);
    }
    match name.strip_prefix(SHA2) {
        Some([1]) => Ok(hmac::HMAC_SHA256),
        Some([2]) => Ok(hmac::HMAC_SHA384),
        Some([3]) => Ok(hmac::HMAC_SHA512),
        _ => Err(Problem::Algorithm),
    }
}

/// Derive a key of `size` bytes as the parameters say (RFC 8018, appendix A.2).
pub(super) fn pbkdf2(
    mut function: Fields<'_>,
    password: &str,
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    if function.take(OBJECT_IDENTIFIER)? != PBKDF2 {
        return Err(Problem::Algorithm);
    }
    let mut parameters = function.enter(SEQUENCE)?;
    let salt = parameters.take(OCTET_STRING)?;
    let rounds = NonZeroU32::new(parameters.number()?).ok_or(Problem::Malformed)?;
    if parameters.next_is(INTEGER) {
        // The size of the key, which follows from the cipher.
        parameters.number()?;
    }
    let algorithm = if parameters.more() {
        let name = parameters.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)?;
        match name.strip_prefix(HMAC) {
            Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
            Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
            Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
            Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(Problem::Algorithm),
        }
    } else {
        pbkdf2::PBKDF2_HMAC_SHA1
    };
    let mut key = Zeroizing::new(vec![0; size]);
    pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut key);
    Ok(key)
}

/// Derive `size` bytes as PKCS#12 does it (RFC 7292, appendix B.2).
pub(super) fn pkcs12(
    algorithm: hmac::Algorithm,
    purpose: Purpose,
    password: &str,
    salt: &[u8],
    rounds: u32,
    size: usize,
) -> Zeroizing<Vec<u8>> {
    let digest = algorithm.digest_algorithm();
    let block = digest.block_len();
    // UTF-16 with a NUL at its end.
    let password = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes);
    let password: Zeroizing<Vec<u8>> = Zeroizing::new(password.collect());
    let mut input = Zeroizing::new(Vec::new());
    for part in [salt, &password] {
        input.extend(part.iter().cycle().take(part.len().next_multiple_of(block)));
    }
    let mut derived = Zeroizing::new(Vec::new());
    while derived.len() < size {
        let mut first = digest::Context::new(digest);
        first.update(&vec![purpose as u8; block]);
        first.update(&input);
        let mut hash = first.finish();
        for _ in 1..rounds {
            hash = digest::digest(digest, hash.as_ref());
        }
        derived.extend_from_slice(hash.as_ref());
        for number in input.chunks_mut(block) {
            add_and_one(number, hash.as_ref());
        }
    }
    derived.truncate(size);
    derived
}

/// Add `summand`, repeated to the same length, and one. Both are big-endian; what is over is lost.
fn add_and_one(number: &mut [u8], summand: &[u8]) {
    let mut carry = 1;
    for at in (0..number.len()).rev() {
        carry += u16::from(number[at]) + u16::from(summand[at % summand.len()]);
        number[at] = carry as u8;
        carry >>= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_is_carried_and_then_lost() {
        let mut number = [0x00, 0xff, 0xff, 0xff];
        add_and_one(&mut number, &[0x00, 0x01]);
        assert_eq!(number, [0x01, 0x01, 0x00, 0x01]);
        let mut number = [0xff, 0xff];
        add_and_one(&mut number, &[0]);
        assert_eq!(number, [0, 0]);
    }
}
