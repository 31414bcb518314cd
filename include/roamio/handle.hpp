// What the handles of all objects have in common.
#ifndef ROAMIO_HANDLE_HPP
#define ROAMIO_HANDLE_HPP

#include <memory>

#include "callback.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {
namespace detail {

/// Owns one object. Moving it moves the object; calls on an empty one are NULL_ARGUMENT. Any thread
/// may use an object, but only one at a time may move, free or destroy the handle, and nobody may
/// use it meanwhile.
template <class Api>
class Handle {
 public:
  using Object = typename Api::Object;

  /// Whether there is an object.
  explicit operator bool() const noexcept { return object_ != nullptr; }

  /// For the C interface; still owned by this.
  Object* get() const noexcept { return object_.get(); }

  /// Free the object. Allowed in every callback; waits for none. The destructor does the same. No
  /// further handler begins after it, except pending completions, with CLOSED; then the handlers
  /// are destroyed.
  void free() noexcept {
    object_.reset();
    exceptions_.reset();
  }

  /// Free the object, and wait until its handlers are destroyed and, if nothing else needs it, the
  /// connection is gone. WOULD_DEADLOCK inside a callback: nothing is freed. TIMED_OUT: it is closed,
  /// but still here; call this again, or free().
  Result<void> free_wait(milliseconds timeout) {
    const roam_status status = Api::free_wait(get(), wait_ms(timeout));
    if (status != ROAM_OK) return error(status);
    static_cast<void>(object_.release());
    exceptions_.reset();
    return {};
  }

 protected:
  Handle() = default;
  Handle(Object* object, Exceptions exceptions) noexcept
      : object_(object), exceptions_(std::move(exceptions)) {}

  Result<void> done(roam_status status) const {
    if (status != ROAM_OK) return error(status);
    return {};
  }

  Error error(roam_status status) const { return failure(status, Api::last_error(get())); }

  /// Make a request of the C interface with this completion.
  template <class Call>
  Result<void> ask(Completion completion, Call&& call) const {
    return done(with_completion(std::move(completion), exceptions_, std::forward<Call>(call)));
  }

  const Exceptions& exceptions() const noexcept { return exceptions_; }

 private:
  struct Free {
    void operator()(Object* object) const noexcept { Api::free(object); }
  };

  std::unique_ptr<Object, Free> object_;
  Exceptions exceptions_;
};

/// Owns an object that has a connection: hints from the system, and manual dispatch.
template <class Api>
class Connection : public Handle<Api> {
 public:
  /// Hint: a network is there (again). The next attempt is made at once.
  Result<void> network_available() const { return this->done(Api::network_available(this->get())); }

  /// Hint: there is no network. Attempts become rare; the connection is kept.
  Result<void> network_lost() const { return this->done(Api::network_lost(this->get())); }

  /// Hint: the device moved to another network, or its addresses changed. Call it from the system's
  /// reachability callback; the library connects there at once and moves over if need be.
  Result<void> network_changed() const { return this->done(Api::network_changed(this->get())); }

  /// Hint: the application is about to be suspended. No timer, nothing sent until the next call.
  Result<void> suspended() const { return this->done(Api::suspended(this->get())); }

  /// Hint: the application runs again. Whether the connection survived is found out at once.
  Result<void> resumed() const { return this->done(Api::resumed(this->get())); }

  /// Manual dispatch: run up to `max_events` callbacks on this thread. Gives how many pieces were
  /// worked off; fewer than `max_events` means that there is no more, or that another thread is
  /// dispatching. INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a callback.
  Result<std::size_t> dispatch(std::size_t max_events = SIZE_MAX) const {
    std::size_t dispatched = 0;
    const roam_status status = Api::dispatch(this->get(), max_events, &dispatched);
    if (status != ROAM_OK) return this->error(status);
    return dispatched;
  }

  /// Manual dispatch: call `wake` when there is something to dispatch after a dispatch has found
  /// nothing more. It runs on the I/O thread, or inside this call, and must only wake the host's
  /// loop. The rules are those of roam_manager_set_wake.
  Result<void> set_wake(std::function<void()> wake) const {
    auto host = boxed(std::move(wake), this->exceptions());
    const roam_status status = Api::set_wake(this->get(), host->handlers ? &call_wake : nullptr,
                                             host.get(), &Host<std::function<void()>>::destroy);
    if (status == ROAM_OK) static_cast<void>(host.release());
    return this->done(status);
  }

  /// Manual dispatch: a file descriptor that is readable while there is something to dispatch. Only
  /// poll it. UNSUPPORTED where there are no such descriptors.
  Result<int> wake_fd() const {
    int fd = -1;
    const roam_status status = Api::wake_fd(this->get(), &fd);
    if (status != ROAM_OK) return this->error(status);
    return fd;
  }

 protected:
  Connection() = default;
  Connection(typename Handle<Api>::Object* object, Exceptions exceptions) noexcept
      : Handle<Api>(object, std::move(exceptions)) {}
};

}  // namespace detail
}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_HANDLE_HPP
