//! One word for each value of the library's enumerations, the same on the command line, in JSON and
//! on the screen.

use std::fmt;
use std::marker::PhantomData;

use roamio::client::{ConferenceState, DisconnectReason, Hint, ManagerState, SocketState};
use roamio::config::{
    Opening, Parser, PortalProtocol, Revision, SequenceBase, TlsVersion, Transport,
};
use roamio::error::{CertificateProblem, Layer, Retry};
use roamio::log::Level;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An enumeration whose values have words.
pub(crate) trait Words: Copy + PartialEq + 'static {
    /// What a value is, for messages.
    const WHAT: &'static str;
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The word of this value.
    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, value)| *value == self);
        found.map_or("unknown", |(word, _)| word)
    }

    /// The value of a word; the error says which words there are.
    fn of(word: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = Self::WORDS.iter().map(|(word, _)| *word).collect();
            format!("`{word}` is no {}: {}", Self::WHAT, known.join(", "))
        })
    }
}

macro_rules! words {
    ($($type:ty, $what:literal: $($word:literal $value:ident),+;)+) => {$(
        impl Words for $type {
            const WHAT: &'static str = $what;
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),+];
        }
    )+};
}

words! {
    ManagerState, "state": "idle" Idle, "connecting" Connecting, "connected" Connected,
        "reconnecting" Reconnecting, "closed" Closed;
    SocketState, "state": "idle" Idle, "joining" Joining, "connected" Connected,
        "rejoining" Rejoining, "closed" Closed;
    ConferenceState, "state": "idle" Idle, "joining" Joining, "ready" Ready,
        "resuming" Resuming, "leaving" Leaving, "ended" Ended;
    DisconnectReason, "reason": "server_disconnect" ServerDisconnect,
        "client_disconnect" ClientDisconnect, "ping_timeout" PingTimeout,
        "transport_close" TransportClose, "transport_error" TransportError,
        "parse_error" ParseError;
    Hint, "hint": "network_available" NetworkAvailable, "network_lost" NetworkLost,
        "network_changed" NetworkChanged, "suspended" Suspended, "resumed" Resumed;
    Retry, "retry": "never" Never, "automatic" Automatic, "later" Later, "login" Login;
    Layer, "layer": "call" Call, "transport" Transport, "engine" Engine, "socket" Socket,
        "conference" Conference;
    CertificateProblem, "problem of a certificate": "expired" Expired,
        "not_yet_valid" NotYetValid, "self_signed" SelfSigned, "unknown_issuer" UnknownIssuer,
        "wrong_host" WrongHost, "revoked" Revoked, "not_pinned" NotPinned;
    Transport, "transport": "websocket" Websocket, "polling" Polling;
    Opening, "way to open": "race" Race, "in_turn" InTurn, "first" First;
    Revision, "revision of Engine.IO": "4" V4, "3" V3, "auto" Auto;
    Parser, "parser": "json" Json, "msgpack" Msgpack;
    TlsVersion, "version of TLS": "1.2" V1_2, "1.3" V1_3;
    PortalProtocol, "protocol of portals": "1.2" V1_2, "1.1" V1_1, "1.0" V1_0,
        "legacy" Legacy;
    SequenceBase, "numbering": "detect" Detect, "zero" Zero, "one" One;
    Level, "level": "error" Error, "warn" Warn, "info" Info, "debug" Debug;
}

/// A value that is read from its word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T>(pub(crate) T);

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: Words> Visitor<'_> for Reader<T> {
            type Value = Word<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the word of a {}", T::WHAT)
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Word<T>, E> {
                T::of(word).map(Word).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_and_an_unknown_one_is_told_with_the_known() {
        for (word, value) in Hint::WORDS {
            assert_eq!((Hint::of(word), value.word()), (Ok(*value), *word));
        }
        let error = Revision::of("5").expect_err("unknown");
        assert_eq!(error, "`5` is no revision of Engine.IO: 4, 3, auto");
    }
}
