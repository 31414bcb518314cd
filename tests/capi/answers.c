/* Questions, options of sockets and emits, and sockets by URL, against the reference server with
 * connection state recovery and one whose upgrades fail. Fault-matrix rows M04, M05, M06. */
#include "loop.h"

#include <unistd.h>

static const char *url, *stuck_url;
static loop executor;

typedef struct host {
  witness seen, managed;
  roam_manager *manager;
  roam_socket *socket;
  const char *free_in; /* the callback that frees both, or NULL */
  uint64_t target_token, auth_token; /* the last questions; 0: answered */
  uint32_t attempt;
  roam_status asked_why, retried, refused;
  int http_status, engine_code, upgrade_failures, active;
  uint32_t transport;
  int upgrades, transports, recovered, dropped;
  roam_status why_dropped;
  char name[32], text[4096];
} host;

static void keep(char *to, size_t size, roam_str text) {
  size_t length = text.len < size - 1 ? text.len : size - 1;
  memcpy(to, text.data, length);
  to[length] = 0;
}

/* Free manager and socket if this is the callback to do it in. */
static void maybe_free(host *own, const char *here) {
  if (!own->free_in || strcmp(own->free_in, here) != 0) return;
  own->free_in = NULL;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(own->manager, 1000));
  roam_manager_free(own->manager);
  roam_socket_free(own->socket);
  SEE(&own->seen, own->seen.freed_inside = 1);
  SEE(&own->managed, own->managed.freed_inside = 1);
}

static void on_retry(void *user_data, const roam_retry *retry) {
  host *own = user_data;
  witness_callback(&own->managed);
  SEE(&own->seen, (own->retried = roam_error_status(retry->error),
                   own->http_status = (int)roam_error_http_status(retry->error),
                   own->engine_code = roam_error_engine_code(retry->error),
                   keep(own->text, sizeof own->text, roam_error_message(retry->error))));
  maybe_free(own, "on_retry");
}

static void on_transport(void *user_data, uint32_t transport, bool upgraded) {
  host *own = user_data;
  witness_callback(&own->managed);
  SEE(&own->seen, (own->transport = transport, own->transports++, own->upgrades += upgraded));
  maybe_free(own, "on_transport");
}

static void on_upgrade_failed(void *user_data, const roam_error *error) {
  host *own = user_data;
  witness_callback(&own->managed);
  CHECK(roam_error_status(error) != ROAM_OK && roam_error_message(error).len > 0);
  SEE(&own->seen, own->upgrade_failures++);
  maybe_free(own, "on_upgrade_failed");
}

/* Answer in the callback. */
static void target_at_once(void *user_data, uint64_t ask_token, uint32_t attempt, const roam_error *error) {
  host *own = user_data;
  (void)error;
  witness_callback(&own->managed);
  if (attempt == 0) EXPECT(ROAM_OK, roam_manager_refuse_target(own->manager, ask_token, ROAM_STR("")));
  else EXPECT(ROAM_OK, roam_manager_provide_target(own->manager, ask_token, ROAM_STR(url), NULL, 0));
}

static void auth_at_once(void *user_data, uint64_t ask_token, const roam_error *error) {
  host *own = user_data;
  CHECK(roam_error_status(error) == ROAM_E_CANCELLED); /* why the socket has not joined before */
  witness_callback(&own->seen);
  EXPECT(ROAM_OK, roam_socket_provide_auth(own->socket, ask_token, ROAM_STR("{\"at\":\"once\"}")));
}

static void on_target_wanted(void *user_data, uint64_t ask_token, uint32_t attempt, const roam_error *error) {
  host *own = user_data;
  witness_callback(&own->managed);
  CHECK(ask_token != 0 && (attempt > 0) == (error != NULL));
  SEE(&own->seen, (own->target_token = ask_token, own->attempt = attempt, own->asked_why = roam_error_status(error)));
  maybe_free(own, "on_target_wanted");
}

static void destroy_manager(void *user_data) {
  host *own = user_data;
  witness_destroy(&own->managed);
}

