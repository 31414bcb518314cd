//! Builds host programs against the library that was built with this test, and runs them: as they
//! are, under AddressSanitizer and under valgrind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

/// How a program is built and run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Watch {
    None,
    Sanitizer,
    Valgrind,
}

/// A program of one source file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// The source, from the root of the project, without its extension.
    pub(crate) source: &'a str,
    pub(crate) extension: &'a str,
    pub(crate) compiler: &'a str,
    pub(crate) options: &'a [&'a str],
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the programs are, with the library under the names that they look for.
pub(crate) fn folder() -> PathBuf {
    let built = env::current_exe().unwrap().with_file_name("libroamio.so");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi");
    fs::create_dir_all(&folder).unwrap();
    for name in ["libroamio.so", "libroamio.so.0"] {
        // Another test may be making the same link.
        let _ = std::os::unix::fs::symlink(&built, folder.join(name));
    }
    folder
}

/// The library with the sanitizer's checks in it, to be linked statically.
fn instrumented() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("asan");
        let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
        let status = Command::new(env!("CARGO"))
            .current_dir(root())
            .env("CARGO_TARGET_DIR", &folder)
            // The option is not stable yet, but stable toolchains have what it needs.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .args(["rustc", "--quiet", "--lib", "--crate-type", "staticlib", "--target"])
            .arg(&target)
            .status();
        assert!(status.unwrap().success(), "the library builds with AddressSanitizer");
        folder.join(target).join("debug/libroamio.a")
    })
}

/// Build what programs are linked with: that may take longer than the tokens last that they get.
pub(crate) fn prepare(watch: Watch) {
    if watch == Watch::Sanitizer {
        instrumented();
    }
}

fn compile(program: Program<'_>, watch: Watch) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let folder = folder();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = program.source.rsplit('/').next().unwrap();
    let binary = folder.join(format!("{name}-{}-{number}", std::process::id()));
    let mut command = Command::new(program.compiler);
    command
        .args(["-g1", "-O0", "-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(program.options)
        .arg("-o")
        .arg(&binary)
        .arg(root().join(program.source).with_extension(program.extension))
        .arg("-I")
        .arg(root().join("include"));
    match watch {
        Watch::Sanitizer => command.arg(instrumented()).args(["-lssl", "-lcrypto", "-ldl"]),
        Watch::None | Watch::Valgrind => command
            .arg("-L")
            .arg(&folder)
            .arg("-lroamio")
            .arg(format!("-Wl,-rpath,{}", folder.display())),
    };
    command.args(["-lpthread", "-lm"]);
    if watch == Watch::Sanitizer {
        command.args(["-fsanitize=address", "-fno-omit-frame-pointer"]);
    }
    let output = command.output().expect("the compiler is installed, see .ci/prepare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}:\n{said}");
    binary
}

pub(crate) fn run(program: Program<'_>, watch: Watch, args: &[String]) {
    let binary = compile(program, watch);
    let mut command = match watch {
        Watch::Valgrind => {
            let mut command = Command::new("valgrind");
            command.args(["--quiet", "--leak-check=full", "--error-exitcode=9"]);
            // Idle dispatch threads are still there when the program ends: "possibly lost".
            let kinds = "definite,indirect";
            command.arg(format!("--errors-for-leak-kinds={kinds}"));
            command.arg(format!("--show-leak-kinds={kinds}")).arg(&binary);
            command
        }
        _ => Command::new(&binary),
    };
    let output = command.args(args).output().expect("valgrind is installed, see .ci/prepare");
    let _ = fs::remove_file(&binary);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}: {}\n{said}", output.status);
}

/// A program of `tests/capi`.
pub(crate) fn run_c(name: &str, watch: Watch, args: &[String]) {
    let source = format!("tests/capi/{name}");
    let options = ["-std=gnu11"];
    let program = Program { source: &source, extension: "c", compiler: "cc", options: &options };
    run(program, watch, args);
}
