/* Sessions that are replaced and sessions that outlive their conference, against the portal: tokens
 * that are asked for, rejoin, detach, export and restore. */
#define _GNU_SOURCE /* memmem */
#include "common.h"

typedef struct session {
  witness seen; /* the first member: destroy gets it */
  roam_conference *conference;
  uint64_t number; /* of the last notification */
  int texts;       /* whose messages are "1", "2", ... */
  int replayed, left, resumed, rejoined, gaps;
  uint64_t question; /* of the last on_token_wanted */
  roam_status lost;  /* its error */
} session;

static int contains(roam_str text, const char *part) {
  return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void on_state(void *user_data, const roam_transition *step) {
  session *own = user_data;
  witness_callback(&own->seen);
  SEE(&own->seen, (own->seen.state = step->state, own->seen.end = roam_error_status(step->cause)));
}

static void on_resumed(void *user_data, bool complete, uint64_t replayed) {
  session *own = user_data;
  witness_callback(&own->seen);
  CHECK(complete && replayed >= 3);
  SEE(&own->seen, own->resumed++);
}

static void on_gap(void *user_data, uint64_t from, uint64_t to, bool certain) {
  session *own = user_data;
  witness_callback(&own->seen);
  CHECK(!certain || (0 < from && from <= to));
  SEE(&own->seen, own->gaps++);
}

/* Each comes once and in order: the numbers and the texts leave nothing out. */
static void on_notification(void *user_data, const roam_event *notification, bool replayed) {
  session *own = user_data;
  witness_callback(&own->seen);
  CHECK(notification->number == own->number + 1);
  int is_text = equals(notification->name, "text");
  int is_leave = equals(notification->name, "participant") && contains(notification->args[0], "leave");
  char message[40];
  snprintf(message, sizeof message, "\"message\":\"%d\"", own->texts + 1);
  CHECK(!is_text || contains(notification->args[0], message));
  SEE(&own->seen, (own->number++, own->texts += is_text, own->left += is_leave,
                   own->replayed += is_text && replayed));
}

static void on_token_wanted(void *user_data, uint64_t ask_token, const roam_error *error) {
  session *own = user_data;
  witness_callback(&own->seen);
  CHECK(ask_token != 0 && ask_token != own->question);
  SEE(&own->seen, (own->question = ask_token, own->lost = roam_error_status(error)));
}

static void on_rejoined(void *user_data, const roam_event *answer) {
  session *own = user_data;
  witness_callback(&own->seen);
  CHECK(answer->arg_count == 1 && contains(answer->args[0], "\"room\""));
  SEE(&own->seen, (own->rejoined++, own->number = 0, own->texts = 0));
}

static roam_conference_events events_of(session *own, int asking) {
  memset(own, 0, sizeof *own);
  witness_init(&own->seen);
  roam_conference_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = own;
  events.destroy = witness_destroy;
  events.on_state = on_state;
  events.on_resumed = on_resumed;
  events.on_gap = on_gap;
  events.on_notification = on_notification;
  events.on_token_wanted = asking ? on_token_wanted : NULL;
  events.on_rejoined = on_rejoined;
  return events;
}

static void open_session(session *own, int asking) {
  roam_conference_events events = events_of(own, asking);
  roam_conference_config *config = roam_conference_config_new();
  EXPECT(ROAM_OK, roam_conference_new(config, &events, &own->conference));
  roam_conference_config_free(config);
}

static void log_in(session *own, const char *token) {
  EXPECT(ROAM_OK, roam_conference_login(own->conference, ROAM_STR(token), witness_completion(&own->seen)));
  WAIT(&own->seen, own->seen.replies == 1 && own->seen.state == ROAM_CONFERENCE_STATE_READY);
}

static void log_out(session *own) {
  int replies = own->seen.replies;
  EXPECT(ROAM_OK, roam_conference_logout(own->conference, witness_completion(&own->seen)));
  WAIT(&own->seen, own->seen.replies == replies + 1 && own->seen.state == ROAM_CONFERENCE_STATE_ENDED);
}

static void free_session(session *own, int completions) {
  EXPECT(ROAM_OK, roam_conference_free_wait(own->conference, LONG_MS));
  CHECK(own->seen.destroyed == 1 && own->seen.completions == completions);
  witness_end(&own->seen);
}

static roam_status rejoin(session *own) {
  return roam_conference_rejoin(own->conference, witness_completion(&own->seen));
}

static roam_status provide(session *own, uint64_t question, const char *token) {
  return roam_conference_provide_token(own->conference, question, ROAM_STR(token));
}

/* Send a text to all, and wait for the answer: then everything that was told before it was handled. */
static void say(session *own, const char *message) {
  char json[80];
  snprintf(json, sizeof json, "{\"to\":\"all\",\"message\":\"%s\"}", message);
  int replies = own->seen.replies;
  EXPECT(ROAM_OK, roam_conference_request(own->conference, ROAM_STR(ROAM_REQUEST_TEXT), ROAM_STR(json), 0,
                                          witness_completion(&own->seen), NULL));
  WAIT(&own->seen, own->seen.replies == replies + 1);
}

static void rejoining_needs_a_question_and_a_session(const char *token) {
  session own;
  roam_conference_events events = events_of(&own, 0);
  roam_conference_config *config = roam_conference_config_new();
  EXPECT(ROAM_OK, roam_conference_config_set_switch(config, ROAM_SWITCH_REJOIN_ON_GAP, true));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_new(config, &events, &own.conference));
  CHECK(own.conference == NULL && own.seen.destroyed == 0);
  EXPECT(ROAM_OK, roam_conference_config_set_switch(config, ROAM_SWITCH_REJOIN_ON_GAP, false));
  EXPECT(ROAM_OK, roam_conference_new(config, &events, &own.conference));
  roam_conference_config_free(config);
  EXPECT(ROAM_E_NOT_LOGGED_IN, rejoin(&own));
  log_in(&own, token);
  EXPECT(ROAM_E_INVALID_STATE, rejoin(&own));
  log_out(&own);
  EXPECT(ROAM_E_NOT_LOGGED_IN, rejoin(&own));
  free_session(&own, 2);
}

