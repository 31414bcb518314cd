// What handlers are told: events, steps of a state machine, failed attempts.
#ifndef ROAMIO_EVENT_HPP
#define ROAMIO_EVENT_HPP

#include <string>
#include <vector>

#include "error.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// A received event, reply or notification. Valid inside the handler that it was given to; make an
/// Event of it to keep it.
class EventView {
 public:
  /// `event` is not NULL.
  explicit EventView(const roam_event* event) noexcept : event_(event) {}

  /// Empty for a reply.
  std::string_view name() const noexcept { return detail::view(event_->name); }
  std::size_t arg_count() const noexcept { return event_->arg_count; }
  /// One argument, the JSON text of one value as it came over the wire; empty if there is none. A
  /// binary value is the object {"_placeholder":true,"num":i}; its bytes are attachment i.
  std::string_view arg(std::size_t index) const noexcept {
    return index < event_->arg_count ? detail::view(event_->args[index]) : std::string_view();
  }
  std::size_t attachment_count() const noexcept { return event_->attachment_count; }
  /// One binary value; empty if there is none.
  Bytes attachment(std::size_t index) const noexcept {
    return index < event_->attachment_count ? Bytes(event_->attachments[index]) : Bytes();
  }
  /// Not 0: the sender wants an answer, see Socket::ack. It can be kept and used later.
  AckToken ack_token() const noexcept { return static_cast<AckToken>(event_->ack_token); }
  /// Of a notification: its position among those since the login, from 1. Otherwise 0.
  std::uint64_t number() const noexcept { return event_->number; }
  /// Whether it is the reply to a request that was sent twice (RequestOptions::idempotent).
  bool resent() const noexcept { return event_->resent; }

 private:
  const roam_event* event_;
};

/// An event that is kept.
class Event {
 public:
  Event() = default;
  explicit Event(EventView event)
      : name_(event.name()),
        ack_token_(event.ack_token()),
        number_(event.number()),
        resent_(event.resent()) {
    for (std::size_t i = 0; i < event.arg_count(); i++) args_.emplace_back(event.arg(i));
    for (std::size_t i = 0; i < event.attachment_count(); i++) {
      const Bytes part = event.attachment(i);
      attachments_.emplace_back(part.begin(), part.end());
    }
  }

  const std::string& name() const noexcept { return name_; }
  std::size_t arg_count() const noexcept { return args_.size(); }
  std::string_view arg(std::size_t index) const noexcept {
    return index < args_.size() ? std::string_view(args_[index]) : std::string_view();
  }
  std::size_t attachment_count() const noexcept { return attachments_.size(); }
  Bytes attachment(std::size_t index) const noexcept {
    return index < attachments_.size() ? Bytes(attachments_[index]) : Bytes();
  }
  AckToken ack_token() const noexcept { return ack_token_; }
  std::uint64_t number() const noexcept { return number_; }
  bool resent() const noexcept { return resent_; }

 private:
  std::string name_;
  std::vector<std::string> args_;
  std::vector<std::vector<std::uint8_t>> attachments_;
  AckToken ack_token_{};
  std::uint64_t number_ = 0;
  bool resent_ = false;
};

/// One step of an object's state machine.
template <class State>
struct Transition {
  explicit Transition(const roam_transition* step)
      : number(step->number),
        state(static_cast<State>(step->state)),
        cause(step->cause),
        grace(detail::time(step->grace_ms)) {}

  /// Steps of one object are numbered from 1 without a hole.
  std::uint64_t number;
  State state;
  /// Why; none where it was asked for.
  Error cause;
  /// For how long the session can still be resumed, an estimate, or `unknown_time`.
  milliseconds grace;
};

/// An attempt to connect has failed.
struct Retry {
  explicit Retry(const roam_retry* retry)
      : attempt(retry->attempt),
        error(retry->error),
        delay(detail::time(retry->delay_ms)),
        grace(detail::time(retry->grace_ms)) {}

  /// Failed attempts in a row.
  std::uint32_t attempt;
  /// Why the last one failed.
  Error error;
  /// The wait before the next attempt; `unknown_time` when there is none.
  milliseconds delay;
  /// For how long the session can still be resumed, an estimate, or `unknown_time`.
  milliseconds grace;
};

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_EVENT_HPP
