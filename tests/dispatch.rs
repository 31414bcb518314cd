//! Callbacks in every mode of dispatch, against a server that answers, asks, rains and leaves.

#![allow(clippy::unwrap_used)]

#[path = "capi/echo.rs"]
mod echo;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use roamio::client::{EmitOptions, Manager, Socket, SocketEvent};
use roamio::config::{DispatchMode, Endpoint, Executor, Job, ManagerConfig};
use roamio::error::{Code, Error};

const LONG: Duration = Duration::from_secs(20);

/// A manager in some mode, and the thread that it needs.
struct Host {
    manager: Manager,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// A manager of every mode.
    fn all() -> impl Iterator<Item = Self> {
        let (post, jobs) = channel();
        let executor = Executor::new(move |job| post.send(job).is_ok());
        let modes = [
            (DispatchMode::Thread, None),
            (DispatchMode::Manual, None),
            (DispatchMode::Executor(executor), Some(jobs)),
            (DispatchMode::Inline, None),
        ];
        modes.into_iter().map(|(mode, jobs)| Self::new(mode, jobs))
    }

    fn new(mode: DispatchMode, jobs: Option<Receiver<Job>>) -> Self {
        eprintln!("{mode:?}");
        let url = format!("http://{}", echo::start());
        let mut config = ManagerConfig::new(Endpoint::parse(&url).unwrap().0);
        config.common.dispatch = mode.clone();
        let manager = Manager::new(config, |_| {}).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = match mode {
            DispatchMode::Thread | DispatchMode::Inline => None,
            // Ends when the last manager with this executor is gone.
            DispatchMode::Executor(_) => {
                jobs.map(|jobs| thread::spawn(move || jobs.iter().for_each(Job::run)))
            }
            DispatchMode::Manual => {
                let (wake, woken) = channel();
                manager.set_wake(move || wake.send(()).unwrap_or_default()).unwrap();
                let (manager, stop) = (manager.clone(), Arc::clone(&stop));
                Some(thread::spawn(move || {
                    while !stop.load(Ordering::Acquire) && woken.recv().is_ok() {
                        while manager.dispatch(16).unwrap() == 16 {}
                    }
                }))
            }
        };
        Self { manager, stop, thread }
    }

    fn is_manual(&self) -> bool {
        !matches!(code(self.manager.dispatch(0)), Some(Code::InvalidState))
    }

