//! Items 91 and 92: on which threads things happen.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use roamio::client::{EmitOptions, Manager, Socket, SocketEvent};
use roamio::config::{Endpoint, HeaderList, ManagerConfig};
use roamio::error::{Code, Result};
use serde_json::{Value, json};

use crate::case::Case;
use crate::host::Host;
use crate::server::PATIENCE;

/// What all callbacks of a test have: when the last of them is dropped none can come any more.
#[derive(Default)]
struct Callbacks {
    inside: AtomicUsize,
    /// Two were inside at the same time.
    overlapped: AtomicBool,
    runs: AtomicUsize,
}

impl Callbacks {
    fn pass<T>(&self, callback: impl FnOnce() -> T) -> T {
        if self.inside.fetch_add(1, Ordering::SeqCst) != 0 {
            self.overlapped.store(true, Ordering::SeqCst);
        }
        self.runs.fetch_add(1, Ordering::SeqCst);
        let result = callback();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

pub(super) fn conformance_91_callbacks_are_serial_and_none_comes_after_close(case: Case) {
    let callbacks = Arc::new(Callbacks::default());
    let (tell, told) = channel();
    let own = Arc::clone(&callbacks);
    let manager =
        Manager::new(case.config(&case.shared().url()), move |_| own.pass(|| {})).unwrap();
    let sockets: Vec<Socket> = ["/", "/chat", "/admin"]
        .into_iter()
        .map(|namespace| {
            let (own, tell) = (Arc::clone(&callbacks), tell.clone());
            let events = move |event| {
                own.pass(|| {
                    if let SocketEvent::Event { .. } = event {
                        let _ = tell.send(());
                    }
                });
            };
            manager.socket(namespace, events).unwrap()
        })
        .collect();
    for socket in &sockets {
        socket.connect(None).unwrap();
        for _ in 0..10 {
            let own = Arc::clone(&callbacks);
            let answered = move |_| own.pass(|| {});
            socket.emit_with_ack("echo", "[1]", EmitOptions::default(), answered).unwrap();
            socket.emit("burst", "[200,20,1]").unwrap();
        }
    }
    for _ in 0..1_000 {
        told.recv_timeout(PATIENCE).expect("an event");
    }
    // In the middle of the rain.
    for socket in &sockets {
        socket.close_wait(PATIENCE).unwrap();
    }
    manager.close_wait(PATIENCE).unwrap();
    assert_eq!(Arc::strong_count(&callbacks), 1, "no callback is left that could be called");
    assert!(!callbacks.overlapped.load(Ordering::SeqCst));
    assert!(callbacks.runs.load(Ordering::SeqCst) > 1_000);
}

/// Call everything, as if from a program's handler.
fn call_everything(manager: &Manager, socket: &Socket) -> Result<()> {
    for waits in [manager.close_wait(PATIENCE), socket.close_wait(PATIENCE)] {
        assert_eq!(waits.unwrap_err().code(), Code::WouldDeadlock);
    }
    manager.network_changed()?;
    manager.set_headers(HeaderList::default())?;
    socket.connect(None)?;
    socket.emit("silence", "[]")?;
    socket.emit_volatile("silence", "[]")?;
    let request = socket.emit_with_ack("silence", "[]", EmitOptions::default(), |_| {})?;
    socket.cancel(request)?;
    let inner = manager.socket("/chat", |_| {})?;
    inner.connect(None)?;
    inner.disconnect()?;
    inner.close();
    let endpoint = Endpoint::parse("http://127.0.0.1:1").map(|(endpoint, _)| endpoint)?;
    drop(Manager::new(ManagerConfig::new(endpoint), |_| {})?);
    Ok(())
}

pub(super) fn conformance_91_any_call_may_be_made_inside_a_callback(case: Case) {
    let host = case.host(case.shared());
    let place: Arc<OnceLock<Socket>> = Arc::default();
    let (tell, told) = channel();
    let (manager, own) = (host.manager.clone(), Arc::clone(&place));
    let mut rounds = 0;
    let events = move |event| {
        let (SocketEvent::Event { .. }, Some(socket)) = (event, own.get()) else { return };
        rounds += 1;
        let called = call_everything(&manager, socket);
        match rounds {
            1 => socket.emit("echo", "[]").unwrap(),
            // Leave and come back, which drops what was emitted last.
            2 => {
                socket.disconnect().unwrap();
                socket.connect(None).unwrap();
                socket.emit("echo", "[]").unwrap();
            }
            _ => socket.close(),
        }
        let _ = tell.send(called);
    };
    let socket = place.get_or_init(|| host.manager.socket("/", events).unwrap());
    socket.connect(None).unwrap();
    socket.emit("echo", "[]").unwrap();
    for _ in 0..3 {
        told.recv_timeout(PATIENCE).expect("no deadlock").unwrap();
    }
    assert!(told.recv_timeout(PATIENCE).is_err(), "the closure is dropped");
    assert_eq!(socket.emit("echo", "[]").unwrap_err().code(), Code::Closed);
    host.manager.close_wait(PATIENCE).unwrap();
}

pub(super) fn conformance_92_calls_from_many_threads_are_all_done(case: Case) {
    const THREADS: usize = 8;
    const EACH: usize = 100;
    let mut host: Host = case.host(case.shared());
    let root = host.joined("/");
    let run = format!("threads-{:?}", case.via);
    let (tell, told) = channel();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (manager, root, run, tell) = (&host.manager, &root, &run, tell.clone());
            scope.spawn(move || {
                for index in 0..EACH {
                    let tell = tell.clone();
                    let answered = move |answer: Result<_>| {
                        let _ = tell.send(answer.map(|_| ()));
                    };
                    let args = json!([run, number * EACH + index]).to_string();
                    root.emit_with_ack("mark", &args, EmitOptions::default(), answered).unwrap();
                    match (number, index % 10) {
                        // Somebody comes and goes beside them.
                        (0, 3) => {
                            let chat = manager.socket("/chat", |_| {}).unwrap();
                            chat.connect(None).unwrap();
                        }
                        (1, 5) => manager.set_headers(HeaderList::default()).unwrap(),
                        (2, 7) => manager.network_available().unwrap(),
                        (3, _) => drop((root.state(), manager.state(), manager.existing("/"))),
                        _ => {}
                    }
                }
            });
        }
    });
    for _ in 0..THREADS * EACH {
        told.recv_timeout(PATIENCE).expect("every request has an outcome").unwrap();
    }
    let ledger = host.answer(&root, "ledger", &json!([run]).to_string()).remove(0);
    let numbers: Vec<usize> = serde_json::from_value::<Vec<Value>>(ledger)
        .unwrap()
        .iter()
        .map(|number| number.as_u64().unwrap() as usize)
        .collect();
    assert_eq!(numbers.len(), THREADS * EACH);
    for number in 0..THREADS {
        let own: Vec<usize> =
            numbers.iter().copied().filter(|mark| mark / EACH == number).collect();
        assert!(own.into_iter().eq(number * EACH..(number + 1) * EACH), "in the thread's order");
    }
}
