/* Log in to a conference, lose the network in several ways, and be back every time with nothing
 * lost and nothing twice. At the end everything is compared with the portal's own ledger.
 *
 *   survive PORT [TRACE.jsonl MARKS.jsonl]
 */
#define _GNU_SOURCE /* clock_gettime */
#include "portal.h"
#include "report.h"
#include "roamio.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_NOTIFICATIONS = 4096, WAIT_SECONDS = 20 };

/* What the callbacks learn and the main thread waits for. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint32_t state;
  roam_status end; /* why the session ended */
  char *notifications[MAX_NOTIFICATIONS]; /* "name data", in the order of delivery */
  int received, resumed, gaps;
  int requested, replied, unknown, refused, failed;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static roam_conference *conference;
static int portal_port;
static int said; /* texts to the room, by anybody; those of our own come back to us too */

static void check(const char *what, roam_status status) {
  if (status == ROAM_OK) return;
  roam_str name = roam_status_name(status);
  fprintf(stderr, "%s: %.*s\n", what, (int)name.len, name.data);
  exit(1);
}

/* ---- The session's callbacks: one at a time, on a thread of the library ---------------------- */

static void unlock_and_tell(void) {
  pthread_cond_broadcast(&seen.changed);
  pthread_mutex_unlock(&seen.lock);
}

#define WAIT_UNTIL(what, condition)                                             \
  do {                                                                          \
    struct timespec limit;                                                      \
    clock_gettime(CLOCK_REALTIME, &limit);                                      \
    limit.tv_sec += WAIT_SECONDS;                                               \
    pthread_mutex_lock(&seen.lock);                                             \
    while (!(condition))                                                        \
      if (pthread_cond_timedwait(&seen.changed, &seen.lock, &limit) != 0) {     \
        fprintf(stderr, "%s did not happen within %d s\n", what, WAIT_SECONDS); \
        exit(1);                                                                \
      }                                                                         \
    pthread_mutex_unlock(&seen.lock);                                           \
  } while (0)

static void on_state(void *user, const roam_transition *step) {
  static const char *const names[] = {"idle", "joining", "ready", "resuming", "leaving", "ended"};
  (void)user;
  const char *name = step->state < 6 ? names[step->state] : "unknown";
  roam_str why = step->cause ? roam_error_message(step->cause) : (roam_str){"", 0};
  say("state", "%s%s%.*s", name, step->cause ? ": " : "", (int)why.len, why.data);
  pthread_mutex_lock(&seen.lock);
  seen.state = step->state;
  if (step->state == ROAM_CONFERENCE_STATE_ENDED) seen.end = roam_error_status(step->cause);
  unlock_and_tell();
}

static void on_retry(void *user, const roam_retry *retry) {
  (void)user;
  say("retry", "attempt %u in %llu ms", retry->attempt, (unsigned long long)retry->delay_ms);
}

static void on_resumed(void *user, bool complete, uint64_t replayed) {
  (void)user;
  say("resumed", "%llu missed notifications follow%s", (unsigned long long)replayed,
      complete ? "" : "; some may be lost");
  pthread_mutex_lock(&seen.lock);
  seen.resumed++;
  unlock_and_tell();
}

static void on_gap(void *user, uint64_t from, uint64_t to, bool certain) {
  (void)user;
  say("gap", "%llu to %llu%s", (unsigned long long)from, (unsigned long long)to,
      certain ? "" : ", perhaps");
  pthread_mutex_lock(&seen.lock);
  seen.gaps++;
  unlock_and_tell();
}

static void on_notification(void *user, const roam_event *event, bool replayed) {
  (void)user, (void)replayed; /* the trace tells them apart */
  roam_str data = event->arg_count > 0 ? event->args[0] : (roam_str){"null", 4};
  size_t size = event->name.len + data.len + 2; /* a blank between them, a zero at the end */
  char *line = malloc(size);
  if (!line) abort();
  snprintf(line, size, "%.*s %.*s", (int)event->name.len, event->name.data, (int)data.len,
           data.data);
  pthread_mutex_lock(&seen.lock);
  if (seen.received == MAX_NOTIFICATIONS) abort();
  seen.notifications[seen.received++] = line;
  unlock_and_tell();
}

