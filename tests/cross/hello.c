/* A program for Windows: it says which library runs, and that nobody answers at a closed port. */
#include <stdio.h>
#include <windows.h>

#include "roamio.h"

/* It comes on a thread of the library. */
static void on_connect_error(void *user, const roam_error *error, bool active) {
  roam_str name = roam_status_name(roam_error_status(error));
  (void)active;
  printf("roamio %.*s: %.*s\n", (int)roam_version().len, roam_version().data, (int)name.len,
         name.data);
  SetEvent((HANDLE)user);
}

int main(void) {
  HANDLE answered = CreateEvent(NULL, TRUE, FALSE, NULL);
  roam_config *config = roam_config_new();
  roam_config_set_url(config, ROAM_STR("http://127.0.0.1:9"));
  roam_config_set_reconnect(config, false);
  roam_manager_events managed = {.struct_size = sizeof managed};
  roam_socket_events events = {
      .struct_size = sizeof events, .user_data = answered, .on_connect_error = on_connect_error};
  roam_manager *manager = NULL;
  roam_socket *socket = NULL;
  roam_status status = roam_manager_new(config, &managed, &manager);
  if (status == ROAM_OK) status = roam_socket_new(manager, ROAM_STR("/"), NULL, &events, &socket);
  if (status == ROAM_OK) status = roam_socket_connect(socket, ROAM_STR(""));
  roam_config_free(config);
  if (status == ROAM_OK) WaitForSingleObject(answered, INFINITE);
  roam_socket_free(socket);
  if (manager != NULL && roam_manager_free_wait(manager, 10000) != ROAM_OK) return 2;
  CloseHandle(answered);
  return status == ROAM_OK ? 0 : 1;
}
