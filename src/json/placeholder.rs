//! Binary values in JSON: the objects that stand for them.

use std::fmt;

use super::scanner::Watch;
use super::{JsonError, decode_string, walk};

/// Why the placeholders of a packet do not fit its attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderError {
    /// The text is no JSON value.
    Json(JsonError),
    /// A placeholder has no `num` that names an attachment.
    NoAttachment {
        /// One past the placeholder's last byte.
        offset: usize,
        /// The number of attachments.
        count: usize,
    },
}

impl fmt::Display for PlaceholderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NoAttachment { offset, count } => {
                write!(f, "placeholder before {offset} names none of {count} attachments")
            }
        }
    }
}

impl std::error::Error for PlaceholderError {}

/// Check that every placeholder in `text`, one JSON value, names one of `count` attachments.
///
/// A placeholder is an object, at any depth, whose `_placeholder` is `true`; its `num` has to be an
/// integer in `0..count`. That two have the same `num`, or that an attachment has none, is legal.
/// Of equal keys the last one counts, as in JavaScript.
///
/// # Errors
/// The first placeholder without an attachment, or what is no JSON.
pub fn check_placeholders(text: &[u8], count: usize) -> Result<(), PlaceholderError> {
    let mut search =
        Search { count, key: PlaceholderKey::Other, marked: 0, numbered: 0, misfit: None };
    walk(text, &mut search).map_err(PlaceholderError::Json)?;
    match search.misfit {
        Some(offset) => Err(PlaceholderError::NoAttachment { offset, count }),
        None => Ok(()),
    }
}

/// A key of an object, as far as placeholders are concerned.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum PlaceholderKey {
    Placeholder,
    Num,
    #[default]
    Other,
}

impl PlaceholderKey {
    /// Read what stands between the quotes; an escape can spell any key in another way.
    pub(crate) fn read(raw: &[u8]) -> Self {
        match decode_string(raw).as_deref() {
            Some("_placeholder") => Self::Placeholder,
            Some("num") => Self::Num,
            _ => Self::Other,
        }
    }
}

struct Search {
    count: usize,
    /// The key of the value that comes next.
    key: PlaceholderKey,
    /// One bit per open array or object, the innermost lowest: its `_placeholder` is `true`.
    marked: u128,
    /// In the same way: its `num` names an attachment.
    numbered: u128,
    misfit: Option<usize>,
}

impl Watch for Search {
    fn open(&mut self) {
        // The array or object is itself a value, and neither `true` nor a number.
        self.scalar(b"[");
        self.key = PlaceholderKey::Other;
        self.marked <<= 1;
        self.numbered <<= 1;
    }

    fn close(&mut self, is_object: bool, offset: usize) {
        if is_object && self.marked & 1 > self.numbered & 1 {
            self.misfit.get_or_insert(offset);
        }
        self.key = PlaceholderKey::Other;
        self.marked >>= 1;
        self.numbered >>= 1;
    }

    fn key(&mut self, raw: &[u8]) {
        self.key = PlaceholderKey::read(raw);
    }

    fn scalar(&mut self, raw: &[u8]) {
        match self.key {
            PlaceholderKey::Placeholder => {
                self.marked = self.marked & !1 | u128::from(raw == b"true")
            }
            PlaceholderKey::Num => {
                let num = std::str::from_utf8(raw).ok().and_then(|raw| raw.parse::<usize>().ok());
                let fits = num.is_some_and(|num| num < self.count);
                self.numbered = self.numbered & !1 | u128::from(fits);
            }
            PlaceholderKey::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    fn fits(text: &str, count: usize) -> bool {
        check_placeholders(text.as_bytes(), count).is_ok()
    }

    #[test]
    fn a_placeholder_names_one_of_the_attachments() {
        for text in [
            r#"{"_placeholder":true,"num":0}"#,
            r#"[{"num":1,"_placeholder":true},{"x":[{"_placeholder":true,"num":1}]}]"#,
            r#"[{"_placeholder":false,"num":7},{"_placeholder":"true"},{"num":9},true,7]"#,
            r#"{"_placeholder":true,"num":7,"num":1}"#,
            r#"{"_placeholder":true,"_placeholder":[true],"num":7}"#,
            r#"["_placeholder",true,"num",9]"#,
            "[]",
        ] {
            assert!(fits(text, 2), "{text}");
        }
    }

    #[test]
    fn a_placeholder_without_an_attachment_is_refused() {
        for num in [
            "2",
            "-1",
            "-0",
            "0.5",
            "1.0",
            "1e0",
            "\"0\"",
            "null",
            "[0]",
            "{}",
            "99999999999999999999",
        ] {
            let text = format!(r#"["a",{{"_placeholder":true,"num":{num}}},1]"#);
            let error = check_placeholders(text.as_bytes(), 2).expect_err(&text);
            let offset = text.len() - 3;
            assert_eq!(error, PlaceholderError::NoAttachment { offset, count: 2 }, "{text}");
        }
        for text in [
            r#"{"_placeholder":true}"#,
            r#"{"_placeholder":true,"num":0,"num":2}"#,
            r#"{"_placeholder":true,"x":{"num":0}}"#,
            r#"{"_placeholde\u0072":true,"num":2}"#,
            r#"{"x":{"_placeholder":true},"num":0}"#,
        ] {
            assert!(!fits(text, 2), "{text}");
        }
        assert!(!fits(r#"{"_placeholder":true,"num":0}"#, 0));
    }

    #[test]
    fn a_hundred_thousand_levels_are_no_value() {
        let text = "[".repeat(100_000);
        assert!(matches!(
            check_placeholders(text.as_bytes(), 1),
            Err(PlaceholderError::Json(error)) if error.offset() == MAX_DEPTH
        ));
    }
}
