//! Finding secrets in texts: as they are, percent-encoded, in base64, and parts of all that.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// A part of so many bytes is a find.
const PART: usize = 8;
const FILTER_BITS: u32 = 24;

pub struct Search {
    /// Parts, and the secret that each is of; `None` for what several secrets have in common, as
    /// the beginning of all tokens.
    parts: HashMap<u64, Option<usize>>,
    /// Whether there may be such a part: one bit for many.
    filter: Vec<u64>,
    secrets: usize,
}

impl Search {
    /// Search for every part of eight bytes of few secrets (`step` 1), or of many for those that begin
    /// at every so many bytes, which finds everything that is longer by `step`.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>, step: usize) -> Self {
        let mut search =
            Self { parts: HashMap::new(), filter: vec![0; 1 << (FILTER_BITS - 6)], secrets: 0 };
        for secret in secrets {
            search.secrets += 1;
            for form in forms(secret) {
                for part in form.as_bytes().windows(PART).step_by(step) {
                    search.add(key(part));
                }
            }
        }
        search
    }

    fn add(&mut self, part: u64) {
        let number = self.secrets;
        let known = self.parts.entry(part).or_insert(Some(number));
        if *known != Some(number) {
            *known = None;
        }
        let (word, bit) = place(part);
        self.filter[word] |= bit;
    }

    /// How many secrets are searched for.
    pub fn secrets(&self) -> usize {
        self.secrets
    }

    /// The first line with a secret in it.
    pub fn find<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        text.split(|byte| *byte == b'\n').find(|line| {
            line.windows(PART).any(|part| {
                let part = key(part);
                let (word, bit) = place(part);
                self.filter[word] & bit != 0 && self.parts.get(&part).is_some_and(Option::is_some)
            })
        })
    }
}

fn key(part: &[u8]) -> u64 {
    u64::from_le_bytes(part.try_into().unwrap())
}

fn place(part: u64) -> (usize, u64) {
    let hash = part.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// A secret in the forms that it may travel in. Base64 depends on what stands before, in three ways;
/// the ends depend on the neighbours and are left out.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), percent_encoded(secret)];
    for before in 0..3 {
        let text = STANDARD_NO_PAD.encode(format!("{}{secret}", "\0".repeat(before)));
        forms.push(text[before.min(1) * 4..text.len() - 1].to_owned());
    }
    forms
}

fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[test]
fn secrets_are_found_in_every_form_and_in_parts() {
    let (first, second) = ("common-start/Qm7+xT4vZ9", "common-start/Lk2=wR8pN3");
    for step in [1, 8] {
        let search = Search::new([first, second], step);
        let finds = |text: &str| search.find(text.as_bytes()).is_some();
        assert!(finds(first) && finds(second));
        assert!(finds(&format!("a line\nkey={} more", percent_encoded(second))));
        for before in ["", "a", "ab", "abc"] {
            let inside = format!("{before}{first}, and more");
            assert!(finds(&STANDARD_NO_PAD.encode(inside)), "after {before:?}");
        }
        assert!(!finds("common-start/ is in both, so it is no secret"));
        assert!(!finds("nothing\n\nhere"));
    }
    let search = Search::new([first], 1);
    assert_eq!(search.find(b"before\nonly +xT4vZ9 and more\nafter"), None);
    assert_eq!(search.find(b"before\nonly 7+xT4vZ9 and more\nafter").map(<[u8]>::len), Some(22));
}
