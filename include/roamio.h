/*
 * roamio: a Socket.IO client, and the signalling session of the Open WebRTC Toolkit (OWT), that
 * survive network changes.
 *
 * Read from top to bottom: conventions, statuses, options, then the objects in the order of their
 * life. A plain Socket.IO program uses roam_config, roam_manager and roam_socket, or roam_registry
 * to get sockets by URL. A conference program uses roam_conference_config and roam_conference.
 *
 * Ownership
 *   A _new function gives an object to its caller, a _free function takes it back; freeing NULL does
 *   nothing. Everything passed to a function is borrowed for the call and copied, tables of
 *   functions and options included. Everything passed to a callback is valid until the callback
 *   returns. Results are written through pointers, and only when the function returns ROAM_OK. Text
 *   is UTF-8 with a length; ROAM_STR makes it from a C string. Text is never read beyond its length.
 *
 * Threads
 *   Every function may be called from any thread, also at the same time on one object, and inside
 *   any callback; the few that could only wait for themselves there answer WOULD_DEADLOCK. The
 *   functions of the two configs are the exception: one thread at a time. No function waits for the
 *   network. Only the _free_wait functions wait, and with manual dispatch the last _free, for a
 *   roam_wake that is running.
 *
 * Callbacks
 *   The callbacks of a manager and its sockets, or of a conference, run one at a time and in order,
 *   with no lock held, and never inside a call that you are making (exceptions: _free with manual
 *   dispatch and _free_wait with an executor, below). Who runs them is chosen per config:
 *     ROAM_DISPATCH_THREAD    threads of the library, at most four for all objects; the default;
 *     ROAM_DISPATCH_MANUAL    your own loop, by calling a _dispatch function;
 *     ROAM_DISPATCH_EXECUTOR  your own loop or queue, which the library posts jobs to;
 *     ROAM_DISPATCH_INLINE    the I/O thread, for callbacks that never block.
 *   A slow callback delays the callbacks after it, but no heartbeat. What waits for callbacks is
 *   bounded: when it is full, nothing more is read from the network, on_host_slow says so, and
 *   nothing is dropped. (Inline nothing waits, and a slow callback delays everything.)
 *   Callbacks must return: no exception, longjmp or thread cancellation may leave them.
 *
 * Outcomes
 *   A function that takes a roam_completion and returns ROAM_OK calls it exactly once, on every
 *   path. A reply lost with the connection is ACK_LOST, one that did not come in time is
 *   ACK_TIMEOUT: in both cases the other side may or may not have acted.
 *
 * Questions
 *   on_target_wanted and on_auth_wanted are questions, which are asked if they are set. Answer with
 *   the token, in the callback or later, from any thread: with a _provide_ or a _refuse_ function.
 *   The attempt, or the namespace, waits for it up to ROAM_TIMEOUT_PROVIDER; without an answer by
 *   then it has failed, and is tried again. An answer that comes later, twice, or with a token that
 *   was never given does nothing.
 *
 * End of life
 *   _free is allowed in every callback, those of the object itself included, and waits for none of
 *   them. When it returns, the handle is gone and no further callback of the object begins, except
 *   those of its pending completions, with CLOSED, and then `destroy`, last and once: free
 *   `user_data` there. If a callback of the object is running on another thread at the time, it
 *   finishes.
 *   With manual dispatch, completions and `destroy` run inside _free, before it returns; if a
 *   dispatch is running at the time, that dispatch runs them. With an executor they come in a job,
 *   or inside _free_wait, whichever is first. Inline they come on the I/O thread.
 *   The order of frees does not matter: a socket keeps its manager's connection running.
 *   _free_wait frees and waits for the end. It answers WOULD_DEADLOCK inside any callback.
 *   An end that nobody asked for, by a bug of the library, is told to every object as one last step,
 *   to CLOSED or ENDED, with its cause; the objects are still yours to free.
 *
 * Process
 *   Call _free_wait for every object before you return from main or call exit: until then callbacks
 *   may run on threads of the library, beside whatever your program takes down. The library works in
 *   the process that made the first object. In a forked child its threads do not exist: calls there
 *   answer INVALID_STATE, _free only gives up the handle, and nothing is called. Fork before, or
 *   call exec after it.
 *
 * Logs
 *   The library prints nothing and logs nothing until roam_log_set. Exception: a panic, which is a
 *   bug, is stopped at the boundary, but before that a line about it goes to stderr.
 *
 * Errors
 *   Functions return a roam_status. Details of a failed call are read on the same thread from the
 *   object it was called on, with its _last_error function. Errors that are events or outcomes come
 *   as a roam_error. roam_error_retry tells what helps. A wrong call has no side effect.
 *
 * Growth
 *   Statuses, functions, and members at the end of structs are added; nothing is renumbered or
 *   removed while ROAM_ABI_VERSION stays. So expect numbers that you do not know, zero the structs
 *   that have a struct_size before you fill them, and set it to their sizeof. The shared library
 *   stays loaded once it is.
 *
 * This file is generated from the library's sources.
 */

#ifndef ROAMIO_H
#define ROAMIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Version of this header, as text. */
#define ROAM_VERSION "0.1.0"

/** Stands for a time that is not known, or that will not come. */
#define ROAM_UNKNOWN_MS UINT64_MAX

/* ---- Names of requests and notifications --------------------------------------------------- */

/** Requests of protocols 1.0 to 1.2, for roam_conference_request. */
#define ROAM_REQUEST_PUBLISH "publish"
#define ROAM_REQUEST_UNPUBLISH "unpublish"
#define ROAM_REQUEST_SUBSCRIBE "subscribe"
#define ROAM_REQUEST_UNSUBSCRIBE "unsubscribe"
#define ROAM_REQUEST_STREAM_CONTROL "stream-control"
#define ROAM_REQUEST_SUBSCRIPTION_CONTROL "subscription-control"
#define ROAM_REQUEST_SOAC "soac"
#define ROAM_REQUEST_TEXT "text"
/** Notifications; the legacy protocol has names of its own. */
#define ROAM_NOTIFICATION_PARTICIPANT "participant"
#define ROAM_NOTIFICATION_STREAM "stream"
#define ROAM_NOTIFICATION_TEXT "text"
#define ROAM_NOTIFICATION_PROGRESS "progress"
#define ROAM_NOTIFICATION_SESSION_PROGRESS "session-progress"
#define ROAM_NOTIFICATION_DROP "drop"
#define ROAM_NOTIFICATION_USER_JOIN "user_join"
#define ROAM_NOTIFICATION_USER_LEAVE "user_leave"
#define ROAM_NOTIFICATION_ADD_STREAM "add_stream"
#define ROAM_NOTIFICATION_UPDATE_STREAM "update_stream"
#define ROAM_NOTIFICATION_REMOVE_STREAM "remove_stream"
#define ROAM_NOTIFICATION_SIGNALING_MESSAGE "signaling_message_erizo"
#define ROAM_NOTIFICATION_CUSTOM_MESSAGE "custom_message"
#define ROAM_NOTIFICATION_CONNECTION_FAILED "connection_failed"
#define ROAM_NOTIFICATION_REMOVE_RECORDER "remove_recorder"

/* ---- Version ------------------------------------------------------------------------------- */

/** First part of the version. */
#define ROAM_VERSION_MAJOR 0
/** Second part of the version. */
#define ROAM_VERSION_MINOR 1
/** Third part of the version. */
#define ROAM_VERSION_PATCH 0
/** All parts in one number, two decimal digits each for minor and patch: 10203 is 1.2.3. */
#define ROAM_VERSION_NUMBER 100
/** Changes only when a program must be built anew to run with the library. */
#define ROAM_ABI_VERSION 1

/* ---- Statuses ------------------------------------------------------------------------------ */

/** Success. */
#define ROAM_OK 0
/** A pointer that must not be NULL was NULL. */
#define ROAM_E_NULL_ARGUMENT 1
/** An argument is outside its range; the message names it. */
#define ROAM_E_INVALID_ARGUMENT 2
/** Text was not UTF-8. */
#define ROAM_E_INVALID_UTF8 3
/** Text was not the JSON that the call takes, or was nested too deeply. */
#define ROAM_E_INVALID_JSON 4
/** The URL cannot be used; the message says which part. */
#define ROAM_E_INVALID_URL 5
/** The call does not fit the state of the object. */
#define ROAM_E_INVALID_STATE 6
/** The object was freed or closed. */
#define ROAM_E_CLOSED 7
/** The call would wait for the thread it was made on. */
#define ROAM_E_WOULD_DEADLOCK 8
/** This build or platform cannot do it. */
#define ROAM_E_UNSUPPORTED 9
/** A payload is larger than the limit. */
#define ROAM_E_TOO_LARGE 10
/** The queue to the wire is full. */
#define ROAM_E_QUEUE_FULL 11
/** The event name is reserved by Socket.IO. */
#define ROAM_E_RESERVED_EVENT 12
/** A call with a time limit ran out of time. */
#define ROAM_E_TIMED_OUT 13
/** The host cancelled it. A request that was already sent may have been executed. */
#define ROAM_E_CANCELLED 14
/** A bug of roamio was stopped at the boundary. The handle is only good for its free function. */
#define ROAM_E_PANIC 99
/** The name could not be resolved. */
#define ROAM_E_DNS 100
/** No address accepted a TCP connection. */
#define ROAM_E_CONNECT 101
/** TLS could not be agreed. */
#define ROAM_E_TLS_HANDSHAKE 102
/** The server's certificate was not accepted. */
#define ROAM_E_TLS_CERTIFICATE 103
/** The proxy refused or failed. */
#define ROAM_E_PROXY 104
/** The server answered with an HTTP status that is not the expected one. */
#define ROAM_E_HTTP_STATUS 105
/** The WebSocket protocol was violated. */
#define ROAM_E_WEBSOCKET 106
/** A phase of connecting took too long. */
#define ROAM_E_CONNECT_TIMEOUT 107
/** The connection broke, or the path below it was lost. */
#define ROAM_E_NETWORK_LOST 108
/** The Engine.IO open packet is missing, malformed or out of range. */
#define ROAM_E_HANDSHAKE 200
/** The server's heartbeat did not arrive in time. */
#define ROAM_E_PING_TIMEOUT 201
/** The server does not know the Engine.IO session. */
#define ROAM_E_UNKNOWN_SID 202
/** The upgrade to WebSocket failed. */
#define ROAM_E_UPGRADE 203
/** An Engine.IO packet could not be decoded. */
#define ROAM_E_ENGINE_PACKET 204
/** The peer sent more than the inbound limit. */
#define ROAM_E_PAYLOAD_LIMIT 205
/** The peer closed the Engine.IO connection. */
#define ROAM_E_ENGINE_CLOSED 206
/** The server speaks another revision of Engine.IO, or none that is wanted. */
#define ROAM_E_ENGINE_REVISION 207
/** The server refused the namespace; the error carries its JSON. */
#define ROAM_E_CONNECT_ERROR 300
/** A Socket.IO packet could not be decoded. */
#define ROAM_E_SOCKET_PACKET 301
/** Binary attachments do not fit their event. */
#define ROAM_E_ATTACHMENTS 302
/** No ack came in time; the server may or may not have acted. */
#define ROAM_E_ACK_TIMEOUT 303
/** The connection was lost after the packet was written; the server may or may not have acted. */
#define ROAM_E_ACK_LOST 304
/** The server disconnected the namespace. */
#define ROAM_E_SERVER_DISCONNECT 305
/** It was never written to a connection. */
#define ROAM_E_NOT_SENT 306
/** The token cannot be used; nothing was sent. */
#define ROAM_E_TOKEN_INVALID 400
/** The portal refused the login. The token is spent. */
#define ROAM_E_LOGIN_REJECTED 401
/** The portal refused the relogin for a reason without a code of its own. */
#define ROAM_E_RELOGIN_REJECTED 402
/** The reconnection ticket is expired. */
#define ROAM_E_TICKET_EXPIRED 403
/** The portal sent a ticket that is none. */
#define ROAM_E_TICKET_MALFORMED 404
/** The portal no longer knows the participant, or the session cannot be resumed. */
#define ROAM_E_SESSION_LOST 405
/** The portal dropped the participant. */
#define ROAM_E_DROPPED 406
/** The portal refused the request; the error carries its text. */
#define ROAM_E_REQUEST_REJECTED 407
/** There is no session. */
#define ROAM_E_NOT_LOGGED_IN 408
/** The portal does not speak the protocol version. */
#define ROAM_E_PROTOCOL_VERSION 409
/** The login got no answer. The token is spent, and a ghost participant may remain. */
#define ROAM_E_LOGIN_UNKNOWN 410
/** The portal was restarted, or it is another one: it does not know the ticket's signature. */
#define ROAM_E_SERVER_RESTARTED 411
/** Somebody else resumes this session again and again. */
#define ROAM_E_SUPERSEDED 412
/**
 * Left without the portal's answer: the participant may stay visible until the portal forgets it.
 */
