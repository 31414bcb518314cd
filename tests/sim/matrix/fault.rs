//! What strikes, and what it may cost.

use roamio::proto::io::{Hint, WireId};

use crate::link::{Flow, Millis, Side};
use crate::world::{Below, Dials, World};

use super::phase::Phase;

/// For how long a fault lasts that does not say.
const LASTING: Millis = 60_000;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// F01: the peer or a middlebox resets the connection.
    Reset,
    /// F02 and F24: the connection ends without a close frame.
    Fin,
    /// F03: the server sends an Engine.IO close packet.
    ClosePacket,
    /// F04: a bare Socket.IO disconnect.
    Disconnect,
    /// F05 to F07 and F15: nothing gets through to the given side any more.
    Silent(Side),
    /// F08: the connection is cut, and new ones are refused for a while.
    Refused,
    /// F09: connections are silent, and new ones fail after the system's attempts.
    Unreachable,
    /// F10: no route at all for this long; a short loss heals, a long one is noticed.
    NoRoute(Millis),
    /// F11: another network, and the old connections are silent; the host tells, or does not.
    Roamed { told: bool },
    /// F12: another network, and the system destroys the sockets.
    Destroyed,
    /// F13 and F14: another network beside the old one, which works or does not; the host tells.
    Beside { old_works: bool },
    /// F16: nothing arrives, and what the client sends next is answered with a reset.
    Rebound,
    /// F18: what is larger than this many bytes, and all behind it, is lost.
    LargeLost(usize),
    /// F19: a second of delay, and losses that TCP repairs after this long at most.
    Lossy(Millis),
    /// F20: this many bytes a second.
    Narrow(u64),
    /// F21: down and up again all the time; the host tells of each.
    Flapping,
    /// F22: connections succeed, and nothing is answered, for this long.
    Stopped(Millis),
    /// F23: the portal is killed, and starts again two seconds later without its memory.
    Killed,
    /// F30: the process is frozen; its sockets may be gone when it goes on.
    Frozen { duration: Millis, destroyed: bool },
    /// F31: the wall clock jumps ten years.
    WallJump,
}

/// The path is back after these.
pub(super) const NO_ROUTE: [Fault; 6] = [
    Fault::NoRoute(1_000),
    Fault::NoRoute(30_000),
    Fault::NoRoute(59_000),
    Fault::NoRoute(61_000),
    Fault::NoRoute(300_000),
    Fault::NoRoute(601_000),
];

/// Below and above the deadline of a silence, the portal's window, and the life of a ticket.
pub(super) const FROZEN: [Fault; 8] = [
    frozen(3_000, false),
    frozen(50_000, false),
    frozen(200_000, false),
    frozen(700_000, false),
    frozen(3_000, true),
    frozen(50_000, true),
    frozen(200_000, true),
    frozen(700_000, true),
];

const fn frozen(duration: Millis, destroyed: bool) -> Fault {
    Fault::Frozen { duration, destroyed }
}

impl From<Fault> for Vec<Fault> {
    fn from(fault: Fault) -> Self {
        vec![fault]
    }
}

