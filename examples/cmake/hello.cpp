// The smallest program: it says which library runs, and that nobody answers at a closed port.
#include <future>
#include <iostream>

#include "roamio.hpp"

int main() {
  std::promise<roamio::Error> answer;
  roamio::SocketHandlers handlers;
  handlers.on_connect_error = [&](const roamio::Error& error, bool) { answer.set_value(error); };

  roamio::Config config;
  config.url("http://127.0.0.1:9").reconnect(false);
  auto manager = roamio::Manager::create(config).value();
  auto socket = manager.socket("/", std::move(handlers)).value();
  socket.connect().value();
  const roamio::Error error = answer.get_future().get();
  std::cout << "roamio " << roamio::version() << ": " << roamio::name(error.status()) << "\n";

  // Before main returns nothing of the library may run any more.
  socket.free_wait(std::chrono::seconds(1)).value();
  manager.free_wait(std::chrono::seconds(1)).value();
}
