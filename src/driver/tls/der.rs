//! As much of DER as it takes to find the keys in certificates. What is malformed has none.

/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// The first explicit tag of a context, for one that of a certificate's version.
pub(super) const EXPLICIT: u8 = 0xa0;

/// Values one behind the other.
pub(super) struct Values<'a>(pub(super) &'a [u8]);

pub(super) struct Value<'a> {
    tag: u8,
    pub(super) content: &'a [u8],
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
    pub(super) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.next().filter(|value| value.tag == tag)
    }
}

/// The SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1), as it is hashed for a pin.
pub(super) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let certificate = Values(certificate).expect(SEQUENCE)?.content;
    let mut fields = Values(Values(certificate).expect(SEQUENCE)?.content);
    let first = fields.next()?;
    let serial = if first.tag == EXPLICIT { fields.next()? } else { first };
    if serial.tag != INTEGER {
        return None;
    }
    for _signature_issuer_validity_subject in 0..4 {
        fields.expect(SEQUENCE)?;
    }
    Some(fields.expect(SEQUENCE)?.whole)
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
    }

    #[test]
    fn a_certificate_without_a_version_has_its_key_one_field_earlier() {
        let (head, fields) = ([0x30, 0x10, 0x30, 0x0e], [0x30, 0x00].repeat(4));
        let v1 = [&head[..], &[0x02, 0x01, 0x01], &fields, &[0x30, 0x01, 0x05]].concat();
        assert_eq!(public_key_info(&v1), Some(&[0x30, 0x01, 0x05][..]));
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
