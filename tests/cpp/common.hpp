// What the test programs share: checks that speak, and a place to wait for what handlers tell.
#ifndef COMMON_HPP
#define COMMON_HPP

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "roamio.hpp"

#define CHECK(condition)                                                                \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);    \
      std::abort();                                                                     \
    }                                                                                   \
  } while (0)

// Compare a status and show the one that came.
#define EXPECT(expected, call)                                                          \
  do {                                                                                  \
    const roamio::Error came = (call).error();                                          \
    if (came.status() != roamio::Status::expected) {                                    \
      std::fprintf(stderr, "%s:%d: %s (%s) instead of %s: %s\n", __FILE__, __LINE__,    \
                   std::string(roamio::name(came.status())).c_str(),                    \
                   came.message().c_str(), #expected, #call);                           \
      std::abort();                                                                     \
    }                                                                                   \
  } while (0)

inline constexpr std::chrono::seconds LONG{20};

/// What handlers tell, as text, in order.
class Witness {
 public:
  void see(std::string what) {
    const std::lock_guard<std::mutex> lock(lock_);
    seen_ += std::move(what) + ";";
    changed_.notify_all();
  }

  /// Wait until this was told.
  void wait_for(const std::string& what) {
    std::unique_lock<std::mutex> lock(lock_);
    const auto there = [&] { return seen_.find(what + ";") != std::string::npos; };
    if (changed_.wait_for(lock, LONG, there)) return;
    std::fprintf(stderr, "waited in vain for %s: %s\n", what.c_str(), seen_.c_str());
    std::abort();
  }

  std::string seen() {
    const std::lock_guard<std::mutex> lock(lock_);
    return seen_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::string seen_;
};

#endif  // COMMON_HPP
