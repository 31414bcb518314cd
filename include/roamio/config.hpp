// Options of managers and conferences.
#ifndef ROAMIO_CONFIG_HPP
#define ROAMIO_CONFIG_HPP

#include <initializer_list>
#include <memory>

#include "callback.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// Whose thread runs callbacks; see also executor().
enum class Dispatch : std::uint32_t {
  /// Threads of the library; the default.
  Thread = ROAM_DISPATCH_THREAD,
  /// Your own loop, by calling dispatch().
  Manual = ROAM_DISPATCH_MANUAL,
  /// Your own loop or queue, which the library posts jobs to; chosen by executor().
  Executor = ROAM_DISPATCH_EXECUTOR,
  /// The I/O thread: lowest latency, for callbacks that never block.
  Inline = ROAM_DISPATCH_INLINE,
};

enum class TlsVersion : std::uint32_t { Tls1_2 = ROAM_TLS_1_2, Tls1_3 = ROAM_TLS_1_3 };

/// Time limits; roamio.h has their defaults and what they apply to.
enum class Timeout : std::uint32_t {
  Attempt = ROAM_TIMEOUT_ATTEMPT,
  Dns = ROAM_TIMEOUT_DNS,
  Tcp = ROAM_TIMEOUT_TCP,
  Tls = ROAM_TIMEOUT_TLS,
  Open = ROAM_TIMEOUT_OPEN,
  Namespace = ROAM_TIMEOUT_NAMESPACE,
  Ack = ROAM_TIMEOUT_ACK,
  Login = ROAM_TIMEOUT_LOGIN,
  Relogin = ROAM_TIMEOUT_RELOGIN,
  Refresh = ROAM_TIMEOUT_REFRESH,
  Logout = ROAM_TIMEOUT_LOGOUT,
  Request = ROAM_TIMEOUT_REQUEST,
  FastResume = ROAM_TIMEOUT_FAST_RESUME,
  Upgrade = ROAM_TIMEOUT_UPGRADE,
  Post = ROAM_TIMEOUT_POST,
  Provider = ROAM_TIMEOUT_PROVIDER,
  Race = ROAM_TIMEOUT_RACE,
  UpgradeAgain = ROAM_TIMEOUT_UPGRADE_AGAIN,
};

/// Limits of sizes and queues; roamio.h has their defaults.
enum class Limit : std::uint32_t {
  InboundMessage = ROAM_LIMIT_INBOUND_MESSAGE,
  InboundAttachments = ROAM_LIMIT_INBOUND_ATTACHMENTS,
  OutboundAttachments = ROAM_LIMIT_OUTBOUND_ATTACHMENTS,
  JsonDepth = ROAM_LIMIT_JSON_DEPTH,
  WireQueueEvents = ROAM_LIMIT_WIRE_QUEUE_EVENTS,
  WireQueueBytes = ROAM_LIMIT_WIRE_QUEUE_BYTES,
  HostQueueEvents = ROAM_LIMIT_HOST_QUEUE_EVENTS,
  HostQueueBytes = ROAM_LIMIT_HOST_QUEUE_BYTES,
};

/// What becomes of the second transport while a connection opens.
enum class Opening : std::uint32_t {
  /// Polling starts beside WebSocket when that takes long or fails; the default.
  Race = ROAM_OPENING_RACE,
  /// It starts when the first has failed.
  InTurn = ROAM_OPENING_IN_TURN,
  /// It is not tried.
  First = ROAM_OPENING_FIRST,
};

/// The revision of Engine.IO.
enum class Revision : std::uint32_t {
  Auto = ROAM_REVISION_AUTO,
  V3 = ROAM_REVISION_3,
  V4 = ROAM_REVISION_4,
};

/// What can be turned on and off; roamio.h has the defaults.
enum class Switch : std::uint32_t {
  Upgrade = ROAM_SWITCH_UPGRADE,
  RememberUpgrade = ROAM_SWITCH_REMEMBER_UPGRADE,
  ForceBase64 = ROAM_SWITCH_FORCE_BASE64,
  Cookies = ROAM_SWITCH_COOKIES,
  RejoinAfterServerDisconnect = ROAM_SWITCH_REJOIN_AFTER_SERVER_DISCONNECT,
  RecoverAfterDisconnect = ROAM_SWITCH_RECOVER_AFTER_DISCONNECT,
  RejoinOnGap = ROAM_SWITCH_REJOIN_ON_GAP,
};

