//! JSON as text: check it once, find its parts, build nothing.
//!
//! The scanner knows the grammar of RFC 8259 and nothing else: `1e999` and a lone `\ud800` pass as
//! text, and whoever decodes them into a type refuses them there. It is one loop with one bit per
//! open array or object, so nesting costs no stack. Input is known to be UTF-8.

mod placeholder;
mod scanner;
mod string;

use std::fmt;

use crate::payload::Span;
use scanner::Scanner;

pub use placeholder::{PlaceholderError, Placeholders, check_placeholders};
pub(crate) use placeholder::{PlaceholderKey, renumber_placeholders};
pub(crate) use scanner::Watch;
pub(crate) use string::decode_string_lossy;
pub use string::{decode_string, decode_value, write_string};

/// The deepest nesting that can be asked for: arrays and objects that are open at the same time.
pub const MAX_DEPTH: usize = 128;

/// Where and why a text is not the JSON that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    kind: JsonErrorKind,
    offset: usize,
}

/// What is wrong at the offset of a [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// A byte that the grammar does not allow here, or a value of another kind than expected.
    Unexpected,
    /// One array or object more is opened than the limit allows.
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The text ends inside a value, or where one is expected.
    Truncated,
}

impl JsonError {
    /// What is wrong.
    pub const fn kind(self) -> JsonErrorKind {
        self.kind
    }

    /// The byte it was found at, counted from the start of the text or frame that was given.
    pub const fn offset(self) -> usize {
        self.offset
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            JsonErrorKind::Unexpected => write!(f, "unexpected byte at {}", self.offset),
            JsonErrorKind::TooDeep { limit } => {
                write!(f, "nested deeper than {limit} at {}", self.offset)
            }
            JsonErrorKind::Truncated => write!(f, "ends too early at {}", self.offset),
        }
    }
}

impl std::error::Error for JsonError {}

/// Check that `text` is one value, with or without white space around it.
///
/// `max_depth` counts open arrays and objects together; more than [`MAX_DEPTH`] means that.
///
/// # Errors
/// The first byte that is wrong.
pub fn check_value(text: &[u8], max_depth: usize) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text, 0, max_depth);
    scanner.skip_space();
    scanner.value(0, &mut ())?;
    scanner.skip_space();
    scanner.end()
}

/// Check that `text` is one array from its first byte to its last. See [`check_value`].
///
/// # Errors
/// The first byte that is wrong.
pub fn check_array(text: &[u8], max_depth: usize) -> Result<(), JsonError> {
    check_container(text, max_depth, b'[')
}

/// Check that `text` is one object from its first byte to its last. See [`check_value`].
///
/// # Errors
/// The first byte that is wrong.
pub fn check_object(text: &[u8], max_depth: usize) -> Result<(), JsonError> {
    check_container(text, max_depth, b'{')
}

/// Follow the scanner through one value that fills `text`.
///
/// # Errors
/// The first byte that is wrong; what came before it has been told.
pub(crate) fn walk<W: Watch>(text: &[u8], watch: &mut W) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text, 0, MAX_DEPTH);
    scanner.value(0, watch)?;
    scanner.end()
}

fn check_container(text: &[u8], max_depth: usize, opening: u8) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text, 0, max_depth);
    if scanner.peek() != Some(opening) {
        return Err(scanner.wrong());
    }
    scanner.value(0, &mut ())?;
    scanner.end()
}

/// Visit the elements of the array that fills the range `array` of a frame.
///
/// The array is checked on the way; `max_depth` counts it as the first level.
///
/// # Errors
/// The first byte that is wrong; what came before it has been visited.
pub fn visit_array(
    frame: &[u8],
    array: Span,
    max_depth: usize,
    mut visit: impl FnMut(Span),
) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(&frame[..array.end as usize], array.start as usize, max_depth);
    let mut more = scanner.open(b'[', b']')?;
    while more {
        let start = scanner.at;
        scanner.value(1, &mut ())?;
        visit(Span::new(start, scanner.at));
        more = scanner.next_or(b']')?;
    }
    scanner.end()
}

