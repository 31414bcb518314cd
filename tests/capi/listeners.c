/* Listeners by name and for every event, in both directions. Fault-matrix rows M01, M04, M19. */
#include "common.h"

static char url[64];

struct host;

/* One listener: a letter that it writes down when it is called. */
typedef struct listener {
  struct host *host;
  char letter;
  int destroyed;
  uint64_t id;
  void (*also)(struct listener *own, const roam_event *event);
} listener;

typedef struct host {
  witness seen; /* the first member: what destroy is given */
  roam_manager *manager;
  roam_socket *socket;
  char told[64];
  listener all[8];
  int listeners;
} host;

static void write_down(host *own, char letter) {
  pthread_mutex_lock(&own->seen.lock);
  size_t length = strlen(own->told);
  CHECK(length + 1 < sizeof own->told);
  own->told[length] = letter;
  pthread_cond_broadcast(&own->seen.changed);
  pthread_mutex_unlock(&own->seen.lock);
}

/* Wait until exactly this was written down, and start again. */
static void expect_told(host *own, const char *expected) {
  WAIT(&own->seen, strlen(own->told) >= strlen(expected));
  pthread_mutex_lock(&own->seen.lock);
  if (strcmp(own->told, expected) != 0) {
    fprintf(stderr, "\"%s\" instead of \"%s\"\n", own->told, expected);
    abort();
  }
  memset(own->told, 0, sizeof own->told);
  pthread_mutex_unlock(&own->seen.lock);
}

static void called(void *user_data, const roam_event *event) {
  listener *own = user_data;
  witness_callback(&own->host->seen);
  CHECK(own->destroyed == 0);
  if (own->also) own->also(own, event);
  write_down(own->host, own->letter);
}

static void destroyed(void *user_data) {
  listener *own = user_data;
  CHECK(own->destroyed == 0 && own->host->seen.destroyed == 0);
  SEE(&own->host->seen, own->destroyed++);
}

static listener *make_listener(host *own, char letter) {
  CHECK(own->listeners < 8);
  listener *made = &own->all[own->listeners++];
  made->host = own;
  made->letter = letter;
  return made;
}

typedef roam_status add_named(const roam_socket *socket, roam_str name, roam_handler handler, void *user_data,
                              void (*destroy)(void *user_data), uint64_t *listener);
typedef roam_status add_any(const roam_socket *socket, roam_handler handler, void *user_data,
                            void (*destroy)(void *user_data), uint64_t *listener);

static listener *listen_to(host *own, add_named *add, const char *name, char letter) {
  listener *made = make_listener(own, letter);
  EXPECT(ROAM_OK, add(own->socket, ROAM_STR(name), called, made, destroyed, &made->id));
  CHECK(made->id != 0);
  return made;
}

static listener *listen_to_all(host *own, add_any *add, char letter) {
  listener *made = make_listener(own, letter);
  EXPECT(ROAM_OK, add(own->socket, called, made, destroyed, &made->id));
  CHECK(made->id != 0);
  return made;
}

static void on_event(void *user_data, const roam_event *event) {
  host *own = user_data;
  witness_callback(&own->seen);
  CHECK(event->name.len > 0);
  write_down(own, '.');
}

static void start(host *own, uint32_t dispatch) {
  memset(own, 0, sizeof *own);
  witness_init(&own->seen);
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
  EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  roam_manager_events none;
  memset(&none, 0, sizeof none);
  none.struct_size = sizeof none;
  EXPECT(ROAM_OK, roam_manager_new(config, &none, &own->manager));
  roam_config_free(config);
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = own;
  events.destroy = witness_destroy;
  events.on_event = on_event;
  EXPECT(ROAM_OK, roam_socket_new(own->manager, ROAM_STR("/"), NULL, &events, &own->socket));
}

static void tell(host *own, const char *name) {
  EXPECT(ROAM_OK, roam_socket_emit(own->socket, ROAM_STR(name), ROAM_STR("[]"), NULL));
}

static void end(host *own) {
  for (int i = 0; i < own->listeners; i++) CHECK(own->all[i].destroyed == 1);
  CHECK(own->seen.destroyed == 1);
  witness_end(&own->seen);
}

