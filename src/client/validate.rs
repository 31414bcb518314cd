//! Options are checked once, when an object is made.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use crate::config::{
    CommonConfig, ConferenceConfig, Endpoint, HeaderList, Limits, ManagerConfig, Proxy,
    ReconnectPolicy, SocketOptions, Target, TransportConfig, check_header,
};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::owt::Members;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// More than any of the sizes needs; ranges in frames are 32 bits wide.
const LARGEST: usize = 1 << 30;

/// With more, looking for overdue acks takes its time.
const MOST_IN_FLIGHT: u32 = 10_000;

/// A namespace as it is sent: `/` first, nothing that ends it early on the wire.
pub(super) fn namespace(name: &str) -> Result<()> {
    let fits = name.starts_with('/')
        && name.len() <= 1024
        && !name.contains([',', '?'])
        && !name.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    let text = "namespace: starts with '/', at most 1 KiB, no comma, no '?', no control characters";
    Err(Error::new(Code::InvalidArgument, text))
}

/// The query of a namespace.
fn namespace_query(query: &str) -> Result<()> {
    if query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Ok(());
    }
    Err(Error::new(Code::InvalidArgument, "options.query: not percent-encoded"))
}

/// A time limit.
pub(super) fn duration(field: &str, value: Duration) -> Result<()> {
    if (SHORTEST..=LONGEST).contains(&value) {
        return Ok(());
    }
    Err(Error::new(Code::InvalidArgument, format!("{field}: not 1 ms to 24 h")))
}

/// The data of a text to a room, whose message has at most so many characters.
pub(super) fn text(data_json: &str, most: usize) -> Result<()> {
    let data: Members = serde_json::from_str(data_json).unwrap_or_default();
    let length = data.get("message").and_then(Value::as_str).map_or(0, |text| text.chars().count());
    if length > most {
        let text = format!("message: {length} characters, the limit is {most}");
        return Err(Error::new(Code::TooLarge, text));
    }
    Ok(())
}

/// All options of a manager.
pub(crate) fn manager(config: &ManagerConfig) -> Result<()> {
    if config.endpoint.host.is_empty() && !config.ask_target {
        return Err(Error::new(Code::InvalidArgument, "endpoint.host: empty"));
    }
    manager_options(config)
}

/// The options of a manager, whose host need not be known yet.
pub(crate) fn manager_options(config: &ManagerConfig) -> Result<()> {
    endpoint(&config.endpoint)?;
    common(&config.common)?;
    policy("reconnect", &config.reconnect)?;
    config.ack_timeout.map_or(Ok(()), |limit| duration("ack_timeout", limit))
}

/// What a provider says about one attempt.
pub(super) fn target(target: &Target) -> Result<()> {
    if target.endpoint.host.is_empty() {
        return Err(Error::new(Code::InvalidArgument, "endpoint.host: empty"));
    }
    endpoint(&target.endpoint)?;
    headers(&target.headers)
}

/// All options of a socket.
pub(crate) fn socket(options: &SocketOptions) -> Result<()> {
    namespace_query(&options.query)?;
    options.ack_timeout.map_or(Ok(()), |limit| duration("ack_timeout", limit))?;
    let window = options.retries.as_ref().map_or(1, |retries| retries.window);
    within("retries.window", window, 1..=MOST_IN_FLIGHT)
}

/// All options of a conference.
pub(crate) fn conference(config: &ConferenceConfig) -> Result<()> {
    common(&config.common)?;
    policy("resume", &config.resume)?;
    policy("patient", &config.patient)?;
    for (field, limit) in [
        ("login_timeout", config.login_timeout),
        ("relogin_timeout", config.relogin_timeout),
        ("refresh_timeout", config.refresh_timeout),
        ("logout_timeout", config.logout_timeout),
        ("request_timeout", config.request_timeout),
        ("fast_resume", config.fast_resume),
    ] {
        duration(field, limit)?;
    }
    let bad = |text: &'static str| Err(Error::new(Code::InvalidArgument, text));
    if config.sdk_type.is_empty() {
        return bad("sdk_type: empty");
    }
    // The portal takes this version for one that cannot resume.
    if config.sdk_version.is_empty() || config.sdk_version == "3.5" {
        return bad("sdk_version: empty or 3.5");
    }
    let members = config.user_agent_json.as_bytes();
    if !members.is_empty() && json::check_object(members, json::MAX_DEPTH).is_err() {
        return bad("user_agent_json: no JSON object");
    }
    Ok(())
}

