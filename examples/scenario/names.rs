//! Participant ids, which differ from run to run: `$NAME` stands for them in scenarios and traces.

use std::sync::{Mutex, MutexGuard, PoisonError};

use roamio::payload::Payload;
use serde_json::Value;

/// Ids with the names of their conferences, in the order of the logins.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Vec<(String, String)>>);

impl Names {
    /// Take the id from the answer to a login.
    pub(crate) fn learn(&self, name: &str, answer: &Payload) {
        let answer: Value = answer.decode(0).unwrap_or_default();
        if let Some(id) = answer["id"].as_str() {
            self.known().push((id.into(), name.into()));
        }
    }

    /// Put ids in the place of names, always the newest.
    pub(crate) fn resolve(&self, text: &str) -> String {
        let known = self.known();
        known
            .iter()
            .rev()
            .fold(text.into(), |text: String, (id, name)| text.replace(&format!("${name}"), id))
    }

    /// Put names in the place of ids.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.known()
            .iter()
            .fold(text.into(), |text: String, (id, name)| text.replace(id, &format!("${name}")))
    }

    fn known(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