#define ROAM_E_LEFT_UNCONFIRMED 413
/** The export of a session was changed or cut. */
#define ROAM_E_EXPORT_DAMAGED 414
/** The text is no export of a session. */
#define ROAM_E_EXPORT_FOREIGN 415
/** The export of a session was made by a newer version of roamio. */
#define ROAM_E_EXPORT_NEWER 416

/* ---- Errors -------------------------------------------------------------------------------- */

/** What helps: fix the call, or give up. */
#define ROAM_RETRY_NEVER 0
/** What helps: nothing to do, the library is on it. */
#define ROAM_RETRY_AUTOMATIC 1
/** What helps: the same call may work later, or on another network. */
#define ROAM_RETRY_LATER 2
/** What helps: obtain a new token and log in; what the server knew is gone. */
#define ROAM_RETRY_LOGIN 3
/** The error comes from the call itself. */
#define ROAM_LAYER_CALL 0
/** The error comes from DNS, TCP, TLS, HTTP or WebSocket. */
#define ROAM_LAYER_TRANSPORT 1
/** The error comes from Engine.IO. */
#define ROAM_LAYER_ENGINE 2
/** The error comes from Socket.IO. */
#define ROAM_LAYER_SOCKET 3
/** The error comes from the conference portal. */
#define ROAM_LAYER_CONFERENCE 4
/** The certificate's time is over. */
#define ROAM_CERTIFICATE_EXPIRED 1
/** The certificate's time has not come: one of the two clocks may be wrong. */
#define ROAM_CERTIFICATE_NOT_YET_VALID 2

/**
 * The certificate vouches for itself, and nobody has said that it is trusted. A library with rustls
 * says ROAM_CERTIFICATE_UNKNOWN_ISSUER of it.
 */
#define ROAM_CERTIFICATE_SELF_SIGNED 3

/**
 * The certificate was issued by somebody whom this device does not trust, or the server does not
 * send all certificates between.
 */
#define ROAM_CERTIFICATE_UNKNOWN_ISSUER 4
/** The certificate is for other names than the one that was asked for. */
#define ROAM_CERTIFICATE_WRONG_HOST 5
/** The certificate's issuer has taken it back. */
#define ROAM_CERTIFICATE_REVOKED 6
/** The certificate's public key is none of those that the config allows. */
#define ROAM_CERTIFICATE_NOT_PINNED 7

/* ---- Options: dispatch, TLS, time limits, limits ------------------------------------------- */

/** Callbacks run on threads of the library; the default. */
#define ROAM_DISPATCH_THREAD 0
/** Callbacks run inside roam_manager_dispatch, roam_socket_dispatch or roam_conference_dispatch. */
#define ROAM_DISPATCH_MANUAL 1

/**
 * Callbacks run where the host's own loop or queue runs them; chosen by
 * roam_config_set_executor or roam_conference_config_set_executor.
 */
#define ROAM_DISPATCH_EXECUTOR 2

/**
 * Callbacks run on the I/O thread, right where something arrives: the lowest latency. They must
 * never block: all traffic of the process waits for them.
 */
#define ROAM_DISPATCH_INLINE 3
/** A socket is for TCP to the server. */
#define ROAM_SOCKET_PURPOSE_SERVER 0
/** A socket is for TCP to the proxy. */
#define ROAM_SOCKET_PURPOSE_PROXY 1
/**
 * A socket is for UDP, and only to learn which address the system would use: nothing is sent on it.
 */
#define ROAM_SOCKET_PURPOSE_PROBE 2
/** TLS 1.2; the default. */
#define ROAM_TLS_1_2 12
/** TLS 1.3, where the TLS library has it: not on Apple's. */
#define ROAM_TLS_1_3 13
/** Time limit of a whole attempt to connect; 20 s. */
#define ROAM_TIMEOUT_ATTEMPT 0
/** Time limit of the name lookup; 5 s. */
#define ROAM_TIMEOUT_DNS 1
/** Time limit of all TCP connects of an attempt together; 10 s. */
#define ROAM_TIMEOUT_TCP 2
/** Time limit of the TLS handshake; 10 s. */
#define ROAM_TIMEOUT_TLS 3
/** Time limit of the WebSocket handshake and the Engine.IO open packet; 10 s. */
#define ROAM_TIMEOUT_OPEN 4
/** Time limit of joining a namespace; 10 s. */
#define ROAM_TIMEOUT_NAMESPACE 5
/** Time limit of an ack for which none is given; 30 s. Managers only; 0 for none. */
#define ROAM_TIMEOUT_ACK 6
/** Time limit of the answer to a login; 15 s. This and the following for conferences only. */
#define ROAM_TIMEOUT_LOGIN 7
/** Time limit of the answer to a relogin, counted only while no byte arrives; 15 s. */
#define ROAM_TIMEOUT_RELOGIN 8
/** Time limit of the answer to a refresh of the ticket; 10 s. */
#define ROAM_TIMEOUT_REFRESH 9
/** Time limit of leaving; 3 s. */
#define ROAM_TIMEOUT_LOGOUT 10
/** Time limit of a request for which none is given; 15 s. */
#define ROAM_TIMEOUT_REQUEST 11
/** For how long after a loss the short delays of resuming apply; 120 s. */
#define ROAM_TIMEOUT_FAST_RESUME 12
/** Time limit of an upgrade from polling to WebSocket; 10 s. This and the following for all. */
#define ROAM_TIMEOUT_UPGRADE 13
/** Time limit of the answer to one POST of polling; 20 s. */
#define ROAM_TIMEOUT_POST 14
/** Time limit of the host's answer to on_target_wanted and on_auth_wanted; 20 s. */
#define ROAM_TIMEOUT_PROVIDER 15

/**
 * For how long WebSocket is alone before polling starts beside it (ROAM_OPENING_RACE); 1.5 s, and
 * four times the time of the TCP connect if that is more.
 */
#define ROAM_TIMEOUT_RACE 16
/** For how long polling goes on after a failed upgrade before the next; 30 s. */
#define ROAM_TIMEOUT_UPGRADE_AGAIN 17
/** Bytes of one inbound message; 16 MiB. */
#define ROAM_LIMIT_INBOUND_MESSAGE 0
/** Attachments of one inbound event; 64. */
#define ROAM_LIMIT_INBOUND_ATTACHMENTS 1
/** Attachments of one outbound event; 10, because current servers close the connection at 11. */
#define ROAM_LIMIT_OUTBOUND_ATTACHMENTS 2
/** Open arrays and objects in JSON; 128, the most. */
#define ROAM_LIMIT_JSON_DEPTH 3
/** Events waiting for the wire; 1,000. */
#define ROAM_LIMIT_WIRE_QUEUE_EVENTS 4
/** Bytes waiting for the wire; 8 MiB. No single text of a call can be longer. */
#define ROAM_LIMIT_WIRE_QUEUE_BYTES 5
/** Events waiting for callbacks; 10,000. When they are reached nothing more is read. */
#define ROAM_LIMIT_HOST_QUEUE_EVENTS 6
/** Bytes waiting for callbacks; 16 MiB. */
#define ROAM_LIMIT_HOST_QUEUE_BYTES 7

/* ---- Log levels ---------------------------------------------------------------------------- */

/** Nothing is logged; the default. */
#define ROAM_LOG_OFF 0
/** Bugs of the library, and what makes a session impossible. */
#define ROAM_LOG_ERROR 1
/** Works, but should not stay so. */
#define ROAM_LOG_WARN 2
/** Changes of state. */
#define ROAM_LOG_INFO 3
/** Every attempt and its result. */
#define ROAM_LOG_DEBUG 4

/* ---- Options: transports ------------------------------------------------------------------- */

/** HTTP long-polling. */
#define ROAM_TRANSPORT_POLLING 0
/** WebSocket. */
#define ROAM_TRANSPORT_WEBSOCKET 1
/** With WebSocket first, polling starts beside it when it takes long or fails; the default. */
#define ROAM_OPENING_RACE 0
/** The next transport starts when the one before has failed. */
#define ROAM_OPENING_IN_TURN 1
/** Only the first transport is tried. */
#define ROAM_OPENING_FIRST 2
/** Find out whether the server speaks revision 4 or 3 of Engine.IO, and remember it. */
#define ROAM_REVISION_AUTO 0
/** Revision 3 of Engine.IO: Socket.IO servers 1.x and 2.x. */
#define ROAM_REVISION_3 3
/** Revision 4 of Engine.IO: Socket.IO servers 3.x and 4.x; the default. */
#define ROAM_REVISION_4 4
/** Switch: move from polling to WebSocket when the server offers it; on. */
#define ROAM_SWITCH_UPGRADE 0
/** Switch: start with WebSocket where the last upgrade to the same server worked; off. */
#define ROAM_SWITCH_REMEMBER_UPGRADE 1
/** Switch: send binary messages as base64 text; off. */
#define ROAM_SWITCH_FORCE_BASE64 2
/** Switch: keep the server's cookies and send them with every request; on. */
#define ROAM_SWITCH_COOKIES 3

/**
 * Switch: join a namespace again although the server has disconnected it; off. This and the
 * following for managers only.
 */
#define ROAM_SWITCH_REJOIN_AFTER_SERVER_DISCONNECT 4
/** Switch: recover the state of a connection also after roam_socket_disconnect; off. */
#define ROAM_SWITCH_RECOVER_AFTER_DISCONNECT 5

/**
 * Conferences: log in anew after every gap, so that the room is described afresh; needs
 * on_token_wanted, or else roam_conference_new answers INVALID_ARGUMENT. Off by default.
 */