static void on_state(void *user_data, const roam_transition *step) {
  host *own = user_data;
  witness_callback(&own->seen);
  SEE(&own->seen, own->seen.state = step->state);
}

static void on_connect(void *user_data, roam_str socket_sid, bool recovered) {
  host *own = user_data;
  witness_callback(&own->seen);
  CHECK(socket_sid.len > 0);
  SEE(&own->seen, (own->seen.connects++, own->recovered += recovered));
}

static void on_connect_error(void *user_data, const roam_error *error, bool active) {
  host *own = user_data;
  witness_callback(&own->seen);
  SEE(&own->seen, (own->refused = roam_error_status(error), own->active = active,
                   keep(own->text, sizeof own->text, roam_error_message(error))));
  maybe_free(own, "on_connect_error");
}

static void on_event(void *user_data, const roam_event *event) {
  host *own = user_data;
  witness_callback(&own->seen);
  CHECK(event->name.len > 0);
  SEE(&own->seen, own->seen.events++);
}

static void on_dropped(void *user_data, const roam_event *event, const roam_error *error) {
  host *own = user_data;
  witness_callback(&own->seen);
  CHECK(event->ack_token == 0);
  if (event->attachment_count > 0) CHECK(memcmp(event->attachments[0].data, "abc", 3) == 0);
  SEE(&own->seen, (own->dropped++, own->why_dropped = roam_error_status(error),
                   keep(own->name, sizeof own->name, event->name)));
  maybe_free(own, "on_dropped");
}

static void on_auth_wanted(void *user_data, uint64_t ask_token, const roam_error *error) {
  host *own = user_data;
  witness_callback(&own->seen);
  CHECK(ask_token != 0);
  SEE(&own->seen, (own->auth_token = ask_token, own->asked_why = roam_error_status(error)));
  maybe_free(own, "on_auth_wanted");
}

static roam_config *make_config(uint32_t dispatch, const char *to) {
  roam_config *config = roam_config_new();
  if (to) EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(to)));
  if (dispatch == ROAM_DISPATCH_EXECUTOR) {
    EXPECT(ROAM_OK, roam_config_set_executor(config, loop_post, &executor, NULL));
  } else {
    EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  }
  EXPECT(ROAM_OK, roam_config_set_reconnect_delay_ms(config, 5, 5));
  EXPECT(ROAM_OK, roam_config_set_reconnect_pace(config, 1, 0, 10000));
  return config;
}

static roam_socket_events socket_events(host *own) {
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = own;
  events.destroy = witness_destroy; /* the witness is the host's first member */
  events.on_state = on_state;
  events.on_connect = on_connect;
  events.on_connect_error = on_connect_error;
  events.on_event = on_event;
  events.on_dropped = on_dropped;
  return events;
}

enum { ASK_TARGET = 1, ASK_AUTH = 2, AT_ONCE = 4 };

/* A manager and a socket; the config is freed. */
static void start(host *own, roam_config *config, const roam_socket_options *options, int ask) {
  memset(own, 0, sizeof *own);
  witness_init(&own->seen);
  witness_init(&own->managed);
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = own;
  events.destroy = destroy_manager;
  events.on_retry = on_retry;
  events.on_transport = on_transport;
  events.on_upgrade_failed = on_upgrade_failed;
  if (ask & ASK_TARGET) events.on_target_wanted = ask & AT_ONCE ? target_at_once : on_target_wanted;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &own->manager));
  roam_config_free(config);
  roam_socket_events told = socket_events(own);
  if (ask & ASK_AUTH) told.on_auth_wanted = ask & AT_ONCE ? auth_at_once : on_auth_wanted;
  EXPECT(ROAM_OK, roam_socket_new(own->manager, ROAM_STR("/chat"), options, &told, &own->socket));
  CHECK(equals(roam_socket_nsp(own->socket), "/chat"));
  CHECK(roam_manager_uses(own->manager, ROAM_STR("/chat")) && !roam_manager_uses(own->manager, ROAM_STR("/")));
}

