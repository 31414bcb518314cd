//! The scanner: agrees with serde_json on what is JSON and where its elements are, and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roamio::json::{self, JsonErrorKind, MAX_DEPTH};
use roamio::payload::Span;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let bytes = text.as_bytes();
    let ours = json::check_value(bytes, MAX_DEPTH);
    if let Err(error) = ours
        && matches!(error.kind(), JsonErrorKind::TooDeep { .. })
    {
        return;
    }
    assert_eq!(ours.is_ok(), serde_json::from_str::<IgnoredAny>(text).is_ok());
    let _ = json::check_placeholders(bytes, 3);
    if json::check_array(bytes, MAX_DEPTH).is_ok() {
        let mut elements = Vec::new();
        json::visit_array(bytes, Span::new(0, bytes.len()), MAX_DEPTH, |span| {
            elements.push(span.of(bytes));
        })
        .expect("checked");
        let judge: Vec<&RawValue> = serde_json::from_str(text).expect("checked");
        let judge = judge.iter().map(|raw| raw.get().as_bytes());
        assert!(elements.into_iter().eq(judge));
    }
    if ours.is_ok() && text.starts_with('"') && text.ends_with('"') {
        let decoded = json::decode_string(&bytes[1..bytes.len() - 1]);
        assert_eq!(decoded.as_deref(), serde_json::from_str::<String>(text).ok().as_deref());
    }
});
