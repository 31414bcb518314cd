//! Whom to trust: the system's roots, and those of the application.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::CertificateResult;

use crate::config::TlsConfig;
use crate::driver::tls::{invalid, unusable};
use crate::error::Result;
use crate::log::log;

/// The roots of the application.
///
/// # Errors
/// [`Code::InvalidArgument`](crate::error::Code::InvalidArgument) for what is no certificate.
pub(super) fn given(config: &TlsConfig) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in &config.extra_roots {
        let added = roots.add(CertificateDer::from_slice(root));
        added.map_err(|_| invalid("trusted certificate", &"it is malformed"))?;
    }
    Ok(roots)
}

/// All of them. Those of the system that cannot be used are logged.
///
/// # Errors
/// As [`given`], and [`Code::TlsHandshake`](crate::error::Code::TlsHandshake) when there are none.
pub(super) fn all(config: &TlsConfig) -> Result<RootCertStore> {
    let mut roots = given(config)?;
    let system = system();
    for error in &system.errors {
        log!(Warn, "the system's trust anchors: {error}");
    }
    let (found, _) = roots.add_parsable_certificates(system.certs);
    log!(Debug, "{found} trust anchors of the system");
    if roots.is_empty() {
        return Err(unusable(&"no trust anchors: neither the system nor the application has any"));
    }
    Ok(roots)
}

#[cfg(not(target_os = "android"))]
fn system() -> CertificateResult {
    rustls_native_certs::load_native_certs()
}

/// Since version 14 the roots are in a module that is updated by itself.
#[cfg(target_os = "android")]
fn system() -> CertificateResult {
    use std::path::Path;

    let folders = ["/apex/com.android.conscrypt/cacerts", "/system/etc/security/cacerts"];
    let folder = folders.iter().map(Path::new).find(|folder| folder.is_dir());
    rustls_native_certs::load_certs_from_paths(None, folder)
}