static void on_refused(void *user_data, const roam_error *error, const roam_event *reply) {
  CHECK(contains(roam_error_message(error), "not now"));
  witness_outcome(user_data, error, reply);
}

/* The answers come from this thread, the questions on another. */
static void a_session_is_replaced(const char *token, const char *fresh) {
  session own;
  open_session(&own, 1);
  log_in(&own, token);
  roam_completion refused = {&own.seen, on_refused};
  EXPECT(ROAM_OK, roam_conference_rejoin(own.conference, refused));
  WAIT(&own.seen, own.question != 0);
  CHECK(own.lost == ROAM_OK);
  EXPECT(ROAM_OK, roam_conference_refuse_token(own.conference, own.question, ROAM_STR("not now")));
  WAIT(&own.seen, own.seen.others == 1);
  CHECK(own.seen.other == ROAM_E_CANCELLED && own.rejoined == 0);
  CHECK(roam_conference_state(own.conference) == ROAM_CONFERENCE_STATE_READY);

  uint64_t former = own.question;
  EXPECT(ROAM_OK, rejoin(&own));
  WAIT(&own.seen, own.question != former);
  EXPECT(ROAM_OK, provide(&own, former, fresh)); /* too late: ignored */
  EXPECT(ROAM_E_TOKEN_INVALID, provide(&own, own.question, "no token"));
  EXPECT(ROAM_OK, provide(&own, own.question, fresh));
  WAIT(&own.seen, own.seen.replies == 2 && own.rejoined == 1);
  CHECK(own.seen.state == ROAM_CONFERENCE_STATE_READY);
  EXPECT(ROAM_OK, provide(&own, own.question, fresh)); /* the second time: ignored */
  say(&own, "1");
  log_out(&own);
  CHECK(own.rejoined == 1 && own.seen.end == ROAM_OK);
  free_session(&own, 5);
}

