//! Binary values in JSON: the objects that stand for them.

use std::fmt;

use super::scanner::Watch;
use super::{JsonError, decode_string, walk};
use crate::payload::Span;

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

/// The placeholders of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholders {
    /// How many there are.
    pub count: usize,
    /// From the first to the last they are numbered 0, 1, 2 and so on.
    pub in_order: bool,
}

/// Check that every placeholder in `text`, one JSON value, names one of `count` attachments.
///
/// A placeholder is an object, at any depth, whose `_placeholder` is `true`; its `num` has to be an
/// integer in `0..count`. That two have the same `num`, or that an attachment has none, is legal.
/// Of equal keys the last one counts, as in JavaScript.
///
/// # Errors
/// The first placeholder without an attachment, or what is no JSON.
pub fn check_placeholders(text: &[u8], count: usize) -> Result<Placeholders, PlaceholderError> {
    let mut search = Search {
        count,
        key: PlaceholderKey::Other,
        marked: 0,
        numbered: 0,
        due: 0,
        found: Placeholders { count: 0, in_order: true },
        misfit: None,
    };
    walk(text, &mut search).map_err(PlaceholderError::Json)?;
    match search.misfit {
        Some(offset) => Err(PlaceholderError::NoAttachment { offset, count }),
        None => Ok(search.found),
    }
}

/// Number the placeholders of a checked JSON value anew: 0, 1, 2 and so on. Gives the new text, and
/// the former numbers in the new order.
pub(crate) fn renumber_placeholders(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut survey = Survey { start: text.as_ptr() as usize, ..Survey::default() };
    let walked = walk(text, &mut survey);
    debug_assert!(walked.is_ok(), "the text was checked before");
    // A placeholder may stand inside another one, and then ends first.
    survey.nums.sort_unstable_by_key(|num| num.start);
    let (mut new, mut former, mut done) = (Vec::with_capacity(text.len()), Vec::new(), 0);
    for num in survey.nums {
        new.extend_from_slice(&text[done..num.start as usize]);
        new.extend_from_slice(former.len().to_string().as_bytes());
        former.extend(number(num.of(text)));
        done = num.end as usize;
    }
    new.extend_from_slice(&text[done..]);
    (new, former)
}

fn number(raw: &[u8]) -> Option<usize> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// Finds the places of all numbers.
#[derive(Default)]
struct Survey {
    /// Where the text is.
    start: usize,
    key: PlaceholderKey,
    /// Of every open array or object: its `_placeholder` is `true`, and where its `num` is.
    open: Vec<(bool, Option<Span>)>,
    nums: Vec<Span>,
}

impl Watch for Survey {
    fn open(&mut self) {
        self.scalar(b"[");
        self.key = PlaceholderKey::Other;
        self.open.push((false, None));
    }

    fn close(&mut self, is_object: bool, _offset: usize) {
        if let Some((true, num)) = self.open.pop()
            && is_object
        {
            self.nums.extend(num);
        }
        self.key = PlaceholderKey::Other;
    }

    fn key(&mut self, raw: &[u8]) {
        self.key = PlaceholderKey::read(raw);
    }

    fn scalar(&mut self, raw: &[u8]) {
        let Some((marked, num)) = self.open.last_mut() else { return };
        match self.key {
            PlaceholderKey::Placeholder => *marked = raw == b"true",
            PlaceholderKey::Num => {
                *num = number(raw).map(|_| {
                    let at = raw.as_ptr() as usize - self.start;
                    Span::new(at, at + raw.len())
                });
            }
            PlaceholderKey::Other => {}
        }
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
    /// In the same way: its `num` is that of the next placeholder if they are in order.
    due: u128,
    found: Placeholders,
    misfit: Option<usize>,
}

impl Watch for Search {
    fn open(&mut self) {
        // The array or object is itself a value, and neither `true` nor a number.
        self.scalar(b"[");
        self.key = PlaceholderKey::Other;
        self.marked <<= 1;
        self.numbered <<= 1;
        self.due <<= 1;
    }

    fn close(&mut self, is_object: bool, offset: usize) {
        if is_object && self.marked & 1 == 1 {
            if self.numbered & 1 == 0 {
                self.misfit.get_or_insert(offset);
            }
            self.found.in_order &= self.due & 1 == 1;
            self.found.count += 1;
        }
        self.key = PlaceholderKey::Other;
        self.marked >>= 1;
        self.numbered >>= 1;
        self.due >>= 1;
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
                let num = number(raw);
                let fits = num.is_some_and(|num| num < self.count);
                self.numbered = self.numbered & !1 | u128::from(fits);
                self.due = self.due & !1 | u128::from(num == Some(self.found.count));
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
    fn placeholders_are_numbered_anew_where_they_stand() {
        let place = |number: usize| format!(r#"{{"_placeholder":true,"num":{number}}}"#);
        let renumbered = |text: &str| {
            let found = check_placeholders(text.as_bytes(), 3).expect(text);
            let (new, former) = renumber_placeholders(text.as_bytes());
            let new = String::from_utf8(new).expect("UTF-8");
            assert_eq!(found.count, former.len(), "{text}");
            assert_eq!(found.in_order, new == text, "{text}");
            let again = check_placeholders(new.as_bytes(), former.len()).expect(&new);
            assert!(again.in_order, "{new}");
            (new, former)
        };
        let (one, two, three) = (place(0), place(1), place(2));
        for text in ["[]", "[\"num\",1]", &format!("[{one},{{\"a\":[{two},{{}}]}},{three}]")] {
            assert_eq!(renumbered(text).0, text);
        }
        let (new, former) = renumbered(&format!("[{three}, {{\"num\":7,\"a\":{one}}},{three}]"));
        assert_eq!(new, format!("[{one}, {{\"num\":7,\"a\":{two}}},{three}]"));
        assert_eq!(former, [2, 0, 2]);
        let text = r#"[{"num":2,"num" : 1 ,"_placeholde\u0072":true,"x":[]},{"num":2}]"#;
        let (new, former) = renumbered(text);
        let first = text.replacen(" : 1 ", " : 0 ", 1);
        assert_eq!((new, former), (first, vec![1]));
    }

    #[test]
    fn a_placeholder_in_another_one_has_a_number_of_its_own() {
        let text = r#"{"num":2,"x":{"_placeholder":true,"num":1},"_placeholder":true}"#;
        let (new, former) = renumber_placeholders(text.as_bytes());
        let expected = r#"{"num":0,"x":{"_placeholder":true,"num":1},"_placeholder":true}"#;
        assert_eq!((String::from_utf8(new).as_deref(), &former[..]), (Ok(expected), &[2, 1][..]));
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
