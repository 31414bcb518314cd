//! Tokens and reconnection tickets: base64 of JSON, signed with HMAC-SHA256.
//!
//! Source: open-webrtc-toolkit/owt-server: source/portal/portal.js (token),
//! source/portal/socketIOServer.js (ticket).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;

use super::Millis;

/// What an application obtains from its server in order to log in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    pub(super) token_id: String,
    host: String,
    #[serde(default)]
    secure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_transport_url: Option<String>,
    signature: String,
}

impl Token {
    pub(super) fn issue(key: &str, token_id: &str, host: &str, secure: bool) -> Self {
        let mut token = Self {
            token_id: token_id.into(),
            host: host.into(),
            secure,
            web_transport_url: None,
            signature: String::new(),
        };
        token.signature = sign(key, &token.signed_text());
        token
    }

    pub(super) fn is_signed_with(&self, key: &str) -> bool {
        self.signature == sign(key, &self.signed_text())
    }

    /// `secure` is not part of it; an absent URL counts as the word `undefined`.
    fn signed_text(&self) -> String {
        let url = self.web_transport_url.as_deref().unwrap_or("undefined");
        format!("{},{},{url}", self.token_id, self.host)
    }
}

/// What the portal gives a participant for coming back on another connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticket {
    pub(super) participant_id: String,
    /// Neither checked nor signed.
    #[serde(default)]
    ticket_id: String,
    pub(super) not_before: Millis,
    pub(super) not_after: Millis,
    signature: String,
}

impl Ticket {
    pub(super) fn issue(
        key: &str,
        participant_id: &str,
        ticket_id: String,
        not_before: Millis,
        not_after: Millis,
    ) -> Self {
        let mut ticket = Self {
            participant_id: participant_id.into(),
            ticket_id,
            not_before,
            not_after,
            signature: String::new(),
        };
        ticket.signature = sign(key, &ticket.signed_text());
        ticket
    }

    pub(super) fn is_signed_with(&self, key: &str) -> bool {
        self.signature == sign(key, &self.signed_text())
    }

    fn signed_text(&self) -> String {
        format!("{},{},{}", self.participant_id, self.not_before, self.not_after)
    }
}

/// Text of a credential as it goes over the wire.
pub(super) fn encode(credential: &impl Serialize) -> String {
    let json = serde_json::to_vec(credential).expect("credentials consist of texts and numbers");
    STANDARD.encode(json)
}

/// Read the text of a credential; the error is for people.
pub(super) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let json = STANDARD.decode(text).map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| format!("{error} is not valid JSON"))
}

/// The 64 hexadecimal *characters* of the HMAC are encoded, not its 32 bytes.
fn sign(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key length will do");
    mac.update(text.as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    STANDARD.encode(hex)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn token_signature_matches_the_vector() {
        let token = Token::issue("k", "0123456789abcdef01234567", "h:1", false);
        assert_eq!(
            token.signature,
            "ZjBjNDU1YjUxMTIwNWEwMzdjMzU2NDE3NThjMWRiMmJjNjU3M2VmYjc3Mjg0OWRkOGM1M2VlMGU2MzZjOGU0MQ=="
        );
    }

    #[test]
    fn ticket_signature_matches_the_vector() {
        let ticket = Ticket::issue("k", "p1", "any".into(), 1000, 601_000);
        assert_eq!(
            ticket.signature,
            "MDhjODA3YjFkMDU3MmEzNmI2ODNhMzdhNTBhMjc0YjhlYzE1N2FkNzA1OTYwY2ZjNjA4MWY5MWRmNGZmMzdhNw=="
        );
    }

    #[test]
    fn only_the_ticket_id_may_be_changed() {
        let mut ticket = Ticket::issue("k", "p1", "any".into(), 1000, 601_000);
        ticket.ticket_id = "other".into();
        assert!(ticket.is_signed_with("k"));
        ticket.not_after += 1;
        assert!(!ticket.is_signed_with("k"));
    }

    #[test]
    fn token_survives_its_text_form() {
        let text = encode(&Token::issue("k", "0123456789abcdef01234567", "h:1", true));
        let token: Token = decode(&text).unwrap();
        assert!(token.secure && token.is_signed_with("k") && !token.is_signed_with("x"));
    }

    #[test]
    fn bad_text_is_an_error() {
        assert!(decode::<Token>("not-base64!!").is_err());
        assert!(decode::<Token>("Z2FyYmFnZQ==").is_err());
    }
}
