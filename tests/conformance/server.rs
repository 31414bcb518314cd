//! Servers that somebody else wrote, installed and run by the tests.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

/// A server in a process of its own. It ends with this value.
pub struct Server {
    process: Child,
    /// Held open; the server ends when it is closed.
    _stdin: ChildStdin,
    port: u16,
}

impl Server {
    /// Install (once) and start the server in `tests/conformance/servers/<name>`.
    pub fn start(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/servers").join(name);
        install(&folder);
        let mut process = Command::new("node")
            .arg(folder.join("server.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdin = process.stdin.take().expect("piped");
        let mut line = String::new();
        let output = process.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("the server prints its port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("no port but {line:?}"));
        Self { process, _stdin: stdin, port }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Install the locked versions unless they are there. Other test programs may do so as well.
fn install(folder: &Path) {
    static ONCE: Mutex<()> = Mutex::new(());
    let _guard = ONCE.lock();
    let lock: PathBuf = std::env::temp_dir().join("roamio-npm.lock");
    let lock = File::create(lock).expect("a file in the temporary folder");
    lock.lock().expect("a file can be locked");
    let manifest = std::fs::read(folder.join("package-lock.json")).expect("a lock file");
    let stamp = folder.join("node_modules/.installed");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == manifest) {
        return;
    }
    let npm = Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .status()
        .expect("npm is installed");
    assert!(npm.success(), "npm ci in {}", folder.display());
    std::fs::write(stamp, manifest).expect("node_modules is writable");
}