static void events_reach_their_listeners(uint32_t dispatch) {
  host own;
  start(&own, dispatch);
  listener *first = listen_to(&own, roam_socket_on, "a", '1');
  listener *once = listen_to(&own, roam_socket_once, "a", '!');
  listener *second = listen_to(&own, roam_socket_on, "a", '2');
  EXPECT(ROAM_OK, roam_socket_connect(own.socket, ROAM_STR("")));
  tell(&own, "a");
  tell(&own, "a");
  tell(&own, "b");
  expect_told(&own, "1!212.");
  WAIT(&own.seen, once->destroyed == 1);

  listener *any = listen_to_all(&own, roam_socket_on_any, 'n');
  listener *before = listen_to_all(&own, roam_socket_prepend_any, 'p');
  tell(&own, "a");
  tell(&own, "b");
  expect_told(&own, "pn12pn.");
  EXPECT(ROAM_OK, roam_socket_off(own.socket, first->id));
  EXPECT(ROAM_OK, roam_socket_off(own.socket, first->id));
  EXPECT(ROAM_OK, roam_socket_off(own.socket, 0));
  EXPECT(ROAM_OK, roam_socket_off(own.socket, before->id));
  WAIT(&own.seen, first->destroyed == 1 && before->destroyed == 1);
  tell(&own, "a");
  expect_told(&own, "n2");
  EXPECT(ROAM_OK, roam_socket_off_all(own.socket, ROAM_STR("a")));
  EXPECT(ROAM_OK, roam_socket_off_any(own.socket));
  WAIT(&own.seen, second->destroyed == 1 && any->destroyed == 1);
  tell(&own, "a");
  expect_told(&own, ".");
  listen_to(&own, roam_socket_on, "left", 'l');
  EXPECT(ROAM_OK, roam_socket_free_wait(own.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(own.manager, LONG_MS));
  end(&own);
}

static void answer(listener *own, const roam_event *event) {
  CHECK(equals(event->name, "question") && event->ack_token != 0);
  EXPECT(ROAM_OK, roam_socket_ack(own->host->socket, event->ack_token, ROAM_STR("[42]"), NULL, 0));
}

static void check_answer(listener *own, const roam_event *event) {
  (void)own;
  CHECK(event->arg_count == 1 && equals(event->args[0], "42"));
}

/* Only events are told, when they are written, with what belongs to them. */
static void check_outgoing(listener *own, const roam_event *event) {
  (void)own;
  CHECK(event->ack_token == 0);
  if (equals(event->name, "binary")) {
    CHECK(event->attachment_count == 1 && memcmp(event->attachments[0].data, "abc", 3) == 0);
  } else {
    CHECK(equals(event->name, "early") || equals(event->name, "ask"));
  }
}

static void what_is_sent_is_told(uint32_t dispatch) {
  host own;
  start(&own, dispatch);
  listen_to_all(&own, roam_socket_on_any_outgoing, 'o')->also = check_outgoing;
  tell(&own, "early");
  listen_to_all(&own, roam_socket_prepend_any_outgoing, 'f');
  listen_to(&own, roam_socket_on, "question", '?')->also = answer;
  listen_to(&own, roam_socket_on, "answered", 'a')->also = check_answer;
  CHECK(own.told[0] == 0);
  EXPECT(ROAM_OK, roam_socket_connect(own.socket, ROAM_STR("")));
  expect_told(&own, "fo.");
  tell(&own, "ask");
  expect_told(&own, "fo?a");
  roam_bytes part = {(const uint8_t *)"abc", 3};
  EXPECT(ROAM_OK, roam_socket_emit(own.socket, ROAM_STR("binary"), ROAM_STR("[{\"_placeholder\":true,\"num\":0}]"), ATTACHED(&part, 1)));
  expect_told(&own, "fo.");
  EXPECT(ROAM_OK, roam_socket_off_any_outgoing(own.socket));
  tell(&own, "ask");
  expect_told(&own, "?a");
  EXPECT(ROAM_OK, roam_socket_free_wait(own.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(own.manager, LONG_MS));
  end(&own);
}

static void change_listeners(listener *own, const roam_event *event) {
  (void)event;
  if (own->host->listeners > 4) return;
  EXPECT(ROAM_OK, roam_socket_off_all(own->host->socket, ROAM_STR("a")));
  listen_to(own->host, roam_socket_on, "a", 'x');
  listen_to_all(own->host, roam_socket_on_any, 'y');
}

static void listeners_change_inside_a_listener(uint32_t dispatch) {
  host own;
  start(&own, dispatch);
  listen_to(&own, roam_socket_on, "a", '1')->also = change_listeners;
  listen_to(&own, roam_socket_on, "a", '2');
  EXPECT(ROAM_OK, roam_socket_connect(own.socket, ROAM_STR("")));
  tell(&own, "a");
  tell(&own, "a");
  expect_told(&own, "12yx");
  EXPECT(ROAM_OK, roam_socket_free_wait(own.socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(own.manager, LONG_MS));
  end(&own);
}

static void free_socket(listener *own, const roam_event *event) {
  (void)event;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_socket_free_wait(own->host->socket, LONG_MS));
  roam_socket_free(own->host->socket);
}

static void a_free_in_a_listener_stops_the_others(uint32_t dispatch) {
  host own;
  start(&own, dispatch);
  listen_to_all(&own, roam_socket_on_any, 'f')->also = free_socket;
  listen_to_all(&own, roam_socket_on_any, 'n');
  listen_to(&own, roam_socket_on, "a", 'x');
  tell(&own, "a");
  tell(&own, "a");
  EXPECT(ROAM_OK, roam_socket_connect(own.socket, ROAM_STR("")));
  WAIT(&own.seen, own.seen.destroyed == 1);
  EXPECT(ROAM_OK, roam_manager_free_wait(own.manager, LONG_MS));
  expect_told(&own, "f");
  end(&own);
}

static void wrong_calls_are_refused(void) {
  host own;
  uint64_t id = 77;
  start(&own, ROAM_DISPATCH_THREAD);
  listener refused;
  memset(&refused, 0, sizeof refused);
  refused.host = &own;
  roam_str name = ROAM_STR("a"), missing = {NULL, 1}, bad = {"\xff", 1};
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_on(NULL, name, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_on(own.socket, missing, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_on(own.socket, name, NULL, &refused, destroyed, &id));
  EXPECT(ROAM_E_INVALID_UTF8, roam_socket_once(own.socket, bad, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_RESERVED_EVENT, roam_socket_on(own.socket, ROAM_STR("connect"), called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_once(NULL, name, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_on_any(NULL, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_prepend_any(own.socket, NULL, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_on_any_outgoing(NULL, called, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_prepend_any_outgoing(own.socket, NULL, &refused, destroyed, &id));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_off(NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_off_all(NULL, name));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_off_all(own.socket, missing));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_off_any(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_off_any_outgoing(NULL));
  /* Without what may be NULL. */
  EXPECT(ROAM_OK, roam_socket_on(own.socket, name, called, NULL, NULL, NULL));
  EXPECT(ROAM_OK, roam_socket_off_all(own.socket, name));
  CHECK(id == 77 && refused.destroyed == 0);
  roam_manager_free(own.manager);
  EXPECT(ROAM_OK, roam_socket_free_wait(own.socket, LONG_MS));
  end(&own);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  snprintf(url, sizeof url, "http://127.0.0.1:%s", argv[1]);
  int rounds = atoi(argv[2]);
  wrong_calls_are_refused();
  static const uint32_t modes[] = {ROAM_DISPATCH_THREAD, ROAM_DISPATCH_INLINE};
  for (int round = 0; round < rounds; round++) {
    for (int mode = 0; mode < 2; mode++) {
      events_reach_their_listeners(modes[mode]);
      what_is_sent_is_told(modes[mode]);
      listeners_change_inside_a_listener(modes[mode]);
      a_free_in_a_listener_stops_the_others(modes[mode]);
    }
  }
  return 0;
}
