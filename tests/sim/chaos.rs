//! Random runs: a conference under every fault at once, drawn from one seed.

use std::collections::BTreeMap;
use std::time::Duration;

use roamio::config::{ConferenceConfig, PortalProtocol, SequenceBase};
use roamio::error::{Error, Retry};
use roamio::owt::Signaling;
use roamio::owt::request::{Kinds, Soac, Started, StreamControl, StreamOperation, Unpublish};
use roamio::proto::io::{Hint, WireId};
use roamio::proto::rng::Rng;
use roamio_portal::model::{ModelConfig, Retention, SeqBase, StreamMedia};

use crate::link::{Flow, Millis, Side};
use crate::world::{Below, Dials, Provider, Setup, World};

/// After the last fault the session has to be ready again, or at its end, within this: the longest
/// liveness deadline, wait between attempts and limit of an answer, one after the other, twice.
const RECOVERY: Millis = 300_000;

/// How this run goes.
struct Profile {
    setup: Setup,
    /// For how long there are faults.
    faults_for: Millis,
    /// The mean time between two of them.
    pause: Millis,
    /// Whether what ends a session may happen.
    lethal: bool,
    /// What the application says when it is asked for a fresh token.
    provider: Provider,
}

impl Profile {
    fn draw(seed: u64, rng: &mut Rng) -> Self {
        let protocol = match rng.below(12) {
            0 => PortalProtocol::Legacy,
            1 => PortalProtocol::V1_0,
            2..=3 => PortalProtocol::V1_1,
            _ => PortalProtocol::V1_2,
        };
        let base = if rng.below(3) == 0 { SeqBase::Zero } else { SeqBase::One };
        let pruned = rng.below(3) == 0;
        let sequence_base = match base {
            // A replay whose beginning is pruned may not show the base: then it is configured.
            SeqBase::Zero if pruned => SequenceBase::Zero,
            SeqBase::One if rng.below(4) == 0 => SequenceBase::One,
            _ => SequenceBase::Detect,
        };
        let ping = *pick(rng, &[(25_000, 20_000), (2_000, 2_000), (5_000, 3_000)]);
        let keep = ping.0 + ping.1 + 1_000;
        let ask_token = rng.below(2) == 0;
        let config = ConferenceConfig {
            protocol,
            sequence_base,
            request_timeout: Duration::from_millis(*pick(rng, &[15_000, 2_000])),
            ask_token,
            rejoin_on_gap: ask_token && rng.below(4) == 0,
            ..ConferenceConfig::default()
        };
        let model = ModelConfig {
            // What a legacy session can be had with.
            stream_media: match protocol {
                PortalProtocol::Legacy => StreamMedia::Parts,
                _ => StreamMedia::Tracks,
            },
            seq_base: base,
            retention: if pruned { Retention::For(keep) } else { Retention::Unlimited },
            relogin_ends_pruning: rng.below(2) == 0,
            ticket_lifetime: *pick(rng, &[600_000, 600_000, 600_000, 60_000, 5_000]),
            reconnection_timeout: *pick(rng, &[60_000, 60_000, 6_000, 600_000]),
            join_delay: *pick(rng, &[0, 300, 3_000]),
            relogin_delay: *pick(rng, &[1, 20, 800]),
            ..ModelConfig::default()
        };
        let latency = *pick(rng, &[0, 2, 20, 150, 700]);
        use Provider::{Gives, GivesBad, Refuses, Repeats, Silent};
        let provider =
            *pick(rng, &[Gives, Gives, Gives, Gives, GivesBad, Refuses, Repeats, Silent]);
        Self {
            setup: Setup { seed, config, model, ping, latency },
            faults_for: *pick(rng, &[10_000, 60_000, 200_000]),
            pause: *pick(rng, &[100, 1_000, 8_000]),
            lethal: rng.below(3) == 0,
            provider,
        }
    }
}

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.below(choices.len() as u64) as usize]
}