/// When requests have a parameter against caches.
enum class Timestamps : std::uint32_t {
  Polling = ROAM_TIMESTAMPS_POLLING,
  Never = ROAM_TIMESTAMPS_NEVER,
  Always = ROAM_TIMESTAMPS_ALWAYS,
};

/// How packets are written.
enum class Parser : std::uint32_t { Json = ROAM_PARSER_JSON, Msgpack = ROAM_PARSER_MSGPACK };

/// The portal protocol that is announced at login.
enum class PortalProtocol : std::uint32_t {
  Legacy = ROAM_PORTAL_LEGACY,
  V1_0 = ROAM_PORTAL_1_0,
  V1_1 = ROAM_PORTAL_1_1,
  V1_2 = ROAM_PORTAL_1_2,
};

/// How replayed notifications are numbered.
enum class Sequence : std::uint32_t {
  Detect = ROAM_SEQUENCE_DETECT,
  FromZero = ROAM_SEQUENCE_FROM_ZERO,
  FromOne = ROAM_SEQUENCE_FROM_ONE,
};

/// Work of the library for the host's own loop: call it exactly once.
class Job {
 public:
  Job(void (*run)(void*), void* job) noexcept : run_(run), job_(job) {}
  void operator()() const { run_(job_); }

 private:
  void (*run_)(void*);
  void* job_;
};

/// Queues a job on the host's own loop or queue and returns true, or false when that can run nothing
/// any more. The rules are those of roam_config_set_executor.
using Executor = std::function<bool(Job)>;

/// Takes one line of a trace. The rules are those of roam_config_set_trace.
using TraceHandler = std::function<void(std::string_view line)>;

/// What a new socket is for.
enum class SocketPurpose : std::uint32_t {
  /// TCP to the server.
  Server = ROAM_SOCKET_PURPOSE_SERVER,
  /// TCP to the proxy.
  Proxy = ROAM_SOCKET_PURPOSE_PROXY,
  /// UDP, only to learn which address the system would use: nothing is sent on it.
  Probe = ROAM_SOCKET_PURPOSE_PROBE,
};

/// Looks at a new socket before it connects, and says whether it may be used. The rules are those of
/// roam_config_set_socket_hook.
using SocketHook = std::function<bool(std::ptrdiff_t descriptor, SocketPurpose purpose)>;

namespace detail {

inline bool call_socket_hook(void* user_data, std::ptrdiff_t descriptor,
                             std::uint32_t purpose) noexcept {
  auto& host = Host<SocketHook>::of(user_data);
  bool usable = false;
  host.guard([&] { usable = host.handlers(descriptor, static_cast<SocketPurpose>(purpose)); });
  return usable;
}

inline bool call_executor(void* user_data, void (*run)(void*), void* job) noexcept {
  auto& host = Host<Executor>::of(user_data);
  bool posted = false;
  host.guard([&] { posted = host.handlers(Job(run, job)); });
  return posted;
}

inline void call_trace(void* user_data, roam_str line) noexcept {
  auto& host = Host<TraceHandler>::of(user_data);
  host.guard([&] { host.handlers(view(line)); });
}

/// The options that managers and conferences have in common. Every setter gives the config back;
/// the first one that fails leaves its error here, and what is made of the config fails with it.
template <class Api, class Config>
class BasicConfig {
 public:
  using Object = typename Api::Object;

  BasicConfig() : config_(Api::create()) {}

  /// The error of the first setter that failed; none if all went well.
  const Error& error() const noexcept { return error_; }

  /// For the C interface; still owned by this.
  Object* get() const noexcept { return config_.get(); }

  /// Add a header to every request, the WebSocket handshake included.
  Config& add_header(std::string_view name, std::string_view value) {
    return set(Api::add_header, text(name), text(value));
  }

  /// Trust the certificates of a PEM text beside those of the system.
  Config& add_trusted_pem(std::string_view pem) { return set(Api::add_trusted_pem, text(pem)); }

  /// Show a certificate to servers that ask for one: PEM, the own certificate first, then those
  /// that it needs to be trusted; and its key, PKCS#8 and not encrypted.
  Config& client_certificate_pem(std::string_view certificates, std::string_view key) {
    return set(Api::set_client_certificate_pem, text(certificates), text(key));
  }

  /// Show a certificate to servers that ask for one: a PKCS#12 archive and its password.
  Config& client_certificate_pkcs12(Bytes archive, std::string_view password) {
    return set(Api::set_client_certificate_pkcs12, roam_bytes{archive.data(), archive.size()},
               text(password));
  }

