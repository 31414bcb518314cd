/* Sockets against a server that answers: the whole path in both directions, and the end of life in
 * all variants. Fault-matrix rows M04, M05, M06, M07, M14, M19. */
#include "loop.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static char url[64];

/* Where callbacks run with ROAM_DISPATCH_EXECUTOR. */
static loop executor;

typedef struct socket_host {
  witness seen;
  roam_manager *manager;
  roam_socket *socket;
  const char *free_in; /* the callback that frees the socket, or NULL */
  void (*on_event)(struct socket_host *host, const roam_event *event);
  int depth;
} socket_host;

static void set_dispatch(roam_config *config, uint32_t dispatch) {
  if (dispatch == ROAM_DISPATCH_EXECUTOR) {
    EXPECT(ROAM_OK, roam_config_set_executor(config, loop_post, &executor, NULL));
  } else {
    EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  }
}

static roam_manager *make_manager(uint32_t dispatch, witness *seen) {
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
  set_dispatch(config, dispatch);
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  roam_manager *manager = NULL;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  roam_config_free(config);
  return manager;
}

/* Free the socket if this is the callback to do it in. */
static void maybe_free(socket_host *host, const char *here) {
  if (!host->free_in || strcmp(host->free_in, here) != 0) return;
  host->free_in = NULL;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_socket_free_wait(host->socket, 1000));
  roam_socket_free(host->socket);
  SEE(&host->seen, host->seen.freed_inside = 1);
}

static void on_state(void *user_data, const roam_transition *step) {
  socket_host *host = user_data;
  witness_callback(&host->seen);
  SEE(&host->seen, (host->seen.states++, host->seen.state = step->state));
  if (step->state == ROAM_SOCKET_STATE_CONNECTED) maybe_free(host, "on_state");
}

static void on_connect(void *user_data, roam_str socket_sid, bool recovered) {
  socket_host *host = user_data;
  witness_callback(&host->seen);
  CHECK(socket_sid.len > 0 && !recovered);
  CHECK(roam_socket_state(host->socket) == ROAM_SOCKET_STATE_CONNECTED);
  SEE(&host->seen, host->seen.connects++);
  maybe_free(host, "on_connect");
}

static void on_disconnect(void *user_data, roam_disconnect_reason reason, const roam_error *cause) {
  socket_host *host = user_data;
  (void)cause;
  witness_callback(&host->seen);
  CHECK(reason >= ROAM_DISCONNECT_SERVER && reason <= ROAM_DISCONNECT_PARSE_ERROR);
  SEE(&host->seen, host->seen.disconnects++);
  maybe_free(host, "on_disconnect");
}

static void on_event(void *user_data, const roam_event *event) {
  socket_host *host = user_data;
  witness_callback(&host->seen);
  if (host->on_event) host->on_event(host, event);
  SEE(&host->seen, host->seen.events++);
  maybe_free(host, "on_event");
}

static void open_socket(socket_host *host, roam_manager *manager, const char *nsp) {
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = host;
  events.destroy = witness_destroy; /* the witness is the host's first member */
  events.on_state = on_state;
  events.on_connect = on_connect;
  events.on_disconnect = on_disconnect;
  events.on_event = on_event;
  host->manager = manager;
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR(nsp), NULL, &events, &host->socket));
  memset(&events, 0xff, sizeof events);
}

static void start(socket_host *host, roam_manager *manager, const char *nsp) {
  memset(host, 0, sizeof *host);
  witness_init(&host->seen);
  open_socket(host, manager, nsp);
}

static roam_status ask(socket_host *host, const char *name) {
  return roam_socket_emit_with_ack(host->socket, ROAM_STR(name), ROAM_STR("[\"a\",2]"), NULL,
                                   witness_completion(&host->seen), NULL);
}

static roam_status tell(socket_host *host, const char *name) {
  return roam_socket_emit(host->socket, ROAM_STR(name), ROAM_STR("[]"), NULL);
}

/* ---- Both directions ---------------------------------------------------------------------- */

static void check_reply(void *user_data, const roam_error *error, const roam_event *reply) {
  CHECK(error == NULL && reply->name.len == 0 && reply->arg_count == 2);
  CHECK(equals(reply->args[0], "\"a\"") && equals(reply->args[1], "2"));
  witness_outcome(user_data, error, reply);
}

