//! Random runs of a manager with three namespaces: nothing it does may make a strict server close
//! the connection, every request ends once, and every socket is at last where its user wants it.

use std::panic::catch_unwind;

use roamio::config::{Endpoint, ManagerConfig, Revision, SocketOptions};
use roamio::proto::io::{AskToken, Command, Hint, SocketState};
use roamio::proto::rng::Rng;

use super::world::PlainWorld;
use crate::link::{Flow, Side};
use crate::world::{Below, Dials};

const NAMES: [&str; 3] = ["/", "/a", "/b"];

/// One run.
fn run(seed: u64, revision: Revision) {
    let mut rng = Rng::new(seed);
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").expect("a URL");
    let mut config = ManagerConfig::new(endpoint);
    config.common.transports.revision = revision;
    let mut world = PlainWorld::with(config, seed);
    world.server.protocol_4 = revision == Revision::V3;
    world.latency = [0, 10, 200][rng.below(3) as usize];
    world.server.middleware = [0, 5, 300][rng.below(3) as usize];
    if rng.below(2) == 0 {
        world.server.ping = (2_000, 2_000);
    }
    let mut wanted = [false; 3];
    // The socket of each namespace; a detached one is followed by a new one.
    let mut current = [0, 1, 2];
    for (number, name) in NAMES.iter().enumerate() {
        world.attach_with(number as u32, name, options(&mut rng));
    }
    let mut next = 3;
    for number in 0..60 {
        let at = rng.below(3) as usize;
        let (socket, name) = (current[at], NAMES[at]);
        match rng.below(20) {
            0..=4 => {
                let auth = ["{\"v\":1}", "{\"v\":2}"][rng.below(2) as usize];
                world.connect(socket, Some(auth));
                wanted[at] = true;
            }
            5..=7 => {
                world.disconnect(socket);
                wanted[at] = false;
            }
            8..=11 => {
                let limit = [None, Some(rng.below(3_000))][rng.below(2) as usize];
                world.ask(socket, name, &format!("{number}"), limit);
            }
            12 => {
                world.detach(socket);
                world.attach_with(next, name, options(&mut rng));
                (current[at], wanted[at]) = (next, false);
                next += 1;
            }
            13 => world.server.mute = !world.server.mute,
            14 => world.reset_all(),
            15 => world.black_out(),
            16 => {
                let hints = [Hint::NetworkChanged, Hint::NetworkLost, Hint::NetworkAvailable];
                world.hint(hints[rng.below(3) as usize]);
            }
            17 => {
                world.dials = [Dials::Succeed, Dials::Refused][rng.below(2) as usize];
            }
            18 => {
                for link in world.links.values_mut() {
                    (link.up.flow, link.down.flow) = match link.up.flow {
                        Flow::Open => (Flow::Held, Flow::Held),
                        Flow::Held => (Flow::Open, Flow::Open),
                        Flow::BlackHole => (Flow::BlackHole, Flow::BlackHole),
                    };
                }
            }
            _ => {
                let now = world.now;
                let side = [Side::Client, Side::Server][rng.below(2) as usize];
                world.links.values_mut().for_each(|link| link.reset(side, now));
            }
        }
        world.run_for([0, 20, 400, 3_000][rng.below(4) as usize]);
        if rng.below(2) == 0 {
            answer_questions(&mut world);
        }
    }
    world.dials = Dials::Succeed;
    world.server.mute = false;
    for link in world.links.values_mut() {
        link.up.thaw();
        link.down.thaw();
    }
    world.hint(Hint::NetworkAvailable);
    for _ in 0..60 {
        answer_questions(&mut world);
        world.run_for(1_000);
    }
    for (at, is_wanted) in wanted.into_iter().enumerate() {
        let state = world.socket(current[at]).state;
        let due = if is_wanted { SocketState::Connected } else { SocketState::Idle };
        assert_eq!(state, due, "{}", NAMES[at]);
        // In protocol 4 the server has everybody in `/`.
        let is_root = world.server.protocol_4 && at == 0;
        let joined = is_wanted || is_root && wanted.contains(&true);
        assert_eq!(world.server.members(NAMES[at]).len(), usize::from(joined), "{}", NAMES[at]);
    }
    check_executions(&world);
    world.command(Command::Close);
    assert!(world.finished && world.outcomes.values().all(Option::is_some));
}

/// Some sockets ask for their auth payload.
fn options(rng: &mut Rng) -> SocketOptions {
    SocketOptions { ask_auth: rng.below(4) == 0, ..SocketOptions::default() }
}

/// Answer everything that was ever asked, once more.
fn answer_questions(world: &mut PlainWorld) {
    let asked: Vec<AskToken> =
        world.sockets.values().flat_map(|seen| &seen.asked).map(|(token, _)| *token).collect();
    for token in asked {
        world.command(Command::Auth { token, auth: Ok(None) });
    }
}

/// At most once: no text was heard twice, and an acknowledged one was heard.
fn check_executions(world: &PlainWorld) {
    let mut heard: Vec<&str> = world.server.heard.iter().map(|heard| &*heard.json).collect();
    let total = heard.len();
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), total, "a request was executed twice");
    let acknowledged = world.outcomes.values().flatten().filter(|outcome| outcome.is_ok()).count();
    assert!(acknowledged <= total);
}

fn run_all(revision: Revision) {
    let only = std::env::var("ROAMIO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(1..=1_000, |seed: u64| seed..=seed);
    let failed: Vec<u64> =
        seeds.filter(|seed| catch_unwind(|| run(*seed, revision)).is_err()).collect();
    for seed in &failed {
        println!("ROAMIO_TRACE=1 ROAMIO_SEED={seed} cargo test --test sim managers -- --nocapture");
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}

#[test]
fn random_managers_never_provoke_their_server() {
    run_all(Revision::V4);
}

#[test]
fn random_managers_of_protocol_4_never_provoke_their_server() {
    run_all(Revision::V3);
}
