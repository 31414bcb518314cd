// One namespace of a manager: events, acks, listeners.
#ifndef ROAMIO_SOCKET_HPP
#define ROAMIO_SOCKET_HPP

#include "handle.hpp"
#include "outcome.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

enum class SocketState : std::uint32_t {
  Idle = ROAM_SOCKET_STATE_IDLE,
  Joining = ROAM_SOCKET_STATE_JOINING,
  Connected = ROAM_SOCKET_STATE_CONNECTED,
  Rejoining = ROAM_SOCKET_STATE_REJOINING,
  Closed = ROAM_SOCKET_STATE_CLOSED,
};

/// Why a joined namespace was left.
enum class DisconnectReason : roam_disconnect_reason {
  Server = ROAM_DISCONNECT_SERVER,
  Client = ROAM_DISCONNECT_CLIENT,
  PingTimeout = ROAM_DISCONNECT_PING_TIMEOUT,
  TransportClose = ROAM_DISCONNECT_TRANSPORT_CLOSE,
  TransportError = ROAM_DISCONNECT_TRANSPORT_ERROR,
  ParseError = ROAM_DISCONNECT_PARSE_ERROR,
};

/// What becomes of an event that cannot be written.
enum class Offline : std::uint32_t {
  /// It waits until the namespace is joined, but not longer than `wait`; the default.
  Wait = ROAM_OFFLINE_WAIT,
  /// It waits, and a newer one with the same `key` takes its place.
  Latest = ROAM_OFFLINE_LATEST,
  /// It is dropped unless the namespace is joined.
  Fail = ROAM_OFFLINE_FAIL,
  /// It is dropped unless the namespace is joined and the transport takes it at once.
  Volatile = ROAM_OFFLINE_VOLATILE,
};

using SocketTransition = Transition<SocketState>;

/// What a socket tells. Set what you want to hear.
struct SocketHandlers {
  /// Comes before on_connect and on_disconnect.
  std::function<void(SocketTransition)> on_state;
  /// The namespace is joined, under this id of the server. When `recovered` the server has restored
  /// the state of the former connection, and sends what was missed as ordinary events.
  std::function<void(std::string_view socket_sid, bool recovered)> on_connect;
  /// The joined namespace was left.
  std::function<void(DisconnectReason reason, Error cause)> on_disconnect;
  /// The server refused the namespace (its server_json() says why), or joining failed. When `active`
  /// the socket tries again by itself.
  std::function<void(Error error, bool active)> on_connect_error;
  /// An event that nobody listens to by its name.
  std::function<void(EventView event)> on_event;
  /// An emitted event without completion is never sent, or never confirmed.
  std::function<void(EventView event, Error error)> on_dropped;
  /// Which auth payload? Asked before the namespace is joined, each time, if this is set; answer with
  /// provide_auth() or refuse_auth(). `error` says why joining failed the last time.
  std::function<void(AskToken token, Error error)> on_auth_wanted;
  /// An exception has left one of these, a listener or a completion of this socket.
  ExceptionHandler on_exception;
};

/// Options of a socket.
struct SocketOptions {
  /// Query of the namespace, percent-encoded and joined with '&': Revision::V3 only.
  std::string_view query;
  /// Not 0: deliver every event at least once; each goes again, this often at most.
  std::uint32_t retries = 0;
  /// With `retries`: so many events may be without an ack at the same time; 0 for 16.
  std::uint32_t retry_window = 0;
  /// With `retries`: append one argument to each event, by which the server can tell repetitions.
  bool idempotency_key = false;
  /// Time limit of acks; 0 for the manager's.
  milliseconds ack_timeout{0};
};

/// How an event is emitted.
struct EmitOptions {
  /// Binary values, for which {"_placeholder":true,"num":i} stands in the arguments.
  std::vector<Bytes> attachments;
  Offline offline = Offline::Wait;
  /// With Offline::Wait: for how long it waits at most; 0 for no end.
  milliseconds wait{0};
  /// With Offline::Latest: what the newer one has in common with the older one.
  std::string_view key;
  /// Time limit of the answer; 0 for the socket's or the manager's.
  milliseconds timeout{0};
};