#define ROAM_SWITCH_REJOIN_ON_GAP 6
/** A parameter against caches on polling's requests; the default. */
#define ROAM_TIMESTAMPS_POLLING 0
/** No such parameter. */
#define ROAM_TIMESTAMPS_NEVER 1
/** On all requests. */
#define ROAM_TIMESTAMPS_ALWAYS 2
/** Packets are text, with binary attachments behind it; the default. */
#define ROAM_PARSER_JSON 0
/** Packets are MessagePack; the server has to be set up for it. The host sees JSON all the same. */
#define ROAM_PARSER_MSGPACK 1

/* ---- States of a manager ------------------------------------------------------------------- */

/** No socket wants a connection. */
#define ROAM_MANAGER_STATE_IDLE 0
/** The first connection is being made. */
#define ROAM_MANAGER_STATE_CONNECTING 1
/** The connection is open. */
#define ROAM_MANAGER_STATE_CONNECTED 2
/** The connection was lost and is being made again. */
#define ROAM_MANAGER_STATE_RECONNECTING 3
/** Closed for good. */
#define ROAM_MANAGER_STATE_CLOSED 4

/* ---- States of a socket -------------------------------------------------------------------- */

/** Not connected, and not trying. */
#define ROAM_SOCKET_STATE_IDLE 0
/** Wants to join; not yet joined. */
#define ROAM_SOCKET_STATE_JOINING 1
/** Joined. */
#define ROAM_SOCKET_STATE_CONNECTED 2
/** Was joined; joins again when there is a connection. */
#define ROAM_SOCKET_STATE_REJOINING 3
/** Closed for good. */
#define ROAM_SOCKET_STATE_CLOSED 4

/* ---- Why a namespace was left -------------------------------------------------------------- */

/** The server disconnected it ("io server disconnect"); it does not join again by itself. */
#define ROAM_DISCONNECT_SERVER 1
/** roam_socket_disconnect ("io client disconnect"). */
#define ROAM_DISCONNECT_CLIENT 2
/** The server's heartbeat did not arrive ("ping timeout"). */
#define ROAM_DISCONNECT_PING_TIMEOUT 3
/** The connection was closed ("transport close"). */
#define ROAM_DISCONNECT_TRANSPORT_CLOSE 4
/** The connection broke ("transport error"). */
#define ROAM_DISCONNECT_TRANSPORT_ERROR 5
/** The server sent something that is no packet ("parse error"). */
#define ROAM_DISCONNECT_PARSE_ERROR 6

/* ---- What becomes of an event that cannot be written --------------------------------------- */

/**
 * It waits until the namespace is joined, in the order of the emits, but not longer than `wait_ms`;
 * the default.
 */
#define ROAM_OFFLINE_WAIT 0

/**
 * It waits, and a newer one of the same socket with the same `key` takes its place. Nothing is told
 * of the older one, except CANCELLED to its completion.
 */
#define ROAM_OFFLINE_LATEST 1
/** It is dropped unless the namespace is joined. */
#define ROAM_OFFLINE_FAIL 2

/**
 * It is dropped, without a word unless there is a completion, unless the namespace is joined and
 * the transport takes it at once.
 */
#define ROAM_OFFLINE_VOLATILE 3

/* ---- Options of a conference --------------------------------------------------------------- */

/**
 * The protocol of clients before 1.0, for old portals: requests and notifications have names and
 * shapes of their own. What was missed in the first part of an outage is lost.
 */
#define ROAM_PORTAL_LEGACY 3
/** Protocol 1.0: as 1.1; streams describe a single video. */
#define ROAM_PORTAL_1_0 10
/** Protocol 1.1: what was missed in the first part of an outage is lost. */
#define ROAM_PORTAL_1_1 11
/** Protocol 1.2: everything missed comes with the answer to the relogin; the default. */
#define ROAM_PORTAL_1_2 12
/** The numbering of replayed notifications is found out; the default. */
#define ROAM_SEQUENCE_DETECT 0
/** The portal numbers notifications from 0. */
#define ROAM_SEQUENCE_FROM_ZERO 1
/** The portal numbers notifications from 1. */
#define ROAM_SEQUENCE_FROM_ONE 2

/* ---- States of a conference ---------------------------------------------------------------- */

/** Not logged in. */
#define ROAM_CONFERENCE_STATE_IDLE 0
/** Connecting and logging in. */
#define ROAM_CONFERENCE_STATE_JOINING 1
/** In the conference. */
#define ROAM_CONFERENCE_STATE_READY 2
/** The connection is lost; coming back with the ticket. */
#define ROAM_CONFERENCE_STATE_RESUMING 3
/** Logging out. */
#define ROAM_CONFERENCE_STATE_LEAVING 4
/** Over; the step's cause says why, NULL after a logout. */
#define ROAM_CONFERENCE_STATE_ENDED 5

/* ---- Types ----------------------------------------------------------------------------------- */

/** One session at an OWT portal, with a connection of its own. Any thread. */
typedef struct roam_conference roam_conference;

/** Options of a conference. One thread at a time; a copy is taken by roam_conference_new. */
typedef struct roam_conference_config roam_conference_config;

/** Options of a manager. One thread at a time; a copy is taken by roam_manager_new. */
typedef struct roam_config roam_config;

/** An error with its details. Never yours to free; see where you got it for how long it lives. */
typedef struct roam_error roam_error;

/** One connection to a Socket.IO server, its reconnection, and the sockets on it. Any thread. */
typedef struct roam_manager roam_manager;

/**
 * Finds the manager that a URL needs, so that sockets of one server share a connection. Any thread.
 */
typedef struct roam_registry roam_registry;

/** Text that must not be seen. Freeing it overwrites it in memory. */
typedef struct roam_secret roam_secret;

/** One namespace of a manager. Any thread. */
typedef struct roam_socket roam_socket;

/** A text that was made for you. Any thread, one at a time. */
typedef struct roam_string roam_string;

/** Text: `len` bytes of UTF-8, not terminated. NULL with length 0 is the empty text. */
typedef struct roam_str {
  /** First byte. */
  const char *data;
  /** Number of bytes. */
  size_t len;
} roam_str;

/**
 * What a call, an event or an outcome came to: ROAM_OK or one of ROAM_E_...
 * 1 to 99 are errors of the call itself, returned at once and without side effect. 100 and up
 * happened out there: transport 100, Engine.IO 200, Socket.IO 300, conference 400.
 * Newer libraries may give values that are not listed here.
 */
typedef uint32_t roam_status;

/**
 * Takes one line: its level (ROAM_LOG_...), the part of the library that it comes from, the text.
 * The texts are valid until it returns. It is called on any thread, also by several at once, and
 * must return soon. It may call this library, except to wait.
 */
typedef void (*roam_log)(void *user_data,
                         uint32_t level,
                         roam_str target,
                         roam_str line);

/** Bytes. NULL with length 0 is empty. */
typedef struct roam_bytes {
  /** First byte. */
  const uint8_t *data;
  /** Number of bytes. */
  size_t len;
} roam_bytes;

/** Looks at a new socket; see roam_config_set_socket_hook. */
typedef bool (*roam_socket_hook)(void *user_data, ptrdiff_t descriptor, uint32_t purpose);

/** Queues a job of the library on the host's own loop; see roam_config_set_executor. */
typedef bool (*roam_post)(void *user_data, void (*run)(void *job), void *job);

/**
 * Takes one line of a trace, without its line feed and valid until it returns; see
 * roam_config_set_trace.
 */
typedef void (*roam_trace)(void *user_data, roam_str line);

/** One step of an object's state machine. Valid inside the callback that it was given to. */
typedef struct roam_transition {
  /** Steps of one object are numbered from 1 without a hole. */
  uint64_t number;
  /**
   * The new state: ROAM_MANAGER_STATE_..., ROAM_SOCKET_STATE_... or
   * ROAM_CONFERENCE_STATE_...
   */
  uint32_t state;
  /** Why; NULL where it was asked for. */
  const roam_error *cause;
  /**
   * For how many milliseconds the session can still be resumed, an estimate, or ROAM_UNKNOWN_MS.
   */
  uint64_t grace_ms;
} roam_transition;

/** An attempt to connect has failed. Valid inside the callback that it was given to. */
typedef struct roam_retry {
  /** Failed attempts in a row. */
  uint32_t attempt;
  /** Why the last one failed. */
  const roam_error *error;
  /** The wait before the next attempt in milliseconds; ROAM_UNKNOWN_MS when there is none. */
  uint64_t delay_ms;
  /**
   * For how many milliseconds the session can still be resumed, an estimate, or ROAM_UNKNOWN_MS.
   */
  uint64_t grace_ms;
} roam_retry;

/** What a manager tells. Zero it, set `struct_size` and what you want to hear. */
typedef struct roam_manager_events {
  /** sizeof(roam_manager_events). */
  size_t struct_size;
  /** Passed to every function. */
  void *user_data;
  /** Called once, after every other function: free `user_data` here. */
  void (*destroy)(void *user_data);
  /** The state is ROAM_MANAGER_STATE_... */
  void (*on_state)(void *user_data, const roam_transition *step);
  /** An attempt to connect has failed. */
  void (*on_retry)(void *user_data, const roam_retry *retry);
  /** Callbacks do not keep up; nothing more is read until they do. Nothing is dropped. */
  void (*on_host_slow)(void *user_data);
  /**
   * The connection is carried by this transport from now on, ROAM_TRANSPORT_...: told when it
   * opens, and when it was `upgraded`.
   */
  void (*on_transport)(void *user_data, uint32_t transport, bool upgraded);
  /** The upgrade to WebSocket failed; the connection goes on with polling. */
  void (*on_upgrade_failed)(void *user_data, const roam_error *error);
  /**
   * Where to, and with which headers? Asked before every attempt if this function is set; answer
   * with roam_manager_provide_target or roam_manager_refuse_target. `attempt` counts the failed
   * attempts in a row, and `error` says why the last one failed, or is NULL. Keep the manager
   * while its sockets are used: once it is freed nobody answers.
   */
  void (*on_target_wanted)(void *user_data,
                           uint64_t ask_token,
                           uint32_t attempt,
                           const roam_error *error);
} roam_manager_events;

/** An HTTP header. */
typedef struct roam_header {
  /** Its name, a token of HTTP. */
  roam_str name;
  /** Its value, without control characters. */
  roam_str value;
} roam_header;

/** Wakes the host's own loop; see roam_manager_set_wake. */
typedef void (*roam_wake)(void *user_data);

/** Options of a socket. Zero it, set `struct_size` and what you need; zeros are the defaults. */
typedef struct roam_socket_options {
  /** sizeof(roam_socket_options). */
  size_t struct_size;
  /**
   * Query of the namespace, percent-encoded and joined with '&': ROAM_REVISION_3 only, where it
   * is what auth payloads are later.
   */
  roam_str query;
  /**
   * Not 0: deliver every event at least once, volatile ones excepted. Each asks for an ack, and
   * goes again, this often at most, when none comes in time; after a reconnect all without an ack
   * go again, in order and before newer ones.
   */
  uint32_t retries;
  /**
   * With `retries`: so many events may be without an ack at the same time, the next ones wait; 1
   * to 10,000, 0 for 16. First deliveries keep their order.
   */
  uint32_t retry_window;
  /**
   * With `retries`: append one argument to each event, a text that is the same whenever it goes
   * again and that no other event has, so that the server can tell.
   */
  bool idempotency_key;
  /** Time limit of acks in milliseconds, up to 24 h; 0 for the manager's. */
  uint32_t ack_timeout_ms;
} roam_socket_options;

