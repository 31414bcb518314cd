//! Single Socket.IO packets as text: type, attachment count, namespace, ack id, JSON.
//!
//! ```text
//! packet = type [ count "-" ] [ "/" name "," ] [ id ] [ json ]
//! ```
//!
//! Protocol 5 goes with Engine.IO revision 4, protocol 4 with revision 3; they differ in what is
//! refused.
//!
//! Source: Socket.IO protocol, revisions 4 and 5, "Packet encoding"; socket.io-parser 3.4.5 and
//! 4.2.7, `decodeString`. Where they are careless (signs, white space and leading zeros in numbers),
//! this is strict.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::config::{Limits, Revision};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::payload::{Name, Span, Spans, is_reserved};
use crate::proto::engine::packet::MESSAGE;

/// More arguments than any server can spread into a call. A range takes four times the two bytes
/// of the shortest argument, so their number has to be bounded apart from the bytes.
pub(super) const MAX_ARGUMENTS: usize = 65_536;

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `0`: join a namespace, or the server's consent.
    Connect,
    /// `1`: leave a namespace.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event.
    Ack,
    /// `4`: the server's refusal of a namespace; ERROR in protocol 4.
    ConnectError,
    /// `5`: an event with binary attachments.
    BinaryEvent,
    /// `6`: an answer with binary attachments.
    BinaryAck,
}

impl Kind {
    const fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    const fn digit(self) -> u8 {
        b'0' + self as u8
    }

    const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// A decoded packet: ranges in its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is.
    pub kind: Kind,
    /// The namespace with its slash; `None` is `/`.
    pub namespace: Option<Span>,
    /// The ack id that the sender of an event wants answered, or that an ack answers.
    pub id: Option<u64>,
    /// How many binary messages belong to the packet and follow it.
    pub attachments: usize,
    /// The name of an event.
    pub name: Name,
    /// The arguments of an event behind its name, or of an ack.
    pub args: Spans,
    /// The payload of CONNECT, an object, or CONNECT_ERROR, an object or string; protocol 4 has other
    /// values too.
    pub body: Option<Span>,
}

impl Packet {
    /// The namespace as UTF-8 bytes; `frame` is the one that was decoded.
    pub fn namespace_bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        self.namespace.map_or(b"/", |span| span.of(frame))
    }
}

/// Decode the packet that starts at `start` of a text frame, which is known to be UTF-8.
///
/// Copies nothing, and allocates nothing for a plain event of up to four arguments. With revision 3
/// an event may have any name, CONNECT `null` or an array, and ERROR any value.
///
/// # Errors
/// [`Code::SocketPacket`] for anything that the protocol does not allow, [`Code::Attachments`] when
/// the attachment count is none or above the limit, or when a placeholder names no attachment. Both
/// end the connection.
pub fn decode(frame: &Bytes, start: usize, revision: Revision, limits: &Limits) -> Result<Packet> {
    let mut cursor = Cursor { frame, at: start };
    let digit = cursor.peek().ok_or_else(|| bad("empty packet"))?;
    let kind = Kind::from_digit(digit)
        .ok_or_else(|| bad(format!("unknown packet type '{}'", digit.escape_ascii())))?;
    cursor.at += 1;
    let attachments = if kind.is_binary() { cursor.attachments(limits)? } else { 0 };
    let namespace = cursor.namespace();
    let id = cursor.id()?;
    if kind.is_binary() && cursor.peek() == Some(b'-') {
        return Err(bad_attachments("a second attachment count"));
    }
    let mut packet = Packet {
        kind,
        namespace,
        id,
        attachments,
        name: Name::None,
        args: Spans::new(),
        body: None,
    };
    let json = Span::new(cursor.at, frame.len());
    match kind {
        Kind::Connect | Kind::ConnectError => {
            packet.body = body(frame, json, kind, revision, limits)?;
        }
        Kind::Disconnect if json.is_empty() => {}
        Kind::Disconnect => return Err(bad("DISCONNECT with a payload")),
        Kind::Ack if json.is_empty() => {}
        Kind::Ack | Kind::BinaryAck => arguments(frame, json, None, &mut packet.args, limits)?,
        Kind::Event | Kind::BinaryEvent => {
            let mut first = Span::default();
            arguments(frame, json, Some(&mut first), &mut packet.args, limits)?;
            packet.name = event_name(frame, first)?;
            // Protocol 5 promises that no server sends these.
            if revision != Revision::V3 && is_reserved(packet.name.bytes(frame)) {
                return Err(bad("event with a reserved name"));
            }
        }
    }
    if kind.is_binary() {
        check_placeholders(frame, &packet.args, attachments)?;
    }
    Ok(packet)
}

struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.frame.get(self.at).copied()
    }

    /// The digits from here on, as text.
    fn digits(&mut self) -> &[u8] {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        &self.frame[start..self.at]
    }

    fn attachments(&mut self, limits: &Limits) -> Result<usize> {
        let count = self.digits();
        let parsed = decimal(count);
        if count.is_empty() || self.peek() != Some(b'-') {
            return Err(bad_attachments("no attachment count"));
        }
        self.at += 1;
        let limit = limits.inbound_attachments;
        match parsed {
            Some(count) if count <= limit as u64 => Ok(count as usize),
            _ => Err(bad_attachments(format!("not an attachment count of at most {limit}"))),
        }
    }

    /// A namespace goes from its slash to the first comma, or to the end.
    fn namespace(&mut self) -> Option<Span> {
        if self.peek() != Some(b'/') {
            return None;
        }
        let rest = &self.frame[self.at..];
        let length = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
        let span = Span::new(self.at, self.at + length);
        self.at = self.frame.len().min(self.at + length + 1);
        (length > 1).then_some(span)
    }

    fn id(&mut self) -> Result<Option<u64>> {
        match self.digits() {
            [] => Ok(None),
            digits => decimal(digits).map(Some).ok_or_else(|| bad("ack id is no 64-bit integer")),
        }
    }
}

/// The number that decimal digits say, unless they have leading zeros or do not fit.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

fn body(
    frame: &[u8],
    json: Span,
    kind: Kind,
    revision: Revision,
    limits: &Limits,
) -> Result<Option<Span>> {
    let text = json.of(frame);
    let Some(&first) = text.first() else { return Ok(None) };
    if !is_body(kind, first, revision) {
        return Err(bad("payload of a kind that the packet does not have"));
    }
    let check = if first == b'{' { json::check_object } else { json::check_value };
    check(text, limits.json_depth).map_err(|error| bad(format!("payload: {error}")))?;
    Ok(Some(json))
}

/// Whether the payload of CONNECT or CONNECT_ERROR may be JSON that begins like this.
pub(super) fn is_body(kind: Kind, first: u8, revision: Revision) -> bool {
    match (kind, first) {
        (_, b'{') | (Kind::ConnectError, b'"') => true,
        (Kind::Connect, b'[' | b'n') | (Kind::ConnectError, _) => revision == Revision::V3,
        _ => false,
    }
}

/// Check the array and push its elements; the first one goes to `first` if that is given.
fn arguments(
    frame: &[u8],
    json: Span,
    mut first: Option<&mut Span>,
    args: &mut Spans,
    limits: &Limits,
) -> Result<()> {
    let mut too_many = false;
    json::visit_array(frame, json, limits.json_depth, |element| match first.take() {
        Some(first) => *first = element,
        None if args.len() < MAX_ARGUMENTS => args.push(element),
        None => too_many = true,
    })
    .map_err(|error| bad(format!("payload: {error}")))?;
    if too_many {
        return Err(bad(format!("more than {MAX_ARGUMENTS} arguments")));
    }
    Ok(())
}

/// Every placeholder in the arguments has to name one of the attachments.
pub(super) fn check_placeholders(frame: &[u8], args: &[Span], attachments: usize) -> Result<()> {
    args.iter().try_for_each(|argument| {
        json::check_placeholders(argument.of(frame), attachments)
            .map(drop)
            .map_err(|error| bad_attachments(error.to_string()))
    })
}

/// The name in the first element of an event. A number is one too: the reference parser takes it.
pub(super) fn event_name(frame: &[u8], element: Span) -> Result<Name> {
    if let Some(b'-' | b'0'..=b'9') = element.of(frame).first() {
        return Ok(Name::Plain(element));
    }
    Name::read(frame, element).ok_or_else(|| bad("event name is no text"))
}

pub(super) fn bad(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::SocketPacket, what)
}

pub(super) fn bad_attachments(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::Attachments, what)
}

/// What stands in front of the JSON of a packet, with the digit of the engine message around it.
///
/// `attachments` is written for the binary kinds only.
pub fn header(
    kind: Kind,
    namespace: &str,
    attachments: usize,
    id: Option<u64>,
) -> SmallVec<[u8; 64]> {
    let mut out = SmallVec::from_slice(&[MESSAGE, kind.digit()]);
    if kind.is_binary() {
        push_decimal(&mut out, attachments as u64);
        out.push(b'-');
    }
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        push_decimal(&mut out, id);
    }
    out
}