/// What happened in one run, or in many.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) virtual_ms: Millis,
    /// How often things happened: outcomes and ends by their codes, and some events.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Report {
    fn of(world: &World, start: Millis) -> Self {
        let mut report = Self { virtual_ms: world.now - start, counts: BTreeMap::new() };
        let app = &world.app;
        let name = |error: Option<&Error>| error.map_or("ok", |error| error.code().name());
        for asked in app.asked.values() {
            let outcome = asked.outcome.as_ref().expect("finished");
            report.count(format!("{:?}: {}", asked.what, name(outcome.as_ref().err())), 1);
        }
        let ended = app.end.as_ref().map_or("never", |cause| name(cause.as_ref()));
        report.count(format!("ended: {ended}"), 1);
        report.count("dials".into(), world.watch.total_dials);
        report.count("notifications".into(), app.notified);
        report.count("replayed".into(), app.replayed);
        report.count("resumed".into(), app.resumed.len() as u64);
        report.count("migrated".into(), app.migrated);
        report.count("rejoined".into(), app.rejoined);
        report.count("tokens wanted".into(), app.wanted.len() as u64);
        report.count("host slow".into(), app.host_slow);
        for (.., certain) in &app.gaps {
            report.count(format!("gap, certain: {certain}"), 1);
        }
        for error in &app.complaints {
            report.count(format!("complaint: {}", error.message()), 1);
        }
        report
    }

    fn count(&mut self, what: String, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    /// Add another run.
    pub(crate) fn add(&mut self, other: Self) {
        self.virtual_ms += other.virtual_ms;
        for (what, times) in other.counts {
            self.count(what, times);
        }
    }
}

/// One run.
pub(crate) fn run(seed: u64) -> Report {
    let mut rng = Rng::new(seed);
    let profile = Profile::draw(seed, &mut rng);
    let mut world = World::new(profile.setup);
    world.provider = profile.provider;
    let start = world.now;
    world.note(format!("seed {seed}"));
    world.login();
    if rng.below(4) > 0 {
        world.run_until(60_000, World::is_ready);
    }
    let mut acts = 0;
    while world.now < start + profile.faults_for && !world.is_ended() && acts < 300 {
        act(&mut world, &mut rng, profile.lethal);
        acts += 1;
        let pause = rng.below(2 * profile.pause);
        world.run_for(pause);
        world.check_room();
    }
    recover(&mut world);
    Report::of(&world, start)
}

/// The faults stop; what must hold then.
fn recover(world: &mut World) {
    world.note("the faults stop".into());
    calm(world);
    let settled = |world: &World| world.is_ready() || world.is_ended();
    // A connection may be dead without anybody knowing it yet.
    world.run_for(50_000);
    world.run_until(RECOVERY, settled);
    if let Some(Some(cause)) = &world.app.end {
        let fits = matches!(cause.retry(), Retry::Never | Retry::Login);
        assert!(fits, "the session ended for {cause:?}");
    }
    if world.is_ready() {
        world.burst("last-", 2, 0);
        // Answers that the portal was told to swallow may still be among these.
        let answered = (0..100).any(|_| {
            let request = world.text();
            world.run_until(60_000, |world| world.app.open_requests() == 0);
            world.app.code(request).is_none()
        });
        assert!(answered || world.is_ended(), "no request on a healthy session is answered");
        world.run_for(5_000);
        world.check_room();
    }
    world.app.check_end(&world.server.portal);
    world.close();
    world.run_for(1_001);
    assert!(world.app.finished, "P5: Close leads to Finished");
}

fn calm(world: &mut World) {
    world.dials = Dials::Succeed;
    world.drip = None;
    world.portal(|portal, _, _| portal.set_clock_offset(0));
    for link in world.links.keys().copied().collect::<Vec<_>>() {
        world.thaw(link);
    }
    let latency = world.latency;
    for link in world.links.values_mut() {
        link.up.latency = latency;
        link.down.latency = latency;
    }
    if !world.app.finished {
        world.host_full(false);
        world.hint(Hint::Resumed);
        world.hint(Hint::NetworkAvailable);
    }
    world.run_for(0);
}

/// Something happens.
fn act(world: &mut World, rng: &mut Rng, lethal: bool) {
    match rng.below(100) {
        0..=7 => {
            world.text();
        }
        8..=10 => {
            world.idempotent_text();
        }
        11 => {
            world.impatient_text();
        }
        12..=17 => change_room(world, rng),
        18..=21 => {
            world.text_within(Some(rng.below(500)));
        }
        22..=23 => {
            let request = world.text();
            world.run_for(rng.below(100));
            world.cancel(request);
        }
        24..=39 => {
            world.burst(&format!("n{}-", rng.below(1 << 40)), 1 + rng.below(20), rng.below(300))
        }
        40..=71 => harm_network(world, rng),
        72..=85 => hint(world, rng),
        86..=95 => harm_portal(world, rng),
        97 if rng.below(2) == 0 => {
            world.rejoin();
        }
        96 => {
            if let Some(export) = world.app.export() {
                world.run_for(rng.below(3_000));
                world.restore(&export);
            }
        }
        97 => world.sleep(rng.below(120_000), rng.below(1 << 40) as i64 - (1 << 39)),
        98..=99 if lethal => end(world, rng),
        _ => {
            world.host_full(true);
            world.run_for(rng.below(60_000));
            world.host_full(false);
        }
    }
}

