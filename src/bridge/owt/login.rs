//! The answer to a login.

use super::json::JsonObject;
use crate::bridge::payload::Payload;
use crate::bridge::room::Room;
use crate::owt;

type Permissions = owt::Permissions;
type Permission = owt::Permission;

/// The answer to a login, without its credentials.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Login {
    /// The id of the participant, the same as long as the session lives.
    pub id: Option<String>,
    /// The name that the token was made for; not in the legacy protocol.
    pub user: Option<String>,
    /// The role that the token was made for; not in the legacy protocol.
    pub role: Option<String>,
    /// What the participant may do; not in the legacy protocol.
    pub permission: Option<Permissions>,
    /// The room as it was at that moment.
    pub room: Room,
}

/// What a participant may do; changes are not told.
#[uniffi::remote(Record)]
pub struct Permissions {
    /// To publish.
    pub publish: Option<Permission>,
    /// To subscribe to.
    pub subscribe: Option<Permission>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// For which media something is allowed.
#[uniffi::remote(Record)]
pub struct Permission {
    /// Audio.
    pub audio: Option<bool>,
    /// Video.
    pub video: Option<bool>,
    /// Whatever else there is.
    pub more: JsonObject,
}

#[uniffi::export]
impl Payload {
    /// The answer to a login, of any protocol version, as a value.
    pub fn login(&self) -> Login {
        let owt::Login { id, user, role, permission, room } = owt::Login::read(self.data());
        Login { id, user, role, permission, room: (&room).into() }
    }
}
