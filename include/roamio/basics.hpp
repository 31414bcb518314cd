// What all parts of the C++ interface share: the switch for exceptions, views, numbers, times.
#ifndef ROAMIO_BASICS_HPP
#define ROAMIO_BASICS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "../roamio.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define ROAMIO_CAN_CATCH 1
#else
#define ROAMIO_CAN_CATCH 0
#endif

// Whether Result::value() throws; otherwise it ends the program. As the compiler is set, unless
// defined before this header is included.
#ifndef ROAMIO_EXCEPTIONS
#define ROAMIO_EXCEPTIONS ROAMIO_CAN_CATCH
#elif ROAMIO_EXCEPTIONS && !ROAMIO_CAN_CATCH
#error "ROAMIO_EXCEPTIONS needs a compiler that is set to have exceptions"
#endif

// Parts of one program may be compiled with and without exceptions: their inline functions differ,
// so the linker must not take one for the other.
#if ROAMIO_EXCEPTIONS
#define ROAMIO_MODE throwing
#elif ROAMIO_CAN_CATCH
#define ROAMIO_MODE catching
#else
#define ROAMIO_MODE plain
#endif

namespace roamio {
inline namespace ROAMIO_MODE {

using std::chrono::milliseconds;

/// Binary data that somebody else keeps.
class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  Bytes(const std::vector<std::uint8_t>& bytes) : Bytes(bytes.data(), bytes.size()) {}
  explicit Bytes(std::string_view text)
      : Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) {}
  explicit Bytes(roam_bytes bytes) : Bytes(bytes.data, bytes.len) {}

  constexpr const std::uint8_t* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr const std::uint8_t* begin() const noexcept { return data_; }
  constexpr const std::uint8_t* end() const noexcept { return data_ + size_; }

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// An HTTP header that somebody else keeps.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// A request that can be cancelled.
enum class RequestId : std::uint64_t {};
/// A listener that can be removed.
enum class ListenerId : std::uint64_t {};
/// A question of the library, to be answered with a provide or a refuse function.
enum class AskToken : std::uint64_t {};
/// An event whose sender wants an answer; 0 where none is wanted.
enum class AckToken : std::uint64_t {};

enum class Transport : std::uint32_t {
  Polling = ROAM_TRANSPORT_POLLING,
  Websocket = ROAM_TRANSPORT_WEBSOCKET,
};

/// The version of the library that runs; ROAM_VERSION is that of this header, and
/// ROAM_VERSION_NUMBER as well, made of ROAM_VERSION_MAJOR, _MINOR and _PATCH.
inline std::string_view version() noexcept {
  const roam_str text = roam_version();
  return {text.data, text.len};
}

/// Whether the library that runs fits this header.
inline bool abi_matches() noexcept { return roam_abi_version() == ROAM_ABI_VERSION; }

namespace detail {

inline roam_str text(std::string_view view) noexcept { return {view.data(), view.size()}; }

inline std::string_view view(roam_str text) noexcept {
  return text.len == 0 ? std::string_view() : std::string_view(text.data, text.len);
}

/// A copy of a text that the library has made for us.
inline std::string taken(roam_string* text) {
  const std::unique_ptr<roam_string, void (*)(roam_string*)> own(text, &roam_string_free);
  return std::string(view(roam_string_view(own.get())));
}

/// For options: what does not fit becomes a number that the library refuses.
inline std::uint32_t option_ms(milliseconds time) noexcept {
  return time.count() < 0 || time.count() > UINT32_MAX ? UINT32_MAX
                                                       : static_cast<std::uint32_t>(time.count());
}

/// For waits: as near as possible.
inline std::uint32_t wait_ms(milliseconds time) noexcept {
  return time.count() < 0 ? 0 : option_ms(time);
}

/// The numbers of the C interface as a time; the longest one where there is none or no end.
inline milliseconds time(std::uint64_t ms) noexcept {
  constexpr auto longest = static_cast<std::uint64_t>(milliseconds::max().count());
  return ms == ROAM_UNKNOWN_MS || ms > longest ? milliseconds::max()
                                               : milliseconds(static_cast<std::int64_t>(ms));
}

/// A value of the C interface as a handler takes it.
template <class To, class From>
To lift(From from) {
  if constexpr (std::is_same_v<From, roam_str>) {
    return view(from);
  } else {
    return static_cast<To>(from);
  }
}

}  // namespace detail

/// Stands for a time that is not known, or that will not come.
inline constexpr milliseconds unknown_time = milliseconds::max();

}  // namespace ROAMIO_MODE
}  // namespace roamio

#endif  // ROAMIO_BASICS_HPP
