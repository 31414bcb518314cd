//! The cells by their names.

use super::fault::Fault::*;
use super::fault::{FROZEN, NO_ROUTE};
use super::phase::Phase;
use super::play;
use crate::link::Side;

macro_rules! cells {
    ($($name:ident: $faults:expr, $phase:ident;)*) => {
        $(#[test] fn $name() { play($faults, Phase::$phase); })*
    };
}

cells! {
    f01_p08_reset_while_login_in_flight: Reset, Login;
    f01_p09_reset_while_idle: Reset, Idle;
    f01_p10_reset_while_request_in_flight: Reset, Request;
    f01_p11_reset_while_notifications_in_flight: Reset, Notification;
    f01_p12_reset_while_relogin_in_flight: Reset, Relogin;
    f01_p13_reset_while_refresh_in_flight: Reset, Refresh;
    f01_p14_reset_while_logout_in_flight: Reset, Logout;
    f01_p15_reset_in_teardown: Reset, Teardown;
    f01_p16_reset_while_a_callback_runs: Reset, Callback;
    f01_p18_reset_while_replay_is_received: Reset, Replay;

    f02_p08_fin_while_login_in_flight: Fin, Login;
    f02_p09_fin_while_idle: Fin, Idle;
    f02_p10_fin_while_request_in_flight: Fin, Request;
    f02_p11_fin_while_notifications_in_flight: Fin, Notification;
    f02_p12_fin_while_relogin_in_flight: Fin, Relogin;
    f02_p13_fin_while_refresh_in_flight: Fin, Refresh;
    f02_p14_fin_while_logout_in_flight: Fin, Logout;
    f02_p15_fin_in_teardown: Fin, Teardown;
    f02_p16_fin_while_a_callback_runs: Fin, Callback;
    f02_p18_fin_while_replay_is_received: Fin, Replay;

    f03_p08_close_packet_while_login_in_flight: ClosePacket, Login;
    f03_p09_close_packet_while_idle: ClosePacket, Idle;
    f03_p10_close_packet_while_request_in_flight: ClosePacket, Request;
    f03_p11_close_packet_while_notifications_in_flight: ClosePacket, Notification;
    f03_p12_close_packet_while_relogin_in_flight: ClosePacket, Relogin;
    f03_p13_close_packet_while_refresh_in_flight: ClosePacket, Refresh;
    f03_p14_close_packet_while_logout_in_flight: ClosePacket, Logout;
    f03_p15_close_packet_in_teardown: ClosePacket, Teardown;
    f03_p16_close_packet_while_a_callback_runs: ClosePacket, Callback;
    f03_p18_close_packet_while_replay_is_received: ClosePacket, Replay;

    f04_p08_disconnect_while_login_in_flight: Disconnect, Login;
    f04_p09_disconnect_while_idle: Disconnect, Idle;
    f04_p10_disconnect_while_request_in_flight: Disconnect, Request;
    f04_p11_disconnect_while_notifications_in_flight: Disconnect, Notification;
    f04_p12_disconnect_while_relogin_in_flight: Disconnect, Relogin;
    f04_p13_disconnect_while_refresh_in_flight: Disconnect, Refresh;
    f04_p14_disconnect_while_logout_in_flight: Disconnect, Logout;
    f04_p15_disconnect_in_teardown: Disconnect, Teardown;
    f04_p16_disconnect_while_a_callback_runs: Disconnect, Callback;
    f04_p18_disconnect_while_replay_is_received: Disconnect, Replay;

    f05_p08_silence_while_login_in_flight: Silent(Side::Both), Login;
    f05_p09_silence_while_idle: Silent(Side::Both), Idle;
    f05_p10_silence_while_request_in_flight: Silent(Side::Both), Request;
    f05_p11_silence_while_notifications_in_flight: Silent(Side::Both), Notification;
    f05_p12_silence_while_relogin_in_flight: Silent(Side::Both), Relogin;
    f05_p13_silence_while_refresh_in_flight: Silent(Side::Both), Refresh;
    f05_p14_silence_while_logout_in_flight: Silent(Side::Both), Logout;
    f05_p15_silence_in_teardown: Silent(Side::Both), Teardown;
    f05_p16_silence_while_a_callback_runs: Silent(Side::Both), Callback;
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
    f06_p16_silence_from_the_server_while_a_callback_runs: Silent(Side::Client), Callback;
    f06_p17_silence_from_the_server_in_backoff: Silent(Side::Client), Backoff;
    f06_p18_silence_from_the_server_while_replay_is_received: Silent(Side::Client), Replay;

    f07_p08_silence_to_the_server_while_login_in_flight: Silent(Side::Server), Login;
    f07_p09_silence_to_the_server_while_idle: Silent(Side::Server), Idle;
    f07_p10_silence_to_the_server_while_request_in_flight: Silent(Side::Server), Request;
    f07_p11_silence_to_the_server_while_notifications_in_flight: Silent(Side::Server), Notification;
    f07_p12_silence_to_the_server_while_relogin_in_flight: Silent(Side::Server), Relogin;
    f07_p13_silence_to_the_server_while_refresh_in_flight: Silent(Side::Server), Refresh;
    f07_p14_silence_to_the_server_while_logout_in_flight: Silent(Side::Server), Logout;
    f07_p15_silence_to_the_server_in_teardown: Silent(Side::Server), Teardown;
    f07_p16_silence_to_the_server_while_a_callback_runs: Silent(Side::Server), Callback;
    f07_p17_silence_to_the_server_in_backoff: Silent(Side::Server), Backoff;
    f07_p18_silence_to_the_server_while_replay_is_received: Silent(Side::Server), Replay;

    f08_p12_refused_connections_while_relogin_in_flight: Refused, Relogin;
    f08_p14_refused_connections_while_logout_in_flight: Refused, Logout;
    f08_p15_refused_connections_in_teardown: Refused, Teardown;
    f08_p17_refused_connections_in_backoff: Refused, Backoff;

    f09_p08_unreachable_while_login_in_flight: Unreachable, Login;
    f09_p09_unreachable_while_idle: Unreachable, Idle;
    f09_p10_unreachable_while_request_in_flight: Unreachable, Request;
    f09_p11_unreachable_while_notifications_in_flight: Unreachable, Notification;
    f09_p12_unreachable_while_relogin_in_flight: Unreachable, Relogin;
    f09_p13_unreachable_while_refresh_in_flight: Unreachable, Refresh;
    f09_p14_unreachable_while_logout_in_flight: Unreachable, Logout;
    f09_p15_unreachable_in_teardown: Unreachable, Teardown;
    f09_p16_unreachable_while_a_callback_runs: Unreachable, Callback;
    f09_p17_unreachable_in_backoff: Unreachable, Backoff;
    f09_p18_unreachable_while_replay_is_received: Unreachable, Replay;

    f10_p08_no_route_while_login_in_flight: NO_ROUTE, Login;
    f10_p09_no_route_while_idle: NO_ROUTE, Idle;
    f10_p10_no_route_while_request_in_flight: NO_ROUTE, Request;
    f10_p11_no_route_while_notifications_in_flight: NO_ROUTE, Notification;
    f10_p12_no_route_while_relogin_in_flight: NO_ROUTE, Relogin;
    f10_p13_no_route_while_refresh_in_flight: NO_ROUTE, Refresh;
    f10_p14_no_route_while_logout_in_flight: NO_ROUTE, Logout;
    f10_p15_no_route_in_teardown: NO_ROUTE, Teardown;
    f10_p16_no_route_while_a_callback_runs: NO_ROUTE, Callback;
    f10_p17_no_route_in_backoff: NO_ROUTE, Backoff;
    f10_p18_no_route_while_replay_is_received: NO_ROUTE, Replay;

    f11_p08_handover_while_login_in_flight: [Roamed { told: true }, Roamed { told: false }], Login;
    f11_p09_handover_while_idle: [Roamed { told: true }, Roamed { told: false }], Idle;
    f11_p10_handover_while_request_in_flight: [Roamed { told: true }, Roamed { told: false }], Request;
    f11_p11_handover_while_notifications_in_flight: [Roamed { told: true }, Roamed { told: false }], Notification;
    f11_p12_handover_while_relogin_in_flight: [Roamed { told: true }, Roamed { told: false }], Relogin;
    f11_p13_handover_while_refresh_in_flight: [Roamed { told: true }, Roamed { told: false }], Refresh;
    f11_p14_handover_while_logout_in_flight: [Roamed { told: true }, Roamed { told: false }], Logout;
    f11_p15_handover_in_teardown: [Roamed { told: true }, Roamed { told: false }], Teardown;
    f11_p16_handover_while_a_callback_runs: [Roamed { told: true }, Roamed { told: false }], Callback;
    f11_p17_handover_in_backoff: [Roamed { told: true }, Roamed { told: false }], Backoff;
    f11_p18_handover_while_replay_is_received: [Roamed { told: true }, Roamed { told: false }], Replay;

    f12_p08_destroyed_sockets_while_login_in_flight: Destroyed, Login;
    f12_p09_destroyed_sockets_while_idle: Destroyed, Idle;
    f12_p10_destroyed_sockets_while_request_in_flight: Destroyed, Request;
    f12_p11_destroyed_sockets_while_notifications_in_flight: Destroyed, Notification;
    f12_p12_destroyed_sockets_while_relogin_in_flight: Destroyed, Relogin;
    f12_p13_destroyed_sockets_while_refresh_in_flight: Destroyed, Refresh;
    f12_p14_destroyed_sockets_while_logout_in_flight: Destroyed, Logout;
    f12_p15_destroyed_sockets_in_teardown: Destroyed, Teardown;
    f12_p16_destroyed_sockets_while_a_callback_runs: Destroyed, Callback;
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
    f13_p16_make_before_break_while_a_callback_runs: Beside { old_works: true }, Callback;
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
    f14_p16_black_holed_old_path_while_a_callback_runs: Beside { old_works: false }, Callback;
    f14_p17_black_holed_old_path_in_backoff: Beside { old_works: false }, Backoff;
    f14_p18_black_holed_old_path_while_replay_is_received: Beside { old_works: false }, Replay;

    f15_p08_nat_rebinding_while_login_in_flight: Silent(Side::Both), Login;
    f15_p09_nat_rebinding_while_idle: Silent(Side::Both), Idle;
    f15_p10_nat_rebinding_while_request_in_flight: Silent(Side::Both), Request;
    f15_p11_nat_rebinding_while_notifications_in_flight: Silent(Side::Both), Notification;
    f15_p12_nat_rebinding_while_relogin_in_flight: Silent(Side::Both), Relogin;
    f15_p13_nat_rebinding_while_refresh_in_flight: Silent(Side::Both), Refresh;
    f15_p14_nat_rebinding_while_logout_in_flight: Silent(Side::Both), Logout;
    f15_p15_nat_rebinding_in_teardown: Silent(Side::Both), Teardown;
    f15_p16_nat_rebinding_while_a_callback_runs: Silent(Side::Both), Callback;
    f15_p18_nat_rebinding_while_replay_is_received: Silent(Side::Both), Replay;

    f16_p08_nat_rebinding_with_reset_while_login_in_flight: Rebound, Login;
    f16_p09_nat_rebinding_with_reset_while_idle: Rebound, Idle;
    f16_p10_nat_rebinding_with_reset_while_request_in_flight: Rebound, Request;
    f16_p11_nat_rebinding_with_reset_while_notifications_in_flight: Rebound, Notification;
    f16_p12_nat_rebinding_with_reset_while_relogin_in_flight: Rebound, Relogin;
    f16_p13_nat_rebinding_with_reset_while_refresh_in_flight: Rebound, Refresh;
    f16_p14_nat_rebinding_with_reset_while_logout_in_flight: Rebound, Logout;
    f16_p15_nat_rebinding_with_reset_in_teardown: Rebound, Teardown;
    f16_p16_nat_rebinding_with_reset_while_a_callback_runs: Rebound, Callback;
    f16_p18_nat_rebinding_with_reset_while_replay_is_received: Rebound, Replay;

    f18_p08_large_packets_lost_while_login_in_flight: LargeLost(40), Login;
    f18_p09_large_packets_lost_while_idle: LargeLost(40), Idle;
    f18_p10_large_packets_lost_while_request_in_flight: LargeLost(40), Request;
    f18_p11_large_packets_lost_while_notifications_in_flight: LargeLost(40), Notification;
    f18_p12_large_packets_lost_while_relogin_in_flight: LargeLost(40), Relogin;
    f18_p13_large_packets_lost_while_refresh_in_flight: LargeLost(40), Refresh;
    f18_p14_large_packets_lost_while_logout_in_flight: LargeLost(40), Logout;
    f18_p15_large_packets_lost_in_teardown: LargeLost(40), Teardown;
    f18_p16_large_packets_lost_while_a_callback_runs: LargeLost(40), Callback;
    f18_p18_large_packets_lost_while_replay_is_received: LargeLost(40), Replay;

    f19_p08_loss_and_delay_while_login_in_flight: [Lossy(5_000), Lossy(14_000)], Login;
    f19_p09_loss_and_delay_while_idle: [Lossy(5_000), Lossy(14_000)], Idle;
    f19_p10_loss_and_delay_while_request_in_flight: [Lossy(5_000), Lossy(14_000)], Request;
    f19_p11_loss_and_delay_while_notifications_in_flight: [Lossy(5_000), Lossy(14_000)], Notification;
    f19_p12_loss_and_delay_while_relogin_in_flight: [Lossy(5_000), Lossy(14_000)], Relogin;
    f19_p13_loss_and_delay_while_refresh_in_flight: [Lossy(5_000), Lossy(14_000)], Refresh;
    f19_p14_loss_and_delay_while_logout_in_flight: [Lossy(5_000), Lossy(14_000)], Logout;
    f19_p15_loss_and_delay_in_teardown: [Lossy(5_000), Lossy(14_000)], Teardown;
    f19_p16_loss_and_delay_while_a_callback_runs: [Lossy(5_000), Lossy(14_000)], Callback;
    f19_p17_loss_and_delay_in_backoff: [Lossy(5_000), Lossy(14_000)], Backoff;
    f19_p18_loss_and_delay_while_replay_is_received: [Lossy(5_000), Lossy(14_000)], Replay;

    f20_p08_a_narrow_path_while_login_in_flight: Narrow(2_000), Login;
    f20_p09_a_narrow_path_while_idle: Narrow(2_000), Idle;
    f20_p10_a_narrow_path_while_request_in_flight: Narrow(2_000), Request;
    f20_p11_a_narrow_path_while_notifications_in_flight: Narrow(2_000), Notification;
    f20_p12_a_narrow_path_while_relogin_in_flight: Narrow(2_000), Relogin;
    f20_p13_a_narrow_path_while_refresh_in_flight: Narrow(2_000), Refresh;
    f20_p14_a_narrow_path_while_logout_in_flight: Narrow(2_000), Logout;
    f20_p15_a_narrow_path_in_teardown: Narrow(2_000), Teardown;
    f20_p16_a_narrow_path_while_a_callback_runs: Narrow(2_000), Callback;
    f20_p17_a_narrow_path_in_backoff: Narrow(2_000), Backoff;
    f20_p18_a_narrow_path_while_replay_is_received: Narrow(2_000), Replay;

    f21_p08_a_flapping_link_while_login_in_flight: Flapping, Login;
    f21_p09_a_flapping_link_while_idle: Flapping, Idle;
    f21_p10_a_flapping_link_while_request_in_flight: Flapping, Request;
    f21_p11_a_flapping_link_while_notifications_in_flight: Flapping, Notification;
    f21_p12_a_flapping_link_while_relogin_in_flight: Flapping, Relogin;
    f21_p13_a_flapping_link_while_refresh_in_flight: Flapping, Refresh;
    f21_p14_a_flapping_link_while_logout_in_flight: Flapping, Logout;
    f21_p15_a_flapping_link_in_teardown: Flapping, Teardown;
    f21_p16_a_flapping_link_while_a_callback_runs: Flapping, Callback;
    f21_p17_a_flapping_link_in_backoff: Flapping, Backoff;
    f21_p18_a_flapping_link_while_replay_is_received: Flapping, Replay;

    f22_p08_a_stopped_server_while_login_in_flight: Stopped(60_000), Login;
    f22_p09_a_stopped_server_while_idle: Stopped(60_000), Idle;
    f22_p10_a_stopped_server_while_request_in_flight: Stopped(60_000), Request;
    f22_p11_a_stopped_server_while_notifications_in_flight: Stopped(60_000), Notification;
    f22_p12_a_stopped_server_while_relogin_in_flight: Stopped(60_000), Relogin;
    f22_p13_a_stopped_server_while_refresh_in_flight: Stopped(60_000), Refresh;
    f22_p14_a_stopped_server_while_logout_in_flight: Stopped(60_000), Logout;
    f22_p15_a_stopped_server_in_teardown: Stopped(60_000), Teardown;
    f22_p16_a_stopped_server_while_a_callback_runs: Stopped(60_000), Callback;
    f22_p18_a_stopped_server_while_replay_is_received: Stopped(60_000), Replay;

    f23_p08_a_killed_portal_while_login_in_flight: Killed, Login;
    f23_p09_a_killed_portal_while_idle: Killed, Idle;
    f23_p10_a_killed_portal_while_request_in_flight: Killed, Request;
    f23_p11_a_killed_portal_while_notifications_in_flight: Killed, Notification;
    f23_p12_a_killed_portal_while_relogin_in_flight: Killed, Relogin;
    f23_p13_a_killed_portal_while_refresh_in_flight: Killed, Refresh;
    f23_p14_a_killed_portal_while_logout_in_flight: Killed, Logout;
    f23_p15_a_killed_portal_in_teardown: Killed, Teardown;
    f23_p16_a_killed_portal_while_a_callback_runs: Killed, Callback;
    f23_p18_a_killed_portal_while_replay_is_received: Killed, Replay;

    f24_p08_a_drained_balancer_while_login_in_flight: [Fin, Reset], Login;
    f24_p09_a_drained_balancer_while_idle: [Fin, Reset], Idle;
    f24_p10_a_drained_balancer_while_request_in_flight: [Fin, Reset], Request;
    f24_p11_a_drained_balancer_while_notifications_in_flight: [Fin, Reset], Notification;
    f24_p12_a_drained_balancer_while_relogin_in_flight: [Fin, Reset], Relogin;
    f24_p13_a_drained_balancer_while_refresh_in_flight: [Fin, Reset], Refresh;
    f24_p14_a_drained_balancer_while_logout_in_flight: [Fin, Reset], Logout;
    f24_p15_a_drained_balancer_in_teardown: [Fin, Reset], Teardown;
    f24_p16_a_drained_balancer_while_a_callback_runs: [Fin, Reset], Callback;
    f24_p18_a_drained_balancer_while_replay_is_received: [Fin, Reset], Replay;

    f30_p08_freeze_while_login_in_flight: FROZEN, Login;
    f30_p09_freeze_while_idle: FROZEN, Idle;
    f30_p10_freeze_while_request_in_flight: FROZEN, Request;
    f30_p11_freeze_while_notifications_in_flight: FROZEN, Notification;
    f30_p12_freeze_while_relogin_in_flight: FROZEN, Relogin;
    f30_p13_freeze_while_refresh_in_flight: FROZEN, Refresh;
    f30_p14_freeze_while_logout_in_flight: FROZEN, Logout;
    f30_p15_freeze_in_teardown: FROZEN, Teardown;
    f30_p16_freeze_while_a_callback_runs: FROZEN, Callback;
    f30_p17_freeze_in_backoff: FROZEN, Backoff;
    f30_p18_freeze_while_replay_is_received: FROZEN, Replay;

    f31_p08_wall_clock_jump_while_login_in_flight: WallJump, Login;
    f31_p09_wall_clock_jump_while_idle: WallJump, Idle;
    f31_p10_wall_clock_jump_while_request_in_flight: WallJump, Request;
    f31_p11_wall_clock_jump_while_notifications_in_flight: WallJump, Notification;
    f31_p12_wall_clock_jump_while_relogin_in_flight: WallJump, Relogin;
    f31_p13_wall_clock_jump_while_refresh_in_flight: WallJump, Refresh;
    f31_p14_wall_clock_jump_while_logout_in_flight: WallJump, Logout;
    f31_p15_wall_clock_jump_in_teardown: WallJump, Teardown;
    f31_p16_wall_clock_jump_while_a_callback_runs: WallJump, Callback;
    f31_p17_wall_clock_jump_in_backoff: WallJump, Backoff;
    f31_p18_wall_clock_jump_while_replay_is_received: WallJump, Replay;
}
