//! What people type: an event or request with its arguments, or a command.

use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed<'a> {
    /// `/name rest`.
    Command(&'a str, &'a str),
    /// A name and the JSON array of its arguments.
    Event {
        name: &'a str,
        args: String,
        /// An answer is wanted.
        ack: bool,
    },
}

impl<'a> Typed<'a> {
    /// Read a line; `None` for an empty one. The error says what cannot be read.
    pub(super) fn read(line: &'a str) -> Result<Option<Self>, String> {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if first.is_empty() {
            return Ok(None);
        }
        if let Some(command) = first.strip_prefix('/') {
            return Ok(Some(Self::Command(command, rest.trim())));
        }
        let args = args(rest)?;
        Ok(Some(match first.strip_suffix('?').filter(|name| !name.is_empty()) {
            Some(name) => Self::Event { name, args, ack: true },
            None => Self::Event { name: first, args, ack: false },
        }))
    }
}

/// Values one after the other as a JSON array. A word that is no JSON is a text.
pub(super) fn args(mut text: &str) -> Result<String, String> {
    let mut args = Vec::new();
    loop {
        text = text.trim_start();
        let Some(first) = text.chars().next() else { break };
        let mut values = Deserializer::from_str(text).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) if !runs_on(&text[values.byte_offset()..]) => {
                args.push(value.get().to_owned());
                text = &text[values.byte_offset()..];
            }
            Some(Err(error)) if matches!(first, '"' | '{' | '[') => {
                return Err(format!("{text}: {error}"));
            }
            _ => {
                let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
                args.push(Value::from(word).to_string());
                text = rest;
            }
        }
    }
    Ok(format!("[{}]", args.join(",")))
}

/// A value that is only the beginning of a word, as the number of `12th`.
fn runs_on(rest: &str) -> bool {
    rest.chars().next().is_some_and(|next| !next.is_whitespace() && !"\"{[".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_one_after_the_other_and_words_are_texts() {
        for (typed, read) in [
            ("", "[]"),
            (r#""hello" {"a":1}"#, r#"["hello",{"a":1}]"#),
            ("hello 12 12th true", r#"["hello",12,"12th",true]"#),
            (r#"[1, 2]"three""#, r#"[[1, 2],"three"]"#),
            ("it's", r#"["it's"]"#),
        ] {
            assert_eq!(args(typed).as_deref(), Ok(read), "{typed}");
        }
        assert!(args(r#"{"a":"#).is_err());
        assert!(args(r#""open"#).is_err());
    }

    #[test]
    fn a_line_is_an_event_one_that_wants_an_answer_or_a_command() {
        let event = |name, args: &str, ack| Ok(Some(Typed::Event { name, args: args.into(), ack }));
        assert_eq!(Typed::read("say hi"), event("say", r#"["hi"]"#, false));
        assert_eq!(Typed::read("who? 5"), event("who", "[5]", true));
        assert_eq!(Typed::read("? 5"), event("?", "[5]", false));
        assert_eq!(Typed::read("/hint  resumed "), Ok(Some(Typed::Command("hint", "resumed"))));
        assert_eq!(Typed::read("  "), Ok(None));
    }
}