static void end_witnesses(host *own) {
  CHECK(own->seen.destroyed == 1);
  witness_end(&own->seen);
  witness_end(&own->managed);
}

static void end(host *own) {
  EXPECT(ROAM_OK, roam_socket_free_wait(own->socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(own->manager, LONG_MS));
  CHECK(own->managed.destroyed == 1);
  end_witnesses(own);
}

static void join(host *own) {
  EXPECT(ROAM_OK, roam_socket_connect(own->socket, ROAM_STR("")));
}

static void tell(host *own, const char *name, const roam_emit_options *options) {
  EXPECT(ROAM_OK, roam_socket_emit(own->socket, ROAM_STR(name), ROAM_STR("[]"), options));
}

static void keep_reply(void *user_data, const roam_error *error, const roam_event *reply) {
  host *own = user_data;
  if (reply && reply->arg_count > 0)
    SEE(&own->seen, keep(own->text, sizeof own->text, reply->args[reply->arg_count - 1]));
  witness_outcome(&own->seen, error, reply);
}

/* What the server has seen of this connection, as JSON, in `text`. */
static void ask_for_handshake(host *own) {
  roam_completion done = {own, keep_reply};
  int before = own->seen.replies;
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(own->socket, ROAM_STR("handshake"), ROAM_STR("[]"), NULL, done, NULL));
  WAIT(&own->seen, own->seen.replies == before + 1);
}

#define CHECK_TEXT(own, part) CHECK(strstr((own)->text, part) != NULL)

/* The last question; it is not asked again. */
static uint64_t take(host *own, uint64_t *token) {
  uint64_t taken = 0;
  WAIT(&own->seen, *token != 0);
  SEE(&own->seen, (taken = *token, *token = 0));
  return taken;
}

/* ---- Questions ----------------------------------------------------------------------------- */

static void questions_are_answered_later_and_elsewhere(uint32_t dispatch) {
  host own;
  start(&own, make_config(dispatch, NULL), NULL, ASK_TARGET | ASK_AUTH);
  join(&own);
  uint64_t token = take(&own, &own.target_token);
  CHECK(own.attempt == 0);
  EXPECT(ROAM_OK, roam_manager_refuse_target(own.manager, token, ROAM_STR("no address yet")));
  WAIT(&own.seen, own.retried == ROAM_E_CANCELLED);
  CHECK_TEXT(&own, "no address yet");

  token = take(&own, &own.target_token);
  CHECK(own.attempt == 1 && own.asked_why == ROAM_E_CANCELLED);
  roam_header good = {ROAM_STR("X-Own"), ROAM_STR("yes")}, bad = {ROAM_STR("X"), ROAM_STR("a\r\nY: b")};
  char to[128];
  snprintf(to, sizeof to, "%s?who=me", url);
  /* What is wrong with a call leaves the question open, and so does a token of no question. */
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_provide_target(own.manager, 0, ROAM_STR(to), NULL, 0));
  EXPECT(ROAM_E_INVALID_URL, roam_manager_provide_target(own.manager, token, ROAM_STR("nowhere"), NULL, 0));
  EXPECT(ROAM_E_INVALID_URL, roam_manager_provide_target(own.manager, token, ROAM_STR("http://h/chat"), NULL, 0));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_provide_target(own.manager, token, ROAM_STR(to), &bad, 1));
  EXPECT(ROAM_OK, roam_manager_provide_target(own.manager, token + 1000, ROAM_STR("http://127.0.0.1:9"), NULL, 0));
  EXPECT(ROAM_OK, roam_manager_refuse_target(own.manager, token - 1, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_manager_provide_target(own.manager, token, ROAM_STR(to), &good, 1));
  EXPECT(ROAM_OK, roam_manager_refuse_target(own.manager, token, ROAM_STR("too late")));

  token = take(&own, &own.auth_token);
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_provide_auth(own.socket, 0, ROAM_STR("{}")));
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_provide_auth(own.socket, token, ROAM_STR("[]")));
  EXPECT(ROAM_OK, roam_socket_refuse_auth(own.socket, token + 1000, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_provide_auth(own.socket, token, ROAM_STR("{\"user\":\"me\"}")));
  EXPECT(ROAM_OK, roam_socket_provide_auth(own.socket, token, ROAM_STR("{\"user\":\"other\"}")));
  WAIT(&own.seen, own.seen.connects == 1);
  ask_for_handshake(&own);
  CHECK_TEXT(&own, "\"user\":\"me\"");
  CHECK_TEXT(&own, "\"who\":\"me\"");
  CHECK_TEXT(&own, "\"x-own\":\"yes\"");
  CHECK(own.target_token == 0 && own.auth_token == 0 && own.seen.connects == 1);
  end(&own);
}

