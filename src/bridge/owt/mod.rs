//! What is said at an OWT portal, as values: the types of [`owt`](crate::owt), each declared once more
//! for the languages of the bridge. Where a declaration differs from its type, it does not compile.

mod json;
mod legacy;
mod login;
mod media;
mod notification;
mod publish;
mod request;
mod stream;
mod subscribe;

pub(super) use self::json::JsonObject;
pub use self::legacy::LegacyRequest;
pub use self::login::Login;
pub use self::notification::PortalNotification;
pub(super) use self::stream::{StreamDetails, StreamMedia};
