// Counters: what an object has done so far.
#ifndef ROAMIO_STATS_HPP
#define ROAMIO_STATS_HPP

#include "basics.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// What an object has done since it was made. Everything only grows, except round_trip_ms, and
/// nothing is reset by a reconnection or a fresh login.
struct Stats {
  /// The round trip measured last, in milliseconds: of a TCP connect, or of a probe and its answer.
  /// 0 before the first, and below one millisecond.
  std::uint64_t round_trip_ms = 0;
  /// Engine.IO messages received, without heartbeats; an attachment is one of its own.
  std::uint64_t messages_in = 0;
  /// Engine.IO messages given to a connection, without heartbeats; an attachment is one of its own.
  std::uint64_t messages_out = 0;
  /// Bytes received: payloads of WebSocket frames and bodies of HTTP answers, heartbeats included,
  /// headers, TLS and TCP not.
  std::uint64_t bytes_in = 0;
  /// Bytes sent, counted as bytes_in.
  std::uint64_t bytes_out = 0;
  /// Attempts to connect that were begun, at most one at a time, whatever transports each tried.
  std::uint64_t dials = 0;
  /// Engine.IO connections that opened.
  std::uint64_t connections = 0;
  /// Attempts that failed, before or after their connection opened, as long as it was not in use.
  std::uint64_t failed_attempts = 0;
  /// Questions for a sign of life that were sent: WebSocket pings, noops of polling.
  std::uint64_t probes = 0;
  /// Relogins sent. This and the following up to refreshes_by_backstop: conferences only.
  std::uint64_t relogins = 0;
  /// Times the session went on after a loss (on_resumed).
  std::uint64_t resumes = 0;
  /// Moves between two living connections (on_migrated).
  std::uint64_t migrations = 0;
  /// Notifications delivered from a replay.
  std::uint64_t replayed = 0;
  /// Gaps announced (on_gap).
  std::uint64_t gaps = 0;
  /// Refreshes of the ticket that were sent right after a heartbeat or message, while the radio was
  /// awake anyway.
  std::uint64_t refreshes_by_traffic = 0;
  /// Refreshes of the ticket that a timer had to send, repetitions of unanswered ones included.
  std::uint64_t refreshes_by_backstop = 0;
  /// Acks that nobody waited for any more: late, repeated or never asked for.
  std::uint64_t late_acks_ignored = 0;
  /// Other messages that meant nothing: of a connection that is not in use (any more), for a
  /// namespace that nobody joined.
  std::uint64_t packets_ignored = 0;
  /// Times that reading stopped because callbacks did not keep up.
  std::uint64_t host_slow = 0;
  /// Times that the task of this object ran: one per heartbeat when nothing else happens.
  std::uint64_t wakeups = 0;
};

namespace detail {

/// Call a function of the C interface; an empty handle has done nothing.
template <class Object>
Stats stats_of(const Object* object, roam_status (*tell)(const Object*, roam_stats*)) noexcept {
  roam_stats from = {};
  from.struct_size = sizeof from;
  static_cast<void>(tell(object, &from));
  Stats stats;
  stats.round_trip_ms = from.round_trip_ms;
  stats.messages_in = from.messages_in;
  stats.messages_out = from.messages_out;
  stats.bytes_in = from.bytes_in;
  stats.bytes_out = from.bytes_out;
  stats.dials = from.dials;
  stats.connections = from.connections;
  stats.failed_attempts = from.failed_attempts;
  stats.probes = from.probes;
  stats.relogins = from.relogins;
  stats.resumes = from.resumes;
  stats.migrations = from.migrations;
  stats.replayed = from.replayed;
  stats.gaps = from.gaps;
  stats.refreshes_by_traffic = from.refreshes_by_traffic;
  stats.refreshes_by_backstop = from.refreshes_by_backstop;
  stats.late_acks_ignored = from.late_acks_ignored;
  stats.packets_ignored = from.packets_ignored;
  stats.host_slow = from.host_slow;
  stats.wakeups = from.wakeups;
  return stats;
}

}  // namespace detail
}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_STATS_HPP
