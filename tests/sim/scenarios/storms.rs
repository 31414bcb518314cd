//! What many clients do to one portal at once, and one client to a portal that does not want it.

use roamio::error::{Code, Error};

use crate::link::{Millis, Side};
use crate::world::{Dials, Setup, World};

/// When a client that lost its portal for half a minute reaches it again, from its return on.
fn arrival(seed: u64) -> Millis {
    let mut world = World::ready(Setup { seed, ..Setup::default() });
    world.reset(world.session_link(), Side::Both);
    world.run_with_dials(Dials::Refused, 30_000);
    let back = world.now;
    world.run_until(10_000, |world| world.watch.count("relogin") == 1);
    world.now - back
}

#[test]
fn b01_ten_thousand_clients_do_not_come_back_in_step() {
    let clients = 10_000;
    let arrivals: Vec<Millis> = (1..=clients).map(arrival).collect();
    let window = arrivals.iter().max().expect("clients") + 1;
    // In each second, and in each tenth of one.
    for part in [1_000, 100] {
        let mut counts = vec![0; window.div_ceil(part) as usize];
        arrivals.iter().for_each(|at| counts[(at / part) as usize] += 1);
        let mean = clients * part / window;
        let most = *counts.iter().max().expect("a window");
        assert!(
            most <= 2 * mean,
            "{most} of {clients} in {part} ms, {mean} on average: {counts:?}"
        );
    }
}

/// A session that a portal refuses to take back for an hour, with this answer.
fn refused_for_an_hour(refusal: Error) -> World {
    let mut world = World::ready(Setup::default());
    world.refusal = refusal;
    world.reset(world.session_link(), Side::Both);
    world.run_with_dials(Dials::Refused, 3_600_000);
    world
}

#[test]
fn b02_an_hour_of_refusals_costs_few_attempts() {
    let world = refused_for_an_hour(Error::new(Code::HttpStatus, "503"));
    assert!(world.watch.total_dials <= 150, "{} dials", world.watch.total_dials);
    assert!(world.app.retries.len() > 50, "the portal may be back any moment");
}

#[test]
fn b02_retry_after_is_the_shortest_wait() {
    let wait = 120_000;
    let refusal = Error::new(Code::HttpStatus, "503").with_retry_after_ms(wait);
    let world = refused_for_an_hour(refusal);
    let refused = world.app.retries.iter().filter(|retry| retry.error.code() == Code::HttpStatus);
    let delays: Vec<Millis> = refused.filter_map(|retry| retry.delay_ms).collect();
    assert!(!delays.is_empty() && delays.iter().all(|delay| *delay >= wait), "{delays:?}");
}

#[test]
fn b02_a_login_gives_up_with_its_token() {
    let mut world = World::new(Setup::default());
    world.refusal = Error::new(Code::HttpStatus, "503");
    world.dials = Dials::Refused;
    let login = world.login();
    world.run_for(3_600_000);
    assert_eq!(world.app.code(login), Some(Code::NotSent));
    assert!(world.watch.total_dials <= 150, "{} dials", world.watch.total_dials);
}
