//! JSON that a type has no say about.

use std::collections::HashMap;

use crate::bridge::error::RoamioError;
use crate::error::{Code, Error};

/// Any JSON.
pub(crate) type Json = serde_json::Value;

/// Members of a JSON object by name.
pub(crate) type JsonObject = crate::owt::Members;

/// A number of JSON.
pub(crate) type JsonNumber = serde_json::Number;

uniffi::custom_type!(Json, String, {
    remote,
    lower: |json| json.to_string(),
    try_lift: |text| Ok(serde_json::from_str(&text).map_err(|_| invalid("no JSON"))?),
});

uniffi::custom_type!(JsonObject, HashMap<String, Json>, {
    remote,
    lower: |members| members.into_iter().collect(),
    try_lift: |members| Ok(members.into_iter().collect()),
});

uniffi::custom_type!(JsonNumber, f64, {
    remote,
    lower: |number| number.as_f64().unwrap_or(f64::NAN),
    try_lift: |number| Ok(exact(number).ok_or_else(|| invalid("no number of JSON"))?),
});

fn invalid(why: &'static str) -> RoamioError {
    Error::new(Code::InvalidJson, why).into()
}

/// A whole number is written as one.
fn exact(number: f64) -> Option<JsonNumber> {
    const WHOLE: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some((number as i64).into());
    }
    JsonNumber::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction() {
        let text = |number| exact(number).map(|number| number.to_string());
        assert_eq!(text(30.0).as_deref(), Some("30"));
        assert_eq!(text(-0.5).as_deref(), Some("-0.5"));
        assert_eq!(text(1e300).as_deref(), Some("1e+300"));
        assert_eq!(text(f64::NAN), None);
    }
}
