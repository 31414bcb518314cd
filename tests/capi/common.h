/* What the test programs share: checks that speak, and a witness for the callbacks of one object. */
#ifndef COMMON_H
#define COMMON_H

#include "roamio.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);           \
      abort();                                                                            \
    }                                                                                     \
  } while (0)

/* Compare a status and show the one that came. */
#define EXPECT(expected, call)                                                            \
  do {                                                                                    \
    roam_status came = (call);                                                            \
    if (came != (expected)) {                                                             \
      roam_str name = roam_status_name(came);                                             \
      fprintf(stderr, "%s:%d: %.*s instead of %s: %s\n", __FILE__, __LINE__,              \
              (int)name.len, name.data, #expected, #call);                                \
      abort();                                                                            \
    }                                                                                     \
  } while (0)

enum { LONG_MS = 20000 };

/* Options of an emit, for one call. */
#define OPTIONS(...) (&(roam_emit_options){.struct_size = sizeof(roam_emit_options), __VA_ARGS__})
#define ATTACHED(first, count) OPTIONS(.attachments = (first), .attachment_count = (count))

/* Sees what becomes of one object. */
typedef struct witness {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int states, connects, disconnects, events, notifications;
  int completions; /* called */
  int replies, closed, others;
  roam_status other; /* the last outcome that is neither a reply nor CLOSED */
  int destroyed;
  uint32_t state;
  roam_status end;
  int freed_inside; /* freed on the dispatch thread: only completions and destroy may follow */
  pthread_t destroyed_on;
} witness;

static inline void witness_init(witness *seen) {
  memset(seen, 0, sizeof *seen);
  pthread_mutex_init(&seen->lock, NULL);
  pthread_cond_init(&seen->changed, NULL);
}

static inline void witness_end(witness *seen) {
  pthread_mutex_destroy(&seen->lock);
  pthread_cond_destroy(&seen->changed);
}

#define SEE(seen, change)                       \
  do {                                          \
    pthread_mutex_lock(&(seen)->lock);          \
    change;                                     \
    pthread_cond_broadcast(&(seen)->changed);   \
    pthread_mutex_unlock(&(seen)->lock);        \
  } while (0)

/* Wait for a condition on a witness; the lock is held while it is looked at. */
#define WAIT(seen, condition)                                                             \
  do {                                                                                    \
    struct timespec limit;                                                                \
    clock_gettime(CLOCK_REALTIME, &limit);                                                \
    limit.tv_sec += LONG_MS / 1000;                                                       \
    pthread_mutex_lock(&(seen)->lock);                                                    \
    while (!(condition)) {                                                                \
      if (pthread_cond_timedwait(&(seen)->changed, &(seen)->lock, &limit) != 0) {         \
        fprintf(stderr, "%s:%d: waited in vain: %s\n", __FILE__, __LINE__, #condition);   \
        abort();                                                                          \
      }                                                                                   \
    }                                                                                     \
    pthread_mutex_unlock(&(seen)->lock);                                                  \
  } while (0)

/* No callback after destroy, and none but completions after a free on the dispatch thread. */
static inline void witness_callback(witness *seen) {
  pthread_mutex_lock(&seen->lock);
  CHECK(seen->destroyed == 0);
  CHECK(!seen->freed_inside);
  pthread_mutex_unlock(&seen->lock);
}

static inline void witness_destroy(void *user_data) {
  witness *seen = user_data;
  pthread_mutex_lock(&seen->lock);
  CHECK(seen->destroyed++ == 0);
  seen->destroyed_on = pthread_self();
  pthread_cond_broadcast(&seen->changed);
  pthread_mutex_unlock(&seen->lock);
}

static inline void witness_outcome(void *user_data, const roam_error *error,
                                   const roam_event *reply) {
  witness *seen = user_data;
  CHECK((error == NULL) != (reply == NULL));
  CHECK(seen->destroyed == 0);
  roam_status status = roam_error_status(error);
  pthread_mutex_lock(&seen->lock);
  seen->completions++;
  if (status == ROAM_OK) {
    seen->replies++;
  } else if (status == ROAM_E_CLOSED) {
    seen->closed++;
  } else {
    seen->others++;
    seen->other = status;
  }
  pthread_cond_broadcast(&seen->changed);
  pthread_mutex_unlock(&seen->lock);
}

static inline roam_completion witness_completion(witness *seen) {
  roam_completion completion;
  completion.user_data = seen;
  completion.call = witness_outcome;
  return completion;
}

static inline int equals(roam_str text, const char *expected) {
  return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

#endif
