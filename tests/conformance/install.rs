//! The locked versions of other people's servers, installed below the target directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the manifests and programs of the servers are.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/servers")
}

/// The `node_modules` folder of `tests/conformance/servers/<version>`.
pub fn node_modules(version: &str) -> PathBuf {
    let files = ["package.json", "package-lock.json", ".npmrc"];
    installed(version, &files, |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
        run(npm);
    })
    .join("node_modules")
}

/// A Python that has what `tests/conformance/servers/python/requirements.txt` names.
pub fn python() -> PathBuf {
    let folder = installed("python", &["requirements.txt"], |folder| {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear", "venv"]).current_dir(folder);
        run(venv);
        let mut pip = Command::new("venv/bin/pip");
        pip.args(["install", "--disable-pip-version-check", "-r", "requirements.txt"]);
        pip.current_dir(folder);
        run(pip);
    });
    folder.join("venv/bin/python")
}

/// Copy the manifests to a folder of their own and install there, unless the same ones were
/// installed before. Other test programs may want the same at the same time.
fn installed(name: &str, manifests: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers");
    fs::create_dir_all(&root).expect("the target directory is writable");
    let lock = File::create(root.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("a file can be locked");
    let folder = root.join(name);
    let wanted: Vec<Vec<u8>> = manifests
        .iter()
        .map(|file| fs::read(sources().join(name).join(file)).expect("a manifest"))
        .collect();
    let stamp = folder.join("installed");
    let same = |(file, wanted): (&&str, &Vec<u8>)| {
        fs::read(folder.join(file)).is_ok_and(|there| there == *wanted)
    };
    if stamp.exists() && manifests.iter().zip(&wanted).all(same) {
        return folder;
    }
    let _ = fs::remove_file(&stamp);
    fs::create_dir_all(&folder).expect("the target directory is writable");
    for (file, content) in manifests.iter().zip(&wanted) {
        fs::write(folder.join(file), content).expect("the target directory is writable");
    }
    install(&folder);
    fs::write(stamp, "").expect("the target directory is writable");
    folder
}

fn run(mut command: Command) {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?}: {error}; `.ci/prepare test` installs what it needs"),
    };
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
