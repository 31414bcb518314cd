// The session of an OWT portal.
#ifndef ROAMIO_CONFERENCE_HPP
#define ROAMIO_CONFERENCE_HPP

#include "config.hpp"
#include "handle.hpp"
#include "names.hpp"
#include "outcome.hpp"
#include "socket.hpp"
#include "stats.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

enum class ConferenceState : std::uint32_t {
  Idle = ROAM_CONFERENCE_STATE_IDLE,
  Joining = ROAM_CONFERENCE_STATE_JOINING,
  Ready = ROAM_CONFERENCE_STATE_READY,
  Resuming = ROAM_CONFERENCE_STATE_RESUMING,
  Leaving = ROAM_CONFERENCE_STATE_LEAVING,
  Ended = ROAM_CONFERENCE_STATE_ENDED,
};

using ConferenceTransition = Transition<ConferenceState>;

/// What a conference tells. Set what you want to hear.
struct ConferenceHandlers {
  std::function<void(ConferenceTransition)> on_state;
  /// An attempt to connect or to resume has failed.
  std::function<void(Retry)> on_retry;
  /// Told after the login: whether the portal lets this session be resumed.
  std::function<void(bool resumable)> on_resumable;
  /// The session goes on after a loss. `complete`: nothing can have been lost. `replayed` missed
  /// notifications follow.
  std::function<void(bool complete, std::uint64_t replayed)> on_resumed;
  /// The session moved to another network without a loss.
  std::function<void()> on_migrated;
  /// Notifications `from` to `to`, counted from 1 since the login, are lost for good. Where the
  /// protocol cannot tell, `certain` is false and the numbers are a guess, or 0.
  std::function<void(std::uint64_t from, std::uint64_t to, bool certain)> on_gap;
  /// A notification of the portal: name, number, and one argument, its data. `replayed`: it was
  /// missed and came with the replay.
  std::function<void(EventView notification, bool replayed)> on_notification;
  /// The portal said something that makes no sense; the session goes on.
  std::function<void(Error error)> on_protocol_error;
  /// Callbacks do not keep up; nothing more is read until they do. Nothing is dropped.
  std::function<void()> on_host_slow;
  /// If this is set, a session that cannot be resumed is followed by a fresh login, and this asks for
  /// its token: answer with provide_token() or refuse_token(). `error` says why the session is lost; a
  /// refusal ends it with that error. No error: it lives, and goes on after a refusal.
  std::function<void(AskToken token, Error error)> on_token_wanted;
  /// A fresh login has taken the place of the session: another participant and another description
  /// of the room, and notifications are numbered anew.
  std::function<void(EventView answer)> on_rejoined;
  /// An exception has left one of these, or a completion of this conference.
  ExceptionHandler on_exception;
};

/// How a request is made.
struct RequestOptions {
  /// Time limit, counted from the call; 0 for the configured one.
  milliseconds timeout{0};
  /// While the session is not ready: Offline::Wait, or Offline::Fail, which ends it NOT_SENT at once.
  Offline offline = Offline::Wait;
  /// The portal may act twice without harm: what was sent when the connection was lost, and has no
  /// answer, is sent once more. Its outcome says so: resent().
  bool idempotent = false;
};

/// Text that must not be seen; it is overwritten in memory when this goes.
class Secret {
 public:
  explicit Secret(roam_secret* secret) noexcept : secret_(secret) {}
  std::string_view text() const noexcept { return detail::view(roam_secret_text(secret_.get())); }

 private:
  struct Free {
    void operator()(roam_secret* secret) const noexcept { roam_secret_free(secret); }
  };
  std::unique_ptr<roam_secret, Free> secret_;
};

