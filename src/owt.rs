//! What is said at an OWT portal, as values: requests, notifications, and the room.
//!
//! A [`request`] is a struct that says what it is called and what its answer is; a [`Notification`]
//! is read from a payload; a [`Room`] is read from the answer to a login and kept current by
//! notifications. One set of types serves all protocol versions: where versions differ, a struct
//! has the members of each of them. The requests of the legacy protocol are in [`legacy`].
//!
//! What comes from the portal is read generously. A member that an object should have and that is
//! not there, or is of another type than it should be, is `None`; the object itself is only refused
//! where nothing can be done without a member, such as a stream without an id. Nothing is lost by
//! that: whatever is not in a member of its own is in `more`, as it came.

pub mod legacy;
mod login;
mod media;
mod notification;
mod object;
pub mod request;
mod room;
mod stream;

pub use login::{Login, Permission, Permissions};
pub use media::{Bitrate, Candidate, Format, Parameters, Resolution, Signaling};
pub use notification::{Notification, Progress, StreamUpdate, Text, names};
pub use object::Members;
pub use room::{Participant, Room};
pub use stream::{
    ActiveInput, LayoutEntry, LegacyVideo, Original, SelectedInput, Stream, StreamDetails,
    StreamMedia, Track,
};
