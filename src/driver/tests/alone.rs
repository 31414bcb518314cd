//! Tests of what belongs to the whole process: each runs in a process of its own.

use std::fs;
use std::process::Command as Process;
use std::sync::{Arc, Mutex};

use super::polling::{Server, answer, begin, busy, get, meanwhile, post, serve};
use super::server::{endpoint, self_signed, socket_io, tls};
use super::task::{LONG, code, completions, connect, emit, next, start_with};
use crate::config::{CommonConfig, DispatchMode};
use crate::driver::dial::{Dialer, Progress};
use crate::driver::resolve::Resolver;
use crate::error::Code;
use crate::log::{Level, set_hook};
use crate::proto::io::{Command, HttpRequest};

/// Whether this is the process of its own; otherwise run the test named `name` in one.
fn alone(name: &str) -> bool {
    const MARK: &str = "ROAMIO_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let name = format!("{}::{name}", module_path!().split_once("::").expect("in a crate").1);
    let output = Process::new(program)
        .args(["--exact", &name, "--nocapture"])
        .env(MARK, "1")
        // The watch has a descriptor.
        .env_remove("ROAMIO_WATCH")
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{name}: {output:#?}");
    false
}

/// The threads of roamio and the file descriptors of this process.
#[cfg(target_os = "linux")]
fn threads_and_descriptors() -> (usize, usize) {
    let ours = |task: std::io::Result<fs::DirEntry>| {
        let name = task.and_then(|task| fs::read_to_string(task.path().join("comm")));
        // The main thread has the name of the program, which begins with `roamio` as well.
        let ours = ["roamio-io", "roamio-dns", "roamio-tls", "roamio-host"];
        name.is_ok_and(|name| ours.contains(&name.trim_end()))
    };
    let threads = fs::read_dir("/proc/self/task").expect("procfs").map(ours);
    let threads = threads.filter(|&ours| ours).count();
    (threads, fs::read_dir("/proc/self/fd").expect("procfs").count())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_drivers_leave_no_thread_and_no_descriptor() {
    if !alone("a_hundred_drivers_leave_no_thread_and_no_descriptor") {
        return;
    }
    let (address, mut server) = socket_io().await;
    // A handle that is kept must not keep anything else.
    let mut handles = Vec::new();
    let mut before = None;
    for cycle in 0..101 {
        // Completions run nowhere in this mode, so no dispatch thread is counted.
        let common = CommonConfig { dispatch: DispatchMode::Manual, ..CommonConfig::default() };
        let driver = start_with("127.0.0.1", address, common, Resolver::system());
        let last_word = ["tell", "reset"][cycle % 2];
        emit(&driver, last_word, "[]", None).expect("room");
        server.recv().await.expect("the server lives");
        driver.submit(Command::Close).expect("open");
        handles.push(driver.clone());
        let finished = tokio::task::spawn_blocking(move || driver.wait_finished(LONG));
        assert!(finished.await.expect("no panic"));
        if last_word == "tell" {
            assert_eq!(server.recv().await, Some("closed in order"));
        }
        if cycle == 0 {
            before = Some(settled(|(threads, _)| threads == 0).await);
        }
    }
    let (_, descriptors) = before.expect("the first cycle is over");
    settled(|now| now == (0, descriptors)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn polling_wires_leave_no_descriptor() {
    if !alone("polling_wires_leave_no_descriptor") {
        return;
    }
    let (_, before) = threads_and_descriptors();
    {
        let mut server = Server::new().await;
        for _ in 0..50 {
            let (wire, polled, posted) = busy(&mut server).await;
            assert_eq!(threads_and_descriptors().1, before + 5, "listener, two ends of two");
            drop((wire, polled, posted));
        }
    }
    // The listener is this test's.
    settled(|(_, now)| now == before + 1).await;
}

/// Wait for counts that the ending I/O thread reaches a moment after the driver has finished.
#[cfg(target_os = "linux")]
async fn settled(expected: impl Fn((usize, usize)) -> bool) -> (usize, usize) {
    for _ in 0..200 {
        let counts = threads_and_descriptors();
        if expected(counts) {
            return counts;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("threads and descriptors remain: {:?}", threads_and_descriptors());
}

#[tokio::test]
async fn a_panic_ends_one_session_with_outcomes_and_nothing_else() {
    if !alone("a_panic_ends_one_session_with_outcomes_and_nothing_else") {
        return;
    }
    // The hook is the one piece of foreign code that runs on the I/O thread.
    set_hook(Some((Level::Debug, Arc::new(|_, _, text| assert!(!text.contains("panic.test"))))));
    let (address, _server) = socket_io().await;
    let good = connect(address);
    let (completion, mut outcomes) = completions();
    emit(&good, "echo", "[]", completion(1)).expect("room");
    assert!(next(&mut outcomes).await.1.is_ok());

    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let resolver = Resolver::new(move |_, _| {
        let _ = released.lock().map(|released| released.recv());
        Ok(vec![address])
    });
    let bad = start_with("panic.test", address, CommonConfig::default(), resolver);
    emit(&bad, "echo", "[]", completion(2)).expect("room");
    drop(release);
    let (number, result) = next(&mut outcomes).await;
    assert_eq!((number, code(result)), (2, Some(Code::Panic)));
    let finished = bad.clone();
    let finished = tokio::task::spawn_blocking(move || finished.wait_finished(LONG));
    assert!(finished.await.expect("no panic"));
    assert_eq!(bad.submit(Command::Close).map_err(|error| error.code()), Err(Code::Closed));

    emit(&good, "echo", "[]", completion(3)).expect("room");
    assert!(next(&mut outcomes).await.1.is_ok());
}

#[tokio::test]
async fn the_log_warns_of_an_unverified_certificate_and_holds_no_query() {
    if !alone("the_log_warns_of_an_unverified_certificate_and_holds_no_query") {
        return;
    }
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let hook = move |level: Level, _: &str, text: &str| {
        log.lock().expect("not poisoned").push((level, text.to_owned()));
    };
    set_hook(Some((Level::Debug, Arc::new(hook))));
    let (address, _told) = tls(self_signed("portal.test")).await;
    let mut common = CommonConfig::default();
    common.tls.dangerously_accept_anything = true;
    common.add_header("Cookie", "SECRET").expect("a good header");
    let dialer = Arc::new(Dialer::new(common.clone(), Resolver::system()));
    for _ in 0..2 {
        let endpoint = Arc::new(endpoint(true, "127.0.0.1", address));
        let headers = dialer.headers();
        let path = "/socket.io/?token=SECRET".into();
        let dialled = Arc::clone(&dialer).dial(endpoint, path, headers, Progress::default());
        dialled.await.expect("anything goes");
    }
    polling_with_secrets(common).await;
    let lines = lines.lock().expect("not poisoned");
    let warnings = lines.iter().filter(|(level, _)| *level == Level::Warn).count();
    assert_eq!(warnings, 2, "one for each connection: {lines:?}");
    assert!(lines.len() > 2 && !format!("{lines:?}").contains("SECRET"), "{lines:?}");
}

/// Requests of polling, one answered and one not, with a secret wherever one can be.
async fn polling_with_secrets(common: CommonConfig) {
    let mut server = Server::new().await;
    let mut wire = server.wire_with(common.clone());
    let request = HttpRequest {
        path_and_query: "/socket.io/?token=SECRET".into(),
        headers: common.headers.0.as_slice().into(),
        ..post(&["4SECRET"])
    };
    let response =
        "HTTP/1.1 404 Not Found\r\nSet-Cookie: a=SECRET\r\nContent-Length: 6\r\n\r\nSECRET";
    begin(&mut wire, request.clone());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, response));
    let answered = answered.1.expect("an answer");
    assert!(!format!("{answered:?} {request:?}").contains("SECRET"));
    begin(&mut wire, request);
    let response = "HTTP/1.1 200 OK\r\nSet-Cookie: SECRET\r\nContent-Length: 10\r\n\r\nSECRET";
    meanwhile(&mut wire, serve(&mut stream, response)).await;
    drop(stream);
    let error = answer(&mut wire).await.1.expect_err("cut");
    assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    let request = HttpRequest { headers: common.headers.0.as_slice().into(), ..get() };
    begin(&mut wire, request.clone());
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let response = "HTTP/1.1 302 Found\r\nLocation: http://other.test/?SECRET\r\n\r\n";
    let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, response));
    let error = answered.1.expect_err("a redirect");
    assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    begin(&mut wire, request);
    let mut stream = meanwhile(&mut wire, server.connection()).await;
    let response = "HTTP/1.1 200 OK\r\nSECRET: SECRET\r\nSECRET\r\n\r\n";
    let (answered, ()) = tokio::join!(answer(&mut wire), serve(&mut stream, response));
    let error = answered.1.expect_err("no HTTP");
    assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
}
