//! Walking through an archive: each value has to be what is expected.

use super::Problem;
use crate::driver::tls::der::{INTEGER, Values};

pub(super) const OCTET_STRING: u8 = 0x04;

/// Values one behind the other.
pub(super) struct Fields<'a>(Values<'a>);

impl<'a> Fields<'a> {
    pub(super) const fn new(values: &'a [u8]) -> Self {
        Self(Values(values))
    }

    /// Whether there are further values.
    pub(super) const fn more(&self) -> bool {
        !self.0.0.is_empty()
    }

    /// Whether the next value has this tag.
    pub(super) fn next_is(&self, tag: u8) -> bool {
        self.0.0.first() == Some(&tag)
    }

    /// The content of the next value, which has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], Problem> {
        self.0.expect(tag).map(|value| value.content).ok_or(Problem::Malformed)
    }

    /// What the next value consists of.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, Problem> {
        self.take(tag).map(Self::new)
    }

    /// The next value, a count.
    pub(super) fn number(&mut self) -> Result<u32, Problem> {
        let bytes = self.take(INTEGER)?;
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        match u32::try_from(number) {
            Ok(number) if bytes.len() <= 5 && number > 0 => Ok(number),
            _ => Err(Problem::Malformed),
        }
    }
}
