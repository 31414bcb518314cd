/* A program that has functions of OpenSSL's names, which nobody may call. It logs in with a token and,
 * if there is a second argument, a trust anchor in PEM. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roamio.h"

void *SSL_CTX_new(const void *method);
void *SSL_new(void *context);

void *SSL_CTX_new(const void *method) {
  (void)method;
  abort();
}

void *SSL_new(void *context) {
  (void)context;
  abort();
}

static void end(void *user, const roam_error *error) {
  roam_str text = roam_error_message(error);
  printf("%.*s\n", (int)text.len, text.data);
  *(bool *)user = true;
}

static void on_retry(void *user, const roam_retry *retry) { end(user, retry->error); }

static void on_login(void *user, const roam_error *error, const roam_event *room) {
  (void)room;
  if (error) {
    end(user, error);
    return;
  }
  puts("logged in");
  *(bool *)user = true;
}

static roam_str argument(const char *text) { return (roam_str){text, strlen(text)}; }

int main(int argc, char **argv) {
  bool ended = false;
  roam_conference_events events = {
      .struct_size = sizeof events, .user_data = &ended, .on_retry = on_retry};
  roam_conference_config *config = roam_conference_config_new();
  roam_conference_config_set_dispatch(config, ROAM_DISPATCH_MANUAL);
  roam_status status = ROAM_OK;
  if (argc > 2) status = roam_conference_config_add_trusted_pem(config, argument(argv[2]));

  roam_conference *conference = NULL;
  if (status == ROAM_OK) status = roam_conference_new(config, &events, &conference);
  roam_conference_config_free(config);
  roam_completion completion = {&ended, on_login};
  if (status == ROAM_OK)
    status = roam_conference_login(conference, argument(argv[1]), completion);
  struct pollfd wake = {-1, POLLIN, 0};
  if (status == ROAM_OK) status = roam_conference_wake_fd(conference, &wake.fd);
  while (status == ROAM_OK && !ended && poll(&wake, 1, -1) > 0)
    status = roam_conference_dispatch(conference, 10, NULL);
  roam_conference_free(conference);
  return status == ROAM_OK ? 0 : 1;
}
