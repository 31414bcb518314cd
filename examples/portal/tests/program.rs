//! The program, as a developer runs it.

#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_roamio-portal");

/// A running portal that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_says_where_it_listens_and_mints_tokens() {
    let child = Command::new(PROGRAM).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();

    let mut stream = TcpStream::connect(address).unwrap();
    let body = r#"{"user":"alice","role":"presenter","preference":{}}"#;
    let request = format!(
        "POST /v1/rooms/room/tokens HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.split("\r\n\r\n").nth(1).unwrap().starts_with("eyJ"));
}

#[test]
fn it_explains_itself_and_refuses_what_it_does_not_know() {
    let help = Command::new(PROGRAM).arg("--help").output().unwrap();
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("/control/cut"));
    let wrong = Command::new(PROGRAM).arg("--wrong").output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("--wrong"));
}

#[test]
fn the_readme_has_a_line_for_every_endpoint() {
    const README: &str = include_str!("../README.md");
    let help = Command::new(PROGRAM).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let paths = help.split_whitespace().filter_map(|word| word.strip_prefix("/control/"));
    let names: Vec<&str> = paths.map(|path| path.split('?').next().unwrap()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let shown = README
            .lines()
            .any(|line| line.starts_with("curl ") && line.contains(&format!("/control/{name}")));
        assert!(shown, "{name}");
    }
}
