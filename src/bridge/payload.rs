//! What travels.

use crate::payload;

/// An event or an answer: name, arguments, attachments.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Payload {
    /// The name of the event; empty for an answer.
    pub name: String,
    /// The arguments, each as JSON text. A binary value is `{"_placeholder":true,"num":i}`, which
    /// stands for attachment `i`.
    pub args: Vec<String>,
    /// The binary values.
    pub attachments: Vec<Vec<u8>>,
    /// The answer of a request that was sent twice.
    pub resent: bool,
}

impl Payload {
    /// The one argument of a notification or an answer of a portal, JSON text; empty if there is none.
    pub(super) fn data(&self) -> &str {
        self.args.first().map_or("", String::as_str)
    }
}

impl From<payload::Payload> for Payload {
    fn from(payload: payload::Payload) -> Self {
        Self {
            name: payload.name().to_owned(),
            args: payload.args().map(str::to_owned).collect(),
            resent: payload.resent(),
            attachments: payload.attachments().iter().map(|bytes| bytes.to_vec()).collect(),
        }
    }
}
