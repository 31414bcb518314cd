// Coroutines that await outcomes and events: a conference at the portal, a socket at the server.
#include "roamio_coro.hpp"

#include "common.hpp"

using namespace roamio;

/// A coroutine that starts at once, and whose end can be waited for.
class Task {
 public:
  struct promise_type {
    std::promise<void> end;
    Task get_return_object() { return Task(end.get_future()); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() { end.set_value(); }
    void unhandled_exception() { std::abort(); }
  };

  void wait() { CHECK(end_.wait_for(LONG) == std::future_status::ready); }

 private:
  explicit Task(std::future<void> end) : end_(std::move(end)) {}
  std::future<void> end_;
};

/// What a coroutine and the main thread share.
struct Meeting {
  Events<ConferenceEvent> events;
  Conference conference;
  int texts = 0, steps = 0;
  Status end = Status::Closed;
};

static Task listen(Meeting& meeting) {
  while (std::optional<ConferenceEvent> event = co_await meeting.events.next()) {
    if (const auto* told = std::get_if<told::Notification>(&*event)) {
      if (told->event.name() == "text") meeting.texts++;
    } else if (const auto* step = std::get_if<ConferenceTransition>(&*event)) {
      meeting.steps++;
      if (step->state == ConferenceState::Ended) meeting.end = step->cause.status();
    }
  }
}

static Task talk(Meeting& meeting, const std::string& token) {
  const Result<Event> room = co_await meeting.conference.login(token);
  CHECK(room.value().arg_count() == 1);
  for (int i = 0; i < 10; i++) {
    const auto said = co_await meeting.conference.request("text", R"({"to":"all","message":"x"})");
    EXPECT(Ok, said);
  }
  // One that is there already does not suspend.
  EXPECT(InvalidState, co_await meeting.conference.login(token));
  EXPECT(Ok, co_await meeting.conference.logout());
}

static void a_meeting(const std::string& token) {
  Meeting meeting;
  meeting.conference =
      Conference::create(ConferenceConfig(), meeting.events.handlers()).value();
  Task listening = listen(meeting);
  talk(meeting, token).wait();
  EXPECT(Ok, meeting.conference.free_wait(LONG));
  listening.wait();
  CHECK(meeting.texts >= 10 && meeting.steps == 4 && meeting.end == Status::Ok);
  CHECK(meeting.events.waiting() == 0);
}

static Task count(Events<SocketEvent>& events, int& drops) {
  while (auto event = co_await events.next()) {
    if (const auto* plain = std::get_if<Event>(&*event)) drops += plain->name() == "drop";
  }
}

static Task burst(const Socket& socket) {
  EXPECT(Ok, socket.connect());
  EXPECT(Ok, socket.emit("burst", "[]"));
  const auto reply = co_await socket.emit_with_ack("echo", "[\"x\"]");
  CHECK(reply.value().arg(0) == "\"x\"");
}

static void a_burst(const std::string& url) {
  Events<SocketEvent> events;
  Manager manager = Manager::create(Config().url(url)).value();
  Socket socket = manager.socket("/", events.handlers()).value();
  int drops = 0;
  burst(socket).wait();
  // What was told before anybody awaited has waited.
  CHECK(events.waiting() >= 102);
  Task counting = count(events, drops);
  CHECK(drops == 100);
  EXPECT(Ok, socket.free_wait(LONG));
  counting.wait();
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  a_burst(std::string("http://127.0.0.1:") + argv[1]);
  a_meeting(argv[2]);
  return 0;
}
