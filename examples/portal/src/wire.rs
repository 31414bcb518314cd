//! Socket.IO arguments as they are: any number of any kind.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeTuple,
};
use serde_json::Value;

/// All arguments of an event or an answer.
///
/// The library takes tuples for argument lists and everything else for the first argument, so
/// this list pretends to be a tuple.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Args(pub(crate) Vec<Value>);

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for arg in &self.0 {
            tuple.serialize_element(arg)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Args;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Args, A::Error> {
                let mut args = Vec::new();
                while let Some(arg) = list.next_element()? {
                    args.push(arg);
                }
                Ok(Args(args))
            }
        }

        deserializer.deserialize_tuple(usize::MAX, List)
    }
}
