// roamio for C++17: a Socket.IO client, and the signalling session of the Open WebRTC Toolkit, that
// survive network changes.
//
// A header-only layer over roamio.h, which says everything that is not said here; link libroamio.
//
// Objects
//   Manager, Socket, Registry and Conference own what the C interface calls by these names. They can
//   be moved, not copied; the destructor frees, which waits for nothing and is allowed in every
//   handler. Functions may be called from any thread.
//
// Results
//   A call gives a Result: a value, or an Error with its details. value() throws Exception where
//   exceptions are on (ROAMIO_EXCEPTIONS, by default as the compiler is set), and ends the program
//   where they are off. Everything else works the same in both.
//
// Handlers
//   Functions of any kind (std::function), in a struct per object. They run one at a time and in
//   order, where the config says. They are destroyed when the object is gone, after the last call of
//   any of them. What they are given as a view lives until they return. An exception that leaves one
//   is stopped there, told to on_exception and the log, and the session goes on.
//
// Requests
//   Each has exactly one outcome, on every path: give a completion, or take the Outcome and wait for
//   it, make it a std::future, or co_await it (roamio_coro.hpp, C++20).
#ifndef ROAMIO_HPP
#define ROAMIO_HPP

#include "roamio/conference.hpp"
#include "roamio/config.hpp"
#include "roamio/error.hpp"
#include "roamio/event.hpp"
#include "roamio/log.hpp"
#include "roamio/manager.hpp"
#include "roamio/names.hpp"
#include "roamio/outcome.hpp"
#include "roamio/socket.hpp"

// With nlohmann/json around, its values can be read from events and given as arguments.
#if __has_include(<nlohmann/json.hpp>)
#include "roamio/json.hpp"
#endif

#endif  // ROAMIO_HPP
