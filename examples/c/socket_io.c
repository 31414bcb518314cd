/* Plain Socket.IO in C, with a loop of its own: join a namespace, print what arrives, ask the server
 * something, leave. After `make lib`:
 *   cc examples/c/socket_io.c -o ask -Iinclude -Ltarget/release -lroamio -Wl,-rpath,$PWD/target/release
 *   ./ask http://localhost:3000/chat sum '[1, 2]' */
#include <stdio.h>

#include "roamio.h"

#include <poll.h>

/* What the callbacks need. They run inside roam_manager_dispatch, on the thread of main. */
typedef struct app {
  roam_socket *socket;
  bool is_over;
  int status;
} app;

static void print(const char *before, roam_str text, const char *after) {
  printf("%s%.*s%s", before, (int)text.len, text.data, after);
}

static void print_args(const roam_event *event) {
  for (size_t i = 0; i < event->arg_count; i++) print(" ", event->args[i], "");
  printf("\n");
}

static void on_connect(void *user_data, roam_str socket_sid, bool recovered) {
  app *own = user_data;
  (void)socket_sid, (void)recovered;
  print("joined ", roam_socket_nsp(own->socket), "\n");
}

static void on_connect_error(void *user_data, const roam_error *error, bool active) {
  (void)user_data;
  print("not joined: ", roam_error_message(error), active ? "; it goes on\n" : "\n");
}

static void on_event(void *user_data, const roam_event *event) {
  (void)user_data;
  print("", event->name, ":");
  print_args(event);
}

static void on_answer(void *user_data, const roam_error *error, const roam_event *reply) {
  app *own = user_data;
  if (error) {
    print("no answer: ", roam_error_message(error), "\n");
  } else {
    printf("answer:");
    print_args(reply);
  }
  own->status = error ? 1 : 0;
  own->is_over = true;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s URL EVENT JSON-ARRAY\n", argv[0]);
    return 2;
  }
  app own = {NULL, false, 1};
  roam_registry *registry = roam_registry_new();
  roam_config *config = roam_config_new();
  roam_config_set_dispatch(config, ROAM_DISPATCH_MANUAL);
  roam_socket_events events = {.struct_size = sizeof events,
                               .user_data = &own,
                               .on_connect = on_connect,
                               .on_connect_error = on_connect_error,
                               .on_event = on_event};
  roam_manager *manager = NULL;
  roam_status made = roam_registry_socket(registry, ROAM_STR(argv[1]), config, true, NULL, &events,
                                          &manager, &own.socket);
  if (made != ROAM_OK) print("", roam_error_message(roam_registry_last_error(registry)), "\n");
  roam_config_free(config);
  roam_registry_free(registry);
  if (made != ROAM_OK) return 2;

  roam_emit_options options = {.struct_size = sizeof options, .timeout_ms = 10000};
  roam_socket_connect(own.socket, (roam_str){NULL, 0});
  /* It waits for the namespace, and its time counts already. */
  roam_status asked = roam_socket_emit_with_ack(own.socket, ROAM_STR(argv[2]), ROAM_STR(argv[3]),
                                                &options, (roam_completion){&own, on_answer}, NULL);
  if (asked != ROAM_OK) {
    print("", roam_error_message(roam_socket_last_error(own.socket)), "\n");
    own.is_over = true;
  }

  /* A program with other descriptors has them all in here. */
  struct pollfd wake = {.events = POLLIN};
  if (roam_manager_wake_fd(manager, &wake.fd) != ROAM_OK) own.is_over = true;
  while (!own.is_over) {
    if (poll(&wake, 1, -1) > 0) roam_manager_dispatch(manager, 100, NULL);
  }
  roam_manager_free(manager);
  roam_socket_free_wait(own.socket, 1000);
  return own.status;
}