/** Why a joined namespace was left: one of ROAM_DISCONNECT_... */
typedef uint32_t roam_disconnect_reason;

/**
 * A received event, reply or notification. Valid inside the callback that it was given to.
 *
 * Every argument stands by itself, because then each is a piece of the received frame and nothing
 * has to be copied or parsed again to separate them.
 */
typedef struct roam_event {
  /** Name of the event; empty for a reply. */
  roam_str name;
  /**
   * The arguments, each the JSON text of one value, as it came over the wire. A binary value is
   * the object {"_placeholder":true,"num":i}; its bytes are attachment i. A notification has one
   * argument, its data; a reply has what follows the portal's status.
   */
  const roam_str *args;
  /** Number of arguments. */
  size_t arg_count;
  /** The binary values. */
  const roam_bytes *attachments;
  /** Number of attachments. */
  size_t attachment_count;
  /** Not 0: the server wants an answer, see roam_socket_ack. It can be kept and used later. */
  uint64_t ack_token;
  /**
   * Of a notification: its position among those since the login, from 1. A certain gap is counted;
   * after an uncertain one the numbers go on from the last notification. Otherwise 0.
   */
  uint64_t number;
  /** It is the reply to a request that was sent twice (`idempotent` of roam_request_options). */
  bool resent;
} roam_event;

/** What a socket tells. Zero it, set `struct_size` and what you want to hear. */
typedef struct roam_socket_events {
  /** sizeof(roam_socket_events). */
  size_t struct_size;
  /** Passed to every function. */
  void *user_data;
  /** Called once, after every other function and completion: free `user_data` here. */
  void (*destroy)(void *user_data);
  /** The state is ROAM_SOCKET_STATE_... Comes before on_connect and on_disconnect. */
  void (*on_state)(void *user_data, const roam_transition *step);
  /**
   * The namespace is joined, under this id of the server. When `recovered` the server has
   * restored the state of the former connection, and sends what was missed as ordinary events:
   * before this, as current servers do, or after it.
   */
  void (*on_connect)(void *user_data, roam_str socket_sid, bool recovered);
  /** The joined namespace was left. `cause` may be NULL. */
  void (*on_disconnect)(void *user_data,
                        roam_disconnect_reason reason,
                        const roam_error *cause);
  /**
   * The server refused the namespace (roam_error_server_json says why), or joining failed. When
   * `active` the socket tries again by itself.
   */
  void (*on_connect_error)(void *user_data, const roam_error *error, bool active);
  /** An event that nobody listens to by its name (roam_socket_on). */
  void (*on_event)(void *user_data, const roam_event *event);
  /**
   * An emitted event without completion is never sent, NOT_SENT, as its ROAM_OFFLINE_... says; or
   * it was repeated as often as `retries` allows and never confirmed, ACK_TIMEOUT or ACK_LOST.
   */
  void (*on_dropped)(void *user_data, const roam_event *event, const roam_error *error);
  /**
   * Which auth payload? Asked before the namespace is joined, each time, if this function is set
   * (that of roam_socket_connect is not used then); answer with roam_socket_provide_auth or
   * roam_socket_refuse_auth. `error` says why joining failed the last time, or is NULL.
   */
  void (*on_auth_wanted)(void *user_data, uint64_t ask_token, const roam_error *error);
} roam_socket_events;

/**
 * How an event is emitted. Zero it, set `struct_size` and what you need; zeros are the defaults.
 */
typedef struct roam_emit_options {
  /** sizeof(roam_emit_options). */
  size_t struct_size;
  /**
   * Binary values. Where one belongs, the arguments hold {"_placeholder":true,"num":i}, which
   * stands for attachment i.
   */
  const roam_bytes *attachments;
  /** Number of attachments. */
  size_t attachment_count;
  /** What becomes of it while it cannot be written: ROAM_OFFLINE_... */
  uint32_t offline;
  /** With ROAM_OFFLINE_WAIT: for how long it waits at most, in milliseconds; 0 for no end. */
  uint32_t wait_ms;
  /** With ROAM_OFFLINE_LATEST: what the newer one has in common with the older one; not empty. */
  roam_str key;
  /**
   * Time limit of the answer in milliseconds, up to 24 h; 0 for the socket's or the manager's. It
   * counts from the call, connected or not; on a socket with retries after each write.
   */
  uint32_t timeout_ms;
} roam_emit_options;

/**
 * What becomes of a request. If the function that takes it returns ROAM_OK, `call` is called
 * exactly once, on every path; otherwise never. It must not be NULL.
 */
typedef struct roam_completion {
  /** Passed to `call`. */
  void *user_data;
  /** Exactly one of `error` and `reply` is not NULL; both are valid until the function returns. */
  void (*call)(void *user_data, const roam_error *error, const roam_event *reply);
} roam_completion;

/** Is told an event; see roam_socket_on. */
typedef void (*roam_handler)(void *user_data, const roam_event *event);

/** What a conference tells. Zero it, set `struct_size` and what you want to hear. */
typedef struct roam_conference_events {
  /** sizeof(roam_conference_events). */
  size_t struct_size;
  /** Passed to every function. */
  void *user_data;
  /** Called once, after every other function and completion: free `user_data` here. */
  void (*destroy)(void *user_data);
  /** The state is ROAM_CONFERENCE_STATE_... */
  void (*on_state)(void *user_data, const roam_transition *step);
  /** An attempt to connect or to resume has failed. */
  void (*on_retry)(void *user_data, const roam_retry *retry);
  /** Told after every login: whether the portal lets this session be resumed. */
  void (*on_resumable)(void *user_data, bool resumable);
  /**
   * The session goes on after a loss. `complete`: nothing can have been lost. `replayed` missed
   * notifications follow.
   */
  void (*on_resumed)(void *user_data, bool complete, uint64_t replayed);
  /** The session moved to another network without a loss. */
  void (*on_migrated)(void *user_data);
  /**
   * Notifications `from` to `to`, counted from 1 since the login, are lost for good. Where the
   * protocol cannot tell, `certain` is false and the numbers are a guess, or 0.
   */
  void (*on_gap)(void *user_data, uint64_t from, uint64_t to, bool certain);
  /**
   * A notification of the portal: name, number, and one argument, its data. `replayed`: it was missed
   * and came with the replay.
   */
  void (*on_notification)(void *user_data, const roam_event *notification, bool replayed);
  /** The portal said something that makes no sense; the session goes on. */
  void (*on_protocol_error)(void *user_data, const roam_error *error);
  /** Callbacks do not keep up; nothing more is read until they do. Nothing is dropped. */
  void (*on_host_slow)(void *user_data);
  /**
   * If this function is set, a session that cannot be resumed (ticket expired, portal restarted,
   * participant unknown, login without answer, replay too large) is followed by a fresh login,
   * and this asks for its token: answer with roam_conference_provide_token or
   * roam_conference_refuse_token within ROAM_TIMEOUT_PROVIDER. `error` says why the session is
   * lost; a refusal ends it with that error. NULL: it lives, and goes on after a refusal. At most
   * five fresh logins follow each other, with growing waits, until a session lasts for a minute.
   * A first login asks once, and only when it got no answer.
   */
  void (*on_token_wanted)(void *user_data, uint64_t ask_token, const roam_error *error);
  /**
   * A fresh login has taken the place of the session: another participant and another description
   * of the room, as the completion of the first login had it, and notifications are numbered anew.
   * What may have been lost in between was told before, by on_gap.
   */
  void (*on_rejoined)(void *user_data, const roam_event *answer);
} roam_conference_events;

/** How a request is made. Zero it, set `struct_size` and what you need; zeros are the defaults. */
typedef struct roam_request_options {
  /** sizeof(roam_request_options). */
  size_t struct_size;
  /** Time limit in milliseconds from the call, up to 24 h; 0 for the configured one. */
  uint32_t timeout_ms;
  /**
   * What becomes of it while the session is not ready: ROAM_OFFLINE_WAIT, within its time limit,
   * or ROAM_OFFLINE_FAIL: it ends NOT_SENT at once.
   */
  uint32_t offline;
  /**
   * The portal may act twice without harm. Then a request that was sent when the connection was
   * lost, and has no answer, is sent once more when the session is back, within the same time
   * limit. Its outcome says so: `resent` of the reply, roam_error_resent. No other request is ever
   * sent twice.
   */
  bool idempotent;
} roam_request_options;

/* ---- Functions: counters ------------------------------------------------------------------- */

/**
 * What an object has done since it was made. Everything only grows, except round_trip_ms, and
 * nothing is reset by a reconnection or a fresh login. Zero it and set `struct_size`.
 */
typedef struct roam_stats {
  /** sizeof(roam_stats). */
  size_t struct_size;
  /**
   * The round trip measured last, in milliseconds: of a TCP connect, or of a probe and its answer.
   * 0 before the first, and below one millisecond.
   */
  uint64_t round_trip_ms;
  /** Engine.IO messages received, without heartbeats; an attachment is one of its own. */
  uint64_t messages_in;
  /**
   * Engine.IO messages given to a connection, without heartbeats; an attachment is one of its own.
   */
  uint64_t messages_out;
  /**
   * Bytes received: payloads of WebSocket frames and bodies of HTTP answers, heartbeats included,
   * headers, TLS and TCP not.
   */
  uint64_t bytes_in;
  /** Bytes sent, counted as bytes_in. */
  uint64_t bytes_out;
  /** Attempts to connect that were begun, at most one at a time, whatever transports each tried. */
  uint64_t dials;
  /** Engine.IO connections that opened. */
  uint64_t connections;
  /**
   * Attempts that failed, before or after their connection opened, as long as it was not in use.
   */
  uint64_t failed_attempts;
  /** Questions for a sign of life that were sent: WebSocket pings, noops of polling. */
  uint64_t probes;
  /** Relogins sent. This and the following up to refreshes_by_backstop: conferences only. */
  uint64_t relogins;
  /** Times the session went on after a loss (on_resumed). */
  uint64_t resumes;
  /** Moves between two living connections (on_migrated). */
  uint64_t migrations;
  /** Notifications delivered from a replay. */
  uint64_t replayed;
  /** Gaps announced (on_gap). */
  uint64_t gaps;
  /**
   * Refreshes of the ticket that were sent right after a heartbeat or message, while the radio was
   * awake anyway.
   */
  uint64_t refreshes_by_traffic;
  /** Refreshes of the ticket that a timer had to send, repetitions of unanswered ones included. */
  uint64_t refreshes_by_backstop;
  /** Acks that nobody waited for any more: late, repeated or never asked for. */
  uint64_t late_acks_ignored;
  /**
   * Other messages that meant nothing: of a connection that is not in use (any more), for a
   * namespace that nobody joined.
   */
  uint64_t packets_ignored;
  /** Times that reading stopped because callbacks did not keep up. */
  uint64_t host_slow;
  /** Times that the task of this object ran: one per heartbeat when nothing else happens. */
  uint64_t wakeups;
} roam_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Functions: version -------------------------------------------------------------------- */

/** The version of the library that runs, as text. Static. */
roam_str roam_version(void);

/** The ABI of the library that runs; compare it with ROAM_ABI_VERSION. */
uint32_t roam_abi_version(void);

/* ---- Functions: statuses ------------------------------------------------------------------- */

/**
 * The name of a status without its prefix, such as "ACK_LOST" or "OK"; "UNKNOWN" for a value that
 * this library does not know. Static.
 */