fn endpoint(endpoint: &Endpoint) -> Result<()> {
    let bad = |text: &'static str| Err(Error::new(Code::InvalidArgument, text));
    let plain = |text: &str| text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    // A builder checks the other options before it knows the host.
    if !endpoint.host.is_empty() && !Endpoint::is_host(&endpoint.host) {
        return bad("endpoint.host: neither an address nor a name in ASCII");
    }
    if endpoint.port == 0 {
        return bad("endpoint.port: 0");
    }
    if !endpoint.path.starts_with('/')
        || endpoint.path.contains(['?', '#'])
        || !plain(&endpoint.path)
    {
        return bad("endpoint.path: not '/' and percent-encoded text");
    }
    Endpoint::check_query(&endpoint.query).map_err(|error| {
        Error::new(Code::InvalidArgument, format!("endpoint.query: {}", error.message()))
    })
}

fn common(config: &CommonConfig) -> Result<()> {
    for (field, limit) in [
        ("timeouts.attempt", config.timeouts.attempt),
        ("timeouts.dns", config.timeouts.dns),
        ("timeouts.tcp", config.timeouts.tcp),
        ("timeouts.tls", config.timeouts.tls),
        ("timeouts.open", config.timeouts.open),
        ("timeouts.namespace", config.timeouts.namespace),
        ("timeouts.upgrade", config.timeouts.upgrade),
        ("timeouts.post", config.timeouts.post),
        ("timeouts.provider", config.timeouts.provider),
    ] {
        duration(field, limit)?;
    }
    headers(&config.headers)?;
    transports(&config.transports)?;
    config.proxy.as_ref().map_or(Ok(()), Proxy::check)?;
    if config.tls.server_name.as_deref().is_some_and(|name| !Endpoint::is_host(name)) {
        let text = "tls.server_name: neither an address nor a name in ASCII";
        return Err(Error::new(Code::InvalidArgument, text));
    }
    limits(&config.limits)
}

pub(super) fn headers(headers: &HeaderList) -> Result<()> {
    headers.0.iter().try_for_each(|(name, value)| check_header(name, value))
}

fn transports(config: &TransportConfig) -> Result<()> {
    let bad = |text: &'static str| Err(Error::new(Code::InvalidArgument, text));
    let token = |text: &str| check_header(text, "").is_ok();
    duration("transports.race_after", config.race_after)?;
    duration("transports.upgrade_again_after", config.upgrade_again_after)?;
    if !config.protocols.iter().all(|name| token(name)) {
        return bad("transports.protocols: not a token");
    }
    let parameter = config.timestamp_param.as_str();
    if parameter.is_empty() || ["EIO", "transport", "sid", "b64"].contains(&parameter) {
        return bad("transports.timestamp_param: empty, or a parameter of the protocol");
    }
    for extra in [&config.polling, &config.websocket] {
        headers(&extra.headers)?;
        Endpoint::check_query(&extra.query).map_err(|error| {
            let text = format!("transports: {}", error.message());
            Error::new(Code::InvalidArgument, text)
        })?;
    }
    Ok(())
}

