// Values of nlohmann/json out of events and into arguments. Needs that library.
#ifndef ROAMIO_JSON_HPP
#define ROAMIO_JSON_HPP

#include <nlohmann/json.hpp>

#include "event.hpp"

namespace roamio {
inline namespace ROAMIO_MODE {

/// One argument of an event (EventView or Event). INVALID_JSON where there is none, and for text
/// that has the grammar of JSON but no value that this library can hold, such as a lone surrogate.
template <class AnyEvent>
Result<nlohmann::json> json_arg(const AnyEvent& event, std::size_t index) {
  const std::string_view text = event.arg(index);
  nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) return Error(Status::InvalidJson);
  return value;
}

/// A value as the text that emit(), request() and others take. What is not UTF-8 is replaced.
inline std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_JSON_HPP
