//! Section D: Upgrade.

use crate::case::items;

items! {
    32 "Opens on polling, upgrades, tells it once" asks all {
    }
    33 "Exactly once and in order while upgrading" asks all {
    }
    34 "Failed upgrades leave the session on polling" asks [Fake V4] {
    }
    35 "close() during the upgrade" asks [V4] {
    }
    36 "The late close packet on the old GET" asks [V4 Fake] {
    }
    37 "upgrade=false, WebSocket only" asks all {
    }
    38 "rememberUpgrade" asks [V4] {
    }
    39 "tryAllTransports" asks [V4 Fake] {
    }
    40 "No transports: an error, and no crash" asks [Local] {
    }
}
