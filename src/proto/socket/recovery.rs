//! Connection state recovery: what a CONNECT says so that the server can send what was missed
//! (`socket-io` 8).
//!
//! A server that can do this names the session in its reply (`pid`), and from then on gives every
//! event that counts one more argument, its offset: a text. Events without one (volatile ones) are
//! not marked in any way, so their own last text may look like an offset. Taking it for one would
//! cost the session: the server does not know it. What is taken here is told apart by its form.
//!
//! * **Candidates** are last arguments that are texts of up to 64 characters out of
//!   `0-9 A-Z a-z _ . : -`, of events that want no ack.
//! * **Clocks.** The offsets of all adapters that are known hold the server's time: `yeast` (in
//!   memory: milliseconds in 7 digits of base 64, then perhaps `.` and a count), entries of Redis
//!   streams (milliseconds, `-`, a count) and ids of MongoDB (seconds in 8 of 24 hex digits).
//!   Candidates follow one another when they have the same form and their times are no further
//!   apart than a day and the time that has passed here: an ordinary word that happens to have the
//!   form is centuries away. A clock is sure when it was followed up once, or shows our own time.
//! * **Others** follow one another when they have the same signs, about the same length, and grow.
//! * The **best** chain of candidates is the sure one, otherwise the longer one, otherwise the older
//!   one; its last text is the offset. What does not follow it begins a rival chain or continues
//!   one, and takes over when it is better.
//!
//! So one ordinary text never counts against a clock that is right, and against anything else it
//! counts until two offsets have come. Not told apart are texts of the adapter's own form and time,
//! such as ids of fresh MongoDB documents beside a MongoDB adapter.

use std::borrow::Cow;

use crate::json;
use crate::payload::{Payload, Span};
use crate::proto::time::{Now, Timestamp};
use crate::secret::Secret;

/// The longest text that may be an offset.
const LONGEST: usize = 64;
/// So far may the clocks of two ends, and what a session missed, lie behind one another.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// More links than this prove nothing more.
const MAX_LINKS: u8 = 15;
/// The digits of `yeast`.
const YEAST: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

/// What an offset looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It holds a time in milliseconds. The character tells the three forms apart.
    Clock(char, u64),
    Other,
}

impl Form {
    fn of(text: &str) -> Self {
        Self::yeast(text)
            .or_else(|| Self::stream(text))
            .or_else(|| Self::object_id(text))
            .unwrap_or(Self::Other)
    }

    fn yeast(text: &str) -> Option<Self> {
        let (time, count) = text.split_once('.').unwrap_or((text, "0"));
        if time.len() != 7 || !(1..=4).contains(&count.len()) || count.contains(['.', ':']) {
            return None;
        }
        let digit = |byte| YEAST.iter().position(|digit| *digit == byte).map(|value| value as u64);
        let ms = time.bytes().try_fold(0, |ms, byte| Some(ms * 64 + digit(byte)?))?;
        Some(Self::Clock('.', ms))
    }

    fn stream(text: &str) -> Option<Self> {
        let (ms, count) = text.split_once('-')?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = ms.len() == 13 && is_number(ms) && !count.is_empty() && is_number(count);
        Some(Self::Clock('-', ms.parse().ok().filter(|_| fits)?))
    }

    fn object_id(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let fits = text.len() == 24 && text.bytes().all(is_hex);
        let seconds = u64::from_str_radix(text.get(..8).filter(|_| fits)?, 16).ok()?;
        Some(Self::Clock('x', seconds * 1_000))
    }
}

/// Candidates that follow one another; the last of them.
#[derive(Debug)]
struct Chain {
    text: String,
    form: Form,
    came: Timestamp,
    links: u8,
    /// It shows our own time.
    is_now: bool,
}

impl Chain {
    fn new(text: &str, form: Form, now: Now) -> Self {
        let is_now = matches!(form, Form::Clock(_, ms) if ms.abs_diff(now.wall) <= DAY_MS);
        Self { text: text.to_owned(), form, came: now.mono, links: 0, is_now }
    }

    fn is_followed_by(&self, text: &str, form: Form, now: Now) -> bool {
        match (self.form, form) {
            (Form::Clock(own, before), Form::Clock(other, after)) => {
                own == other && after.abs_diff(before) <= DAY_MS + now.mono.since(self.came)
            }
            (Form::Other, Form::Other) => {
                let sign = |byte: &u8| byte.is_ascii_punctuation();
                let signs = |text: &str| text.bytes().filter(sign).map(u32::from).sum::<u32>();
                let grows = (self.text.len(), &*self.text) < (text.len(), text);
                grows && text.len() - self.text.len() <= 1 && signs(&self.text) == signs(text)
            }
            _ => false,
        }
    }

    fn extend(&mut self, text: &str, form: Form, now: Now) {
        self.text.clear();
        self.text.push_str(text);
        (self.form, self.came) = (form, now.mono);
        self.links = (self.links + 1).min(MAX_LINKS);
    }

    /// What makes one chain better than another.
    fn weight(&self) -> (bool, u8) {
        let is_clock = matches!(self.form, Form::Clock(..));
        (is_clock && (self.is_now || self.links > 0), self.links)
    }
}

