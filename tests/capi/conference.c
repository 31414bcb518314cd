/* A conference against the portal: its whole life, and the end of life in all variants. */
#include "common.h"

typedef struct conference_host {
  witness seen;
  roam_conference *conference;
  const char *free_in;
  int resumable;
} conference_host;

static void maybe_free(conference_host *host, const char *here) {
  if (!host->free_in || strcmp(host->free_in, here) != 0) return;
  host->free_in = NULL;
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_conference_free_wait(host->conference, 1000));
  roam_conference_free(host->conference);
  SEE(&host->seen, host->seen.freed_inside = 1);
}

static void on_state(void *user_data, const roam_transition *step) {
  conference_host *host = user_data;
  witness_callback(&host->seen);
  CHECK((int)step->number == host->seen.states + 1);
  CHECK(roam_conference_state(host->conference) == step->state);
  SEE(&host->seen, (host->seen.states++, host->seen.state = step->state,
                    host->seen.end = roam_error_status(step->cause)));
  if (step->state == ROAM_CONFERENCE_STATE_READY) maybe_free(host, "on_state");
}

static void on_resumable(void *user_data, bool resumable) {
  conference_host *host = user_data;
  witness_callback(&host->seen);
  host->resumable = resumable;
  maybe_free(host, "on_resumable");
}

static void on_notification(void *user_data, const roam_event *notification, bool replayed) {
  conference_host *host = user_data;
  witness_callback(&host->seen);
  (void)replayed;
  CHECK(notification->name.len > 0 && notification->arg_count == 1);
  CHECK(notification->ack_token == 0 && notification->attachment_count == 0);
  SEE(&host->seen, host->seen.notifications++);
  CHECK((int)notification->number == host->seen.notifications);
  maybe_free(host, "on_notification");
}

static void open_conference(conference_host *host, uint32_t dispatch) {
  memset(host, 0, sizeof *host);
  witness_init(&host->seen);
  roam_conference_config *config = roam_conference_config_new();
  EXPECT(ROAM_OK, roam_conference_config_set_dispatch(config, dispatch));
  roam_conference_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = host;
  events.destroy = witness_destroy; /* the witness is the host's first member */
  events.on_state = on_state;
  events.on_resumable = on_resumable;
  events.on_notification = on_notification;
  EXPECT(ROAM_OK, roam_conference_new(config, &events, &host->conference));
  roam_conference_config_free(config);
}

/* The room is there when the login is answered, and every callback finds in it what it is told. */
static void expect_in_room(const conference_host *host, const char *text) {
  roam_string *room = NULL;
  EXPECT(ROAM_OK, roam_conference_room(host->conference, &room));
  roam_str json = roam_string_view(room);
  CHECK(json.len > 0 && json.data[0] == '{' && json.data[json.len - 1] == '}');
  size_t len = strlen(text), found = 0;
  for (size_t at = 0; at + len <= json.len; at++) found += memcmp(json.data + at, text, len) == 0;
  CHECK(found == 1);
  roam_string_free(room);
}

static void on_login(void *user_data, const roam_error *error, const roam_event *reply) {
  conference_host *host = user_data;
  if (!error) CHECK(reply->arg_count == 1 && memchr(reply->args[0].data, '{', reply->args[0].len));
  if (!error) expect_in_room(host, "\"label\":\"common\"");
  witness_outcome(&host->seen, error, reply);
  maybe_free(host, "login");
}

static void on_text(void *user_data, const roam_error *error, const roam_event *reply) {
  conference_host *host = user_data;
  CHECK(!(reply && reply->resent) && !roam_error_resent(error));
  witness_outcome(&host->seen, error, reply);
  maybe_free(host, "request");
}

static roam_status request(conference_host *host, const char *name, const char *json) {
  roam_completion done = {host, on_text};
  return roam_conference_request(host->conference, ROAM_STR(name), ROAM_STR(json), 0, done, NULL);
}

static roam_status login(conference_host *host, const char *token) {
  roam_completion done = {host, on_login};
  return roam_conference_login(host->conference, ROAM_STR(token), done);
}

static const char TEXT[] = "{\"to\":\"all\",\"message\":\"hello\"}";

static roam_status request_with(conference_host *host, const roam_request_options *options) {
  roam_completion done = {host, on_text};
  return roam_conference_request_with(host->conference, ROAM_STR("text"), ROAM_STR(TEXT), options,
                                      done, NULL);
}