  /// Accept only servers whose own certificate has one of the pinned public keys: the base64 of the
  /// SHA-256 of its SubjectPublicKeyInfo. The certificate is verified as well.
  Config& add_spki_pin(std::string_view pin) { return set(Api::add_spki_pin, text(pin)); }

  /// The name that is sent to the server and that its certificate must have, in place of the host's.
  Config& server_name(std::string_view name) { return set(Api::set_server_name, text(name)); }

  /// The oldest version of TLS that is spoken.
  Config& min_tls_version(TlsVersion version) {
    return set(Api::set_min_tls_version, static_cast<std::uint32_t>(version));
  }

  /// Accept any certificate for any name. For development only; every connect logs a warning.
  Config& dangerously_accept_any_certificate(bool accept) {
    return set(Api::dangerously_accept_any_certificate, accept);
  }

  /// Reach every server through a proxy: http://user:password@host:port, or socks5://...; empty for
  /// no proxy.
  Config& proxy(std::string_view url) { return set(Api::set_proxy, text(url)); }

  /// The address of this device that connections are made from, empty for any.
  Config& local_address(std::string_view address) {
    return set(Api::set_local_address, text(address));
  }

  /// Who runs callbacks: Thread, Manual or Inline.
  Config& dispatch(Dispatch mode) {
    return set(Api::set_dispatch, static_cast<std::uint32_t>(mode));
  }

  /// Have callbacks run where your own loop or queue runs them. `post` lives until neither a config
  /// nor an object uses it any more. An exception in it counts as false.
  Config& executor(Executor post) {
    return give(Api::set_executor, &call_executor, std::move(post));
  }

  /// Look at every new socket before it connects. `hook` lives until neither a config nor an object
  /// uses it any more. An exception in it counts as false.
  Config& socket_hook(SocketHook hook) {
    return give(Api::set_socket_hook, &call_socket_hook, std::move(hook));
  }

  /// Write a trace of each object to a file, which is replaced; empty for none.
  Config& trace_file(std::string_view path) { return set(Api::set_trace_file, text(path)); }

  /// Have each line of the trace of each object given to a function, which lives until neither a
  /// config nor an object uses it any more.
  Config& trace(TraceHandler handler) {
    return give(Api::set_trace, &call_trace, std::move(handler));
  }

  /// A time limit: 1 ms to 24 h.
  Config& timeout(Timeout which, milliseconds time) {
    return set(Api::set_timeout_ms, static_cast<std::uint32_t>(which), option_ms(time));
  }

  /// A limit of sizes and queues.
  Config& limit(Limit which, std::size_t value) {
    return set(Api::set_limit, static_cast<std::uint32_t>(which), value);
  }

  /// Which transports to use, in the order of preference, and what becomes of the second one while a
  /// connection opens.
  Config& transports(std::initializer_list<Transport> order, Opening opening = Opening::Race) {
    std::vector<std::uint32_t> numbers;
    for (const Transport transport : order) numbers.push_back(static_cast<std::uint32_t>(transport));
    return set(Api::set_transports, numbers.data(), numbers.size(),
               static_cast<std::uint32_t>(opening));
  }

  /// The revision of Engine.IO.
  Config& revision(Revision revision) {
    return set(Api::set_revision, static_cast<std::uint32_t>(revision));
  }

  /// Turn something on or off.
  Config& turn(Switch which, bool on) {
    return set(Api::set_switch, static_cast<std::uint32_t>(which), on);
  }

  /// Query parameters that only the requests of one transport have, percent-encoded and joined with
  /// '&'.
  Config& transport_query(Transport transport, std::string_view query) {
    return set(Api::set_transport_query, static_cast<std::uint32_t>(transport), text(query));
  }

  /// Add a header to the requests of one transport only.
  Config& add_transport_header(Transport transport, std::string_view name, std::string_view value) {
    return set(Api::add_transport_header, static_cast<std::uint32_t>(transport), text(name),
               text(value));
  }

  /// When requests have a parameter that no other has, and its name.
  Config& timestamps(Timestamps when, std::string_view name = "t") {
    return set(Api::set_timestamps, static_cast<std::uint32_t>(when), text(name));
  }

  /// Offer a WebSocket subprotocol, beside those that were added before.
  Config& add_protocol(std::string_view name) { return set(Api::add_protocol, text(name)); }

 protected:
  /// Call a setter, and keep the first error.
  template <class Setter, class... Values>
  Config& set(Setter setter, Values... values) {
    last_ = setter(config_.get(), values...);
    if (last_ != ROAM_OK && !error_) error_ = failure(last_, Api::last_error(config_.get()));
    return self();
  }

 private:
  struct Free {
    void operator()(Object* config) const noexcept { Api::free(config); }
  };

