//! From JSON to MessagePack.

use std::str;

use bytes::Bytes;
use rmp::encode::{self, ByteBuf};
use smallvec::SmallVec;

use crate::json::{self, PlaceholderKey, Watch};
use crate::proto::socket::packet::Kind;

const GROWS: &str = "a ByteBuf takes every write";

/// Write a packet. `data` is checked JSON, in which placeholders stand for `attachments`.
pub fn encode(
    kind: Kind,
    namespace: &str,
    id: Option<u64>,
    data: Option<&[u8]>,
    attachments: &[Bytes],
) -> Bytes {
    let bytes = data.map_or(0, <[u8]>::len) + attachments.iter().map(Bytes::len).sum::<usize>();
    let mut out = ByteBuf::with_capacity(namespace.len() + bytes + 64);
    let members = 2 + u32::from(id.is_some()) + u32::from(data.is_some());
    encode::write_map_len(&mut out, members).expect(GROWS);
    encode::write_str(&mut out, "type").expect(GROWS);
    encode::write_pfix(&mut out, number(kind)).expect(GROWS);
    encode::write_str(&mut out, "nsp").expect(GROWS);
    encode::write_str(&mut out, namespace).expect(GROWS);
    if let Some(json) = data {
        encode::write_str(&mut out, "data").expect(GROWS);
        out = transcode(out, json, attachments);
    }
    if let Some(id) = id {
        encode::write_str(&mut out, "id").expect(GROWS);
        encode::write_uint(&mut out, id).expect(GROWS);
    }
    Bytes::from(out.into_vec())
}

/// Packets with binary values have no types of their own here.
const fn number(kind: Kind) -> u8 {
    match kind {
        Kind::Connect => 0,
        Kind::Disconnect => 1,
        Kind::Event | Kind::BinaryEvent => 2,
        Kind::Ack | Kind::BinaryAck => 3,
        Kind::ConnectError => 4,
    }
}

/// Arrays and maps begin with their length, so the text is walked over twice.
fn transcode(out: ByteBuf, json: &[u8], attachments: &[Bytes]) -> ByteBuf {
    let mut survey = Survey { count: attachments.len(), ..Survey::default() };
    let checked = "the JSON of a packet is checked before it gets here";
    json::walk(json, &mut survey).expect(checked);
    let mut writer = Writer { out, shapes: survey.shapes.into_iter(), attachments, inside: 0 };
    json::walk(json, &mut writer).expect(checked);
    writer.out
}

/// What the first walk finds out about an array or object.
#[derive(Debug, Default)]
struct Shape {
    is_object: bool,
    length: u32,
    /// Its `_placeholder` is `true`.
    marked: bool,
    /// The attachment that its `num` names.
    num: Option<usize>,
}

impl Shape {
    fn attachment(&self) -> Option<usize> {
        self.num.filter(|_| self.is_object && self.marked)
    }
}

/// The first walk. Of equal keys the last one counts, as everywhere.
#[derive(Debug, Default)]
struct Survey {
    /// The number of attachments.
    count: usize,
    /// In the order in which they open.
    shapes: Vec<Shape>,
    open: SmallVec<[usize; 16]>,
    /// Of the value that comes next.
    key: PlaceholderKey,
}

impl Watch for Survey {
    fn open(&mut self) {
        // The array or object is itself a value, and neither `true` nor a number.
        self.scalar(b"[");
        self.open.push(self.shapes.len());
        self.shapes.push(Shape::default());
    }

    fn close(&mut self, is_object: bool, _offset: usize) {
        if let Some(index) = self.open.pop() {
            self.shapes[index].is_object = is_object;
        }
    }

    fn key(&mut self, raw: &[u8]) {
        self.key = PlaceholderKey::read(raw);
    }

    fn scalar(&mut self, raw: &[u8]) {
        let Some(&index) = self.open.last() else { return };
        let shape = &mut self.shapes[index];
        shape.length += 1;
        match self.key {
            PlaceholderKey::Placeholder => shape.marked = raw == b"true",
            PlaceholderKey::Num => {
                let num = str::from_utf8(raw).ok().and_then(|raw| raw.parse().ok());
                shape.num = num.filter(|num| *num < self.count);
            }
            PlaceholderKey::Other => {}
        }
    }
}

/// The second walk.
struct Writer<'a> {
    out: ByteBuf,
    shapes: std::vec::IntoIter<Shape>,
    attachments: &'a [Bytes],
    /// How many arrays and objects are open that a binary value has taken the place of.
    inside: usize,
}

impl Writer<'_> {
    fn text(&mut self, raw: &[u8]) {
        encode::write_str(&mut self.out, &json::decode_string_lossy(raw)).expect(GROWS);
    }

    fn number(&mut self, text: &str) {
        if let Ok(number) = text.parse() {
            encode::write_sint(&mut self.out, number).expect(GROWS);
        } else if let Ok(number) = text.parse() {
            encode::write_uint(&mut self.out, number).expect(GROWS);
        } else {
            let number = text.parse().unwrap_or(f64::NAN);
            encode::write_f64(&mut self.out, number).expect(GROWS);
        }
    }
}

impl Watch for Writer<'_> {
    fn open(&mut self) {
        let shape = self.shapes.next().unwrap_or_default();
        if self.inside > 0 {
            self.inside += 1;
        } else if let Some(num) = shape.attachment() {
            self.inside = 1;
            encode::write_bin(&mut self.out, &self.attachments[num]).expect(GROWS);
        } else if shape.is_object {
            encode::write_map_len(&mut self.out, shape.length).expect(GROWS);
        } else {
            encode::write_array_len(&mut self.out, shape.length).expect(GROWS);
        }
    }

    fn close(&mut self, _is_object: bool, _offset: usize) {
        self.inside = self.inside.saturating_sub(1);
    }

    fn key(&mut self, raw: &[u8]) {
        if self.inside == 0 {
            self.text(raw);
        }
    }

    fn scalar(&mut self, raw: &[u8]) {
        if self.inside > 0 {
            return;
        }
        match raw {
            b"null" => encode::write_nil(&mut self.out).expect(GROWS),
            b"true" | b"false" => {
                encode::write_bool(&mut self.out, raw == b"true").expect(GROWS);
            }
            [b'"', text @ .., b'"'] => self.text(text),
            number => self.number(str::from_utf8(number).unwrap_or_default()),
        }
    }
}
