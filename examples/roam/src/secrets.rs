//! Credentials: where they come from, and where they may go.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use roamio::error::{Code, Error, Result};
use roamio::secret::Secret;

/// A token is at most this long, in bytes; more is another file.
const MOST: u64 = 64 << 10;

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

/// The token that a word of the command line means: `-` is the first line of `input`, the name of a
/// file its content, and anything else the token itself.
///
/// # Errors
/// [`Code::InvalidArgument`] with what is wrong with the file or the input.
pub(crate) fn token(word: &str, input: &mut impl BufRead) -> Result<Secret> {
    if word == "-" {
        let mut line = String::new();
        let read = input.take(MOST).read_line(&mut line);
        let error = |error: io::Error| unusable(Path::new("standard input"), &error);
        return read.map(|_| Secret::new(line.trim())).map_err(error);
    }
    let path = Path::new(word);
    if path.is_file() { read(path) } else { Ok(Secret::new(word)) }
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::InvalidArgument, format!("{}: {error}", path.display()))
}