static void questions_are_answered_in_their_callbacks(uint32_t dispatch) {
  host own;
  start(&own, make_config(dispatch, NULL), NULL, ASK_TARGET | ASK_AUTH | AT_ONCE);
  join(&own);
  WAIT(&own.seen, own.seen.connects == 1);
  CHECK(own.retried == ROAM_E_CANCELLED);
  ask_for_handshake(&own);
  CHECK_TEXT(&own, "\"at\":\"once\"");
  end(&own);
}

static void a_refused_auth_lets_the_socket_rest(uint32_t dispatch) {
  host own;
  start(&own, make_config(dispatch, url), NULL, ASK_AUTH);
  join(&own);
  uint64_t token = take(&own, &own.auth_token);
  EXPECT(ROAM_OK, roam_socket_refuse_auth(own.socket, token, ROAM_STR("nobody is logged in")));
  WAIT(&own.seen, own.refused == ROAM_E_CANCELLED && own.seen.state == ROAM_SOCKET_STATE_IDLE);
  CHECK(!own.active);
  CHECK_TEXT(&own, "nobody is logged in");
  join(&own);
  token = take(&own, &own.auth_token);
  CHECK(own.asked_why == ROAM_E_CANCELLED);
  EXPECT(ROAM_OK, roam_socket_provide_auth(own.socket, token, ROAM_STR("")));
  WAIT(&own.seen, own.seen.connects == 1);
  end(&own);
}

static void what_is_never_answered_fails_and_is_asked_again(uint32_t dispatch) {
  host own;
  roam_config *config = make_config(dispatch, url);
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_PROVIDER, 20));
  start(&own, config, NULL, ASK_TARGET);
  join(&own);
  WAIT(&own.seen, own.attempt == 3);
  CHECK(own.asked_why == ROAM_E_CONNECT_TIMEOUT && own.retried == ROAM_E_CONNECT_TIMEOUT);
  end(&own);

  config = make_config(dispatch, url);
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_PROVIDER, 20));
  start(&own, config, NULL, ASK_AUTH);
  join(&own);
  take(&own, &own.auth_token);
  WAIT(&own.seen, own.refused == ROAM_E_CONNECT_TIMEOUT && own.auth_token != 0);
  CHECK(own.active && own.asked_why == ROAM_E_CONNECT_TIMEOUT);
  end(&own);
}

/* ---- On the way ---------------------------------------------------------------------------- */

static void transports_are_told(uint32_t dispatch) {
  static const uint32_t polling_first[] = {ROAM_TRANSPORT_POLLING, ROAM_TRANSPORT_WEBSOCKET};
  host own;
  roam_config *config = make_config(dispatch, url);
  EXPECT(ROAM_OK, roam_config_set_transports(config, polling_first, 2, ROAM_OPENING_IN_TURN));
  start(&own, config, NULL, 0);
  join(&own);
  WAIT(&own.seen, own.transports == 2);
  CHECK(own.upgrades == 1 && own.transport == ROAM_TRANSPORT_WEBSOCKET);
  end(&own);

  config = make_config(dispatch, stuck_url);
  EXPECT(ROAM_OK, roam_config_set_transports(config, polling_first, 2, ROAM_OPENING_IN_TURN));
  start(&own, config, NULL, 0);
  join(&own);
  WAIT(&own.seen, own.upgrade_failures == 1 && own.seen.connects == 1);
  CHECK(own.transports == 1 && own.transport == ROAM_TRANSPORT_POLLING);
  end(&own);

  char refusing[128];
  snprintf(refusing, sizeof refusing, "%s?refuse=polling", url);
  config = make_config(dispatch, refusing);
  EXPECT(ROAM_OK, roam_config_set_transports(config, polling_first, 1, ROAM_OPENING_FIRST));
  start(&own, config, NULL, 0);
  join(&own);
  WAIT(&own.seen, own.retried == ROAM_E_HTTP_STATUS);
  CHECK(own.http_status == 403 && own.engine_code == 4 && own.transports == 0);
  end(&own);
}