fn limits(limits: &Limits) -> Result<()> {
    within("limits.inbound_message", limits.inbound_message, 1..=LARGEST)?;
    within("limits.inbound_attachments", limits.inbound_attachments, 0..=LARGEST)?;
    within("limits.outbound_attachments", limits.outbound_attachments, 0..=LARGEST)?;
    within("limits.json_depth", limits.json_depth, 1..=json::MAX_DEPTH)?;
    within("limits.wire_queue_events", limits.wire_queue_events, 1..=LARGEST)?;
    within("limits.wire_queue_bytes", limits.wire_queue_bytes, 1..=LARGEST)?;
    within("limits.host_queue_events", limits.host_queue_events, 1..=LARGEST)?;
    within("limits.host_queue_bytes", limits.host_queue_bytes, 1..=LARGEST)
}

pub(super) fn policy(name: &str, policy: &ReconnectPolicy) -> Result<()> {
    duration(&format!("{name}.min"), policy.min)?;
    duration(&format!("{name}.max"), policy.max)?;
    within(&format!("{name}.min"), policy.min.as_millis(), 1..=policy.max.as_millis())?;
    within(&format!("{name}.floor"), policy.floor.as_millis(), 0..=policy.max.as_millis())?;
    within(&format!("{name}.factor"), policy.factor, 1.0..=100.0)?;
    within(&format!("{name}.jitter"), policy.jitter, 0.0..=1.0)?;
    within(&format!("{name}.attempts"), policy.attempts.unwrap_or(1), 1..=u32::MAX)?;
    within(&format!("{name}.stable_after"), policy.stable_after, Duration::ZERO..=LONGEST)?;
    within(&format!("{name}.dials_per_10s"), policy.dials_per_10s, 1..=u32::MAX)
}

