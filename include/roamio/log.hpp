// The log of the process, and what becomes of exceptions that handlers let escape.
#ifndef ROAMIO_LOG_HPP
#define ROAMIO_LOG_HPP

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "error.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

enum class LogLevel : std::uint32_t {
  Off = ROAM_LOG_OFF,
  Error = ROAM_LOG_ERROR,
  Warn = ROAM_LOG_WARN,
  Info = ROAM_LOG_INFO,
  Debug = ROAM_LOG_DEBUG,
};

/// Takes one line: its level, the part of the library that it comes from, the text. It is called on
/// any thread, also by several at once, and must return soon.
using LogHandler =
    std::function<void(LogLevel level, std::string_view target, std::string_view line)>;

/// An exception has left a handler. It was stopped there; the session goes on.
struct HandlerException {
  /// The exception; empty where the program is compiled without exceptions.
  std::exception_ptr exception;
  /// What it says.
  std::string what;
};

/// Is told the exceptions that handlers let escape, on the thread of the handler.
using ExceptionHandler = std::function<void(const HandlerException&)>;

namespace detail {

/// Who gets the log lines. Never destroyed, because lines may come until the process is gone.
class Log {
 public:
  static Log& instance() {
    static Log& log = *new Log;
    return log;
  }

  roam_status set(LogLevel level, LogHandler handler) {
    const std::lock_guard<std::mutex> setting(setting_);
    const bool none = !handler || level == LogLevel::Off;
    auto next = none ? nullptr : std::make_shared<const LogHandler>(std::move(handler));
    const roam_status status =
        roam_log_set(static_cast<std::uint32_t>(level), none ? nullptr : &Log::call, nullptr);
    if (status != ROAM_OK) return status;
    const std::lock_guard<std::mutex> lock(lock_);
    handler_.swap(next);
    return status;
  }

  void line(LogLevel level, std::string_view target, std::string_view line) noexcept {
    std::unique_lock<std::mutex> lock(lock_);
    const auto handler = handler_;
    lock.unlock();
    if (!handler) return;
#if ROAMIO_CAN_CATCH
    try {
      (*handler)(level, target, line);
    } catch (...) {
      // There is nobody left to tell.
    }
#else
    (*handler)(level, target, line);
#endif
  }

 private:
  static void call(void*, std::uint32_t level, roam_str target, roam_str line) noexcept {
    instance().line(static_cast<LogLevel>(level), view(target), view(line));
  }

  /// Held while the library is told, so that its function and ours are of one call.
  std::mutex setting_;
  std::mutex lock_;
  std::shared_ptr<const LogHandler> handler_;
};

#if ROAMIO_CAN_CATCH
/// In a catch block: tell the exception to the log, and to the host's function if there is one.
inline void report_exception(const ExceptionHandler* handler) noexcept {
  HandlerException told{std::current_exception(), "something that is no std::exception"};
  try {
    throw;
  } catch (const std::exception& exception) {
    told.what = exception.what();
  } catch (...) {
  }
  Log::instance().line(LogLevel::Error, "roamio::handler", "exception in a handler: " + told.what);
  if (!handler || !*handler) return;
  try {
    (*handler)(told);
  } catch (...) {
    Log::instance().line(LogLevel::Error, "roamio::handler", "exception in on_exception");
  }
}
#endif

/// Run code of the host; an exception ends here.
template <class Call>
void guarded(const ExceptionHandler* handler, Call&& call) noexcept {
#if ROAMIO_CAN_CATCH
  try {
    call();
  } catch (...) {
    report_exception(handler);
  }
#else
  (void)handler;
  call();
#endif
}

}  // namespace detail

/// Set the function that gets the log lines of this process up to a level, in place of the former
/// one; LogLevel::Off or an empty function for none. A call of the former that has begun may still
/// be running when this returns. Lines hold no token, ticket or payload; exceptions that handlers
/// let escape are among them, with what they say.
inline Result<void> set_log(LogLevel level, LogHandler handler) {
  const roam_status status = detail::Log::instance().set(level, std::move(handler));
  if (status != ROAM_OK) return detail::failure(status, nullptr);
  return {};
}

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_LOG_HPP
