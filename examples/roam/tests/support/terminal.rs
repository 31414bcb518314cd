//! The program on a terminal of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use crate::support::PATIENCE;
use crate::support::program::roam;

pub struct Terminal {
    child: Child,
    keys: File,
    seen: Receiver<Vec<u8>>,
    screen: Vec<u8>,
    /// What was looked for so far ends here.
    read: usize,
}

impl Terminal {
    pub fn start(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let pty = rustix_openpty::openpty(None, None).unwrap();
        let end = || OwnedFd::try_clone(&pty.user).unwrap();
        let mut command = roam(words);
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(environment.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let mut output = File::from(pty.controller.try_clone().unwrap());
        let (tell, seen) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when the program has closed its end.
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                let _ = tell.send(buffer[..read].to_vec());
            }
        });
        Self { child, keys: File::from(pty.controller), seen, screen: Vec::new(), read: 0 }
    }

    /// Type a text as people do, one key after the other: each is echoed before the next one.
    pub fn write(&mut self, text: &str) {
        for key in text.chars() {
            self.press(key);
            self.see(key.encode_utf8(&mut [0; 4]));
        }
    }

    /// Press one key.
    pub fn press(&mut self, key: char) {
        self.keys.write_all(key.encode_utf8(&mut [0; 4]).as_bytes()).unwrap();
    }

    /// Wait until a text is shown, after what was waited for before.
    pub fn see(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let new = &self.screen[self.read..];
            if let Some(at) = new.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.read += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(more) = self.seen.recv_timeout(left) else {
                panic!("never shown: {text:?}\n{:?}", self.text());
            };
            self.screen.extend(more);
        }
    }

    /// Everything that was shown.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    /// Wait for the end of the program.
    pub fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        self.screen.extend(self.seen.try_iter().flatten());
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
