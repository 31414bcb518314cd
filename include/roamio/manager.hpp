// One connection to a Socket.IO server, and the registry that finds one by URL.
#ifndef ROAMIO_MANAGER_HPP
#define ROAMIO_MANAGER_HPP

#include "config.hpp"
#include "socket.hpp"
#include "stats.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

enum class ManagerState : std::uint32_t {
  Idle = ROAM_MANAGER_STATE_IDLE,
  Connecting = ROAM_MANAGER_STATE_CONNECTING,
  Connected = ROAM_MANAGER_STATE_CONNECTED,
  Reconnecting = ROAM_MANAGER_STATE_RECONNECTING,
  Closed = ROAM_MANAGER_STATE_CLOSED,
};

using ManagerTransition = Transition<ManagerState>;

/// What a manager tells. Set what you want to hear.
struct ManagerHandlers {
  std::function<void(ManagerTransition)> on_state;
  /// An attempt to connect has failed.
  std::function<void(Retry)> on_retry;
  /// Callbacks do not keep up; nothing more is read until they do. Nothing is dropped.
  std::function<void()> on_host_slow;
  /// The connection is carried by this transport from now on: told when it opens, and when it was
  /// `upgraded`.
  std::function<void(Transport transport, bool upgraded)> on_transport;
  /// The upgrade to WebSocket failed; the connection goes on with polling.
  std::function<void(Error error)> on_upgrade_failed;
  /// Where to, and with which headers? Asked before every attempt if this is set; answer with
  /// provide_target() or refuse_target(). `attempt` counts the failed attempts in a row, and `error`
  /// says why the last one failed. Keep the manager while its sockets are used.
  std::function<void(AskToken token, std::uint32_t attempt, Error error)> on_target_wanted;
  /// An exception has left one of these.
  ExceptionHandler on_exception;
};

namespace detail {

struct ManagerApi {
  using Object = roam_manager;
  static constexpr auto free = &roam_manager_free;
  static constexpr auto free_wait = &roam_manager_free_wait;
  static constexpr auto last_error = &roam_manager_last_error;
  static constexpr auto network_available = &roam_manager_network_available;
  static constexpr auto network_lost = &roam_manager_network_lost;
  static constexpr auto network_changed = &roam_manager_network_changed;
  static constexpr auto suspended = &roam_manager_suspended;
  static constexpr auto resumed = &roam_manager_resumed;
  static constexpr auto dispatch = &roam_manager_dispatch;
  static constexpr auto set_wake = &roam_manager_set_wake;
  static constexpr auto wake_fd = &roam_manager_wake_fd;
};

inline roam_manager_events table(Host<ManagerHandlers>& host) {
  roam_manager_events c{};
  c.struct_size = sizeof c;
  c.user_data = &host;
  c.destroy = &Host<ManagerHandlers>::destroy;
  const ManagerHandlers& handlers = host.handlers;
  Slot<&ManagerHandlers::on_state>::fill(c.on_state, handlers);
  Slot<&ManagerHandlers::on_retry>::fill(c.on_retry, handlers);
  Slot<&ManagerHandlers::on_host_slow>::fill(c.on_host_slow, handlers);
  Slot<&ManagerHandlers::on_transport>::fill(c.on_transport, handlers);
  Slot<&ManagerHandlers::on_upgrade_failed>::fill(c.on_upgrade_failed, handlers);
  Slot<&ManagerHandlers::on_target_wanted>::fill(c.on_target_wanted, handlers);
  return c;
}

inline std::vector<roam_header> c_headers(const std::vector<Header>& headers) {
  std::vector<roam_header> c;
  c.reserve(headers.size());
  for (const Header& header : headers) c.push_back({text(header.name), text(header.value)});
  return c;
}

}  // namespace detail

/// One connection to a Socket.IO server, its reconnection, and the sockets on it.
class Manager : public detail::Connection<detail::ManagerApi> {
 public:
  /// No manager.
  Manager() = default;

  /// Make a manager. There is no traffic before a socket connects.
  static Result<Manager> create(const Config& config, ManagerHandlers handlers = {}) {
    if (config.error()) return config.error();
    auto host = detail::host(std::move(handlers));
    const roam_manager_events events = detail::table(*host);
    roam_manager* manager = nullptr;
    const roam_status status = roam_manager_new(config.get(), &events, &manager);
    if (status != ROAM_OK) return detail::failure(status, roam_config_last_error(config.get()));
    return Manager(manager, host.release()->exceptions);
  }

