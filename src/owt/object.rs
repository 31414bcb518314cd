//! JSON objects with some members known and the rest kept.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Members of a JSON object by name.
pub type Members = serde_json::Map<String, Value>;

/// Take out a member that is of the expected type; any other stays.
pub(super) fn take<T: DeserializeOwned>(members: &mut Members, name: &str) -> Option<T> {
    let value = T::deserialize(members.get(name)?).ok()?;
    members.remove(name);
    Some(value)
}

/// Set a member to what the portal says: in its own place if it is of the expected type, else in
/// `more`.
pub(super) fn put<T: DeserializeOwned>(
    place: &mut Option<T>,
    more: &mut Members,
    name: &str,
    value: &Value,
) {
    *place = T::deserialize(value).ok();
    if place.is_some() {
        more.remove(name);
    } else {
        more.insert(name.into(), value.clone());
    }
}

/// Give a member the name that it has in the current protocol.
pub(super) fn rename(members: &mut Members, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.into(), value);
    }
}

/// A struct for a JSON object: members in brackets have to be there, the others may be missing or
/// be of another type, and everything that has no place is kept in `more`. What was read is written
/// again unchanged.
macro_rules! object {
    ($(
        $(#[$about:meta])*
        pub struct $name:ident {
            $([$(#[$needed_about:meta])* $needed:ident: $needed_type:ty = $needed_name:literal])?
            $($(#[$member_about:meta])* $member:ident: $member_type:ty = $member_name:literal,)*
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "Members")]
        pub struct $name {
            $(
                $(#[$needed_about])*
                #[serde(rename = $needed_name)]
                pub $needed: $needed_type,
            )?
            $(
                $(#[$member_about])*
                #[serde(rename = $member_name, skip_serializing_if = "Option::is_none")]
                pub $member: Option<$member_type>,
            )*
            /// Whatever else there is.
            #[serde(flatten)]
            pub more: Members,
        }

        impl TryFrom<Members> for $name {
            type Error = &'static str;

            fn try_from(mut members: Members) -> Result<Self, Self::Error> {
                Ok(Self {
                    $($needed: crate::owt::object::take(&mut members, $needed_name)
                        .ok_or(concat!("no ", $needed_name))?,)?
                    $($member: crate::owt::object::take(&mut members, $member_name),)*
                    more: members,
                })
            }
        }
    )+};
}

pub(super) use object;
