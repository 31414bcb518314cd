// Plays a scenario of tests/scenarios and prints what a host sees of it. The same program exists in
// every language of roamio, and all of them print the same.
//
//   scenario SCENARIO.json PORTAL_URL
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "log.hpp"
#include "portal.hpp"
#include "words.hpp"

namespace {

/// A conference or a socket.
struct Object {
  explicit Object(std::string given) : name(std::move(given)) {}

  const std::string name;
  Log log;
  std::size_t awaited = 0;  // how many of the lines
  roamio::Conference conference;
  roamio::Manager manager;
  roamio::Socket socket;
  std::string user, destroy_on;
};

/// A scenario under way.
class Player {
 public:
  explicit Player(int port) : portal_(port) {}

  void play(Json step) {
    const std::string action = step["do"].text();
    const auto found = actions().find(action);
    if (found == actions().end()) throw std::runtime_error("nobody can do " + action);
    (this->*found->second)(step);
  }

  /// Nothing is told any more.
  void close() {
    for (const auto& object : objects_) {
      if (object->conference) object->conference.free_wait(limit).value();
      if (object->socket) object->socket.free_wait(limit).value();
    }
  }

  void print() {
    for (const auto& object : objects_) {
      for (const std::string& line : object->log.all()) {
        std::cout << object->name << " " << names_.hide(line) << "\n";
      }
    }
    for (const std::string& id : asked_) {
      const std::string outcome = outcomes_.all()[outcomes_.wait(0, id)];
      std::cout << "outcome " << names_.hide(outcome) << "\n";
    }
  }

 private:
  using Show = std::string (*)(roamio::EventView);
  using Actions = std::map<std::string, void (Player::*)(Json)>;

  static const Actions& actions() {
    static const Actions actions = {
        {"conference", &Player::conference}, {"login", &Player::login},
        {"request", &Player::request},       {"cancel", &Player::cancel},
        {"hint", &Player::hint},             {"rejoin", &Player::rejoin},
        {"logout", &Player::logout},         {"export", &Player::export_session},
        {"restore", &Player::restore},       {"detach", &Player::detach},
        {"destroy_on", &Player::destroy_on}, {"socket", &Player::socket},
        {"emit", &Player::emit},             {"disconnect", &Player::disconnect},
        {"portal", &Player::portal},         {"pause", &Player::pause},
        {"await", &Player::await},
    };
    return actions;
  }

  // ---- Conferences ----

  void conference(Json step) {
    Object* object = add(step, "c");
    const auto observe = [object](std::string line) {
      if (!object->destroy_on.empty() && begins(line, object->destroy_on)) {
        object->conference.free();
      }
      object->log.tell(std::move(line));
    };
    roamio::ConferenceHandlers handlers;
    handlers.on_state = [observe](const auto& step) { observe(words::state(step)); };
    handlers.on_resumable = [observe](bool resumable) {
      observe(resumable ? "resumable yes" : "resumable no");
    };
    handlers.on_resumed = [observe](bool complete, std::uint64_t replayed) {
      observe((complete ? "resumed complete " : "resumed incomplete ") + std::to_string(replayed));
    };
    handlers.on_migrated = [observe] { observe("migrated"); };
    handlers.on_gap = [observe](std::uint64_t from, std::uint64_t to, bool certain) {
      observe((certain ? "gap certain " : "gap uncertain ") + std::to_string(from) + " " +
              std::to_string(to));
    };
    handlers.on_notification = [observe](roamio::EventView event, bool replayed) {
      observe(words::notification(event, replayed));
    };
    handlers.on_protocol_error = [observe](const roamio::Error& error) {
      observe(words::with_cause("protocol_error", error));
    };
    if (step["ask_token"].raw() == "true") {
      handlers.on_token_wanted = [this, object, observe](roamio::AskToken question,
                                                         const roamio::Error& error) {
        object->conference.provide_token(question, portal_.token(object->user)).value();
        observe(words::with_cause("token_wanted", error));
      };
    }
    handlers.on_rejoined = [this, object, observe](roamio::EventView answer) {
      learn(*object, answer);
      observe("rejoined");
    };
    roamio::ConferenceConfig config;
    config.turn(roamio::Switch::RejoinOnGap, step["rejoin_on_gap"].raw() == "true");
    object->conference = roamio::Conference::create(config, std::move(handlers)).value();
  }

  void login(Json step) {
    Object& object = find(step, "c");
    object.user = step["user"].text();
    const std::string token = portal_.token(object.user);
    ask(step, words::done, [&](roamio::Completion done) {
      return object.conference.login(token, [this, &object, done](auto answer) {
        if (answer) learn(object, *answer);
        done(answer);
      });
    });
  }

  void request(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    ask(step, words::answered, [&](roamio::Completion done) {
      return conference.request(step["name"].text(), names_.resolve(step["data"].raw()),
                                roamio::milliseconds(0), std::move(done));
    });
  }

  void cancel(Json step) {
    find(step, "c").conference.cancel(requests_.at(step["id"].text())).value();
  }

  void hint(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    const std::string kind = step["kind"].text();
    if (kind == "network_available") return conference.network_available().value();
    if (kind == "network_lost") return conference.network_lost().value();
    if (kind == "network_changed") return conference.network_changed().value();
    if (kind == "suspended") return conference.suspended().value();
    if (kind == "resumed") return conference.resumed().value();
    throw std::runtime_error("no hint " + kind);
  }

