// Events and outcomes as the lines of a trace.
#ifndef SCENARIO_WORDS_HPP
#define SCENARIO_WORDS_HPP

#include <string>

#include "roamio.hpp"

namespace words {

/// A line and, if there is one, the code of its cause.
inline std::string with_cause(std::string line, const roamio::Error& cause) {
  return cause ? line + " " + std::string(name(cause.status())) : line;
}

inline std::string state(const roamio::ConferenceTransition& step) {
  static const char* const names[] = {"idle", "joining", "ready", "resuming", "leaving", "ended"};
  return with_cause(std::string("state ") + names[static_cast<int>(step.state)], step.cause);
}

inline std::string state(const roamio::SocketTransition& step) {
  static const char* const names[] = {"idle", "joining", "connected", "rejoining", "closed"};
  return with_cause(std::string("state ") + names[static_cast<int>(step.state)], step.cause);
}

/// The one argument of a notification or an answer of the portal.
inline std::string data(roamio::EventView event) {
  return event.arg_count() > 0 ? std::string(event.arg(0)) : "null";
}

/// ARGS [hex:DIGITS]...
inline std::string args(roamio::EventView event) {
  std::string text = "[";
  for (std::size_t i = 0; i < event.arg_count(); i++) {
    text.append(i > 0 ? "," : "").append(event.arg(i));
  }
  text += "]";
  for (std::size_t i = 0; i < event.attachment_count(); i++) {
    text += " hex:";
    for (const unsigned byte : event.attachment(i)) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
  }
  return text;
}

inline std::string notification(roamio::EventView event, bool replayed) {
  return "notification " + std::to_string(event.number()) + (replayed ? " replayed " : " new ") +
         std::string(event.name()) + " " + data(event);
}

/// An outcome whose answer is empty, or has ids and tickets in it.
inline std::string done(roamio::EventView) { return "done"; }
/// The outcome of a request.
inline std::string answered(roamio::EventView answer) { return "done " + data(answer); }
/// The outcome of an emit.
inline std::string acked(roamio::EventView ack) { return "done " + args(ack); }

}  // namespace words

#endif
