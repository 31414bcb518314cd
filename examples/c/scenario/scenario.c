/* Plays a scenario of tests/scenarios and prints what a host sees of it. The same program exists in
 * every language of roamio, and all of them print the same.
 *
 *   scenario SCENARIO.json PORTAL_URL
 */
#define _GNU_SOURCE /* getdelim, nanosleep */
#include "../portal.h"
#include "json.h"
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_WORD = 256, MAX_ATTACHMENTS = 8, MAX_EXPORTS = 4 };

/* A step's own words. */
struct step {
  roam_str json;
  char as[16], id[32];
};

static const char *portal_url;

static struct {
  char name[32];
  roam_secret *session;
} exports[MAX_EXPORTS];

/* A word of a step; empty if it is not there. */
static void word(roam_str step, const char *member, char *out, size_t size) {
  if (json_text(json_member(step, member), out, size) == 0) out[0] = '\0';
}

static bool flag(const struct step *step, const char *member) {
  roam_str value = json_member(step->json, member);
  return value.len == 4 && memcmp(value.data, "true", 4) == 0;
}

/* A member's JSON with ids in the place of names. Free it. */
static char *resolved(const struct step *step, const char *member) {
  roam_str json = json_member(step->json, member);
  char *text = line_of("%.*s", (int)json.len, json.data);
  char *ready = resolve_names(text);
  free(text);
  return ready;
}

/* ---- Conferences ----------------------------------------------------------------------------- */

static void play_conference(const struct step *step) {
  new_conference(step->as, flag(step, "ask_token"), flag(step, "rejoin_on_gap"));
}

static void play_login(const struct step *step) {
  struct object *object = find_object(step->as);
  word(step->json, "user", object->user, sizeof object->user);
  char token[MAX_TOKEN];
  fetch_token(object, token);
  struct asked *asked = ask(object, step->id, DONE);
  asked->login = true;
  called(asked, roam_conference_login(object->conference, ROAM_STR(token), completion(asked)));
}

static void play_request(const struct step *step) {
  struct object *object = find_object(step->as);
  char name[MAX_WORD];
  word(step->json, "name", name, sizeof name);
  char *data = resolved(step, "data");
  struct asked *asked = ask(object, step->id, ANSWERED);
  called(asked, roam_conference_request(object->conference, ROAM_STR(name), ROAM_STR(data), 0,
                                        completion(asked), &asked->request));
  free(data);
}

static void play_cancel(const struct step *step) {
  const struct asked *asked = find_asked(step->id);
  check("cancel", roam_conference_cancel(asked->object->conference, asked->request));
}

static void play_hint(const struct step *step) {
  static const struct {
    const char *kind;
    roam_status (*hint)(const roam_conference *conference);
  } hints[] = {
      {"network_available", roam_conference_network_available},
      {"network_lost", roam_conference_network_lost},
      {"network_changed", roam_conference_network_changed},
      {"suspended", roam_conference_suspended},
      {"resumed", roam_conference_resumed},
  };
  char kind[MAX_WORD];
  word(step->json, "kind", kind, sizeof kind);
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(hints[i].kind, kind) == 0)
      check(kind, hints[i].hint(find_object(step->as)->conference));
}

static void play_rejoin(const struct step *step) {
  struct object *object = find_object(step->as);
  struct asked *asked = ask(object, step->id, DONE);
  called(asked, roam_conference_rejoin(object->conference, completion(asked)));
}

static void play_logout(const struct step *step) {
  struct object *object = find_object(step->as);
  struct asked *asked = ask(object, step->id, DONE);
  called(asked, roam_conference_logout(object->conference, completion(asked)));
}

static void play_export(const struct step *step) {
  size_t place = 0;
  while (place < MAX_EXPORTS && exports[place].session) place++;
  if (place == MAX_EXPORTS) fail("more than %d exports", MAX_EXPORTS);
  word(step->json, "to", exports[place].name, sizeof exports[place].name);
  check("export",
        roam_conference_export(find_object(step->as)->conference, &exports[place].session));
}

static void play_restore(const struct step *step) {
  struct object *object = find_object(step->as);
  char from[MAX_WORD];
  word(step->json, "from", from, sizeof from);
  roam_str session = {"", 0};
  for (size_t i = 0; i < MAX_EXPORTS; i++)
    if (strcmp(exports[i].name, from) == 0) session = roam_secret_text(exports[i].session);
  struct asked *asked = ask(object, step->id, DONE);
  called(asked, roam_conference_restore(object->conference, session, completion(asked)));
}

static void play_detach(const struct step *step) {
  check("detach", roam_conference_detach(find_object(step->as)->conference));
}

