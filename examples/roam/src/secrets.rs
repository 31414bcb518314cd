//! Credentials: where they come from, and where they may go.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use roamio::error::{Code, Error, Result};
use roamio::secret::Secret;

/// A secret from a file, without the white space around it.
///
/// # Errors
/// [`Code::InvalidArgument`] with what is wrong with the file.
pub(crate) fn read(path: &Path) -> Result<Secret> {
    let read = || {
        let mut text = String::new();
        fs::File::open(path)?.read_to_string(&mut text).map(|_| text)
    };
    read().map(|text| Secret::new(text.trim())).map_err(|error| unusable(path, &error))
}

/// Write a secret into a file that only its owner may read.
///
/// # Errors
/// [`Code::InvalidArgument`] with what is wrong with the file.
pub(crate) fn write(path: &Path, secret: &Secret) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written =
        options.open(path).and_then(|mut file| file.write_all(secret.expose().as_bytes()));
    written.map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::InvalidArgument, format!("{}: {error}", path.display()))
}
