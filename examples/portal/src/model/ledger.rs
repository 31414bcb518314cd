//! What the portal issued and executed, per participant, for tests to compare with.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

/// The record of one participant. It outlives the session and a restart of the portal.
///
/// Its [`Display`](fmt::Display) form is made for `sscanf`: one line
/// `notification <seq> <event> <data-json>` per notification, one line
/// `request <n> <name> <data-json>` per request, then the totals.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ledger {
    /// Notifications issued, whether or not they could be sent.
    pub notifications: Vec<IssuedNotification>,
    /// Room requests that had their effect, whether or not the answer was sent.
    pub requests: Vec<ExecutedRequest>,
    /// Successful relogins.
    pub relogins: u64,
    /// Tickets given out on request.
    pub refreshes: u64,
}

/// A notification as it was issued.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssuedNotification {
    /// Number within the session, in the numbering of [`SeqBase`](super::SeqBase).
    pub seq: u64,
    /// Event name.
    pub event: String,
    /// Payload; none for `drop`.
    pub data: Option<Value>,
}

/// A room request that had its effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExecutedRequest {
    /// Number, from 1.
    pub number: u64,
    /// Event name.
    pub name: String,
    /// Payload.
    pub data: Value,
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for IssuedNotification { seq, event, data } in &self.notifications {
            let data = data.as_ref().unwrap_or(&Value::Null);
            writeln!(f, "notification {seq} {event} {data}")?;
        }
        for ExecutedRequest { number, name, data } in &self.requests {
            writeln!(f, "request {number} {name} {data}")?;
        }
        writeln!(f, "notifications {}", self.notifications.len())?;
        writeln!(f, "requests {}", self.requests.len())?;
        writeln!(f, "relogins {}", self.relogins)?;
        writeln!(f, "refreshes {}", self.refreshes)
    }
}

/// All records, by participant id.
#[derive(Debug, Default)]
pub(super) struct Ledgers(BTreeMap<String, Ledger>);

impl Ledgers {
    pub(super) fn get(&self, participant: &str) -> Option<&Ledger> {
        self.0.get(participant)
    }

    pub(super) fn of(&mut self, participant: &str) -> &mut Ledger {
        self.0.entry(participant.into()).or_default()
    }

    pub(super) fn participants(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_form_has_one_line_per_entry_and_totals() {
        let ledger = Ledger {
            notifications: vec![IssuedNotification { seq: 1, event: "drop".into(), data: None }],
            requests: vec![ExecutedRequest {
                number: 1,
                name: "text".into(),
                data: json!({"to": "all"}),
            }],
            relogins: 2,
            refreshes: 0,
        };
        assert_eq!(
            ledger.to_string(),
            "notification 1 drop null\nrequest 1 text {\"to\":\"all\"}\n\
             notifications 1\nrequests 1\nrelogins 2\nrefreshes 0\n"
        );
    }
}