  void rejoin(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    ask(step, words::done, [&](roamio::Completion done) { return conference.rejoin(done); });
  }

  void logout(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    ask(step, words::done, [&](roamio::Completion done) { return conference.logout(done); });
  }

  void export_session(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    exports_.emplace(step["to"].text(), conference.export_session().value());
  }

  void restore(Json step) {
    const roamio::Conference& conference = find(step, "c").conference;
    const roamio::Secret& exported = exports_.at(step["from"].text());
    ask(step, words::done, [&](roamio::Completion done) {
      return conference.restore(exported.text(), done);
    });
  }

  void detach(Json step) { find(step, "c").conference.detach().value(); }

  void destroy_on(Json step) { find(step, "c").destroy_on = step["line"].text(); }

  // ---- Sockets ----

  void socket(Json step) {
    Object* object = add(step, "s");
    roamio::SocketHandlers handlers;
    handlers.on_state = [object](const auto& step) { object->log.tell(words::state(step)); };
    handlers.on_event = [object](roamio::EventView event) {
      object->log.tell("event " + std::string(event.name()) + " " + words::args(event));
    };
    roamio::Config config;
    config.url(portal_.url());
    object->manager = roamio::Manager::create(config).value();
    const std::string nsp = step["namespace"] ? step["namespace"].text() : "/echo";
    object->socket = object->manager.socket(nsp, std::move(handlers)).value();
    object->socket.connect().value();
  }

  void emit(Json step) {
    const roamio::Socket& socket = find(step, "s").socket;
    std::vector<std::vector<std::uint8_t>> bytes;
    const Json attachments = step["attachments"];
    std::size_t at = 0;
    while (const Json one = attachments.next(at)) bytes.push_back(from_hex(one.text()));
    roamio::EmitOptions options;
    options.attachments.assign(bytes.begin(), bytes.end());
    const std::string name = step["name"].text(), args = step["args"].raw();
    if (!step["id"]) return socket.emit(name, args, options).value();
    ask(step, words::acked, [&](roamio::Completion done) {
      return socket.emit_with_ack(name, args, options, std::move(done));
    });
  }

  void disconnect(Json step) { find(step, "s").socket.disconnect().value(); }

  static std::vector<std::uint8_t> from_hex(const std::string& digits) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at < digits.size(); at += 2) {
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(at, 2), nullptr, 16)));
    }
    return bytes;
  }

  // ---- Everything else ----

  void portal(Json step) { portal_.post(names_.resolve(step["path"].text()), ""); }

  void pause(Json step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stoul(step["ms"].raw())));
  }

  void await(Json step) {
    if (step["id"]) {
      outcomes_.wait(0, step["id"].text());
      return;
    }
    Object& object = find(step, "c");
    object.awaited = object.log.wait(object.awaited, step["line"].text()) + 1;
  }

  /// Do something that has an outcome. An error of the call is one too.
  template <class Call>
  void ask(Json step, Show show, Call&& call) {
    const std::string id = step["id"].text();
    asked_.push_back(id);
    const auto called = call([this, id, show](roamio::Result<roamio::EventView> outcome) {
      outcomes_.tell(id + " " + (outcome ? show(*outcome) : failure(outcome.error())));
    });
    if (!called) outcomes_.tell(id + " " + failure(called.error()));
    if constexpr (std::is_same_v<decltype(called), const roamio::Result<roamio::RequestId>>) {
      if (called) requests_[id] = *called;
    }
  }

  static std::string failure(const roamio::Error& error) {
    return std::string(name(error.status()));
  }

  void learn(const Object& object, roamio::EventView answer) {
    names_.learn(object.name, Json(words::data(answer))["id"].text());
  }

  static std::string name_of(Json step, const char* usual) {
    return step["as"] ? step["as"].text() : usual;
  }

  Object* add(Json step, const char* usual) {
    objects_.push_back(std::make_unique<Object>(name_of(step, usual)));
    return objects_.back().get();
  }

  Object& find(Json step, const char* usual) {
    const std::string name = name_of(step, usual);
    for (const auto& object : objects_) {
      if (object->name == name) return *object;
    }
    throw std::runtime_error("no object " + name);
  }

  const Portal portal_;
  Names names_;
  Log outcomes_;
  std::vector<std::string> asked_;
  std::map<std::string, roamio::RequestId> requests_;
  std::map<std::string, roamio::Secret> exports_;
  /// In the order of their making. The last member: it ends first, and nobody is told more.
  std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  if (argc != 3 || std::sscanf(argv[2], "http://127.0.0.1:%d", &port) != 1) {
    std::cerr << "usage: scenario SCENARIO.json http://127.0.0.1:PORT\n";
    return 1;
  }
  try {
    std::ostringstream text;
    text << std::ifstream(argv[1]).rdbuf();
    const std::string scenario = text.str();
    const Json steps = Json(scenario)["steps"];
    Player player(port);
    std::size_t at = 0;
    while (const Json step = steps.next(at)) player.play(step);
    player.close();
    player.print();
  } catch (const std::exception& error) {
    std::cerr << argv[1] << ": " << error.what() << "\n";
    // Handlers may still be running beside whatever the end of main takes down.
    std::cerr.flush();
    std::_Exit(1);
  }
  return 0;
}