namespace detail {

struct SocketApi {
  using Object = roam_socket;
  static constexpr auto free = &roam_socket_free;
  static constexpr auto free_wait = &roam_socket_free_wait;
  static constexpr auto last_error = &roam_socket_last_error;
};

inline roam_socket_options c_options(const SocketOptions& options) noexcept {
  roam_socket_options c{};
  c.struct_size = sizeof c;
  c.query = text(options.query);
  c.retries = options.retries;
  c.retry_window = options.retry_window;
  c.idempotency_key = options.idempotency_key;
  c.ack_timeout_ms = option_ms(options.ack_timeout);
  return c;
}

inline std::vector<roam_bytes> c_bytes(const std::vector<Bytes>& parts) {
  std::vector<roam_bytes> c;
  c.reserve(parts.size());
  for (const Bytes part : parts) c.push_back({part.data(), part.size()});
  return c;
}

inline roam_emit_options c_options(const EmitOptions& options,
                                   const std::vector<roam_bytes>& attachments) noexcept {
  roam_emit_options c{};
  c.struct_size = sizeof c;
  c.attachments = attachments.data();
  c.attachment_count = attachments.size();
  c.offline = static_cast<std::uint32_t>(options.offline);
  c.wait_ms = option_ms(options.wait);
  c.key = text(options.key);
  c.timeout_ms = option_ms(options.timeout);
  return c;
}

inline roam_socket_events table(Host<SocketHandlers>& host) {
  roam_socket_events c{};
  c.struct_size = sizeof c;
  c.user_data = &host;
  c.destroy = &Host<SocketHandlers>::destroy;
  const SocketHandlers& handlers = host.handlers;
  Slot<&SocketHandlers::on_state>::fill(c.on_state, handlers);
  Slot<&SocketHandlers::on_connect>::fill(c.on_connect, handlers);
  Slot<&SocketHandlers::on_disconnect>::fill(c.on_disconnect, handlers);
  Slot<&SocketHandlers::on_connect_error>::fill(c.on_connect_error, handlers);
  Slot<&SocketHandlers::on_event>::fill(c.on_event, handlers);
  Slot<&SocketHandlers::on_dropped>::fill(c.on_dropped, handlers);
  Slot<&SocketHandlers::on_auth_wanted>::fill(c.on_auth_wanted, handlers);
  return c;
}

}  // namespace detail

/// One namespace of a manager; see Manager::socket and Registry::socket.
class Socket : public detail::Handle<detail::SocketApi> {
 public:
  /// No socket.
  Socket() = default;

  /// Join the namespace, now and after every reconnect. `auth_json` is a JSON object for the server,
  /// or empty. When the namespace is wanted already only `auth_json` changes, for the next time.
  Result<void> connect(std::string_view auth_json = {}) const {
    return done(roam_socket_connect(get(), detail::text(auth_json)));
  }

  /// Answer on_auth_wanted, in it or later, from any thread.
  Result<void> provide_auth(AskToken token, std::string_view auth_json) const {
    return done(roam_socket_provide_auth(get(), static_cast<std::uint64_t>(token),
                                         detail::text(auth_json)));
  }

  /// Answer on_auth_wanted with no: the socket rests until connect().
  Result<void> refuse_auth(AskToken token, std::string_view message) const {
    return done(
        roam_socket_refuse_auth(get(), static_cast<std::uint64_t>(token), detail::text(message)));
  }

  /// Leave the namespace.
  Result<void> disconnect() const { return done(roam_socket_disconnect(get())); }

  /// The namespace; valid as long as the socket.
  std::string_view nsp() const noexcept { return detail::view(roam_socket_nsp(get())); }

  /// The state as the handlers were told it.
  SocketState state() const noexcept { return static_cast<SocketState>(roam_socket_state(get())); }

  /// Manual dispatch: as Manager::dispatch, also when the manager is freed already.
  Result<std::size_t> dispatch(std::size_t max_events = SIZE_MAX) const {
    std::size_t dispatched = 0;
    const roam_status status = roam_socket_dispatch(get(), max_events, &dispatched);
    if (status != ROAM_OK) return error(status);
    return dispatched;
  }

  /// Emit an event; `args_json` is a JSON array. While the socket is not connected events wait, in
  /// order; QUEUE_FULL when too many do. What is dropped later is told to on_dropped.
  Result<void> emit(std::string_view name, std::string_view args_json,
                    const EmitOptions& options = {}) const {
    const auto parts = detail::c_bytes(options.attachments);
    const roam_emit_options c = detail::c_options(options, parts);
    return done(roam_socket_emit(get(), detail::text(name), detail::text(args_json), &c));
  }

