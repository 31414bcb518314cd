//! A scenario as its file has it: see `tests/scenarios/README.md`.

use roamio::client;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    /// The object, unless it is the usual one.
    #[serde(rename = "as")]
    pub(crate) name: Option<String>,
    #[serde(flatten)]
    pub(crate) action: Action,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Action {
    Conference {
        #[serde(default)]
        ask_token: bool,
        #[serde(default)]
        rejoin_on_gap: bool,
    },
    Login {
        id: String,
        user: String,
    },
    Request {
        id: String,
        name: String,
        data: Value,
    },
    Cancel {
        id: String,
    },
    Hint {
        kind: Hint,
    },
    Rejoin {
        id: String,
    },
    Logout {
        id: String,
    },
    Export {
        to: String,
    },
    Restore {
        id: String,
        from: String,
    },
    Detach,
    DestroyOn {
        line: String,
    },
    Socket {
        #[serde(default = "echo")]
        namespace: String,
    },
    Emit {
        id: Option<String>,
        name: String,
        args: Value,
        #[serde(default)]
        attachments: Vec<String>,
    },
    Disconnect,
    Portal {
        path: String,
    },
    Pause {
        ms: u64,
    },
    Await {
        line: Option<String>,
        id: Option<String>,
    },
}

impl Action {
    pub(crate) fn is_of_sockets(&self) -> bool {
        matches!(self, Self::Socket { .. } | Self::Emit { .. } | Self::Disconnect)
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hint {
    NetworkChanged,
    NetworkAvailable,
    NetworkLost,
    Suspended,
    Resumed,
}

impl From<Hint> for client::Hint {
    fn from(hint: Hint) -> Self {
        match hint {
            Hint::NetworkChanged => Self::NetworkChanged,
            Hint::NetworkAvailable => Self::NetworkAvailable,
            Hint::NetworkLost => Self::NetworkLost,
            Hint::Suspended => Self::Suspended,
            Hint::Resumed => Self::Resumed,
        }
    }
}

fn echo() -> String {
    "/echo".into()
}
