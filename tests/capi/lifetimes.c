/* Objects come and go, and leave nothing: fault-matrix row M26. Arguments: rounds; 1 to measure memory. */
#define _GNU_SOURCE /* memmem */
#include "loop.h"

#include <dirent.h>
#include <unistd.h>

static roam_config *config_with_url(uint32_t dispatch) {
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR("http://127.0.0.1:9/")));
  EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  return config;
}

/* Counts the lines of a trace; `replies` becomes 1 with the last. */
static void take_line(void *user_data, roam_str line) {
  witness *seen = user_data;
  witness_callback(seen);
  CHECK(line.len > 2 && line.data[0] == '{' && line.data[line.len - 1] == '}');
  CHECK(!seen->replies);
  SEE(seen, (seen->events++, seen->replies = memmem(line.data, line.len, "\"what\":\"end\"", 12) != NULL));
}

/* A trace goes to the host's function until its object is gone, and a bad file is said at once. */
static void a_trace_ends_with_its_object(void) {
  witness traced, seen;
  witness_init(&traced);
  witness_init(&seen);
  roam_config *config = config_with_url(ROAM_DISPATCH_THREAD);
  roam_manager_events events = {.struct_size = sizeof events, .user_data = &seen,
                                .destroy = witness_destroy};
  roam_manager *manager = NULL;
  EXPECT(ROAM_OK, roam_config_set_trace_file(config, ROAM_STR("/nowhere/trace.jsonl")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_new(config, &events, &manager));
  CHECK(!manager && !seen.destroyed);
  EXPECT(ROAM_OK, roam_config_set_trace_file(config, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_config_set_trace(config, take_line, &traced, witness_destroy));
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  roam_config_free(config);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(traced.events > 2 && traced.replies);
  WAIT(&traced, traced.destroyed);
  witness_end(&traced);
  witness_end(&seen);
}

/* Entries of a folder of /proc. */
static int entries(const char *folder) {
  DIR *opened = opendir(folder);
  CHECK(opened);
  int count = 0;
  while (readdir(opened)) count++;
  closedir(opened);
  return count;
}

/* Resident memory in KiB. */
static long resident_kib(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long pages = 0;
  CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* M26: objects come and go without a connection, on all kinds of dispatch. */
static void many_come_and_go(int rounds, int measure) {
  int fds = 0;
  long kib = 0;
  loop executor;
  loop_start(&executor);
  roam_config *configs[] = {config_with_url(ROAM_DISPATCH_THREAD), config_with_url(ROAM_DISPATCH_MANUAL),
                            config_with_url(ROAM_DISPATCH_INLINE), config_with_url(ROAM_DISPATCH_THREAD)};
  EXPECT(ROAM_OK, roam_config_set_executor(configs[3], loop_post, &executor, loop_destroy));
  witness managed, told;
  for (int i = 0; i < rounds; i++) {
    witness_init(&managed);
    witness_init(&told);
    roam_manager_events events = {.struct_size = sizeof events, .user_data = &managed,
                                  .destroy = witness_destroy};
    roam_socket_events heard = {.struct_size = sizeof heard, .user_data = &told,
                                .destroy = witness_destroy};
    roam_manager *manager = NULL;
    roam_socket *socket = NULL;
    EXPECT(ROAM_OK, roam_manager_new(configs[i % 4], &events, &manager));
    EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &heard, &socket));
    EXPECT(ROAM_OK, roam_socket_emit_with_ack(socket, ROAM_STR("a"), ROAM_STR("[]"), NULL, witness_completion(&told), NULL));
    /* Now and then wait for the other side too, so that nothing piles up there. */
    if (i / 4 % 4 == 1) {
      EXPECT(ROAM_OK, roam_socket_free_wait(socket, LONG_MS));
      EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
    } else if (i & 4) {
      roam_socket_free(socket);
      roam_manager_free(manager);
    } else {
      roam_manager_free(manager);
      roam_socket_free(socket);
    }
    if (i % 4 == 1) CHECK(managed.destroyed && told.destroyed);
    WAIT(&managed, managed.destroyed);
    WAIT(&told, told.destroyed);
    CHECK(told.completions == 1 && told.closed == 1);
    witness_end(&managed);
    witness_end(&told);
    if (i == rounds / 5) {
      fds = entries("/proc/self/fd");
      kib = resident_kib();
    }
  }
  /* This one, the executor, at most four for callbacks, an I/O thread and one that is about to end;
   * "." and "..". */
  CHECK(entries("/proc/self/task") <= 8 + 2);
  CHECK(entries("/proc/self/fd") <= fds + 8);
  if (measure) CHECK(resident_kib() <= kib + 1024 + rounds * 64L / 1024);
  for (int i = 0; i < 4; i++) roam_config_free(configs[i]);
  WAIT(&executor, executor.destroyed == 1);
  loop_stop(&executor);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  a_trace_ends_with_its_object();
  many_come_and_go(atoi(argv[1]), atoi(argv[2]));
  return 0;
}
