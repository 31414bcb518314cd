//! Sessions that outlive their process: export and restore (`design` 7).

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::proto::io::{Command, ConferenceState};
use roamio_portal::model::{ModelConfig, SeqBase};

use crate::app::{Export, What};
use crate::link::Side;
use crate::world::{Provider, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

fn export(world: &World) -> Export {
    world.app.export().expect("there is a session")
}

/// Restored: the application compares what is delivered with the ledger from the export on.
fn expect_restored(world: &mut World, export: &Export) {
    let resumed = world.app.resumed.len();
    let restore = world.restore(export);
    assert_eq!(world.app.state, ConferenceState::Resuming);
    world.run_until(5_000, World::is_ready);
    assert_eq!(world.app.code(restore), None);
    assert_eq!(world.app.resumed.len(), resumed + 1);
    world.burst("after-", 3, 0);
    let text = world.text();
    world.run_for(2_000);
    assert_eq!(world.app.code(text), None);
    world.app.check_end(&world.server.portal);
}

#[test]
fn a_restored_session_goes_on_where_it_was_exported() {
    for seq_base in [SeqBase::Zero, SeqBase::One] {
        let model = ModelConfig { seq_base, ..ModelConfig::default() };
        let mut world = World::ready(Setup { model, ..Setup::default() });
        world.burst("before-", 100, 0);
        world.run_for(1_000);
        let export = export(&world);
        expect_restored(&mut world, &export);
        assert_eq!(world.watch.count("login"), 1, "the same participant");
        assert!(world.app.gaps.is_empty());
    }
}

#[test]
fn what_was_handled_after_the_export_comes_again_and_nothing_else() {
    let mut world = ready();
    world.burst("before-", 5, 0);
    world.run_for(1_000);
    let export = export(&world);
    world.burst("handled-", 7, 0);
    world.run_for(1_000);
    world.burst("missed-", 2, 0);
    expect_restored(&mut world, &export);
    assert_eq!(world.app.replayed, 9);
}

#[test]
fn an_export_holds_the_tickets_of_its_moment_and_the_old_one_is_tried_too() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    world.run_until(5_000, |world| world.app.resumed.len() == 1);
    let kept = export(&world).kept.keepsake;
    assert_eq!(kept.tickets.len(), 2);
    assert_eq!(Some(kept.participant), world.app.participant);
    assert_eq!(kept.protocol, PortalProtocol::V1_2);
}

#[test]
fn there_is_nothing_to_export_without_a_session() {
    let mut world = World::new(Setup::default());
    assert!(world.app.export().is_none());
    world.login();
    assert!(world.app.export().is_none());
    world.run_until(5_000, World::is_ready);
    assert!(world.app.export().is_some());
    world.reset(world.session_link(), Side::Both);
    world.run_for(10);
    assert!(world.app.export().is_some(), "also while it is resumed");
    world.logout();
    assert!(world.app.export().is_none());
}

#[test]
fn a_rejoin_begins_another_record() {
    let config = ConferenceConfig { ask_token: true, ..ConferenceConfig::default() };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    world.provider = Provider::Gives;
    world.burst("before-", 5, 0);
    world.run_for(1_000);
    world.rejoin();
    world.run_until(5_000, |world| world.app.rejoined == 1);
    let export = export(&world);
    expect_restored(&mut world, &export);
}

#[test]
fn w05_a_restore_that_is_refused_ends_with_the_portals_reason() {
    let restarted: fn(&mut World) = World::restart_portal;
    let gone: fn(&mut World) = |world| {
        world.portal(|portal, me, now| portal.drop_participant(me, now));
    };
    let expired: fn(&mut World) = |world| world.portal(|portal, _, now| portal.expire_tickets(now));
    for (fate, code) in [
        (restarted, Code::ServerRestarted),
        (gone, Code::SessionLost),
        (expired, Code::TicketExpired),
    ] {
        let mut world = ready();
        let export = export(&world);
        fate(&mut world);
        let restore = world.restore(&export);
        world.run_until(10_000, World::is_ended);
        assert_eq!(world.app.code(restore), Some(code));
        assert_eq!(world.app.end_code(), Some(code));
    }
}

#[test]
fn a_restore_that_is_refused_is_a_fresh_login_with_a_provider() {
    let config = ConferenceConfig { ask_token: true, ..ConferenceConfig::default() };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    world.provider = Provider::Gives;
    let export = export(&world);
    world.restart_portal();
    let restore = world.restore(&export);
    world.run_until(5_000, |world| world.app.rejoined == 1);
    assert_eq!(world.app.code(restore), None);
    assert_eq!(world.app.gaps.len(), 1);
}

#[test]
fn a_used_conference_is_not_restored() {
    let mut world = ready();
    let kept = Box::new(export(&world).kept);
    let request = world.app.ask(What::Restore, world.now, 1_000);
    world.command(Command::Restore { request, kept });
    assert_eq!(world.app.code(request), Some(Code::InvalidState));
    assert!(world.is_ready());
}