fn push_decimal(out: &mut SmallVec<[u8; 64]>, number: u64) {
    if number >= 10 {
        push_decimal(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

/// The frame that joins a namespace. `auth_json` is an object that was checked.
pub fn connect(namespace: &str, auth_json: Option<&str>) -> Bytes {
    let header = header(Kind::Connect, namespace, 0, None);
    let auth = auth_json.unwrap_or_default().as_bytes();
    let mut out = BytesMut::with_capacity(header.len() + auth.len());
    out.put_slice(&header);
    out.put_slice(auth);
    out.freeze()
}

/// The frame that leaves a namespace.
pub fn disconnect(namespace: &str) -> Bytes {
    Bytes::copy_from_slice(&header(Kind::Disconnect, namespace, 0, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_text(text: &str) -> Result<Packet> {
        decode_as(Revision::V4, text)
    }

    fn decode_as(revision: Revision, text: &str) -> Result<Packet> {
        decode(&Bytes::copy_from_slice(text.as_bytes()), 0, revision, &Limits::default())
    }

    fn refusal(text: &str) -> Code {
        decode_text(text).expect_err(text).code()
    }

    /// The parts of a packet as text: namespace, name, arguments, body.
    fn parts(text: &str) -> (String, String, Vec<String>, Option<String>) {
        let packet = decode_text(text).expect(text);
        let cut = |span: Span| String::from_utf8_lossy(span.of(text.as_bytes())).into_owned();
        let name = match &packet.name {
            Name::None => String::new(),
            Name::Plain(span) => cut(*span),
            Name::Decoded(name) => name.to_string(),
        };
        let namespace = String::from_utf8_lossy(packet.namespace_bytes(text.as_bytes())).into();
        (namespace, name, packet.args.iter().map(|span| cut(*span)).collect(), packet.body.map(cut))
    }

    #[test]
    fn an_event_is_ranges_in_its_frame_and_allocates_nothing() {
        let text = r#"42/chat,7["text", {"a":[1]} ,2,3,"x"]"#;
        let frame = Bytes::from_static(text.as_bytes());
        let packet = decode(&frame, 1, Revision::V4, &Limits::default()).expect("valid");
        assert_eq!((packet.kind, packet.id, packet.attachments), (Kind::Event, Some(7), 0));
        assert_eq!(packet.namespace_bytes(&frame), b"/chat");
        assert!(matches!(packet.name, Name::Plain(span) if span.of(&frame) == b"text"));
        let args: Vec<&[u8]> = packet.args.iter().map(|span| span.of(&frame)).collect();
        assert_eq!(args, [&br#"{"a":[1]}"#[..], b"2", b"3", br#""x""#]);
        assert!(!packet.args.spilled());
    }

    #[test]
    fn optional_parts_may_be_missing() {
        let none = || (String::from("/"), String::new(), Vec::new(), None);
        for text in ["0", "0/", "1", "1/,", "31", "3[]", "31[]", "4", "4/"] {
            assert_eq!(parts(text), none(), "{text}");
        }
        assert_eq!(decode_text("0/,").expect("valid").namespace, None);
        assert_eq!(parts("0/a?b=c,{}").0, "/a?b=c");
        assert_eq!(parts("1//").0, "//");
        assert_eq!(parts(r#"4/a,"no""#).3.as_deref(), Some("\"no\""));
        assert_eq!(parts(r#"50-["a",{}]"#).2, ["{}"]);
        assert_eq!(parts("2[-1.5,0]").1, "-1.5");
        assert_eq!(parts(r#"2["\u0061\n"]"#).1, "a\n");
        assert_eq!(parts(r#"2["error"]"#).1, "error");
        assert_eq!(parts(r#"2["a",{"_placeholder":true,"num":9}]"#).2.len(), 1);
    }

    #[test]
    fn what_the_protocol_does_not_allow_is_refused() {
        for text in [
            "",
            "7",
            "9",
            "x",
            "-1",
            "0\"x\"",
            "0[]",
            "0null",
            "0{bad",
            "0{} ",
            "1{}",
            "1\"x\"",
            "4[]",
            "4null",
            "41,2",
            "2",
            "212",
            "2/a",
            "2[]",
            "2{}",
            "2\"a\"",
            "2[\"a\"",
            "2[null]",
            "2[{}]",
            "2[true]",
            "2[[\"a\"]]",
            "2/admin[\"a\"]",
            "2 [\"a\"]",
            "2[\"a\"] ",
            "31{}",
            "31null",
            "51-5{}",
            "61-1",
            "50-",
            "51-[{\"_placeholder\":true,\"num\":0}]",
            r#"2["\ud800"]"#,
            r#"2["\u0063onnect"]"#,
        ] {
            assert_eq!(refusal(text), Code::SocketPacket, "{text}");
        }
        for name in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        ] {
            assert_eq!(refusal(&format!("2[\"{name}\"]")), Code::SocketPacket);
        }
    }

    #[test]
    fn protocol_4_has_more_payloads_and_no_reserved_names() {
        let old = |text: &str| decode_as(Revision::V3, text);
        for text in ["0[]", "0null", "4[]", "4null", "4true", "4\"x\"", r#"4{"a":1}"#] {
            assert!(old(text).expect(text).body.is_some(), "{text}");
        }
        for name in ["connect", "disconnect", "connect_error", "error"] {
            old(&format!("2[\"{name}\"]")).expect(name);
        }
        for text in ["0\"x\"", "0{bad", "4bad", "4[", "1{}", "2[]", "2[null]", "31{}", "7"] {
            assert_eq!(old(text).expect_err(text).code(), Code::SocketPacket, "{text}");
        }
        assert_eq!(old("5[\"a\"]").expect_err("no count").code(), Code::Attachments);
    }

    #[test]
    fn an_ack_id_is_a_plain_64_bit_integer() {
        for (text, id) in [("30[]", 0), ("3/a,7[]", 7), ("318446744073709551615[]", u64::MAX)] {
            assert_eq!(decode_text(text).expect(text).id, Some(id));
        }
        let huge = format!("3{}[]", "9".repeat(400));
        for text in [
            "318446744073709551616[]",
            &huge,
            "3007[]",
            "300[]",
            "3-1[]",
            "3+1[]",
            "3 1[]",
            "31.5[]",
            "31e1[]",
        ] {
            assert_eq!(refusal(text), Code::SocketPacket, "{text}");
        }
    }

    #[test]
    fn attachment_counts_are_checked_before_anything_else() {
        let count = |text: &str| decode_text(text).map(|packet| packet.attachments);
        assert_eq!(count(r#"564-["a"]"#), Ok(64));
        assert_eq!(count(r#"62-/a,1[{"_placeholder":true,"num":1}]"#), Ok(2));
        let huge = format!("5{}-[\"a\"]", "9".repeat(400));
        for text in [
            "5",
            r#"5["a"]"#,
            r#"51["a"]"#,
            r#"5-["a"]"#,
            r#"5-1-["a"]"#,
            r#"51.5-["a"]"#,
            r#"5+1-["a"]"#,
            r#"565-["a"]"#,
            "51000000000-[",
            &huge,
            r#"51-1-["a"]"#,
            r#"51--["a"]"#,
            r#"501-["a"]"#,
            r#"50-["a",{"_placeholder":true,"num":0}]"#,
            r#"51-["a",{"_placeholder":true,"num":1}]"#,
            r#"51-["a",[{"_placeholder":true}]]"#,
        ] {
            assert_eq!(refusal(text), Code::Attachments, "{text}");
        }
    }

    #[test]
    fn nesting_and_the_number_of_arguments_are_limited() {
        let nested =
            |levels: usize| format!("2[\"a\",{}{}]", "[".repeat(levels), "]".repeat(levels));
        assert!(decode_text(&nested(127)).is_ok());
        assert_eq!(refusal(&nested(128)), Code::SocketPacket);
        let many = |count: usize| format!("3[{}1]", "1,".repeat(count - 1));
        assert_eq!(decode_text(&many(MAX_ARGUMENTS)).expect("most").args.len(), MAX_ARGUMENTS);
        assert_eq!(refusal(&many(MAX_ARGUMENTS + 1)), Code::SocketPacket);
    }

    #[test]
    fn headers_have_every_part_in_its_place() {
        let text = |kind, namespace, attachments, id| {
            String::from_utf8(header(kind, namespace, attachments, id).to_vec()).expect("ASCII")
        };
        assert_eq!(text(Kind::Event, "/", 0, None), "42");
        assert_eq!(text(Kind::Event, "/nsp", 0, Some(7)), "42/nsp,7");
        assert_eq!(text(Kind::BinaryEvent, "/nsp", 12, Some(0)), "4512-/nsp,0");
        assert_eq!(text(Kind::BinaryAck, "/", 1, Some(u64::MAX)), "461-18446744073709551615");
        assert_eq!(connect("/", None), "40");
        assert_eq!(connect("/a", Some("{\"t\":1}")), "40/a,{\"t\":1}");
        assert_eq!(disconnect("/a"), "41/a,");
    }
}
