//! What archives are encrypted with.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipher, BlockDecryptMut, KeyInit, KeyIvInit};
use des::TdesEde3;
use rc2::Rc2;
use ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
use zeroize::Zeroizing;

use super::Problem;
use super::fields::{Fields, OCTET_STRING};
use super::kdf::{self, Purpose};
use crate::driver::tls::der::{OBJECT_IDENTIFIER, SEQUENCE};

/// 1.2.840.113549.1.5.13, `PBES2` (RFC 8018).
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
/// 1.2.840.113549.1.12.1: the ciphers of RFC 7292 itself are numbered behind it.
const PKCS12: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// 2.16.840.1.101.3.4.1: so are the modes of AES.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// Decrypt with a password what was encrypted with this algorithm.
pub(super) fn decrypt(
    mut algorithm: Fields<'_>,
    sealed: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let name = algorithm.take(OBJECT_IDENTIFIER)?;
    let parameters = algorithm.enter(SEQUENCE)?;
    if name == PBES2 {
        return pbes2(parameters, sealed, password);
    }
    match name.strip_prefix(PKCS12) {
        Some([3]) => legacy::<TdesEde3>(parameters, 24, sealed, password),
        Some([5]) => legacy::<Rc2>(parameters, 16, sealed, password),
        Some([6]) => legacy::<Rc2>(parameters, 5, sealed, password),
        _ => Err(Problem::Algorithm),
    }
}

/// Key derivation and cipher have parameters of their own.
fn pbes2(
    mut parameters: Fields<'_>,
    sealed: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let function = parameters.enter(SEQUENCE)?;
    let mut scheme = parameters.enter(SEQUENCE)?;
    let name = scheme.take(OBJECT_IDENTIFIER)?.strip_prefix(AES);
    let iv = scheme.take(OCTET_STRING)?;
    let key = |size| kdf::pbkdf2(function, password, size);
    match name {
        Some([2]) => cbc::<Aes128>(&key(16)?, iv, sealed),
        Some([22]) => cbc::<Aes192>(&key(24)?, iv, sealed),
        Some([42]) => cbc::<Aes256>(&key(32)?, iv, sealed),
        _ => Err(Problem::Algorithm),
    }
}

/// Key and initialisation vector both come of the password.
fn legacy<C: BlockCipher + BlockDecryptMut + KeyInit>(
    mut parameters: Fields<'_>,
    key_size: usize,
    sealed: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let salt = parameters.take(OCTET_STRING)?;
    let rounds = parameters.number()?;
    let derive = |purpose, size| {
        kdf::pkcs12(HMAC_SHA1_FOR_LEGACY_USE_ONLY, purpose, password, salt, rounds, size)
    };
    let (key, iv) = (derive(Purpose::Key, key_size), derive(Purpose::Iv, C::block_size()));
    cbc::<C>(&key, &iv, sealed)
}

fn cbc<C: BlockCipher + BlockDecryptMut + KeyInit>(
    key: &[u8],
    iv: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let cipher = Decryptor::<C>::new_from_slices(key, iv).map_err(|_| Problem::Malformed)?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let padded = cipher.decrypt_padded_mut::<Pkcs7>(&mut text);
    let length = padded.map_err(|_| Problem::Password)?.len();
    text.truncate(length);
    Ok(text)
}