static void check_event(socket_host *host, const roam_event *event) {
  if (equals(event->name, "binary")) {
    CHECK(event->attachment_count == 2 && event->arg_count == 1);
    CHECK(event->attachments[0].len == 3 && memcmp(event->attachments[0].data, "abc", 3) == 0);
    CHECK(event->attachments[1].len == 0);
  } else if (equals(event->name, "question")) {
    CHECK(event->ack_token != 0);
    EXPECT(ROAM_OK, roam_socket_ack(host->socket, event->ack_token, ROAM_STR("[42]"), NULL, 0));
    EXPECT(ROAM_OK, roam_socket_ack(host->socket, event->ack_token, ROAM_STR("[43]"), NULL, 0));
  } else if (equals(event->name, "answered")) {
    CHECK(event->arg_count == 1 && equals(event->args[0], "42"));
  } else {
    CHECK(equals(event->name, "hello \xc3\xa4") && event->arg_count == 1 && event->ack_token == 0);
    CHECK(equals(event->args[0], "{\"k\": [1, 2]}"));
  }
}

static void talk(uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&host, manager, "/chat");
  host.on_event = check_event;
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("{\"secret\":1}")));
  roam_completion done = {&host.seen, check_reply};
  uint64_t request = 0;
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(host.socket, ROAM_STR("echo"), ROAM_STR("[\"a\",2]"), OPTIONS(.timeout_ms = 5000), done, &request));
  CHECK(request != 0);
  EXPECT(ROAM_OK, roam_socket_emit(host.socket, ROAM_STR("hello \xc3\xa4"), ROAM_STR(" [ {\"k\": [1, 2]} ] "), NULL));
  roam_bytes parts[] = {{(const uint8_t *)"abc", 3}, {NULL, 0}};
  EXPECT(ROAM_OK, roam_socket_emit(host.socket, ROAM_STR("binary"),
                                   ROAM_STR("[[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]]"), ATTACHED(parts, 2)));
  EXPECT(ROAM_OK, tell(&host, "ask"));
  WAIT(&host.seen, host.seen.replies == 1 && host.seen.events == 4);
  CHECK(roam_manager_state(manager) == ROAM_MANAGER_STATE_CONNECTED);
  roam_stats stats = {.struct_size = sizeof stats};
  EXPECT(ROAM_OK, roam_manager_stats(manager, &stats));
  CHECK(stats.dials == 1 && stats.connections == 1 && stats.failed_attempts == 0);
  CHECK(stats.messages_out > 5 && stats.messages_in >= 5 && stats.wakeups > 0);
  CHECK(stats.bytes_in > stats.messages_in && stats.bytes_out > stats.messages_out);

  /* Cancelled, out of time, lost with the namespace. */
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(host.socket, ROAM_STR("silent"), ROAM_STR("[]"), NULL, witness_completion(&host.seen), &request));
  EXPECT(ROAM_OK, roam_socket_cancel(host.socket, request));
  EXPECT(ROAM_OK, roam_socket_cancel(host.socket, 12345));
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(host.socket, ROAM_STR("silent"), ROAM_STR("[]"), OPTIONS(.timeout_ms = 20), witness_completion(&host.seen), NULL));
  WAIT(&host.seen, host.seen.others == 2);
  EXPECT(ROAM_OK, tell(&host, "leave"));
  WAIT(&host.seen, host.seen.disconnects == 1);

  EXPECT(ROAM_OK, roam_socket_free_wait(host.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(host.seen.destroyed == 1 && managed.destroyed == 1 && host.seen.closed == 0);
  witness_end(&host.seen);
  witness_end(&managed);
}

/* ---- M04, M05: free in each callback ------------------------------------------------------- */

static void free_in_completion(void *user_data, const roam_error *error, const roam_event *reply) {
  socket_host *host = user_data;
  witness_outcome(&host->seen, error, reply);
  maybe_free(host, "completion");
}

/* Run the callbacks of a manual manager until something is true. */
static void *dispatcher(void *argument) {
  socket_host *host = argument;
  for (;;) {
    pthread_mutex_lock(&host->seen.lock);
    int over = host->seen.destroyed;
    pthread_mutex_unlock(&host->seen.lock);
    if (over) return NULL;
    EXPECT(ROAM_OK, roam_manager_dispatch(host->manager, 4, NULL));
    struct timespec pause = {0, 200000};
    nanosleep(&pause, NULL);
  }
}

static void free_in(const char *callback, uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&host, manager, "/");
  host.free_in = callback;
  for (int i = 0; i < 3; i++) EXPECT(ROAM_OK, ask(&host, "silent"));
  roam_completion done = {&host, free_in_completion};
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(host.socket, ROAM_STR("echo"), ROAM_STR("[]"), NULL, done, NULL));
  EXPECT(ROAM_OK, tell(&host, "burst"));
  EXPECT(ROAM_OK, tell(&host, "leave"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  pthread_t loop;
  if (dispatch == ROAM_DISPATCH_MANUAL) CHECK(pthread_create(&loop, NULL, dispatcher, &host) == 0);
  WAIT(&host.seen, host.seen.destroyed == 1);
  if (dispatch == ROAM_DISPATCH_MANUAL) {
    CHECK(pthread_equal(host.seen.destroyed_on, loop));
    pthread_join(loop, NULL);
  }
  if (dispatch == ROAM_DISPATCH_EXECUTOR) CHECK(pthread_equal(host.seen.destroyed_on, executor.thread));
  /* The three that were never answered, and perhaps the one that was not answered yet. Those of
   * a namespace that was left before are lost instead. */
  CHECK(host.seen.completions == 4 && host.free_in == NULL);
  if (strcmp(callback, "on_disconnect") != 0) CHECK(host.seen.closed >= 3);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(managed.destroyed == 1);
  witness_end(&host.seen);
  witness_end(&managed);
}

/* ---- Free from two threads, in a destroy, in a log line ------------------------------------- */

static void *free_socket(void *socket) {
  roam_socket_free(socket);
  return NULL;
}

static void free_while_it_rains(uint32_t dispatch) {
  witness managed;
  socket_host one, two;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&one, manager, "/one");
  start(&two, manager, "/two");
  socket_host *both[] = {&one, &two};
  for (int i = 0; i < 2; i++) {
    EXPECT(ROAM_OK, ask(both[i], "silent"));
    EXPECT(ROAM_OK, tell(both[i], "burst"));
    EXPECT(ROAM_OK, roam_socket_connect(both[i]->socket, ROAM_STR("")));
  }
  pthread_t loop, freer;
  if (dispatch == ROAM_DISPATCH_MANUAL) CHECK(pthread_create(&loop, NULL, dispatcher, &one) == 0);
  WAIT(&one.seen, one.seen.events > 5);
  CHECK(pthread_create(&freer, NULL, free_socket, one.socket) == 0);
  roam_socket_free(two.socket);
  pthread_join(freer, NULL);
  WAIT(&one.seen, one.seen.destroyed == 1);
  if (dispatch == ROAM_DISPATCH_MANUAL) pthread_join(loop, NULL);
  WAIT(&two.seen, two.seen.destroyed == 1);
  CHECK(one.seen.closed == 1 && two.seen.closed == 1);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(managed.destroyed == 1);
  witness_end(&one.seen);
  witness_end(&two.seen);
  witness_end(&managed);
}

