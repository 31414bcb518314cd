//! What an HTTP answer says beside packets: a refusal is an error of one line, and a cookie cannot leave
//! its header.
//!
//! The first line is the `Date`, the next ones are `Set-Cookie`; all of it is the body of a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roamio::error::Code;
use roamio::proto::engine::cookies::Jar;
use roamio::proto::engine::refusal::refusal;
use roamio::proto::io::Cookies;
use roamio::proto::time::Timestamp;

fuzz_target!(|input: &[u8]| {
    let error = refusal("poll", 400, input, Some(1));
    assert!([Code::HttpStatus, Code::UnknownSid, Code::EngineRevision].contains(&error.code()));
    assert!(error.message().chars().count() < 250);
    assert!(!error.message().contains(char::is_control));
    if let Some(json) = error.server_json() {
        assert!(json.len() <= 4096);
        serde_json::from_str::<serde::de::IgnoredAny>(json).expect("checked JSON");
    }

    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n').map(str::to_owned);
    let date = lines.next();
    let mut jar = Jar::default();
    jar.store(&Cookies { set: lines.collect(), date }, Timestamp(0));
    let Some(header) = jar.header(None, Timestamp(0)) else { return };
    assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert!(header.split("; ").count() <= 64 && header.len() <= 64 * 4098);
    // What was sent can be stored again: one pair is one cookie.
    for pair in header.split("; ") {
        let mut one = Jar::default();
        one.store(&Cookies { set: vec![pair.to_owned()], date: None }, Timestamp(0));
        assert!(one.header(None, Timestamp(0)).is_some());
    }
});
