/* Callbacks on the host's own loop and on the I/O thread. Fault-matrix rows M04, M05, M19. */
#include "loop.h"

#include <dirent.h>
#include <unistd.h>

static char url[64];

typedef struct heard {
  witness seen; /* the first member: what destroy is given */
  roam_manager *manager, *other;
  roam_socket *socket;
  pthread_t on;
  int elsewhere; /* callbacks on another thread than the first one */
  void (*on_connect)(struct heard *heard);
} heard;

static void on_connect(void *user_data, roam_str socket_sid, bool recovered) {
  heard *own = user_data;
  CHECK(socket_sid.len > 0 && !recovered);
  witness_callback(&own->seen);
  SEE(&own->seen, (own->on = pthread_self(), own->seen.connects++));
  if (own->on_connect) own->on_connect(own);
}

static void on_event(void *user_data, const roam_event *event) {
  heard *own = user_data;
  char number[16];
  witness_callback(&own->seen);
  snprintf(number, sizeof number, "%d", own->seen.events);
  CHECK(equals(event->name, "drop") && equals(event->args[0], number));
  SEE(&own->seen, (own->elsewhere += !pthread_equal(own->on, pthread_self()), own->seen.events++));
}

static roam_config *make_config(uint32_t dispatch, loop *executor) {
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
  if (executor) {
    EXPECT(ROAM_OK, roam_config_set_executor(config, loop_post, executor, loop_destroy));
  } else {
    EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  }
  return config;
}

static roam_manager *make_manager(roam_config *config, witness *seen) {
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  roam_manager *manager = NULL;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  return manager;
}

static void open_socket(heard *own) {
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = own;
  events.destroy = witness_destroy;
  events.on_connect = on_connect;
  events.on_event = on_event;
  EXPECT(ROAM_OK, roam_socket_new(own->manager, ROAM_STR("/"), NULL, &events, &own->socket));
}

static void start(heard *own, witness *managed, uint32_t dispatch, loop *executor) {
  memset(own, 0, sizeof *own);
  witness_init(&own->seen);
  witness_init(managed);
  roam_config *config = make_config(dispatch, executor);
  own->manager = make_manager(config, managed);
  roam_config_free(config);
  open_socket(own);
}

static void ask_in_vain(heard *own) {
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(own->socket, ROAM_STR("silent"), ROAM_STR("[]"), NULL, witness_completion(&own->seen), NULL));
}

static void connect_and_burst(heard *own) {
  EXPECT(ROAM_OK, roam_socket_connect(own->socket, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_emit(own->socket, ROAM_STR("burst"), ROAM_STR("[]"), NULL));
}

static void end(heard *own, witness *managed) {
  CHECK(own->seen.destroyed == 1 && managed->destroyed == 1);
  witness_end(&own->seen);
  witness_end(managed);
}

static void free_both(heard *own) {
  EXPECT(ROAM_OK, roam_socket_free_wait(own->socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(own->manager, LONG_MS));
}

/* ---- Executor ------------------------------------------------------------------------------ */

static void the_loop_runs_everything_in_order(void) {
  loop executor;
  witness managed;
  heard own;
  loop_start(&executor);
  start(&own, &managed, 0, &executor);
  connect_and_burst(&own);
  WAIT(&own.seen, own.seen.events == 100);
  CHECK(pthread_equal(own.on, executor.thread) && own.elsewhere == 0);
  CHECK(executor.posted >= 4 && executor.most == 1);
  ask_in_vain(&own);
  roam_socket_free(own.socket);
  roam_manager_free(own.manager);
  WAIT(&own.seen, own.seen.destroyed == 1);
  WAIT(&managed, managed.destroyed == 1);
  CHECK(own.seen.closed == 1);
  CHECK(pthread_equal(own.seen.destroyed_on, executor.thread));
  CHECK(pthread_equal(managed.destroyed_on, executor.thread));
  WAIT(&executor, executor.destroyed == 1);
  loop_stop(&executor);
  end(&own, &managed);
}

/* A job of the host's own: it waits where the library's next job would run. */
static void free_both_here(void *job) {
  heard *own = job;
  free_both(own);
  CHECK(pthread_equal(own->seen.destroyed_on, pthread_self()));
  SEE(&own->seen, own->seen.notifications = 1);
}

static void a_free_wait_on_the_loop_does_not_wait_for_the_loop(void) {
  loop executor;
  witness managed;
  heard own;
  loop_start(&executor);
  start(&own, &managed, 0, &executor);
  connect_and_burst(&own);
  ask_in_vain(&own);
  WAIT(&own.seen, own.seen.events > 0);
  CHECK(loop_post(&executor, free_both_here, &own));
  WAIT(&own.seen, own.seen.notifications == 1);
  CHECK(own.seen.closed == 1);
  WAIT(&executor, executor.destroyed == 1);
  loop_stop(&executor);
  end(&own, &managed);
}

static void a_free_wait_does_not_need_the_loop(void) {
  loop executor;
  witness managed;
  heard own;
  loop_init(&executor);
  start(&own, &managed, 0, &executor);
  connect_and_burst(&own);
  ask_in_vain(&own);
  WAIT(&executor, executor.posted == 1);
  CHECK(own.seen.connects == 0);
  free_both(&own);
  CHECK(own.seen.closed == 1 && pthread_equal(own.seen.destroyed_on, pthread_self()));
  /* The jobs are late, and harmless. */
  CHECK(executor.destroyed == 0 && own.seen.events == 0);
  while (loop_step(&executor)) {
  }
  WAIT(&executor, executor.destroyed == 1);
  end(&own, &managed);
}

static void a_loop_that_ends_is_replaced(void) {
  loop executor;
  witness managed;
  heard own;
  loop_start(&executor);
  start(&own, &managed, 0, &executor);
  EXPECT(ROAM_OK, roam_socket_connect(own.socket, ROAM_STR("")));
  WAIT(&own.seen, own.seen.connects == 1);
  loop_stop(&executor);
  EXPECT(ROAM_OK, roam_socket_emit(own.socket, ROAM_STR("burst"), ROAM_STR("[]"), NULL));
  WAIT(&own.seen, own.seen.events == 100);
  CHECK(executor.refused == 1 && executor.posted == executor.started);
  free_both(&own);
  WAIT(&executor, executor.destroyed == 1);
  end(&own, &managed);
}

static void executors_are_owned(void) {
  loop one, two;
  loop_init(&one);
  loop_init(&two);
  roam_config *config = make_config(0, &one);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_executor(config, NULL, &two, loop_destroy));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_dispatch(config, ROAM_DISPATCH_EXECUTOR));
  CHECK(one.destroyed == 0 && two.destroyed == 0);
  EXPECT(ROAM_OK, roam_config_set_executor(config, loop_post, &two, NULL));
  CHECK(one.destroyed == 1);
  roam_config_free(config);
  CHECK(two.destroyed == 0);

  roam_conference_config *options = roam_conference_config_new();
  EXPECT(ROAM_OK, roam_conference_config_set_executor(options, loop_post, &two, loop_destroy));
  witness seen;
  witness_init(&seen);
  roam_conference_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = &seen;
  events.destroy = witness_destroy;
  roam_conference *conference = NULL;
  EXPECT(ROAM_OK, roam_conference_new(options, &events, &conference));
  EXPECT(ROAM_E_INVALID_STATE, roam_conference_dispatch(conference, 1, NULL));
  EXPECT(ROAM_OK, roam_conference_config_set_dispatch(options, ROAM_DISPATCH_INLINE));
  roam_conference_config_free(options);
  roam_conference_free(conference);
  CHECK(seen.destroyed == 0 && two.destroyed == 0);
  WAIT(&two, two.posted > 0);
  while (loop_step(&two)) {
  }
  CHECK(seen.destroyed == 1);
  /* The I/O thread may still be at the end, and may post that. */
  while (two.destroyed == 0) {
    WAIT(&two, two.first != NULL || two.destroyed == 1);
    loop_step(&two);
  }
  witness_end(&seen);
}