/// What the server needs to recover the session of one namespace.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    pid: Option<Secret>,
    best: Option<Chain>,
    rival: Option<Chain>,
    recovered: bool,
}

impl Recovery {
    /// The reply to CONNECT names the session.
    pub(super) fn handle_reply(&mut self, pid: Option<&str>) {
        let pid = pid.filter(|pid| !pid.is_empty()).map(Secret::new);
        let recovered = pid.is_some() && pid == self.pid;
        if !recovered {
            *self = Self::default();
        }
        (self.pid, self.recovered) = (pid, recovered);
    }

    /// Whether the last reply said that the session was recovered.
    pub(super) const fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// Whether the server gives its events offsets.
    pub(super) const fn is_possible(&self) -> bool {
        self.pid.is_some()
    }

    /// The next CONNECT begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Look for the offset of an event that wants no ack.
    pub(super) fn note(&mut self, event: &Payload, now: Now) {
        let last = event.len().checked_sub(1).and_then(|last| event.arg_bytes(last));
        let Some(text) = last.and_then(candidate) else { return };
        let form = Form::of(text);
        let follows = |chain: &&mut Chain| chain.is_followed_by(text, form, now);
        if let Some(best) = self.best.as_mut().filter(follows) {
            return best.extend(text, form, now);
        }
        match self.rival.as_mut().filter(follows) {
            Some(rival) => rival.extend(text, form, now),
            None => self.rival = Some(Chain::new(text, form, now)),
        }
        let weight = |chain: &Option<Chain>| chain.as_ref().map(Chain::weight);
        if weight(&self.rival) > weight(&self.best) {
            self.best = self.rival.take();
        }
    }

    /// The auth payload of a CONNECT, where there is something to add to the application's, a JSON
    /// object. Its own members count more.
    pub(super) fn auth(&self, own: Option<&str>) -> Option<Secret> {
        let pid = self.pid.as_ref()?.expose();
        let own = own.unwrap_or("{}");
        let offset = self.best.as_ref().map(|best| best.text.as_str());
        let mut members: Vec<Cow<'_, str>> = Vec::new();
        for (name, value) in [("pid", Some(pid)), ("offset", offset)] {
            if let Some(value) = value.filter(|_| !has_member(own, name)) {
                // Text always has a JSON form.
                let value = serde_json::to_string(value).unwrap_or_default();
                members.push(format!("\"{name}\":{value}").into());
            }
        }
        let own = own.strip_prefix('{').and_then(|own| own.strip_suffix('}')).map(str::trim);
        members.extend(own.filter(|own| !own.is_empty()).map(Cow::Borrowed));
        Some(Secret::new(format!("{{{}}}", members.join(","))))
    }
}

/// The text between the quotes of a JSON string that may be an offset.
fn candidate(json: &[u8]) -> Option<&str> {
    let text = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(byte);
    let is_candidate = (1..=LONGEST).contains(&text.len()) && text.iter().all(fits);
    std::str::from_utf8(text).ok().filter(|_| is_candidate)
}