/// Visit the members of the object that fills the range `object` of a frame: key and value.
///
/// The key is the text between the quotes as it stands there, see [`decode_string`]. Equal keys are
/// visited one by one. The object is checked on the way; `max_depth` counts it as the first level.
///
/// # Errors
/// The first byte that is wrong; what came before it has been visited.
pub fn visit_object(
    frame: &[u8],
    object: Span,
    max_depth: usize,
    mut visit: impl FnMut(Span, Span),
) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(&frame[..object.end as usize], object.start as usize, max_depth);
    let mut more = scanner.open(b'{', b'}')?;
    while more {
        let key = scanner.key()?;
        let start = scanner.at;
        scanner.value(1, &mut ())?;
        visit(Span::new(key.start, key.end), Span::new(start, scanner.at));
        more = scanner.next_or(b'}')?;
    }
    scanner.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        check_value(text.as_bytes(), MAX_DEPTH)
            .map_or_else(|error| error.to_string(), |()| "ok".into())
    }

    #[test]
    fn every_kind_of_value_is_known() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "10.25",
            "-1e5",
            "1E+05",
            "0.0e-0",
            "1e999",
            "\"\"",
            "\"\\ud800 \\\" \\/ é😀\u{7f}\"",
            "[]",
            "{}",
            " [ ] ",
            "[[],{},[1,2,\"\"]]",
            "\t{ \"a\" : 1 ,\r\n\"a\":{\"\":[ null , true ]} } \n",
        ] {
            assert_eq!(error(text), "ok", "{text}");
        }
    }

    #[test]
    fn the_first_wrong_byte_is_named() {
        for (text, message) in [
            ("", "ends too early at 0"),
            ("  ", "ends too early at 2"),
            ("[1", "ends too early at 2"),
            ("\"ab", "ends too early at 3"),
            ("\"\\", "ends too early at 2"),
            ("-", "ends too early at 1"),
            ("1.", "ends too early at 2"),
            ("1e+", "ends too early at 3"),
            ("nul", "ends too early at 3"),
            ("{\"a\"", "ends too early at 4"),
            ("01", "unexpected byte at 1"),
            ("+1", "unexpected byte at 0"),
            (".5", "unexpected byte at 0"),
            ("1.e5", "unexpected byte at 2"),
            ("--1", "unexpected byte at 1"),
            ("1 2", "unexpected byte at 2"),
            ("trux", "unexpected byte at 3"),
            ("NaN", "unexpected byte at 0"),
            ("'a'", "unexpected byte at 0"),
            ("[1,]", "unexpected byte at 3"),
            ("[,1]", "unexpected byte at 1"),
            ("[1 2]", "unexpected byte at 3"),
            ("[}", "unexpected byte at 1"),
            ("{]", "unexpected byte at 1"),
            ("[1}", "unexpected byte at 2"),
            ("{\"a\":1,}", "unexpected byte at 7"),
            ("{1:2}", "unexpected byte at 1"),
            ("{\"a\",1}", "unexpected byte at 4"),
            ("{\"a\":1]", "unexpected byte at 6"),
            ("{\"a\":}", "unexpected byte at 5"),
            ("\"\t\"", "unexpected byte at 1"),
            ("\"aaaaaaaaaaaa\0\"", "unexpected byte at 13"),
            ("\"\\x\"", "unexpected byte at 2"),
            ("\"\\u12g4\"", "unexpected byte at 5"),
            ("\"\\u123\"", "unexpected byte at 6"),
            ("[] []", "unexpected byte at 3"),
            ("\u{feff}1", "unexpected byte at 0"),
            ("/**/1", "unexpected byte at 0"),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
    }

    fn visit(text: &str, max_depth: usize) -> Result<(), JsonError> {
        visit_array(text.as_bytes(), Span::new(0, text.len()), max_depth, |_| {})
    }

    #[test]
    fn the_limit_counts_arrays_and_objects_together() {
        let nested = |levels: usize| {
            let open = "[{\"a\":".repeat(levels / 2) + if levels % 2 == 1 { "[" } else { "1" };
            let close =
                if levels % 2 == 1 { "]" } else { "" }.to_owned() + &"}]".repeat(levels / 2);
            open + &close
        };
        for max_depth in [1, 2, 3, 64, 127, 128] {
            let deepest = nested(max_depth);
            check_value(deepest.as_bytes(), max_depth).expect(&deepest);
            check_array(deepest.as_bytes(), max_depth).expect(&deepest);
            visit(&deepest, max_depth).expect(&deepest);
            let error = check_value(nested(max_depth + 1).as_bytes(), max_depth);
            let limit = max_depth;
            assert_eq!(error.map_err(JsonError::kind), Err(JsonErrorKind::TooDeep { limit }));
            let error = visit(&nested(max_depth + 1), max_depth);
            assert_eq!(error.map_err(JsonError::kind), Err(JsonErrorKind::TooDeep { limit }));
        }
        assert_eq!(check_array(b"[]", 0).expect_err("no level").offset(), 0);
        assert_eq!(visit("[]", 0).expect_err("no level").offset(), 0);
        check_value(b"1", 0).expect("no container");
        let text = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(error(&text), "nested deeper than 128 at 128");
        assert_eq!(
            check_value(text.as_bytes(), usize::MAX),
            check_value(text.as_bytes(), MAX_DEPTH)
        );
    }

    #[test]
    fn containers_fill_their_text() {
        assert!(check_array(b"[1]", 1).is_ok() && check_object(b"{\"a\":1}", 1).is_ok());
        for text in [" []", "[] ", "{}", "1", ""] {
            assert!(check_array(text.as_bytes(), 8).is_err(), "{text}");
        }
        for text in [" {}", "{} ", "[]", "null", ""] {
            assert!(check_object(text.as_bytes(), 8).is_err(), "{text}");
        }
    }

    #[test]
    fn elements_and_members_are_ranges_of_the_frame() {
        let frame = br#"42/a,[ "x" ,{"k":[1, 2]} , -1.5e3]"#;
        let mut texts = Vec::new();
        visit_array(frame, Span::new(5, frame.len()), MAX_DEPTH, |span| texts.push(span.of(frame)))
            .expect("valid");
        assert_eq!(texts, [&br#""x""#[..], br#"{"k":[1, 2]}"#, b"-1.5e3"]);

        let frame = br#"40{ "sid" : "x" , "\u0061":{"b":[]},"sid":1 }"#;
        let mut members = Vec::new();
        visit_object(frame, Span::new(2, frame.len()), 3, |key, value| {
            members.push((key.of(frame), value.of(frame)));
        })
        .expect("valid");
        assert_eq!(
            members,
            [(&b"sid"[..], &b"\"x\""[..]), (b"\\u0061", b"{\"b\":[]}"), (b"sid", b"1")]
        );
        let none = |_| panic!("an empty array has no element");
        visit_array(b"[ ]", Span::new(0, 3), 1, none).expect("valid");
    }
}
