use std::ffi::c_void;
use std::time::Duration;

use super::callback::{executor, socket_hook, tracer};
use super::error::{ObjectId, roam_error};
use super::guard::{
    Builder, MAX_TEXT, build, free_builder, give, last_error_of_builder, text, unknown,
};
use super::options::{
    ROAM_TIMEOUT_FAST_RESUME, ROAM_TIMEOUT_LOGIN, ROAM_TIMEOUT_LOGOUT, ROAM_TIMEOUT_REFRESH,
    ROAM_TIMEOUT_RELOGIN, ROAM_TIMEOUT_REQUEST, add_spki_pin, add_trusted_pem,
    set_client_certificate_pem, set_client_certificate_pkcs12, set_dispatch, set_limit,
    set_local_address, set_min_tls_version, set_proxy, set_server_name, set_trace_file, timeout,
};
use super::status::roam_status;
use super::types::{roam_bytes, roam_post, roam_socket_hook, roam_str, roam_trace};
use crate::client::check_conference_options;
use crate::config::{ConferenceConfig, PortalProtocol, ReconnectPolicy, SequenceBase};
use crate::error::Result;

/// ---- Options of a conference ---------------------------------------------------------------
///
/// The protocol of clients before 1.0, for old portals: requests and notifications have names and
/// shapes of their own. What was missed in the first part of an outage is lost.
pub const ROAM_PORTAL_LEGACY: u32 = 3;
/// Protocol 1.0: as 1.1; streams describe a single video.
pub const ROAM_PORTAL_1_0: u32 = 10;
/// Protocol 1.1: what was missed in the first part of an outage is lost.
pub const ROAM_PORTAL_1_1: u32 = 11;
/// Protocol 1.2: everything missed comes with the answer to the relogin; the default.
pub const ROAM_PORTAL_1_2: u32 = 12;

/// The numbering of replayed notifications is found out; the default.
pub const ROAM_SEQUENCE_DETECT: u32 = 0;
/// The portal numbers notifications from 0.
pub const ROAM_SEQUENCE_FROM_ZERO: u32 = 1;
/// The portal numbers notifications from 1.
pub const ROAM_SEQUENCE_FROM_ONE: u32 = 2;

/// Options of a conference. One thread at a time; a copy is taken by roam_conference_new.
pub struct roam_conference_config {
    id: ObjectId,
    pub(super) options: ConferenceConfig,
}

impl Builder for roam_conference_config {
    fn id(&self) -> ObjectId {
        self.id
    }
}

impl roam_conference_config {
    /// Change options; when the result is out of range nothing is changed.
    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut ConferenceConfig) -> Result<()>,
    ) -> Result<()> {
        let mut options = self.options.clone();
        change(&mut options)?;
        check_conference_options(&options)?;
        self.options = options;
        Ok(())
    }
}

/// ---- Functions: options of a conference ----------------------------------------------------
///
/// New options with the defaults, which are good for a current portal. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn roam_conference_config_new() -> *mut roam_conference_config {
    give(roam_conference_config { id: ObjectId::new(), options: ConferenceConfig::default() })
}

/// The protocol announced at login: ROAM_PORTAL_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_protocol(
    config: *mut roam_conference_config,
    protocol: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.protocol = match protocol {
                ROAM_PORTAL_LEGACY => PortalProtocol::Legacy,
                ROAM_PORTAL_1_0 => PortalProtocol::V1_0,
                ROAM_PORTAL_1_1 => PortalProtocol::V1_1,
                ROAM_PORTAL_1_2 => PortalProtocol::V1_2,
                _ => return Err(unknown("protocol", protocol)),
            };
            Ok(())
        })
    }
}

/// How replayed notifications are numbered: ROAM_SEQUENCE_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_sequence(
    config: *mut roam_conference_config,
    sequence: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.sequence_base = match sequence {
                ROAM_SEQUENCE_DETECT => SequenceBase::Detect,
                ROAM_SEQUENCE_FROM_ZERO => SequenceBase::Zero,
                ROAM_SEQUENCE_FROM_ONE => SequenceBase::One,
                _ => return Err(unknown("sequence", sequence)),
            };
            Ok(())
        })
    }
}

