//! `include/roamio.h` is what the generator makes of `src/capi`, and every C and C++ takes it.
//!
//! `make header` writes it anew.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The sources of the header in the order in which it is read.
const SOURCES: [&str; 20] = [
    "version",
    "types",
    "status",
    "error",
    "string",
    "options",
    "log",
    "config",
    "transports",
    "manager",
    "socket",
    "emit",
    "router",
    "registry",
    "conference_config",
    "conference_events",
    "conference",
    "renewal",
    "export",
    "stats",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(root().join(format!("src/capi/{name}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    compact(&String::from_utf8(text).unwrap())
}

/// Comments of one line take one line, and those that begin with `----` are headings.
fn compact(header: &str) -> String {
    let mut compact = String::new();
    let mut lines = header.lines().peekable();
    let mut types = false;
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim_start() != "/**" {
            // Every struct has a typedef of its name.
            let named = line.starts_with("typedef struct") && !line.contains('(');
            let line = if named { line.into() } else { line.replace("struct roam_", "roam_") };
            compact += &format!("{line}\n");
            continue;
        }
        let mut text: Vec<&str> = Vec::new();
        for line in lines.by_ref().take_while(|line| line.trim_start() != "*/") {
            text.push(line.trim_start().trim_start_matches('*').trim_start());
        }
        if text[0].starts_with("----") {
            compact += &format!("{indent}/* {} */\n\n", text[0]);
            text.drain(..2);
        }
        if lines.peek().is_some_and(|line| line.starts_with("typedef")) && !types {
            types = true;
            compact += &format!("/* ---- Types {} */\n\n", "-".repeat(83));
        }
        match text.as_slice() {
            [only] if indent.len() + only.len() + 7 <= 100 => {
                compact += &format!("{indent}/** {only} */\n");
            }
            _ => {
                compact += &format!("{indent}/**\n");
                for line in text {
                    compact += format!("{indent} * {line}").trim_end();
                    compact.push('\n');
                }
                compact += &format!("{indent} */\n");
            }
        }
        if lines.peek().is_some_and(|line| line.starts_with("#define")) {
            compact += &format!("{}\n", lines.next().unwrap());
            while lines.peek().is_some_and(|line| line.is_empty())
                && one_line_define_follows(lines.clone())
            {
                lines.next();
            }
        }
    }
    compact
}

/// After the empty line come a comment of one line and a constant.
fn one_line_define_follows<'a>(mut lines: impl Iterator<Item = &'a str>) -> bool {
    let next: Vec<&str> = lines.by_ref().take(5).collect();
    matches!(next.as_slice(), ["", "/**", text, " */", define]
        if define.starts_with("#define") && !text.contains("----"))
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = root().join("include/roamio.h");
    let generated = generate();
    if env::var_os("ROAMIO_WRITE_HEADER").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == generated, "run `make header`");
}

#[test]
fn the_header_has_no_words_of_another_language() {
    let header = generate();
    for word in ["Option<", "Arc<", "&str", "Safety", "clone", "[`", "# ", "Rust"] {
        let lines = header.lines().filter(|line| !line.starts_with('#'));
        let found: Vec<&str> = lines.filter(|line| line.contains(word)).collect();
        assert!(found.is_empty(), "{word:?}: {found:#?}");
    }
}

#[test]
fn every_standard_takes_the_header_without_a_warning() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("header");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("roamio.h"), generate()).unwrap();
    let unit = "#include \"roamio.h\"\n#include \"roamio.h\"\n\
                int main(void) { return roam_error_status(0) == ROAM_OK ? 0 : 1; }\n";
    let mut compilers = 0;
    for (compiler, language, standards) in [
        ("gcc", "c", ["c99", "c11"]),
        ("g++", "c++", ["c++11", "c++17"]),
        ("clang", "c", ["c99", "c11"]),
        ("clang++", "c++", ["c++11", "c++17"]),
    ] {
        if Command::new(compiler).arg("--version").output().is_err() {
            eprintln!("{compiler} is not installed: skipped");
            continue;
        }
        compilers += 1;
        for standard in standards {
            let source = folder.join(format!("header-{compiler}-{standard}.{language}"));
            fs::write(&source, unit).unwrap();
            let output = Command::new(compiler)
                .args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"])
                .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
                .args([&folder, &source])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{compiler} -std={standard}:\n{said}");
        }
    }
    assert!(compilers > 0, "there is no C compiler");
}
