//! From MessagePack to JSON.

use std::fmt::Write as _;
use std::str;

use bytes::{BufMut as _, Bytes, BytesMut};
use rmp::Marker;

use crate::config::{Limits, Revision};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::payload::{Name, Span, Spans};
use crate::proto::socket::decoder::Received;
use crate::proto::socket::packet::{
    self, Kind, MAX_ARGUMENTS, Packet, bad, bad_attachments, is_body,
};

/// Room for JSON at first; it grows.
const FIRST_ROOM: usize = 4096;
const GROWS: &str = "a BytesMut takes every write";

/// Read a packet, which fills its frame.
///
/// The JSON of its arguments is written into a frame of its own; attachments are slices of the
/// original. What is not known of the map is skipped. Nothing is allocated for lengths that the frame
/// only claims.
///
/// # Errors
/// [`Code::SocketPacket`] for what is no packet, [`Code::Attachments`] for more attachments than
/// `limits` allow or a map that looks like a placeholder of none, [`Code::PayloadLimit`] when the JSON
/// is longer than an inbound message may be. All end the connection.
pub fn decode(frame: &Bytes, revision: Revision, limits: &Limits) -> Result<Received> {
    let room = BytesMut::with_capacity(frame.len().min(FIRST_ROOM));
    let mut reader = Reader { frame, at: 0, json: room, attachments: Vec::new(), limits };
    let mut parts = Parts::default();
    let Item::Map(members) = reader.next()? else { return Err(bad("msgpack: not a map")) };
    for _ in 0..members {
        let Item::Text(key) = reader.next()? else {
            return Err(bad("msgpack: a key of the packet is no text"));
        };
        reader.member(key, &mut parts)?;
    }
    if reader.at != frame.len() {
        return Err(bad("msgpack: bytes behind the packet"));
    }
    let (json, attachments) = (reader.json.freeze(), reader.attachments);
    let packet = parts.into_packet(&json, attachments.len(), revision)?;
    Ok(Received { packet, frame: json, attachments })
}

/// The members of a packet, so far.
#[derive(Default)]
struct Parts {
    kind: Option<Kind>,
    namespace: Option<Span>,
    id: Option<u64>,
    data: Option<Span>,
    /// The elements of `data`, if it is an array.
    elements: Option<Spans>,
}

impl Parts {
    fn into_packet(self, json: &[u8], attachments: usize, revision: Revision) -> Result<Packet> {
        let kind = self.kind.ok_or_else(|| bad("msgpack: packet without a type"))?;
        let namespace = self.namespace.ok_or_else(|| bad("msgpack: packet without a namespace"))?;
        let first = self.data.and_then(|data| data.of(json).first().copied());
        let mut args = Spans::new();
        let mut name = Name::None;
        match (kind, self.elements) {
            (Kind::Event, Some(mut elements)) if !elements.is_empty() => {
                name = packet::event_name(json, elements.remove(0))?;
                args = elements;
            }
            (Kind::Ack, Some(elements)) => args = elements,
            (Kind::Ack | Kind::Disconnect, None) if first.is_none() => {}
            (Kind::Connect | Kind::ConnectError, _)
                if first.is_none_or(|first| is_body(kind, first, revision)) => {}
            _ => return Err(bad("msgpack: data of a kind that the packet does not have")),
        }
        let kind = match kind {
            Kind::Event if attachments > 0 => Kind::BinaryEvent,
            Kind::Ack if attachments > 0 => Kind::BinaryAck,
            other => other,
        };
        if attachments > 0 {
            // Maps can look like placeholders.
            packet::check_placeholders(json, &args, attachments)?;
        }
        let body = self.data.filter(|_| matches!(kind, Kind::Connect | Kind::ConnectError));
        let namespace = Some(namespace).filter(|namespace| namespace.of(json) != b"/");
        Ok(Packet { kind, namespace, id: self.id, attachments, name, args, body })
    }
}

