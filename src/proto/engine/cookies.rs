//! The cookies of each server: enough for sticky sessions, and no more.
//!
//! A cookie has a name, a value and an end; every other attribute is ignored, because a jar speaks to
//! one server only. The end counts on the suspend-aware clock: the device's wall clock may be years off, so
//! a date is compared with the date of the answer that brought it.
//!
//! Source: `engine-io` 5; RFC 6265, sections 5.1.1 (dates) and 5.2 (`Set-Cookie`).

use std::fmt;

use crate::config::Endpoint;
use crate::proto::io::Cookies;
use crate::proto::time::Timestamp;

/// More cookies push out the oldest.
const MAX_COOKIES: usize = 64;
/// A longer `Set-Cookie` is ignored, in bytes.
const MAX_LENGTH: usize = 4 << 10;

/// Servers whose cookies are kept, the last ones of those that a manager is sent to.
const MAX_JARS: usize = 16;

/// A jar for every server. Connections to several may live at a time, and none may hear what another
/// has said.
#[derive(Debug, Default)]
pub struct Jars(Vec<(Origin, Jar)>);

#[derive(Debug, PartialEq, Eq)]
struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn is_of(&self, server: &Endpoint) -> bool {
        self.port == server.port && self.secure == server.secure && self.host == server.host
    }
}

impl Jars {
    /// Take over what an answer of a server says, see [`Jar::store`].
    pub fn store(&mut self, server: &Endpoint, answer: &Cookies, now: Timestamp) {
        if answer.set.is_empty() {
            return;
        }
        if let Some((_, jar)) = self.0.iter_mut().find(|(origin, _)| origin.is_of(server)) {
            return jar.store(answer, now);
        }
        if self.0.len() == MAX_JARS {
            self.0.remove(0);
        }
        let origin = Origin { secure: server.secure, host: server.host.clone(), port: server.port };
        let mut jar = Jar::default();
        jar.store(answer, now);
        self.0.push((origin, jar));
    }

    /// The value of the header `Cookie` for a server, see [`Jar::header`].
    pub fn header(&self, server: &Endpoint, user: Option<&str>, now: Timestamp) -> Option<String> {
        let jar = self.0.iter().find(|(origin, _)| origin.is_of(server));
        jar.map_or(&Jar::default(), |(_, jar)| jar).header(user, now)
    }
}

/// A cookie jar.
#[derive(Clone, Default)]
pub struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    ends: Option<Timestamp>,
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jar").field(&self.cookies.len()).finish()
    }
}

/// How long a `Set-Cookie` keeps its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// As long as the jar.
    Session,
    Seconds(u64),
    /// It is to be removed.
    Over,
}

impl Jar {
    /// Take over what an answer says. Of one name the last cookie counts.
    pub fn store(&mut self, answer: &Cookies, now: Timestamp) {
        if answer.set.is_empty() {
            return;
        }
        let date = answer.date.as_deref().and_then(parse_date);
        self.cookies.retain(|cookie| cookie.lives(now));
        for text in answer.set.iter().filter(|text| text.len() <= MAX_LENGTH) {
            let Some((name, value, life)) = parse_set_cookie(text, date) else { continue };
            let known = self.cookies.iter().position(|cookie| cookie.name == name);
            let ends = match life {
                Life::Session => None,
                Life::Seconds(seconds) => Some(now + seconds.saturating_mul(1_000)),
                Life::Over => {
                    known.map(|index| self.cookies.remove(index));
                    continue;
                }
            };
            let cookie = Cookie { name: name.into(), value: value.into(), ends };
            match known {
                Some(index) => self.cookies[index] = cookie,
                None => {
                    if self.cookies.len() == MAX_COOKIES {
                        self.cookies.remove(0);
                    }
                    self.cookies.push(cookie);
                }
            }
        }
    }

    /// The value of the header `Cookie`: the jar's cookies, then those of the application's own
    /// header, which win over the jar's of the same name. `None` if there are none.
    pub fn header(&self, user: Option<&str>, now: Timestamp) -> Option<String> {
        let user = user.map(str::trim).filter(|user| !user.is_empty());
        let given = |name: &str| {
            user.is_some_and(|user| user.split(';').any(|pair| split_pair(pair).0 == name))
        };
        let mut header = String::new();
        for cookie in &self.cookies {
            if cookie.lives(now) && !given(&cookie.name) {
                append(&mut header, &[&cookie.name, "=", &cookie.value]);
            }
        }
        if let Some(user) = user {
            append(&mut header, &[user]);
        }
        (!header.is_empty()).then_some(header)
    }
}

impl Cookie {
    fn lives(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }
}

fn append(header: &mut String, pieces: &[&str]) {
    if !header.is_empty() {
        header.push_str("; ");
    }
    header.extend(pieces.iter().copied());
}

/// Name and value, without the white space around them.
fn split_pair(pair: &str) -> (&str, &str) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (name.trim(), value.trim())
}

