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
    /// Gives the program, or says what is missing on this machine.
    build: fn() -> Result<PathBuf, String>,
}

/// The Rust API.
pub(crate) const RUST: Runner = Runner { name: "Rust", writes: true, build: rust };

/// The C ABI.
pub(crate) const C: Runner = Runner { name: "C", writes: false, build: c };

/// The C++ headers.
pub(crate) const CPP: Runner = Runner { name: "C++", writes: false, build: cpp };

impl Runner {
    /// The program, which is called with a scenario and the portal's URL. None: it cannot be built
    /// here, which `.ci/skip` tells loudly and counts.
    pub(crate) fn build(&self) -> Option<PathBuf> {
        let missing = match (self.build)() {
            Ok(program) => return Some(program),
            Err(missing) => missing,
        };
        let what = format!("scenarios in {}", self.name);
        run(Command::new(root().join(".ci/skip")).args([what, missing]));
        None
    }
}

fn rust() -> Result<PathBuf, String> {
    run(Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "scenario"]));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    Ok(target.join("debug/examples/scenario"))
}

fn c() -> Result<PathBuf, String> {
    needs("cc")?;
    let parts = ["json", "trace", "objects", "scenario"];
    let parts = parts.map(|part| format!("examples/c/scenario/{part}.c"));
    Ok(compile(Command::new("cc").arg("examples/c/portal.c").args(parts), "c"))
}

fn cpp() -> Result<PathBuf, String> {
    needs("c++")?;
    let mut compiler = Command::new("c++");
    compiler.args(["examples/cpp/scenario/scenario.cpp", "-x", "c", "examples/c/portal.c"]);
    compiler.args(["examples/c/scenario/json.c", "-x", "none"]);
    Ok(compile(&mut compiler, "cpp"))
}

/// Compile and link with the shared library that was built with this test, under the name that
/// programs look for.
fn compile(compiler: &mut Command, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios");
    fs::create_dir_all(&folder).unwrap();
    let built = env::current_exe().unwrap().with_file_name("libroamio.so");
    for name in ["libroamio.so", "libroamio.so.0"] {
        // Another test may be making the same link.
        let _ = symlink(&built, folder.join(name));
    }
    let program = folder.join(format!("{name}-{}", process::id()));
    compiler.args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Iinclude", "-o"]);
    compiler.arg(&program).arg("-L").arg(&folder).args(["-lroamio", "-lpthread"]);
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

/// Run a program that has to succeed.
fn run(command: &mut Command) {
    let status = command.current_dir(root()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