namespace detail {

struct ConferenceApi {
  using Object = roam_conference;
  static constexpr auto free = &roam_conference_free;
  static constexpr auto free_wait = &roam_conference_free_wait;
  static constexpr auto last_error = &roam_conference_last_error;
  static constexpr auto network_available = &roam_conference_network_available;
  static constexpr auto network_lost = &roam_conference_network_lost;
  static constexpr auto network_changed = &roam_conference_network_changed;
  static constexpr auto suspended = &roam_conference_suspended;
  static constexpr auto resumed = &roam_conference_resumed;
  static constexpr auto dispatch = &roam_conference_dispatch;
  static constexpr auto set_wake = &roam_conference_set_wake;
  static constexpr auto wake_fd = &roam_conference_wake_fd;
};

inline roam_conference_events table(Host<ConferenceHandlers>& host) {
  roam_conference_events c{};
  c.struct_size = sizeof c;
  c.user_data = &host;
  c.destroy = &Host<ConferenceHandlers>::destroy;
  const ConferenceHandlers& handlers = host.handlers;
  Slot<&ConferenceHandlers::on_state>::fill(c.on_state, handlers);
  Slot<&ConferenceHandlers::on_retry>::fill(c.on_retry, handlers);
  Slot<&ConferenceHandlers::on_resumable>::fill(c.on_resumable, handlers);
  Slot<&ConferenceHandlers::on_resumed>::fill(c.on_resumed, handlers);
  Slot<&ConferenceHandlers::on_migrated>::fill(c.on_migrated, handlers);
  Slot<&ConferenceHandlers::on_gap>::fill(c.on_gap, handlers);
  Slot<&ConferenceHandlers::on_notification>::fill(c.on_notification, handlers);
  Slot<&ConferenceHandlers::on_protocol_error>::fill(c.on_protocol_error, handlers);
  Slot<&ConferenceHandlers::on_host_slow>::fill(c.on_host_slow, handlers);
  Slot<&ConferenceHandlers::on_token_wanted>::fill(c.on_token_wanted, handlers);
  Slot<&ConferenceHandlers::on_rejoined>::fill(c.on_rejoined, handlers);
  return c;
}

}  // namespace detail

/// One session at an OWT portal, with a connection of its own.
class Conference : public detail::Connection<detail::ConferenceApi> {
 public:
  /// No conference.
  Conference() = default;

  /// Make a conference for one session. The server is the one that the token names; there is no
  /// traffic before login().
  static Result<Conference> create(const ConferenceConfig& config,
                                   ConferenceHandlers handlers = {}) {
    if (config.error()) return config.error();
    auto host = detail::host(std::move(handlers));
    const roam_conference_events events = detail::table(*host);
    roam_conference* conference = nullptr;
    const roam_status status = roam_conference_new(config.get(), &events, &conference);
    if (status != ROAM_OK) {
      return detail::failure(status, roam_conference_config_last_error(config.get()));
    }
    return Conference(conference, host.release()->exceptions);
  }