/* ---- Requests: each has exactly one outcome -------------------------------------------------- */

static void on_outcome(void *user, const roam_error *error, const roam_event *reply) {
  (void)user, (void)reply;
  const char *outcome;
  pthread_mutex_lock(&seen.lock);
  switch (error ? roam_error_status(error) : ROAM_OK) {
    case ROAM_OK: outcome = "replied", seen.replied++; break;
    case ROAM_E_ACK_LOST: outcome = "unknown", seen.unknown++; break;
    case ROAM_E_REQUEST_REJECTED: outcome = "refused", seen.refused++; break;
    default: outcome = "failed", seen.failed++;
  }
  unlock_and_tell();
  if (error) {
    roam_str why = roam_error_message(error);
    say("request", "%s: %.*s", outcome, (int)why.len, why.data);
  }
}

static void request(const char *name, const char *json) {
  roam_completion completion = {NULL, on_outcome};
  check("request", roam_conference_request(conference, ROAM_STR(name), ROAM_STR(json), 0, completion, NULL));
  seen.requested++;
}

static void send_text(const char *json) {
  said++;
  request("text", json);
}

static void send_texts(int count) {
  for (int i = 0; i < count; i++) send_text("{\"to\":\"all\",\"message\":\"hello from C\"}");
  WAIT_UNTIL("an answer to every text",
             seen.replied + seen.unknown + seen.refused + seen.failed == seen.requested);
}

static void on_login(void *user, const roam_error *error, const roam_event *reply) {
  (void)user, (void)error, (void)reply; /* the state tells it too */
}

/* ---- The scenes ------------------------------------------------------------------------------ */

/* Ask the portal for a fault, and mark it in the timeline. */
static void fault(const char *what, const char *path) {
  char answer[256];
  say("network", "-- %s --", what);
  mark(what);
  if (portal_call(portal_port, "POST", path, "", answer, sizeof answer) / 100 != 2) {
    fprintf(stderr, "the portal refused %s\n", path);
    exit(1);
  }
}

/* Another participant speaks: 100 texts to the room, 5 ms apart. */
static void others_speak(void) {
  said += 100;
  fault("100 texts", "/control/texts?room=demo&count=100&gap_ms=5");
}

static void lose_the_network_again_and_again(void) {
  send_texts(10);
  WAIT_UNTIL("what we said ourselves", seen.received == said);

  fault("RST while idle", "/control/cut?all=true&how=rst");
  others_speak();
  WAIT_UNTIL("resume after the reset", seen.resumed == 1);
  WAIT_UNTIL("everything that was said", seen.received == said);
  send_texts(10);
  WAIT_UNTIL("what we said ourselves", seen.received == said);

  fault("half-open", "/control/freeze?all=true&direction=out&mode=discard");
  others_speak();
  send_text("{\"to\":\"all\",\"message\":\"into the silence\"}");
  WAIT_UNTIL("resume after the silence", seen.resumed == 2);
  WAIT_UNTIL("an outcome", seen.unknown == 1);
  send_texts(10);
  WAIT_UNTIL("everything that was said", seen.received == said);

  fault("an ack is swallowed", "/control/swallow-ack?request=text");
  send_text("{\"to\":\"all\",\"message\":\"swallowed\"}");
  WAIT_UNTIL("our own text", seen.received == said); /* so the portal has executed it */
  fault("closed by the network", "/control/cut?all=true&how=fin");
  WAIT_UNTIL("resume after the close", seen.resumed == 3);
  WAIT_UNTIL("an outcome", seen.unknown == 2);

  fault("silence, then a hint", "/control/freeze?all=true&direction=both&mode=discard");
  others_speak();
  say("hint", "the system says that the network changed");
  check("hint", roam_conference_network_changed(conference));
  WAIT_UNTIL("resume after the hint", seen.resumed == 4);

  others_speak();
  WAIT_UNTIL("everything that was said", seen.received == said);
  request("unpublish", "{\"id\":\"no-such-stream\"}");
  WAIT_UNTIL("a refusal", seen.refused == 1);
  send_texts(7);
  WAIT_UNTIL("what we said ourselves", seen.received == said);
}