static void a_question_ends_with_its_conference(const char *token) {
  session own;
  open_session(&own, 1);
  log_in(&own, token);
  EXPECT(ROAM_OK, rejoin(&own));
  WAIT(&own.seen, own.question != 0);
  EXPECT(ROAM_OK, roam_conference_detach(own.conference));
  EXPECT(ROAM_OK, roam_conference_detach(own.conference));
  WAIT(&own.seen, own.seen.closed == 1);
  EXPECT(ROAM_E_CLOSED, provide(&own, own.question, token));
  EXPECT(ROAM_E_CLOSED, roam_conference_refuse_token(own.conference, own.question, ROAM_STR("")));
  EXPECT(ROAM_E_CLOSED, rejoin(&own));
  EXPECT(ROAM_E_CLOSED, roam_conference_logout(own.conference, witness_completion(&own.seen)));
  free_session(&own, 2);
}

static roam_status restore(session *own, roam_str export) {
  return roam_conference_restore(own->conference, export, witness_completion(&own->seen));
}

/* With one character of the export changed. */
static roam_status restore_changed(session *own, roam_str export, size_t at, char to) {
  char *text = malloc(export.len);
  CHECK(text != NULL && export.data[at] != to);
  memcpy(text, export.data, export.len);
  text[at] = to;
  roam_status status = restore(own, (roam_str){text, export.len});
  free(text);
  return status;
}

static roam_secret *export_of(const session *own) {
  roam_secret *secret = NULL;
  EXPECT(ROAM_OK, roam_conference_export(own->conference, &secret));
  CHECK(secret != NULL && roam_secret_text(secret).len > 0);
  return secret;
}

/* The portal keeps the participant of a detached conference, and what it missed; a logout ends it. */
static void a_session_outlives_its_conference(const char *token, const char *speakers_token) {
  session own, speaker, next;
  open_session(&own, 0);
  log_in(&own, token);
  open_session(&speaker, 0);
  log_in(&speaker, speakers_token);
  say(&speaker, "1");
  say(&speaker, "2");
  say(&own, "3");
  WAIT(&own.seen, own.texts == 3);
  say(&own, "4"); /* what came before was handled when this is answered */
  WAIT(&own.seen, own.texts == 4);
  say(&own, "5");
  WAIT(&own.seen, own.texts == 5);

  open_session(&next, 0);
  roam_secret *untouched = (roam_secret *)&next, *secret = untouched;
  EXPECT(ROAM_E_NOT_LOGGED_IN, roam_conference_export(next.conference, &secret));
  CHECK(secret == untouched);
  secret = export_of(&own);
  EXPECT(ROAM_OK, roam_conference_detach(own.conference));
  EXPECT(ROAM_E_CLOSED, roam_conference_export(own.conference, &untouched));
  next.number = own.number;
  next.texts = own.texts;
  free_session(&own, 4);
  say(&speaker, "6");
  say(&speaker, "7");
  say(&speaker, "8");

  roam_str export = roam_secret_text(secret);
  EXPECT(ROAM_E_EXPORT_FOREIGN, restore(&next, ROAM_STR("no export")));
  EXPECT(ROAM_E_EXPORT_FOREIGN, restore_changed(&next, export, 0, 'R'));
  EXPECT(ROAM_E_EXPORT_NEWER, restore_changed(&next, export, strlen("roamio-session/"), '9'));
  EXPECT(ROAM_E_EXPORT_DAMAGED, restore_changed(&next, export, export.len - 1, ' '));
  EXPECT(ROAM_E_EXPORT_DAMAGED, restore(&next, (roam_str){export.data, export.len - 1}));
  CHECK(next.seen.completions == 0);
  EXPECT(ROAM_OK, restore(&next, export));
  EXPECT(ROAM_E_INVALID_STATE, restore(&next, export));
  roam_secret_free(secret);
  WAIT(&next.seen, next.seen.replies == 1 && next.texts == 8);
  CHECK(next.seen.state == ROAM_CONFERENCE_STATE_READY && next.resumed == 1 && next.replayed == 3);
  say(&next, "9");
  WAIT(&next.seen, next.texts == 9);
  WAIT(&speaker.seen, speaker.texts == 9);
  CHECK(next.replayed == 3 && next.gaps == 0 && speaker.left == 0);

  log_out(&next);
  free_session(&next, 3);
  WAIT(&speaker.seen, speaker.left == 1);
  log_out(&speaker);
  free_session(&speaker, 7);
}

