//! A session that outlives its process: written as text, and read again.
//!
//! ```text
//!   roamio-session/1 <first 16 bytes of SHA-256 of the rest, hex> <JSON>
//! ```

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Conference;
use crate::client::reply::Reply;
use crate::config::{DEFAULT_PATH, Endpoint, PortalProtocol};
use crate::driver::dispatch::closed;
use crate::error::{Code, Error, Result};
use crate::owt::Room;
use crate::payload::Payload;
use crate::proto::conference::kept::{Keepsake, Kept, Record};
use crate::proto::conference::replay::Tally;
use crate::proto::io::{Command, RequestId};
use crate::secret::Secret;

/// What every export begins with; the version of the format follows.
const MAGIC: &str = "roamio-session/";
const VERSION: u32 = 1;

impl Conference {
    /// Everything that is needed to resume this session in another process, as text: call it when
    /// the application is about to be suspended, store the text where only the application can read
    /// it, and give it to [`Conference::restore`]. It holds the portal's address, the protocol, the
    /// participant, the tickets, how far the notifications have been handled, and the room; nothing
    /// else. What is handled after this call comes again after a restore: exactly once is relative
    /// to the moment of the export. A notification counts once the event closure has returned from it.
    ///
    /// Does not wait, and may be called from any thread and inside any callback. The text is a
    /// secret: whoever has it takes over the session.
    ///
    /// # Errors
    /// [`Code::NotLoggedIn`] unless there is a session that can be resumed: before the login and
    /// while another one replaces it, without a ticket, while leaving, after the end.
    /// [`Code::Closed`].
    pub fn export(&self) -> Result<Secret> {
        if self.inner.object.is_closed() {
            return Err(closed());
        }
        let record = lock(&self.inner.record);
        let kept = record.kept().ok_or_else(|| {
            Error::new(Code::NotLoggedIn, "there is no session that can be resumed")
        })?;
        Ok(write(kept, &self.room()))
    }

    /// In place of a login: resume the session that was exported. One relogin is made, as after the
    /// loss of a connection, and the portal decides: then the session is `Ready` and
    /// [`ConferenceEvent::Resumed`](super::ConferenceEvent::Resumed), and what was not handled before
    /// the export is replayed. Where the portal refuses, the session ends with its reason, or is
    /// replaced with a fresh token ([`ConferenceConfig::ask_token`](crate::config::ConferenceConfig)).
    /// While the exporting process still has the session this takes it away from there.
    ///
    /// The outcome is success without arguments, or with the portal's answer after a fresh login;
    /// else why the session has ended.
    ///
    /// # Errors
    /// [`Code::ExportForeign`] for text that is no export, [`Code::ExportNewer`] for one of a newer
    /// version of roamio, [`Code::ExportDamaged`] for one that was changed or cut;
    /// [`Code::TokenInvalid`] when it asks for plain text that is not allowed;
    /// [`Code::InvalidArgument`] when the session speaks another protocol than this conference is
    /// configured for; [`Code::InvalidState`] when this conference was used before; [`Code::Closed`].
    pub fn restore(
        &self,
        export: &str,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        let inner = &self.inner;
        let (kept, room) = read(export)?;
        let endpoint = &kept.keepsake.endpoint;
        if !endpoint.secure && !inner.allow_plaintext && !endpoint.is_loopback() {
            let text = "export: asks for plain text, which only this machine or an option allows";
            return Err(Error::new(Code::TokenInvalid, text));
        }
        if kept.keepsake.protocol != inner.protocol {
            let text = "export: of a session with another portal protocol";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        if inner.object.is_closed() {
            return Err(closed());
        }
        if inner.used.swap(true, Ordering::AcqRel) {
            return Err(Error::new(Code::InvalidState, "a conference is used once"));
        }
        inner.room.set(room);
        *lock(&inner.record) = Record::of(kept.clone());
        inner.object.request(usize::MAX, completion, |driver, completion| {
            let kept = Box::new(kept);
            driver.submit_request(completion, |request| Command::Restore { request, kept })
        })
    }

    /// [`Conference::restore`] as a future. Dropping it does not undo it.
    ///
    /// # Errors
    /// As [`Conference::restore`].
    pub fn restore_async(&self, export: &str) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| self.restore(export, completion))
    }
}

/// No panic leaves a record half changed.
pub(super) fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The JSON of an export.
#[derive(Serialize, Deserialize)]
struct Content<Text, R> {
    secure: bool,
    host: Text,
    port: u16,
    protocol: Text,
    participant: Text,
    tickets: Vec<Text>,
    received: Tally,
    room: R,
}

