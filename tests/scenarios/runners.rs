//! The programs that play scenarios, one per language: how each is built.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::{env, fs};

/// A language.
pub(crate) struct Runner {
    pub(crate) name: &'static str,
    /// Its traces are those that the others must have.
    pub(crate) writes: bool,
    /// Gives the words that call the program, or says what is missing on this machine.
    build: fn() -> Result<Vec<PathBuf>, String>,
}

/// The Rust API.
pub(crate) const RUST: Runner = Runner { name: "Rust", writes: true, build: rust };

/// The C ABI.
pub(crate) const C: Runner = Runner { name: "C", writes: false, build: c };

/// The C++ headers.
pub(crate) const CPP: Runner = Runner { name: "C++", writes: false, build: cpp };

/// The Python package.
pub(crate) const PYTHON: Runner = Runner { name: "Python", writes: false, build: python };

impl Runner {
    /// The program, whose words are followed by a scenario and the portal's URL. None: it cannot be
    /// built here, which `.ci/skip` tells loudly and counts.
    pub(crate) fn build(&self) -> Option<Vec<PathBuf>> {
        let missing = match (self.build)() {
            Ok(program) => return Some(program),
            Err(missing) => missing,
        };
        let what = format!("scenarios in {}", self.name);
        run(Command::new(root().join(".ci/skip")).args([what, missing]));
        None
    }
}

fn rust() -> Result<Vec<PathBuf>, String> {
    // With other features the library of this test would be replaced.
    let features = if cfg!(feature = "watch") { "watch" } else { "" };
    let mut cargo = Command::new(env!("CARGO"));
    run(cargo.args(["build", "--quiet", "--example", "scenario", "--features", features]));
    Ok(vec![target().join("debug/examples/scenario")])
}

fn c() -> Result<Vec<PathBuf>, String> {
    needs("cc")?;
    let folder = workshop("c");
    let parts = ["portal", "scenario/json", "scenario/trace", "scenario/objects"];
    let objects = parts.map(|part| compile(&folder, part));
    Ok(vec![link(&folder, "cc", "examples/c/scenario/scenario.c", &objects)])
}

fn cpp() -> Result<Vec<PathBuf>, String> {
    needs("cc")?;
    needs("c++")?;
    let folder = workshop("cpp");
    let objects = ["portal", "scenario/json"].map(|part| compile(&folder, part));
    Ok(vec![link(&folder, "c++", "examples/cpp/scenario/scenario.cpp", &objects)])
}

/// With the package that `make python` has put together, which takes minutes when nothing is built.
fn python() -> Result<Vec<PathBuf>, String> {
    needs("python3")?;
    let package = target().join("python/package/src");
    if !package.is_dir() {
        return Err("there is no package: make python".into());
    }
    let path = format!("PYTHONPATH={}", package.display());
    let program = root().join("examples/python/scenario.py");
    Ok(vec!["env".into(), path.into(), "python3".into(), "-B".into(), program])
}

/// A folder of this process with the shared library that was built with this test, under the name
/// that programs look for.
fn workshop(language: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios");
    let folder = folder.join(format!("{language}-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let built = env::current_exe().unwrap().with_file_name("libroamio.so");
    for name in ["libroamio.so", "libroamio.so.0"] {
        symlink(&built, folder.join(name)).unwrap();
    }
    folder
}

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-Iinclude"];

/// Compile a part that the C and C++ runners share.
fn compile(folder: &Path, part: &str) -> PathBuf {
    let object = folder.join(part.replace('/', "-")).with_extension("o");
    let mut compiler = Command::new("cc");
    compiler.args(STRICT).arg("-c").arg(format!("examples/c/{part}.c"));
    run(compiler.arg("-o").arg(&object));
    object
}

fn link(folder: &Path, compiler: &str, source: &str, objects: &[PathBuf]) -> PathBuf {
    let program = folder.join("scenario");
    let mut compiler = Command::new(compiler);
    compiler.args(STRICT).arg(source).args(objects).arg("-o").arg(&program);
    compiler.arg("-L").arg(folder).args(["-lroamio", "-lpthread"]);
    run(compiler.arg(format!("-Wl,-rpath,{}", folder.display())));
    program
}

/// An error if there is no such tool.
fn needs(tool: &str) -> Result<(), String> {
    let mut command = Command::new(tool);
    let shown = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = shown.is_ok_and(|status| status.success());
    there.then_some(()).ok_or_else(|| format!("there is no {tool}"))
}

/// Cargo's folder for what it builds.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Run a program that has to succeed.
fn run(command: &mut Command) {
    let status = command.current_dir(root()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
