//! Clients from before version 3.5, which log in without a protocol version: requests, answers and
//! notifications have names and shapes of their own.
//!
//! Source: open-webrtc-toolkit/owt-server: source/portal/legacyClient.js.

mod outputs;
mod requests;
mod shapes;

use std::collections::BTreeMap;

pub(super) use requests::arity;
pub(super) use shapes::{notification, welcome};

/// What a legacy client calls by a name that the controller does not know.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Streams the client published, and how their media come.
    published: BTreeMap<String, Source>,
    /// Subscriptions by what the client calls them: a stream, the URL of an output or a recorder.
    subscriptions: BTreeMap<String, String>,
}

/// Where the media of a publication come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    WebRtc,
    Url,
}

impl Names {
    /// What the client calls a subscription.
    fn reference(&self, subscription: &str) -> Option<&str> {
        let mut all = self.subscriptions.iter();
        all.find(|(_, id)| *id == subscription).map(|(reference, _)| reference.as_str())
    }
}
