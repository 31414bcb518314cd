//! The tests of this project, by reading its sources.

use std::fs;
use std::path::Path;

/// A test, or a function that looks like one.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its name.
    pub(crate) name: String,
    /// Its file, from the root of the project.
    pub(crate) file: String,
    /// It runs with every `cargo test`.
    pub(crate) runs: bool,
}

/// Where the project is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Everything that is named like a test, wherever it is.
pub(crate) fn all() -> Vec<Found> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples"] {
        find(&root().join(folder), &mut found);
    }
    found.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
    found
}

fn find(folder: &Path, found: &mut Vec<Found>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let file = path.strip_prefix(root()).expect("below the root").display().to_string();
            found.extend(declared(&text).map(|(name, runs)| Found {
                name: name.to_owned(),
                file: file.clone(),
                runs,
            }));
        }
    }
}

/// Names of functions, and of the tests that a macro makes of lines `name: ...;`.
fn declared(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let (mut is_test, mut is_ignored) = (false, false);
    text.lines().map(str::trim_start).filter_map(move |line| {
        if line.starts_with("#[") {
            is_test |= line.contains("test]");
            is_ignored |= line.contains("ignore");
            return None;
        }
        let runs = std::mem::take(&mut is_test) & !std::mem::take(&mut is_ignored);
        if let Some((before, rest)) = line.split_once("fn ")
            && before.split_whitespace().all(|word| word == "async" || word.starts_with("pub"))
        {
            return rest.split(['(', '<']).next().map(|name| (name, runs));
        }
        let (name, rest) = line.split_once(": ")?;
        (is_name(name) && rest.ends_with(';')).then_some((name, true))
    })
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A generated table must be what is in the project. `ROAMIO_WRITE_COVERAGE` makes it so.
pub(crate) fn assert_current(file: &str, table: &str) {
    let path = root().join(file);
    if std::env::var_os("ROAMIO_WRITE_COVERAGE").is_some() {
        fs::write(&path, table).expect("a writable project");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == table, "{file} is not current: run `make coverage`");
}