/* Where the portal refuses an export, a token is asked for; without one the session ends. */
static void an_export_that_is_over_is_renewed_or_refused(const char *token, const char *fresh) {
  session own, renewed, refused;
  open_session(&own, 0);
  log_in(&own, token);
  roam_secret *secret = export_of(&own);
  log_out(&own);
  free_session(&own, 2);

  open_session(&renewed, 1);
  EXPECT(ROAM_OK, restore(&renewed, roam_secret_text(secret)));
  WAIT(&renewed.seen, renewed.question != 0);
  CHECK(renewed.lost == ROAM_E_SESSION_LOST);
  roam_request_options options = {.struct_size = sizeof options, .offline = ROAM_OFFLINE_FAIL};
  EXPECT(ROAM_OK, roam_conference_request_with(renewed.conference, ROAM_STR(ROAM_REQUEST_TEXT),
                                               ROAM_STR("{\"to\":\"all\",\"message\":\"0\"}"), &options,
                                               witness_completion(&renewed.seen), NULL));
  WAIT(&renewed.seen, renewed.seen.others == 1);
  CHECK(renewed.seen.other == ROAM_E_NOT_SENT);
  EXPECT(ROAM_OK, provide(&renewed, renewed.question, fresh));
  WAIT(&renewed.seen, renewed.seen.replies == 1 && renewed.rejoined == 1);
  say(&renewed, "1");
  log_out(&renewed);
  free_session(&renewed, 4);

  open_session(&refused, 1);
  EXPECT(ROAM_OK, restore(&refused, roam_secret_text(secret)));
  roam_secret_free(secret);
  WAIT(&refused.seen, refused.question != 0);
  EXPECT(ROAM_OK, roam_conference_refuse_token(refused.conference, refused.question, ROAM_STR("")));
  WAIT(&refused.seen, refused.seen.others == 1 && refused.seen.state == ROAM_CONFERENCE_STATE_ENDED);
  CHECK(refused.seen.other == ROAM_E_SESSION_LOST && refused.seen.end == ROAM_E_SESSION_LOST);
  free_session(&refused, 1);
}

/* M01 and M02 for what this program is about. */
static void null_is_refused(void) {
  session own;
  open_session(&own, 1);
  const roam_conference *conference = own.conference;
  roam_str text = ROAM_STR("x"), missing = {NULL, 3};
  roam_completion done = witness_completion(&own.seen), empty = {NULL, NULL};
  roam_secret *secret = NULL;
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_detach(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_provide_token(NULL, 1, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_provide_token(conference, 1, missing));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_provide_token(conference, 0, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_refuse_token(NULL, 1, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_refuse_token(conference, 1, missing));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_refuse_token(conference, 0, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_rejoin(NULL, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_rejoin(conference, empty));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_export(NULL, &secret));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_export(conference, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_restore(NULL, text, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_restore(conference, missing, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_restore(conference, text, empty));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_request_with(NULL, text, text, NULL, done, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_request_with(conference, missing, text, NULL, done, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_request_with(conference, text, missing, NULL, done, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_request_with(conference, text, text, NULL, empty, NULL));
  CHECK(secret == NULL && roam_secret_text(NULL).len == 0);
  roam_secret_free(NULL);
  free_session(&own, 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 9);
  null_is_refused();
  rejoining_needs_a_question_and_a_session(argv[1]);
  a_session_is_replaced(argv[2], argv[3]);
  a_session_outlives_its_conference(argv[4], argv[5]);
  an_export_that_is_over_is_renewed_or_refused(argv[6], argv[7]);
  a_question_ends_with_its_conference(argv[8]);
  return 0;
}
