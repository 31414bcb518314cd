//! What the portal issued and executed, per participant, for tests to compare with.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use super::Millis;

/// The record of one participant. It outlives the session and a restart of the portal.
///
/// Times are those of the portal's wall clock, in milliseconds since 1970.
///
/// Its [`Display`](fmt::Display) form is made for `sscanf`: one line each,
/// `notification <seq> <event> <data-json>`, `request <n> <name> <data-json>` and
/// `refusal <name> <text>`, then the totals.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ledger {
    /// Room that was joined.
    pub room: String,
    /// Name given when the token was minted.
    pub user: String,
    /// Role given when the token was minted.
    pub role: String,
    /// Protocol version of the login, or `legacy`.
    pub protocol: String,
    /// When the login succeeded.
    pub joined_at: Millis,
    /// Notifications issued, whether or not they could be sent.
    pub notifications: Vec<IssuedNotification>,
    /// Room requests that had their effect, whether or not the answer was sent.
    pub requests: Vec<ExecutedRequest>,
    /// Requests that were answered with an error and had no effect.
    pub refusals: Vec<RefusedRequest>,
    /// Successful relogins.
    pub relogins: u64,
    /// Tickets given out on request.
    pub refreshes: u64,
    /// How the session ended; none while it lasts.
    pub left: Option<Departure>,
}

/// A notification as it was issued.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssuedNotification {
    /// Number within the session, in the numbering of [`SeqBase`](super::SeqBase).
    pub seq: u64,
    /// When it was issued.
    pub at: Millis,
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
    /// When it was executed.
    pub at: Millis,
    /// Event name.
    pub name: String,
    /// Payload; of a legacy request the first argument.
    pub data: Value,
}

/// A request of a session that had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRequest {
    /// When it was refused.
    pub at: Millis,
    /// Event name.
    pub name: String,
    /// Text of the error.
    pub error: String,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Departure {
    /// The client logged out.
    Logout,
    /// The portal removed the participant.
    Drop,
    /// The participant did not come back in time.
    Timeout,
    /// The connection was lost and reconnection was not enabled.
    Loss,
    /// The portal was restarted.
    Restart,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for IssuedNotification { seq, event, data, .. } in &self.notifications {
            let data = data.as_ref().unwrap_or(&Value::Null);
            writeln!(f, "notification {seq} {event} {data}")?;
        }
        for ExecutedRequest { number, name, data, .. } in &self.requests {
            writeln!(f, "request {number} {name} {data}")?;
        }
        for RefusedRequest { name, error, .. } in &self.refusals {
            writeln!(f, "refusal {name} {error}")?;
        }
        writeln!(f, "notifications {}", self.notifications.len())?;
        writeln!(f, "requests {}", self.requests.len())?;
        writeln!(f, "refusals {}", self.refusals.len())?;
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

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Ledger)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_form_has_one_line_per_entry_and_totals() {
        let ledger = Ledger {
            notifications: vec![IssuedNotification {
                seq: 1,
                at: 0,
                event: "drop".into(),
                data: None,
            }],
            requests: vec![ExecutedRequest {
                number: 1,
                at: 0,
                name: "text".into(),
                data: json!({"to": "all"}),
            }],
            refusals: vec![RefusedRequest {
                at: 0,
                name: "publish".into(),
                error: "Too many inputs".into(),
            }],
            relogins: 2,
            ..Ledger::default()
        };
        assert_eq!(
            ledger.to_string(),
            "notification 1 drop null\nrequest 1 text {\"to\":\"all\"}\n\
             refusal publish Too many inputs\n\
             notifications 1\nrequests 1\nrefusals 1\nrelogins 2\nrefreshes 0\n"
        );
    }
}