/// NaN is in no range.
fn within<T: PartialOrd + std::fmt::Debug>(
    field: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(Error::new(Code::InvalidArgument, format!("{field}: not {least:?} to {most:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Retries;

    fn refused(change: impl FnOnce(&mut ManagerConfig)) -> String {
        let (endpoint, _) = Endpoint::parse("https://example.org").expect("valid");
        let mut config = ManagerConfig::new(endpoint);
        manager(&config).expect("the defaults are valid");
        change(&mut config);
        let error = manager(&config).expect_err("out of range");
        assert_eq!(error.code(), Code::InvalidArgument);
        error.message().to_owned()
    }

    #[test]
    fn the_field_that_is_out_of_range_is_named() {
        let zero = Duration::ZERO;
        for (field, message) in [
            ("reconnect.factor", refused(|config| config.reconnect.factor = f64::NAN)),
            ("reconnect.factor", refused(|config| config.reconnect.factor = f64::INFINITY)),
            ("reconnect.factor", refused(|config| config.reconnect.factor = 0.9)),
            ("reconnect.jitter", refused(|config| config.reconnect.jitter = -0.1)),
            ("reconnect.jitter", refused(|config| config.reconnect.jitter = 1.1)),
            ("reconnect.min", refused(|config| config.reconnect.min = zero)),
            ("reconnect.min", refused(|config| config.reconnect.max = Duration::from_millis(999))),
            ("reconnect.max", refused(|config| config.reconnect.max = Duration::MAX)),
            ("reconnect.floor", refused(|config| config.reconnect.floor = LONGEST)),
            ("reconnect.attempts", refused(|config| config.reconnect.attempts = Some(0))),
            ("reconnect.dials_per_10s", refused(|config| config.reconnect.dials_per_10s = 0)),
            ("timeouts.dns", refused(|config| config.common.timeouts.dns = zero)),
            ("ack_timeout", refused(|config| config.ack_timeout = Some(zero))),
            ("limits.json_depth", refused(|config| config.common.limits.json_depth = 129)),
            (
                "limits.host_queue_events",
                refused(|config| config.common.limits.host_queue_events = 0),
            ),
            ("limits.inbound_message", refused(|config| config.common.limits.inbound_message = 0)),
            ("endpoint.port", refused(|config| config.endpoint.port = 0)),
            ("endpoint.path", refused(|config| config.endpoint.path = "/a b/".into())),
            ("endpoint.query", refused(|config| config.endpoint.query = "a=1\r\n".into())),
            ("endpoint.query", refused(|config| config.endpoint.query = "EIO=3".into())),
            ("endpoint.host", refused(|config| config.endpoint.host = "h/path".into())),
            (
                "tls.server_name",
                refused(|config| config.common.tls.server_name = Some("a b".into())),
            ),
            ("proxy", refused(|config| config.common.proxy = Proxy::parse("socks5://u@h").ok())),
        ] {
            assert!(message.starts_with(&format!("{field}:")), "{field}: {message}");
        }
    }

    #[test]
    fn a_conference_needs_what_the_portal_resumes() {
        conference(&ConferenceConfig::default()).expect("the defaults are valid");
        let refused = |change: fn(&mut ConferenceConfig)| {
            let mut config = ConferenceConfig::default();
            change(&mut config);
            conference(&config).expect_err("out of range").message().to_owned()
        };
        assert!(refused(|config| config.sdk_version = "3.5".into()).starts_with("sdk_version"));
        assert!(refused(|config| config.user_agent_json = "[]".into()).starts_with("user_agent"));
        assert!(
            refused(|config| config.login_timeout = Duration::ZERO).starts_with("login_timeout")
        );
    }

    #[test]
    fn the_options_of_a_socket_have_ranges() {
        let refused = |change: fn(&mut SocketOptions)| {
            let mut options = SocketOptions::default();
            socket(&options).expect("the defaults are valid");
            change(&mut options);
            socket(&options).map_err(|error| error.message().to_owned())
        };
        let windowed = |window| Some(Retries { window, ..Retries::default() });
        assert_eq!(refused(|options| options.retries = Some(Retries::default())), Ok(()));
        assert_eq!(refused(|options| options.query = "a=%20b&c=1".into()), Ok(()));
        for (field, message) in [
            ("options.query", refused(|options| options.query = "a=b c".into())),
            ("ack_timeout", refused(|options| options.ack_timeout = Some(Duration::ZERO))),
        ] {
            assert!(message.is_err_and(|message| message.starts_with(field)), "{field}");
        }
        for window in [0, MOST_IN_FLIGHT + 1] {
            let options = SocketOptions { retries: windowed(window), ..Default::default() };
            assert!(socket(&options).is_err_and(|error| error.message().starts_with("retries")));
        }
    }

    #[test]
    fn a_target_is_checked_like_the_options_it_replaces() {
        let (endpoint, _) = Endpoint::parse("https://example.org").expect("valid");
        let good = Target { endpoint, headers: HeaderList::default() };
        target(&good).expect("valid");
        let mut bad = good.clone();
        bad.headers.0.push(("X".into(), "a\r\nY: b".into()));
        assert!(target(&bad).is_err());
        bad = good.clone();
        bad.endpoint.query = "EIO=3".into();
        assert!(target(&bad).is_err());
        bad = good;
        bad.endpoint.host.clear();
        assert!(target(&bad).is_err());
    }

    #[test]
    fn only_the_message_of_a_text_is_measured() {
        for data in [r#"{"to":"somebody","message":"\u00e9é"}"#, r#"{"message":[1,2,3]}"#, "{}"] {
            text(data, 2).expect(data);
        }
        let error = text(r#"{"message":"abc"}"#, 2).expect_err("too long");
        assert_eq!(error.code(), Code::TooLarge);
    }

    #[test]
    fn namespaces_cannot_inject_anything() {
        for name in ["/", "/chat", "/ä", "/a/b"] {
            namespace(name).expect(name);
        }
        let long = format!("/{}", "x".repeat(1024));
        for name in ["", "chat", "/a,b", "/a?b", "/a\n", "/\u{7f}", long.as_str()] {
            assert!(namespace(name).is_err(), "{name}");
        }
        namespace_query("a=1,2&b=%20").expect("encoded");
        for query in ["a b", "a=é", "a\n", "a#b"] {
            assert!(namespace_query(query).is_err(), "{query}");
        }
    }
}
