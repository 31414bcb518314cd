//! PEM texts. They are decoded here because some platforms' TLS libraries panic on them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// What the blocks with this label hold. What stands around them is passed over.
///
/// # Errors
/// [`Code::InvalidArgument`] when there is none, or a damaged one.
pub(super) fn decode(text: &str, label: &str) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let bad = |what: &str| Error::new(Code::InvalidArgument, format!("PEM: {what}"));
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, body)) = rest.split_once(&begin) {
        let (body, behind) =
            body.split_once(&end).ok_or_else(|| bad(&format!("{label} has no end")))?;
        let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
        base64.extend(body.split_ascii_whitespace());
        let der = STANDARD.decode(base64.as_bytes());
        blocks.push(der.map_err(|_| bad(&format!("{label} is not base64")))?.into());
        rest = behind;
    }
    if blocks.is_empty() { Err(bad(&format!("no {label} found"))) } else { Ok(blocks) }
}