impl Fault {
    pub(super) fn strike(self, world: &mut World) {
        let links: Vec<WireId> = world.open_links();
        match self {
            Self::Reset => links.iter().for_each(|link| world.reset(*link, Side::Both)),
            Self::Fin => links.iter().for_each(|link| world.finish(*link)),
            Self::ClosePacket => links.iter().for_each(|link| world.inject(*link, "1")),
            Self::Disconnect => links.iter().for_each(|link| world.inject(*link, "41")),
            Self::Silent(side) => {
                links.iter().for_each(|link| world.freeze(*link, side, Flow::BlackHole));
            }
            Self::Refused => {
                links.iter().for_each(|link| world.reset(*link, Side::Both));
                world.run_with_dials(Dials::Refused, 10_000);
            }
            Self::Unreachable => {
                world.black_out();
                world.run_with_dials(Dials::Unreachable, 20_000);
            }
            Self::NoRoute(duration) => {
                if duration < 30_000 {
                    links.iter().for_each(|link| world.freeze(*link, Side::Both, Flow::Held));
                } else {
                    world.black_out();
                }
                world.routed = false;
                world.run_with_dials(Dials::Hang, duration);
                world.routed = true;
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
            Self::Rebound => links.iter().for_each(|link| world.rebind(*link)),
            Self::LargeLost(length) => {
                world.hole = Some(length);
                world.burst("large-", 3, 10);
                world.run_for(20_000);
                world.hole = None;
            }
            Self::Lossy(longest) => lose_packets(world, longest),
            Self::Narrow(rate) => {
                world.set_rate(Some(rate));
                world.run_for(LASTING);
                world.set_rate(None);
            }
            Self::Flapping => flap(world),
            Self::Stopped(duration) => {
                world.server.stopped = true;
                world.run_with_dials(Dials::Hang, duration);
                world.server.stopped = false;
            }
            Self::Killed => {
                world.restart_portal();
                world.run_with_dials(Dials::Refused, 2_000);
            }
            Self::Frozen { duration, destroyed } => {
                if destroyed {
                    links.iter().for_each(|link| world.reset(*link, Side::Client));
                }
                world.sleep(duration, 0);
            }
            Self::WallJump => {
                let years = 315_360_000_000;
                for jump in [years, -2 * years, years, -1_000, -1_000, -1_000] {
                    world.wall = world.wall.saturating_add_signed(jump);
                    world.run_for(1_000);
                }
            }
        }
    }

    /// The session must not notice.
    pub(super) const fn is_seamless(self) -> bool {
        match self {
            Self::Beside { old_works } => old_works,
            Self::WallJump | Self::Narrow(_) | Self::Flapping => true,
            Self::Lossy(longest) => longest <= 5_000,
            Self::Frozen { duration, destroyed } => duration < 10_000 && !destroyed,
            Self::NoRoute(duration) | Self::Stopped(duration) => duration < 3_000,
            _ => false,
        }
    }

    /// The portal forgets the session meanwhile.
    pub(super) const fn outlasts_the_session(self) -> bool {
        match self {
            Self::Killed => true,
            // The portal notices after 45 s and waits for 60 s.
            Self::NoRoute(duration) | Self::Frozen { duration, .. } => duration > 105_000,
            _ => false,
        }
    }

    /// The portal may forget the session meanwhile: what it knows decides.
    pub(super) const fn may_outlast_the_session(self, phase: Phase) -> bool {
        match self {
            Self::NoRoute(duration) | Self::Frozen { duration, .. } => {
                duration > if phase.is_away() { 45_000 } else { 70_000 }
            }
            _ => self.outlasts_the_session(),
        }
    }

    /// From the fault to readiness: noticing, the wait between attempts, the attempts.
    pub(super) fn recovery(self, phase: Phase) -> Millis {
        match self {
            // Noticed within three seconds by an answer that is awaited.
            Self::Roamed { told: false } if phase.awaits_an_answer() => 4_000,
            Self::Roamed { told: true } | Self::Destroyed | Self::Beside { .. } => 3_000,
            Self::Frozen { .. } | Self::NoRoute(_) => 75_000,
            Self::Silent(_)
            | Self::Roamed { told: false }
            | Self::Unreachable
            | Self::Rebound
            | Self::LargeLost(_)
            | Self::Stopped(_)
            | Self::Lossy(_) => 60_000,
            Self::Refused => 6_000,
            _ => 2_000,
        }
    }
}

/// Every few seconds a connection stands still until TCP has repaired it.
fn lose_packets(world: &mut World, longest: Millis) {
    let end = world.now + LASTING;
    world.set_latency(1_000);
    while world.now < end {
        let links = world.open_links();
        let side = [Side::Client, Side::Server, Side::Both][world.rng.below(3) as usize];
        links.iter().for_each(|link| world.freeze(*link, side, Flow::Held));
        let pause = world.rng.below(longest - 2_000);
        world.run_for(pause);
        links.iter().for_each(|link| world.thaw(*link));
        let pause = world.rng.below(5_000);
        world.run_for(pause);
    }
    world.set_latency(20);
}

fn flap(world: &mut World) {
    let end = world.now + LASTING;
    while world.now < end {
        let links = world.open_links();
        links.iter().for_each(|link| world.freeze(*link, Side::Both, Flow::Held));
        world.hint(Hint::NetworkLost);
        world.run_with_dials(Dials::Refused, 300);
        links.iter().for_each(|link| world.thaw(*link));
        world.hint(Hint::NetworkAvailable);
        world.run_for(400);
    }
}
