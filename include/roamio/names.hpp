// The names of what a portal is asked and of what it tells.
#ifndef ROAMIO_NAMES_HPP
#define ROAMIO_NAMES_HPP

#include <string_view>

#include "../roamio.h"

namespace roamio {

/// Requests of protocols 1.0 to 1.2.
namespace requests {
inline constexpr std::string_view Publish = ROAM_REQUEST_PUBLISH;
inline constexpr std::string_view Unpublish = ROAM_REQUEST_UNPUBLISH;
inline constexpr std::string_view Subscribe = ROAM_REQUEST_SUBSCRIBE;
inline constexpr std::string_view Unsubscribe = ROAM_REQUEST_UNSUBSCRIBE;
inline constexpr std::string_view StreamControl = ROAM_REQUEST_STREAM_CONTROL;
inline constexpr std::string_view SubscriptionControl = ROAM_REQUEST_SUBSCRIPTION_CONTROL;
inline constexpr std::string_view Soac = ROAM_REQUEST_SOAC;
inline constexpr std::string_view Text = ROAM_REQUEST_TEXT;
}  // namespace requests

/// Notifications; the legacy protocol has names of its own.
namespace notifications {
inline constexpr std::string_view Participant = ROAM_NOTIFICATION_PARTICIPANT;
inline constexpr std::string_view Stream = ROAM_NOTIFICATION_STREAM;
inline constexpr std::string_view Text = ROAM_NOTIFICATION_TEXT;
inline constexpr std::string_view Progress = ROAM_NOTIFICATION_PROGRESS;
inline constexpr std::string_view SessionProgress = ROAM_NOTIFICATION_SESSION_PROGRESS;
inline constexpr std::string_view Drop = ROAM_NOTIFICATION_DROP;
inline constexpr std::string_view UserJoin = ROAM_NOTIFICATION_USER_JOIN;
inline constexpr std::string_view UserLeave = ROAM_NOTIFICATION_USER_LEAVE;
inline constexpr std::string_view AddStream = ROAM_NOTIFICATION_ADD_STREAM;
inline constexpr std::string_view UpdateStream = ROAM_NOTIFICATION_UPDATE_STREAM;
inline constexpr std::string_view RemoveStream = ROAM_NOTIFICATION_REMOVE_STREAM;
inline constexpr std::string_view SignalingMessage = ROAM_NOTIFICATION_SIGNALING_MESSAGE;
inline constexpr std::string_view CustomMessage = ROAM_NOTIFICATION_CUSTOM_MESSAGE;
inline constexpr std::string_view ConnectionFailed = ROAM_NOTIFICATION_CONNECTION_FAILED;
inline constexpr std::string_view RemoveRecorder = ROAM_NOTIFICATION_REMOVE_RECORDER;
}  // namespace notifications

}  // namespace roamio

#endif  // ROAMIO_NAMES_HPP
