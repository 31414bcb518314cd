// roamio for C++20 coroutines: outcomes and events that can be awaited.
//
//   roamio::Event room = (co_await conference.login(token)).value();
//   while (auto event = co_await events.next()) ...
//
// Coroutines go on where callbacks run, on the thread that the config says; so they must not block
// there either. Works with every coroutine type.
#ifndef ROAMIO_CORO_HPP
#define ROAMIO_CORO_HPP

#if !defined(__cpp_impl_coroutine)
#error "roamio_coro.hpp needs C++20"
#endif

#include <coroutine>
#include <deque>

#include "roamio.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

namespace detail {

/// Waits for one outcome.
class OutcomeAwaiter {
 public:
  explicit OutcomeAwaiter(Outcome outcome) : outcome_(std::move(outcome)) {}

  bool await_ready() const { return outcome_.ready(); }

  bool await_suspend(std::coroutine_handle<> waiting) {
    // Once this is subscribed the coroutine may go on, and end, on another thread.
    return outcome_.subscribe([this, waiting](Result<Event> result) {
      result_.emplace(std::move(result));
      waiting.resume();
    });
  }

  Result<Event> await_resume() { return result_ ? std::move(*result_) : outcome_.get(); }

 private:
  Outcome outcome_;
  std::optional<Result<Event>> result_;
};

}  // namespace detail

/// `co_await conference.login(token)` gives a Result<Event>.
inline detail::OutcomeAwaiter operator co_await(Outcome&& outcome) {
  return detail::OutcomeAwaiter(std::move(outcome));
}

/// What a conference tells, as values.
namespace told {

struct Resumable {
  bool resumable;
};
struct Resumed {
  bool complete;
  std::uint64_t replayed;
};
struct Migrated {};
struct Gap {
  std::uint64_t from, to;
  bool certain;
};
struct Notification {
  Event event;
  bool replayed;
};
struct Rejoined {
  Event answer;
};
struct ProtocolError {
  Error error;
};
struct HostSlow {};
struct Connected {
  std::string socket_sid;
  bool recovered;
};
struct Disconnected {
  DisconnectReason reason;
  Error cause;
};
struct ConnectError {
  Error error;
  bool active;
};
struct Dropped {
  Event event;
  Error error;
};

}  // namespace told

/// Everything that a conference tells, questions excepted.
using ConferenceEvent =
    std::variant<ConferenceTransition, Retry, told::Resumable, told::Resumed, told::Migrated,
                 told::Gap, told::Notification, told::Rejoined, told::ProtocolError,
                 told::HostSlow>;

/// Everything that a socket tells, questions excepted.
using SocketEvent = std::variant<SocketTransition, told::Connected, told::Disconnected,
                                 told::ConnectError, Event, told::Dropped>;

/// A stream of events. It takes what is told while nobody awaits, so a coroutine that stays away
/// lets it grow; it ends when the object is gone. One coroutine at a time may await it.
template <class Told>
class Events {
 public:
  /// The handlers to make the object with. Call it once.
  auto handlers();

  /// Await it: the next event, or none when the object is gone.
  auto next() { return Next(state_); }

  /// How many wait to be taken.
  std::size_t waiting() const {
    const std::lock_guard<std::mutex> lock(state_->lock);
    return state_->queue.size();
  }

 private:
  struct State {
    std::mutex lock;
    std::deque<Told> queue;
    bool ended = false;
    std::coroutine_handle<> waiting;

    void push(Told told) {
      std::unique_lock<std::mutex> guard(lock);
      queue.push_back(std::move(told));
      wake(guard);
    }

    void end() {
      std::unique_lock<std::mutex> guard(lock);
      ended = true;
      wake(guard);
    }

    void wake(std::unique_lock<std::mutex>& guard) {
      const auto coroutine = std::exchange(waiting, nullptr);
      guard.unlock();
      if (coroutine) coroutine.resume();
    }
  };

  /// Tells the stream; the last copy ends it.
  class Source {
   public:
    explicit Source(std::shared_ptr<State> state)
        : state_(state.get(), [state](State* ending) { ending->end(); }) {}
    void operator()(Told told) const { state_->push(std::move(told)); }

   private:
    std::shared_ptr<State> state_;
  };

  class Next {
   public:
    explicit Next(std::shared_ptr<State> state) : state_(std::move(state)) {}

    bool await_ready() const { return false; }

    bool await_suspend(std::coroutine_handle<> waiting) {
      const std::lock_guard<std::mutex> guard(state_->lock);
      if (!state_->queue.empty() || state_->ended) return false;
      state_->waiting = waiting;
      return true;
    }

    std::optional<Told> await_resume() {
      const std::lock_guard<std::mutex> guard(state_->lock);
      if (state_->queue.empty()) return std::nullopt;
      std::optional<Told> told(std::move(state_->queue.front()));
      state_->queue.pop_front();
      return told;
    }

   private:
    std::shared_ptr<State> state_;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

template <>
inline auto Events<ConferenceEvent>::handlers() {
  const Source source(state_);
  ConferenceHandlers handlers;
  handlers.on_state = [source](ConferenceTransition step) { source(std::move(step)); };
  handlers.on_retry = [source](Retry retry) { source(std::move(retry)); };
  handlers.on_resumable = [source](bool resumable) { source(told::Resumable{resumable}); };
  handlers.on_resumed = [source](bool complete, std::uint64_t replayed) {
    source(told::Resumed{complete, replayed});
  };
  handlers.on_migrated = [source] { source(told::Migrated{}); };
  handlers.on_gap = [source](std::uint64_t from, std::uint64_t to, bool certain) {
    source(told::Gap{from, to, certain});
  };
  handlers.on_notification = [source](EventView event, bool replayed) {
    source(told::Notification{Event(event), replayed});
  };
  handlers.on_rejoined = [source](EventView answer) { source(told::Rejoined{Event(answer)}); };
  handlers.on_protocol_error = [source](Error error) {
    source(told::ProtocolError{std::move(error)});
  };
  handlers.on_host_slow = [source] { source(told::HostSlow{}); };
  return handlers;
}

template <>
inline auto Events<SocketEvent>::handlers() {
  const Source source(state_);
  SocketHandlers handlers;
  handlers.on_state = [source](SocketTransition step) { source(std::move(step)); };
  handlers.on_connect = [source](std::string_view socket_sid, bool recovered) {
    source(told::Connected{std::string(socket_sid), recovered});
  };
  handlers.on_disconnect = [source](DisconnectReason reason, Error cause) {
    source(told::Disconnected{reason, std::move(cause)});
  };
  handlers.on_connect_error = [source](Error error, bool active) {
    source(told::ConnectError{std::move(error), active});
  };
  handlers.on_event = [source](EventView event) { source(Event(event)); };
  handlers.on_dropped = [source](EventView event, Error error) {
    source(told::Dropped{Event(event), std::move(error)});
  };
  return handlers;
}

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_CORO_HPP