static void headers_and_reconnection_change_on_the_way(uint32_t dispatch) {
  host own;
  start(&own, make_config(dispatch, url), NULL, 0);
  join(&own);
  WAIT(&own.seen, own.seen.connects == 1);
  CHECK(own.recovered == 0);
  roam_header later[] = {{ROAM_STR("X-Later"), ROAM_STR("1")}, {ROAM_STR("X-More"), ROAM_STR("")}};
  EXPECT(ROAM_OK, roam_manager_set_headers(own.manager, later, 2));
  /* An event with an offset, from which the server can recover. */
  tell(&own, "echo", NULL);
  WAIT(&own.seen, own.seen.events == 1);
  tell(&own, "cut", NULL);
  WAIT(&own.seen, own.seen.connects == 2);
  CHECK(own.recovered == 1);
  ask_for_handshake(&own);
  CHECK_TEXT(&own, "\"x-later\":\"1\"");

  roam_config *never = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_reconnect(never, false));
  EXPECT(ROAM_OK, roam_manager_set_reconnect(own.manager, never));
  roam_config_free(never);
  tell(&own, "cut", NULL);
  WAIT(&own.seen, own.seen.state == ROAM_SOCKET_STATE_IDLE);
  CHECK(own.seen.connects == 2);
  end(&own);
}

/* ---- Emits --------------------------------------------------------------------------------- */

static void what_cannot_be_written_is_dropped_as_wanted(uint32_t dispatch) {
  host own;
  roam_bytes part = {(const uint8_t *)"abc", 3};
  start(&own, make_config(dispatch, url), NULL, 0);
  EXPECT(ROAM_OK, roam_socket_emit(own.socket, ROAM_STR("fail"), ROAM_STR("[{\"_placeholder\":true,\"num\":0}]"),
                                   OPTIONS(.offline = ROAM_OFFLINE_FAIL, .attachments = &part, .attachment_count = 1)));
  WAIT(&own.seen, own.dropped == 1);
  CHECK(own.why_dropped == ROAM_E_NOT_SENT && strcmp(own.name, "fail") == 0);
  tell(&own, "volatile", OPTIONS(.offline = ROAM_OFFLINE_VOLATILE));
  tell(&own, "short", OPTIONS(.wait_ms = 10));
  WAIT(&own.seen, own.dropped == 2);
  CHECK(own.why_dropped == ROAM_E_NOT_SENT && strcmp(own.name, "short") == 0);

  roam_completion done = {&own, keep_reply};
  for (int i = 0; i < 3; i++) {
    char args[8];
    snprintf(args, sizeof args, "[%d]", i);
    EXPECT(ROAM_OK, roam_socket_emit_with_ack(own.socket, ROAM_STR("ack"), ROAM_STR(args),
                                              OPTIONS(.offline = ROAM_OFFLINE_LATEST, .key = ROAM_STR("place")), done, NULL));
  }
  WAIT(&own.seen, own.seen.others == 2);
  CHECK(own.seen.other == ROAM_E_CANCELLED);
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(own.socket, ROAM_STR("ack"), ROAM_STR("[]"),
                                            OPTIONS(.offline = ROAM_OFFLINE_VOLATILE), done, NULL));
  WAIT(&own.seen, own.seen.others == 3);
  CHECK(own.seen.other == ROAM_E_NOT_SENT);
  join(&own);
  WAIT(&own.seen, own.seen.replies == 1);
  CHECK(strcmp(own.text, "2") == 0 && own.dropped == 2);
  end(&own);
}

