//! The scanner against serde_json, which is the judge of what is JSON.

use std::collections::BTreeMap;

use bytes::BytesMut;
use proptest::prelude::*;
use roamio::json::{self, MAX_DEPTH};
use roamio::payload::Span;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "\"[a-z]{0,40}\"",
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        r#""(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|[ -!#-\[\]-~é€😀]){0,12}""#,
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "true|false|null",
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        string(),
    ]
}

fn list(
    element: impl Strategy<Value = String>,
    brackets: [char; 2],
) -> impl Strategy<Value = String> {
    (prop::collection::vec((space(), element, space()), 0..6), space()).prop_map(
        move |(items, inside)| {
            let items: Vec<String> = items.into_iter().map(|(a, item, b)| a + &item + &b).collect();
            let inside = if items.is_empty() { inside } else { items.join(",") };
            format!("{}{inside}{}", brackets[0], brackets[1])
        },
    )
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (string(), space(), space(), value);
    list(member.prop_map(|(key, a, b, value)| format!("{key}{a}:{b}{value}")), ['{', '}'])
}

/// JSON text with white space, odd numbers and escapes that no serialiser would write.
pub(crate) fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 48, 6, |inner| {
        prop_oneof![list(inner.clone(), ['[', ']']), object(inner)]
    })
}

/// Text that is nearly JSON: some of its characters replaced, removed or added.
fn damaged() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "[", "]", "{", "}", ",", ":", "\"", "\\", "\\u", "0", "-", ".", "e", "+", "t", " ",
            "\t", "\u{1}", "\u{7f}", "null", "[]", "\"\"", "é", "",
        ])
        .prop_map(str::to_owned),
    ];
    let damage = (any::<prop::sample::Index>(), 0..3usize, piece);
    (value(), prop::collection::vec(damage, 0..4)).prop_map(|(text, damages)| {
        let mut text: Vec<char> = text.chars().collect();
        for (place, removed, piece) in damages {
            let start = place.index(text.len() + 1);
            let end = text.len().min(start + removed);
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_scanner_agrees_with_serde_json(text in damaged()) {
        let judge = serde_json::from_str::<IgnoredAny>(&text);
        let ours = json::check_value(text.as_bytes(), MAX_DEPTH);
        prop_assert_eq!(ours.is_ok(), judge.is_ok(), "{}: {:?}, {:?}", text, ours, judge);
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']) == text;
        let kind = |opening| judge.is_ok() && trimmed && text.starts_with(opening);
        prop_assert_eq!(json::check_array(text.as_bytes(), MAX_DEPTH).is_ok(), kind('['));
        prop_assert_eq!(json::check_object(text.as_bytes(), MAX_DEPTH).is_ok(), kind('{'));
        if let Err(error) = ours {
            prop_assert!(error.offset() <= text.len());
        }
    }

    /// A text is judged by its first wrong byte, whatever follows it.
    #[test]
    fn an_error_is_found_where_the_text_stops_being_a_beginning_of_json(text in damaged()) {
        if let Err(error) = json::check_value(text.as_bytes(), MAX_DEPTH) {
            let beginning = &text.as_bytes()[..error.offset()];
            let cut = json::check_value(beginning, MAX_DEPTH).map_err(|error| error.offset());
            prop_assert!(matches!(cut, Ok(())) || cut == Err(beginning.len()), "{}: {:?}", text, cut);
        }
    }

    #[test]
    fn elements_are_what_serde_json_takes_for_them(array in list(value(), ['[', ']']), before in "[a-z/,0-9]{0,9}") {
        let frame = format!("{before}{array}");
        let list = Span::new(before.len(), frame.len());
        let mut ours = Vec::new();
        json::visit_array(frame.as_bytes(), list, MAX_DEPTH, |span| {
            ours.push(&frame[span.start as usize..span.end as usize]);
        })
        .expect("generated");
        let judge: Vec<&RawValue> = serde_json::from_str(&array).expect("generated");
        prop_assert_eq!(ours, judge.iter().map(|raw| raw.get()).collect::<Vec<_>>());
    }

    #[test]
    fn members_are_what_serde_json_takes_for_them(object in object(value())) {
        let judge = serde_json::from_str::<BTreeMap<String, &RawValue>>(&object);
        let mut ours = Some(BTreeMap::new());
        json::visit_object(object.as_bytes(), Span::new(0, object.len()), MAX_DEPTH, |key, value| {
            match (&mut ours, json::decode_string(key.of(object.as_bytes()))) {
                (Some(members), Some(key)) => {
                    members.insert(key.into_owned(), &object[value.start as usize..value.end as usize]);
                }
                // A key that is no text: serde_json refuses the whole object.
                _ => ours = None,
            }
        })
        .expect("generated");
        let judge = judge.ok().map(|members| {
            members.into_iter().map(|(key, raw)| (key, raw.get())).collect::<BTreeMap<_, _>>()
        });
        prop_assert_eq!(ours, judge);
    }

    #[test]
    fn strings_are_decoded_as_serde_json_decodes_them(text in string()) {
        let raw = &text.as_bytes()[1..text.len() - 1];
        prop_assert_eq!(
            json::decode_string(raw).map(|decoded| decoded.into_owned()),
            serde_json::from_str::<String>(&text).ok()
        );
    }

    #[test]
    fn a_written_string_is_read_back(text in any::<String>()) {
        let mut out = BytesMut::new();
        json::write_string(&mut out, &text);
        json::check_value(&out, 0).expect("a string");
        prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("a string"), text);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>(), depth in 0..200usize) {
        let _ = json::check_value(&bytes, depth);
        let _ = json::check_placeholders(&bytes, depth);
        let _ = json::decode_string(&bytes);
    }
}