static void a_whole_life(const char *token) {
  conference_host host;
  open_conference(&host, ROAM_DISPATCH_THREAD);
  expect_in_room(&host, "\"participants\":[]");
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_room(host.conference, NULL));
  CHECK(roam_string_view(NULL).len == 0);
  roam_string_free(NULL);
  EXPECT(ROAM_OK, login(&host, token));
  EXPECT(ROAM_E_INVALID_STATE, login(&host, token));
  CHECK(roam_error_status(roam_conference_last_error(host.conference)) == ROAM_E_INVALID_STATE);
  EXPECT(ROAM_OK, request(&host, ROAM_REQUEST_TEXT, TEXT)); /* waits for the session */
  WAIT(&host.seen, host.seen.replies == 2 && host.seen.state == ROAM_CONFERENCE_STATE_READY);
  CHECK(host.resumable);
  EXPECT(ROAM_OK, request(&host, "text", "{\"to\":\"nobody\",\"message\":\"hello\"}"));
  EXPECT(ROAM_OK, roam_conference_network_changed(host.conference));
  EXPECT(ROAM_OK, roam_conference_network_available(host.conference));
  WAIT(&host.seen, host.seen.completions == 3);
  uint64_t number = 0;
  EXPECT(ROAM_OK, roam_conference_suspended(host.conference));
  EXPECT(ROAM_OK, roam_conference_resumed(host.conference));
  EXPECT(ROAM_OK, roam_conference_request(host.conference, ROAM_STR("text"), ROAM_STR(TEXT), 0,
                                          witness_completion(&host.seen), &number));
  EXPECT(ROAM_OK, roam_conference_cancel(host.conference, number));
  WAIT(&host.seen, host.seen.completions == 4);
  roam_request_options options = {.struct_size = sizeof options, .timeout_ms = LONG_MS,
                                  .offline = ROAM_OFFLINE_FAIL, .idempotent = true};
  EXPECT(ROAM_OK, request_with(&host, &options));
  WAIT(&host.seen, host.seen.completions == 5 && host.seen.replies == 3);
  EXPECT(ROAM_OK, request_with(&host, NULL));
  WAIT(&host.seen, host.seen.completions == 6 && host.seen.replies == 4);
  options.offline = ROAM_OFFLINE_LATEST;
  EXPECT(ROAM_E_INVALID_ARGUMENT, request_with(&host, &options));
  options.struct_size = sizeof options - 1;
  EXPECT(ROAM_E_INVALID_ARGUMENT, request_with(&host, &options));
  EXPECT(ROAM_OK, roam_conference_logout(host.conference, witness_completion(&host.seen)));
  WAIT(&host.seen, host.seen.state == ROAM_CONFERENCE_STATE_ENDED && host.seen.completions == 7);
  CHECK(host.seen.end == ROAM_OK && host.seen.closed == 0);
  EXPECT(ROAM_E_NOT_LOGGED_IN, request(&host, "text", TEXT));
  EXPECT(ROAM_E_NOT_LOGGED_IN, roam_conference_logout(host.conference, witness_completion(&host.seen)));
  EXPECT(ROAM_OK, roam_conference_free_wait(host.conference, LONG_MS));
  CHECK(host.seen.destroyed == 1 && host.seen.completions == 7);
  witness_end(&host.seen);
}

static const char NOBODY[] = "{\"to\":\"nobody\",\"message\":\"hello\"}";

/* This portal never answers texts, so some are pending when the conference is freed; those to nobody
 * it refuses. */
static void free_in(const char *callback, uint32_t dispatch, const char *token) {
  conference_host host;
  open_conference(&host, dispatch);
  host.free_in = callback;
  EXPECT(ROAM_OK, login(&host, token));
  for (int i = 0; i < 3; i++) EXPECT(ROAM_OK, request(&host, "text", TEXT));
  EXPECT(ROAM_OK, request(&host, "text", NOBODY));
  while (dispatch == ROAM_DISPATCH_MANUAL && host.seen.destroyed == 0) {
    EXPECT(ROAM_OK, roam_conference_dispatch(host.conference, 1, NULL));
    struct timespec pause = {0, 200000};
    nanosleep(&pause, NULL);
  }
  WAIT(&host.seen, host.seen.destroyed == 1);
  if (host.seen.completions != 5 || host.seen.closed < 3) {
    fprintf(stderr, "%s, mode %u: %d completions, %d closed, %d replies, %d others (%u)\n",
            callback, dispatch, host.seen.completions, host.seen.closed, host.seen.replies,
            host.seen.others, host.seen.other);
    abort();
  }
  witness_end(&host.seen);
}

/* Freed while the login is under way: before, during and after it was written. */
static void free_early(const char *token, long pause_us) {
  conference_host host;
  open_conference(&host, ROAM_DISPATCH_THREAD);
  EXPECT(ROAM_OK, login(&host, token));
  EXPECT(ROAM_OK, request(&host, "text", TEXT));
  struct timespec pause = {0, pause_us * 1000};
  nanosleep(&pause, NULL);
  roam_conference_free(host.conference);
  WAIT(&host.seen, host.seen.destroyed == 1);
  CHECK(host.seen.completions == 2);
  witness_end(&host.seen);
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  int next = 1;
  if (argc == 2) {
    a_whole_life(argv[next]);
    return 0;
  }
  static const char *const callbacks[] = {"on_state", "on_resumable", "on_notification", "login", "request"};
  static const uint32_t modes[] = {ROAM_DISPATCH_THREAD, ROAM_DISPATCH_MANUAL};
  for (int mode = 0; mode < 2; mode++)
    for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++)
      free_in(callbacks[i], modes[mode], argv[next++]);
  for (long i = 0; next < argc; i++) free_early(argv[next++], i * 700);
  return 0;
}