  /// Call a setter that takes a function and calls `destroy` when it needs it no more.
  template <class Setter, class Call, class Function>
  Config& give(Setter setter, Call call, Function function) {
    if (!function) return set(setter, nullptr, nullptr, nullptr);
    auto host = boxed(std::move(function), nullptr);
    set(setter, call, host.get(), &Host<Function>::destroy);
    if (last_ == ROAM_OK) static_cast<void>(host.release());
    return self();
  }

  Config& self() noexcept { return static_cast<Config&>(*this); }

  std::unique_ptr<Object, Free> config_;
  Error error_;
  roam_status last_ = ROAM_OK;
};

struct ConfigApi {
  using Object = roam_config;
  static constexpr auto create = &roam_config_new;
  static constexpr auto free = &roam_config_free;
  static constexpr auto last_error = &roam_config_last_error;
  static constexpr auto add_header = &roam_config_add_header;
  static constexpr auto add_trusted_pem = &roam_config_add_trusted_pem;
  static constexpr auto set_client_certificate_pem = &roam_config_set_client_certificate_pem;
  static constexpr auto set_client_certificate_pkcs12 = &roam_config_set_client_certificate_pkcs12;
  static constexpr auto add_spki_pin = &roam_config_add_spki_pin;
  static constexpr auto set_server_name = &roam_config_set_server_name;
  static constexpr auto set_min_tls_version = &roam_config_set_min_tls_version;
  static constexpr auto dangerously_accept_any_certificate =
      &roam_config_dangerously_accept_any_certificate;
  static constexpr auto set_proxy = &roam_config_set_proxy;
  static constexpr auto set_local_address = &roam_config_set_local_address;
  static constexpr auto set_dispatch = &roam_config_set_dispatch;
  static constexpr auto set_executor = &roam_config_set_executor;
  static constexpr auto set_trace_file = &roam_config_set_trace_file;
  static constexpr auto set_trace = &roam_config_set_trace;
  static constexpr auto set_socket_hook = &roam_config_set_socket_hook;
  static constexpr auto set_timeout_ms = &roam_config_set_timeout_ms;
  static constexpr auto set_limit = &roam_config_set_limit;
  static constexpr auto set_transports = &roam_config_set_transports;
  static constexpr auto set_revision = &roam_config_set_revision;
  static constexpr auto set_switch = &roam_config_set_switch;
  static constexpr auto set_transport_query = &roam_config_set_transport_query;
  static constexpr auto add_transport_header = &roam_config_add_transport_header;
  static constexpr auto set_timestamps = &roam_config_set_timestamps;
  static constexpr auto add_protocol = &roam_config_add_protocol;
};

struct ConferenceConfigApi {
  using Object = roam_conference_config;
  static constexpr auto create = &roam_conference_config_new;
  static constexpr auto free = &roam_conference_config_free;
  static constexpr auto last_error = &roam_conference_config_last_error;
  static constexpr auto add_header = &roam_conference_config_add_header;
  static constexpr auto add_trusted_pem = &roam_conference_config_add_trusted_pem;
  static constexpr auto set_client_certificate_pem =
      &roam_conference_config_set_client_certificate_pem;
  static constexpr auto set_client_certificate_pkcs12 =
      &roam_conference_config_set_client_certificate_pkcs12;
  static constexpr auto add_spki_pin = &roam_conference_config_add_spki_pin;
  static constexpr auto set_server_name = &roam_conference_config_set_server_name;
  static constexpr auto set_min_tls_version = &roam_conference_config_set_min_tls_version;
  static constexpr auto dangerously_accept_any_certificate =
      &roam_conference_config_dangerously_accept_any_certificate;
  static constexpr auto set_proxy = &roam_conference_config_set_proxy;
  static constexpr auto set_local_address = &roam_conference_config_set_local_address;
  static constexpr auto set_dispatch = &roam_conference_config_set_dispatch;
  static constexpr auto set_executor = &roam_conference_config_set_executor;
  static constexpr auto set_trace_file = &roam_conference_config_set_trace_file;
  static constexpr auto set_trace = &roam_conference_config_set_trace;
  static constexpr auto set_socket_hook = &roam_conference_config_set_socket_hook;
  static constexpr auto set_timeout_ms = &roam_conference_config_set_timeout_ms;
  static constexpr auto set_limit = &roam_conference_config_set_limit;
  static constexpr auto set_transports = &roam_conference_config_set_transports;
  static constexpr auto set_revision = &roam_conference_config_set_revision;
  static constexpr auto set_switch = &roam_conference_config_set_switch;
  static constexpr auto set_transport_query = &roam_conference_config_set_transport_query;
  static constexpr auto add_transport_header = &roam_conference_config_add_transport_header;
  static constexpr auto set_timestamps = &roam_conference_config_set_timestamps;
  static constexpr auto add_protocol = &roam_conference_config_add_protocol;
};

}  // namespace detail

