//! As much of DER as it takes to find the keys in certificates. What is malformed has none.

/// SEQUENCE.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The explicit tag of a certificate's version.
const VERSION: u8 = 0xa0;

/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Values one behind the other.
struct Values<'a>(&'a [u8]);

struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
}

impl<'a> Values<'a> {
    /// The next value, unless it is malformed or longer than what is left.
    fn next(&mut self) -> Option<Value<'a>> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = length.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
                (usize::try_from(length).ok()?, rest)
            }
            // Of unknown length, which DER has not, or longer than any certificate.
            _ => return None,
        };
        let (content, behind) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - behind.len()];
        self.0 = behind;
        Some(Value { tag: *tag, content, whole })
    }

    /// The next value, which has this tag.
    fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.next().filter(|value| value.tag == tag)
    }
}

/// The SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1), as it is hashed for a pin.
pub(super) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let certificate = Values(certificate).expect(SEQUENCE)?.content;
    let mut fields = Values(Values(certificate).expect(SEQUENCE)?.content);
    let first = fields.next()?;
    let serial = if first.tag == VERSION { fields.next()? } else { first };
    if serial.tag != INTEGER {
        return None;
    }
    for _signature_issuer_validity_subject in 0..4 {
        fields.expect(SEQUENCE)?;
    }
    Some(fields.expect(SEQUENCE)?.whole)
}

/// Whether a PKCS#8 key (RFC 5208, section 5) is one of RSA.
pub(super) fn is_rsa(key: &[u8]) -> bool {
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
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;

    fn certificate() -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["portal.test".to_owned()]).expect("a good name");
        (params.self_signed(&key).expect("signs").der().to_vec(), key)
    }

    #[test]
    fn the_public_key_of_a_certificate_is_found() {
        let (certificate, key) = certificate();
        assert_eq!(public_key_info(&certificate), Some(&*key.subject_public_key_info()));
        assert!(!is_rsa(&key.serialize_der()), "it is an EC key");
    }

    #[test]
    fn a_certificate_without_a_version_has_its_key_one_field_earlier() {
        let (head, fields) = ([0x30, 0x10, 0x30, 0x0e], [0x30, 0x00].repeat(4));
        let v1 = [&head[..], &[0x02, 0x01, 0x01], &fields, &[0x30, 0x01, 0x05]].concat();
        assert_eq!(public_key_info(&v1), Some(&[0x30, 0x01, 0x05][..]));
    }

    #[test]
    fn an_rsa_key_is_told_by_its_algorithm() {
        let algorithm = [&[0x30, 0x0b, 0x06, 0x09], RSA].concat();
        let key = [&[0x30, 0x10, 0x02, 0x01, 0x00], &algorithm[..]].concat();
        assert!(is_rsa(&key));
        for end in 0..key.len() {
            assert!(!is_rsa(&key[..end]), "{end}");
        }
    }

    #[test]
    fn a_piece_of_a_certificate_has_no_key() {
        let (certificate, _) = certificate();
        for end in 0..certificate.len() {
            assert_eq!(public_key_info(&certificate[..end]), None, "{end}");
        }
        for length in
            [&[0x80][..], &[0x85, 0, 0, 0, 0, 1], &[0xff], &[0x84, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(public_key_info(&[&[SEQUENCE], length, &certificate].concat()), None);
        }
    }

    proptest! {
        #[test]
        fn bytes_of_no_certificate_do_no_harm(bytes: Vec<u8>) {
            let found = public_key_info(&bytes);
            prop_assert!(found.is_none_or(|found| found.len() <= bytes.len()));
            is_rsa(&bytes);
        }

        #[test]
        fn a_spoilt_certificate_does_no_harm(at: prop::sample::Index, byte: u8) {
            let (mut certificate, _) = certificate();
            let at = at.index(certificate.len());
            certificate[at] = byte;
            let found = public_key_info(&certificate);
            prop_assert!(found.is_none_or(|found| found.len() < certificate.len()));
        }
    }
}
