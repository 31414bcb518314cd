//! JSON strings: find what is special in them, write them, decode them.

use std::borrow::Cow;

use bytes::BytesMut;

/// The first quote, backslash or control character at or behind `from`, or the end of the text.
///
/// Inlined because most strings end within their first word.
#[inline(always)]
pub(super) fn find_special(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = text[at..].first_chunk() {
        let hits = special_bytes(u64::from_le_bytes(*word));
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | ..b' ')) {
        at += 1;
    }
    at
}

const ONES: u64 = u64::from_le_bytes([1; 8]);

/// The highest bit of every byte that is a quote, a backslash or below the space.
///
/// Flipping the second bit puts the quote (0x22) in the place of the space (0x20), so that one
/// comparison finds it together with the control characters. The subtractions borrow from the next
/// byte only where they have a hit, so the lowest hit, the only one that is used, is exact.
const fn special_bytes(word: u64) -> u64 {
    let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & (ONES << 7)
}

/// Write a text as a JSON string: with quotes, and escapes where they are needed.
pub fn write_string(out: &mut BytesMut, text: &str) {
    let text = text.as_bytes();
    out.extend_from_slice(b"\"");
    let mut start = 0;
    loop {
        let special = find_special(text, start);
        out.extend_from_slice(&text[start..special]);
        let Some(&byte) = text.get(special) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        start = special + 1;
    }
    out.extend_from_slice(b"\"");
}

/// The text that a checked JSON value is; `None` when it is another kind of value, or when it is no
/// Unicode text (see [`decode_string`]).
pub fn decode_value(value: &[u8]) -> Option<Cow<'_, str>> {
    decode_string(value.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// Decode what stands between the quotes of a checked JSON string; borrowed when it has no escapes.
///
/// `None` when it is no Unicode text: it escapes a surrogate that has no partner.
pub fn decode_string(raw: &[u8]) -> Option<Cow<'_, str>> {
    decode(raw, None)
}

/// As [`decode_string`], with U+FFFD for what is no Unicode text.
pub(crate) fn decode_string_lossy(raw: &[u8]) -> Cow<'_, str> {
    decode(raw, Some(char::REPLACEMENT_CHARACTER)).unwrap_or_default()
}

/// `lone` stands for a surrogate that has no partner.
fn decode(raw: &[u8], lone: Option<char>) -> Option<Cow<'_, str>> {
    let raw = std::str::from_utf8(raw).ok()?;
    let Some(first) = raw.find('\\') else { return Some(Cow::Borrowed(raw)) };
    let mut out = String::with_capacity(raw.len());
    out.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(escape) = rest.strip_prefix('\\') {
        // A lone surrogate is the only escape of checked JSON that has no meaning.
        let decoded = decode_escape(escape).or_else(|| Some((lone?, escape.get(5..)?)));
        let (decoded, behind) = decoded?;
        out.push(decoded);
        let plain = behind.find('\\').unwrap_or(behind.len());
        out.push_str(&behind[..plain]);
        rest = &behind[plain..];
    }
    Some(Cow::Owned(out))
}

/// The character of an escape whose backslash was taken, and the text behind it.
fn decode_escape(escape: &str) -> Option<(char, &str)> {
    let (&kind, _) = escape.as_bytes().split_first()?;
    let decoded = match kind {
        b'"' | b'\\' | b'/' => kind.into(),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return decode_unicode(&escape[1..]),
        _ => return None,
    };
    Some((decoded, &escape[1..]))
}

fn decode_unicode(digits: &str) -> Option<(char, &str)> {
    let (unit, rest) = code_unit(digits)?;
    if let Some(plain) = char::from_u32(unit) {
        return Some((plain, rest));
    }
    let (low, rest) = code_unit(rest.strip_prefix("\\u")?)?;
    let pair = [u16::try_from(unit).ok()?, u16::try_from(low).ok()?];
    Some((char::decode_utf16(pair).next()?.ok()?, rest))
}

fn code_unit(digits: &str) -> Option<(u32, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_at_every_place() {
        for length in 0..40 {
            for place in 0..length {
                for special in [b'"', b'\\', 0, 0x1f] {
                    let mut text = vec![b'a'; length];
                    text[length - 1] = b'"';
                    text[place] = special;
                    for from in 0..=place {
                        assert_eq!(find_special(&text, from), place, "{text:?} from {from}");
                    }
                }
            }
            assert_eq!(find_special(&vec![b' '; length], 0), length);
        }
    }

    #[test]
    fn no_other_byte_is_special() {
        for byte in (b' '..=0xff).filter(|byte| !matches!(byte, b'"' | b'\\')) {
            let text = [byte; 17];
            assert_eq!(find_special(&text, 0), 17, "{byte:#x}");
        }
    }

    #[test]
    fn what_is_written_is_decoded_again() {
        for text in ["", "plain", "\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}", "é€😀\u{2028}", "\\u0041"]
        {
            let mut out = BytesMut::new();
            write_string(&mut out, text);
            assert_eq!(decode_string(&out[1..out.len() - 1]).as_deref(), Some(text));
            assert_eq!(serde_json::from_slice::<String>(&out).ok().as_deref(), Some(text));
        }
    }

    #[test]
    fn escapes_are_decoded_and_lone_surrogates_are_no_text() {
        let decode = |raw: &'static str| decode_string(raw.as_bytes());
        assert!(matches!(decode("plain"), Some(Cow::Borrowed("plain"))));
        assert_eq!(decode(r#"a\u0041\ud83d\ude00\/\"z"#).as_deref(), Some("aA😀/\"z"));
        let lossy = |raw: &'static str| decode_string_lossy(raw.as_bytes());
        assert_eq!(lossy(r"a\ud800\u0041\udc00\ud83d\ude00\ud83d"), "a\u{fffd}A\u{fffd}😀\u{fffd}");
        assert!(matches!(lossy("plain"), Cow::Borrowed("plain")));
        for raw in [r"\ud800", r"\ud800x", r"\ud800\n", r"\ud800\u0041", r"\udc00\ud800"] {
            assert_eq!(decode(raw), None, "{raw}");
        }
    }

    #[test]
    fn unchecked_text_is_no_danger() {
        for raw in [&b"\\"[..], b"\\u", b"\\u12", b"\\x", b"\xff", b"\\u+123", "\\u12é".as_bytes()]
        {
            let _ = decode_string(raw);
        }
        assert_eq!(decode_string(b"\\"), None);
        assert_eq!(decode_string(b"\xff"), None);
    }
}