typedef struct chain {
  witness seen; /* of the manager */
  roam_socket *next;
} chain;

static void free_next_in_destroy(void *user_data) {
  chain *link = user_data;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_socket_free_wait(link->next, 1000));
  roam_socket_free(link->next);
  witness_destroy(user_data);
}

static void free_in_destroy(uint32_t dispatch) {
  chain link;
  socket_host host;
  witness_init(&link.seen);
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
  set_dispatch(config, dispatch);
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = &link;
  events.destroy = free_next_in_destroy;
  roam_manager *manager = NULL;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  start(&host, manager, "/");
  EXPECT(ROAM_OK, ask(&host, "silent"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  link.next = host.socket;
  roam_manager_free(manager);
  WAIT(&host.seen, host.seen.destroyed == 1);
  CHECK(link.seen.destroyed == 1 && host.seen.closed == 1);
  roam_config_free(config);
  witness_end(&host.seen);
  witness_end(&link.seen);
}

static roam_socket *free_in_line;
static pthread_mutex_t line_lock = PTHREAD_MUTEX_INITIALIZER;

static void log_line(void *user_data, uint32_t level, roam_str target, roam_str line) {
  (void)user_data;
  (void)level;
  (void)target;
  (void)line;
  pthread_mutex_lock(&line_lock);
  roam_socket *socket = free_in_line;
  free_in_line = NULL;
  pthread_mutex_unlock(&line_lock);
  if (socket) {
    EXPECT(ROAM_E_WOULD_DEADLOCK, roam_socket_free_wait(socket, 1000));
    roam_socket_free(socket);
  }
}

static void free_in_log(uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&host, manager, "/");
  EXPECT(ROAM_OK, ask(&host, "silent"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  pthread_mutex_lock(&line_lock);
  free_in_line = host.socket;
  pthread_mutex_unlock(&line_lock);
  EXPECT(ROAM_OK, roam_log_set(ROAM_LOG_DEBUG, log_line, NULL));
  EXPECT(ROAM_OK, roam_manager_network_changed(manager));
  /* The connection that is cut says so in the log. */
  socket_host cut;
  start(&cut, manager, "/cut");
  EXPECT(ROAM_OK, tell(&cut, "cut"));
  EXPECT(ROAM_OK, roam_socket_connect(cut.socket, ROAM_STR("")));
  WAIT(&host.seen, host.seen.destroyed == 1);
  CHECK(host.seen.closed + host.seen.others == 1);
  EXPECT(ROAM_OK, roam_log_set(ROAM_LOG_OFF, NULL, NULL));
  roam_manager_free(manager);
  EXPECT(ROAM_OK, roam_socket_free_wait(cut.socket, LONG_MS));
  CHECK(managed.destroyed == 1 && cut.seen.destroyed == 1);
  witness_end(&host.seen);
  witness_end(&cut.seen);
  witness_end(&managed);
}

/* ---- M06: every function in a callback, ten levels deep ------------------------------------- */

static void call_everything(socket_host *host, const roam_event *event) {
  if (!equals(event->name, "again") || host->depth++ >= 10) return;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(host->manager, 1000));
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_socket_free_wait(host->socket, 1000));
  CHECK(roam_manager_dispatch(host->manager, 1, NULL) != ROAM_OK);
  CHECK(roam_socket_dispatch(host->socket, 1, NULL) != ROAM_OK);
  EXPECT(ROAM_OK, roam_manager_network_available(host->manager));
  EXPECT(ROAM_OK, roam_manager_resumed(host->manager));
  CHECK(roam_manager_state(host->manager) == ROAM_MANAGER_STATE_CONNECTED);
  CHECK(roam_socket_state(host->socket) == ROAM_SOCKET_STATE_CONNECTED);
  EXPECT(ROAM_OK, roam_socket_connect(host->socket, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_emit(host->socket, ROAM_STR("echo"), ROAM_STR("[]"), OPTIONS(.offline = ROAM_OFFLINE_VOLATILE)));
  EXPECT(ROAM_OK, ask(host, "echo"));
  CHECK(roam_manager_uses(host->manager, ROAM_STR("/")) && equals(roam_socket_nsp(host->socket), "/"));
  EXPECT(ROAM_OK, roam_manager_set_headers(host->manager, NULL, 0));
  EXPECT(ROAM_OK, roam_manager_refuse_target(host->manager, 1, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_refuse_auth(host->socket, 1, ROAM_STR("")));
  roam_registry *registry = roam_registry_new();
  roam_socket_events silent;
  memset(&silent, 0, sizeof silent);
  silent.struct_size = sizeof silent;
  roam_manager *found_manager = NULL;
  roam_socket *found = NULL;
  EXPECT(ROAM_OK, roam_registry_socket(registry, ROAM_STR(url), NULL, true, NULL, &silent, &found_manager, &found));
  EXPECT(ROAM_OK, roam_socket_connect(found, ROAM_STR("")));
  roam_registry_free(registry);
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(found_manager, 1000));
  roam_socket_free(found);
  roam_manager_free(found_manager);
  static socket_host inner[10];
  socket_host *mine = &inner[host->depth - 1];
  start(mine, host->manager, "/inner");
  roam_socket_free(mine->socket); /* its destroy comes when this callback is over */
  CHECK(mine->seen.destroyed == 0);
  witness managed;
  witness_init(&managed);
  roam_manager *manager = make_manager(ROAM_DISPATCH_MANUAL, &managed);
  roam_manager_free(manager); /* nobody dispatches it: over at once */
  CHECK(managed.destroyed == 1);
  witness_end(&managed);
  EXPECT(ROAM_OK, tell(host, "again"));
}

static void call_back_and_forth(uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&host, manager, "/");
  host.on_event = call_everything;
  EXPECT(ROAM_OK, tell(&host, "again"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&host.seen, host.seen.replies == 10 && host.depth > 10);
  EXPECT(ROAM_OK, roam_socket_free_wait(host.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  witness_end(&host.seen);
  witness_end(&managed);
}

/* ---- M07: a callback that does not return --------------------------------------------------- */

static void hang(socket_host *host, const roam_event *event) {
  (void)event;
  SEE(&host->seen, host->depth = 1);
  WAIT(&host->seen, host->depth == 2);
}

static void hang_in_state(void *user_data, const roam_transition *step) {
  socket_host *host = user_data;
  if (step->state == ROAM_SOCKET_STATE_CONNECTED) hang(host, NULL);
}

/* on_connect belongs to the same step, but must not begin once the free has. */
static void a_free_that_timed_out_is_one(uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  memset(&host, 0, sizeof host);
  witness_init(&host.seen);
  roam_manager *manager = make_manager(dispatch, &managed);
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = &host;
  events.destroy = witness_destroy;
  events.on_state = hang_in_state;
  events.on_connect = on_connect;
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &events, &host.socket));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&host.seen, host.depth == 1);
  EXPECT(ROAM_E_TIMED_OUT, roam_socket_free_wait(host.socket, 10));
  SEE(&host.seen, host.depth = 2);
  EXPECT(ROAM_OK, roam_socket_free_wait(host.socket, LONG_MS));
  CHECK(host.seen.connects == 0 && host.seen.destroyed == 1);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  witness_end(&host.seen);
  witness_end(&managed);
}

/* ---- M14: a forked child -------------------------------------------------------------------- */

static void a_forked_child_is_refused(void) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(ROAM_DISPATCH_THREAD, &managed);
  start(&host, manager, "/");
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&host.seen, host.seen.connects == 1);
  pid_t child = fork();
  if (child == 0) {
    roam_config *config = roam_config_new();
    roam_manager_events events;
    memset(&events, 0, sizeof events);
    events.struct_size = sizeof events;
    roam_manager *other = NULL;
    EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
    EXPECT(ROAM_E_INVALID_STATE, roam_manager_new(config, &events, &other));
    EXPECT(ROAM_E_INVALID_STATE, tell(&host, "hello"));
    EXPECT(ROAM_E_INVALID_STATE, ask(&host, "echo"));
    EXPECT(ROAM_E_INVALID_STATE, roam_manager_network_changed(manager));
    EXPECT(ROAM_E_INVALID_STATE, roam_socket_free_wait(host.socket, LONG_MS));
    roam_socket_free(host.socket);
    roam_manager_free(manager);
    CHECK(host.seen.destroyed == 0 && host.seen.completions == 0);
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT(ROAM_OK, ask(&host, "echo"));
  WAIT(&host.seen, host.seen.replies == 1);
  EXPECT(ROAM_OK, roam_socket_free_wait(host.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  witness_end(&host.seen);
  witness_end(&managed);
}

static void a_callback_hangs(uint32_t dispatch) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(dispatch, &managed);
  start(&host, manager, "/");
  host.on_event = hang;
  EXPECT(ROAM_OK, ask(&host, "silent"));
  EXPECT(ROAM_OK, tell(&host, "hello"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&host.seen, host.depth == 1);
  roam_manager_free(manager);
  EXPECT(ROAM_E_TIMED_OUT, roam_socket_free_wait(host.socket, 30));
  CHECK(roam_error_status(roam_socket_last_error(host.socket)) == ROAM_E_TIMED_OUT);
  EXPECT(ROAM_E_CLOSED, tell(&host, "hello"));
  EXPECT(ROAM_E_CLOSED, ask(&host, "hello"));
  CHECK(roam_socket_state(host.socket) == ROAM_SOCKET_STATE_CLOSED);
  CHECK(host.seen.destroyed == 0 && host.seen.completions == 0);
  SEE(&host.seen, host.depth = 2);
  EXPECT(ROAM_OK, roam_socket_free_wait(host.socket, LONG_MS));
  CHECK(host.seen.destroyed == 1 && host.seen.closed == 1 && managed.destroyed == 1);
  witness_end(&host.seen);
  witness_end(&managed);
}

/* ---- Manual dispatch ------------------------------------------------------------------------ */

static void count_wake(void *user_data) {
  witness *woken = user_data;
  SEE(woken, woken->events++);
}

/* What must not be called there is refused, not waited for. */
static void wake_that_asks(void *user_data) {
  socket_host *host = user_data;
  int fd = -1;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_set_wake(host->manager, wake_that_asks, user_data, NULL));
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_dispatch(host->manager, 1, NULL));
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(host->manager, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_wake_fd(host->manager, &fd));
  SEE(&host->seen, host->depth++);
}