/* ---- The accounts: everything against the portal's ledger ------------------------------------ */

static char ledger[1 << 20];

static void read_ledger(void) {
  char path[160], participant[64];
  portal_call(portal_port, "GET", "/control/participants?room=demo", "", ledger, sizeof ledger);
  const char *id = strstr(ledger, "\"id\":\"");
  if (!id || sscanf(id, "\"id\":\"%63[^\"]", participant) != 1) abort();
  snprintf(path, sizeof path, "/control/ledger?participant=%s&format=text", participant);
  if (portal_call(portal_port, "GET", path, "", ledger, sizeof ledger) != 200) abort();
}

/* Compare what was delivered with what was issued, and say what became of everything. */
static bool settle_accounts(void) {
  int issued = 0, lost = 0, executed = 0, swallowed = 0;
  for (char *line = strtok(ledger, "\n"); line; line = strtok(NULL, "\n")) {
    int skip = 0;
    if (sscanf(line, "notification %*d %n", &skip) == 0 && skip > 0) {
      bool same = issued < seen.received && strcmp(line + skip, seen.notifications[issued]) == 0;
      if (!same && lost++ == 0) fprintf(stderr, "not delivered in its place: %s\n", line);
      issued++;
    } else if (sscanf(line, "request %*d %n", &skip) == 0 && skip > 0) {
      executed++;
      if (strstr(line, "\"swallowed\"")) swallowed++;
    }
  }
  int doubled = seen.received > issued ? seen.received - issued : 0;
  printf("\nresumed %d of 4, notifications %d of %d, lost %d, doubled %d, "
         "requests %d: replied %d, unknown %d, refused %d\n",
         seen.resumed, seen.received, issued, lost, doubled, seen.requested, seen.replied,
         seen.unknown, seen.refused);
  printf("the portal executed %d requests, the swallowed one %d time(s)\n", executed, swallowed);
  return seen.resumed == 4 && issued > 0 && seen.received == issued && lost == 0 && seen.gaps == 0 &&
         seen.failed == 0 && seen.replied + seen.unknown + seen.refused == seen.requested &&
         executed == seen.replied + seen.unknown && swallowed == 1 &&
         seen.end == ROAM_E_SERVER_RESTARTED;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: survive PORT [TRACE.jsonl MARKS.jsonl]\n");
    return 2;
  }
  report_open(argc > 3 ? argv[3] : NULL);
  portal_port = atoi(argv[1]);

  /* What an application's own server would do: obtain a token for this user. */
  char token[2048];
  if (portal_call(portal_port, "POST", "/v1/rooms/demo/tokens",
                  "{\"user\":\"alice\",\"role\":\"presenter\"}", token, sizeof token) / 100 != 2)
    return 1;

  roam_conference_events events = {.struct_size = sizeof events,
                                   .on_state = on_state,
                                   .on_retry = on_retry,
                                   .on_resumed = on_resumed,
                                   .on_gap = on_gap,
                                   .on_notification = on_notification};
  roam_conference_config *config = roam_conference_config_new();
  if (argc > 2) check("trace", roam_conference_config_set_trace_file(config, ROAM_STR(argv[2])));
  check("conference", roam_conference_new(config, &events, &conference));
  roam_conference_config_free(config);
  check("login", roam_conference_login(conference, ROAM_STR(token), (roam_completion){NULL, on_login}));
  WAIT_UNTIL("login", seen.state == ROAM_CONFERENCE_STATE_READY);

  lose_the_network_again_and_again();

  read_ledger();
  fault("portal restarted", "/control/restart");
  WAIT_UNTIL("the end", seen.state == ROAM_CONFERENCE_STATE_ENDED);
  check("free", roam_conference_free_wait(conference, WAIT_SECONDS * 1000)); /* and the trace */

  bool good = settle_accounts();
  for (int i = 0; i < seen.received; i++) free(seen.notifications[i]);
  report_close();
  return good ? 0 : 1;
}
