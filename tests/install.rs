//! What `make install` installs is found by pkg-config and CMake, and programs work with it: shared,
//! static, beside another library in Rust, and beside another OpenSSL.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

// Makes the library be built before this test.
use roamio as _;
use roamio_portal::{Server, ServerConfig, TlsIdentity};

/// What the small programs say.
const SAID: &str = concat!("roamio ", env!("CARGO_PKG_VERSION"), ": CONNECT\n");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Where the library that was built with this test is installed: in a staging root, so that the tree
/// is used from another place than it was made for.
fn prefix() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let stage = work().join("stage");
        let built = env::current_exe().unwrap();
        let mut install = Command::new(root().join("packaging/install"));
        install.arg(built.parent().unwrap());
        install.env("PREFIX", "/opt/roamio").env("LIBDIR", "lib/any").env("DESTDIR", &stage);
        succeed(&mut install);
        stage.join("opt/roamio")
    })
}

fn libraries() -> PathBuf {
    prefix().join("lib/any")
}

/// A folder of this run.
fn work() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// What pkg-config says, word by word.
fn pkg_config(options: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    // The tree is not where it was made for.
    command.arg(format!("--define-variable=prefix={}", prefix().display())).args(options);
    command.arg("roamio").env("PKG_CONFIG_PATH", libraries().join("pkgconfig"));
    succeed(&mut command).split_whitespace().map(str::to_owned).collect()
}

fn needed(program: &Path) -> String {
    succeed(Command::new("readelf").arg("-d").arg(program))
}

#[test]
fn the_shared_library_has_its_three_names() {
    let link = |name: &str| fs::read_link(libraries().join(name)).unwrap();
    let real = concat!("libroamio.so.", env!("CARGO_PKG_VERSION"));
    assert_eq!(link("libroamio.so"), Path::new("libroamio.so.0"));
    assert_eq!(link("libroamio.so.0"), Path::new(real));
    assert!(needed(&libraries().join(real)).contains("[libroamio.so.0]"));
}

#[test]
fn the_static_library_shows_nothing_but_the_interface() {
    let archive = libraries().join("libroamio.a");
    let symbols =
        succeed(Command::new("nm").args(["--defined-only", "--extern-only"]).arg(archive));
    let shown: BTreeSet<&str> = symbols
        .lines()
        .filter(|line| line.contains(' '))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    let listed = fs::read_to_string(root().join("include/symbols.txt")).unwrap();
    let listed: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split(' ').next()).filter(|w| *w != "#").collect();
    assert_eq!(shown, listed);
}

#[test]
fn pkg_config_finds_the_shared_library() {
    let program = work().join("shared");
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).args(pkg_config(&["--cflags"]));
    command.arg(root().join("examples/cmake/hello.c")).arg("-o").arg(&program);
    command.args(pkg_config(&["--libs"]));
    command.arg(format!("-Wl,-rpath,{}", libraries().display()));
    succeed(&mut command);
    assert!(needed(&program).contains("[libroamio.so.0]"));
    assert_eq!(succeed(&mut Command::new(&program)), SAID);
}

#[test]
fn pkg_config_knows_what_the_static_library_needs() {
    let program = work().join("static");
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).args(pkg_config(&["--cflags"]));
    command.arg(root().join("examples/cmake/hello.c")).arg("-o").arg(&program);
    // The archive has everything; the shared library of the same name is not needed then.
    command.arg(libraries().join("libroamio.a")).arg("-Wl,--as-needed");
    command.args(pkg_config(&["--static", "--libs"]));
    succeed(&mut command);
    assert!(!needed(&program).contains("libroamio"));
    assert_eq!(succeed(&mut Command::new(&program)), SAID);
}

#[test]
fn cmake_finds_both_libraries() {
    let build = work().join("cmake");
    let mut command = Command::new("cmake");
    command.arg("-S").arg(root().join("examples/cmake")).arg("-B").arg(&build);
    command.arg(format!("-Droamio_DIR={}", libraries().join("cmake/roamio").display()));
    succeed(&mut command);
    succeed(Command::new("cmake").arg("--build").arg(&build));
    for (program, shared) in [
        ("hello_c", true),
        ("hello_c_static", false),
        ("hello_cpp", true),
        ("hello_cpp_static", false),
    ] {
        let program = build.join(program);
        assert_eq!(needed(&program).contains("[libroamio.so.0]"), shared, "{program:?}");
        assert_eq!(succeed(&mut Command::new(&program)), SAID, "{program:?}");
    }
}

