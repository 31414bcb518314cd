#define _GNU_SOURCE /* vasprintf, clock_gettime */
#include "trace.h"

#include "json.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_IDS = 16 };

/* One lock for everything that callbacks tell. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* In the order of the logins. */
static struct {
  char name[16], id[64];
} ids[MAX_IDS];
static size_t id_count;

void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(1);
}

char *line_of(const char *format, ...) {
  char *line;
  va_list values;
  va_start(values, format);
  if (vasprintf(&line, format, values) < 0) abort();
  va_end(values);
  return line;
}

void tell(struct log *log, char *line) {
  pthread_mutex_lock(&lock);
  if (log->count == MAX_LINES) abort();
  log->lines[log->count++] = line;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void tell_flag(bool *flag) {
  pthread_mutex_lock(&lock);
  *flag = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* Wait for something to change, under the lock. */
static void await_change(const struct timespec *limit, const char *what) {
  if (pthread_cond_timedwait(&changed, &lock, limit) != 0)
    fail("nobody told \"%s\" within %d s", what, LIMIT_SECONDS);
}

static struct timespec limit_from_now(void) {
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += LIMIT_SECONDS;
  return limit;
}

size_t await_line(struct log *log, size_t from, const char *words) {
  struct timespec limit = limit_from_now();
  pthread_mutex_lock(&lock);
  while (from == log->count || !begins(log->lines[from], words))
    if (from < log->count)
      from++;
    else
      await_change(&limit, words);
  pthread_mutex_unlock(&lock);
  return from;
}

void await_flag(const bool *flag) {
  struct timespec limit = limit_from_now();
  pthread_mutex_lock(&lock);
  while (!*flag) await_change(&limit, "the end");
  pthread_mutex_unlock(&lock);
}

bool begins(const char *line, const char *words) {
  size_t length = strlen(words);
  return strncmp(line, words, length) == 0 && (line[length] == ' ' || line[length] == '\0');
}

void learn_id(const char *name, roam_str answer) {
  pthread_mutex_lock(&lock);
  if (id_count == MAX_IDS) abort();
  snprintf(ids[id_count].name, sizeof ids->name, "$%s", name);
  if (json_text(json_member(answer, "id"), ids[id_count].id, sizeof ids->id) > 0) id_count++;
  pthread_mutex_unlock(&lock);
}

/* The text with `with` in the place of every `what`. Frees the text. */
static char *replace(char *text, const char *what, const char *with) {
  char *found;
  for (size_t from = 0; (found = strstr(text + from, what)); from += strlen(with)) {
    from = (size_t)(found - text);
    char *next = line_of("%.*s%s%s", (int)from, text, with, found + strlen(what));
    free(text);
    text = next;
  }
  return text;
}

char *resolve_names(const char *text) {
  char *resolved = strdup(text);
  pthread_mutex_lock(&lock);
  for (size_t i = id_count; i > 0; i--) resolved = replace(resolved, ids[i - 1].name, ids[i - 1].id);
  pthread_mutex_unlock(&lock);
  return resolved;
}

void print_line(const char *name, const char *line) {
  char *hidden = strdup(line);
  for (size_t i = 0; i < id_count; i++) hidden = replace(hidden, ids[i].id, ids[i].name);
  printf("%s %s\n", name, hidden);
  free(hidden);
}