  /// Log in with a token from the application's server. A token is used at most once, and a
  /// conference logs in once. The completion gets the portal's answer, one JSON object with the
  /// members id, user, role, permission and room; or LOGIN_REJECTED, LOGIN_UNKNOWN, CANCELLED (by a
  /// logout), CLOSED, or why the portal could not be reached. At once: TOKEN_INVALID, INVALID_STATE.
  Result<void> login(std::string_view token, Completion done) const {
    return ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_login(get(), detail::text(token), completion);
    });
  }

  /// As above, for who prefers to wait.
  Outcome login(std::string_view token) const {
    return Outcome::of([&](Completion done) { return login(token, std::move(done)); });
  }

  /// Leave the conference. The completion gets a reply without arguments when the portal has
  /// confirmed it or the session was over; otherwise LEFT_UNCONFIRMED. NOT_LOGGED_IN at once before
  /// a login and after the end.
  Result<void> logout(Completion done) const {
    return ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_logout(get(), completion);
    });
  }

  /// As above, for who prefers to wait.
  Outcome logout() const {
    return Outcome::of([&](Completion done) { return logout(std::move(done)); });
  }

  /// Everything that is needed to resume the session in another process: store the text where only
  /// the application can read it, and give it to restore(). NOT_LOGGED_IN unless there is a session
  /// that can be resumed.
  Result<Secret> export_session() const {
    roam_secret* secret = nullptr;
    const roam_status status = roam_conference_export(get(), &secret);
    if (status != ROAM_OK) return error(status);
    return Secret(secret);
  }

  /// In place of login(): resume the session that was exported. What was not handled before the
  /// export is replayed. At once: EXPORT_FOREIGN, EXPORT_NEWER, EXPORT_DAMAGED, TOKEN_INVALID,
  /// INVALID_ARGUMENT, INVALID_STATE, as roam_conference_restore says.
  Result<void> restore(std::string_view exported, Completion done) const {
    return ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_restore(get(), detail::text(exported), completion);
    });
  }

  /// As above, for who prefers to wait.
  Outcome restore(std::string_view exported) const {
    return Outcome::of([&](Completion done) { return restore(exported, std::move(done)); });
  }

  /// Close the connection without a logout, and end the conference: its participant stays visible to
  /// others until the portal gives it up, and an export of the session can be restored until then.
  Result<void> detach() const { return done(roam_conference_detach(get())); }

  /// Answer on_token_wanted, in it or later, from any thread, with a token that was never used.
  Result<void> provide_token(AskToken ask, std::string_view token) const {
    return done(roam_conference_provide_token(get(), static_cast<std::uint64_t>(ask),
                                              detail::text(token)));
  }

  /// Answer on_token_wanted with no: a session that is lost ends, one that lives goes on.
  Result<void> refuse_token(AskToken ask, std::string_view message) const {
    return done(roam_conference_refuse_token(get(), static_cast<std::uint64_t>(ask),
                                             detail::text(message)));
  }

  /// Log in anew with a token that on_token_wanted is asked for, for example because a gap has made
  /// the room unknown. The completion gets the portal's answer, as on_rejoined, or why there is none.
  Result<void> rejoin(Completion done) const {
    return ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_rejoin(get(), completion);
    });
  }

  /// As above, for who prefers to wait.
  Outcome rejoin() const {
    return Outcome::of([&](Completion done) { return rejoin(std::move(done)); });
  }

  /// Ask the portal: "text", "publish", "subscribe", ... `data_json` is one JSON object. While the
  /// session is not ready the request waits for it. The outcomes are those of
  /// roam_conference_request. `timeout` counts from now; 0 means the configured one.
  Result<RequestId> request(std::string_view name, std::string_view data_json, milliseconds timeout,
                            Completion done) const {
    std::uint64_t request = 0;
    const Result<void> asked = ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_request(get(), detail::text(name), detail::text(data_json),
                                     detail::option_ms(timeout), completion, &request);
    });
    if (!asked) return asked.error();
    return static_cast<RequestId>(request);
  }

  /// As above, with more options.
  Result<RequestId> request(std::string_view name, std::string_view data_json,
                            const RequestOptions& options, Completion done) const {
    roam_request_options c{};
    c.struct_size = sizeof c;
    c.timeout_ms = detail::option_ms(options.timeout);
    c.offline = static_cast<std::uint32_t>(options.offline);
    c.idempotent = options.idempotent;
    std::uint64_t request = 0;
    const Result<void> asked = ask(std::move(done), [&](roam_completion completion) {
      return roam_conference_request_with(get(), detail::text(name), detail::text(data_json), &c,
                                          completion, &request);
    });
    if (!asked) return asked.error();
    return static_cast<RequestId>(request);
  }

  /// As above, for who prefers to wait.
  Outcome request(std::string_view name, std::string_view data_json,
                  const RequestOptions& options) const {
    return Outcome::of(
        [&](Completion done) { return request(name, data_json, options, std::move(done)); });
  }

  /// As above, for who prefers to wait.
  Outcome request(std::string_view name, std::string_view data_json,
                  milliseconds timeout = milliseconds(0)) const {
    return Outcome::of(
        [&](Completion done) { return request(name, data_json, timeout, std::move(done)); });
  }

  /// Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
  /// sent.
  Result<void> cancel(RequestId request) const {
    return done(roam_conference_cancel(get(), static_cast<std::uint64_t>(request)));
  }

  /// The room as the portal has described it up to the handler that began last: one JSON object with
  /// the members id, views, participants, streams and stale. Filled right before the completion of
  /// the login, empty before that.
  Result<std::string> room() const {
    roam_string* room = nullptr;
    const roam_status status = roam_conference_room(get(), &room);
    if (status != ROAM_OK) return error(status);
    return detail::taken(room);
  }

  /// What has been done so far. Any thread, at any time; what a handler is told of is counted when it
  /// runs.
  Stats stats() const noexcept { return detail::stats_of(get(), &roam_conference_stats); }

  /// The state as the handlers were told it.
  ConferenceState state() const noexcept {
    return static_cast<ConferenceState>(roam_conference_state(get()));
  }

 private:
  Conference(roam_conference* conference, detail::Exceptions exceptions) noexcept
      : Connection(conference, std::move(exceptions)) {}
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_CONFERENCE_HPP
