//! The cells of the fault matrix that concern a conference without I/O: every network fault in
//! every phase of a session, each at three moments: before the portal has read what is under way,
//! after it has acted on it, and in the middle of its answer.

use roamio::error::{Code, Retry};
use roamio::proto::io::{ConferenceState, Hint, WireId};
use roamio_portal::model::ModelConfig;

use crate::link::{Flow, Link, Millis, Side};
use crate::world::{Dials, Setup, World};

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// F01: the peer or a middlebox resets the connection.
    Reset,
    /// F02: the connection ends without a close frame.
    Fin,
    /// F03: the server sends an Engine.IO close packet.
    ClosePacket,
    /// F04: a bare Socket.IO disconnect.
    Disconnect,
    /// F05 to F07: nothing gets through to the given side any more.
    Silent(Side),
    /// F10: no route at all for this long; a short loss heals, a long one is noticed.
    NoRoute(Millis),
    /// F11: another network, and the old connections are silent; the host tells, or does not.
    Roamed { told: bool },
    /// F12: another network, and the system destroys the sockets.
    Destroyed,
    /// F13 and F14: another network beside the old one, which works or does not; the host tells.
    Beside { old_works: bool },
    /// F30: the process is frozen.
    Frozen(Millis),
    /// F31: the wall clock jumps ten years.
    WallJump,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// P08.
    Login,
    /// P09.
    Idle,
    /// P10.
    Request,
    /// P11.
    Notification,
    /// P12.
    Relogin,
    /// P13.
    Refresh,
    /// P14.
    Logout,
    /// P15.
    Teardown,
    /// P17.
    Backoff,
    /// P18.
    Replay,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    BeforeTheServer,
    AfterTheServer,
    InTheAnswer,
}

const MOMENTS: [Moment; 3] = [Moment::BeforeTheServer, Moment::AfterTheServer, Moment::InTheAnswer];

impl Phase {
    /// The call under way, if there is one.
    fn call(self) -> Option<&'static str> {
        match self {
            Self::Login => Some("login"),
            Self::Request => Some("text"),
            Self::Relogin | Self::Replay => Some("relogin"),
            Self::Refresh => Some("refreshReconnectionTicket"),
            Self::Logout => Some("logout"),
            Self::Idle | Self::Notification | Self::Teardown | Self::Backoff => None,
        }
    }

    /// Bring a world into the phase.
    fn reach(self, moment: Moment) -> World {
        // Short enough for a refresh within the liveness deadline, when it is due.
        let ticket_lifetime = if self == Self::Refresh { 60_000 } else { 600_000 };
        let model = ModelConfig {
            ticket_lifetime,
            join_delay: 200,
            relogin_delay: 100,
            ..ModelConfig::default()
        };
        let setup = Setup { model, ..Setup::default() };
        let mut world = if self == Self::Login { World::new(setup) } else { World::ready(setup) };
        world.run_for(if self == Self::Login { 0 } else { 1_000 });
        match self {
            Self::Login => {
                world.login();
            }
            Self::Idle | Self::Refresh => {}
            Self::Request => {
                world.text();
            }
            Self::Notification => {
                world.burst("live-", 20, 5);
                world.run_for(50);
            }
            Self::Relogin => world.reset(world.session_link(), Side::Both),
            Self::Replay => {
                world.reset(world.session_link(), Side::Both);
                world.burst("missed-", 200, 0);
            }
            Self::Logout => {
                world.logout();
            }
            Self::Teardown => world.close(),
            Self::Backoff => {
                world.dials = Dials::Refused;
                world.reset(world.session_link(), Side::Both);
                world.run_for(3_000);
                world.dials = Dials::Succeed;
            }
        }
        let Some(call) = self.call() else { return world };
        match moment {
            Moment::BeforeTheServer => {
                world.run_until_sent(call, 1);
            }
            Moment::AfterTheServer => {
                world.run_until_answered(call, 1);
            }
            Moment::InTheAnswer => {
                world.drip = Some((if self == Self::Replay { 400 } else { 4 }, 10));
                world.run_until_answered(call, 1);
                world.drip = None;
                world.run_for(world.latency + 15);
            }
        }
        world
    }
}