#[test]
fn cmake_refuses_versions_that_do_not_fit() {
    for wanted in ["0.0.9", "0.2", "1", "0.1.1"] {
        let script = work().join(format!("wants-{wanted}.cmake"));
        let text = format!("find_package(roamio {wanted} CONFIG REQUIRED)\n");
        fs::write(&script, text).unwrap();
        let mut command = Command::new("cmake");
        command.arg(format!("-Droamio_DIR={}", libraries().join("cmake/roamio").display()));
        let output = command.arg("-P").arg(&script).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{wanted}");
        assert!(said.contains(concat!("version: ", env!("CARGO_PKG_VERSION"))), "{wanted}: {said}");
    }
}

#[test]
fn two_libraries_in_rust_live_in_one_program() {
    let other = work().join("libother.a");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "staticlib", "--crate-name", "other", "-o"]);
    succeed(command.arg(&other).arg(root().join("tests/install/other.rs")));
    let source = root().join("tests/install/two.c");
    // In both orders: whichever comes first must not serve the other.
    for (name, order) in [("one", [0, 1]), ("two", [1, 0])] {
        let archives = [libraries().join("libroamio.a"), other.clone()];
        let program = work().join(name);
        let mut command = Command::new("cc");
        command.args(["-Wall", "-Wextra", "-Werror"]).args(pkg_config(&["--cflags"])).arg(&source);
        command.arg("-o").arg(&program).args(order.map(|at| &archives[at]));
        command.arg("-Wl,--as-needed").args(pkg_config(&["--static", "--libs"]));
        succeed(&mut command);
        succeed(&mut Command::new(&program));
    }
}

/// Build `tests/install/own_ssl.c` with the shared library, or with the static one.
fn own_ssl(shared: bool) -> PathBuf {
    let program = work().join(format!("own_ssl-{shared}"));
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).args(pkg_config(&["--cflags"]));
    command.arg(root().join("tests/install/own_ssl.c")).arg("-o").arg(&program);
    if shared {
        command.args(pkg_config(&["--libs"]));
        command.arg(format!("-Wl,-rpath,{}", libraries().display()));
    } else {
        command.arg(libraries().join("libroamio.a")).arg("-Wl,--as-needed");
        command.args(pkg_config(&["--static", "--libs"]));
    }
    succeed(&mut command);
    program
}

#[test]
fn a_host_has_an_openssl_of_its_own_when_the_library_has_rustls() {
    let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (identity.cert.pem(), identity.signing_key.serialize_pem());
    let file = work().join("portal.pem");
    fs::write(&file, &certificate).unwrap();
    let tls = Some(TlsIdentity { certificate: certificate.clone(), key });
    let portal = Server::start_blocking(ServerConfig { tls, ..ServerConfig::default() }).unwrap();
    let token = |user| portal.mint_token("room", user, "presenter");
    for shared in [true, false] {
        let program = own_ssl(shared);
        let mut given = Command::new(&program);
        given.arg(token("given")).arg(&certificate);
        // What the system trusts is told to OpenSSL and rustls in the same way.
        let mut found = Command::new(&program);
        found.arg(token("found")).env("SSL_CERT_FILE", &file);
        let mut unknown = Command::new(&program);
        unknown.arg(token("unknown"));
        if cfg!(feature = "tls-rustls") {
            assert!(!needed(&program).contains("[libssl"), "{program:?}");
            assert_eq!(succeed(&mut given), "logged in\n");
            assert_eq!(succeed(&mut found), "logged in\n");
            let refused = succeed(&mut unknown);
            assert!(refused.contains("not accepted: unknown issuer"), "{refused}");
        } else {
            let ended = given.output().unwrap().status.signal();
            assert_eq!(ended, Some(6), "it is the program's functions that were called");
        }
    }
}
