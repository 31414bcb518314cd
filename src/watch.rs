//! For this library's own tests, with the feature `watch`: all that a process logs and traces,
//! wanted by its host or not, is kept in a file in the folder that `ROAMIO_WATCH` names, and
//! `tests/secrets.rs` searches those files.
//!
//! Without the feature, which no product has, [`keeps`] is known to be false when it is compiled.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::{env, process};

/// Whether everything is kept.
pub(crate) fn keeps() -> bool {
    cfg!(feature = "watch") && file().is_some()
}

/// Keep whole lines.
pub(crate) fn keep(lines: &str) {
    if keeps()
        && let Some(mut file) = file()
    {
        file.write_all(lines.as_bytes()).expect("the watch writes");
    }
}

/// The file of this process. It is appended to: processes may have the same number one after another.
fn file() -> Option<&'static File> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let open = || {
        let path = Path::new(&env::var_os("ROAMIO_WATCH")?).join(format!("{}.log", process::id()));
        Some(File::options().append(true).create(true).open(path).expect("the watch's folder"))
    };
    FILE.get_or_init(open).as_ref()
}
