//! A Socket.IO server for the C programs that offers upgrades and refuses them.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// The sessions that have asked to join a namespace and were not answered yet.
#[derive(Default)]
struct Asked(Mutex<HashSet<String>>, Condvar);

/// Listen on a free port of this machine, for as long as the process lives.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = Arc::<Asked>::default();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let asked = Arc::clone(&asked);
            thread::spawn(move || serve(number, &stream, &asked));
        }
    });
    url
}

/// Answer the requests of one connection, one after another.
fn serve(number: usize, mut stream: &TcpStream, asked: &Asked) -> Option<()> {
    let mut input = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            input.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
            if line == "\r\n" {
                break;
            }
            lines.push(line);
        }
        let header = |name: &str| {
            let mut named = lines.iter().filter_map(|line| line.split_once(": "));
            let found = named.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let length = header("content-length").map_or(0, |text| text.parse().expect("a number"));
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        let sid = lines[0].split(['&', ' ']).find_map(|part| part.strip_prefix("sid="));
        let sids = || asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, answer) = match sid {
            None => (200, open(number)),
            Some(_) if header("upgrade").is_some() => (400, r#"{"code":3}"#.to_owned()),
            Some(sid) if length > 0 => {
                if body.starts_with(b"40/chat,") {
                    sids().insert(sid.to_owned());
                    asked.1.notify_all();
                }
                (200, "ok".to_owned())
            }
            Some(sid) => {
                drop(asked.1.wait_while(sids(), |sids| !sids.remove(sid)));
                (200, r#"40/chat,{"sid":"socket"}"#.to_owned())
            }
        };
        let length = answer.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &answer).as_bytes()).ok()?;
    }
}

fn open(number: usize) -> String {
    let times = r#""pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000"#;
    format!(r#"0{{"sid":"engine{number}","upgrades":["websocket"],{times}}}"#)
}
