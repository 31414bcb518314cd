//! Why a handshake has failed, in words. Those for certificates are OpenSSL's where it has the same
//! check.

use std::borrow::Cow;

use rustls::{CertificateError, Error};

use super::trust::is_of_authority;
use crate::error::CertificateProblem;

/// The names of a certificate that are told at most.
const NAMES: usize = 5;

const DAY: u64 = 24 * 60 * 60;

/// What is wrong with a certificate.
pub(super) fn of(error: &CertificateError) -> Cow<'static, str> {
    match error {
        CertificateError::BadEncoding => "it is malformed".into(),
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / DAY;
            format!("certificate has expired {days} days ago").into()
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let days = not_before.as_secs().saturating_sub(time.as_secs()) / DAY;
            format!("certificate is not yet valid, but in {days} days").into()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.len().min(NAMES);
            format!("hostname mismatch, it is for {}", presented[..names].join(", ")).into()
        }
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is not signed by the authority that it names".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "it is signed with an algorithm that is not supported".into()
        }
        CertificateError::UnknownIssuer => "unknown issuer, or it vouches for itself".into(),
        error if is_of_authority(error) => "it is an authority's, and not a server's".into(),
        error => error.to_string().into(),
    }
}

/// The same as a value. Whether an unknown issuer is the certificate itself is not told.
pub(super) const fn problem(error: &CertificateError) -> Option<CertificateProblem> {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some(CertificateProblem::Expired)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some(CertificateProblem::NotYetValid)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some(CertificateProblem::WrongHost)
        }
        CertificateError::UnknownIssuer => Some(CertificateProblem::UnknownIssuer),
        CertificateError::Revoked => Some(CertificateProblem::Revoked),
        _ => None,
    }
}

/// The alert that the server has sent: `alert unknown ca`.
pub(super) fn alert(error: &Error) -> Option<String> {
    let Error::AlertReceived(alert) = error else { return None };
    let mut text = "alert".to_owned();
    let mut after_capital = false;
    for letter in alert.as_str().unwrap_or("Unknown").chars() {
        if letter.is_uppercase() && !after_capital {
            text.push(' ');
        }
        // What is abbreviated stays together.
        after_capital = letter.is_uppercase();
        text.extend(letter.to_lowercase());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn alerts_are_told_in_words() {
        for (received, told) in [
            (AlertDescription::UnknownCA, "alert unknown ca"),
            (AlertDescription::CertificateRequired, "alert certificate required"),
            (AlertDescription::UnknownPSKIdentity, "alert unknown pskidentity"),
            (AlertDescription::Unknown(200), "alert unknown"),
        ] {
            assert_eq!(alert(&Error::AlertReceived(received)).as_deref(), Some(told));
        }
        assert_eq!(alert(&Error::DecryptError), None);
    }
}
