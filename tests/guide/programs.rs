//! The programs that a newcomer begins with do what their pages say, against a portal and a server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roamio::client::Conference;
use roamio::config::ConferenceConfig;
use roamio::log::{Level, set_hook};
use roamio_portal::{Cut, Server, ServerConfig, Target};

use crate::pages::{page, root};
use crate::samples::{compiler, succeed, write};
use crate::{example, server};

#[test]
fn the_example_in_rust_gets_its_answer() {
    let url = format!("http://{}/chat", server::start());
    let answer = example::ask(&url, "say", r#"["hello",42]"#).expect("an answer");
    assert_eq!(answer, [r#""hello""#, "42"]);
    assert!(example::ask("no URL", "say", "[]").is_err());
}

/// The folder of the shared library that was built with this test, under the name that programs
/// look for.
fn library() -> PathBuf {
    let built = std::env::current_exe().unwrap().with_file_name("libroamio.so");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["libroamio.so", "libroamio.so.0"] {
        // It may be there from the last time.
        let _ = std::os::unix::fs::symlink(&built, folder.join(name));
    }
    folder
}

/// Build a program beside the library, and run it with these arguments.
fn run(mut compiler: Command, source: &Path, args: &[&str]) -> String {
    let library = library();
    let program = library.join(source.file_stem().unwrap());
    compiler.arg(source).arg("-o").arg(&program);
    compiler.arg("-L").arg(&library).args(["-lroamio", "-lpthread"]);
    compiler.arg(format!("-Wl,-rpath,{}", library.display()));
    succeed(compiler);
    let mut command = Command::new(program);
    command.args(args);
    succeed(command)
}

#[test]
fn the_example_in_c_gets_its_answer() {
    let url = format!("http://{}/chat", server::start());
    let source = root().join("examples/c/socket_io.c");
    let said = run(compiler("cc", "-std=c11"), &source, &[&url, "say", r#"["hello",42]"#]);
    assert_eq!(said, "joined /chat\nanswer: \"hello\" 42\n");
}

/// The first programs of the start, in the languages that need nothing but a compiler, log in, hear
/// what they say, and leave.
#[test]
fn the_first_programs_of_the_start_say_hello() {
    let portal = Server::start_blocking(ServerConfig::default()).unwrap();
    let start = page("docs/start.md");
    for (language, command, standard) in [("c", "cc", "-std=c11"), ("cpp", "c++", "-std=c++17")] {
        let source = write(&start, &start.programs(language)[0], language);
        let token = portal.mint_token("demo", "alice", "presenter");
        let said = run(compiler(command, standard), &source, &[&token]);
        for line in ["said", "left"] {
            assert!(said.lines().any(|it| it == line), "{language}: no {line:?} in {said}");
        }
        assert!(said.contains(r#"text {"#) && said.contains("hello"), "{language}: {said}");
    }
}

/// What `docs/troubleshooting.md` says of the log.
#[test]
fn the_log_tells_of_states_and_how_connections_ended() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    let hook = move |level: Level, _: &str, text: &str| {
        heard.lock().unwrap().push((level, text.to_owned()));
    };
    set_hook(Some((Level::Debug, Arc::new(hook))));

    let portal = Server::start_blocking(ServerConfig::default()).unwrap();
    let (tell, told) = channel();
    let conference = Conference::new(ConferenceConfig::default(), move |event| {
        tell.send(format!("{event:?}")).unwrap_or_default();
    })
    .unwrap();
    let wait_for = |what: &str| {
        while !told.recv_timeout(Duration::from_secs(30)).unwrap().contains(what) {}
    };
    let token = portal.mint_token("demo", "alice", "presenter");
    conference.login(&token, |_| {}).unwrap();
    wait_for("Resumable(true)");
    portal.cut(&Target::All, Cut::Reset);
    wait_for("Resumed");
    conference.logout(|_| {}).unwrap();
    wait_for("Ended");
    set_hook(None);

    let lines = lines.lock().unwrap();
    let said = |level: Level, start: &str| {
        assert!(lines.iter().any(|line| line.0 == level && line.1.starts_with(start)), "{start}");
    };
    said(Level::Info, "conference Ready");
    said(Level::Info, "conference Resuming, because of NETWORK_LOST(108)");
    said(Level::Debug, "wire 1 is over: NETWORK_LOST(108)");
    said(Level::Info, "conference Ended");
    assert!(lines.iter().all(|line| !line.1.contains(&token)));
}
