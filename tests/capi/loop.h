/* A host's own loop: a thread that runs what is posted to it, one after another. */
#ifndef LOOP_H
#define LOOP_H

#include "common.h"

typedef struct loop_job {
  struct loop_job *next;
  void (*run)(void *job);
  void *job;
} loop_job;

typedef struct loop {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  loop_job *first, **last;
  pthread_t thread;
  int over;            /* takes nothing more */
  int posted, started; /* jobs so far */
  int most;            /* that waited at the same time */
  int refused, destroyed;
} loop;

static inline bool loop_post(void *user_data, void (*run)(void *job), void *job) {
  loop *own = user_data;
  pthread_mutex_lock(&own->lock);
  bool taken = !own->over;
  if (taken) {
    loop_job *entry = malloc(sizeof *entry);
    CHECK(entry != NULL && run != NULL && job != NULL);
    entry->next = NULL;
    entry->run = run;
    entry->job = job;
    *own->last = entry;
    own->last = &entry->next;
    own->posted++;
    if (own->posted - own->started > own->most) own->most = own->posted - own->started;
  } else {
    own->refused++;
  }
  pthread_cond_broadcast(&own->changed);
  pthread_mutex_unlock(&own->lock);
  return taken;
}

/* Run the next job if there is one. */
static inline int loop_step(loop *own) {
  pthread_mutex_lock(&own->lock);
  loop_job *entry = own->first;
  if (entry) {
    own->first = entry->next;
    if (!own->first) own->last = &own->first;
    own->started++;
  }
  pthread_mutex_unlock(&own->lock);
  if (!entry) return 0;
  entry->run(entry->job);
  free(entry);
  return 1;
}

static inline void *loop_run(void *argument) {
  loop *own = argument;
  for (;;) {
    while (loop_step(own)) {
    }
    pthread_mutex_lock(&own->lock);
    while (!own->first && !own->over) pthread_cond_wait(&own->changed, &own->lock);
    int over = own->over && !own->first;
    pthread_mutex_unlock(&own->lock);
    if (over) return NULL;
  }
}

static inline void loop_destroy(void *user_data) {
  loop *own = user_data;
  SEE(own, own->destroyed++);
}

/* A loop whose jobs the caller runs. */
static inline void loop_init(loop *own) {
  memset(own, 0, sizeof *own);
  pthread_mutex_init(&own->lock, NULL);
  pthread_cond_init(&own->changed, NULL);
  own->last = &own->first;
}

static inline void loop_start(loop *own) {
  loop_init(own);
  CHECK(pthread_create(&own->thread, NULL, loop_run, own) == 0);
}

/* Take nothing more, run what was taken, and end the thread. */
static inline void loop_stop(loop *own) {
  SEE(own, own->over = 1);
  CHECK(pthread_join(own->thread, NULL) == 0);
}

#endif