/// Refuse a "text" whose message has more characters, with TOO_LARGE; 0, the default, for no limit.
/// No portal refuses long ones, although their documents speak of 2048.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_text_limit(
    config: *mut roam_conference_config,
    characters: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.text_limit = (characters > 0).then_some(characters);
            Ok(())
        })
    }
}

/// How the application presents itself. The portal lets only sessions of the SDK types "C++",
/// "Objective-C", "Android" and "JavaScript" be resumed; the version is not empty and not "3.5".
/// `members_json` holds further members of the user agent, a JSON object, or is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_user_agent(
    config: *mut roam_conference_config,
    sdk_type: roam_str,
    sdk_version: roam_str,
    members_json: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let sdk_type = text(sdk_type, "sdk_type", MAX_TEXT)?;
            let sdk_version = text(sdk_version, "sdk_version", MAX_TEXT)?;
            let members = text(members_json, "members_json", MAX_TEXT)?;
            config.change(|options| {
                options.sdk_type = sdk_type.into();
                options.sdk_version = sdk_version.into();
                options.user_agent_json = members.into();
                Ok(())
            })
        })
    }
}

/// Connect without TLS when a token says so, also when the portal is not on this machine; no by
/// default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_allow_plaintext(
    config: *mut roam_conference_config,
    allow: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.allow_plaintext = allow;
            Ok(())
        })
    }
}

/// Add a header to every request, the WebSocket handshake included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_add_header(
    config: *mut roam_conference_config,
    name: roam_str,
    value: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let (name, value) = (text(name, "name", MAX_TEXT)?, text(value, "value", MAX_TEXT)?);
            config.options.common.add_header(name, value)
        })
    }
}

/// Trust the certificates of a PEM text beside those of the system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_add_trusted_pem(
    config: *mut roam_conference_config,
    pem: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| add_trusted_pem(&mut options.common, pem)))
    }
}

/// Show a certificate to servers that ask for one: PEM, the own certificate first, then those that
/// it needs to be trusted; and its key, PKCS#8 and not encrypted ("BEGIN PRIVATE KEY"). Damaged
/// ones are INVALID_ARGUMENT here or in roam_conference_new, and what the platform does not take (on
/// iOS anything but PKCS#12, on Windows keys other than RSA) is UNSUPPORTED there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_client_certificate_pem(
    config: *mut roam_conference_config,
    certificates: roam_str,
    key: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_client_certificate_pem(&mut options.common, certificates, key)
            })
        })
    }
}

/// Show a certificate to servers that ask for one: a PKCS#12 archive (.p12, .pfx) and its password.
/// A damaged archive and a wrong password are INVALID_ARGUMENT in roam_conference_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_client_certificate_pkcs12(
    config: *mut roam_conference_config,
    archive: roam_bytes,
    password: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_client_certificate_pkcs12(&mut options.common, archive, password)
            })
        })
    }
}

/// Accept only servers whose own certificate has one of the pinned public keys: the base64 of the
/// SHA-256 of its SubjectPublicKeyInfo, with "sha256/" before it or not. The certificate is
/// verified as well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_add_spki_pin(
    config: *mut roam_conference_config,
    pin: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| add_spki_pin(&mut options.common, pin)))
    }
}

/// The name that is sent to the server (SNI) and that its certificate must have, in place of the
/// host's; empty for the host's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_server_name(
    config: *mut roam_conference_config,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| set_server_name(&mut options.common, name)))
    }
}

/// The oldest version of TLS that is spoken: ROAM_TLS_1_2 or ROAM_TLS_1_3. What the platform does
/// not have is UNSUPPORTED in roam_conference_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_min_tls_version(
    config: *mut roam_conference_config,
    version: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_min_tls_version(&mut options.common, version))
        })
    }
}

/// Accept any certificate for any name. For development only; every connect logs a warning.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_dangerously_accept_any_certificate(
    config: *mut roam_conference_config,
    accept: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.tls.dangerously_accept_anything = accept;
            Ok(())
        })
    }
}

/// Reach every server through a proxy: http://user:password@host:port for HTTP CONNECT, or
/// socks5://..., which resolves the server's name; user and password percent-encoded; empty for no
/// proxy, the default. It never sees inside TLS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_proxy(
    config: *mut roam_conference_config,
    url: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| config.change(|options| set_proxy(&mut options.common, url))) }
}