/// `None` when it is no cookie, or one that no header can carry.
fn parse_set_cookie(text: &str, date: Option<i64>) -> Option<(&str, &str, Life)> {
    let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
    let (name, value) = split_pair(pair);
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fits = !name.is_empty()
        && pair.contains('=')
        && name.bytes().all(is_token)
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let mut by_age = None;
    let mut by_date = None;
    for attribute in attributes.split(';') {
        let (key, value) = split_pair(attribute);
        if key.eq_ignore_ascii_case("max-age") {
            by_age = max_age(value).or(by_age);
        } else if key.eq_ignore_ascii_case("expires") {
            by_date = expires(value, date).or(by_date);
        }
    }
    fits.then(|| (name, value, by_age.or(by_date).unwrap_or(Life::Session)))
}

/// Whole seconds; what is no number is ignored, and zero and less is the end.
fn max_age(value: &str) -> Option<Life> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.parse().unwrap_or(u64::MAX) {
        0 => Some(Life::Over),
        _ if negative => Some(Life::Over),
        seconds => Some(Life::Seconds(seconds)),
    }
}

/// `date` is when the server said so. Where it did not tell, only what ended in 1970 is over.
fn expires(value: &str, date: Option<i64>) -> Option<Life> {
    const END_OF_1970: i64 = 365 * 86_400;
    if matches!(value, "0" | "-1") {
        return Some(Life::Over);
    }
    let ends = parse_date(value)?;
    match date {
        Some(date) if ends <= date => Some(Life::Over),
        Some(date) => Some(Life::Seconds(ends.abs_diff(date))),
        None if ends < END_OF_1970 => Some(Life::Over),
        None => None,
    }
}

