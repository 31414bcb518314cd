//! Options of a conference.

use std::time::Duration;

use super::connection::ConnectionOptions;
use super::reconnect::ReconnectOptions;
use crate::config::{ConferenceConfig, PortalProtocol, SequenceBase};
use crate::error::Result;

/// Options of a conference. What is not set stays as the library has it.
#[derive(Clone, Default, uniffi::Record)]
pub struct ConferenceOptions {
    /// Connection, TLS, limits.
    #[uniffi(default)]
    pub connection: Option<ConnectionOptions>,
    /// The protocol announced at login; 1.2 unless set.
    #[uniffi(default)]
    pub protocol: Option<PortalProtocol>,
    /// What kind of SDK this claims to be: the portal gives a reconnection ticket only to
    /// `Objective-C`, `C++`, `Android` and `JavaScript`.
    #[uniffi(default)]
    pub sdk_type: Option<String>,
    /// The version of that SDK: not empty, not `3.5`.
    #[uniffi(default)]
    pub sdk_version: Option<String>,
    /// Further members of the user agent, a JSON object, or empty.
    #[uniffi(default = "")]
    pub user_agent_json: String,
    /// Connect without TLS when a token says so and the host is not this machine.
    #[uniffi(default = false)]
    pub allow_plaintext: bool,
    /// Time limit of the answer to login; 15 s unless set.
    #[uniffi(default)]
    pub login_timeout: Option<Duration>,
    /// Time limit of the answer to relogin, counted while no part of it arrives; 15 s unless set.
    #[uniffi(default)]
    pub relogin_timeout: Option<Duration>,
    /// Time limit of the answer to a ticket refresh; 10 s unless set.
    #[uniffi(default)]
    pub refresh_timeout: Option<Duration>,
    /// Time limit of leaving; 3 s unless set.
    #[uniffi(default)]
    pub logout_timeout: Option<Duration>,
    /// Time limit of a request, also while it waits for the session; 15 s unless set.
    #[uniffi(default)]
    pub request_timeout: Option<Duration>,
    /// Refuse a `text` whose message is longer, in characters; no limit unless set.
    #[uniffi(default)]
    pub text_limit: Option<u32>,
    /// Log in anew after every gap, so that the room is described afresh; needs a token provider.
    #[uniffi(default = false)]
    pub rejoin_on_gap: bool,
    /// With which number the portal's replay starts; found out unless set.
    #[uniffi(default)]
    pub sequence_base: Option<SequenceBase>,
    /// Waits between attempts while the session can surely be resumed.
    #[uniffi(default)]
    pub resume: Option<ReconnectOptions>,
    /// Waits between attempts before the login, and when a resume takes long.
    #[uniffi(default)]
    pub patient: Option<ReconnectOptions>,
    /// How long the waits of `resume` apply; 120 s unless set.
    #[uniffi(default)]
    pub fast_resume: Option<Duration>,
}

impl ConferenceOptions {
    /// `ask_token`: a provider has fresh tokens.
    pub(super) fn config(self, ask_token: bool) -> Result<ConferenceConfig> {
        let own = ConferenceConfig::default();
        Ok(ConferenceConfig {
            common: self.connection.unwrap_or_default().config()?,
            protocol: self.protocol.unwrap_or(own.protocol),
            sdk_type: self.sdk_type.unwrap_or(own.sdk_type),
            sdk_version: self.sdk_version.unwrap_or(own.sdk_version),
            user_agent_json: self.user_agent_json,
            allow_plaintext: self.allow_plaintext,
            login_timeout: self.login_timeout.unwrap_or(own.login_timeout),
            relogin_timeout: self.relogin_timeout.unwrap_or(own.relogin_timeout),
            refresh_timeout: self.refresh_timeout.unwrap_or(own.refresh_timeout),
            logout_timeout: self.logout_timeout.unwrap_or(own.logout_timeout),
            request_timeout: self.request_timeout.unwrap_or(own.request_timeout),
            text_limit: self.text_limit.map(|limit| limit as usize),
            ask_token,
            rejoin_on_gap: self.rejoin_on_gap,
            sequence_base: self.sequence_base.unwrap_or(own.sequence_base),
            resume: self.resume.unwrap_or_default().over(own.resume),
            patient: self.patient.unwrap_or_default().over(own.patient),
            fast_resume: self.fast_resume.unwrap_or(own.fast_resume),
        })
    }
}
