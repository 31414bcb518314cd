//! The layers import only what lies below them, and `unsafe` lives only at the C boundary.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// What a module may import, by its folder or file under `src/`; the first match counts.
const RULES: &[(&str, &[&str])] = &[
    ("proto/engine", &["L0", "proto::engine", "proto::io", "proto::time"]),
    (
        "proto/path",
        &[
            "L0",
            "proto::engine",
            "proto::io",
            "proto::path",
            "proto::rng",
            "proto::stats",
            "proto::time",
            "proto::backoff",
        ],
    ),
    (
        "proto/socket",
        &[
            "L0",
            "proto::engine",
            "proto::path",
            "proto::rng",
            "proto::socket",
            "proto::io",
            "proto::stats",
            "proto::time",
            "proto::track",
            "proto::backoff",
        ],
    ),
    ("proto/conference", &["L0", "proto"]),
    ("proto", &["L0", "proto"]),
    ("driver", &["L0", "proto", "driver"]),
    ("client", &["L0", "proto", "driver", "client"]),
    ("capi", &["L0", "client", "capi"]),
    ("bridge", &["L0", "client", "bridge"]),
    ("", &["L0"]),
];

/// The values that every layer may use.
const L0: &[&str] = &["error", "payload", "config", "secret", "json", "log", "owt", "watch"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 30, "the sources are where this test looks for them");
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Every `crate::…` path of a file, up to two segments, comments left out.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let path: String = line[at + "crate::".len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect();
            found.push(path);
        }
    }
    found
}

#[test]
fn every_layer_imports_only_the_layers_below_it() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        if name == "lib.rs" {
            continue;
        }
        let (_, allowed) = RULES.iter().find(|(folder, _)| name.starts_with(folder)).unwrap();
        for import in imports(&text) {
            let fits =
                |prefix: &str| import == prefix || import.starts_with(&format!("{prefix}::"));
            let legal = allowed.iter().any(|prefix| match *prefix {
                "L0" => L0.iter().any(|module| fits(module)),
                prefix => fits(prefix),
            });
            if !legal {
                wrong.push(format!("src/{name} imports crate::{import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_protocol_core_touches_no_clock_socket_thread_or_runtime() {
    for (name, text) in files() {
        if name.starts_with("proto") {
            for word in
                ["tokio", "tungstenite", "std::net::Tcp", "std::thread", "Instant", "SystemTime"]
            {
                assert!(!text.contains(word), "src/{name} mentions {word}");
            }
        }
    }
}

#[test]
fn unsafe_code_lives_only_at_the_c_boundary() {
    for (name, text) in files() {
        let uses = text.lines().any(|line| {
            let code = line.split("//").next().unwrap();
            code.contains("unsafe ") && !code.contains("unsafe_code")
        });
        assert!(!uses || name.starts_with("capi"), "src/{name} uses unsafe");
    }
    for module in ["proto/mod.rs", "driver/mod.rs", "client/mod.rs", "bridge/mod.rs"] {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module));
        assert!(text.unwrap().contains("#![forbid(unsafe_code)]"), "src/{module} forbids unsafe");
    }
}