roam_str roam_status_name(roam_status status);

/* ---- Functions: errors --------------------------------------------------------------------- */

/** The status; ROAM_OK for NULL. */
roam_status roam_error_status(const roam_error *error);

/**
 * One line for developers; never parse it, never show it to users. It holds no token, ticket or
 * payload. Lives as long as the error. Empty for NULL.
 */
roam_str roam_error_message(const roam_error *error);

/** The layer that it comes from: ROAM_LAYER_... */
uint32_t roam_error_layer(const roam_error *error);

/** What helps: ROAM_RETRY_... */
uint32_t roam_error_retry(const roam_error *error);

/** The HTTP status of the refused handshake, 0 if there was none. */
uint32_t roam_error_http_status(const roam_error *error);

/** The code of the WebSocket close frame, 0 if there was none. */
uint32_t roam_error_close_code(const roam_error *error);

/**
 * The code of Engine.IO in the answer to a refused request (0 unknown transport, 1 unknown session,
 * 2 bad method, 3 bad request, 4 forbidden, 5 unsupported revision), -1 if there was none.
 */
int32_t roam_error_engine_code(const roam_error *error);

/** How long the server asks to wait, in milliseconds; ROAM_UNKNOWN_MS if it does not. */
uint64_t roam_error_retry_after_ms(const roam_error *error);

/**
 * What is wrong with the server's certificate, where the TLS library tells it: ROAM_CERTIFICATE_...;
 * 0 for every other error.
 */
uint32_t roam_error_certificate(const roam_error *error);

/**
 * Whether it is the outcome of a request that was sent twice (`idempotent` of
 * roam_request_options).
 */
bool roam_error_resent(const roam_error *error);

/** What the server said, as JSON; empty if it said nothing. Lives as long as the error. */
roam_str roam_error_server_json(const roam_error *error);

/* ---- Functions: texts of your own ---------------------------------------------------------- */

/** What it says, for as long as you keep it; empty for NULL. */
roam_str roam_string_view(const roam_string *string);

/** Free a text. NULL is fine. */
void roam_string_free(roam_string *string);

/* ---- Functions: log ------------------------------------------------------------------------ */

/**
 * Set the function that gets the log lines of this process up to a level, in place of the former
 * one; NULL or ROAM_LOG_OFF for none. A call of the former that has begun may still be running
 * when this returns, so `user_data` should live as long as the process. Lines hold no token,
 * ticket or payload. INVALID_ARGUMENT for a level that does not exist.
 */
roam_status roam_log_set(uint32_t level, roam_log log, void *user_data);

/* ---- Functions: options of a manager ------------------------------------------------------- */

/**
 * New options with the defaults. A manager needs a URL in addition, unless it asks for one
 * (on_target_wanted). Never NULL.
 */
roam_config *roam_config_new(void);

/**
 * The server: http, https, ws or wss, host, port and query. A path other than "/" is refused with
 * INVALID_URL, because in Socket.IO it would be a namespace, which roam_socket_new takes.
 */
roam_status roam_config_set_url(roam_config *config, roam_str url);

/**
 * The HTTP path of the server, "/socket.io/" by default, percent-encoded. It gets exactly one slash
 * at its end.
 */
roam_status roam_config_set_path(roam_config *config, roam_str path);

/** As roam_config_set_path, without the slash at its end; few servers answer there. */
roam_status roam_config_set_path_without_slash(roam_config *config, roam_str path);

/** Add a header to every request, the WebSocket handshake included. */
roam_status roam_config_add_header(roam_config *config,
                                   roam_str name,
                                   roam_str value);

/** Trust the certificates of a PEM text beside those of the system. */
roam_status roam_config_add_trusted_pem(roam_config *config, roam_str pem);

/**
 * Show a certificate to servers that ask for one: PEM, the own certificate first, then those that
 * it needs to be trusted; and its key, PKCS#8 and not encrypted ("BEGIN PRIVATE KEY"). Damaged
 * ones are INVALID_ARGUMENT here or in roam_manager_new, and what the platform does not take (on
 * iOS anything but PKCS#12, on Windows keys other than RSA) is UNSUPPORTED there.
 */
roam_status roam_config_set_client_certificate_pem(roam_config *config,
                                                   roam_str certificates,
                                                   roam_str key);

/**
 * Show a certificate to servers that ask for one: a PKCS#12 archive (.p12, .pfx) and its password.
 * A damaged archive and a wrong password are INVALID_ARGUMENT in roam_manager_new.
 */
roam_status roam_config_set_client_certificate_pkcs12(roam_config *config,
                                                      roam_bytes archive,
                                                      roam_str password);

/**
 * Accept only servers whose own certificate has one of the pinned public keys: the base64 of the
 * SHA-256 of its SubjectPublicKeyInfo, with "sha256/" before it or not. The certificate is
 * verified as well.
 */
roam_status roam_config_add_spki_pin(roam_config *config, roam_str pin);

/**
 * The name that is sent to the server (SNI) and that its certificate must have, in place of the
 * host's; empty for the host's.
 */
roam_status roam_config_set_server_name(roam_config *config, roam_str name);

/**
 * The oldest version of TLS that is spoken: ROAM_TLS_1_2 or ROAM_TLS_1_3. What the platform does
 * not have is UNSUPPORTED in roam_manager_new.
 */
roam_status roam_config_set_min_tls_version(roam_config *config, uint32_t version);

/** Accept any certificate for any name. For development only; every connect logs a warning. */
roam_status roam_config_dangerously_accept_any_certificate(roam_config *config, bool accept);

/**
 * Reach every server through a proxy: http://user:password@host:port for HTTP CONNECT, or
 * socks5://..., which resolves the server's name; user and password percent-encoded; empty for no
 * proxy, the default. It never sees inside TLS.
 */
roam_status roam_config_set_proxy(roam_config *config, roam_str url);

/**
 * The address of this device that connections are made from, empty for any, the default. Only
 * the server's addresses of its family are tried: "0.0.0.0" means IPv4 only, "::" IPv6 only.
 */
roam_status roam_config_set_local_address(roam_config *config, roam_str address);

/**
 * Look at every new socket before it connects: to bind it to a network, to protect it from a VPN, or
 * to set options of the system. `hook` gets the descriptor (on Windows the SOCKET) and
 * ROAM_SOCKET_PURPOSE_..., and says whether the socket may be used; an attempt whose socket is
 * refused fails with CONNECT, or PROXY.
 *
 * It runs on the I/O thread, also at the same time as everything else of yours, and must not wait,
 * close the socket or connect it. What decides about the way of the connections has to be done to
 * sockets of every purpose; otherwise the device seems to be in another network than its
 * connections are.
 *
 * `destroy` (may be NULL) is called once, on any thread, when neither a config nor an object uses the
 * hook any more. When this function fails it is not called.
 */
roam_status roam_config_set_socket_hook(roam_config *config,
                                        roam_socket_hook hook,
                                        void *user_data,
                                        void (*destroy)(void *user_data));

/** Who runs callbacks: ROAM_DISPATCH_THREAD, _MANUAL or _INLINE. */
roam_status roam_config_set_dispatch(roam_config *config, uint32_t mode);

/**
 * Have callbacks run where your own loop or queue runs them (a main queue, a looper, a game's
 * loop). When there is something, `post` is called: queue `run` with `job` and return true.
 *
 * `post` runs on any thread, inside calls of yours too, and for several managers at once. It must
 * not wait, and should not call `run` itself: callbacks would run inside your own call. _free_wait
 * functions answer WOULD_DEADLOCK in it.
 *
 * Call `run(job)` exactly once, on any thread, holding no lock that your callbacks take. Per
 * manager at most one job is out that has not begun; it runs a bounded number of callbacks, and if
 * there are more another job is posted behind what waits in your loop.
 *
 * When your loop can run nothing any more return false, and do not call `run`: threads of the
 * library run the callbacks from then on. A job that was accepted and is never run leaks, and no
 * more callbacks come, so run what is queued before the loop ends. _free_wait works all the same:
 * the completions and the `destroy` of what it frees run on the thread that calls it, unless a job
 * is running. So it may be called where jobs run, outside callbacks.
 *
 * `destroy` (may be NULL) is called once, on any thread, when neither a config nor an object uses
 * the executor any more and all jobs are over; that may be a moment after the last _free_wait has
 * returned. When this function fails it is not called.
 */
roam_status roam_config_set_executor(roam_config *config,
                                     roam_post post,
                                     void *user_data,
                                     void (*destroy)(void *user_data));

/**
 * Write a trace of each manager to a file, which is replaced: everything that it does, one JSON
 * object per line, for a bug report or for the timeline tool (docs/trace.md). It holds no token,
 * ticket, header, query or payload. Empty for none, the default. A file that cannot be written, or that
 * another object writes, is INVALID_ARGUMENT in roam_manager_new. _free_wait waits for the last line.
 */
roam_status roam_config_set_trace_file(roam_config *config,
                                       roam_str path);

/**
 * Have each line of the trace of each manager given to a function: on a thread of the trace, for
 * several managers at once. It may take its time, up to a mebibyte of lines waits for it, and what
 * then has no room is counted in the trace; it must not call functions of this library. `destroy`,
 * which may be NULL, is called once, on any thread, when neither a config nor an object uses the
 * function any more. When this function fails it is not called.
 */
roam_status roam_config_set_trace(roam_config *config,
                                  roam_trace trace,
                                  void *user_data,
                                  void (*destroy)(void *user_data));

/** Whether to reconnect after a loss; yes by default. */
roam_status roam_config_set_reconnect(roam_config *config, bool enabled);

/**
 * The wait before the first attempt to reconnect and the longest wait, 1 ms to 24 h each; 1 s and
 * 5 s by default.
 */
roam_status roam_config_set_reconnect_delay_ms(roam_config *config,
                                               uint32_t min_ms,
                                               uint32_t max_ms);

/**
 * How waits grow per failed attempt, 1 to 100, and how far they spread around their middle, 0 to
 * 1; 2 and 0.5 by default.
 */
roam_status roam_config_set_reconnect_growth(roam_config *config,
                                             double factor,
                                             double jitter);

/** Failed attempts before giving up; 0 for no end, the default. */
roam_status roam_config_set_reconnect_attempts(roam_config *config, uint32_t attempts);

/**
 * How reconnecting is held back in addition: no wait is shorter than `floor_ms`; a connection must
 * have lived `stable_ms` before waits are short again; in any ten seconds at most `dials_per_10s`
 * attempts start. By default 100 ms, 10 s and 20; up to the longest wait, up to 24 h, at least 1.
 */
roam_status roam_config_set_reconnect_pace(roam_config *config,
                                           uint32_t floor_ms,
                                           uint32_t stable_ms,
                                           uint32_t dials_per_10s);

/** A time limit, ROAM_TIMEOUT_...: 1 ms to 24 h. */
roam_status roam_config_set_timeout_ms(roam_config *config, uint32_t which, uint32_t ms);

/** A limit of sizes and queues, ROAM_LIMIT_... */
roam_status roam_config_set_limit(roam_config *config, uint32_t which, size_t value);

/**
 * The error of this thread's last failed call if it was on this config; NULL otherwise. It lives
 * until this thread's next failed call.
 */
const roam_error *roam_config_last_error(const roam_config *config);

