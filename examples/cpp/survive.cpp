// Log in to a conference, lose the network in several ways, and be back every time with nothing lost
// and nothing twice. At the end everything is compared with the portal's own ledger.
//
//   survive PORT [TRACE.jsonl]
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "roamio.hpp"

extern "C" {
#include "../c/portal.h"
#include "../c/report.h"
}

using namespace std::chrono_literals;

namespace {

/// What the handlers learn and the main thread waits for.
struct Seen {
  roamio::ConferenceState state = roamio::ConferenceState::Idle;
  roamio::Status end = roamio::Status::Ok;  // why the session ended
  std::vector<std::string> notifications;   // "name data", in the order of delivery
  int resumed = 0, gaps = 0;
  int replied = 0, unknown = 0, refused = 0, failed = 0;

  int received() const { return static_cast<int>(notifications.size()); }
  int outcomes() const { return replied + unknown + refused + failed; }
};

/// `Seen`, changed by the handlers and awaited by the main thread. The handlers own it too, because
/// they may still be running when the main thread gives up.
class Witness {
 public:
  template <class Change>
  void see(Change change) {
    const std::lock_guard<std::mutex> lock(lock_);
    change(seen_);
    changed_.notify_all();
  }

  template <class Condition>
  void wait_until(const char* what, Condition condition) {
    std::unique_lock<std::mutex> lock(lock_);
    if (!changed_.wait_for(lock, 20s, [&] { return condition(seen_); })) {
      throw std::runtime_error(std::string(what) + " did not happen within 20 s");
    }
  }

  Seen look() {
    const std::lock_guard<std::mutex> lock(lock_);
    return seen_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  Seen seen_;
};

const char* name(roamio::ConferenceState state) {
  static const char* const names[] = {"idle", "joining", "ready", "resuming", "leaving", "ended"};
  const auto number = static_cast<std::size_t>(state);
  return number < std::size(names) ? names[number] : "unknown";
}

// ---- The session's handlers: one at a time, on a thread of the library --------------------------

roamio::ConferenceHandlers handlers(const std::shared_ptr<Witness>& witness) {
  roamio::ConferenceHandlers handlers;
  handlers.on_state = [witness](const roamio::ConferenceTransition& step) {
    const std::string why = step.cause ? ": " + step.cause.message() : "";
    say("state", "%s%s", name(step.state), why.c_str());
    witness->see([&](Seen& seen) {
      seen.state = step.state;
      if (step.state == roamio::ConferenceState::Ended) seen.end = step.cause.status();
    });
  };
  handlers.on_retry = [](const roamio::Retry& retry) {
    say("retry", "attempt %u in %lld ms", retry.attempt,
        static_cast<long long>(retry.delay.count()));
  };
  handlers.on_resumed = [witness](bool complete, std::uint64_t replayed) {
    say("resumed", "%llu missed notifications follow%s", static_cast<unsigned long long>(replayed),
        complete ? "" : "; some may be lost");
    witness->see([](Seen& seen) { seen.resumed++; });
  };
  handlers.on_gap = [witness](std::uint64_t from, std::uint64_t to, bool certain) {
    say("gap", "%llu to %llu%s", static_cast<unsigned long long>(from),
        static_cast<unsigned long long>(to), certain ? "" : ", perhaps");
    witness->see([](Seen& seen) { seen.gaps++; });
  };
  handlers.on_notification = [witness](roamio::EventView event, bool /* the trace tells */) {
    witness->see([&](Seen& seen) {
      seen.notifications.push_back(std::string(event.name()) + " " + std::string(event.arg(0)));
    });
  };
  handlers.on_exception = [](const roamio::HandlerException& exception) {
    say("bug", "%s", exception.what.c_str());
  };
  return handlers;
}

// ---- The application ----------------------------------------------------------------------------

class Application {
 public:
  Application(int port, std::string_view trace) : port_(port) {
    roamio::ConferenceConfig config;
    config.trace_file(trace);
    conference_ = roamio::Conference::create(config, handlers(witness_)).value();
    conference_.login(token(), [](roamio::Result<roamio::EventView>) { /* the state tells it too */ })
        .value();
    witness_->wait_until("login", [](const Seen& seen) {
      return seen.state == roamio::ConferenceState::Ready;
    });
  }

  void lose_the_network_again_and_again() {
    send_texts(10);
    wait_for_everything();

    fault("RST while idle", "/control/cut?all=true&how=rst");
    others_speak();
    wait_for_resume(1);
    wait_for_everything();
    send_texts(10);
    wait_for_everything();

    fault("half-open", "/control/freeze?all=true&direction=out&mode=discard");
    others_speak();
    send_text("into the silence");
    wait_for_resume(2);
    witness_->wait_until("an outcome", [](const Seen& seen) { return seen.unknown == 1; });
    send_texts(10);
    wait_for_everything();

    fault("an ack is swallowed", "/control/swallow-ack?request=text");
    send_text("swallowed");
    wait_for_everything();  // our own text too, so the portal has executed it
    fault("closed by the network", "/control/cut?all=true&how=fin");
    wait_for_resume(3);
    witness_->wait_until("an outcome", [](const Seen& seen) { return seen.unknown == 2; });

    fault("silence, then a hint", "/control/freeze?all=true&direction=both&mode=discard");
    others_speak();
    say("hint", "the system says that the network changed");
    conference_.network_changed().value();
    wait_for_resume(4);

    others_speak();
    wait_for_everything();
    request("unpublish", R"({"id":"no-such-stream"})");
    witness_->wait_until("a refusal", [](const Seen& seen) { return seen.refused == 1; });
    send_texts(7);
    wait_for_everything();
  }