impl Fault {
    fn strike(self, world: &mut World) {
        let links: Vec<WireId> = world.open_links();
        match self {
            Self::Reset => links.iter().for_each(|link| world.reset(*link, Side::Both)),
            Self::Fin => links.iter().for_each(|link| world.finish(*link)),
            Self::ClosePacket => links.iter().for_each(|link| world.inject(*link, "1")),
            Self::Disconnect => links.iter().for_each(|link| world.inject(*link, "41")),
            Self::Silent(side) => {
                links.iter().for_each(|link| world.freeze(*link, side, Flow::BlackHole));
            }
            Self::NoRoute(duration) => {
                if duration < 30_000 {
                    links.iter().for_each(|link| world.freeze(*link, Side::Both, Flow::Held));
                } else {
                    world.black_out();
                }
                world.dials = Dials::Hang;
                world.run_for(duration);
                world.dials = Dials::Succeed;
                links.iter().for_each(|link| world.thaw(*link));
            }
            Self::Roamed { told } => {
                world.roam(false);
                if told {
                    world.hint(Hint::NetworkChanged);
                }
            }
            Self::Destroyed => {
                world.roam(false);
                links.iter().for_each(|link| world.reset(*link, Side::Client));
                world.hint(Hint::NetworkChanged);
            }
            Self::Beside { old_works } => {
                world.roam(old_works);
                world.hint(Hint::NetworkChanged);
            }
            Self::Frozen(duration) => world.sleep(duration, 0),
            Self::WallJump => world.wall = world.wall.wrapping_add(315_360_000_000),
        }
    }

    /// The session must not notice.
    fn is_seamless(self) -> bool {
        match self {
            Self::Beside { old_works } => old_works,
            Self::WallJump => true,
            Self::Frozen(duration) | Self::NoRoute(duration) => duration < 10_000,
            _ => false,
        }
    }

    /// The portal has forgotten the session by then.
    fn outlasts_the_session(self) -> bool {
        matches!(self, Self::NoRoute(ms) | Self::Frozen(ms) if ms > 105_000)
    }

    /// From the fault to readiness: noticing, the wait between attempts, the attempts.
    fn recovery(self, phase: Phase) -> Millis {
        match self {
            // Noticed within three seconds by an answer that is awaited.
            Self::Roamed { told: false } if phase != Phase::Idle => 4_000,
            Self::Roamed { told: true } | Self::Destroyed | Self::Beside { .. } => 3_000,
            Self::Frozen(_) | Self::NoRoute(_) => 75_000,
            Self::Silent(_) | Self::Roamed { told: false } => 60_000,
            _ => 2_000,
        }
    }
}

/// One cell at its moments.
fn play(fault: Fault, phase: Phase) {
    let moments = if phase.call().is_some() { &MOMENTS[..] } else { &MOMENTS[..1] };
    for moment in moments {
        let mut world = phase.reach(*moment);
        world.note(format!("{fault:?} strikes in {phase:?}, {moment:?}"));
        let (steps, logins) = (world.app.steps.len(), world.watch.count("login"));
        let struck = world.now;
        fault.strike(&mut world);
        match phase {
            Phase::Login => after_login(&mut world, fault),
            Phase::Logout => after_logout(&mut world),
            Phase::Teardown => world.run_until(1_000, |world| world.app.finished),
            _ => after_session(&mut world, fault, (phase, *moment), struck),
        }
        assert!(world.watch.count("login") <= logins.max(1), "no second login");
        if fault.is_seamless() && phase == Phase::Idle {
            assert_eq!(world.app.steps.len(), steps, "nothing to be noticed");
            assert!(world.app.migrated <= 1);
        }
        world.app.check_end(&world.server.portal);
    }
}