/// Options of a manager. One thread at a time; a copy is taken by who uses it.
class Config : public detail::BasicConfig<detail::ConfigApi, Config> {
 public:
  /// The server: http, https, ws or wss, host, port and query; no path other than "/".
  Config& url(std::string_view url) { return set(roam_config_set_url, detail::text(url)); }

  /// The HTTP path of the server, "/socket.io/" by default. It gets exactly one slash at its end.
  Config& path(std::string_view path) { return set(roam_config_set_path, detail::text(path)); }

  /// As path(), without the slash at its end; few servers answer there.
  Config& path_without_slash(std::string_view path) {
    return set(roam_config_set_path_without_slash, detail::text(path));
  }

  /// Whether to reconnect after a loss; yes by default.
  Config& reconnect(bool enabled) { return set(roam_config_set_reconnect, enabled); }

  /// The wait before the first attempt to reconnect and the longest wait; 1 s and 5 s by default.
  Config& reconnect_delay(milliseconds min, milliseconds max) {
    return set(roam_config_set_reconnect_delay_ms, detail::option_ms(min), detail::option_ms(max));
  }

  /// How waits grow per failed attempt, 1 to 100, and how far they spread, 0 to 1; 2 and 0.5 by
  /// default.
  Config& reconnect_growth(double factor, double jitter) {
    return set(roam_config_set_reconnect_growth, factor, jitter);
  }

  /// Failed attempts before giving up; 0 for no end, the default.
  Config& reconnect_attempts(std::uint32_t attempts) {
    return set(roam_config_set_reconnect_attempts, attempts);
  }

  /// How reconnecting is held back in addition; 100 ms, 10 s and 20 by default.
  Config& reconnect_pace(milliseconds floor, milliseconds stable, std::uint32_t dials_per_10s) {
    return set(roam_config_set_reconnect_pace, detail::option_ms(floor), detail::option_ms(stable),
               dials_per_10s);
  }

  /// How packets are written.
  Config& parser(Parser parser) {
    return set(roam_config_set_parser, static_cast<std::uint32_t>(parser));
  }
};

/// Options of a conference. One thread at a time; a copy is taken by who uses it.
class ConferenceConfig
    : public detail::BasicConfig<detail::ConferenceConfigApi, ConferenceConfig> {
 public:
  /// The protocol announced at login.
  ConferenceConfig& protocol(PortalProtocol protocol) {
    return set(roam_conference_config_set_protocol, static_cast<std::uint32_t>(protocol));
  }

  /// How replayed notifications are numbered.
  ConferenceConfig& sequence(Sequence sequence) {
    return set(roam_conference_config_set_sequence, static_cast<std::uint32_t>(sequence));
  }

  /// Refuse a "text" whose message has more characters, with TOO_LARGE; 0, the default, for no limit.
  ConferenceConfig& text_limit(std::size_t characters) {
    return set(roam_conference_config_set_text_limit, characters);
  }

  /// How the application presents itself; see roam_conference_config_set_user_agent.
  ConferenceConfig& user_agent(std::string_view sdk_type, std::string_view sdk_version,
                               std::string_view members_json = {}) {
    return set(roam_conference_config_set_user_agent, detail::text(sdk_type),
               detail::text(sdk_version), detail::text(members_json));
  }

  /// Connect without TLS when a token says so, also when the portal is not on this machine; no by
  /// default.
  ConferenceConfig& allow_plaintext(bool allow) {
    return set(roam_conference_config_allow_plaintext, allow);
  }

  /// Waits between attempts in the time after a loss: up to `first` before the first, doubled up to
  /// `max`; 250 ms and 5 s by default.
  ConferenceConfig& resume_delay(milliseconds first, milliseconds max) {
    return set(roam_conference_config_set_resume_delay_ms, detail::option_ms(first),
               detail::option_ms(max));
  }

  /// Waits between attempts before the login, and when resuming takes longer; 1 s and 60 s by
  /// default.
  ConferenceConfig& patient_delay(milliseconds first, milliseconds max) {
    return set(roam_conference_config_set_patient_delay_ms, detail::option_ms(first),
               detail::option_ms(max));
  }
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_CONFIG_HPP
