//! What nobody else is to know.

use roamio_portal::model::ModelConfig;

use crate::link::Side;
use crate::world::{Dials, Setup, World};

/// How the base64 of a token and of a ticket begins.
const SECRET: &str = "eyJ";

#[test]
fn req_7_1_nothing_that_is_printed_holds_a_token_or_a_ticket() {
    let mut world = World::new(Setup::default());
    let mut printed = String::new();
    world.login();
    printed += &format!("{:?}", world.stack);
    world.run_until(5_000, World::is_ready);
    world.reset(world.session_link(), Side::Both);
    world.run_until_sent("relogin", 1);
    printed += &format!("{:?}", world.stack);
    world.run_until(5_000, World::is_ready);
    world.portal(|portal, _, now| portal.expire_tickets(now));
    world.reset(world.session_link(), Side::Both);
    world.run_until(5_000, World::is_ended);
    printed += &format!("{:?}{:?}{:?}", world.stack, world.app.steps, world.app.retries);
    assert!(!printed.contains(SECRET), "{printed}");
}

#[test]
fn req_7_2_a_secure_token_is_never_dialled_in_plain_text() {
    let model = ModelConfig { secure: true, ..ModelConfig::default() };
    let mut world = World::new(Setup { model, ..Setup::default() });
    world.dials = Dials::Refused;
    world.login();
    world.run_for(30_000);
    world.dials = Dials::Succeed;
    world.run_until(60_000, World::is_ready);
    world.reset(world.session_link(), Side::Both);
    world.run_until_sent("relogin", 1);
    assert!(world.watch.total_dials > 5, "each was looked at");
}

#[test]
fn req_4_4_what_the_session_asks_by_itself_has_no_data() {
    let mut world = World::ready(Setup::default());
    world.run_for(400_000);
    world.logout();
    world.run_for(1_000);
    let asked = (world.watch.count("refreshReconnectionTicket"), world.watch.count("logout"));
    assert_eq!(asked, (1, 1), "each was looked at");
}
