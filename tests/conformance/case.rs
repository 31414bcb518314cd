//! One test of an item: which server, over which transport.

use std::time::Duration;

use roamio::config::{Endpoint, ManagerConfig, Revision, Transport, TransportConfig};
use serde_json::{Value, json};

use crate::host::Host;
use crate::server::{Kind, Server};

/// How a connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// Polling only.
    Polling,
    /// WebSocket only.
    Websocket,
    /// Polling, then an upgrade to WebSocket.
    Upgrade,
}

impl Via {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Polling, Self::Websocket, Self::Upgrade];

    /// The transport that a connection opens with.
    pub fn first(self) -> Transport {
        match self {
            Self::Polling | Self::Upgrade => Transport::Polling,
            Self::Websocket => Transport::Websocket,
        }
    }

    /// The transport that it ends up with.
    pub fn last(self) -> Transport {
        match self {
            Self::Polling => Transport::Polling,
            Self::Websocket | Self::Upgrade => Transport::Websocket,
        }
    }

    /// Its options.
    pub fn config(self) -> TransportConfig {
        match self {
            Self::Upgrade => TransportConfig::polling_first(),
            only => TransportConfig::only(only.first()),
        }
    }
}

/// What a test of an item runs against. `via` means nothing for [`Kind::Local`].
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub kind: Kind,
    pub via: Via,
}

impl Case {
    /// The server of this kind that has default options and is shared by all tests.
    pub fn shared(self) -> &'static Server {
        Server::shared(self.kind)
    }

    /// A server of the test's own ([`Server::start`]).
    pub fn start(self, options: Value) -> Server {
        Server::start(self.kind, options)
    }

    /// A server of the test's own with a fast heartbeat: 300 and 200 ms where it can be, otherwise
    /// whole seconds.
    pub fn start_fast(self) -> Server {
        self.start(self.fast())
    }

    /// The options of a fast heartbeat.
    pub fn fast(self) -> Value {
        let interval = if self.kind.is_python() { 1_000 } else { 300 };
        json!({ "pingInterval": interval, "pingTimeout": 200 })
    }

    /// Options for a client of a server at `url`: transport, revision, fast reconnection.
    pub fn config(self, url: &str) -> ManagerConfig {
        let (endpoint, _) = Endpoint::parse(url).unwrap();
        let mut config = ManagerConfig::new(endpoint);
        config.common.transports = self.via.config();
        if self.kind.is_revision_3() {
            config.common.transports.revision = Revision::V3;
        }
        config.reconnect.min = Duration::from_millis(20);
        config
    }

    /// A client of a server.
    pub fn host(self, server: &Server) -> Host {
        Host::new(self.config(&server.url()))
    }
}

/// The items of a section: what each asks for, which tests it has, and what cannot be tested with
/// the reason. It makes one `#[test]` for every server and transport that a test runs on, named
/// `section::conformance_NN_what::Server::Transport`, and the list `ITEMS` for the coverage table.
///
/// ```text
/// items! {
///     41 "Title" asks all {
///         test conformance_41_what_it_shows on all over all;
///         test conformance_41_something_else on [V2 V4e] over [Polling Websocket];
///         not [Oxide] over [Polling] "why that cannot be tested";
///     }
///     11 "Title" asks [Local] {
///         elsewhere "tests/codec/engine.rs" conformance_11_vectors on [Local] over [];
///     }
/// }
/// ```
/// `on all` is 2, 3, 4, P (both) and O. A test is an ordinary function `fn(Case)` in the same
/// module. What runs without a server or transport is `on [Local]`, and `over []`.
macro_rules! items {
    ($($number:literal $title:literal asks $asks:tt { $($lines:tt)* })*) => {
        /// The items of this section.
        pub const ITEMS: &[crate::coverage::Item] = &[$(crate::coverage::Item {
            number: $number,
            title: $title,
            asks: crate::case::items!(@kinds $asks),
            rows: crate::case::items!(@rows [] $($lines)*),
        }),*];
        $(crate::case::items! { @tests $($lines)* })*
    };

    (@rows [$($rows:expr,)*]) => { &[$($rows,)*] };
    (@rows [$($rows:expr,)*] test $name:ident on $kinds:tt over $vias:tt; $($rest:tt)*) => {
        crate::case::items!(@rows [$($rows,)* crate::coverage::Row::Test {
            name: stringify!($name),
            file: file!(),
            kinds: crate::case::items!(@kinds $kinds),
            vias: crate::case::items!(@vias $vias),
        },] $($rest)*)
    };
    (@rows [$($rows:expr,)*] elsewhere $file:literal $name:ident on $kinds:tt over $vias:tt; $($rest:tt)*) => {
        crate::case::items!(@rows [$($rows,)* crate::coverage::Row::Test {
            name: stringify!($name),
            file: $file,
            kinds: crate::case::items!(@kinds $kinds),
            vias: crate::case::items!(@vias $vias),
        },] $($rest)*)
    };
    (@rows [$($rows:expr,)*] not $kinds:tt over $vias:tt $reason:literal; $($rest:tt)*) => {
        crate::case::items!(@rows [$($rows,)* crate::coverage::Row::Not {
            kinds: crate::case::items!(@kinds $kinds),
            vias: crate::case::items!(@vias $vias),
            reason: $reason,
        },] $($rest)*)
    };

    (@tests) => {};
    (@tests test $name:ident on $kinds:tt over $vias:tt; $($rest:tt)*) => {
        #[allow(non_snake_case)]
        mod $name {
            crate::case::items! { @on $name $kinds $vias }
        }
        crate::case::items! { @tests $($rest)* }
    };
    (@tests elsewhere $file:literal $name:ident on $kinds:tt over $vias:tt; $($rest:tt)*) => {
        crate::case::items! { @tests $($rest)* }
    };
    (@tests not $kinds:tt over $vias:tt $reason:literal; $($rest:tt)*) => {
        crate::case::items! { @tests $($rest)* }
    };

    (@on $name:ident all $vias:tt) => {
        crate::case::items! { @on $name [V2 V3 V4 Uvicorn Aiohttp Oxide] $vias }
    };
    (@on $name:ident [$($kind:ident)*] $vias:tt) => {
        $(mod $kind { crate::case::items! { @over $name $kind $vias } })*
    };
    (@over $name:ident $kind:ident all) => {
        crate::case::items! { @over $name $kind [Polling Websocket Upgrade] }
    };
    (@over $name:ident $kind:ident []) => {
        #[test]
        fn once() {
            use crate::{case::{Case, Via}, server::Kind};
            super::super::$name(Case { kind: Kind::$kind, via: Via::Websocket });
        }
    };
    (@over $name:ident $kind:ident [$($via:ident)*]) => {
        $(#[test]
        fn $via() {
            use crate::{case::{Case, Via}, server::Kind};
            super::super::$name(Case { kind: Kind::$kind, via: Via::$via });
        })*
    };

    (@kinds all) => { crate::case::items!(@kinds [V2 V3 V4 Uvicorn Aiohttp Oxide]) };
    (@kinds [$($kind:ident)*]) => { &[$(crate::server::Kind::$kind),*] };
    (@vias all) => { &[crate::case::Via::Polling, crate::case::Via::Websocket, crate::case::Via::Upgrade] };
    (@vias [$($via:ident)*]) => { &[$(crate::case::Via::$via),*] };
}
pub(crate) use items;
