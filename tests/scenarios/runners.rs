//! The programs that play scenarios, one per language: how each is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use crate::programs::{self, root};

/// A language.
pub(crate) struct Runner {
    pub(crate) name: &'static str,
    /// Its traces are those that the others must have.
    pub(crate) writes: bool,
    /// Gives the program, or says what is missing on this machine.
    build: fn() -> Result<Program, String>,
}

/// The Rust API.
pub(crate) const RUST: Runner = Runner { name: "Rust", writes: true, build: rust };

/// The C ABI.
pub(crate) const C: Runner = Runner { name: "C", writes: false, build: c };

/// The C++ headers.
pub(crate) const CPP: Runner = Runner { name: "C++", writes: false, build: cpp };

/// The Python package.
pub(crate) const PYTHON: Runner = Runner { name: "Python", writes: false, build: python };

/// The Swift package.
pub(crate) const SWIFT: Runner = Runner { name: "Swift", writes: false, build: swift };

/// The Kotlin package.
pub(crate) const KOTLIN: Runner = Runner { name: "Kotlin", writes: false, build: kotlin };

/// What was built.
pub(crate) struct Program {
    /// Followed by a scenario and the portal's URL.
    words: Vec<PathBuf>,
    /// Where it is, if it is not kept.
    _workshop: Option<Workshop>,
}

impl Program {
    /// To play a scenario at the portal with this URL.
    pub(crate) fn command(&self, scenario: &Path, url: &str) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(scenario).arg(url);
        command
    }
}

impl Runner {
    /// None: the program cannot be built here, which `.ci/skip` tells loudly and counts.
    pub(crate) fn build(&self) -> Option<Program> {
        let missing = match (self.build)() {
            Ok(program) => return Some(program),
            Err(missing) => missing,
        };
        let what = format!("scenarios in {}", self.name);
        run(Command::new(root().join(".ci/skip")).args([what, missing]));
        None
    }
}

fn rust() -> Result<Program, String> {
    // With other features, also of what it depends on, the library of `make test` would be replaced.
    let features = if cfg!(feature = "watch") { "watch" } else { "" };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--workspace", "--example", "scenario"]);
    run(cargo.args(["--features", features]));
    Ok(Program { words: vec![target().join("debug/examples/scenario")], _workshop: None })
}

fn c() -> Result<Program, String> {
    needs("cc")?;
    let workshop = Workshop::new("c");
    let parts = ["portal", "scenario/json", "scenario/trace", "scenario/objects"];
    let objects = parts.map(|part| workshop.compile(part));
    Ok(workshop.link("cc", "examples/c/scenario/scenario.c", &objects))
}

fn cpp() -> Result<Program, String> {
    needs("cc")?;
    needs("c++")?;
    let workshop = Workshop::new("cpp");
    let objects = ["portal", "scenario/json"].map(|part| workshop.compile(part));
    Ok(workshop.link("c++", "examples/cpp/scenario/scenario.cpp", &objects))
}

/// With the package that `make python` has put together, which takes minutes when nothing is built.
fn python() -> Result<Program, String> {
    needs("python3")?;
    let package = target().join("python/package/src");
    if !package.is_dir() {
        return Err("there is no package: make python".into());
    }
    let path = format!("PYTHONPATH={}", package.display());
    let program = root().join("examples/python/scenario.py");
    let words = vec!["env".into(), path.into(), "python3".into(), "-B".into(), program];
    Ok(Program { words, _workshop: None })
}

/// Where Swift runs, with the program that `make swift-scenario` has built.
fn swift() -> Result<Program, String> {
    let toolchain = Command::new(root().join("bindings/swift/toolchain")).arg("check").output();
    let checked = toolchain.map_err(|error| error.to_string())?;
    if !checked.status.success() {
        return Err(String::from_utf8_lossy(&checked.stdout).trim().into());
    }
    let folder = target().join("swift");
    if !folder.join("scenario/.build/debug/scenario").is_file() {
        return Err("there is no program: make swift-scenario".into());
    }
    let folder = format!("FOLDER={}", folder.display());
    let program = root().join("examples/swift/scenario.sh");
    Ok(Program { words: vec!["env".into(), folder.into(), program], _workshop: None })
}

/// With what `make test-kotlin` has compiled.
fn kotlin() -> Result<Program, String> {
    needs("java")?;
    let project = target().join("kotlin/roamio");
    if !project.join("examples/target/classpath").is_file() {
        return Err("it is not compiled: make test-kotlin".into());
    }
    let project = format!("PROJECT={}", project.display());
    let program = root().join("examples/kotlin/run.sh");
    let words = vec!["env".into(), project.into(), program, "scenario".into()];
    Ok(Program { words, _workshop: None })
}

/// A folder of this process where a program for the shared library is made; removed at the end.
struct Workshop(PathBuf);

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-Iinclude"];

impl Workshop {
    fn new(language: &str) -> Self {
        let folder = format!("scenario-{language}-{}", process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Compile a part that the C and C++ runners share.
    fn compile(&self, part: &str) -> PathBuf {
        let object = self.0.join(part.replace('/', "-")).with_extension("o");
        let mut compiler = Command::new("cc");
        compiler.args(STRICT).arg("-c").arg(format!("examples/c/{part}.c"));
        run(compiler.arg("-o").arg(&object));
        object
    }

    fn link(self, compiler: &str, source: &str, objects: &[PathBuf]) -> Program {
        let (program, library) = (self.0.join("scenario"), programs::folder());
        let mut compiler = Command::new(compiler);
        compiler.args(STRICT).arg(source).args(objects).arg("-o").arg(&program);
        compiler.arg("-L").arg(&library).args(["-lroamio", "-lpthread"]);
        run(compiler.arg(format!("-Wl,-rpath,{}", library.display())));
        Program { words: vec![program], _workshop: Some(self) }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
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
