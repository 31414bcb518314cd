//! Ids and keys from a seed.

/// A deterministic source of ids and keys (SplitMix64).
///
/// Equal seeds give equal runs. Nothing here is fit for a secret that matters.
#[derive(Debug)]
pub(super) struct Ids {
    state: u64,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Text of `digits` lower-case hexadecimal digits.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        self.text(digits, b"0123456789abcdef")
    }

    /// Text of `digits` lower-case digits and letters.
    pub(super) fn base36(&mut self, digits: usize) -> String {
        self.text(digits, b"0123456789abcdefghijklmnopqrstuvwxyz")
    }

    /// A number below 10^18, as legacy streams have for a name.
    pub(super) fn decimal(&mut self) -> String {
        (self.next() % 1_000_000_000_000_000_000).to_string()
    }

    fn text(&mut self, digits: usize, alphabet: &[u8]) -> String {
        let size = alphabet.len() as u64;
        (0..digits).map(|_| alphabet[(self.next() % size) as usize] as char).collect()
    }
}