fn write(kept: &Kept, room: &Room) -> Secret {
    let Kept { keepsake, tally } = kept;
    let tickets: Vec<&str> = keepsake.tickets.iter().map(Secret::expose).collect();
    let content = Content {
        secure: keepsake.endpoint.secure,
        host: &*keepsake.endpoint.host,
        port: keepsake.endpoint.port,
        protocol: name(keepsake.protocol),
        participant: &*keepsake.participant,
        tickets,
        received: tally.clone(),
        room,
    };
    let json = serde_json::to_string(&content).expect("a session is JSON");
    let json = Zeroizing::new(json);
    // Room for all of it, so that no copy of a part stays behind.
    let mut text = String::with_capacity(json.len() + 64);
    text.push_str(MAGIC);
    let _ = write!(text, "{VERSION} {} ", checksum(&json));
    text.push_str(&json);
    Secret::new(text)
}

fn read(text: &str) -> Result<(Kept, Room)> {
    let foreign = || Error::new(Code::ExportForeign, "export: no session of roamio");
    let damaged = || Error::new(Code::ExportDamaged, "export: changed or cut");
    let rest = text.strip_prefix(MAGIC).ok_or_else(foreign)?;
    let (version, rest) = rest.split_once(' ').ok_or_else(damaged)?;
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(newer) if newer > VERSION => {
            return Err(Error::new(Code::ExportNewer, "export: of a newer version of roamio"));
        }
        _ => return Err(damaged()),
    }
    let (sum, json) = rest.split_once(' ').ok_or_else(damaged)?;
    if sum != checksum(json) {
        return Err(damaged());
    }
    let content: Content<String, Room> = serde_json::from_str(json).map_err(|_| damaged())?;
    let protocols =
        [PortalProtocol::Legacy, PortalProtocol::V1_0, PortalProtocol::V1_1, PortalProtocol::V1_2];
    let protocol = protocols.into_iter().find(|known| name(*known) == content.protocol);
    let usable =
        Endpoint::is_host(&content.host) && content.port != 0 && content.received.is_sane();
    let (Some(protocol), true) = (protocol, usable) else { return Err(damaged()) };
    let endpoint = Endpoint {
        secure: content.secure,
        host: content.host,
        port: content.port,
        path: DEFAULT_PATH.into(),
        query: String::new(),
    };
    let tickets = content.tickets.into_iter().map(Secret::new).collect();
    let (participant, offset) = (content.participant, content.received.offset());
    let keepsake = Keepsake { endpoint, protocol, participant, tickets, offset };
    Ok((Kept { keepsake, tally: content.received }, content.room))
}

fn name(protocol: PortalProtocol) -> &'static str {
    protocol.as_str().unwrap_or("legacy")
}

fn checksum(json: &str) -> String {
    Sha256::digest(json)[..16].iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::conference::replay::Fingerprint;

    fn kept() -> Kept {
        let (endpoint, _) = Endpoint::parse("https://example.org:8443").expect("valid");
        let mut tally = Tally::default();
        (1..=200).for_each(|number| _ = tally.push(Fingerprint::new(b"text", Some(&[number]))));
        tally.set_offset(Some(1));
        let tickets = vec![Secret::new("new"), Secret::new("old")];
        let (protocol, participant) = (PortalProtocol::V1_0, "p\"1".to_owned());
        let keepsake = Keepsake { endpoint, protocol, participant, tickets, offset: Some(1) };
        Kept { keepsake, tally }
    }

    #[test]
    fn what_was_written_is_read() {
        let room = Room { id: "room".into(), stale: true, ..Room::default() };
        let text = write(&kept(), &room);
        let (read, same) = read(text.expose()).expect("an export");
        assert_eq!((read.keepsake, same), (kept().keepsake, room));
        assert_eq!(format!("{:?}", read.tally), format!("{:?}", kept().tally));
    }

    #[test]
    fn what_is_damaged_foreign_or_newer_is_refused_as_what_it_is() {
        let text = write(&kept(), &Room::default());
        let code = |text: &str| read(text).map_err(|error| error.code()).err();
        for cut in 0..text.expose().len() {
            let expected =
                if cut < MAGIC.len() { Code::ExportForeign } else { Code::ExportDamaged };
            assert_eq!(code(&text.expose()[..cut]), Some(expected), "cut at {cut}");
        }
        for (from, to, expected) in [
            ("roamio-session/1", "roamio-session/2", Code::ExportNewer),
            ("roamio-session/1", "roamio-session/0", Code::ExportDamaged),
            ("example", "exemple", Code::ExportDamaged),
            ("roamio", "romeo", Code::ExportForeign),
        ] {
            assert_eq!(code(&text.expose().replacen(from, to, 1)), Some(expected), "{to}");
        }
        assert_eq!(code(""), Some(Code::ExportForeign));
    }
}