/// The session comes back, or its end is the portal's word.
fn after_session(world: &mut World, fault: Fault, at: (Phase, Moment), struck: Millis) {
    let hopeless = fault.outlasts_the_session();
    let (phase, moment) = at;
    // The next attempt is up to five seconds away, as are the late answers of an old connection.
    let slow = matches!(phase, Phase::Backoff | Phase::Request);
    let limit = fault.recovery(phase) + if slow { 5_000 } else { 0 };
    // A dead connection counts as ready until somebody notices.
    let back = |world: &World| {
        let newest = world.watch.newest_admitted().and_then(|link| world.links.get(&link));
        let flows = |link: &Link| (link.up.flow, link.down.flow) == (Flow::Open, Flow::Open);
        let alive = newest.is_some_and(|link| flows(link) && link.is_open());
        world.is_ended() || world.is_ready() && alive && world.app.open_requests() == 0
    };
    // What strikes may be queued behind an answer.
    world.run_for(if moment == Moment::InTheAnswer { 2_000 } else { 100 });
    world.run_until(limit, back);
    if hopeless {
        assert!(world.is_ended(), "the portal has forgotten the session");
        assert_eq!(world.app.end.clone().flatten().map(|end| end.retry()), Some(Retry::Login));
        return;
    }
    assert!(world.is_ready(), "{fault:?} in {phase:?} ended the session: {:?}", world.app.end);
    if fault.is_seamless() && phase == Phase::Request {
        assert!(world.app.asked.values().all(|asked| matches!(asked.outcome, Some(Ok(_)))));
    }
    let (now, request) = (world.now, world.text());
    world.note(format!("back {} ms after the fault", now - struck));
    world.burst("after-", 3, 10);
    world.run_for(20_000);
    assert_eq!(world.app.code(request), None, "a session that is back does its work");
    assert!(world.app.gaps.is_empty(), "1.2 loses nothing: {:?}", world.app.gaps);
}

/// The login was done or is unknown; its token is never used again.
fn after_login(world: &mut World, fault: Fault) {
    let settled = |world: &World| world.is_ready() || world.is_ended();
    world.run_until(20_000, settled);
    if fault.is_seamless() {
        assert!(world.is_ready(), "{:?}", world.app.end);
    }
    // What was granted can have died behind the answer.
    world.run_for(100);
    world.run_until(120_000, settled);
    if world.is_ended() && !fault.outlasts_the_session() {
        assert_eq!(world.app.end_code(), Some(Code::LoginUnknown));
    }
    assert_eq!(world.watch.count("login"), 1);
}

/// The logout has its one outcome in time, and nothing is dialled any more.
fn after_logout(world: &mut World) {
    world.run_until(20_000, |world| world.app.open_requests() == 0);
    assert_eq!(world.app.state, ConferenceState::Ended);
    let dials = world.watch.total_dials;
    world.run_for(120_000);
    assert_eq!(world.watch.total_dials, dials, "nothing is dialled after the end");
    assert!(world.app.end_code().is_none_or(|code| code == Code::LeftUnconfirmed));
}

