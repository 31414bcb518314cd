//! Reconnection tickets: opaque text with a life span (`owt-portal` 4).

use base64::Engine as _;
use serde::Deserialize;

use crate::error::{Code, Error, Result};
use crate::json;
use crate::proto::time::Timestamp;
use crate::secret::Secret;

/// Schedules assume a life in this range, whatever a portal writes: at most one refresh a second,
/// at least one a day.
const LIFE_MS: std::ops::RangeInclusive<f64> = 2_000.0..=172_800_000.0;
/// A ticket is a few hundred bytes.
const MAX_TICKET: usize = 64 << 10;
/// A refresh is due at the latest this long before the end.
const MARGIN_MS: u64 = 60_000;

/// A ticket and when it came.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The text, sent back as it came.
    pub(super) text: Secret,
    /// Whom it is for.
    pub(super) participant: String,
    received: Timestamp,
    life_ms: u64,
}

impl Ticket {
    /// Read a ticket from the JSON value that stands for it in an answer.
    pub(super) fn from_json(json: &[u8], now: Timestamp) -> Result<Self> {
        let text = json::decode_value(json);
        let text = text.ok_or_else(|| Error::new(Code::TicketMalformed, "ticket: not a string"))?;
        Self::parse(&text, now)
    }

    /// Read the life span of a ticket. Only the difference of its dates is used, because they are
    /// the server's clock.
    pub(super) fn parse(text: &str, now: Timestamp) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            #[serde(default)]
            participant_id: String,
            not_before: f64,
            not_after: f64,
        }
        let bad = |what: &str| Error::new(Code::TicketMalformed, format!("ticket: {what}"));
        if text.len() > MAX_TICKET {
            return Err(bad("longer than 64 KiB"));
        }
        let json = base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|_| bad("not base64"))?;
        let fields: Fields = serde_json::from_slice(&json)
            .map_err(|_| bad("not the JSON object with notBefore and notAfter"))?;
        let life = (fields.not_after - fields.not_before).clamp(*LIFE_MS.start(), *LIFE_MS.end());
        Ok(Self {
            text: Secret::new(text),
            participant: fields.participant_id,
            received: now,
            life_ms: life as u64,
        })
    }

    /// When its life is over, as far as the client can tell.
    pub(super) fn expires(&self) -> Timestamp {
        self.received + self.life_ms
    }

    /// From when on it is renewed with the next traffic.
    pub(super) fn half_life(&self) -> Timestamp {
        self.received + self.life_ms / 2
    }

    /// When it is renewed without traffic: `margin` before its end, or at half its life; earlier by
    /// up to a quarter of the margin, as `share` in `[0, 1)` says, so that clients spread.
    pub(super) fn refresh_at_the_latest(&self, share: f64) -> Timestamp {
        let margin = MARGIN_MS.min(self.life_ms / 4);
        let jitter = (margin as f64 / 4.0 * share) as u64;
        (self.received + (self.life_ms - margin) - jitter).max(self.half_life())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(not_before: &str, not_after: &str) -> Result<Ticket> {
        let json =
            format!(r#"{{"participantId":"p","notBefore":{not_before},"notAfter":{not_after}}}"#);
        let text = base64::engine::general_purpose::STANDARD.encode(json);
        Ticket::parse(&text, Timestamp(1_000))
    }

    #[test]
    fn the_life_counts_from_receipt_whatever_the_servers_clock_says() {
        for start in ["0", "1795169291818", "-5000000000000"] {
            let end = (start.parse::<i64>().expect("number") + 600_000).to_string();
            let ticket = ticket(start, &end).expect("valid");
            assert_eq!(ticket.expires(), Timestamp(601_000));
            assert_eq!(ticket.half_life(), Timestamp(301_000));
            assert_eq!(ticket.refresh_at_the_latest(0.0), Timestamp(541_000));
            assert!(ticket.refresh_at_the_latest(0.999) >= Timestamp(526_000));
        }
    }

    #[test]
    fn a_short_life_is_refreshed_in_time_and_absurd_ones_do_not_spin() {
        let short = ticket("0", "8000").expect("valid");
        assert_eq!(short.refresh_at_the_latest(0.0), Timestamp(7_000));
        for (start, end) in [("5", "5"), ("9", "1"), ("0", "1")] {
            assert!(ticket(start, end).expect("valid").half_life() >= Timestamp(2_000));
        }
        let ages = ticket("0", "1e300").expect("valid");
        assert!(ages.half_life() <= Timestamp(1_000 + 86_400_000));
    }

    #[test]
    fn what_is_no_ticket_is_refused() {
        for text in ["", "%%%", "e30=", "eyJub3RCZWZvcmUiOiJhIiwibm90QWZ0ZXIiOjF9"] {
            let code = Ticket::parse(text, Timestamp(0)).map_err(|error| error.code());
            assert_eq!(code.err(), Some(Code::TicketMalformed), "{text}");
        }
    }
}
