// Managers, sockets and the registry against an echo server: everything that the C++ layer adds.
#include <thread>

#include "common.hpp"

using namespace roamio;

static std::string url;

static Config config(Dispatch dispatch = Dispatch::Thread) {
  Config config;
  config.url(url).dispatch(dispatch).reconnect(false);
  return config;
}

// ---- Results and handles ------------------------------------------------------------------------

static void results_hold_one_of_two() {
  Result<int> seven = 7;
  CHECK(seven && *seven == 7 && seven.value() == 7 && !seven.error());
  Result<int> none = Error(Status::Dns);
  CHECK(!none && none.error() == Status::Dns && std::move(none).value_or(3) == 3);
  CHECK(Result<void>() && !Result<void>(Error(Status::Closed)));
  CHECK(name(Status::AckLost) == "ACK_LOST" && abi_matches() && version() == ROAM_VERSION);
#if ROAMIO_EXCEPTIONS
  try {
    Manager::create(Config().url("ftp://nowhere")).value();
    CHECK(!"it threw");
  } catch (const Exception& exception) {
    CHECK(exception.error() == Status::InvalidUrl && exception.error().retry() == Remedy::Never);
    CHECK(std::string(exception.what()).find("INVALID_URL: ") == 0);
  }
#endif
}

static void options_keep_their_first_error() {
  Config options = config();
  options.timeout(Timeout::Attempt, milliseconds(-1)).path("bad path").parser(Parser::Json);
  CHECK(options.error() == Status::InvalidArgument && !options.error().message().empty());
  EXPECT(InvalidArgument, Manager::create(options));
  EXPECT(InvalidArgument, Registry().socket(url, {}, {&options, true, {}}));
  options = config();
  options.timeout(Timeout::Attempt, std::chrono::minutes(1)).limit(Limit::JsonDepth, 20);
  options.transports({Transport::Websocket}).turn(Switch::Cookies, false).add_header("x-a", "b");
  CHECK(!options.error());
}

static void an_empty_handle_refuses() {
  Manager manager;
  Socket socket;
  CHECK(!manager && !socket);
  EXPECT(NullArgument, manager.network_changed());
  EXPECT(NullArgument, manager.socket("/"));
  EXPECT(NullArgument, socket.emit("x", "[]"));
  EXPECT(NullArgument, socket.emit_with_ack("x", "[]").get());
  EXPECT(NullArgument, socket.on("x", [](EventView) {}));
  CHECK(manager.state() == ManagerState::Closed && socket.state() == SocketState::Closed);

  manager = Manager::create(config()).value();
  Manager moved = std::move(manager);
  CHECK(moved && !manager);  // NOLINT: a moved handle is empty
  socket = moved.socket("/a").value();
  CHECK(socket.nsp() == "/a" && moved.uses("/a"));
  EXPECT(InvalidState, moved.socket("/a"));
  EXPECT(InvalidJson, socket.emit("x", "no json"));
  EXPECT(ReservedEvent, socket.on("connect", [](EventView) {}));
  EXPECT(NullArgument, socket.on("x", nullptr));
  EXPECT(Ok, socket.free_wait(LONG));
  CHECK(!socket);
}

// ---- Talking ------------------------------------------------------------------------------------

/// A socket that tells everything to a witness; `alive` shows whether its handlers are.
struct Guest {
  std::shared_ptr<Witness> witness = std::make_shared<Witness>();
  std::shared_ptr<int> alive = std::make_shared<int>(0);
  Manager manager;
  Socket socket;

  explicit Guest(const Config& config, std::string_view nsp = "/") {
    ManagerHandlers managed;
    managed.on_transport = [seen = witness](Transport transport, bool) {
      seen->see(transport == Transport::Websocket ? "websocket" : "polling");
    };
    manager = Manager::create(config, managed).value();
    socket = manager.socket(nsp, handlers()).value();
  }

  SocketHandlers handlers() const {
    SocketHandlers handlers;
    handlers.on_state = [seen = witness](const SocketTransition& step) {
      seen->see("state " + std::to_string(static_cast<int>(step.state)));
    };
    handlers.on_connect = [seen = witness, alive = alive](std::string_view sid, bool recovered) {
      CHECK(*alive == 0 && sid == "socket" && !recovered);
      seen->see("connect");
    };
    handlers.on_event = [seen = witness](EventView event) {
      seen->see(Event(event).name() + " " + std::string(event.arg(0)));
    };
    return handlers;
  }
};