/** Free options; managers made from them are not affected. NULL is fine. */
void roam_config_free(roam_config *config);

/* ---- Functions: transports ----------------------------------------------------------------- */

/**
 * Which transports to use, in the order of preference: `count` numbers ROAM_TRANSPORT_..., and
 * what becomes of the second one while a connection opens: ROAM_OPENING_... WebSocket, then
 * polling, raced, by default. With polling first the connection is upgraded to WebSocket once it
 * is open.
 */
roam_status roam_config_set_transports(roam_config *config,
                                       const uint32_t *order,
                                       size_t count,
                                       uint32_t opening);

/** As roam_config_set_transports. */
roam_status roam_conference_config_set_transports(roam_conference_config *config,
                                                  const uint32_t *order,
                                                  size_t count,
                                                  uint32_t opening);

/** The revision of Engine.IO: ROAM_REVISION_... */
roam_status roam_config_set_revision(roam_config *config, uint32_t which);

/** As roam_config_set_revision. */
roam_status roam_conference_config_set_revision(roam_conference_config *config,
                                                uint32_t which);

/** Turn something on or off: ROAM_SWITCH_... */
roam_status roam_config_set_switch(roam_config *config, uint32_t which, bool on);

/** As roam_config_set_switch. */
roam_status roam_conference_config_set_switch(roam_conference_config *config,
                                              uint32_t which,
                                              bool on);

/**
 * Query parameters that only the requests of one transport have, percent-encoded and joined with
 * '&'.
 */
roam_status roam_config_set_transport_query(roam_config *config,
                                            uint32_t transport,
                                            roam_str query);

/** As roam_config_set_transport_query. */
roam_status roam_conference_config_set_transport_query(roam_conference_config *config,
                                                       uint32_t transport,
                                                       roam_str query);

/** Add a header to the requests of one transport only. */
roam_status roam_config_add_transport_header(roam_config *config,
                                             uint32_t transport,
                                             roam_str name,
                                             roam_str value);

/** As roam_config_add_transport_header. */
roam_status roam_conference_config_add_transport_header(roam_conference_config *config,
                                                        uint32_t transport,
                                                        roam_str name,
                                                        roam_str value);

/**
 * When requests have a parameter that no other has, ROAM_TIMESTAMPS_..., and its name; "t" unless
 * given.
 */
roam_status roam_config_set_timestamps(roam_config *config,
                                       uint32_t when,
                                       roam_str name);

/** As roam_config_set_timestamps. */
roam_status roam_conference_config_set_timestamps(roam_conference_config *config,
                                                  uint32_t when,
                                                  roam_str name);

/** Offer a WebSocket subprotocol, beside those that were added before. */
roam_status roam_config_add_protocol(roam_config *config, roam_str name);

/** As roam_config_add_protocol. */
roam_status roam_conference_config_add_protocol(roam_conference_config *config,
                                                roam_str name);

/** How packets are written: ROAM_PARSER_... */
roam_status roam_config_set_parser(roam_config *config, uint32_t parser);

/* ---- Functions: managers ------------------------------------------------------------------- */

/**
 * Make a manager. There is no traffic before a socket connects. `events` is copied. Its error is
 * read with roam_config_last_error.
 */
roam_status roam_manager_new(const roam_config *config,
                             const roam_manager_events *events,
                             roam_manager **out);

/** The state as the callbacks have told it: ROAM_MANAGER_STATE_... CLOSED for NULL. */
uint32_t roam_manager_state(const roam_manager *manager);

/** Whether a socket uses a namespace. False for NULL and for what is no text. */
bool roam_manager_uses(const roam_manager *manager, roam_str nsp);

/**
 * Answer on_target_wanted, in it or later, from any thread: the attempt goes to this URL, as
 * roam_config_set_url takes it, at the HTTP path of the config, with these headers (and not those
 * of the config). What is wrong with the call leaves the question open. An answer that comes too
 * late or a second time is ignored.
 */
roam_status roam_manager_provide_target(const roam_manager *manager,
                                        uint64_t ask_token,
                                        roam_str url,
                                        const roam_header *headers,
                                        size_t header_count);

/**
 * Answer on_target_wanted with no: the attempt has failed, CANCELLED with this message, and the
 * next one waits as after any failure. The rest is as with roam_manager_provide_target.
 */
roam_status roam_manager_refuse_target(const roam_manager *manager,
                                       uint64_t ask_token,
                                       roam_str message);

/** Send these headers, in place of those of the config, from the next attempt on. */
roam_status roam_manager_set_headers(const roam_manager *manager,
                                     const roam_header *headers,
                                     size_t header_count);

/**
 * Reconnect as this config says (its roam_config_set_reconnect... options; the others are not
 * looked at), from the next wait on. Switched off no attempt starts any more, and if one is being
 * waited for the sockets come to rest.
 */
roam_status roam_manager_set_reconnect(const roam_manager *manager,
                                       const roam_config *config);

/** Hint: a network is there (again). The next attempt is made at once. */
roam_status roam_manager_network_available(const roam_manager *manager);

/** Hint: there is no network. Attempts become rare; the connection is kept. */
roam_status roam_manager_network_lost(const roam_manager *manager);

/**
 * Hint: the device moved to another network, or its addresses changed. Call it from the system's
 * reachability callback; the library connects there at once and moves over if need be.
 */
roam_status roam_manager_network_changed(const roam_manager *manager);

/** Hint: the application is about to be suspended. No timer, nothing sent until the next call. */
roam_status roam_manager_suspended(const roam_manager *manager);

/** Hint: the application runs again. Whether the connection survived is found out at once. */
roam_status roam_manager_resumed(const roam_manager *manager);

/**
 * Manual dispatch: run up to `max_events` callbacks of this manager and its sockets on this
 * thread. `dispatched` (may be NULL) becomes how many pieces were worked off; fewer than
 * `max_events` means that there is no more, or that another thread is dispatching.
 * INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a callback.
 */
roam_status roam_manager_dispatch(const roam_manager *manager,
                                  size_t max_events,
                                  size_t *dispatched);

/**
 * Manual dispatch: call `wake` when there is something to dispatch after a dispatch has found
 * nothing more, and at once if there is something now. It runs on the I/O thread, or inside this
 * call, and must only wake the host's loop (set a flag, post a message, signal a condition): all
 * traffic of the process waits for it. It is not called any more once the manager and its sockets
 * are freed; the last _free waits for a call that has begun, so hold no lock then that `wake`
 * takes. `destroy` (may be NULL) is called once, on any thread, after the last call of `wake`, also
 * when another takes its place; when this function fails it is not called. INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a `wake`.
 */
roam_status roam_manager_set_wake(const roam_manager *manager,
                                  roam_wake wake,
                                  void *user_data,
                                  void (*destroy)(void *user_data));

/**
 * Manual dispatch: a file descriptor that is readable while there is something to dispatch. Only
 * poll it; the library reads, writes and closes it (when the manager and its sockets are freed).
 * INVALID_STATE with another dispatch, UNSUPPORTED where there are no such descriptors.
 */
roam_status roam_manager_wake_fd(const roam_manager *manager, int *out);

/**
 * The error of this thread's last failed call if it was on this manager (roam_socket_new counts as
 * one); NULL otherwise. It lives until this thread's next failed call.
 */
const roam_error *roam_manager_last_error(const roam_manager *manager);

/**
 * Free a manager; see "End of life" above. Its sockets go on, with the connection. One that a
 * registry gave goes on as well, while the registry or somebody else has it. NULL is fine.
 */
void roam_manager_free(roam_manager *manager);

/**
 * Free a manager and wait until `destroy` has run and, if no socket is left, the connection is
 * gone; for one that goes on nothing is waited for. WOULD_DEADLOCK inside a callback: nothing is
 * freed. TIMED_OUT after `timeout_ms`: it is closed, but still yours; call this again, or
 * roam_manager_free.
 */
roam_status roam_manager_free_wait(roam_manager *manager, uint32_t timeout_ms);

/* ---- Functions: sockets -------------------------------------------------------------------- */

/**
 * Make a socket on a namespace, "/" or "/...". INVALID_STATE while another socket of this manager
 * uses it. There is no traffic before roam_socket_connect. `options` may be NULL; it and `events`
 * are copied. Its error is read with roam_manager_last_error.
 */
roam_status roam_socket_new(const roam_manager *manager,
                            roam_str nsp,
                            const roam_socket_options *options,
                            const roam_socket_events *events,
                            roam_socket **out);

/**
 * Join the namespace, now and after every reconnect. `auth_json` is a JSON object for the server,
 * or empty. When the namespace is wanted already only `auth_json` changes, for the next time.
 * QUEUE_FULL when calls come faster than they can be looked at.
 */
roam_status roam_socket_connect(const roam_socket *socket, roam_str auth_json);

/**
 * Answer on_auth_wanted, in it or later, from any thread. `auth_json` is as for
 * roam_socket_connect. What is wrong with the call leaves the question open. An answer that comes
 * too late or a second time is ignored.
 */
roam_status roam_socket_provide_auth(const roam_socket *socket,
                                     uint64_t ask_token,
                                     roam_str auth_json);

/**
 * Answer on_auth_wanted with no: the namespace is not joined, on_connect_error gets CANCELLED with
 * this message, and the socket rests until roam_socket_connect. The rest is as with
 * roam_socket_provide_auth.
 */
roam_status roam_socket_refuse_auth(const roam_socket *socket,
                                    uint64_t ask_token,
                                    roam_str message);

/** Leave the namespace. */
roam_status roam_socket_disconnect(const roam_socket *socket);

/** The namespace; lives as long as the socket. Empty for NULL. */
roam_str roam_socket_nsp(const roam_socket *socket);

/** The state as the callbacks have told it: ROAM_SOCKET_STATE_... CLOSED for NULL. */
uint32_t roam_socket_state(const roam_socket *socket);

/** Manual dispatch: as roam_manager_dispatch of its manager, also when that is freed already. */
roam_status roam_socket_dispatch(const roam_socket *socket,
                                 size_t max_events,
                                 size_t *dispatched);

/**
 * The error of this thread's last failed call if it was on this socket; NULL otherwise. It lives
 * until this thread's next failed call.
 */
const roam_error *roam_socket_last_error(const roam_socket *socket);

/** Leave the namespace and free the socket; see "End of life" above. NULL is fine. */
void roam_socket_free(roam_socket *socket);

/**
 * Free a socket and wait until `destroy` has run and, if nothing of its manager is left, the
 * connection is gone. WOULD_DEADLOCK inside a callback: nothing is freed. TIMED_OUT after
 * `timeout_ms`: it is closed, but still yours; call this again, or roam_socket_free.
 */
roam_status roam_socket_free_wait(roam_socket *socket, uint32_t timeout_ms);

/* ---- Functions: events and answers --------------------------------------------------------- */

/**
 * Emit an event. `args_json` is a JSON array of its arguments. `options` may be NULL. While the
 * socket is not connected events wait, in order; QUEUE_FULL when too many do. What is dropped later
 * is told to on_dropped.
 */
roam_status roam_socket_emit(const roam_socket *socket,
                             roam_str name,
                             roam_str args_json,
                             const roam_emit_options *options);