macro_rules! cells {
    ($($name:ident: $fault:expr, $phase:ident;)*) => {
        $(#[test] fn $name() { play($fault, Phase::$phase); })*
    };
}

use Fault::*;

cells! {
    f01_p08_reset_while_login_in_flight: Reset, Login;
    f01_p09_reset_while_idle: Reset, Idle;
    f01_p10_reset_while_request_in_flight: Reset, Request;
    f01_p11_reset_while_notifications_in_flight: Reset, Notification;
    f01_p12_reset_while_relogin_in_flight: Reset, Relogin;
    f01_p13_reset_while_refresh_in_flight: Reset, Refresh;
    f01_p14_reset_while_logout_in_flight: Reset, Logout;
    f01_p15_reset_in_teardown: Reset, Teardown;
    f01_p18_reset_while_replay_is_received: Reset, Replay;

    f02_p08_fin_while_login_in_flight: Fin, Login;
    f02_p09_fin_while_idle: Fin, Idle;
    f02_p10_fin_while_request_in_flight: Fin, Request;
    f02_p11_fin_while_notifications_in_flight: Fin, Notification;
    f02_p12_fin_while_relogin_in_flight: Fin, Relogin;
    f02_p13_fin_while_refresh_in_flight: Fin, Refresh;
    f02_p14_fin_while_logout_in_flight: Fin, Logout;
    f02_p15_fin_in_teardown: Fin, Teardown;
    f02_p18_fin_while_replay_is_received: Fin, Replay;

    f03_p08_close_packet_while_login_in_flight: ClosePacket, Login;
    f03_p09_close_packet_while_idle: ClosePacket, Idle;
    f03_p10_close_packet_while_request_in_flight: ClosePacket, Request;
    f03_p11_close_packet_while_notifications_in_flight: ClosePacket, Notification;
    f03_p12_close_packet_while_relogin_in_flight: ClosePacket, Relogin;
    f03_p13_close_packet_while_refresh_in_flight: ClosePacket, Refresh;
    f03_p14_close_packet_while_logout_in_flight: ClosePacket, Logout;
    f03_p15_close_packet_in_teardown: ClosePacket, Teardown;
    f03_p18_close_packet_while_replay_is_received: ClosePacket, Replay;

    f04_p08_disconnect_while_login_in_flight: Disconnect, Login;
    f04_p09_disconnect_while_idle: Disconnect, Idle;
    f04_p10_disconnect_while_request_in_flight: Disconnect, Request;
    f04_p11_disconnect_while_notifications_in_flight: Disconnect, Notification;
    f04_p12_disconnect_while_relogin_in_flight: Disconnect, Relogin;
    f04_p13_disconnect_while_refresh_in_flight: Disconnect, Refresh;
    f04_p14_disconnect_while_logout_in_flight: Disconnect, Logout;
    f04_p15_disconnect_in_teardown: Disconnect, Teardown;
    f04_p18_disconnect_while_replay_is_received: Disconnect, Replay;

    f05_p08_silence_while_login_in_flight: Silent(Side::Both), Login;
    f05_p09_silence_while_idle: Silent(Side::Both), Idle;
    f05_p10_silence_while_request_in_flight: Silent(Side::Both), Request;
    f05_p11_silence_while_notifications_in_flight: Silent(Side::Both), Notification;
    f05_p12_silence_while_relogin_in_flight: Silent(Side::Both), Relogin;
    f05_p13_silence_while_refresh_in_flight: Silent(Side::Both), Refresh;
    f05_p14_silence_while_logout_in_flight: Silent(Side::Both), Logout;
    f05_p15_silence_in_teardown: Silent(Side::Both), Teardown;
    f05_p17_silence_in_backoff: Silent(Side::Both), Backoff;
    f05_p18_silence_while_replay_is_received: Silent(Side::Both), Replay;

    f06_p08_silence_from_the_server_while_login_in_flight: Silent(Side::Client), Login;
    f06_p09_silence_from_the_server_while_idle: Silent(Side::Client), Idle;
    f06_p10_silence_from_the_server_while_request_in_flight: Silent(Side::Client), Request;
    f06_p11_silence_from_the_server_while_notifications_in_flight: Silent(Side::Client), Notification;
    f06_p12_silence_from_the_server_while_relogin_in_flight: Silent(Side::Client), Relogin;
    f06_p13_silence_from_the_server_while_refresh_in_flight: Silent(Side::Client), Refresh;
    f06_p14_silence_from_the_server_while_logout_in_flight: Silent(Side::Client), Logout;
    f06_p15_silence_from_the_server_in_teardown: Silent(Side::Client), Teardown;
    f06_p18_silence_from_the_server_while_replay_is_received: Silent(Side::Client), Replay;

    f07_p08_silence_to_the_server_while_login_in_flight: Silent(Side::Server), Login;
    f07_p09_silence_to_the_server_while_idle: Silent(Side::Server), Idle;
    f07_p10_silence_to_the_server_while_request_in_flight: Silent(Side::Server), Request;
    f07_p11_silence_to_the_server_while_notifications_in_flight: Silent(Side::Server), Notification;
    f07_p12_silence_to_the_server_while_relogin_in_flight: Silent(Side::Server), Relogin;
    f07_p13_silence_to_the_server_while_refresh_in_flight: Silent(Side::Server), Refresh;
    f07_p14_silence_to_the_server_while_logout_in_flight: Silent(Side::Server), Logout;
    f07_p15_silence_to_the_server_in_teardown: Silent(Side::Server), Teardown;
    f07_p18_silence_to_the_server_while_replay_is_received: Silent(Side::Server), Replay;

    f10_p08_no_route_while_login_in_flight: NoRoute(30_000), Login;
    f10_p09_no_route_for_1_s_is_seamless: NoRoute(1_000), Idle;
    f10_p09_no_route_for_30_s: NoRoute(30_000), Idle;
    f10_p09_no_route_for_59_s: NoRoute(59_000), Idle;
    f10_p09_no_route_for_61_s: NoRoute(61_000), Idle;
    f10_p09_no_route_for_300_s: NoRoute(300_000), Idle;
    f10_p09_no_route_for_601_s: NoRoute(601_000), Idle;
    f10_p10_no_route_while_request_in_flight: NoRoute(30_000), Request;
    f10_p11_no_route_while_notifications_in_flight: NoRoute(30_000), Notification;
    f10_p12_no_route_while_relogin_in_flight: NoRoute(30_000), Relogin;
    f10_p13_no_route_while_refresh_in_flight: NoRoute(1_000), Refresh;
    f10_p14_no_route_while_logout_in_flight: NoRoute(30_000), Logout;
    f10_p15_no_route_in_teardown: NoRoute(30_000), Teardown;
    f10_p17_no_route_in_backoff: NoRoute(30_000), Backoff;
    f10_p18_no_route_while_replay_is_received: NoRoute(30_000), Replay;

    f11_p08_handover_while_login_in_flight: Roamed { told: true }, Login;
    f11_p09_handover_while_idle: Roamed { told: true }, Idle;
    f11_p09_untold_handover_while_idle: Roamed { told: false }, Idle;
    f11_p10_handover_while_request_in_flight: Roamed { told: true }, Request;
    f11_p10_untold_handover_while_request_in_flight: Roamed { told: false }, Request;
    f11_p11_handover_while_notifications_in_flight: Roamed { told: true }, Notification;
    f11_p12_handover_while_relogin_in_flight: Roamed { told: true }, Relogin;
    f11_p12_untold_handover_while_relogin_in_flight: Roamed { told: false }, Relogin;
    f11_p13_handover_while_refresh_in_flight: Roamed { told: true }, Refresh;
    f11_p14_handover_while_logout_in_flight: Roamed { told: true }, Logout;
    f11_p15_handover_in_teardown: Roamed { told: true }, Teardown;
    f11_p17_handover_in_backoff: Roamed { told: true }, Backoff;
    f11_p18_handover_while_replay_is_received: Roamed { told: true }, Replay;

    f12_p08_destroyed_sockets_while_login_in_flight: Destroyed, Login;
    f12_p09_destroyed_sockets_while_idle: Destroyed, Idle;
    f12_p10_destroyed_sockets_while_request_in_flight: Destroyed, Request;
    f12_p11_destroyed_sockets_while_notifications_in_flight: Destroyed, Notification;
    f12_p12_destroyed_sockets_while_relogin_in_flight: Destroyed, Relogin;
    f12_p13_destroyed_sockets_while_refresh_in_flight: Destroyed, Refresh;
    f12_p14_destroyed_sockets_while_logout_in_flight: Destroyed, Logout;
    f12_p15_destroyed_sockets_in_teardown: Destroyed, Teardown;
    f12_p17_destroyed_sockets_in_backoff: Destroyed, Backoff;
    f12_p18_destroyed_sockets_while_replay_is_received: Destroyed, Replay;

    f13_p08_make_before_break_while_login_in_flight: Beside { old_works: true }, Login;
    f13_p09_make_before_break_while_idle: Beside { old_works: true }, Idle;
    f13_p10_make_before_break_while_request_in_flight: Beside { old_works: true }, Request;
    f13_p11_make_before_break_while_notifications_in_flight: Beside { old_works: true }, Notification;
    f13_p12_make_before_break_while_relogin_in_flight: Beside { old_works: true }, Relogin;
    f13_p13_make_before_break_while_refresh_in_flight: Beside { old_works: true }, Refresh;
    f13_p14_make_before_break_while_logout_in_flight: Beside { old_works: true }, Logout;
    f13_p15_make_before_break_in_teardown: Beside { old_works: true }, Teardown;
    f13_p17_make_before_break_in_backoff: Beside { old_works: true }, Backoff;
    f13_p18_make_before_break_while_replay_is_received: Beside { old_works: true }, Replay;

    f14_p08_black_holed_old_path_while_login_in_flight: Beside { old_works: false }, Login;
    f14_p09_black_holed_old_path_while_idle: Beside { old_works: false }, Idle;
    f14_p10_black_holed_old_path_while_request_in_flight: Beside { old_works: false }, Request;
    f14_p11_black_holed_old_path_while_notifications_in_flight: Beside { old_works: false }, Notification;
    f14_p12_black_holed_old_path_while_relogin_in_flight: Beside { old_works: false }, Relogin;
    f14_p13_black_holed_old_path_while_refresh_in_flight: Beside { old_works: false }, Refresh;
    f14_p14_black_holed_old_path_while_logout_in_flight: Beside { old_works: false }, Logout;
    f14_p15_black_holed_old_path_in_teardown: Beside { old_works: false }, Teardown;
    f14_p17_black_holed_old_path_in_backoff: Beside { old_works: false }, Backoff;
    f14_p18_black_holed_old_path_while_replay_is_received: Beside { old_works: false }, Replay;

    f30_p08_freeze_while_login_in_flight: Frozen(3_000), Login;
    f30_p09_freeze_for_3_s_is_seamless: Frozen(3_000), Idle;
    f30_p09_freeze_beyond_liveness: Frozen(60_000), Idle;
    f30_p09_freeze_beyond_the_window: Frozen(200_000), Idle;
    f30_p09_freeze_beyond_the_ticket: Frozen(700_000), Idle;
    f30_p10_freeze_while_request_in_flight: Frozen(60_000), Request;
    f30_p11_freeze_while_notifications_in_flight: Frozen(60_000), Notification;
    f30_p12_freeze_while_relogin_in_flight: Frozen(60_000), Relogin;
    f30_p13_freeze_while_refresh_in_flight: Frozen(3_000), Refresh;
    f30_p14_freeze_while_logout_in_flight: Frozen(60_000), Logout;
    f30_p15_freeze_in_teardown: Frozen(60_000), Teardown;
    f30_p17_freeze_in_backoff: Frozen(20_000), Backoff;
    f30_p18_freeze_while_replay_is_received: Frozen(60_000), Replay;

    f31_p08_wall_clock_jump_while_login_in_flight: WallJump, Login;
    f31_p09_wall_clock_jump_while_idle: WallJump, Idle;
    f31_p10_wall_clock_jump_while_request_in_flight: WallJump, Request;
    f31_p12_wall_clock_jump_while_relogin_in_flight: WallJump, Relogin;
    f31_p13_wall_clock_jump_while_refresh_in_flight: WallJump, Refresh;
}
