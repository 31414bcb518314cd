//! The machine that walks over JSON text.

use std::ops::Range;

use super::string::find_special;
use super::{JsonError, JsonErrorKind, MAX_DEPTH};

/// Somebody who follows the scanner through a value. `()` follows nothing and costs nothing.
pub(crate) trait Watch {
    /// An array or object begins.
    fn open(&mut self) {}
    /// An object or array ends before `offset`.
    fn close(&mut self, _is_object: bool, _offset: usize) {}
    /// The key of the value that comes next, as between its quotes.
    fn key(&mut self, _raw: &[u8]) {}
    /// A string, number or literal.
    fn scalar(&mut self, _raw: &[u8]) {}
}

impl Watch for () {}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    pub(super) at: usize,
    max_depth: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8], at: usize, max_depth: usize) -> Self {
        Self { text, at, max_depth: max_depth.min(MAX_DEPTH) }
    }

    /// Check one value from its first byte on; `depth` arrays and objects are open around it.
    pub(super) fn value<W: Watch>(&mut self, depth: usize, watch: &mut W) -> Result<(), JsonError> {
        let mut open = depth;
        // One bit per open container, the innermost lowest: set for objects.
        let mut objects = 0u128;
        loop {
            let start = self.at;
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    watch.scalar(&self.text[start..self.at]);
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    watch.scalar(&self.text[start..self.at]);
                }
                Some(opening @ (b'{' | b'[')) => {
                    if open >= self.max_depth {
                        return Err(self.too_deep());
                    }
                    open += 1;
                    let is_object = opening == b'{';
                    objects = objects << 1 | u128::from(is_object);
                    watch.open();
                    self.at += 1;
                    self.skip_space();
                    // `]` and `}` lie two behind their opening bracket.
                    if self.peek() != Some(opening + 2) {
                        if is_object {
                            let key = self.key()?;
                            watch.key(&self.text[key]);
                        }
                        continue;
                    }
                }
                Some(b't') => self.literal(b"true", watch)?,
                Some(b'f') => self.literal(b"false", watch)?,
                Some(b'n') => self.literal(b"null", watch)?,
                _ => return Err(self.wrong()),
            }
            loop {
                if open == depth {
                    return Ok(());
                }
                self.skip_space();
                let is_object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_space();
                        if is_object {
                            let key = self.key()?;
                            watch.key(&self.text[key]);
                        }
                        break;
                    }
                    Some(closing) if closing == if is_object { b'}' } else { b']' } => {
                        self.at += 1;
                        watch.close(is_object, self.at);
                        objects >>= 1;
                        open -= 1;
                    }
                    _ => return Err(self.wrong()),
                }
            }
        }
    }

    /// Enter the outermost container; whether it has something in it.
    pub(super) fn open(&mut self, opening: u8, closing: u8) -> Result<bool, JsonError> {
        if self.peek() != Some(opening) {
            return Err(self.wrong());
        }
        if self.max_depth == 0 {
            return Err(self.too_deep());
        }
        self.at += 1;
        self.skip_space();
        let empty = self.peek() == Some(closing);
        self.at += usize::from(empty);
        Ok(!empty)
    }

    /// Step over the comma to the next element, or over the closing bracket; whether one follows.
    pub(super) fn next_or(&mut self, closing: u8) -> Result<bool, JsonError> {
        self.skip_space();
        let more = match self.peek() {
            Some(b',') => true,
            Some(byte) if byte == closing => false,
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        if more {
            self.skip_space();
        }
        Ok(more)
    }

    /// Check a key and its colon, and stop at the value.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Range<usize>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong());
        }
        let start = self.at + 1;
        self.string()?;
        let key = start..self.at - 1;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.wrong());
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    /// Check a string from its opening quote on.
    #[inline(always)]
    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            self.at = find_special(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.wrong()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.wrong());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.wrong()),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong()) } else { Ok(()) }
    }

    fn literal<W: Watch>(&mut self, word: &[u8], watch: &mut W) -> Result<(), JsonError> {
        for &byte in word {
            if self.peek() != Some(byte) {
                return Err(self.wrong());
            }
            self.at += 1;
        }
        watch.scalar(word);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn end(&self) -> Result<(), JsonError> {
        if self.at == self.text.len() { Ok(()) } else { Err(self.wrong()) }
    }

    pub(super) fn wrong(&self) -> JsonError {
        let ended = self.at >= self.text.len();
        let kind = if ended { JsonErrorKind::Truncated } else { JsonErrorKind::Unexpected };
        JsonError { kind, offset: self.at }
    }

    fn too_deep(&self) -> JsonError {
        JsonError { kind: JsonErrorKind::TooDeep { limit: self.max_depth }, offset: self.at }
    }
}