static void what_is_not_confirmed_is_repeated(uint32_t dispatch) {
  host own;
  roam_socket_options options = {.struct_size = sizeof options, .retries = 2, .retry_window = 4,
                                 .idempotency_key = true, .ack_timeout_ms = LONG_MS};
  start(&own, make_config(dispatch, url), &options, 0);
  memset(&options, 0xff, sizeof options);
  roam_completion done = {&own, keep_reply};
  join(&own);
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(own.socket, ROAM_STR("ack"), ROAM_STR("[\"a\"]"), NULL, done, NULL));
  WAIT(&own.seen, own.seen.replies == 1);
  CHECK(own.text[0] == '"' && strcmp(own.text, "\"a\"") != 0); /* The key is the last argument. */
  tell(&own, "silence", OPTIONS(.timeout_ms = 10));
  WAIT(&own.seen, own.dropped == 1);
  CHECK(own.why_dropped == ROAM_E_ACK_TIMEOUT && strcmp(own.name, "silence") == 0);
  end(&own);
}

/* ---- Sockets by URL ------------------------------------------------------------------------ */

static void find(roam_registry *registry, host *own, const char *nsp, roam_config *config, bool multiplex) {
  char to[128];
  memset(own, 0, sizeof *own);
  witness_init(&own->seen);
  witness_init(&own->managed);
  snprintf(to, sizeof to, "%s%s", url, nsp);
  roam_socket_events events = socket_events(own);
  EXPECT(ROAM_OK, roam_registry_socket(registry, ROAM_STR(to), config, multiplex, NULL, &events, &own->manager, &own->socket));
  CHECK(equals(roam_socket_nsp(own->socket), nsp));
}

