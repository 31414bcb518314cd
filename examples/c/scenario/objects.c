#define _GNU_SOURCE /* open_memstream */
#include "objects.h"

#include "../portal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OBJECTS = 8, MAX_ASKED = 64 };

int portal_port;

/* Both in the order of the steps. */
static struct object objects[MAX_OBJECTS];
static size_t object_count;
static struct asked all_asked[MAX_ASKED];
static size_t asked_count;

/* The lines of outcomes are "ID OUTCOME". */
static struct log outcomes;

void check(const char *what, roam_status status) {
  roam_str name = roam_status_name(status);
  if (status != ROAM_OK) fail("%s: %.*s", what, (int)name.len, name.data);
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* ARGS [hex:DIGITS]... Free it. */
static char *args_of(const roam_event *event) {
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  if (!out) abort();
  fputc('[', out);
  for (size_t i = 0; i < event->arg_count; i++)
    fprintf(out, "%s%.*s", i ? "," : "", (int)event->args[i].len, event->args[i].data);
  fputc(']', out);
  for (size_t i = 0; i < event->attachment_count; i++) {
    fputs(" hex:", out);
    for (size_t at = 0; at < event->attachments[i].len; at++)
      fprintf(out, "%02x", event->attachments[i].data[at]);
  }
  fclose(out);
  return text;
}

/* The one argument of a notification or an answer of the portal. */
static roam_str data_of(const roam_event *event) {
  return event->arg_count > 0 ? event->args[0] : ROAM_STR("null");
}

/* A line and, if there is one, the code of its cause. */
static char *line_with_cause(const char *line, const roam_error *cause) {
  if (!cause) return line_of("%s", line);
  roam_str code = roam_status_name(roam_error_status(cause));
  return line_of("%s %.*s", line, (int)code.len, code.data);
}

/* ---- Callbacks of conferences ---------------------------------------------------------------- */

/* Tell a line, which may be the one that the conference is to be destroyed at. */
static void observe(struct object *object, char *line) {
  if (object->destroy_on[0] && begins(line, object->destroy_on)) {
    roam_conference_free(object->conference);
    object->conference = NULL;
  }
  tell(&object->log, line);
}

static void on_state(void *user, const roam_transition *step) {
  static const char *const lines[] = {"state idle",     "state joining", "state ready",
                                      "state resuming", "state leaving", "state ended"};
  observe(user, line_with_cause(lines[step->state], step->cause));
}

static void on_resumable(void *user, bool resumable) {
  observe(user, line_of("resumable %s", resumable ? "yes" : "no"));
}

static void on_resumed(void *user, bool complete, uint64_t replayed) {
  const char *what = complete ? "complete" : "incomplete";
  observe(user, line_of("resumed %s %llu", what, (unsigned long long)replayed));
}

static void on_migrated(void *user) { observe(user, line_of("migrated")); }

static void on_gap(void *user, uint64_t from, uint64_t to, bool certain) {
  observe(user, line_of("gap %s %llu %llu", certain ? "certain" : "uncertain",
                        (unsigned long long)from, (unsigned long long)to));
}

static void on_notification(void *user, const roam_event *event, bool replayed) {
  roam_str data = data_of(event);
  observe(user, line_of("notification %llu %s %.*s %.*s", (unsigned long long)event->number,
                        replayed ? "replayed" : "new", (int)event->name.len, event->name.data,
                        (int)data.len, data.data));
}

static void on_protocol_error(void *user, const roam_error *error) {
  observe(user, line_with_cause("protocol_error", error));
}

static void on_token_wanted(void *user, uint64_t question, const roam_error *error) {
  struct object *object = user;
  char token[MAX_TOKEN];
  fetch_token(object, token);
  check("token", roam_conference_provide_token(object->conference, question, ROAM_STR(token)));
  observe(object, line_with_cause("token_wanted", error));
}

static void on_rejoined(void *user, const roam_event *answer) {
  struct object *object = user;
  learn_id(object->name, data_of(answer));
  observe(object, line_of("rejoined"));
}

static void on_destroy(void *user) { tell_flag(&((struct object *)user)->destroyed); }

/* ---- Callbacks of sockets -------------------------------------------------------------------- */

static void on_socket_state(void *user, const roam_transition *step) {
  static const char *const lines[] = {"state idle", "state joining", "state connected",
                                      "state rejoining", "state closed"};
  tell(&((struct object *)user)->log, line_with_cause(lines[step->state], step->cause));
}

static void on_event(void *user, const roam_event *event) {
  char *args = args_of(event);
  tell(&((struct object *)user)->log,
       line_of("event %.*s %s", (int)event->name.len, event->name.data, args));
  free(args);
}

/* ---- Objects --------------------------------------------------------------------------------- */

static struct object *new_object(const char *name) {
  if (object_count == MAX_OBJECTS) fail("more than %d objects", MAX_OBJECTS);
  struct object *object = &objects[object_count++];
  snprintf(object->name, sizeof object->name, "%s", name);
  return object;
}

struct object *find_object(const char *name) {
  for (size_t i = 0; i < object_count; i++)
    if (strcmp(objects[i].name, name) == 0) return &objects[i];
  fail("no object %s", name);
}

void new_conference(const char *name, bool ask_token, bool rejoin_on_gap) {
  struct object *object = new_object(name);
  roam_conference_events events = {
      .struct_size = sizeof events,
      .user_data = object,
      .destroy = on_destroy,
      .on_state = on_state,
      .on_resumable = on_resumable,
      .on_resumed = on_resumed,
      .on_migrated = on_migrated,
      .on_gap = on_gap,
      .on_notification = on_notification,
      .on_protocol_error = on_protocol_error,
      .on_token_wanted = ask_token ? on_token_wanted : NULL,
      .on_rejoined = on_rejoined,
  };
  roam_conference_config *config = roam_conference_config_new();
  check("rejoin_on_gap",
        roam_conference_config_set_switch(config, ROAM_SWITCH_REJOIN_ON_GAP, rejoin_on_gap));
  check("conference", roam_conference_new(config, &events, &object->conference));
  roam_conference_config_free(config);
}

void new_socket(const char *name, const char *url, const char *namespace_name) {
  struct object *object = new_object(name);
  roam_socket_events events = {
      .struct_size = sizeof events,
      .user_data = object,
      .destroy = on_destroy,
      .on_state = on_socket_state,
      .on_event = on_event,
  };
  roam_config *config = roam_config_new();
  check("url", roam_config_set_url(config, ROAM_STR(url)));
  roam_manager_events unheard = {.struct_size = sizeof unheard};
  check("manager", roam_manager_new(config, &unheard, &object->manager));
  roam_config_free(config);
  check("socket", roam_socket_new(object->manager, ROAM_STR(namespace_name), NULL, &events,
                                  &object->socket));
  check("connect", roam_socket_connect(object->socket, (roam_str){"", 0}));
}

void close_objects(void) {
  for (size_t i = 0; i < object_count; i++) {
    roam_conference_free(objects[i].conference);
    roam_socket_free(objects[i].socket);
    roam_manager_free(objects[i].manager);
    await_flag(&objects[i].destroyed);
  }
}

void fetch_token(const struct object *object, char token[MAX_TOKEN]) {
  char body[128];
  snprintf(body, sizeof body, "{\"user\":\"%s\",\"role\":\"presenter\"}", object->user);
  if (portal_call(portal_port, "POST", "/v1/rooms/room/tokens", body, token, MAX_TOKEN) != 200)
    fail("no token for %s", object->user);
}

/* ---- Outcomes -------------------------------------------------------------------------------- */

static void on_outcome(void *user, const roam_error *error, const roam_event *reply) {
  const struct asked *asked = user;
  if (error) {
    called(asked, roam_error_status(error));
    return;
  }
  roam_str data = data_of(reply);
  char *args = args_of(reply);
  if (asked->login) learn_id(asked->object->name, data);
  switch (asked->shown) {
    case DONE: tell(&outcomes, line_of("%s done", asked->id)); break;
    case ANSWERED:
      tell(&outcomes, line_of("%s done %.*s", asked->id, (int)data.len, data.data));
      break;
    case ACKED: tell(&outcomes, line_of("%s done %s", asked->id, args)); break;
  }
  free(args);
}

struct asked *ask(struct object *object, const char *id, enum shown shown) {
  if (asked_count == MAX_ASKED) fail("more than %d outcomes", MAX_ASKED);
  struct asked *asked = &all_asked[asked_count++];
  *asked = (struct asked){.object = object, .shown = shown};
  snprintf(asked->id, sizeof asked->id, "%s", id);
  return asked;
}

roam_completion completion(struct asked *asked) { return (roam_completion){asked, on_outcome}; }

void called(const struct asked *asked, roam_status status) {
  roam_str code = roam_status_name(status);
  if (status != ROAM_OK)
    tell(&outcomes, line_of("%s %.*s", asked->id, (int)code.len, code.data));
}

const struct asked *find_asked(const char *id) {
  for (size_t i = 0; i < asked_count; i++)
    if (strcmp(all_asked[i].id, id) == 0) return &all_asked[i];
  fail("nothing asked as %s", id);
}

void await_outcome(const char *id) { await_line(&outcomes, 0, id); }

void print_trace(void) {
  for (size_t i = 0; i < object_count; i++)
    for (size_t at = 0; at < objects[i].log.count; at++)
      print_line(objects[i].name, objects[i].log.lines[at]);
  for (size_t i = 0; i < asked_count; i++)
    print_line("outcome", outcomes.lines[await_line(&outcomes, 0, all_asked[i].id)]);
}