/// Somebody comes or goes, or media do.
fn change_room(world: &mut World, rng: &mut Rng) {
    let published = world.app.published.last().cloned();
    match (rng.below(6), published) {
        (0, _) => world.join(),
        (1, _) => world.leave(),
        (2, Some(Started { transport_id: id, .. })) => {
            world.media(&Soac { id, signaling: Signaling::offer("v=0") });
        }
        (3, Some(Started { id, .. })) => {
            let kinds = *pick(rng, &[Kinds::Audio, Kinds::Video, Kinds::Av]);
            let operation = *pick(rng, &[StreamOperation::Pause, StreamOperation::Play]);
            world.media(&StreamControl { id, operation: operation(kinds) });
        }
        (4, Some(Started { id, .. })) => {
            world.app.published.pop();
            world.media(&Unpublish { id });
        }
        _ => world.publish(),
    }
}

fn harm_network(world: &mut World, rng: &mut Rng) {
    let links: Vec<WireId> = world.links.keys().copied().collect();
    let side = *pick(rng, &[Side::Both, Side::Both, Side::Client, Side::Server]);
    if links.is_empty() {
        return;
    }
    let link = *pick(rng, &links);
    match rng.below(12) {
        0..=1 => world.reset(link, side),
        2 => world.finish(link),
        3 => world.freeze(link, side, Flow::BlackHole),
        4..=5 => {
            world.freeze(link, side, Flow::Held);
            world.run_for(rng.below(10_000));
            world.thaw(link);
        }
        6 => world.roam(rng.below(2) == 0),
        7 => world.black_out(),
        8 => {
            world.dials = *pick(rng, &[Dials::Refused, Dials::Hang, Dials::Slow(3_000)]);
            world.run_for(rng.below(30_000));
            world.dials = Dials::Succeed;
        }
        9 => {
            let latency = rng.below(2_000);
            for link in world.links.values_mut() {
                link.up.latency = latency;
                link.down.latency = latency;
            }
        }
        10 => world.drip = Some((200 + rng.below(2_000) as usize, rng.below(2_000))),
        // In the middle of coming back.
        _ => {
            world.reset(link, side);
            world.run_for(rng.below(8 * world.latency + 300));
            world.reset(WireId(link.0 + 1), side);
        }
    }
}

fn hint(world: &mut World, rng: &mut Rng) {
    let hints = [
        Hint::NetworkChanged,
        Hint::NetworkChanged,
        Hint::NetworkAvailable,
        Hint::NetworkLost,
        Hint::Resumed,
        Hint::Suspended,
    ];
    let hint = *pick(rng, &hints);
    match rng.below(8) {
        // A storm.
        0 => {
            for _ in 0..rng.below(60) {
                let hint = *pick(rng, &hints[..4]);
                world.hint(hint);
                world.run_for(rng.below(40));
            }
        }
        // A real move, told or not.
        1..=4 => {
            world.roam(rng.below(2) == 0);
            world.run_for(rng.below(300));
            world.hint(hint);
        }
        _ => world.hint(hint),
    }
}

fn harm_portal(world: &mut World, rng: &mut Rng) {
    let delay = rng.below(20_000);
    let offset = rng.below(4_000_000) as i64 - 2_000_000;
    let name = *pick(rng, &["text", "relogin", "refreshReconnectionTicket", "login", "logout"]);
    let count = 1 + rng.below(2) as u32;
    let which = rng.below(60);
    world.portal(|portal, participant, now| match which {
        0..=19 => {
            portal.kick(participant, now);
        }
        20..=39 => portal.swallow_acks(None, name, count),
        40..=58 => portal.delay_acks(None, name, count, delay),
        _ => portal.set_clock_offset(offset),
    });
}

/// What the session may not survive.
fn end(world: &mut World, rng: &mut Rng) {
    match rng.below(6) {
        0 => {
            world.logout();
        }
        1 => world.restart_portal(),
        2 => {
            world.portal(|portal, participant, now| portal.drop_participant(participant, now));
        }
        3 => world.portal(|portal, _, now| portal.expire_tickets(now)),
        4 => {
            world.black_out();
            world.dials = Dials::Hang;
            world.run_for(rng.below(700_000));
            world.dials = Dials::Succeed;
        }
        _ => world.close(),
    }
}
