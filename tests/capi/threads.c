/* The system gives no thread for a while: nothing is lost, and it goes on when there are threads
 * again. This program takes the place of pthread_create. */
#define _GNU_SOURCE
#include "common.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int refusing, refused;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  if (atomic_load(&refusing)) {
    atomic_fetch_add(&refused, 1);
    return EAGAIN;
  }
  return real(thread, attributes, run, argument);
}

/* Let this many more starts of threads fail, then give threads again. */
static void refuse(int count) {
  int before = atomic_load(&refused);
  while (atomic_load(&refused) < before + count) usleep(1000);
  atomic_store(&refusing, 0);
}

static void on_state(void *user_data, const roam_transition *step) {
  witness *seen = user_data;
  witness_callback(seen);
  SEE(seen, (seen->states++, seen->state = step->state));
}

static void on_retry(void *user_data, const roam_retry *retry) {
  witness *seen = user_data;
  witness_callback(seen);
  SEE(seen, (seen->events++, seen->other = seen->other ? seen->other : roam_error_status(retry->error)));
}

static roam_manager *make_manager(const char *url, witness *seen) {
  witness_init(seen);
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR(url)));
  EXPECT(ROAM_OK, roam_config_set_reconnect_delay_ms(config, 100, 100));
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_TLS, 100));
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  events.on_state = on_state;
  events.on_retry = on_retry;
  roam_manager *manager = NULL;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  roam_config_free(config);
  return manager;
}

/* The end needs a thread too. Nothing of the library has run callbacks before. */
static void destroy_waits_for_a_thread(void) {
  witness seen;
  roam_manager *manager = make_manager("http://127.0.0.1:9/", &seen);
  atomic_store(&refusing, 1);
  roam_manager_free(manager);
  CHECK(seen.destroyed == 0);
  refuse(3);
  WAIT(&seen, seen.destroyed == 1);
  CHECK(seen.states == 0);
  witness_end(&seen);
}

/* Events, outcomes and the TLS configuration of a dial: the first attempts fail, later ones do not.
 * The server takes connections and says nothing. */
static void a_dial_without_a_thread_is_tried_again(void) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 64) == 0);
  CHECK(getsockname(server, (struct sockaddr *)&address, &length) == 0);
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d", ntohs(address.sin_port));

  witness seen, told;
  roam_manager *manager = make_manager(url, &seen);
  witness_init(&told);
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  roam_socket *socket = NULL;
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &events, &socket));
  atomic_store(&refusing, 1);
  EXPECT(ROAM_OK, roam_socket_emit_with_ack(socket, ROAM_STR("a"), ROAM_STR("[]"), OPTIONS(.timeout_ms = 50), witness_completion(&told), NULL));
  EXPECT(ROAM_OK, roam_socket_connect(socket, ROAM_STR("")));
  refuse(8);
  WAIT(&told, told.completions == 1);
  CHECK(told.other == ROAM_E_NOT_SENT);
  WAIT(&seen, seen.events >= 3);
  CHECK(seen.other == ROAM_E_TLS_HANDSHAKE && seen.state == ROAM_MANAGER_STATE_CONNECTING);
  EXPECT(ROAM_OK, roam_socket_free_wait(socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  witness_end(&seen);
  witness_end(&told);
  close(server);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  /* Each in a process of its own: a dispatch thread stays for a while. */
  if (strcmp(argv[1], "end") == 0) {
    destroy_waits_for_a_thread();
  } else {
    a_dial_without_a_thread_is_tried_again();
  }
  return 0;
}