    /// Close the manager, the last object, and see that nothing is left running.
    fn end(mut self) {
        self.stop.store(true, Ordering::Release);
        self.manager.close_wait(LONG).unwrap();
        let thread = self.thread.take();
        drop(self);
        if let Some(thread) = thread {
            thread.join().unwrap();
        }
    }
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

/// Counts who is inside callbacks at the moment.
#[derive(Default)]
struct Serial(AtomicUsize);

impl Serial {
    fn pass<T>(&self, callback: impl FnOnce() -> T) -> T {
        assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "two callbacks at a time");
        let result = callback();
        self.0.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

/// Tells that it is dropped.
struct Last(Sender<String>);

impl Drop for Last {
    fn drop(&mut self) {
        let _ = self.0.send("dropped".to_owned());
    }
}

#[test]
fn conformance_91_callbacks_run_one_at_a_time_and_none_after_the_end() {
    for host in Host::all() {
        let serial = Arc::new(Serial::default());
        let closed = Arc::new(AtomicBool::new(false));
        let (tell, told) = channel();
        let mut sockets = Vec::new();
        for namespace in ["/a", "/b", "/c"] {
            let (serial, closed) = (Arc::clone(&serial), Arc::clone(&closed));
            let last = Last(tell.clone());
            let events = move |event| {
                serial.pass(|| {
                    assert!(!closed.load(Ordering::SeqCst), "a callback after the end");
                    if let SocketEvent::Event { payload, .. } = event {
                        last.0.send(payload.name().to_owned()).unwrap();
                    }
                });
            };
            let socket = host.manager.socket(namespace, events).unwrap();
            socket.connect(None).unwrap();
            sockets.push(socket);
        }
        let outcomes = Arc::new(AtomicUsize::new(0));
        for _ in 0..50 {
            for socket in &sockets {
                socket.emit("burst", "[]").unwrap();
                let (serial, outcomes) = (Arc::clone(&serial), Arc::clone(&outcomes));
                let count = move |_| {
                    serial.pass(|| outcomes.fetch_add(1, Ordering::SeqCst));
                };
                socket.emit_with_ack("silent", "[]", EmitOptions::default(), count).unwrap();
            }
        }
        for _ in 0..200 {
            assert_eq!(told.recv_timeout(LONG).as_deref(), Ok("drop"));
        }
        // In the middle of the rain.
        for socket in &sockets {
            socket.close_wait(LONG).unwrap();
        }
        closed.store(true, Ordering::SeqCst);
        assert_eq!(outcomes.load(Ordering::SeqCst), 150, "every outcome was told before");
        assert_eq!(told.try_iter().filter(|name| name == "dropped").count(), 3);
        drop(sockets);
        host.end();
    }
}

/// Calls everything that there is, and gives what went wrong.
fn call_everything(host: &Manager, socket: &Socket, manual: bool) -> Result<(), Error> {
    let refused = |code: Option<Code>| assert_eq!(code, Some(Code::WouldDeadlock));
    refused(code(host.close_wait(LONG)));
    refused(code(socket.close_wait(LONG)));
    if manual {
        refused(code(host.dispatch(1)));
        refused(code(socket.dispatch(1)));
    }
    let _ = (host.state(), host.limits(), socket.state(), socket.limits(), socket.namespace());
    host.network_available()?;
    host.network_lost()?;
    host.resumed()?;
    socket.connect(None)?;
    socket.emit("a", "[]")?;
    socket.emit_json("a", &("b", 1))?;
    socket.emit_volatile("a", "[]")?;
    let binary = Bytes::from_static(b"b");
    socket.emit_binary("a", r#"[{"_placeholder":true,"num":0}]"#, vec![binary])?;
    let request = socket.emit_with_ack("silent", "[]", EmitOptions::default(), |_| {})?;
    socket.cancel(request)?;
    drop(socket.emit_with_ack_async("silent", "[]", EmitOptions::default())?);
    let inner = host.socket("/inner", |_| panic!("closed before it is told anything"))?;
    inner.disconnect()?;
    inner.close();
    let url = Endpoint::parse("http://127.0.0.1:9").map(|(endpoint, _)| endpoint)?;
    drop(Manager::new(ManagerConfig::new(url), |_| {})?);
    Ok(())
}

#[test]
fn conformance_91_every_function_may_be_called_inside_a_callback() {
    for host in Host::all() {
        let manual = host.is_manual();
        let own: Arc<OnceLock<Socket>> = Arc::default();
        let (tell, told) = channel();
        let (manager, inside) = (host.manager.clone(), Arc::clone(&own));
        let events = move |event| {
            let (SocketEvent::Event { payload, ack }, Some(socket)) = (event, inside.get()) else {
                return;
            };
            match payload.name() {
                "question" => {
                    socket.ack(ack.unwrap(), "[1]").unwrap();
                    tell.send(call_everything(&manager, socket, manual)).unwrap();
                }
                "answered" => {
                    socket.disconnect().unwrap();
                    socket.close();
                    assert_eq!(code(socket.emit("a", "[]")), Some(Code::Closed));
                    tell.send(Ok(())).unwrap();
                }
                _ => {}
            }
        };
        let socket = own.get_or_init(|| host.manager.socket("/", events).unwrap());
        socket.emit("ask", "[]").unwrap();
        socket.connect(None).unwrap();
        for _ in 0..2 {
            assert_eq!(told.recv_timeout(LONG), Ok(Ok(())));
        }
        assert!(told.recv_timeout(LONG).is_err(), "its closure is dropped");
        drop(own);
        host.end();
    }
}

#[test]
fn conformance_92_many_threads_may_call_at_once() {
    const THREADS: usize = 16;
    for host in Host::all() {
        let serial = Arc::new(Serial::default());
        let outcomes = Arc::new(AtomicUsize::new(0));
        let accepted = AtomicUsize::new(0);
        let shared = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (host, shared, accepted) = (&host, &shared, &accepted);
                let (serial, outcomes) = (Arc::clone(&serial), Arc::clone(&outcomes));
                scope.spawn(move || {
                    let inside = Arc::clone(&serial);
                    let namespace = format!("/{}", number % 8);
                    let made = host.manager.socket(&namespace, move |_| inside.pass(|| {}));
                    // Only one socket of a namespace.
                    if let Ok(socket) = made {
                        socket.connect(None).unwrap();
                        shared.lock().unwrap().push(socket);
                    }
                    for round in 0..200 {
                        let picked = {
                            let shared = shared.lock().unwrap();
                            shared.get((round + number) % shared.len().max(1)).cloned()
                        };
                        let Some(socket) = picked else { continue };
                        let (serial, outcomes) = (Arc::clone(&serial), Arc::clone(&outcomes));
                        let count = move |_| {
                            serial.pass(|| outcomes.fetch_add(1, Ordering::SeqCst));
                        };
                        let asked =
                            socket.emit_with_ack("echo", "[1]", EmitOptions::default(), count);
                        accepted.fetch_add(usize::from(asked.is_ok()), Ordering::SeqCst);
                        match round % 40 {
                            7 => drop(socket.emit("burst", "[]")),
                            13 => drop(asked.and_then(|request| socket.cancel(request))),
                            19 => drop(host.manager.network_available()),
                            29 if number == 3 => socket.close(),
                            31 if number == 5 => drop(socket.disconnect()),
                            33 if number == 5 => drop(socket.connect(None)),
                            _ => {}
                        }
                    }
                });
            }
        });
        for socket in shared.into_inner().unwrap() {
            socket.close_wait(LONG).unwrap();
        }
        let accepted = accepted.into_inner();
        assert!(accepted > 500, "{accepted} requests");
        assert_eq!(outcomes.load(Ordering::SeqCst), accepted, "one outcome each");
        host.end();
    }
}

#[test]
fn inline_callbacks_run_on_the_callers_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("http://{}", echo::start());
    let mut config = ManagerConfig::new(Endpoint::parse(&url).unwrap().0);
    config.common.dispatch = DispatchMode::Inline;
    let manager = Manager::new_on(runtime.handle().clone(), config, |_| {}).unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let events = move |event| {
        if let SocketEvent::Event { .. } = event {
            let _ = tell.send(thread::current().id());
        }
    };
    let socket = manager.socket("/", events).unwrap();
    socket.emit("hello", "[]").unwrap();
    socket.connect(None).unwrap();
    let first = async { tokio::time::timeout(LONG, told.recv()).await.unwrap() };
    assert_eq!(runtime.block_on(first), Some(thread::current().id()));
    socket.close();
    assert!(runtime.block_on(told.recv()).is_none(), "the end is handed to the runtime");
    // Without the runtime nobody is there to do it but the library's own threads.
    drop(runtime);
    manager.close_wait(LONG).unwrap();
}
