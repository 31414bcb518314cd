//! The program in a process of its own, spoken to in lines.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

const PROGRAM: &str = env!("CARGO_BIN_EXE_roam");

/// The program with these words, without colours or proxies of the one who runs the tests.
pub fn roam(words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words).env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY");
    command
}

/// A running program. It ends with the test.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What came and was not asked for yet.
    unread: Vec<String>,
    /// Everything that came.
    pub all: Vec<String>,
}

impl Program {
    pub fn start(words: &[&str], folder: &Path) -> Self {
        let mut command = roam(words);
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let _ = tell.send(line.unwrap());
            }
        });
        Self { child, input, lines, unread: Vec::new(), all: Vec::new() }
    }

    pub fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Wait for a line that fits, take it out, and give it.
    pub fn expect(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        if let Some(at) = self.unread.iter().position(|line| fits(line)) {
            return self.unread.remove(at);
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("never came: {what}\nso far:\n{}", self.all.join("\n"));
            };
            self.all.push(line.clone());
            if fits(&line) {
                return line;
            }
            self.unread.push(line);
        }
    }

    /// Wait for a line that contains a text.
    pub fn see(&mut self, text: &str) -> String {
        self.expect(text, |line| line.contains(text))
    }

    /// End the input, and wait for the end of the program.
    pub fn end(&mut self) -> ExitStatus {
        drop(self.input.take());
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.all.push(line.clone());
            self.unread.push(line);
        }
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
