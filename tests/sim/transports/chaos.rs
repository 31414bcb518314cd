//! Random runs: bursts both ways while the connection opens and is upgraded, over a network with
//! random delays, cut at random moments.

use roamio::config::TransportConfig;
use roamio::error::Code;
use roamio::proto::io::{Input, SocketState, WireId};
use roamio::proto::rng::Rng;

use super::server::Upgrades;
use super::world::World;

/// How many seeds are tried, unless `ROAMIO_SEEDS` says otherwise.
const SEEDS: u64 = 500;

#[test]
fn random_upgrades_keep_order_and_lose_nothing() {
    let count = std::env::var("ROAMIO_SEEDS").ok().and_then(|text| text.parse().ok());
    for seed in 1..=count.unwrap_or(SEEDS) {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut pick = |most: u64| rng.next_u64() % most;
    let mut world = World::new(|config| {
        if !seed.is_multiple_of(3) {
            config.common.transports = TransportConfig::polling_first();
        }
    });
    let least = 1 + pick(50);
    world.latency = (least, least + pick(200));
    world.rng = Rng::new(seed);
    world.websocket_hangs = seed.is_multiple_of(3) && pick(2) == 0;
    world.server.ping_interval = 500 + pick(5_000);
    world.server.upgrades = match pick(8) {
        0 => Upgrades::Refused,
        1 => Upgrades::WrongAnswer,
        2 => Upgrades::Closes,
        3 => Upgrades::Silent,
        _ => Upgrades::Work,
    };
    world.connect();
    world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
    let (up, down) = (pick(300) as usize, pick(300) as usize);
    let (mut sent, mut said) = (0, 0);
    while sent < up || said < down {
        for _ in 0..pick(20) {
            if sent < up {
                world.emit(sent);
                sent += 1;
            }
        }
        for _ in 0..pick(20) {
            if said < down {
                world.say(&format!(r#"42["m",{said}]"#));
                said += 1;
            }
        }
        world.run_for(pick(60));
    }
    world.run_for(30_000);
    let expected: Vec<String> = (0..down).map(|number| number.to_string()).collect();
    assert_eq!(world.received, expected, "seed {seed}");
    let expected: Vec<String> = (0..up).map(|number| format!(r#"["n",{number}]"#)).collect();
    assert_eq!(world.server.received, expected, "seed {seed}");
    assert_eq!(world.server.mistakes, [""; 0], "seed {seed}");
    assert_eq!(world.server.alive(), 1, "seed {seed}");
    assert_eq!(world.states.len(), 2, "seed {seed}");
}

#[test]
fn a_connection_that_breaks_at_any_moment_of_the_upgrade_is_made_anew() {
    for moment in 0..400 {
        let mut world = World::joined(|config| {
            config.common.transports = TransportConfig::polling_first();
        });
        world.run_for(moment);
        for wire in [WireId(1), WireId(2)] {
            let error = Code::NetworkLost.into();
            world.input(Input::Closed { wire, error });
        }
        world.run_for(60_000);
        assert_eq!(world.states.last(), Some(&SocketState::Connected), "after {moment} ms");
        let ends = world.states.iter().filter(|state| **state == SocketState::Rejoining).count();
        assert_eq!(ends, 1, "after {moment} ms");
        assert_eq!(world.server.mistakes, [""; 0]);
    }
}