/// As roam_config_set_local_address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_local_address(
    config: *mut roam_conference_config,
    address: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_local_address(&mut options.common, address))
        })
    }
}

/// As roam_config_set_socket_hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_socket_hook(
    config: *mut roam_conference_config,
    hook: roam_socket_hook,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.on_socket = Some(socket_hook(hook, user_data, destroy)?);
            Ok(())
        })
    }
}

/// Who runs callbacks: ROAM_DISPATCH_THREAD, _MANUAL or _INLINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_dispatch(
    config: *mut roam_conference_config,
    mode: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| set_dispatch(&mut config.options.common, mode)) }
}

/// Have callbacks run where your own loop or queue runs them, as roam_config_set_executor says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_executor(
    config: *mut roam_conference_config,
    post: roam_post,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.dispatch = executor(post, user_data, destroy)?;
            Ok(())
        })
    }
}

/// Write a trace of each conference to a file, as roam_config_set_trace_file says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_trace_file(
    config: *mut roam_conference_config,
    path: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| set_trace_file(&mut config.options.common, path)) }
}

/// Have each line of the trace given to a function, as roam_config_set_trace says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_trace(
    config: *mut roam_conference_config,
    trace: roam_trace,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.trace = Some(tracer(trace, user_data, destroy)?);
            Ok(())
        })
    }
}

/// Waits between attempts in the time after a loss (ROAM_TIMEOUT_FAST_RESUME): at most `first_ms`
/// before the first, doubled with every failure up to `max_ms`, and spread evenly between nearly 0
/// and that. 250 ms and 5 s by default, 2 ms to 24 h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_resume_delay_ms(
    config: *mut roam_conference_config,
    first_ms: u32,
    max_ms: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_full_jitter(&mut options.resume, first_ms, max_ms);
                Ok(())
            })
        })
    }
}

/// Waits between attempts before the login, and when resuming takes longer: as above, growing by
/// 1.6. 1 s and 60 s by default, 2 ms to 24 h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_patient_delay_ms(
    config: *mut roam_conference_config,
    first_ms: u32,
    max_ms: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_full_jitter(&mut options.patient, first_ms, max_ms);
                Ok(())
            })
        })
    }
}

/// A time limit, ROAM_TIMEOUT_...: 1 ms to 24 h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_timeout_ms(
    config: *mut roam_conference_config,
    which: u32,
    ms: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                let slot = match which {
                    ROAM_TIMEOUT_LOGIN => Some(&mut options.login_timeout),
                    ROAM_TIMEOUT_RELOGIN => Some(&mut options.relogin_timeout),
                    ROAM_TIMEOUT_REFRESH => Some(&mut options.refresh_timeout),
                    ROAM_TIMEOUT_LOGOUT => Some(&mut options.logout_timeout),
                    ROAM_TIMEOUT_REQUEST => Some(&mut options.request_timeout),
                    ROAM_TIMEOUT_FAST_RESUME => Some(&mut options.fast_resume),
                    _ => timeout(&mut options.common, which),
                };
                *slot.ok_or_else(|| unknown("timeout", which))? = Duration::from_millis(ms.into());
                Ok(())
            })
        })
    }
}

/// A limit of sizes and queues, ROAM_LIMIT_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_limit(
    config: *mut roam_conference_config,
    which: u32,
    value: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_limit(&mut options.common, which, value))
        })
    }
}

/// The error of this thread's last failed call if it was on this config; NULL otherwise. It lives
/// until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_last_error(
    config: *const roam_conference_config,
) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of_builder(config) }
}

/// Free options; conferences made from them are not affected. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_free(config: *mut roam_conference_config) {
    // SAFETY: the host's promise, passed on.
    unsafe { free_builder(config) }
}

/// With jitter 1 the middle of the first wait is half of its longest.
fn set_full_jitter(policy: &mut ReconnectPolicy, first_ms: u32, max_ms: u32) {
    policy.min = Duration::from_millis(u64::from(first_ms) / 2);
    policy.max = Duration::from_millis(max_ms.into());
    policy.floor = policy.floor.min(policy.max);
}