/// The next thing in a frame.
enum Item<'a> {
    /// Also what JavaScript calls undefined.
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Binary(&'a [u8]),
    Array(usize),
    Map(usize),
    Ext(i8, &'a [u8]),
}

struct Reader<'a> {
    frame: &'a Bytes,
    at: usize,
    json: BytesMut,
    attachments: Vec<Bytes>,
    limits: &'a Limits,
}

impl<'a> Reader<'a> {
    fn member(&mut self, key: &str, parts: &mut Parts) -> Result<()> {
        let known_twice = match key {
            "type" => {
                let kind = match self.next()? {
                    Item::Unsigned(0) => Kind::Connect,
                    Item::Unsigned(1) => Kind::Disconnect,
                    Item::Unsigned(2) => Kind::Event,
                    Item::Unsigned(3) => Kind::Ack,
                    Item::Unsigned(4) => Kind::ConnectError,
                    _ => return Err(bad("msgpack: unknown packet type")),
                };
                parts.kind.replace(kind).is_some()
            }
            "nsp" => {
                let Item::Text(name) = self.next()? else {
                    return Err(bad("msgpack: the namespace is no text"));
                };
                let start = self.json.len();
                self.json.put_slice(name.as_bytes());
                parts.namespace.replace(Span::new(start, self.json.len())).is_some()
            }
            "id" => match self.next()? {
                Item::Null => false,
                Item::Unsigned(id) => parts.id.replace(id).is_some(),
                _ => return Err(bad("msgpack: ack id is no 64-bit integer")),
            },
            "data" => {
                let twice = parts.data.is_some();
                self.data(parts)?;
                twice
            }
            _ => {
                self.skip()?;
                false
            }
        };
        if known_twice { Err(bad("msgpack: a member of the packet twice")) } else { Ok(()) }
    }

    fn data(&mut self, parts: &mut Parts) -> Result<()> {
        let start = self.json.len();
        match self.next()? {
            Item::Null => return Ok(()),
            Item::Array(length) => {
                // With the name of an event.
                if length > MAX_ARGUMENTS + 1 {
                    return Err(bad(format!("more than {MAX_ARGUMENTS} arguments")));
                }
                let mut elements = Spans::new();
                self.array(length, 0, |element| elements.push(element))?;
                parts.elements = Some(elements);
            }
            item => self.value(item, 0)?,
        }
        parts.data = Some(Span::new(start, self.json.len()));
        Ok(())
    }

    /// Write a value; `depth` arrays and maps are open around it.
    fn value(&mut self, item: Item<'a>, depth: usize) -> Result<()> {
        match item {
            Item::Null => self.json.put_slice(b"null"),
            Item::Bool(true) => self.json.put_slice(b"true"),
            Item::Bool(false) => self.json.put_slice(b"false"),
            Item::Unsigned(number) => write!(self.json, "{number}").expect(GROWS),
            Item::Signed(number) => write!(self.json, "{number}").expect(GROWS),
            // Writes `null` for what is no number.
            Item::Float(number) => {
                serde_json::to_writer((&mut self.json).writer(), &number).expect(GROWS);
            }
            Item::Text(text) => json::write_string(&mut self.json, text),
            Item::Binary(bytes) => self.binary(bytes)?,
            Item::Array(length) => self.array(length, depth, |_| {})?,
            Item::Map(length) => self.map(length, depth)?,
            Item::Ext(kind, bytes) => self.ext(kind, bytes)?,
        }
        if self.json.len() > self.limits.inbound_message {
            return Err(Error::new(Code::PayloadLimit, "the JSON of a packet is above the limit"));
        }
        Ok(())
    }

