// What calls come to: Status, Error, Result.
#ifndef ROAMIO_ERROR_HPP
#define ROAMIO_ERROR_HPP

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "basics.hpp"

#if ROAMIO_EXCEPTIONS
#include <stdexcept>
#endif

namespace roamio {
inline namespace ROAMIO_MODE {

/// What a call, an event or an outcome came to. Each is explained in roamio.h. Newer libraries may
/// give values that are not listed here.
enum class Status : roam_status {
  Ok = ROAM_OK,
  NullArgument = ROAM_E_NULL_ARGUMENT,
  InvalidArgument = ROAM_E_INVALID_ARGUMENT,
  InvalidUtf8 = ROAM_E_INVALID_UTF8,
  InvalidJson = ROAM_E_INVALID_JSON,
  InvalidUrl = ROAM_E_INVALID_URL,
  InvalidState = ROAM_E_INVALID_STATE,
  Closed = ROAM_E_CLOSED,
  WouldDeadlock = ROAM_E_WOULD_DEADLOCK,
  Unsupported = ROAM_E_UNSUPPORTED,
  TooLarge = ROAM_E_TOO_LARGE,
  QueueFull = ROAM_E_QUEUE_FULL,
  ReservedEvent = ROAM_E_RESERVED_EVENT,
  TimedOut = ROAM_E_TIMED_OUT,
  Cancelled = ROAM_E_CANCELLED,
  Panic = ROAM_E_PANIC,
  Dns = ROAM_E_DNS,
  Connect = ROAM_E_CONNECT,
  TlsHandshake = ROAM_E_TLS_HANDSHAKE,
  TlsCertificate = ROAM_E_TLS_CERTIFICATE,
  Proxy = ROAM_E_PROXY,
  HttpStatus = ROAM_E_HTTP_STATUS,
  Websocket = ROAM_E_WEBSOCKET,
  ConnectTimeout = ROAM_E_CONNECT_TIMEOUT,
  NetworkLost = ROAM_E_NETWORK_LOST,
  Handshake = ROAM_E_HANDSHAKE,
  PingTimeout = ROAM_E_PING_TIMEOUT,
  UnknownSid = ROAM_E_UNKNOWN_SID,
  Upgrade = ROAM_E_UPGRADE,
  EnginePacket = ROAM_E_ENGINE_PACKET,
  PayloadLimit = ROAM_E_PAYLOAD_LIMIT,
  EngineClosed = ROAM_E_ENGINE_CLOSED,
  EngineRevision = ROAM_E_ENGINE_REVISION,
  ConnectError = ROAM_E_CONNECT_ERROR,
  SocketPacket = ROAM_E_SOCKET_PACKET,
  Attachments = ROAM_E_ATTACHMENTS,
  AckTimeout = ROAM_E_ACK_TIMEOUT,
  AckLost = ROAM_E_ACK_LOST,
  ServerDisconnect = ROAM_E_SERVER_DISCONNECT,
  NotSent = ROAM_E_NOT_SENT,
  TokenInvalid = ROAM_E_TOKEN_INVALID,
  LoginRejected = ROAM_E_LOGIN_REJECTED,
  ReloginRejected = ROAM_E_RELOGIN_REJECTED,
  TicketExpired = ROAM_E_TICKET_EXPIRED,
  TicketMalformed = ROAM_E_TICKET_MALFORMED,
  SessionLost = ROAM_E_SESSION_LOST,
  Dropped = ROAM_E_DROPPED,
  RequestRejected = ROAM_E_REQUEST_REJECTED,
  NotLoggedIn = ROAM_E_NOT_LOGGED_IN,
  ProtocolVersion = ROAM_E_PROTOCOL_VERSION,
  LoginUnknown = ROAM_E_LOGIN_UNKNOWN,
  ServerRestarted = ROAM_E_SERVER_RESTARTED,
  Superseded = ROAM_E_SUPERSEDED,
  LeftUnconfirmed = ROAM_E_LEFT_UNCONFIRMED,
  ExportDamaged = ROAM_E_EXPORT_DAMAGED,
  ExportForeign = ROAM_E_EXPORT_FOREIGN,
  ExportNewer = ROAM_E_EXPORT_NEWER,
};

/// The layer that an error comes from.
enum class Layer : std::uint32_t {
  Call = ROAM_LAYER_CALL,
  Transport = ROAM_LAYER_TRANSPORT,
  Engine = ROAM_LAYER_ENGINE,
  Socket = ROAM_LAYER_SOCKET,
  Conference = ROAM_LAYER_CONFERENCE,
};

/// What is wrong with a server's certificate.
enum class CertificateProblem : std::uint32_t {
  /// The error is not about a certificate, or the TLS library does not tell.
  None = 0,
  /// Its time is over.
  Expired = ROAM_CERTIFICATE_EXPIRED,
  /// Its time has not come: one of the two clocks may be wrong.
  NotYetValid = ROAM_CERTIFICATE_NOT_YET_VALID,
  /// It vouches for itself, and nobody has said that it is trusted. With rustls: UnknownIssuer.
  SelfSigned = ROAM_CERTIFICATE_SELF_SIGNED,
  /// This device does not trust its issuer, or certificates between are missing.
  UnknownIssuer = ROAM_CERTIFICATE_UNKNOWN_ISSUER,
  /// It is for other names than the one that was asked for.
  WrongHost = ROAM_CERTIFICATE_WRONG_HOST,
  /// Its issuer has taken it back.
  Revoked = ROAM_CERTIFICATE_REVOKED,
  /// Its public key is none of those that the config allows.
  NotPinned = ROAM_CERTIFICATE_NOT_PINNED,
};

/// What helps against an error.
enum class Remedy : std::uint32_t {
  /// Fix the call, or give up.
  Never = ROAM_RETRY_NEVER,
  /// Nothing to do, the library is on it.
  Automatic = ROAM_RETRY_AUTOMATIC,
  /// The same call may work later, or on another network.
  Later = ROAM_RETRY_LATER,
  /// Obtain a new token and log in; what the server knew is gone.
  Login = ROAM_RETRY_LOGIN,
};

/// The name of a status, such as "ACK_LOST"; "UNKNOWN" for one that the library does not know.
inline std::string_view name(Status status) noexcept {
  return detail::view(roam_status_name(static_cast<roam_status>(status)));
}

/// An error with its details, by value; or none, where there was no cause.
class [[nodiscard]] Error {
 public:
  /// No error.
  Error() = default;

  /// An error without details.
  explicit Error(Status status) : status_(status), message_(name(status)) {}

  /// A copy of an error of the library; none for NULL.
  explicit Error(const roam_error* error) {
    if (!error) return;
    status_ = static_cast<Status>(roam_error_status(error));
    message_ = detail::view(roam_error_message(error));
    layer_ = static_cast<Layer>(roam_error_layer(error));
    remedy_ = static_cast<Remedy>(roam_error_retry(error));
    http_status_ = roam_error_http_status(error);
    close_code_ = roam_error_close_code(error);
    engine_code_ = roam_error_engine_code(error);
    retry_after_ = detail::time(roam_error_retry_after_ms(error));
    certificate_ = static_cast<CertificateProblem>(roam_error_certificate(error));
    resent_ = roam_error_resent(error);
    server_json_ = detail::view(roam_error_server_json(error));
  }

  /// Whether there is an error.
  explicit operator bool() const noexcept { return status_ != Status::Ok; }

  Status status() const noexcept { return status_; }
  /// One line for developers; never parse it, never show it to users. It holds no secret.
  const std::string& message() const noexcept { return message_; }
  Layer layer() const noexcept { return layer_; }
  /// What helps.
  Remedy retry() const noexcept { return remedy_; }
  /// The HTTP status of the refused handshake, 0 if there was none.
  std::uint32_t http_status() const noexcept { return http_status_; }
  /// The code of the WebSocket close frame, 0 if there was none.
  std::uint32_t close_code() const noexcept { return close_code_; }
  /// The code of Engine.IO in the answer to a refused request, -1 if there was none.
  std::int32_t engine_code() const noexcept { return engine_code_; }
  /// How long the server asks to wait; `unknown_time` if it does not.
  milliseconds retry_after() const noexcept { return retry_after_; }
  /// What is wrong with the server's certificate.
  CertificateProblem certificate() const noexcept { return certificate_; }
  /// Whether it is the outcome of a request that was sent twice (RequestOptions::idempotent).
  bool resent() const noexcept { return resent_; }
  /// What the server said, as JSON; empty if it said nothing.
  const std::string& server_json() const noexcept { return server_json_; }

 private:
  Status status_ = Status::Ok;
  Layer layer_ = Layer::Call;
  Remedy remedy_ = Remedy::Never;
  std::uint32_t http_status_ = 0;
  std::uint32_t close_code_ = 0;
  std::int32_t engine_code_ = -1;
  milliseconds retry_after_ = unknown_time;
  CertificateProblem certificate_ = CertificateProblem::None;
  bool resent_ = false;
  std::string message_;
  std::string server_json_;
};

inline bool operator==(const Error& error, Status status) noexcept {
  return error.status() == status;
}

#if ROAMIO_EXCEPTIONS
/// What Result::value() throws.
class Exception : public std::runtime_error {
 public:
  explicit Exception(Error error)
      : std::runtime_error(std::string(name(error.status())) + ": " + error.message()),
        error_(std::move(error)) {}

  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};
#endif

namespace detail {

[[noreturn]] inline void no_value(const Error& error) {
#if ROAMIO_EXCEPTIONS
  throw Exception(error);
#else
  std::fprintf(stderr, "roamio: no value: %s\n", error.message().c_str());
  std::abort();
#endif
}

}  // namespace detail

/// A value or an Error, in the manner of std::expected.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value. Without one: throws Exception, or ends the program where exceptions are off.
  T& value() & { return has_value() ? **this : (detail::no_value(error()), **this); }
  const T& value() const& { return has_value() ? **this : (detail::no_value(error()), **this); }
  T&& value() && { return std::move(value()); }

  /// The value, which must be there.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  template <class U>
  T value_or(U&& other) && {
    return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(other));
  }

  /// The error; none if there is a value.
  Error error() const {
    const Error* error = std::get_if<1>(&state_);
    return error ? *error : Error();
  }

 private:
  std::variant<T, Error> state_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }

  /// Nothing. Without success: throws Exception, or ends the program where exceptions are off.
  void value() const {
    if (!has_value()) detail::no_value(*error_);
  }

  /// The error; none after success.
  Error error() const { return error_ ? *error_ : Error(); }

 private:
  std::optional<Error> error_;
};

namespace detail {

/// The error of a call that failed, with its details if the object has kept them.
inline Error failure(roam_status status, const roam_error* details) {
  return details ? Error(details) : Error(static_cast<Status>(status));
}

}  // namespace detail

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_ERROR_HPP