static void a_wake_that_asks_is_answered(void) {
  witness managed;
  socket_host host;
  witness_init(&managed);
  roam_manager *manager = make_manager(ROAM_DISPATCH_MANUAL, &managed);
  start(&host, manager, "/");
  EXPECT(ROAM_OK, roam_manager_set_wake(manager, wake_that_asks, &host, NULL));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&host.seen, host.depth > 0);
  /* The thread that wakes has not stopped. */
  while (host.seen.connects == 0) EXPECT(ROAM_OK, roam_manager_dispatch(manager, 10, NULL));
  roam_socket_free(host.socket);
  roam_manager_free(manager);
  CHECK(host.seen.destroyed == 1 && managed.destroyed == 1);
  witness_end(&host.seen);
  witness_end(&managed);
}

static void dispatch_inside(socket_host *host, const roam_event *event) {
  (void)event;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_dispatch(host->manager, 1, NULL));
}

static void a_loop_of_ones_own(void) {
  witness managed, woken;
  socket_host host;
  witness_init(&managed);
  witness_init(&woken);
  roam_manager *manager = make_manager(ROAM_DISPATCH_MANUAL, &managed);
  start(&host, manager, "/");
  host.on_event = dispatch_inside;
  int fd = -1;
  EXPECT(ROAM_OK, roam_manager_wake_fd(manager, &fd));
  EXPECT(ROAM_OK, roam_manager_set_wake(manager, count_wake, &woken, witness_destroy));
  struct pollfd readable = {fd, POLLIN, 0};
  CHECK(poll(&readable, 1, 0) == 0);
  EXPECT(ROAM_OK, tell(&host, "burst"));
  EXPECT(ROAM_OK, ask(&host, "silent"));
  EXPECT(ROAM_OK, roam_socket_connect(host.socket, ROAM_STR("")));
  WAIT(&woken, woken.events > 0);
  size_t dispatched = 0, total = 0;
  while (host.seen.events < 100) {
    CHECK(poll(&readable, 1, LONG_MS) == 1);
    do {
      EXPECT(ROAM_OK, roam_manager_dispatch(manager, 3, &dispatched));
      CHECK(dispatched <= 3);
      total += dispatched;
    } while (dispatched == 3);
  }
  CHECK(total >= 102 && host.seen.connects == 1);
  EXPECT(ROAM_OK, roam_manager_dispatch(manager, 1000, &dispatched));
  CHECK(poll(&readable, 1, 0) == 0);

  /* Freed outside: over before free returns, on this thread; a socket dispatches for both. */
  roam_manager_free(manager);
  CHECK(managed.destroyed == 1);
  EXPECT(ROAM_OK, ask(&host, "echo"));
  while (host.seen.replies == 0) {
    CHECK(poll(&readable, 1, LONG_MS) == 1);
    EXPECT(ROAM_OK, roam_socket_dispatch(host.socket, 1000, NULL));
  }
  roam_socket_free(host.socket);
  CHECK(host.seen.destroyed == 1 && host.seen.closed == 1);
  CHECK(pthread_equal(host.seen.destroyed_on, pthread_self()));
  WAIT(&woken, woken.destroyed == 1);
  witness_end(&host.seen);
  witness_end(&managed);
  witness_end(&woken);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  snprintf(url, sizeof url, "http://127.0.0.1:%s", argv[1]);
  int rounds = atoi(argv[2]);
  loop_start(&executor);
  static const uint32_t modes[] = {ROAM_DISPATCH_THREAD, ROAM_DISPATCH_EXECUTOR, ROAM_DISPATCH_INLINE, ROAM_DISPATCH_MANUAL};
  for (int mode = 0; mode < 3; mode++) {
    talk(modes[mode]);
    call_back_and_forth(modes[mode]);
    a_callback_hangs(modes[mode]);
    a_free_that_timed_out_is_one(modes[mode]);
  }
  a_forked_child_is_refused();
  a_wake_that_asks_is_answered();
  a_loop_of_ones_own();
  static const char *const callbacks[] = {"on_state", "on_connect", "on_event", "on_disconnect", "completion"};
  for (int round = 0; round < rounds; round++) {
    for (int mode = 0; mode < 4; mode++) {
      for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++)
        free_in(callbacks[i], modes[mode]);
      free_while_it_rains(modes[mode]);
      free_in_destroy(modes[mode]);
      free_in_log(modes[mode]);
    }
  }
  loop_stop(&executor);
  return 0;
}