static void sockets_of_one_server_share_a_manager(uint32_t dispatch) {
  host chat, admin, again, alone;
  roam_config *config = make_config(dispatch, NULL);
  roam_registry *registry = roam_registry_new();
  find(registry, &chat, "/chat", config, true);
  find(registry, &admin, "/admin", config, true);
  find(registry, &again, "/chat", config, true);
  find(registry, &alone, "/deny", config, false);
  roam_config_free(config);
  CHECK(roam_manager_uses(chat.manager, ROAM_STR("/admin")) && roam_manager_uses(admin.manager, ROAM_STR("/chat")));
  CHECK(!roam_manager_uses(again.manager, ROAM_STR("/admin")) && !roam_manager_uses(admin.manager, ROAM_STR("/deny")));
  /* One handle less, whoever is connected. */
  join(&admin);
  WAIT(&admin.seen, admin.seen.connects == 1);
  EXPECT(ROAM_OK, roam_manager_free_wait(admin.manager, LONG_MS));
  CHECK(roam_manager_state(chat.manager) == ROAM_MANAGER_STATE_CONNECTED);
  EXPECT(ROAM_OK, roam_manager_network_available(chat.manager));
  roam_manager_free(chat.manager);
  join(&chat);
  join(&alone);
  join(&again);
  WAIT(&chat.seen, chat.seen.connects == 1);
  WAIT(&again.seen, again.seen.connects == 1);
  WAIT(&alone.seen, alone.refused == ROAM_E_CONNECT_ERROR);
  EXPECT(ROAM_OK, roam_socket_free_wait(chat.socket, LONG_MS));
  find(registry, &chat, "/chat", NULL, true);
  CHECK(roam_manager_uses(chat.manager, ROAM_STR("/admin")));
  roam_registry_free(registry);
  CHECK(roam_manager_state(chat.manager) == ROAM_MANAGER_STATE_CONNECTED);

  /* What is left ends in any order, the last one with the connection. */
  EXPECT(ROAM_OK, roam_socket_free_wait(chat.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_socket_free_wait(admin.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(chat.manager, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(again.manager, LONG_MS));
  EXPECT(ROAM_OK, roam_socket_free_wait(again.socket, LONG_MS));
  roam_manager_free(alone.manager);
  EXPECT(ROAM_OK, roam_socket_free_wait(alone.socket, LONG_MS));
  end_witnesses(&chat);
  end_witnesses(&admin);
  end_witnesses(&again);
  end_witnesses(&alone);
}

/* ---- M04, M05: free in each callback ------------------------------------------------------- */

static void *dispatcher(void *argument) {
  host *own = argument;
  for (;;) {
    pthread_mutex_lock(&own->seen.lock);
    int over = own->seen.freed_inside;
    pthread_mutex_unlock(&own->seen.lock);
    if (over) return NULL;
    EXPECT(ROAM_OK, roam_manager_dispatch(own->manager, 4, NULL));
    usleep(200);
  }
}

static void free_in(const char *callback, uint32_t dispatch) {
  static const uint32_t polling_first[] = {ROAM_TRANSPORT_POLLING, ROAM_TRANSPORT_WEBSOCKET};
  host own;
  roam_config *config = make_config(dispatch, stuck_url);
  EXPECT(ROAM_OK, roam_config_set_transports(config, polling_first, 2, ROAM_OPENING_IN_TURN));
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_PROVIDER, 20));
  int ask = 0;
  if (strcmp(callback, "on_target_wanted") == 0 || strcmp(callback, "on_retry") == 0) ask = ASK_TARGET;
  if (strcmp(callback, "on_auth_wanted") == 0 || strcmp(callback, "on_connect_error") == 0) ask = ASK_AUTH;
  start(&own, config, NULL, ask);
  own.free_in = callback;
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(own.socket, ROAM_STR("silence"), ROAM_STR("[]"), NULL, witness_completion(&own.seen), NULL));
  if (strcmp(callback, "on_dropped") == 0) tell(&own, "fail", OPTIONS(.offline = ROAM_OFFLINE_FAIL));
  else join(&own);
  pthread_t loop;
  if (dispatch == ROAM_DISPATCH_MANUAL) CHECK(pthread_create(&loop, NULL, dispatcher, &own) == 0);
  WAIT(&own.seen, own.seen.destroyed == 1);
  WAIT(&own.managed, own.managed.destroyed == 1);
  if (dispatch == ROAM_DISPATCH_MANUAL) pthread_join(loop, NULL);
  CHECK(own.seen.completions == 1 && own.seen.closed == 1 && own.free_in == NULL);
  end_witnesses(&own);
}

int main(int argc, char **argv) {
  CHECK(argc == 4);
  url = argv[1];
  stuck_url = argv[2];
  int rounds = atoi(argv[3]);
  loop_start(&executor);
  static const uint32_t modes[] = {ROAM_DISPATCH_THREAD, ROAM_DISPATCH_EXECUTOR, ROAM_DISPATCH_INLINE, ROAM_DISPATCH_MANUAL};
  static const char *const callbacks[] = {"on_target_wanted", "on_retry", "on_auth_wanted", "on_connect_error",
                                          "on_transport", "on_upgrade_failed", "on_dropped"};
  for (int mode = 0; mode < 3; mode++) {
    questions_are_answered_later_and_elsewhere(modes[mode]);
    questions_are_answered_in_their_callbacks(modes[mode]);
    a_refused_auth_lets_the_socket_rest(modes[mode]);
    what_is_never_answered_fails_and_is_asked_again(modes[mode]);
    transports_are_told(modes[mode]);
    headers_and_reconnection_change_on_the_way(modes[mode]);
    what_cannot_be_written_is_dropped_as_wanted(modes[mode]);
    what_is_not_confirmed_is_repeated(modes[mode]);
    sockets_of_one_server_share_a_manager(modes[mode]);
  }
  for (int round = 0; round < rounds; round++) {
    for (int mode = 0; mode < 4; mode++) {
      for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++) free_in(callbacks[i], modes[mode]);
    }
  }
  loop_stop(&executor);
  return 0;
}