/**
 * As roam_socket_emit, and have the server answer. The completion gets the server's arguments, or
 * ACK_TIMEOUT or ACK_LOST (the server may or may not have acted), NOT_SENT, CANCELLED or CLOSED.
 * `request` (may be NULL) becomes a number for roam_socket_cancel. QUEUE_FULL also while as many
 * completions are outstanding as ROAM_LIMIT_HOST_QUEUE_EVENTS allows.
 */
roam_status roam_socket_emit_with_ack(const roam_socket *socket,
                                      roam_str name,
                                      roam_str args_json,
                                      const roam_emit_options *options,
                                      roam_completion completion,
                                      uint64_t *request);

/**
 * Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
 * sent. A number that means nothing (any more) is fine.
 */
roam_status roam_socket_cancel(const roam_socket *socket, uint64_t request);

/**
 * Answer an event that has an ack_token, in its callback or later, from any thread. `args_json` is
 * a JSON array; attachments are as in roam_emit_options. Only the first answer is sent, and only on
 * the connection that the event came from; others are dropped silently.
 */
roam_status roam_socket_ack(const roam_socket *socket,
                            uint64_t ack_token,
                            roam_str args_json,
                            const roam_bytes *attachments,
                            size_t attachment_count);

/* ---- Functions: listeners ------------------------------------------------------------------ */

/**
 * Call `handler` with every event of this name, in place of the table's on_event, which is told
 * the events whose name nobody listens to. Several listeners of a name are called in the order in
 * which they came. Listeners may be added and removed at any time, also in a handler; the event
 * that is just being told reaches those that were there before.
 *
 * `listener` (may be NULL) becomes a number for roam_socket_off, never 0. `destroy` (may be NULL)
 * is called once, after the last call of `handler`; free `user_data` there. That is inside
 * roam_socket_off and its like, or when the event that is just being told is over, or at the end
 * of the socket, before the `destroy` of its table. When this function fails it is not called.
 *
 * RESERVED_EVENT for "connect", "disconnect" and the like, which the table has functions for.
 */
roam_status roam_socket_on(const roam_socket *socket,
                           roam_str name,
                           roam_handler handler,
                           void *user_data,
                           void (*destroy)(void *user_data),
                           uint64_t *listener);

/** As roam_socket_on, for one event; then the listener is removed. */
roam_status roam_socket_once(const roam_socket *socket,
                             roam_str name,
                             roam_handler handler,
                             void *user_data,
                             void (*destroy)(void *user_data),
                             uint64_t *listener);

/**
 * As roam_socket_on, for the events of every name: called before those who listen to the name, and
 * beside them or on_event.
 */
roam_status roam_socket_on_any(const roam_socket *socket,
                               roam_handler handler,
                               void *user_data,
                               void (*destroy)(void *user_data),
                               uint64_t *listener);

/** As roam_socket_on_any, before those that are there already. */
roam_status roam_socket_prepend_any(const roam_socket *socket,
                                    roam_handler handler,
                                    void *user_data,
                                    void (*destroy)(void *user_data),
                                    uint64_t *listener);

/**
 * Call `handler` with every event that this socket sends, when it is written, also from the queue
 * and again if it is repeated; not with answers. The rest is as with roam_socket_on.
 */
roam_status roam_socket_on_any_outgoing(const roam_socket *socket,
                                        roam_handler handler,
                                        void *user_data,
                                        void (*destroy)(void *user_data),
                                        uint64_t *listener);

/** As roam_socket_on_any_outgoing, before those that are there already. */
roam_status roam_socket_prepend_any_outgoing(const roam_socket *socket,
                                             roam_handler handler,
                                             void *user_data,
                                             void (*destroy)(void *user_data),
                                             uint64_t *listener);

/** Remove a listener, of whatever kind. A number that means nothing (any more) is fine. */
roam_status roam_socket_off(const roam_socket *socket, uint64_t listener);

/** Remove all listeners of a name. */
roam_status roam_socket_off_all(const roam_socket *socket, roam_str name);

/** Remove all listeners of roam_socket_on_any and roam_socket_prepend_any. */
roam_status roam_socket_off_any(const roam_socket *socket);

/** Remove all listeners of roam_socket_on_any_outgoing and roam_socket_prepend_any_outgoing. */
roam_status roam_socket_off_any_outgoing(const roam_socket *socket);

/* ---- Functions: sockets by URL ------------------------------------------------------------- */

/** New registry, without managers. Never NULL. There is no other but those that programs make. */
roam_registry *roam_registry_new(void);

/**
 * Make a socket for a URL: https if it has no scheme, and its path is the namespace. With
 * `multiplex` it shares the manager of its scheme, host, port and HTTP path; that is made if there
 * is none. Without, and when the shared one has a socket on this namespace already, it gets a
 * manager of its own.
 *
 * `config` (NULL for the defaults) is what a new manager is made with; a manager that exists keeps
 * what it has. Its URL is not looked at, its HTTP path is. `options` may be NULL; the URL's query
 * is that of the namespace as well unless `options` has one. `events` is copied.
 *
 * `socket` becomes yours, as from roam_socket_new. So does `manager` (may be NULL), a handle of its
 * own for each call, for the functions of managers: it tells no events, and freeing it ends only
 * the handle. The manager ends with the last of its handles, once the registry is freed or finds it
 * without sockets. The error is read with roam_registry_last_error.
 */
roam_status roam_registry_socket(const roam_registry *registry,
                                 roam_str url,
                                 const roam_config *config,
                                 bool multiplex,
                                 const roam_socket_options *options,
                                 const roam_socket_events *events,
                                 roam_manager **manager,
                                 roam_socket **socket);

/**
 * The error of this thread's last failed call if it was on this registry; NULL otherwise. It lives
 * until this thread's next failed call.
 */
const roam_error *roam_registry_last_error(const roam_registry *registry);

/**
 * Free a registry; its sockets and their managers go on. Free it before the last of them: then that
 * one's _free_wait waits until the connection is gone. NULL is fine.
 */
void roam_registry_free(roam_registry *registry);

/* ---- Functions: options of a conference ---------------------------------------------------- */

/** New options with the defaults, which are good for a current portal. Never NULL. */
roam_conference_config *roam_conference_config_new(void);

/** The protocol announced at login: ROAM_PORTAL_... */
roam_status roam_conference_config_set_protocol(roam_conference_config *config,
                                                uint32_t protocol);

/** How replayed notifications are numbered: ROAM_SEQUENCE_... */
roam_status roam_conference_config_set_sequence(roam_conference_config *config,
                                                uint32_t sequence);

/**
 * Refuse a "text" whose message has more characters, with TOO_LARGE; 0, the default, for no limit.
 * No portal refuses long ones, although their documents speak of 2048.
 */
roam_status roam_conference_config_set_text_limit(roam_conference_config *config,
                                                  size_t characters);

/**
 * How the application presents itself. The portal lets only sessions of the SDK types "C++",
 * "Objective-C", "Android" and "JavaScript" be resumed; the version is not empty and not "3.5".
 * `members_json` holds further members of the user agent, a JSON object, or is empty.
 */
roam_status roam_conference_config_set_user_agent(roam_conference_config *config,
                                                  roam_str sdk_type,
                                                  roam_str sdk_version,
                                                  roam_str members_json);

/**
 * Connect without TLS when a token says so, also when the portal is not on this machine; no by
 * default.
 */
roam_status roam_conference_config_allow_plaintext(roam_conference_config *config,
                                                   bool allow);

/** Add a header to every request, the WebSocket handshake included. */
roam_status roam_conference_config_add_header(roam_conference_config *config,
                                              roam_str name,
                                              roam_str value);

/** Trust the certificates of a PEM text beside those of the system. */
roam_status roam_conference_config_add_trusted_pem(roam_conference_config *config,
                                                   roam_str pem);

/**
 * Show a certificate to servers that ask for one: PEM, the own certificate first, then those that
 * it needs to be trusted; and its key, PKCS#8 and not encrypted ("BEGIN PRIVATE KEY"). Damaged
 * ones are INVALID_ARGUMENT here or in roam_conference_new, and what the platform does not take (on
 * iOS anything but PKCS#12, on Windows keys other than RSA) is UNSUPPORTED there.
 */
roam_status roam_conference_config_set_client_certificate_pem(roam_conference_config *config,
                                                              roam_str certificates,
                                                              roam_str key);

/**
 * Show a certificate to servers that ask for one: a PKCS#12 archive (.p12, .pfx) and its password.
 * A damaged archive and a wrong password are INVALID_ARGUMENT in roam_conference_new.
 */
roam_status roam_conference_config_set_client_certificate_pkcs12(roam_conference_config *config,
                                                                 roam_bytes archive,
                                                                 roam_str password);

/**
 * Accept only servers whose own certificate has one of the pinned public keys: the base64 of the
 * SHA-256 of its SubjectPublicKeyInfo, with "sha256/" before it or not. The certificate is
 * verified as well.
 */
roam_status roam_conference_config_add_spki_pin(roam_conference_config *config,
                                                roam_str pin);

/**
 * The name that is sent to the server (SNI) and that its certificate must have, in place of the
 * host's; empty for the host's.
 */
roam_status roam_conference_config_set_server_name(roam_conference_config *config,
                                                   roam_str name);

/**
 * The oldest version of TLS that is spoken: ROAM_TLS_1_2 or ROAM_TLS_1_3. What the platform does
 * not have is UNSUPPORTED in roam_conference_new.
 */
roam_status roam_conference_config_set_min_tls_version(roam_conference_config *config,
                                                       uint32_t version);

/** Accept any certificate for any name. For development only; every connect logs a warning. */
roam_status roam_conference_config_dangerously_accept_any_certificate(roam_conference_config *config,
                                                                      bool accept);

/**
 * Reach every server through a proxy: http://user:password@host:port for HTTP CONNECT, or
 * socks5://..., which resolves the server's name; user and password percent-encoded; empty for no
 * proxy, the default. It never sees inside TLS.
 */
roam_status roam_conference_config_set_proxy(roam_conference_config *config,
                                             roam_str url);

/** As roam_config_set_local_address. */
roam_status roam_conference_config_set_local_address(roam_conference_config *config,
                                                     roam_str address);

/** As roam_config_set_socket_hook. */
roam_status roam_conference_config_set_socket_hook(roam_conference_config *config,
                                                   roam_socket_hook hook,
                                                   void *user_data,
                                                   void (*destroy)(void *user_data));

/** Who runs callbacks: ROAM_DISPATCH_THREAD, _MANUAL or _INLINE. */
roam_status roam_conference_config_set_dispatch(roam_conference_config *config,
                                                uint32_t mode);

/** Have callbacks run where your own loop or queue runs them, as roam_config_set_executor says. */
roam_status roam_conference_config_set_executor(roam_conference_config *config,
                                                roam_post post,
                                                void *user_data,
                                                void (*destroy)(void *user_data));

/** Write a trace of each conference to a file, as roam_config_set_trace_file says. */
roam_status roam_conference_config_set_trace_file(roam_conference_config *config,
                                                  roam_str path);

/** Have each line of the trace given to a function, as roam_config_set_trace says. */
roam_status roam_conference_config_set_trace(roam_conference_config *config,
                                             roam_trace trace,
                                             void *user_data,
                                             void (*destroy)(void *user_data));

/**
 * Waits between attempts in the time after a loss (ROAM_TIMEOUT_FAST_RESUME): at most `first_ms`
 * before the first, doubled with every failure up to `max_ms`, and spread evenly between nearly 0
 * and that. 250 ms and 5 s by default, 2 ms to 24 h.
 */