static void events_and_answers_come() {
  Guest guest(config().transports({Transport::Websocket}, Opening::First));
  const Socket& socket = guest.socket;
  EXPECT(Ok, socket.connect());
  guest.witness->wait_for("connect");
  CHECK(socket.state() == SocketState::Connected);
  CHECK(guest.manager.state() == ManagerState::Connected);
  CHECK(guest.witness->seen().find("websocket;") != std::string::npos);

  // Three ways to the outcome of a request.
  socket.emit_with_ack("echo", "[1,\"two\"]", {}, [seen = guest.witness](Result<EventView> reply) {
    seen->see("reply " + std::string(reply.value().arg(1)));
  }).value();
  guest.witness->wait_for("reply \"two\"");
  const Event reply = socket.emit_with_ack("echo", "[3]").get().value();
  CHECK(reply.arg_count() == 1 && reply.arg(0) == "3" && reply.arg(1).empty());
  std::future<Result<Event>> future = socket.emit_with_ack("echo", "[4]");
  CHECK(future.get().value().arg(0) == "4");
#ifdef ROAMIO_JSON_HPP
  CHECK(json_arg(reply, 0).value() == 3 && json_text({{"a", 1}}) == "{\"a\":1}");
  EXPECT(InvalidJson, json_arg(reply, 1));
#endif

  // Cancelled, and out of time.
  Outcome silent = socket.emit_with_ack("silent", "[]");
  CHECK(!silent.ready() && !silent.wait_for(milliseconds(0)));
  EXPECT(Ok, socket.cancel(silent.request()));
  EXPECT(Cancelled, silent.get());
  EmitOptions soon;
  soon.timeout = milliseconds(20);
  EXPECT(AckTimeout, socket.emit_with_ack("silent", "[]", soon).get());
  EmitOptions never;
  never.timeout = milliseconds(-5);
  EXPECT(InvalidArgument, socket.emit_with_ack("silent", "[]", never).get());

  // Listeners, in the order in which they came.
  const ListenerId burst = socket.on("drop", [seen = guest.witness](EventView event) {
    if (event.arg(0) == "99") seen->see("listener");
  }).value();
  socket.on_any([seen = guest.witness](EventView event) {
    if (event.arg(0) == "99") seen->see("any");
  }).value();
  socket.prepend_any([seen = guest.witness](EventView event) {
    if (event.arg(0) == "99") seen->see("first");
  }).value();
  EXPECT(Ok, socket.emit("burst", "[]"));
  guest.witness->wait_for("listener");
  CHECK(guest.witness->seen().find("first;any;listener;") != std::string::npos);
  EXPECT(Ok, socket.off(burst));
  EXPECT(Ok, socket.off_any());

  // A question of the server, with an answer.
  socket.once("question", [&](EventView event) {
    EXPECT(Ok, socket.ack(event.ack_token(), "[\"answer\"]"));
    guest.witness->see("asked");
  }).value();
  EXPECT(Ok, socket.emit("ask", "[]"));
  guest.witness->wait_for("asked");
  EXPECT(Ok, socket.emit_with_ack("echo", "[]").get());

  const std::weak_ptr<int> handlers = guest.alive;
  guest.alive.reset();
  CHECK(!handlers.expired());
  EXPECT(Ok, guest.manager.free_wait(LONG));
  EXPECT(Ok, guest.socket.free_wait(LONG));
  CHECK(handlers.expired());
}

static void a_pending_request_ends_with_its_socket() {
  Guest guest(config());
  Outcome pending = guest.socket.emit_with_ack("silent", "[]");
  guest.socket.emit_with_ack("silent", "[]").then([seen = guest.witness](Result<Event> reply) {
    seen->see(std::string(name(reply.error().status())));
  });
  guest.socket.free();
  EXPECT(Closed, pending.get());
  guest.witness->wait_for("CLOSED");
}

// ---- Exceptions ---------------------------------------------------------------------------------

#if ROAMIO_CAN_CATCH
struct Oops : std::exception {
  const char* what() const noexcept override { return "oops"; }
};

// Thrown in every kind of handler, told each time, and the session goes on.
static void exceptions_are_stopped_and_told() {
  Witness witness, log;
  const auto told = [&](const HandlerException& exception) {
    witness.see("told " + exception.what);
    CHECK(exception.exception);
    throw 7;  // also here
  };
  CHECK(set_log(LogLevel::Error, [&](LogLevel level, std::string_view target, std::string_view line) {
    if (level == LogLevel::Error && target == "roamio::handler") log.see(std::string(line));
  }));
  const auto count = [&](const std::string& what) {
    int found = 0;
    const std::string seen = witness.seen();
    for (auto at = seen.find(what); at != std::string::npos; at = seen.find(what, at + 1)) found++;
    return found;
  };

  ManagerHandlers managed;
  managed.on_state = [](const ManagerTransition&) { throw Oops(); };
  managed.on_exception = told;
  SocketHandlers handlers;
  handlers.on_state = [](const SocketTransition&) { throw Oops(); };
  handlers.on_connect = [](std::string_view, bool) { throw 7; };
  handlers.on_event = [](EventView) { throw Oops(); };
  handlers.on_exception = told;
  Manager manager = Manager::create(config(), managed).value();
  Socket socket = manager.socket("/", handlers).value();
  EXPECT(Ok, socket.connect());
  witness.wait_for("told something that is no std::exception");
  CHECK(count("told oops;") >= 4);  // two states each

  socket.on("drop", [](EventView event) {
    if (event.arg(0) == "5") throw Oops();
  }).value();
  EXPECT(Ok, socket.emit("burst", "[]"));
  socket.emit_with_ack("echo", "[]", {}, [](Result<EventView> reply) {
    CHECK(reply);
    throw std::runtime_error("in a completion");
  }).value();
  witness.wait_for("told in a completion");
  // Whoever throws it out of Result::value() is stopped as well.
  socket.emit_with_ack("x", "[]", {}, [](Result<EventView>) {
#if ROAMIO_EXCEPTIONS
    Result<int>(Error(Status::Dns)).value();
#endif
    throw std::runtime_error("DNS: DNS");
  }).value();
  EXPECT(Ok, socket.emit_with_ack("echo", "[]").get());
  log.wait_for("exception in a handler: oops");
  log.wait_for("exception in on_exception");
  EXPECT(Ok, socket.free_wait(LONG));
  EXPECT(Ok, manager.free_wait(LONG));
  CHECK(set_log(LogLevel::Off, nullptr));
}
#endif

