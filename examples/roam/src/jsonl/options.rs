//! Options as JSON: the names of `docs/options.md`, those that are times with `_ms` behind them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use roamio::config::{
    CommonConfig, ConferenceConfig, Extra, HeaderList, Limits, ManagerConfig, Opening, Parser,
    PortalProtocol, Proxy, ReconnectPolicy, Retries, Revision, SequenceBase, SocketOptions,
    Timeouts, TlsConfig, Transport, TransportConfig,
};
use serde::Deserialize;

use super::tls::TlsOptions;
use crate::words::Word;

/// A time in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(pub(crate) u64);

/// A time limit in milliseconds; 0 for none.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Limit(u64);

/// Headers by name.
pub(crate) type Headers = BTreeMap<String, String>;

/// A proxy, given by its URL.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct ProxyUrl(Proxy);

impl TryFrom<String> for ProxyUrl {
    type Error = roamio::error::Error;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        Proxy::parse(&url).map(Self)
    }
}

/// What JSON gives for an option.
trait Given {
    type Option;
    fn given(self) -> Self::Option;
}

macro_rules! given {
    ($($from:ty => $to:ty, $value:ident: $given:expr;)+) => {$(
        impl Given for $from {
            type Option = $to;
            fn given(self) -> $to {
                let $value = self;
                $given
            }
        }
    )+};
}

given! {
    bool => bool, value: value;
    u32 => u32, value: value;
    usize => usize, value: value;
    f64 => f64, value: value;
    String => String, value: value;
    Vec<String> => Vec<String>, value: value;
    IpAddr => Option<IpAddr>, value: Some(value);
    Millis => Duration, value: Duration::from_millis(value.0);
    Limit => Option<Duration>, value: (value.0 > 0).then(|| Duration::from_millis(value.0));
    ProxyUrl => Option<Proxy>, value: Some(value.0);
    TlsOptions => TlsConfig, value: value.0;
    RetryOptions => Option<Retries>, value: {
        let mut retries = Retries::default();
        value.apply(&mut retries);
        Some(retries)
    };
    Headers => HeaderList, value: HeaderList(value.into_iter().collect());
    Vec<Word<Transport>> => Vec<Transport>, value: value.into_iter().map(|word| word.0).collect();
}

impl<T> Given for Word<T> {
    type Option = T;
    fn given(self) -> T {
        self.0
    }
}

/// An option that is none unless it is given.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Maybe<T>(T);

impl<T> Given for Maybe<T> {
    type Option = Option<T>;
    fn given(self) -> Option<T> {
        Some(self.0)
    }
}

/// Options that are set only if they are given, and parts that consist of options.
macro_rules! options {
    ($(
        $(#[$about:meta])*
        $name:ident of $config:ty {
            $($member:ident: $type:ty => $($place:ident).+;)*
        } $(+ {
            $($part:ident: $part_type:ty;)*
        })?
    )+) => {$(
        $(#[$about])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $($member: Option<$type>,)*
            $($($part: $part_type,)*)?
        }

        impl $name {
            pub(crate) fn apply(self, config: &mut $config) {
                $(if let Some(value) = self.$member {
                    config.$($place).+ = value.given();
                })*
                $($(self.$part.apply(&mut config.$part);)*)?
            }
        }
    )+};
}

options! {
    /// Of reconnecting.
    ReconnectOptions of ReconnectPolicy {
        enabled: bool => enabled;
        min_ms: Millis => min;
        max_ms: Millis => max;
        factor: f64 => factor;
        jitter: f64 => jitter;
        attempts: Maybe<u32> => attempts;
        floor_ms: Millis => floor;
        stable_after_ms: Millis => stable_after;
        dials_per_10s: u32 => dials_per_10s;
    }

    /// Of the phases of an attempt.
    TimeoutOptions of Timeouts {
        attempt_ms: Millis => attempt;
        dns_ms: Millis => dns;
        tcp_ms: Millis => tcp;
        tls_ms: Millis => tls;
        open_ms: Millis => open;
        namespace_ms: Millis => namespace;
        upgrade_ms: Millis => upgrade;
        post_ms: Millis => post;
        provider_ms: Millis => provider;
    }

    /// Of sizes and queues.
    LimitOptions of Limits {
        inbound_message: usize => inbound_message;
        inbound_attachments: usize => inbound_attachments;
        outbound_attachments: usize => outbound_attachments;
        json_depth: usize => json_depth;
        wire_queue_events: usize => wire_queue_events;
        wire_queue_bytes: usize => wire_queue_bytes;
        host_queue_events: usize => host_queue_events;
        host_queue_bytes: usize => host_queue_bytes;
    }

    /// Of one transport's requests.
    ExtraOptions of Extra {
        query: String => query;
        headers: Headers => headers;
    }

    /// Of the transports.
    TransportOptions of TransportConfig {
        order: Vec<Word<Transport>> => order;
        opening: Word<Opening> => opening;
        race_after_ms: Millis => race_after;
        upgrade: bool => upgrade;
        upgrade_again_after_ms: Millis => upgrade_again_after;
        remember_upgrade: bool => remember_upgrade;
        revision: Word<Revision> => revision;
        force_base64: bool => force_base64;
        timestamp_requests: Maybe<bool> => timestamp_requests;
        timestamp_param: String => timestamp_param;
        cookies: bool => cookies;
        protocols: Vec<String> => protocols;
    } + {
        polling: ExtraOptions;
        websocket: ExtraOptions;
    }

    /// Of every connection.
    CommonOptions of CommonConfig {
        headers: Headers => headers;
        tls: TlsOptions => tls;
        proxy: ProxyUrl => proxy;
        local_address: IpAddr => local_address;
    } + {
        transports: TransportOptions;
        timeouts: TimeoutOptions;
        limits: LimitOptions;
    }

    /// Of a manager, besides the server.
    ManagerOptions of ManagerConfig {
        path: String => endpoint.path;
        ack_timeout_ms: Limit => ack_timeout;
        parser: Word<Parser> => parser;
        ask_target: bool => ask_target;
        rejoin_after_server_disconnect: bool => rejoin_after_server_disconnect;
        recover_after_disconnect: bool => recover_after_disconnect;
    } + {
        common: CommonOptions;
        reconnect: ReconnectOptions;
    }

    /// Of a socket.
    NamespaceOptions of SocketOptions {
        query: String => query;
        ask_auth: bool => ask_auth;
        ack_timeout_ms: Limit => ack_timeout;
        retries: RetryOptions => retries;
    }

    /// Of a delivery that is repeated.
    RetryOptions of Retries {
        times: u32 => times;
        window: u32 => window;
        idempotency_key: bool => idempotency_key;
    }

    /// Of a conference.
    ConferenceOptions of ConferenceConfig {
        protocol: Word<PortalProtocol> => protocol;
        sdk_type: String => sdk_type;
        sdk_version: String => sdk_version;
        user_agent_json: String => user_agent_json;
        allow_plaintext: bool => allow_plaintext;
        login_timeout_ms: Millis => login_timeout;
        relogin_timeout_ms: Millis => relogin_timeout;
        refresh_timeout_ms: Millis => refresh_timeout;
        logout_timeout_ms: Millis => logout_timeout;
        request_timeout_ms: Millis => request_timeout;
        text_limit: Maybe<usize> => text_limit;
        ask_token: bool => ask_token;
        rejoin_on_gap: bool => rejoin_on_gap;
        sequence_base: Word<SequenceBase> => sequence_base;
        fast_resume_ms: Millis => fast_resume;
    } + {
        common: CommonOptions;
        resume: ReconnectOptions;
        patient: ReconnectOptions;
    }
}