static void play_destroy_on(const struct step *step) {
  struct object *object = find_object(step->as);
  word(step->json, "line", object->destroy_on, sizeof object->destroy_on);
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static void play_socket(const struct step *step) {
  char namespace_name[MAX_WORD];
  word(step->json, "namespace", namespace_name, sizeof namespace_name);
  new_socket(step->as, portal_url, namespace_name[0] ? namespace_name : "/echo");
}

/* Bytes from hexadecimal digits. */
static roam_bytes bytes_of(const char *hex, uint8_t *out) {
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
    out[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return (roam_bytes){out, length};
}

static void play_emit(const struct step *step) {
  roam_socket *socket = find_object(step->as)->socket;
  char name[MAX_WORD], hex[MAX_WORD];
  uint8_t data[MAX_ATTACHMENTS][MAX_WORD / 2];
  roam_bytes attachments[MAX_ATTACHMENTS];
  word(step->json, "name", name, sizeof name);
  roam_emit_options options = {.struct_size = sizeof options, .attachments = attachments};
  roam_str all = json_member(step->json, "attachments"), one;
  for (size_t at = 0, i = 0; i < MAX_ATTACHMENTS && (one = json_next(all, &at)).len > 0; i++) {
    json_text(one, hex, sizeof hex);
    attachments[i] = bytes_of(hex, data[i]);
    options.attachment_count = i + 1;
  }
  roam_str args = json_member(step->json, "args");
  if (step->id[0]) {
    struct asked *asked = ask(NULL, step->id, ACKED);
    called(asked, roam_socket_emit_with_ack(socket, ROAM_STR(name), args, &options,
                                            completion(asked), &asked->request));
  } else {
    check(name, roam_socket_emit(socket, ROAM_STR(name), args, &options));
  }
}

static void play_disconnect(const struct step *step) {
  check("disconnect", roam_socket_disconnect(find_object(step->as)->socket));
}

/* ---- Everything else ------------------------------------------------------------------------- */

static void play_portal(const struct step *step) {
  char path[MAX_WORD], answer[MAX_WORD * 4];
  word(step->json, "path", path, sizeof path);
  char *ready = resolve_names(path);
  if (portal_call(portal_port, "POST", ready, "", answer, sizeof answer) != 200)
    fail("the portal refused %s", ready);
  free(ready);
}

static void play_pause(const struct step *step) {
  long ms = strtol(json_member(step->json, "ms").data, NULL, 10);
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void play_await(const struct step *step) {
  char line[MAX_WORD];
  word(step->json, "line", line, sizeof line);
  if (step->id[0]) {
    await_outcome(step->id);
  } else {
    struct object *object = find_object(step->as);
    object->awaited = await_line(&object->log, object->awaited, line) + 1;
  }
}

/* What can be done, and which object it usually is of. */
static const struct {
  const char *action, *usual;
  void (*play)(const struct step *step);
} actions[] = {
    {"conference", "c", play_conference}, {"login", "c", play_login},
    {"request", "c", play_request},       {"cancel", "c", play_cancel},
    {"hint", "c", play_hint},             {"rejoin", "c", play_rejoin},
    {"logout", "c", play_logout},         {"export", "c", play_export},
    {"restore", "c", play_restore},       {"detach", "c", play_detach},
    {"destroy_on", "c", play_destroy_on}, {"socket", "s", play_socket},
    {"emit", "s", play_emit},             {"disconnect", "s", play_disconnect},
    {"portal", "", play_portal},          {"pause", "", play_pause},
    {"await", "c", play_await},
};

static void play(roam_str json) {
  struct step step = {.json = json};
  char action[MAX_WORD];
  word(json, "do", action, sizeof action);
  word(json, "as", step.as, sizeof step.as);
  word(json, "id", step.id, sizeof step.id);
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (strcmp(actions[i].action, action) == 0) {
      if (!step.as[0]) snprintf(step.as, sizeof step.as, "%s", actions[i].usual);
      actions[i].play(&step);
      return;
    }
  fail("nobody can do \"%s\"", action);
}

int main(int argc, char **argv) {
  if (argc != 3 || sscanf(argv[2], "http://127.0.0.1:%d", &portal_port) != 1)
    fail("usage: scenario SCENARIO.json http://127.0.0.1:PORT");
  portal_url = argv[2];
  char *text = NULL;
  size_t size = 0, at = 0;
  FILE *file = fopen(argv[1], "r");
  if (!file || getdelim(&text, &size, '\0', file) < 0) fail("%s cannot be read", argv[1]);
  fclose(file);
  roam_str steps = json_member(ROAM_STR(text), "steps"), step;
  while ((step = json_next(steps, &at)).len > 0) play(step);
  close_objects();
  print_trace();
  for (size_t i = 0; i < MAX_EXPORTS; i++) roam_secret_free(exports[i].session);
  free(text);
  return 0;
}