// ---- Whose thread -------------------------------------------------------------------------------

static void a_loop_of_ones_own() {
  Guest guest(config(Dispatch::Manual));
  const auto woken = std::make_shared<Witness>();
  const std::weak_ptr<Witness> wake = woken;
  EXPECT(Ok, guest.manager.set_wake([woken] { woken->see("woken"); }));
  CHECK(guest.manager.wake_fd().value() >= 0);
  EXPECT(Ok, guest.socket.connect());
  woken->wait_for("woken");
  while (guest.witness->seen().find("connect;") == std::string::npos) {
    CHECK(guest.manager.dispatch(10));
    std::this_thread::yield();
  }
  while (guest.socket.dispatch(1).value() > 0) continue;
  guest.manager.free();
  guest.socket.free();
  EXPECT(InvalidState, Guest(config()).manager.dispatch());
  EXPECT(InvalidState, Guest(config()).manager.set_wake([] {}));
}

static void an_executor_runs_the_jobs() {
  // The simplest one: a thread for each job.
  const auto jobs = std::make_shared<Witness>();
  {
    Guest guest(config().executor([jobs](Job job) {
      jobs->see("job");
      std::thread(job).detach();
      return true;
    }));
    EXPECT(Ok, guest.socket.connect());
    guest.witness->wait_for("connect");
    EXPECT(Ok, guest.socket.free_wait(LONG));
    EXPECT(Ok, guest.manager.free_wait(LONG));
  }
  CHECK(jobs->seen().find("job;") == 0);
}

static void a_registry_shares_a_connection() {
  Registry registry;
  Witness witness;
  SocketHandlers handlers;
  handlers.on_connect = [&](std::string_view, bool) { witness.see("connect"); };
  Found first = registry.socket(url + "/one", handlers).value();
  Found second = registry.socket(url + "/two").value();
  CHECK(first.socket.nsp() == "/one" && first.manager.uses("/two"));
  EXPECT(Ok, first.socket.connect());
  witness.wait_for("connect");
  EXPECT(InvalidUrl, registry.socket("ftp://x"));
  registry.free();
  EXPECT(Ok, second.socket.free_wait(LONG));
  EXPECT(Ok, first.socket.free_wait(LONG));
}

static void a_target_and_an_auth_are_asked_for() {
  const auto witness = std::make_shared<Witness>();
  Manager manager;
  Socket socket;
  ManagerHandlers managed;
  managed.on_target_wanted = [&](AskToken token, std::uint32_t attempt, const Error& error) {
    CHECK(attempt == 0 && !error);
    EXPECT(Ok, manager.provide_target(token, url, {{"x-header", "value"}}));
    witness->see("target");
  };
  SocketHandlers handlers;
  handlers.on_auth_wanted = [&](AskToken token, const Error&) {
    EXPECT(Ok, socket.refuse_auth(token, "not today"));
  };
  handlers.on_connect_error = [&](const Error& error, bool active) {
    CHECK(error == Status::Cancelled && !active);
    witness->see("refused");
  };
  manager = Manager::create(Config().reconnect(false), managed).value();
  socket = manager.socket("/", handlers).value();
  EXPECT(Ok, socket.connect());
  witness->wait_for("target");
  witness->wait_for("refused");
  EXPECT(Ok, socket.free_wait(LONG));
  EXPECT(Ok, manager.free_wait(LONG));
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  url = std::string("http://127.0.0.1:") + argv[1];
  results_hold_one_of_two();
  options_keep_their_first_error();
  an_empty_handle_refuses();
  events_and_answers_come();
  a_pending_request_ends_with_its_socket();
#if ROAMIO_CAN_CATCH
  exceptions_are_stopped_and_told();
#endif
  a_loop_of_ones_own();
  an_executor_runs_the_jobs();
  a_registry_shares_a_connection();
  a_target_and_an_auth_are_asked_for();
  return 0;
}