fn has_member(object: &str, name: &str) -> bool {
    let (frame, mut found) = (object.as_bytes(), false);
    let whole = Span::new(0, frame.len());
    let visited = json::visit_object(frame, whole, json::MAX_DEPTH, |key, _| {
        found |= key.of(frame) == name.as_bytes();
    });
    debug_assert!(visited.is_ok(), "an auth payload is checked when it is given");
    found
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::payload::Outgoing;

    /// 2024-01-01, and its first offset of each form.
    const WALL: u64 = 1_704_067_200_000;

    fn yeast(mut ms: u64) -> String {
        let mut text = Vec::new();
        while ms > 0 {
            text.insert(0, YEAST[(ms % 64) as usize]);
            ms /= 64;
        }
        String::from_utf8(text).expect("ASCII")
    }

    /// A session on a device whose clock is wrong by `skew_ms`.
    struct Session {
        recovery: Recovery,
        skew_ms: u64,
        mono: u64,
    }

    impl Session {
        fn new(skew_ms: u64) -> Self {
            let mut recovery = Recovery::default();
            recovery.handle_reply(Some("p"));
            Self { recovery, skew_ms, mono: 0 }
        }

        fn hear(&mut self, args: &str) {
            self.mono += 1_000;
            let event = Outgoing::event(&mut BytesMut::new(), "/", "a", args, Vec::new());
            let now = Now { mono: Timestamp(self.mono), wall: WALL + self.mono + self.skew_ms };
            self.recovery.note(&event.expect("valid").into_payload(), now);
        }

        /// Hear these texts; gives the offset after each.
        fn offsets(&mut self, texts: &[&str]) -> Vec<String> {
            let hear = |text: &&str| {
                self.hear(&format!("[1,\"{text}\"]"));
                self.recovery.best.as_ref().map_or_else(String::new, |best| best.text.clone())
            };
            texts.iter().map(hear).collect()
        }
    }

    #[test]
    fn times_are_read_from_all_known_forms() {
        assert_eq!(Form::of("Q7uOQ2e"), Form::Clock('.', 1_795_168_510_120));
        assert_eq!(Form::of("Q7uOQ2e.1A"), Form::of("Q7uOQ2e"));
        assert_eq!(Form::of(&yeast(WALL)), Form::Clock('.', WALL));
        assert_eq!(Form::of("1704067200000-0"), Form::Clock('-', WALL));
        assert_eq!(Form::of("659200800a1b2c3d4e5f6071"), Form::Clock('x', WALL));
        for text in ["", "Q7uOQ2", "Q7uOQ2e.", "Q7uO:2e", "1704067200000-", "17-0", "65920080"] {
            assert_eq!(Form::of(text), Form::Other, "{text}");
        }
    }

    #[test]
    fn an_ordinary_word_never_counts_against_a_clock_that_is_right() {
        let (a, b, c) = (&*yeast(WALL + 5), &*yeast(WALL + 5_000), &*yeast(WALL + 9_000));
        // Seven letters are seven digits of base 64.
        let heard = ["hello", a, "alice_w", "bob_xyz", b, "alice_w", "msg:1", "msg:2", "msg:3", c];
        let offsets = Session::new(0).offsets(&heard);
        assert_eq!(offsets, ["hello", a, a, a, b, b, b, b, b, c]);
    }

    #[test]
    fn a_device_without_the_right_time_needs_two_offsets() {
        let (a, b) = (&*yeast(WALL), &*yeast(WALL + 3_000));
        let mut session = Session::new(400 * DAY_MS);
        assert_eq!(session.offsets(&["alice_w", a, b, "bob_xyz"]), ["alice_w", "alice_w", b, b]);
        // A rain of ordinary counters is no clock.
        let counters: Vec<String> = (100..200).map(|number| format!("tick:{number}")).collect();
        let counters: Vec<&str> = counters.iter().map(String::as_str).collect();
        assert_eq!(session.offsets(&counters).last().map(String::as_str), Some(b));
    }

    #[test]
    fn offsets_of_one_millisecond_and_after_a_long_silence_follow() {
        let (a, later) = (yeast(WALL), yeast(WALL + 30 * DAY_MS));
        let (second, third) = (format!("{a}.0"), format!("{a}.1"));
        let mut session = Session::new(400 * DAY_MS);
        let heard = [&*a, &*second, &*third];
        assert_eq!(session.offsets(&heard), heard);
        session.mono += 30 * DAY_MS;
        assert_eq!(session.offsets(&[&later])[0], later);
    }

    #[test]
    fn offsets_of_an_unknown_adapter_count_when_they_grow() {
        let mut session = Session::new(0);
        let offsets = session.offsets(&["off-8", "off-9", "off-10", "word", "off-11", "off-12"]);
        assert_eq!(offsets, ["off-8", "off-9", "off-10", "off-10", "off-11", "off-12"]);
    }

    #[test]
    fn only_texts_without_escapes_at_the_end_are_candidates() {
        let mut session = Session::new(0);
        let long = format!("[\"{}\"]", "x".repeat(65));
        for args in ["[]", "[7]", "[\"a\",null]", "[{\"a\":\"b\"}]", "[\"\"]", "[\"a b\"]", &long] {
            session.hear(args);
        }
        for args in ["[\"\\u0061\"]", "[\"é\"]", "[[\"a\"]]"] {
            session.hear(args);
        }
        assert!(session.recovery.best.is_none());
        session.hear("[\"a\"]");
        assert!(session.recovery.best.is_some());
    }

    #[test]
    fn the_application_s_members_stay_and_count_more() {
        let auth =
            |recovery: &Recovery, own| recovery.auth(own).map(|auth| auth.expose().to_owned());
        let mut session = Session::new(0);
        let own = Some(r#"{ "token": {"a":"}"} }"#);
        assert_eq!(auth(&Recovery::default(), own), None);
        assert_eq!(auth(&session.recovery, None).as_deref(), Some(r#"{"pid":"p"}"#));
        session.hear("[\"o1\"]");
        let recovery = &session.recovery;
        assert_eq!(auth(recovery, None).as_deref(), Some(r#"{"pid":"p","offset":"o1"}"#));
        assert_eq!(auth(recovery, Some("{ }")), auth(recovery, None));
        let merged = r#"{"pid":"p","offset":"o1","token": {"a":"}"}}"#;
        assert_eq!(auth(recovery, own).as_deref(), Some(merged));
        let own = Some(r#"{"pid":7,"x":{"offset":{}}}"#);
        let merged = r#"{"offset":"o1","pid":7,"x":{"offset":{}}}"#;
        assert_eq!(auth(recovery, own).as_deref(), Some(merged));
    }

    #[test]
    fn another_session_begins_without_an_offset() {
        let mut session = Session::new(0);
        session.hear("[\"o1\"]");
        session.recovery.handle_reply(Some("p"));
        assert!(session.recovery.is_recovered() && session.recovery.best.is_some());
        session.recovery.handle_reply(Some("q"));
        assert!(!session.recovery.is_recovered() && session.recovery.best.is_none());
        session.recovery.handle_reply(None);
        assert!(!session.recovery.is_possible());
    }
}
