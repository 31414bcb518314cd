//! How a path's events show themselves to developers: messages show their size.

use std::fmt;

use super::PathEvent;
use crate::secret::Size;

impl fmt::Debug for PathEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(link) => f.debug_tuple("Opened").field(link).finish(),
            Self::Message { link, frame, start: _ } => {
                f.debug_tuple("Message").field(link).field(&Size(frame.len())).finish()
            }
            Self::Binary { link, data } => {
                f.debug_tuple("Binary").field(link).field(&Size(data.len())).finish()
            }
            Self::Lost { link, role, error, receiving } => f
                .debug_struct("Lost")
                .field("link", link)
                .field("role", role)
                .field("error", error)
                .field("receiving", receiving)
                .finish(),
            Self::Abandoned(link) => f.debug_tuple("Abandoned").field(link).finish(),
            Self::Alive => f.write_str("Alive"),
            Self::Retry { attempt, error, delay_ms } => f
                .debug_struct("Retry")
                .field("attempt", attempt)
                .field("error", error)
                .field("delay_ms", delay_ms)
                .finish(),
            Self::Upgraded(link) => f.debug_tuple("Upgraded").field(link).finish(),
            Self::UpgradeFailed(error) => f.debug_tuple("UpgradeFailed").field(error).finish(),
            Self::TargetWanted { attempt, error } => f
                .debug_struct("TargetWanted")
                .field("attempt", attempt)
                .field("error", error)
                .finish(),
        }
    }
}
