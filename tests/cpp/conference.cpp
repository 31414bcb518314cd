// A conference against the portal: its whole life, with every kind of handler.
#include "common.hpp"

using namespace roamio;

static void a_token_that_is_none_is_refused() {
  Conference conference = Conference::create(ConferenceConfig()).value();
  EXPECT(TokenInvalid, conference.login("no token").get());
  EXPECT(NotLoggedIn, conference.request("text", "{}").get());
  EXPECT(NotLoggedIn, conference.logout().get());
  EXPECT(InvalidState, conference.dispatch());
  CHECK(conference.state() == ConferenceState::Idle);
  EXPECT(InvalidArgument, Conference::create(ConferenceConfig().user_agent("", "")));
}

static void a_session_lives(const std::string& token) {
  const auto witness = std::make_shared<Witness>();
  const std::weak_ptr<Witness> alive = witness;
  std::uint64_t last = 0;
  Conference conference;
  ConferenceHandlers handlers;
  handlers.on_state = [witness](const ConferenceTransition& step) {
    witness->see("state " + std::to_string(static_cast<int>(step.state)));
    CHECK(!step.cause);
  };
  handlers.on_resumable = [witness](bool resumable) {
    CHECK(resumable);
    witness->see("resumable");
  };
  handlers.on_notification = [witness, &last](EventView event, bool replayed) {
    CHECK(event.number() == ++last && event.arg_count() == 1 && !replayed);
    CHECK(Event(event).number() == event.number() && event.ack_token() == AckToken{});
    if (event.name() == "text") witness->see("text");
  };
  handlers.on_exception = [witness](const HandlerException& exception) {
    witness->see("exception " + exception.what);
  };
  conference = Conference::create(ConferenceConfig(), std::move(handlers)).value();

  const Event room = conference.login(token).get().value();
  CHECK(room.arg(0).find("\"role\":\"presenter\"") != std::string_view::npos);
  CHECK(conference.state() == ConferenceState::Ready);
  EXPECT(InvalidState, conference.login(token).get());
  witness->wait_for("resumable");
  witness->wait_for("text");

  // Refused by the portal, cancelled, confirmed.
  const Error refused = conference.request("unpublish", "{\"id\":\"none\"}").get().error();
  CHECK(refused == Status::RequestRejected && refused.layer() == Layer::Conference);
  CHECK(!refused.server_json().empty());
  EXPECT(ReservedEvent, conference.request("logout", "{}").get());
  const std::string text = "{\"to\":\"all\",\"message\":\"hello\"}";
  Outcome cancelled = conference.request("text", text, std::chrono::seconds(5));
  EXPECT(Ok, conference.cancel(cancelled.request()));
  const Result<Event> outcome = cancelled.get();
  CHECK(outcome || outcome.error() == Status::Cancelled);
  EXPECT(Ok, conference.request("text", text).get());
#if ROAMIO_CAN_CATCH
  conference.request("text", text, milliseconds(0), [](Result<EventView>) {
    throw std::runtime_error("in a completion");
  }).value();
  witness->wait_for("exception in a completion");
#endif
  EXPECT(Ok, conference.network_changed());
  EXPECT(Ok, conference.logout().get());
  witness->wait_for("state 5");
  EXPECT(Ok, conference.free_wait(LONG));
  CHECK(alive.use_count() == 1);  // ours; the handlers are gone
}

// Freed in its own handler; the pending request and the handlers end all the same.
static void a_session_is_freed_inside(const std::string& token) {
  Witness witness;
  const auto held = std::make_shared<int>();
  Conference conference;
  ConferenceHandlers handlers;
  handlers.on_resumable = [&, end = std::shared_ptr<int>(held.get(), [&, held](int*) {
                             witness.see("destroyed");
                           })](bool) {
    EXPECT(WouldDeadlock, conference.free_wait(LONG));
    conference.request("text", "{\"to\":\"all\",\"message\":\"\"}").then([&](Result<Event> reply) {
      witness.see("pending " + std::string(name(reply.error().status())));
    });
    conference.free();
  };
  conference = Conference::create(ConferenceConfig(), std::move(handlers)).value();
  EXPECT(Ok, conference.login(token, [](Result<EventView>) {}));
  handlers = {};
  witness.wait_for("destroyed");
  CHECK(witness.seen() == "pending CLOSED;destroyed;");
}

// A fresh login takes the place of the session, with a token that is asked for.
static void a_session_is_renewed(const std::string& token, const std::string& fresh) {
  const auto witness = std::make_shared<Witness>();
  Conference conference;
  ConferenceHandlers handlers;
  handlers.on_token_wanted = [&](AskToken ask, const Error& error) {
    CHECK(!error);
    EXPECT(TokenInvalid, conference.provide_token(ask, "no token"));
    EXPECT(Ok, conference.provide_token(ask, fresh));
  };
  handlers.on_rejoined = [&](EventView answer) {
    CHECK(answer.arg_count() == 1);
    witness->see("rejoined");
  };
  ConferenceConfig config;
  config.turn(Switch::RejoinOnGap, true).socket_hook([&](std::ptrdiff_t socket, SocketPurpose purpose) {
    CHECK(socket >= 0);
    if (purpose == SocketPurpose::Server) witness->see("socket");
    return true;
  });
  conference = Conference::create(config, std::move(handlers)).value();
  CHECK(conference.room().value().find("\"participants\":[]") != std::string::npos);
  EXPECT(Ok, conference.login(token).get());
  witness->wait_for("socket");
  CHECK(conference.room().value().find("\"participants\"") != std::string::npos);
  EXPECT(Ok, conference.rejoin().get());
  witness->wait_for("rejoined");
  RequestOptions twice;
  twice.idempotent = true;
  const Event said = conference.request(requests::Text, R"({"to":"all","message":""})", twice).get().value();
  CHECK(!said.resent());
  EXPECT(ExportForeign, Conference::create(ConferenceConfig()).value().restore("no export").get());
  const Secret secret = conference.export_session().value();
  CHECK(!secret.text().empty());
  EXPECT(Ok, conference.detach());
  EXPECT(Closed, conference.request(requests::Text, "{}").get());
  EXPECT(Ok, conference.free_wait(LONG));
}

int main(int argc, char** argv) {
  CHECK(argc == 5);
  a_token_that_is_none_is_refused();
  a_session_lives(argv[1]);
  a_session_is_freed_inside(argv[2]);
  a_session_is_renewed(argv[3], argv[4]);
  return 0;
}