    fn array(&mut self, length: usize, depth: usize, mut visit: impl FnMut(Span)) -> Result<()> {
        self.check_depth(depth)?;
        self.json.put_u8(b'[');
        for index in 0..length {
            if index > 0 {
                self.json.put_u8(b',');
            }
            let start = self.json.len();
            let item = self.next()?;
            self.value(item, depth + 1)?;
            visit(Span::new(start, self.json.len()));
        }
        self.json.put_u8(b']');
        Ok(())
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<()> {
        self.check_depth(depth)?;
        self.json.put_u8(b'{');
        for index in 0..length {
            if index > 0 {
                self.json.put_u8(b',');
            }
            match self.next()? {
                Item::Text(key) => json::write_string(&mut self.json, key),
                Item::Unsigned(key) => write!(self.json, "\"{key}\"").expect(GROWS),
                Item::Signed(key) => write!(self.json, "\"{key}\"").expect(GROWS),
                _ => return Err(bad("msgpack: a key is neither text nor an integer")),
            }
            self.json.put_u8(b':');
            let item = self.next()?;
            self.value(item, depth + 1)?;
        }
        self.json.put_u8(b'}');
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<()> {
        let limit = self.limits.json_depth.min(json::MAX_DEPTH);
        if depth < limit { Ok(()) } else { Err(bad(format!("nested deeper than {limit}"))) }
    }

    /// Cut a binary value out of the frame and write its placeholder.
    fn binary(&mut self, bytes: &'a [u8]) -> Result<()> {
        let limit = self.limits.inbound_attachments;
        let num = self.attachments.len();
        if num >= limit {
            return Err(bad_attachments(format!("more than {limit} attachments")));
        }
        write!(self.json, "{{\"_placeholder\":true,\"num\":{num}}}").expect(GROWS);
        self.attachments.push(self.frame.slice_ref(bytes));
        Ok(())
    }

    fn ext(&mut self, kind: i8, bytes: &'a [u8]) -> Result<()> {
        let date = match (kind, bytes.len()) {
            (0, 8) => Some(i64::from_be_bytes(fixed(bytes))),
            (-1, 4) => Some(i64::from(u32::from_be_bytes(fixed(bytes))) * 1000),
            (-1, 8) => {
                let both = u64::from_be_bytes(fixed(bytes));
                let (nanoseconds, seconds) = (both >> 34, both & ((1 << 34) - 1));
                Some((seconds * 1000 + nanoseconds / 1_000_000) as i64)
            }
            (-1, 12) => {
                let nanoseconds = u32::from_be_bytes(fixed(bytes));
                let seconds = i64::from_be_bytes(fixed(&bytes[4..]));
                Some(
                    seconds.saturating_mul(1000).saturating_add(i64::from(nanoseconds / 1_000_000)),
                )
            }
            _ => None,
        };
        match date {
            Some(milliseconds) => self.date(milliseconds),
            None => {
                write!(self.json, "[{kind},").expect(GROWS);
                self.binary(bytes)?;
                self.json.put_u8(b']');
            }
        }
        Ok(())
    }

    /// A date as JavaScript writes it: milliseconds since 1970, UTC, in the Gregorian calendar.
    fn date(&mut self, milliseconds: i64) {
        const DAY: i64 = 86_400_000;
        // What `Date` can hold; anything else is an invalid one.
        if milliseconds.unsigned_abs() > 8_640_000_000_000_000 {
            return self.json.put_slice(b"null");
        }
        let (days, time) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
        // Years that begin in March end with the day that only some of them have; every 400 of them
        // are equally long.
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let year = era * 400 + year + i64::from(month >= 10);
        let month = if month < 10 { month + 3 } else { month - 9 };
        let out = &mut self.json;
        if (0..=9999).contains(&year) {
            write!(out, "\"{year:04}").expect(GROWS);
        } else {
            write!(out, "\"{year:+07}").expect(GROWS);
        }
        let (hour, minute) = (time / 3_600_000, time / 60_000 % 60);
        let (second, milli) = (time / 1000 % 60, time % 1000);
        write!(out, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\"")
            .expect(GROWS);
    }

    /// Step over a value that nobody wants to know.
    fn skip(&mut self) -> Result<()> {
        let mut values = 1u64;
        while values > 0 {
            values -= 1;
            match self.next()? {
                Item::Array(length) => values += length as u64,
                Item::Map(length) => values += 2 * length as u64,
                _ => {}
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Item<'a>> {
        let marker = Marker::from_u8(self.take(1)?[0]);
        Ok(match marker {
            Marker::Null => Item::Null,
            Marker::False => Item::Bool(false),
            Marker::True => Item::Bool(true),
            Marker::FixPos(number) => Item::Unsigned(number.into()),
            Marker::FixNeg(number) => Item::Signed(number.into()),
            Marker::U8 => Item::Unsigned(self.unsigned(1)?),
            Marker::U16 => Item::Unsigned(self.unsigned(2)?),
            Marker::U32 => Item::Unsigned(self.unsigned(4)?),
            Marker::U64 => Item::Unsigned(self.unsigned(8)?),
            Marker::I8 => signed(self.unsigned(1)? as i8),
            Marker::I16 => signed(self.unsigned(2)? as i16),
            Marker::I32 => signed(self.unsigned(4)? as i32),
            Marker::I64 => signed(self.unsigned(8)? as i64),
            Marker::F32 => Item::Float(f32::from_bits(self.unsigned(4)? as u32).into()),
            Marker::F64 => Item::Float(f64::from_bits(self.unsigned(8)?)),
            Marker::FixStr(length) => self.text(length.into())?,
            Marker::Str8 => self.sized(1, Self::text)?,
            Marker::Str16 => self.sized(2, Self::text)?,
            Marker::Str32 => self.sized(4, Self::text)?,
            Marker::Bin8 => self.sized(1, Self::bytes)?,
            Marker::Bin16 => self.sized(2, Self::bytes)?,
            Marker::Bin32 => self.sized(4, Self::bytes)?,
            Marker::FixArray(length) => self.items(length.into())?,
            Marker::Array16 => self.sized(2, Self::items)?,
            Marker::Array32 => self.sized(4, Self::items)?,
            Marker::FixMap(length) => self.pairs(length.into())?,
            Marker::Map16 => self.sized(2, Self::pairs)?,
            Marker::Map32 => self.sized(4, Self::pairs)?,
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.sized(1, Self::extension)?,
            Marker::Ext16 => self.sized(2, Self::extension)?,
            Marker::Ext32 => self.sized(4, Self::extension)?,
            Marker::Reserved => return Err(bad("msgpack: unknown format")),
        })
    }

    /// Read a length of so many bytes, and what has that length.
    fn sized(
        &mut self,
        width: usize,
        read: impl FnOnce(&mut Self, usize) -> Result<Item<'a>>,
    ) -> Result<Item<'a>> {
        let length = self.unsigned(width)? as usize;
        read(self, length)
    }

    fn text(&mut self, length: usize) -> Result<Item<'a>> {
        let text = str::from_utf8(self.take(length)?);
        text.map(Item::Text).map_err(|_| bad("msgpack: text is not UTF-8"))
    }

    fn bytes(&mut self, length: usize) -> Result<Item<'a>> {
        self.take(length).map(Item::Binary)
    }

    fn items(&mut self, length: usize) -> Result<Item<'a>> {
        self.check_left(length)?;
        Ok(Item::Array(length))
    }

    fn pairs(&mut self, length: usize) -> Result<Item<'a>> {
        self.check_left(length.saturating_mul(2))?;
        Ok(Item::Map(length))
    }

    fn extension(&mut self, length: usize) -> Result<Item<'a>> {
        let kind = self.unsigned(1)? as i8;
        let bytes = self.take(length)?;
        Ok(if kind == 0 && length != 8 { Item::Null } else { Item::Ext(kind, bytes) })
    }

    /// A big-endian integer.
    fn unsigned(&mut self, width: usize) -> Result<u64> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        self.check_left(length)?;
        let start = self.at;
        self.at += length;
        Ok(&self.frame[start..self.at])
    }

    /// Every value takes a byte at least.
    fn check_left(&self, least: usize) -> Result<()> {
        if least > self.frame.len() - self.at {
            return Err(bad("msgpack: ends too early"));
        }
        Ok(())
    }
}

fn signed(number: impl Into<i64>) -> Item<'static> {
    let number = number.into();
    u64::try_from(number).map_or(Item::Signed(number), Item::Unsigned)
}

/// The first bytes of a value whose length was checked.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("the length was checked")
}