roam_status roam_conference_config_set_resume_delay_ms(roam_conference_config *config,
                                                       uint32_t first_ms,
                                                       uint32_t max_ms);

/**
 * Waits between attempts before the login, and when resuming takes longer: as above, growing by
 * 1.6. 1 s and 60 s by default, 2 ms to 24 h.
 */
roam_status roam_conference_config_set_patient_delay_ms(roam_conference_config *config,
                                                        uint32_t first_ms,
                                                        uint32_t max_ms);

/** A time limit, ROAM_TIMEOUT_...: 1 ms to 24 h. */
roam_status roam_conference_config_set_timeout_ms(roam_conference_config *config,
                                                  uint32_t which,
                                                  uint32_t ms);

/** A limit of sizes and queues, ROAM_LIMIT_... */
roam_status roam_conference_config_set_limit(roam_conference_config *config,
                                             uint32_t which,
                                             size_t value);

/**
 * The error of this thread's last failed call if it was on this config; NULL otherwise. It lives
 * until this thread's next failed call.
 */
const roam_error *roam_conference_config_last_error(const roam_conference_config *config);

/** Free options; conferences made from them are not affected. NULL is fine. */
void roam_conference_config_free(roam_conference_config *config);

/* ---- Functions: conferences ---------------------------------------------------------------- */

/**
 * Make a conference for one session. The server is the one that the token names; there is no
 * traffic before roam_conference_login. `events` is copied. Its error is read with
 * roam_conference_config_last_error.
 */
roam_status roam_conference_new(const roam_conference_config *config,
                                const roam_conference_events *events,
                                roam_conference **out);

/**
 * Log in with a token from the application's server. A token is used at most once, and a
 * conference logs in once. The completion gets the portal's answer, one JSON object with the
 * members id, user, role, permission and room; or LOGIN_REJECTED, LOGIN_UNKNOWN, CANCELLED (by a
 * logout), CLOSED, or why the portal could not be reached. At once: TOKEN_INVALID for a token that
 * cannot be decoded, or that asks for plain text which is not allowed; INVALID_STATE for a second
 * login.
 */
roam_status roam_conference_login(const roam_conference *conference,
                                  roam_str token,
                                  roam_completion completion);

/**
 * Leave the conference. The completion gets a reply without arguments when the portal has
 * confirmed it or the session was over; otherwise LEFT_UNCONFIRMED: the participant may stay
 * visible to others for a while. NOT_LOGGED_IN at once before a login and after the end.
 */
roam_status roam_conference_logout(const roam_conference *conference,
                                   roam_completion completion);

/**
 * Close the connection without a logout, and end the conference: its participant stays visible to
 * others until the portal gives it up, a minute by default, and an export of the session can be
 * restored until then. Pending completions get CLOSED, no other callback begins any more but
 * `destroy`, and calls answer CLOSED; the handle is still to be freed. A login without an answer is
 * taken back as far as possible. The second time it does nothing.
 */
roam_status roam_conference_detach(const roam_conference *conference);

/**
 * Ask the portal: "text", "publish", "subscribe", ... `data_json` is one JSON object; with
 * ROAM_PORTAL_LEGACY it may also be the JSON array of several arguments, the first not null. While
 * the session is not ready the request waits for it. The completion gets the portal's answer, or
 * REQUEST_REJECTED, ACK_TIMEOUT or ACK_LOST (the portal may or may not have acted), NOT_SENT,
 * CANCELLED or CLOSED. When the session ends, what was sent ends ACK_LOST and what was not
 * NOT_SENT, and either of them DROPPED if the portal has thrown the participant out. `timeout_ms`
 * counts from now; 0 means the configured one. `request` (may be NULL) becomes a number for
 * roam_conference_cancel.
 * At once: NOT_LOGGED_IN before a login and after the end; RESERVED_EVENT also for login, relogin,
 * refreshReconnectionTicket and logout, which the session sends by itself; QUEUE_FULL when too much
 * waits, or while as many completions are outstanding as ROAM_LIMIT_HOST_QUEUE_EVENTS allows.
 */
roam_status roam_conference_request(const roam_conference *conference,
                                    roam_str name,
                                    roam_str data_json,
                                    uint32_t timeout_ms,
                                    roam_completion completion,
                                    uint64_t *request);

/** As roam_conference_request, with more options; `options` may be NULL. */
roam_status roam_conference_request_with(const roam_conference *conference,
                                         roam_str name,
                                         roam_str data_json,
                                         const roam_request_options *options,
                                         roam_completion completion,
                                         uint64_t *request);

/**
 * Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
 * sent. A number that means nothing (any more) is fine.
 */
roam_status roam_conference_cancel(const roam_conference *conference, uint64_t request);

/** The state as the callbacks have told it: ROAM_CONFERENCE_STATE_... ENDED for NULL. */
uint32_t roam_conference_state(const roam_conference *conference);

/**
 * The room as the portal has described it up to the callback that began last: one JSON object with
 * the members id, views, participants, streams and stale (notifications were lost since the login,
 * and with them perhaps changes). A participant has id, user and role; a stream has what the
 * portal's protocol says. It is filled right before the completion of the login, and empty before
 * that. Free it with roam_string_free.
 */
roam_status roam_conference_room(const roam_conference *conference,
                                 roam_string **out);

/** Hint: a network is there (again). The next attempt is made at once. */
roam_status roam_conference_network_available(const roam_conference *conference);

/** Hint: there is no network. Attempts become rare; the connection is kept. */
roam_status roam_conference_network_lost(const roam_conference *conference);

/**
 * Hint: the device moved to another network, or its addresses changed. Call it from the system's
 * reachability callback; the session moves there at once if need be, and nothing is lost.
 */
roam_status roam_conference_network_changed(const roam_conference *conference);

/** Hint: the application is about to be suspended. No timer, nothing sent until the next call. */
roam_status roam_conference_suspended(const roam_conference *conference);

/** Hint: the application runs again. Whether the connection survived is found out at once. */
roam_status roam_conference_resumed(const roam_conference *conference);

/** Manual dispatch: as roam_manager_dispatch. */
roam_status roam_conference_dispatch(const roam_conference *conference,
                                     size_t max_events,
                                     size_t *dispatched);

/** Manual dispatch: as roam_manager_set_wake. */
roam_status roam_conference_set_wake(const roam_conference *conference,
                                     roam_wake wake,
                                     void *user_data,
                                     void (*destroy)(void *user_data));

/** Manual dispatch: as roam_manager_wake_fd. */
roam_status roam_conference_wake_fd(const roam_conference *conference, int *out);

/**
 * The error of this thread's last failed call if it was on this conference; NULL otherwise. It
 * lives until this thread's next failed call.
 */
const roam_error *roam_conference_last_error(const roam_conference *conference);

/**
 * Free a conference; see "End of life" above. A session that has not been left with
 * roam_conference_logout is detached as with roam_conference_detach. NULL is fine.
 */
void roam_conference_free(roam_conference *conference);

/**
 * Free a conference and wait until `destroy` has run and the connection is gone. WOULD_DEADLOCK
 * inside a callback: nothing is freed. TIMED_OUT after `timeout_ms`: it is closed, but still
 * yours; call this again, or roam_conference_free.
 */
roam_status roam_conference_free_wait(roam_conference *conference, uint32_t timeout_ms);

/* ---- Functions: fresh logins of a conference ----------------------------------------------- */

/**
 * Answer on_token_wanted, in it or later, from any thread, with a token that was never used.
 * TOKEN_INVALID for one that cannot be decoded, or that asks for plain text which is not allowed:
 * the question stays open. An answer that comes too late or a second time is ignored.
 */
roam_status roam_conference_provide_token(const roam_conference *conference,
                                          uint64_t ask_token,
                                          roam_str token);

/**
 * Answer on_token_wanted with no. A session that is lost ends with the error that on_token_wanted
 * was given. One that lives goes on, and roam_conference_rejoin completes CANCELLED with this
 * message. The rest is as with roam_conference_provide_token.
 */
roam_status roam_conference_refuse_token(const roam_conference *conference,
                                         uint64_t ask_token,
                                         roam_str message);

/**
 * Log in anew with a token that on_token_wanted is asked for, for example because a gap has made
 * the room unknown. The session goes on until the token is there; then its participant is logged
 * out, within ROAM_TIMEOUT_LOGOUT, and another one is logged in on a new connection. Requests that
 * were sent before end as at the end of a session, new ones wait. The completion gets the portal's
 * answer, as on_rejoined, or why there is none: after a refusal (CANCELLED) and without an answer
 * in time (TIMED_OUT) the old session goes on. At once: INVALID_STATE without on_token_wanted,
 * NOT_LOGGED_IN before a login and after the end.
 */
roam_status roam_conference_rejoin(const roam_conference *conference,
                                   roam_completion completion);

/* ---- Functions: sessions that outlive their process ---------------------------------------- */

/**
 * Everything that is needed to resume the session in another process, as text: call it when the
 * application is about to be suspended, store the text where only the application can read it, and
 * give it to roam_conference_restore. `out` becomes a secret to be freed with roam_secret_free:
 * whoever has the text takes over the session. It holds the portal's address, the protocol, the
 * participant, the tickets, how far the notifications have been handled, and the room; nothing
 * else. What is handled after this call comes again after a restore; a notification counts once
 * on_notification has returned. Does not wait. NOT_LOGGED_IN unless there is a session that can be
 * resumed.
 */
roam_status roam_conference_export(const roam_conference *conference,
                                   roam_secret **out);

/**
 * In place of roam_conference_login: resume the session that was exported. The portal decides. Then
 * the state is READY and on_resumed is called, and what was not handled before the export is
 * replayed. Where it refuses, the session ends with its reason, or is replaced with a fresh token
 * (on_token_wanted). While the exporting process still has the session, this takes it away from
 * there. The completion gets a reply without arguments, or the portal's answer after a fresh login,
 * or why the session has ended. At once: EXPORT_FOREIGN for text that is no export, EXPORT_NEWER
 * for one of a newer version of roamio, EXPORT_DAMAGED for one that was changed or cut;
 * TOKEN_INVALID when it asks for plain text which is not allowed; INVALID_ARGUMENT for a session
 * that speaks another protocol than the config says; INVALID_STATE when this conference was used
 * before.
 */
roam_status roam_conference_restore(const roam_conference *conference,
                                    roam_str export_,
                                    roam_completion completion);

/** The text of a secret. It lives until roam_secret_free; empty for NULL. */
roam_str roam_secret_text(const roam_secret *secret);

/** Overwrite a secret and free it. NULL is fine. */
void roam_secret_free(roam_secret *secret);

/**
 * Tell what a manager and its sockets have done. Does not wait. What a callback is told of is
 * counted when it runs. INVALID_ARGUMENT for a `struct_size` that is too small.
 */
roam_status roam_manager_stats(const roam_manager *manager, roam_stats *stats);

/** Tell what a conference has done; as roam_manager_stats. */
roam_status roam_conference_stats(const roam_conference *conference,
                                  roam_stats *stats);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** A view of a C string, for as long as that lives; NULL is the empty text. */
static inline roam_str roam_text(const char *text) {
  roam_str view;
  view.data = text;
  view.len = text ? strlen(text) : 0;
  return view;
}

/** Short for roam_text. */
#define ROAM_STR(text) roam_text(text)

#endif /* ROAMIO_H */