  /// As emit(), and have the server answer. The completion gets the server's arguments, or
  /// ACK_TIMEOUT or ACK_LOST (the server may or may not have acted), NOT_SENT, CANCELLED or CLOSED.
  Result<RequestId> emit_with_ack(std::string_view name, std::string_view args_json,
                                  const EmitOptions& options, Completion done) const {
    const auto parts = detail::c_bytes(options.attachments);
    const roam_emit_options c = detail::c_options(options, parts);
    std::uint64_t request = 0;
    const Result<void> asked = ask(std::move(done), [&](roam_completion completion) {
      return roam_socket_emit_with_ack(get(), detail::text(name), detail::text(args_json), &c,
                                       completion, &request);
    });
    if (!asked) return asked.error();
    return static_cast<RequestId>(request);
  }

  /// As above, for who prefers to wait.
  Outcome emit_with_ack(std::string_view name, std::string_view args_json,
                        const EmitOptions& options = {}) const {
    return Outcome::of([&](Completion done) {
      return emit_with_ack(name, args_json, options, std::move(done));
    });
  }

  /// Forget a request: its completion gets CANCELLED unless it was called already.
  Result<void> cancel(RequestId request) const {
    return done(roam_socket_cancel(get(), static_cast<std::uint64_t>(request)));
  }

  /// Answer an event that has an ack token, in its handler or later, from any thread. Only the first
  /// answer is sent, and only on the connection that the event came from.
  Result<void> ack(AckToken token, std::string_view args_json,
                   const std::vector<Bytes>& attachments = {}) const {
    const auto parts = detail::c_bytes(attachments);
    return done(roam_socket_ack(get(), static_cast<std::uint64_t>(token), detail::text(args_json),
                                parts.data(), parts.size()));
  }

  /// Call `handler` with every event of this name, in place of on_event. Several are called in the
  /// order in which they came. Listeners may be added and removed at any time, also in a handler. The
  /// handler is destroyed after its last call. RESERVED_EVENT for "connect" and the like.
  Result<ListenerId> on(std::string_view name, Handler handler) const {
    return listen(std::move(handler), roam_socket_on, detail::text(name));
  }

  /// As on(), for one event; then the listener is removed.
  Result<ListenerId> once(std::string_view name, Handler handler) const {
    return listen(std::move(handler), roam_socket_once, detail::text(name));
  }

  /// As on(), for the events of every name: called before those who listen to the name.
  Result<ListenerId> on_any(Handler handler) const {
    return listen(std::move(handler), roam_socket_on_any);
  }

  /// As on_any(), before those that are there already.
  Result<ListenerId> prepend_any(Handler handler) const {
    return listen(std::move(handler), roam_socket_prepend_any);
  }

  /// Call `handler` with every event that this socket sends, when it is written; not with answers.
  Result<ListenerId> on_any_outgoing(Handler handler) const {
    return listen(std::move(handler), roam_socket_on_any_outgoing);
  }

  /// As on_any_outgoing(), before those that are there already.
  Result<ListenerId> prepend_any_outgoing(Handler handler) const {
    return listen(std::move(handler), roam_socket_prepend_any_outgoing);
  }

  /// Remove a listener, of whatever kind.
  Result<void> off(ListenerId listener) const {
    return done(roam_socket_off(get(), static_cast<std::uint64_t>(listener)));
  }

  /// Remove all listeners of a name.
  Result<void> off_all(std::string_view name) const {
    return done(roam_socket_off_all(get(), detail::text(name)));
  }

  /// Remove all listeners of on_any() and prepend_any().
  Result<void> off_any() const { return done(roam_socket_off_any(get())); }

  /// Remove all listeners of on_any_outgoing() and prepend_any_outgoing().
  Result<void> off_any_outgoing() const { return done(roam_socket_off_any_outgoing(get())); }

 private:
  friend class Manager;
  friend class Registry;
  Socket(roam_socket* socket, detail::Exceptions exceptions) noexcept
      : Handle(socket, std::move(exceptions)) {}

  template <class Function, class... Name>
  Result<ListenerId> listen(Handler handler, Function function, Name... name) const {
    auto host = detail::boxed(std::move(handler), exceptions());
    std::uint64_t listener = 0;
    const roam_status status =
        function(get(), name..., host->handlers ? &detail::call_handler : nullptr, host.get(),
                 &detail::Host<Handler>::destroy, &listener);
    if (status != ROAM_OK) return error(status);
    static_cast<void>(host.release());
    return static_cast<ListenerId>(listener);
  }
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_SOCKET_HPP