  /// The portal forgets everybody; this is the end of the session.
  void end() {
    ledger_ = read_ledger();
    fault("portal restarted", "/control/restart");
    witness_->wait_until("the end", [](const Seen& seen) {
      return seen.state == roamio::ConferenceState::Ended;
    });
    conference_.free_wait(20s).value();
  }

  /// Compare what was delivered with what was issued, and say what became of everything.
  bool settle_accounts() {
    const Seen seen = witness_->look();
    int issued = 0, lost = 0, executed = 0, swallowed = 0;
    std::istringstream lines(ledger_);
    for (std::string line; std::getline(lines, line);) {
      int skip = 0;
      if (std::sscanf(line.c_str(), "notification %*d %n", &skip) == 0 && skip > 0) {
        const bool same = issued < seen.received() &&
                          seen.notifications[static_cast<std::size_t>(issued)] ==
                              line.substr(static_cast<std::size_t>(skip));
        if (!same && lost++ == 0) {
          std::fprintf(stderr, "not delivered in its place: %s\n", line.c_str());
        }
        issued++;
      } else if (std::sscanf(line.c_str(), "request %*d %n", &skip) == 0 && skip > 0) {
        executed++;
        if (line.find("\"swallowed\"") != std::string::npos) swallowed++;
      }
    }
    const int doubled = seen.received() > issued ? seen.received() - issued : 0;
    std::printf("\nresumed %d of 4, notifications %d of %d, lost %d, doubled %d, "
                "requests %d: replied %d, unknown %d, refused %d\n",
                seen.resumed, seen.received(), issued, lost, doubled, requested_, seen.replied,
                seen.unknown, seen.refused);
    std::printf("the portal executed %d requests, the swallowed one %d time(s)\n", executed,
                swallowed);
    return seen.resumed == 4 && issued > 0 && seen.received() == issued && lost == 0 &&
           seen.gaps == 0 && seen.failed == 0 && seen.outcomes() == requested_ &&
           executed == seen.replied + seen.unknown && swallowed == 1 &&
           seen.end == roamio::Status::ServerRestarted;
  }

 private:
  // ---- Requests: each has exactly one outcome ----------------------------------------------------

  void request(const char* what, const std::string& json) {
    const auto done = [witness = witness_](roamio::Result<roamio::EventView> reply) {
      const roamio::Error error = reply.error();
      const char* outcome = "failed";
      witness->see([&](Seen& seen) {
        switch (error.status()) {
          case roamio::Status::Ok: outcome = "replied", seen.replied++; break;
          case roamio::Status::AckLost: outcome = "unknown", seen.unknown++; break;
          case roamio::Status::RequestRejected: outcome = "refused", seen.refused++; break;
          default: seen.failed++;
        }
      });
      if (error) say("request", "%s: %s", outcome, error.message().c_str());
    };
    conference_.request(what, json, 0ms, done).value();
    requested_++;
  }

  void send_text(const std::string& message) {
    said_++;
    request("text", R"({"to":"all","message":")" + message + "\"}");
  }

  void send_texts(int count) {
    for (int i = 0; i < count; i++) send_text("hello from C++");
    witness_->wait_until("an answer to every text", [this](const Seen& seen) {
      return seen.outcomes() == requested_;
    });
  }

  void wait_for_everything() {
    witness_->wait_until("everything that was said", [this](const Seen& seen) {
      return seen.received() == said_;
    });
  }

  void wait_for_resume(int number) {
    witness_->wait_until("resume", [number](const Seen& seen) { return seen.resumed == number; });
  }

  // ---- The portal --------------------------------------------------------------------------------

  std::string call(const char* method, const std::string& path, const char* body = "") const {
    std::string answer(1 << 20, '\0');
    const int status =
        portal_call(port_, method, path.c_str(), body, answer.data(), answer.size());
    if (status / 100 != 2) throw std::runtime_error("the portal refused " + path);
    answer.resize(std::strlen(answer.c_str()));
    return answer;
  }

  /// What an application's own server would do: obtain a token for this user.
  std::string token() const {
    return call("POST", "/v1/rooms/demo/tokens", R"({"user":"alice","role":"presenter"})");
  }

  /// Ask the portal for a fault, and mark it in the timeline.
  void fault(const char* what, const char* path) const {
    say("network", "-- %s --", what);
    mark(what);
    call("POST", path);
  }

  /// Another participant speaks: 100 texts to the room, 5 ms apart.
  void others_speak() {
    said_ += 100;
    fault("100 texts", "/control/texts?room=demo&count=100&gap_ms=5");
  }

  std::string read_ledger() const {
    const std::string participants = call("GET", "/control/participants?room=demo");
    const std::string mark = "\"id\":\"";
    const auto start = participants.find(mark);
    if (start == std::string::npos) throw std::runtime_error("nobody is in the room");
    const auto id = start + mark.size();
    const std::string participant = participants.substr(id, participants.find('"', id) - id);
    return call("GET", "/control/ledger?participant=" + participant + "&format=text");
  }

  const int port_;
  int said_ = 0;  // texts to the room, by anybody; those of our own come back to us too
  int requested_ = 0;
  std::string ledger_;
  std::shared_ptr<Witness> witness_ = std::make_shared<Witness>();
  roamio::Conference conference_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: survive PORT [TRACE.jsonl MARKS.jsonl]\n");
    return 2;
  }
  report_open(argc > 3 ? argv[3] : nullptr);
  bool good = false;
  try {
    Application application(std::atoi(argv[1]), argc > 2 ? argv[2] : "");
    application.lose_the_network_again_and_again();
    application.end();
    good = application.settle_accounts();
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "%s\n", exception.what());
  }
  report_close();
  return good ? 0 : 1;
}
