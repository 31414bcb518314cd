//! Whom to trust, and whom to be: options that name files.

use std::fs;
use std::path::{Path, PathBuf};

use roamio::config::{ClientIdentity, TlsConfig, TlsVersion};
use roamio::error::{Code, Error, Result};
use serde::Deserialize;

use crate::words::Word;

/// The options of TLS, with the content of the files that they name.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Files")]
pub(crate) struct TlsOptions(pub(crate) TlsConfig);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Files {
    extra_roots_file: Option<PathBuf>,
    identity: Option<Identity>,
    spki_pins: Vec<String>,
    server_name: Option<String>,
    min_version: Option<Word<TlsVersion>>,
    dangerously_accept_anything: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Identity {
    Pem { certificates_file: PathBuf, key_file: PathBuf },
    Pkcs12 { pkcs12_file: PathBuf, password_file: PathBuf },
}

impl Identity {
    fn load(&self) -> Result<ClientIdentity> {
        match self {
            Self::Pem { certificates_file, key_file } => {
                ClientIdentity::pem(&text(certificates_file)?, &text(key_file)?)
            }
            Self::Pkcs12 { pkcs12_file, password_file } => {
                let archive = bytes(pkcs12_file)?;
                ClientIdentity::pkcs12(&archive, crate::secrets::read(password_file)?.expose())
            }
        }
    }
}

impl TryFrom<Files> for TlsOptions {
    type Error = Error;

    fn try_from(files: Files) -> Result<Self> {
        let mut tls = TlsConfig {
            identity: files.identity.as_ref().map(Identity::load).transpose()?,
            server_name: files.server_name,
            dangerously_accept_anything: files.dangerously_accept_anything,
            ..TlsConfig::default()
        };
        if let Some(Word(version)) = files.min_version {
            tls.min_version = version;
        }
        if let Some(file) = files.extra_roots_file {
            trust(&mut tls, &file)?;
        }
        for pin in &files.spki_pins {
            tls.add_spki_pin_base64(pin)?;
        }
        Ok(Self(tls))
    }
}

/// Trust the certificates of a PEM file, too.
///
/// # Errors
/// [`Code::InvalidArgument`] with what is wrong with the file.
pub(crate) fn trust(tls: &mut TlsConfig, file: &Path) -> Result<()> {
    tls.add_roots_pem(&text(file)?)
}

fn text(file: &Path) -> Result<String> {
    String::from_utf8(bytes(file)?).map_err(|_| unusable(file, &"no text"))
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Code::InvalidArgument, format!("{}: {error}", file.display()))
}
