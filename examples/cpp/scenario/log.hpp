// Lines that are told by handlers and awaited by steps.
#ifndef SCENARIO_LOG_HPP
#define SCENARIO_LOG_HPP

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "roamio.hpp"

/// Nothing takes longer.
constexpr std::chrono::seconds limit{20};

/// Whether a line begins with whole words.
inline bool begins(std::string_view line, std::string_view words) {
  return line.substr(0, words.size()) == words &&
         (line.size() == words.size() || line[words.size()] == ' ');
}

/// The lines of one object, or those of all outcomes.
class Log {
 public:
  void tell(std::string line) {
    const std::lock_guard<std::mutex> lock(lock_);
    lines_.push_back(std::move(line));
    told_.notify_all();
  }

  /// Wait for a line of index `from` or later that begins with these words, and give its index.
  std::size_t wait(std::size_t from, const std::string& words) {
    std::unique_lock<std::mutex> lock(lock_);
    const bool found = told_.wait_for(lock, limit, [&] {
      while (from < lines_.size() && !begins(lines_[from], words)) from++;
      return from < lines_.size();
    });
    if (!found) throw std::runtime_error("nobody told \"" + words + "\"");
    return from;
  }

  std::vector<std::string> all() {
    const std::lock_guard<std::mutex> lock(lock_);
    return lines_;
  }

 private:
  std::mutex lock_;
  std::condition_variable told_;
  std::vector<std::string> lines_;
};

/// Participant ids, which differ from run to run: `$NAME` stands for them in scenarios and traces.
class Names {
 public:
  void learn(const std::string& name, std::string id) {
    const std::lock_guard<std::mutex> lock(lock_);
    known_.emplace_back("$" + name, std::move(id));
  }

  /// Put ids in the place of names, always the newest.
  std::string resolve(std::string text) {
    const std::lock_guard<std::mutex> lock(lock_);
    for (auto known = known_.rbegin(); known != known_.rend(); ++known) {
      replace(text, known->first, known->second);
    }
    return text;
  }

  /// Put names in the place of ids.
  std::string hide(std::string text) {
    const std::lock_guard<std::mutex> lock(lock_);
    for (const auto& [name, id] : known_) replace(text, id, name);
    return text;
  }

 private:
  static void replace(std::string& text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
      text.replace(at, what.size(), with);
    }
  }

  std::mutex lock_;
  std::vector<std::pair<std::string, std::string>> known_;
};

#endif
