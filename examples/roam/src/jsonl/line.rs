//! Lines that go out: JSON objects, their members in the order of the calls.

use roamio::error::Error;
use roamio::owt::Login;
use roamio::payload::Payload;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::value::RawValue;

use crate::words::Words;

/// An object that is being written.
#[derive(Debug)]
pub(crate) struct Line(String);

impl Line {
    /// An object without members.
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    /// Something that happened.
    pub(crate) fn event(name: &str) -> Self {
        Self::new().with("event", name)
    }

    /// One more member.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        // Names and values of this program's own and of the library's: all of them have JSON.
        for part in [serde_json::to_string(name), serde_json::to_string(&value)] {
            self.0.push_str(&part.unwrap_or_else(|_| "null".into()));
            self.0.push(':');
        }
        self.0.pop();
        self
    }

    /// One more member, if there is a value.
    pub(crate) fn maybe(self, name: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The members of a payload: name, arguments, attachments as base64.
    pub(crate) fn payload(self, payload: &Payload) -> Self {
        let name = Some(payload.name()).filter(|name| !name.is_empty());
        self.maybe("name", name).args(payload)
    }

    /// Arguments and attachments.
    pub(crate) fn args(self, payload: &Payload) -> Self {
        use base64::Engine as _;
        let encode = |bytes| base64::engine::general_purpose::STANDARD.encode(bytes);
        let attachments: Vec<_> = payload.attachments().iter().map(encode).collect();
        let line = self.with("args", Args(payload));
        line.maybe("attachments", Some(attachments).filter(|all| !all.is_empty()))
    }

    /// The text.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(&format!("{}}}", self.0)).serialize(serializer)
    }
}

/// The arguments as they came.
struct Args<'a>(&'a Payload);

impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.args().len()))?;
        for arg in self.0.args() {
            list.serialize_element(&raw(arg))?;
        }
        list.end()
    }
}

/// A text that is JSON already.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

/// What went wrong, as an object.
pub(crate) fn error(error: &Error) -> Line {
    Line::new()
        .with("code", error.code().name())
        .with("layer", error.layer().word())
        .with("retry", error.retry().word())
        .with("message", error.message())
        .maybe("certificate", error.certificate().map(Words::word))
        .maybe("http_status", error.http_status())
        .maybe("close_code", error.close_code())
        .maybe("retry_after_ms", error.retry_after_ms())
        .maybe("server", error.server_json().and_then(raw))
        .maybe("resent", Some(true).filter(|_| error.resent()))
}

/// The answer to a login: everything but the credentials.
pub(crate) fn login(answer: &Payload) -> Line {
    let login = Login::of(answer);
    Line::new()
        .maybe("participant", login.id)
        .maybe("user", login.user)
        .maybe("role", login.role)
        .maybe("permission", login.permission)
        .with("room", login.room)
}