  /// Make a socket on a namespace, "/" or "/...". INVALID_STATE while another socket of this manager
  /// uses it. There is no traffic before Socket::connect.
  Result<Socket> socket(std::string_view nsp, SocketHandlers handlers = {},
                        const SocketOptions& options = {}) const {
    auto host = detail::host(std::move(handlers));
    const roam_socket_events events = detail::table(*host);
    const roam_socket_options c = detail::c_options(options);
    roam_socket* socket = nullptr;
    const roam_status status = roam_socket_new(get(), detail::text(nsp), &c, &events, &socket);
    if (status != ROAM_OK) return error(status);
    return Socket(socket, host.release()->exceptions);
  }

  /// What this and its sockets have done so far. Any thread, at any time; what a handler is told of
  /// is counted when it runs.
  Stats stats() const noexcept { return detail::stats_of(get(), &roam_manager_stats); }

  /// The state as the handlers were told it.
  ManagerState state() const noexcept {
    return static_cast<ManagerState>(roam_manager_state(get()));
  }

  /// Whether a socket uses a namespace.
  bool uses(std::string_view nsp) const noexcept {
    return roam_manager_uses(get(), detail::text(nsp));
  }

  /// Answer on_target_wanted, in it or later, from any thread: the attempt goes to this URL, with
  /// these headers (and not those of the config).
  Result<void> provide_target(AskToken token, std::string_view url,
                              const std::vector<Header>& headers = {}) const {
    const auto c = detail::c_headers(headers);
    return done(roam_manager_provide_target(get(), static_cast<std::uint64_t>(token),
                                            detail::text(url), c.data(), c.size()));
  }

  /// Answer on_target_wanted with no: the attempt has failed, CANCELLED with this message.
  Result<void> refuse_target(AskToken token, std::string_view message) const {
    return done(roam_manager_refuse_target(get(), static_cast<std::uint64_t>(token),
                                           detail::text(message)));
  }

  /// Send these headers, in place of those of the config, from the next attempt on.
  Result<void> set_headers(const std::vector<Header>& headers) const {
    const auto c = detail::c_headers(headers);
    return done(roam_manager_set_headers(get(), c.data(), c.size()));
  }

  /// Reconnect as this config says (its reconnect options; the others are not looked at), from the
  /// next wait on.
  Result<void> set_reconnect(const Config& config) const {
    if (config.error()) return config.error();
    return done(roam_manager_set_reconnect(get(), config.get()));
  }

 private:
  friend class Registry;
  Manager(roam_manager* manager, detail::Exceptions exceptions) noexcept
      : Connection(manager, std::move(exceptions)) {}
};

/// How a registry makes a socket.
struct Lookup {
  /// What a new manager is made with; none for the defaults. A manager that exists keeps what it has.
  const Config* config = nullptr;
  /// Share the manager of the URL's scheme, host, port and HTTP path.
  bool multiplex = true;
  SocketOptions options;
};

/// What a registry gives: the socket, and a handle of its manager for the functions of managers. It
/// tells no events, and freeing it ends only the handle.
struct Found {
  Manager manager;
  Socket socket;
};

namespace detail {

struct RegistryApi {
  using Object = roam_registry;
  static constexpr auto free = &roam_registry_free;
  static constexpr auto last_error = &roam_registry_last_error;
};

}  // namespace detail

/// Finds the manager that a URL needs, so that sockets of one server share a connection. Freed
/// before the last of its sockets, that one's free_wait() waits until the connection is gone.
class Registry : public detail::Handle<detail::RegistryApi> {
 public:
  /// Without managers.
  Registry() : Handle(roam_registry_new(), nullptr) {}

  /// Make a socket for a URL: https if it has no scheme, and its path is the namespace.
  Result<Found> socket(std::string_view url, SocketHandlers handlers = {},
                       const Lookup& lookup = {}) const {
    if (lookup.config && lookup.config->error()) return lookup.config->error();
    auto host = detail::host(std::move(handlers));
    const roam_socket_events events = detail::table(*host);
    const roam_socket_options options = detail::c_options(lookup.options);
    roam_manager* manager = nullptr;
    roam_socket* socket = nullptr;
    const roam_status status = roam_registry_socket(
        get(), detail::text(url), lookup.config ? lookup.config->get() : nullptr, lookup.multiplex,
        &options, &events, &manager, &socket);
    if (status != ROAM_OK) return error(status);
    return Found{Manager(manager, nullptr), Socket(socket, host.release()->exceptions)};
  }

 private:
  // A registry has nothing to wait for.
  using Handle::free_wait;
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_MANAGER_HPP
