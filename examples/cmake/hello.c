/* The smallest program: it says which library runs, and that nobody answers at a closed port. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "roamio.h"

static void on_connect_error(void *user, const roam_error *error, bool active) {
  roam_str name = roam_status_name(roam_error_status(error));
  (void)active;
  printf("roamio %.*s: %.*s\n", (int)roam_version().len, roam_version().data, (int)name.len,
         name.data);
  *(bool *)user = true;
}

int main(void) {
  roam_config *config = roam_config_new();
  roam_config_set_url(config, ROAM_STR("http://127.0.0.1:9"));
  roam_config_set_reconnect(config, false);
  /* Callbacks run in this thread, inside roam_manager_dispatch. */
  roam_config_set_dispatch(config, ROAM_DISPATCH_MANUAL);

  roam_manager_events managed;
  memset(&managed, 0, sizeof managed);
  managed.struct_size = sizeof managed;
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  bool answered = false;
  events.user_data = &answered;
  events.on_connect_error = on_connect_error;

  roam_manager *manager = NULL;
  roam_socket *socket = NULL;
  roam_status status = roam_manager_new(config, &managed, &manager);
  if (status == ROAM_OK) status = roam_socket_new(manager, ROAM_STR("/"), NULL, &events, &socket);
  if (status == ROAM_OK) status = roam_socket_connect(socket, ROAM_STR(""));
  roam_config_free(config);

  struct pollfd wake = {-1, POLLIN, 0};
  if (status == ROAM_OK) status = roam_manager_wake_fd(manager, &wake.fd);
  while (status == ROAM_OK && !answered && poll(&wake, 1, -1) > 0)
    status = roam_manager_dispatch(manager, 10, NULL);
  roam_socket_free(socket);
  roam_manager_free(manager);
  return status == ROAM_OK ? 0 : 1;
}
