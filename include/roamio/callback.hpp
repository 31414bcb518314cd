// How handlers in C++ hang on the function tables of the C interface.
#ifndef ROAMIO_CALLBACK_HPP
#define ROAMIO_CALLBACK_HPP

#include <functional>
#include <memory>
#include <utility>

#include "event.hpp"
#include "log.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// Is told what became of a request, exactly once: the reply, or why there is none.
using Completion = std::function<void(Result<EventView>)>;

/// Is told an event; see Socket::on.
using Handler = std::function<void(EventView)>;

namespace detail {

/// Who is told the exceptions of an object's handlers, listeners and completions.
using Exceptions = std::shared_ptr<const ExceptionHandler>;

/// What `user_data` points to: a host's function or handlers, freed by the `destroy` of the C
/// interface.
template <class Handlers>
struct Host {
  Handlers handlers;
  Exceptions exceptions;

  static Host& of(void* user_data) noexcept { return *static_cast<Host*>(user_data); }
  static void destroy(void* user_data) noexcept { delete static_cast<Host*>(user_data); }

  template <class Call>
  void guard(Call&& call) noexcept {
    guarded(exceptions.get(), std::forward<Call>(call));
  }
};

/// The table of an object as an owned host. It is released when the object exists.
template <class Handlers>
std::unique_ptr<Host<Handlers>> host(Handlers handlers) {
  auto exceptions = std::make_shared<const ExceptionHandler>(handlers.on_exception);
  return std::unique_ptr<Host<Handlers>>(
      new Host<Handlers>{std::move(handlers), std::move(exceptions)});
}

/// Fills one function of a C table from one member of the handlers, and calls that.
template <auto Member>
struct Slot;

template <class Handlers, class... To, std::function<void(To...)> Handlers::*Member>
struct Slot<Member> {
  template <class... From>
  static void fill(void (*&function)(void*, From...), const Handlers& handlers) {
    if (handlers.*Member) function = &call<From...>;
  }

 private:
  template <class... From>
  static void call(void* user_data, From... values) noexcept {
    auto& host = Host<Handlers>::of(user_data);
    host.guard([&] { (host.handlers.*Member)(lift<To>(values)...); });
  }
};

/// A function of the host's that a C function takes with `user_data` and `destroy`.
template <class Function>
std::unique_ptr<Host<Function>> boxed(Function function, const Exceptions& exceptions) {
  return std::unique_ptr<Host<Function>>(new Host<Function>{std::move(function), exceptions});
}

inline void call_handler(void* user_data, const roam_event* event) noexcept {
  auto& host = Host<Handler>::of(user_data);
  host.guard([&] { host.handlers(EventView(event)); });
}

inline void call_wake(void* user_data) noexcept {
  auto& host = Host<std::function<void()>>::of(user_data);
  host.guard([&] { host.handlers(); });
}

inline void complete(void* user_data, const roam_error* error, const roam_event* reply) noexcept {
  const std::unique_ptr<Host<Completion>> host(&Host<Completion>::of(user_data));
  host->guard([&] {
    if (error) {
      host->handlers(Error(error));
    } else {
      host->handlers(EventView(reply));
    }
  });
}

/// Give a completion to a C function, and take it back if that refuses.
template <class Call>
roam_status with_completion(Completion done, const Exceptions& exceptions, Call&& call) {
  auto host = boxed(std::move(done), exceptions);
  roam_completion completion{};
  if (host->handlers) {
    completion.user_data = host.get();
    completion.call = &complete;
  }
  const roam_status status = call(completion);
  if (status == ROAM_OK) host.release();
  return status;
}

}  // namespace detail

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_CALLBACK_HPP
