// The application's server, which has tokens, and the one who makes the faults: both are the embedded
// portal's HTTP. And the JSON of scenarios.
#ifndef SCENARIO_PORTAL_HPP
#define SCENARIO_PORTAL_HPP

#include <stdexcept>
#include <string>

extern "C" {
#include "../../c/portal.h"
#include "../../c/scenario/json.h"
}

/// The portal of a scenario.
class Portal {
 public:
  explicit Portal(int port) : port_(port) {}

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::string token(const std::string& user) const {
    return post("/v1/rooms/room/tokens", R"({"user":")" + user + R"(","role":"presenter"})");
  }

  std::string post(const std::string& path, const std::string& body) const {
    char answer[2048];
    if (portal_call(port_, "POST", path.c_str(), body.c_str(), answer, sizeof answer) != 200) {
      throw std::runtime_error("the portal refused " + path);
    }
    return answer;
  }

 private:
  int port_;
};

/// A value in the JSON of a scenario.
class Json {
 public:
  explicit Json(roam_str json) : json_(json) {}
  explicit Json(const std::string& text) : Json(roam_str{text.data(), text.size()}) {}

  explicit operator bool() const { return json_.len > 0; }
  Json operator[](const char* member) const { return Json(json_member(json_, member)); }
  Json next(std::size_t& at) const { return Json(json_next(json_, &at)); }

  std::string raw() const { return std::string(json_.data, json_.len); }
  std::string text() const {
    std::string text(json_.len + 1, '\0');
    text.resize(json_text(json_, text.data(), text.size()));
    return text;
  }

 private:
  roam_str json_;
};

#endif
