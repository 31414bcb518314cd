//! Servers that somebody else wrote, installed and run by the tests: the same *standard test server*
//! on each. `servers/server.js` tells which namespaces and events it has.

mod install;
#[path = "servers/oxide.rs"]
mod oxide;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A column of the coverage table: a server, or what is used in place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// socket.io 2.5: Engine.IO 3.
    V2,
    /// socket.io 3.1.
    V3,
    /// socket.io 4.8.
    V4,
    /// socket.io 4.8 that allows Engine.IO 3, and is spoken to in it.
    V4e,
    /// python-socketio on uvicorn.
    Uvicorn,
    /// python-socketio on aiohttp.
    Aiohttp,
    /// socketioxide.
    Oxide,
    /// The scripted server of `fake.rs`.
    Fake,
    /// No server at all.
    Local,
}

impl Kind {
    /// Every column, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::V2,
        Self::V3,
        Self::V4,
        Self::V4e,
        Self::Uvicorn,
        Self::Aiohttp,
        Self::Oxide,
        Self::Fake,
        Self::Local,
    ];

    /// Whether it is spoken to in revision 3 of Engine.IO.
    pub fn is_revision_3(self) -> bool {
        matches!(self, Self::V2 | Self::V4e)
    }

    /// Whether it is python-socketio.
    pub fn is_python(self) -> bool {
        matches!(self, Self::Uvicorn | Self::Aiohttp)
    }

    fn folder(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
            _ => "v4",
        }
    }

    fn command(self, options: &Value) -> Command {
        let mut command = match self {
            Self::V2 | Self::V3 | Self::V4 | Self::V4e => {
                let mut node = launched("node", &options["launcher"]);
                node.env("NODE_PATH", install::node_modules(self.folder()));
                node.arg(install::sources().join("server.js"));
                node
            }
            Self::Uvicorn | Self::Aiohttp => {
                let mut python = Command::new(install::python());
                python.arg(install::sources().join("python/server.py"));
                python.arg(if self == Self::Uvicorn { "uvicorn" } else { "aiohttp" });
                python
            }
            Self::Oxide | Self::Fake | Self::Local => panic!("{self:?} is no process"),
        };
        command.arg(options.to_string());
        command
    }
}

/// A program, run by another one with arguments if there is one.
fn launched(program: &str, launcher: &Value) -> Command {
    let words: Vec<&str> =
        launcher.as_array().into_iter().flatten().flat_map(Value::as_str).collect();
    let Some((first, args)) = words.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(args).arg(program);
    command
}

/// What a server wrote, line by line, and when it will have written more.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Lines {
    /// Another line.
    pub fn push(&self, line: Value) {
        self.lines.lock().unwrap().push(line);
        self.more.notify_all();
    }
}

/// A running server. It ends with this value.
pub struct Server {
    kind: Kind,
    options: Value,
    port: u16,
    running: Option<Running>,
    lines: Arc<Lines>,
}

enum Running {
    Process {
        process: Child,
        /// Held open; the server ends when it is closed.
        _stdin: ChildStdin,
    },
    Oxide(#[expect(dead_code, reason = "it ends when it is dropped")] oxide::Running),
}

impl Server {
    /// Start a server of a test's own, on a free port.
    ///
    /// `options` is an object in the words of socket.io: `pingInterval`, `pingTimeout`,
    /// `maxHttpBufferSize`, `transports`, `allowUpgrades`, `cookie`, `path`, and for npm servers all
    /// others. And in ours: `log`, an array of what else is logged (`"request"`, on npm servers also
    /// `"packet"` and `"burst"`); `slow`, the delay of `/slow` in milliseconds; `parser`,
    /// `"msgpack"`; for npm servers `tls`, the paths `cert` and `key`, `host`, where to listen, and
    /// `launcher`, a program with arguments that runs the server.
    pub fn start(kind: Kind, options: Value) -> Self {
        let mut options = options;
        if kind == Kind::V4e {
            options["allowEIO3"] = json!(true);
        }
        let lines = Arc::default();
        let mut server = Self { kind, options, port: 0, running: None, lines };
        server.restart();
        server
    }

    /// A server with default options that all tests of this program share.
    pub fn shared(kind: Kind) -> &'static Self {
        static SHARED: [OnceLock<Server>; 7] = [const { OnceLock::new() }; 7];
        SHARED[kind as usize].get_or_init(|| Self::start(kind, json!({})))
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that it is.
    pub fn pid(&self) -> u32 {
        match &self.running {
            Some(Running::Process { process, .. }) => process.id(),
            _ => panic!("{:?} is no process of its own", self.kind),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        let scheme = if self.options["tls"].is_object() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// End it at once, with all its connections.
    pub fn stop(&mut self) {
        if let Some(Running::Process { mut process, .. }) = self.running.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Start it again, on the same port. Its log goes on.
    pub fn restart(&mut self) {
        self.stop();
        let mut options = self.options.clone();
        options["port"] = json!(self.port);
        if self.kind == Kind::Oxide {
            let (running, port) = oxide::Running::start(&options, Arc::clone(&self.lines));
            (self.running, self.port) = (Some(Running::Oxide(running)), port);
            return;
        }
        let mut command = self.kind.command(&options);
        let mut process = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(process) => process,
            Err(error) => panic!("{command:?}: {error}; `.ci/prepare test` installs what it needs"),
        };
        let stdin = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        self.running = Some(Running::Process { process, _stdin: stdin });
        let mut line = String::new();
        output.read_line(&mut line).expect("the server prints its port");
        let first: Value = serde_json::from_str(&line).unwrap_or_default();
        self.port = match first["port"].as_u64() {
            Some(port) => port as u16,
            None => panic!("{:?} printed no port but {line:?}", self.kind),
        };
        let lines = Arc::clone(&self.lines);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(line) => lines.push(line),
                    Err(_) => eprintln!("server: {line}"),
                }
            }
        });
    }

    /// Everything it has told so far.
    pub fn log(&self) -> Vec<Value> {
        self.lines.lines.lock().unwrap().clone()
    }

    /// Forget everything that it has told.
    #[allow(dead_code, reason = "not every test program needs it")]
    pub fn forget_log(&self) {
        *self.lines.lines.lock().unwrap() = Vec::new();
    }

    /// How often it has told something.
    pub fn count(&self, matches: impl Fn(&Value) -> bool) -> usize {
        self.lines.lines.lock().unwrap().iter().filter(|line| matches(line)).count()
    }

    /// Wait for a line of its log, those that are there already included.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut find: impl FnMut(&Value) -> Option<T>) -> T {
        let start = Instant::now();
        let mut seen = 0;
        let mut lines = self.lines.lines.lock().unwrap();
        loop {
            for line in &lines[seen..] {
                if let Some(found) = find(line) {
                    return found;
                }
            }
            seen = lines.len();
            let left = PATIENCE.saturating_sub(start.elapsed());
            let (guard, late) = self.lines.more.wait_timeout(lines, left).unwrap();
            lines = guard;
            if late.timed_out() {
                let told = lines.clone();
                drop(lines);
                panic!("{:?} did not tell {what}: {told:#?}", self.kind);
            }
        }
    }

    /// Wait until it has told something that often.
    #[track_caller]
    pub fn until_count(&self, what: &str, wanted: usize, matches: impl Fn(&Value) -> bool) {
        let mut count = 0;
        self.until(what, |line| {
            count += usize::from(matches(line));
            (count >= wanted).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
