//! The portal as a program: see `roamio-portal --help`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use roamio_portal::{Server, ServerConfig};

const HELP: &str = "\
A development portal of the Open WebRTC Toolkit with fault injection.

usage: roamio-portal [OPTION...]

It prints one line, `listening on URL`, when it accepts connections, and runs
until it is killed. The URL in a browser shows a status page. Times are in
milliseconds.

  --host ADDRESS              listen on this address        (127.0.0.1)
  --port PORT                 listen on this port; 0: any   (0)
  --tls-cert FILE             certificate chain, PEM; with --tls-key
  --tls-key FILE              private key, PKCS#8 PEM; with --tls-cert
  --ping-interval-ms MS       time between two pings        (25000)
  --ping-timeout-ms MS        how long a pong may take      (20000)
  --max-payload BYTES         largest client message        (1000000)
  --connect-timeout-ms MS     time for the namespace connect (45000)
  --seed NUMBER               make ids and keys repeatable
  --issued FILE               add every token and ticket to this file
                              ($ROAMIO_PORTAL_ISSUED)
  --no-control                no status page and nothing below /control
  --help                      print this

Switches, which /control/switch can change while the portal runs:

  --reconnection-timeout-ms MS  how long a lost participant stays (60000)
  --ticket-lifetime-ms MS     life of a reconnection ticket (600000)
  --token-lifetime-ms MS      life of a login token         (180000)
  --idle-limit-ms MS          unused connections end        (180000)
  --join-delay-ms MS          how long joining a room takes (0)
  --relogin-delay-ms MS       how long a relogin takes      (1)
  --media-step-ms MS          how long a media step takes   (100)
  --stream-delay-ms MS        from a cause to its stream notification (10)
  --clock-offset-ms MS        the wall clock is wrong by this (0)
  --seq-base 0|1              number of the first notification (1)
  --retention-ms MS|unlimited  life of stored notifications (unlimited, or the
                              sum of both ping times and 1000 once they are given)
  --relogin-ends-pruning true|false  after the first relogin of a session stored
                              notifications stay for ever   (true)
  --protocols LIST            of legacy, 1.0, 1.1 and 1.2, with commas (all)
  --stream-media tracks|parts  how the controller describes streams: tracks, where
                              legacy logins fail as against release 5; or parts, as
                              before release 5, where they work (tracks)
  --silent-unknown-token true|false  no answer to a login with a token that is
                              unknown or used               (true)
  --ghosts true|false         who is lost while joining stays for ever (true)
  --room-capacity N|unlimited  participants before `Room is full` (unlimited)
  --reply-padding-bytes N     make relogin replies of 1.2 larger by this (0)

Tokens, one for each login, over HTTP on the same port, from any origin:

  POST /v1/rooms/ROOM/tokens  body {\"user\":\"...\",\"role\":\"presenter\"}
  POST /tokens, /createToken  the same with \"room\" in the body (sample)

Socket.IO for tests: the namespace /echo sends every event back, attachments
included, and answers with its arguments where an ack is wanted.

HTTP for tests:

  GET  /control/participants?room=ROOM  who is in a room
  GET  /control/participants            who has ever logged in, with totals
  GET  /control/ledger?participant=ID[&format=text]
                              what was issued, executed and refused; as text, one
                              line each: notification SEQ EVENT JSON, request N NAME
                              JSON, refusal NAME TEXT, notifications N, requests N,
                              refusals N, relogins N, refreshes N
  GET  /control/state                   everything the status page shows
  GET  /control/switches                names and values
  POST /control/switch?NAME=VALUE[&NAME=VALUE...]  names as above
  POST /control/texts?room=ROOM or participant=ID, &count=N[&gap_ms=MS]
                              [&prefix=TEXT][&first=N]
  POST /control/notify?participant=ID&event=NAME   body: the payload, JSON
  POST /control/drop?participant=ID     remove a participant
  POST /control/kick?participant=ID     disconnect it without a drop
  POST /control/restart                 new key, everybody forgotten and cut
  POST /control/expire-tickets          all tickets so far count as expired
  POST /control/forget-tokens           all tokens so far are unknown
  POST /control/clock-offset?ms=MS      the wall clock is wrong by this
  POST /control/swallow-ack?request=NAME[&participant=ID][&count=N]
  POST /control/delay-ack?request=NAME&ms=MS[&participant=ID][&count=N]
  POST /control/fail?request=NAME&text=ERROR[&participant=ID][&count=N]
  POST /control/refuse?on=true|false[&how=reset|forbidden|captive]

  Network faults; TARGET is participant=ID, connection=N or all=true:

  POST /control/cut?TARGET[&how=rst|fin]
  POST /control/freeze?TARGET[&direction=in|out|both][&mode=hold|discard]
  POST /control/thaw?TARGET
  POST /control/delay?TARGET&ms=MS      one way
  POST /control/throttle?TARGET&bytes_per_second=N     each way; 0 ends it
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("roamio-portal: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<(), String> {
    if words.iter().any(|word| word == "--help") {
        print!("{HELP}");
        return Ok(());
    }
    let config = ServerConfig::parse(words)?;
    let server = Server::start_blocking(config).map_err(|error| error.to_string())?;
    let mut out = io::stdout();
    writeln!(out, "listening on {}", server.url())
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    server.wait();
    Ok(())
}

#[cfg(test)]
mod tests {
    use roamio_portal::model::ModelConfig;

    use super::*;

    #[test]
    fn every_option_of_the_help_is_known() {
        let options = HELP.split_whitespace().filter(|word| word.starts_with("--"));
        let options = options.map(|option| option.trim_end_matches([';', '.', ',']));
        for option in options.filter(|option| *option != "--help") {
            let error = ServerConfig::parse([option.to_owned()]).err().unwrap_or_default();
            assert!(!error.starts_with("unknown"), "{option}: {error}");
        }
    }

    #[test]
    fn every_switch_is_in_the_help() {
        for (name, _) in ModelConfig::default().switches() {
            assert!(HELP.contains(&format!("\n  --{name} ")), "{name}");
        }
    }
}
