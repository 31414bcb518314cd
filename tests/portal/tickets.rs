//! Reconnection tickets: renewed in time, kept while they may be good, judged by the portal alone.

use std::thread::sleep;
use std::time::Duration;

use roamio::client::ConferenceState;
use roamio::config::ConferenceConfig;
use roamio::error::Code;
use roamio_portal::model::{ModelConfig, Portal};
use roamio_portal::{Cut, Server, ServerConfig};

use crate::host::{Host, await_in, burst, eager, portal};

const REFRESH: &str = "refreshReconnectionTicket";

/// A portal whose tickets live this long, in milliseconds.
fn portal_with_lifetime(ticket_lifetime: u64) -> Server {
    let model = ModelConfig { ticket_lifetime, ..ModelConfig::default() };
    Server::start_blocking(ServerConfig { model, ..ServerConfig::default() }).unwrap()
}

fn await_refreshes(portal: &Server, host: &Host, count: u64) {
    let refreshes = |model: &Portal| model.ledger(&host.participant).unwrap().refreshes;
    await_in(portal, "a refresh", |model| refreshes(model) == count);
}

/// Refreshes that were asked for.
fn asked(host: &Host) -> u64 {
    let stats = host.conference.stats();
    stats.refreshes_by_traffic + stats.refreshes_by_backstop
}

/// Lose the connection and miss some texts; true: the session came back, and nothing was lost.
fn survives_a_loss(host: &mut Host, portal: &Server) -> bool {
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    burst(portal, "missed ", 3);
    let complete = host.resumed();
    host.assert_nothing_lost_or_doubled(portal);
    complete
}

#[test]
fn req_2_6_req_5_5_a_ticket_that_is_not_valid_yet_is_followed_by_the_one_before() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    // The portal's clock is ahead while it gives out the second ticket, and is then set right.
    portal.set_clock_offset(300_000);
    assert!(survives_a_loss(&mut host, &portal));
    portal.set_clock_offset(0);
    assert!(survives_a_loss(&mut host, &portal));
    assert_eq!(portal.ledger(&host.participant).unwrap().relogins, 2);
    assert_eq!(host.conference.stats().relogins, 3, "each ticket once");
}

#[test]
fn req_5_2_an_unanswered_refresh_is_repeated() {
    let portal = portal_with_lifetime(2_000);
    portal.swallow_acks(None, REFRESH, 1);
    let refresh_timeout = Duration::from_millis(200);
    let mut host = Host::joined(&portal, ConferenceConfig { refresh_timeout, ..eager() });
    // By its first ticket the session would be over then.
    await_refreshes(&portal, &host, 3);
    assert!(survives_a_loss(&mut host, &portal));
}

#[test]
fn req_5_2_w23_a_refresh_out_of_place_leads_to_a_relogin() {
    let portal = portal_with_lifetime(4_000);
    portal.fail_requests(None, REFRESH, 1, "Illegal request");
    let mut host = Host::joined(&portal, eager());
    assert!(host.resumed(), "complete");
    assert_eq!(portal.ledger(&host.participant).unwrap().relogins, 1);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_5_2_without_reconnection_nothing_is_refreshed_again() {
    let portal = portal_with_lifetime(1_000);
    portal.fail_requests(None, REFRESH, 9, "Reconnection is not enabled.");
    let mut host = Host::joined(&portal, eager());
    // Its life is over, three times.
    sleep(Duration::from_secs(3));
    assert_eq!(asked(&host), 1);
    let text = host.text("still here");
    assert!(host.outcome(text).is_ok());
}

#[test]
fn req_5_3_w31_after_a_long_sleep_the_portal_decides() {
    let portal = portal_with_lifetime(100);
    let mut host = Host::joined(&portal, eager());
    host.conference.suspended().unwrap();
    // The lives of several tickets.
    sleep(Duration::from_millis(500));
    portal.cut(&host.network(), Cut::Reset);
    host.conference.resumed().unwrap();
    assert_eq!(host.end(), Some(Code::TicketExpired));
    assert_eq!((asked(&host), host.conference.stats().relogins), (0, 1));
}

#[test]
fn req_5_4_a_life_of_two_seconds_works() {
    let portal = portal_with_lifetime(2_000);
    let mut host = Host::joined(&portal, eager());
    await_refreshes(&portal, &host, 2);
    assert!(survives_a_loss(&mut host, &portal));
    assert_eq!(asked(&host), 2);
}