/* ---- Inline -------------------------------------------------------------------------------- */

static int io_threads(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  for (struct dirent *entry; (entry = readdir(folder));) {
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fgets(name, sizeof name, file)) count += strcmp(name, "roamio-io\n") == 0;
    fclose(file);
  }
  closedir(folder);
  return count;
}

static void wait_for_no_manager(heard *own) {
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(own->other, LONG_MS));
  EXPECT(ROAM_E_WOULD_DEADLOCK, roam_manager_free_wait(own->manager, LONG_MS));
}

static void one_thread_runs_everything_in_order(void) {
  witness managed, more, third;
  heard one, two;
  start(&one, &managed, ROAM_DISPATCH_INLINE, NULL);
  start(&two, &more, ROAM_DISPATCH_INLINE, NULL);
  witness_init(&third);
  roam_config *config = make_config(ROAM_DISPATCH_THREAD, NULL);
  one.other = make_manager(config, &third);
  roam_config_free(config);
  one.on_connect = wait_for_no_manager;
  connect_and_burst(&one);
  connect_and_burst(&two);
  WAIT(&one.seen, one.seen.events == 100);
  WAIT(&two.seen, two.seen.events == 100);
  CHECK(one.elsewhere == 0 && two.elsewhere == 0 && pthread_equal(one.on, two.on));
  CHECK(!pthread_equal(one.on, pthread_self()));
  pthread_t io = one.on;
  EXPECT(ROAM_OK, roam_manager_free_wait(one.other, LONG_MS));
  /* A close on this thread ends there. */
  ask_in_vain(&one);
  free_both(&one);
  free_both(&two);
  CHECK(one.seen.closed == 1 && third.destroyed == 1);
  CHECK(pthread_equal(one.seen.destroyed_on, io) && pthread_equal(more.destroyed_on, io));
  end(&one, &managed);
  end(&two, &more);
  witness_end(&third);
}

static void free_everything(heard *own) {
  roam_manager_free(own->manager);
  roam_socket_free(own->socket);
  SEE(&own->seen, own->seen.freed_inside = 1);
}

/* The thread ends itself; the next manager gets another one. */
static void the_last_one_may_be_freed_on_the_thread_that_it_ends(void) {
  for (int round = 0; round < 3; round++) {
    witness managed;
    heard own;
    start(&own, &managed, ROAM_DISPATCH_INLINE, NULL);
    own.on_connect = free_everything;
    ask_in_vain(&own);
    connect_and_burst(&own);
    WAIT(&own.seen, own.seen.destroyed == 1);
    WAIT(&managed, managed.destroyed == 1);
    CHECK(own.seen.events == 0 && own.seen.closed == 1);
    CHECK(pthread_equal(own.seen.destroyed_on, own.on));
    for (int tries = 0; io_threads() > 0; tries++) {
      CHECK(tries < LONG_MS);
      usleep(1000);
    }
    end(&own, &managed);
  }
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  snprintf(url, sizeof url, "http://127.0.0.1:%s", argv[1]);
  int rounds = atoi(argv[2]);
  for (int round = 0; round < rounds; round++) {
    the_loop_runs_everything_in_order();
    a_free_wait_on_the_loop_does_not_wait_for_the_loop();
    a_free_wait_does_not_need_the_loop();
    a_loop_that_ends_is_replaced();
    executors_are_owned();
    one_thread_runs_everything_in_order();
    the_last_one_may_be_freed_on_the_thread_that_it_ends();
  }
  return 0;
}
