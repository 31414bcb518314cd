// What becomes of a request, for who prefers to wait for it.
#ifndef ROAMIO_OUTCOME_HPP
#define ROAMIO_OUTCOME_HPP

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

#include "callback.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// What becomes of a request: wait for it with get(), make it a std::future, or, with
/// roamio_coro.hpp, co_await it. It comes exactly once; a call that was refused is an outcome too.
/// Letting go of an Outcome cancels nothing.
///
/// Outcomes come where callbacks run. So waiting inside a callback of the same object, or on the
/// thread that should dispatch, is waiting for ever.
class Outcome {
 public:
  /// A request to be made: `make` takes the completion, and gives its number if it has one.
  template <class Make>
  static Outcome of(Make&& make) {
    Outcome outcome;
    auto state = outcome.state_;
    const auto made = make(Completion([state](Result<EventView> reply) {
      state->settle(reply ? Result<Event>(Event(*reply)) : Result<Event>(reply.error()));
    }));
    if (!made) {
      state->settle(made.error());
    } else if constexpr (std::is_same_v<decltype(made), const Result<RequestId>>) {
      outcome.request_ = *made;
    }
    return outcome;
  }

  Outcome(Outcome&&) = default;
  Outcome& operator=(Outcome&&) = default;

  /// The number for cancel(); 0 if the call was refused or cannot be cancelled.
  RequestId request() const noexcept { return request_; }

  /// Whether it is there.
  bool ready() const { return state_->wait_for(milliseconds(0)); }

  /// Wait until it is there, but not longer. False: it is not.
  bool wait_for(milliseconds time) const { return state_->wait_for(time); }

  /// Wait for it and take it. Call it once.
  Result<Event> get() { return state_->take(); }

  /// Call a function with it, on the thread where it comes, or at once if it is there already.
  void then(std::function<void(Result<Event>)> next) && {
    auto state = std::move(state_);
    if (!state->subscribe(next)) next(state->take());
  }

  /// As a future of the standard library.
  std::future<Result<Event>> future() && {
    auto promise = std::make_shared<std::promise<Result<Event>>>();
    auto future = promise->get_future();
    std::move(*this).then(
        [promise](Result<Event> result) { promise->set_value(std::move(result)); });
    return future;
  }
  operator std::future<Result<Event>>() && { return std::move(*this).future(); }

  /// For adaptors: `next` is called with it, unless it is there already; then this is false.
  bool subscribe(std::function<void(Result<Event>)> next) {
    return state_->subscribe(std::move(next));
  }

 private:
  class State {
   public:
    void settle(Result<Event> result) {
      std::unique_lock<std::mutex> lock(lock_);
      if (next_) {
        const auto next = std::exchange(next_, nullptr);
        lock.unlock();
        return next(std::move(result));
      }
      result_.emplace(std::move(result));
      lock.unlock();
      there_.notify_all();
    }

    bool subscribe(std::function<void(Result<Event>)> next) {
      const std::lock_guard<std::mutex> lock(lock_);
      if (result_) return false;
      next_ = std::move(next);
      return true;
    }

    bool wait_for(milliseconds time) {
      std::unique_lock<std::mutex> lock(lock_);
      return there_.wait_for(lock, time, [this] { return result_.has_value(); });
    }

    Result<Event> take() {
      std::unique_lock<std::mutex> lock(lock_);
      there_.wait(lock, [this] { return result_.has_value(); });
      return std::move(*result_);
    }

   private:
    std::mutex lock_;
    std::condition_variable there_;
    std::optional<Result<Event>> result_;
    std::function<void(Result<Event>)> next_;
  };

  Outcome() : state_(std::make_shared<State>()) {}

  std::shared_ptr<State> state_;
  RequestId request_{};
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_OUTCOME_HPP