/// Seconds since 1970 of a date in any of the ways that servers write one.
fn parse_date(text: &str) -> Option<i64> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == ':';
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for part in text.split(|char| !is_part(char)).filter(|part| !part.is_empty()) {
        if time.is_none() && part.contains(':') {
            time = Some(parse_time(part)?);
        } else if day.is_none() && part.len() <= 2 && is_number(part) {
            day = part.parse().ok();
        } else if month.is_none() && parse_month(part).is_some() {
            month = parse_month(part);
        } else if year.is_none() && matches!(part.len(), 2 | 4) && is_number(part) {
            year = part.parse().ok();
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let day = day.filter(|day| (1..=31).contains(day))?;
    if year < 1601 {
        return None;
    }
    Some(days_since_1970(year, month?, day) * 86_400 + time?)
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_time(part: &str) -> Option<i64> {
    let mut fields = part.split(':').map(|field| {
        (matches!(field.len(), 1 | 2) && is_number(field))
            .then(|| field.parse::<i64>().ok())
            .flatten()
    });
    let (hour, minute, second) = (fields.next()??, fields.next()??, fields.next()??);
    let fits = hour <= 23 && minute <= 59 && second <= 60 && fields.next().is_none();
    fits.then_some((hour * 60 + minute) * 60 + second)
}

/// 1 to 12.
fn parse_month(part: &str) -> Option<i64> {
    const NAMES: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
    let name = part.get(..3)?.to_ascii_lowercase();
    NAMES.split(' ').zip(1..).find_map(|(month, number)| (month == name).then_some(number))
}

/// Of the Gregorian calendar. The year is counted from March, so that a leap day is its last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Tue, 15 Nov 1994 08:12:31 GMT";

    fn answer(set: &[&str], date: Option<&str>) -> Cookies {
        Cookies {
            set: set.iter().map(|text| (*text).to_owned()).collect(),
            date: date.map(str::to_owned),
        }
    }

    /// A jar that holds `kept=1`, and what an answer makes of it at 1 s.
    fn after(set: &[&str], date: Option<&str>) -> Jar {
        let mut jar = Jar::default();
        jar.store(&answer(&["kept=1"], None), Timestamp(0));
        jar.store(&answer(set, date), Timestamp(1_000));
        jar
    }

    fn header(jar: &Jar, ms: u64) -> String {
        jar.header(None, Timestamp(ms)).unwrap_or_default()
    }

    #[test]
    fn conformance_9_cookies_come_back_by_name_without_their_attributes() {
        let jar = after(
            &["io=abc; Path=/; HttpOnly; SameSite=Strict", "LB=\"n=1\"", " a = b ;x", "kept=2"],
            None,
        );
        assert_eq!(header(&jar, 1_000), "kept=2; io=abc; LB=n=1; a=b");
        assert_eq!(Jar::default().header(None, Timestamp(0)), None);
        assert_eq!(format!("{jar:?}"), "Jar(4)");
    }

    #[test]
    fn conformance_9_a_users_cookies_are_merged_and_win() {
        let jar = after(&["io=abc", "b=2"], None);
        for (user, merged) in [
            (" io = mine; c=3 ", "kept=1; b=2; io = mine; c=3"),
            ("IO=mine", "kept=1; io=abc; b=2; IO=mine"),
            ("kept=; b; io=x", "kept=; b; io=x"),
            ("  ", "kept=1; io=abc; b=2"),
        ] {
            assert_eq!(jar.header(Some(user), Timestamp(0)).as_deref(), Some(merged), "{user}");
        }
        assert_eq!(Jar::default().header(Some("a=1"), Timestamp(0)).as_deref(), Some("a=1"));
        assert_eq!(Jar::default().header(Some(" "), Timestamp(0)), None);
    }

    #[test]
    fn conformance_9_expired_cookies_are_dropped() {
        for (attributes, date, ends) in [
            ("Max-Age=10", None, Some(11_000)),
            ("max-age = 10 ; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, Some(11_000)),
            ("Max-Age=x; Max-Age=10", None, Some(11_000)),
            ("Max-Age=99999999999999999999", None, None),
            ("Max-Age=", None, None),
            ("Expires=Tue, 15 Nov 1994 08:12:41 GMT", Some(DATE), Some(11_000)),
            ("expires=Tue, 15-Nov-94 08:12:41 GMT", Some(DATE), Some(11_000)),
            ("Expires=Tue Nov 15 08:12:41 1994", Some(DATE), Some(11_000)),
            // Nothing is compared with the clock of the device.
            ("Expires=Tue, 15 Nov 1994 08:12:41 GMT", None, None),
            ("Expires=Wed, 09 Jun 2500 10:18:14 GMT", None, None),
            ("Expires=soon", Some(DATE), None),
            ("", None, None),
        ] {
            let jar = after(&[&format!("kept=2; {attributes}")], date);
            let Some(ends) = ends else {
                assert_eq!(header(&jar, u64::MAX / 2), "kept=2", "{attributes}");
                continue;
            };
            assert_eq!(header(&jar, ends - 1), "kept=2", "{attributes}");
            assert_eq!(header(&jar, ends), "", "{attributes}");
        }
    }

    #[test]
    fn conformance_9_a_cookie_is_removed_by_its_end() {
        for (attributes, date) in [
            ("Max-Age=0", None),
            ("Max-Age=-5", None),
            ("Max-Age=0; Expires=Wed, 09 Jun 2500 10:18:14 GMT", Some(DATE)),
            ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Expires=Thu, 01-Jan-1970 00:00:01 GMT", None),
            ("Expires=0", None),
            ("Expires=-1", Some(DATE)),
            ("Expires=Tue, 15 Nov 1994 08:12:31 GMT", Some(DATE)),
        ] {
            assert_eq!(header(&after(&[&format!("kept=; {attributes}")], date), 1_000), "");
            // One that is not there is not put there.
            let jar = after(&[&format!("other=; {attributes}")], date);
            assert_eq!(header(&jar, 1_000), "kept=1", "{attributes}");
        }
    }

    #[test]
    fn what_no_header_can_carry_is_left_out() {
        for text in [
            "",
            "a",
            "=a",
            ";a=b",
            "a b=c",
            "a\r\nX=c",
            "a=b\r\nInjected: c",
            "a=b\0",
            "a=\u{e9}",
            "\u{e9}=a",
            "a=\t\u{7f}",
            "a,b=c",
            &format!("a={}", "b".repeat(4_096)),
        ] {
            assert_eq!(header(&after(&[text], None), 1_000), "kept=1", "{}", text.escape_debug());
        }
    }

    #[test]
    fn a_jar_holds_64_cookies_and_the_oldest_go_first() {
        let many: Vec<String> = (0..100).map(|number| format!("c{number}=x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let header = header(&after(&many, None), 1_000);
        assert_eq!(header.split("; ").count(), 64);
        assert!(header.starts_with("c36=x; c37=x") && header.ends_with("c99=x"));
    }

    #[test]
    fn a_cookie_that_ended_makes_room() {
        let mut jar = Jar::default();
        let many: Vec<String> = (0..64).map(|number| format!("c{number}=x; Max-Age=1")).collect();
        jar.store(&Cookies { set: many, date: None }, Timestamp(0));
        jar.store(&answer(&["a=1"], None), Timestamp(1_000));
        assert_eq!(jar.cookies.len(), 1);
    }

    #[test]
    fn dates_are_read_in_every_way_that_servers_write_them() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-1970 00:00:01 GMT", Some(1)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Wed, 09 Jun 69 10:18:14 GMT", Some(3_137_998_694)),
            ("Mon, 01 Jan 1601 00:00:00 GMT", Some(-11_644_473_600)),
            ("Mon, 01 Jan 1600 00:00:00 GMT", None),
            ("Sun, 06 Nov 1994", None),
            ("Sun, 06 Nov 08:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Non 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37:1 GMT", None),
            ("Sun, 06 Nov 1994 ::: GMT", None),
            ("\u{e9}\u{e9}\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), seconds, "{text}");
        }
    }
}
