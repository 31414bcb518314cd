/* Options of TLS, proxies and transports. Arguments: certificate and key, PEM; a PKCS#12 file and its
   password; and the port of a server whose certificate is of an issuer that nobody knows. */
#define _GNU_SOURCE
#include "common.h"

#include <sys/socket.h>

static roam_config *config;
static roam_conference_config *options;

/* The same call on options of both kinds. */
#define BOTH(expected, function, ...)                                                     \
  do {                                                                                    \
    EXPECT(expected, roam_config_##function(config, __VA_ARGS__));                        \
    EXPECT(expected, roam_conference_config_##function(options, __VA_ARGS__));            \
  } while (0)

#define NONE(function, ...)                                                               \
  do {                                                                                    \
    EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_##function(NULL, __VA_ARGS__));              \
    EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_##function(NULL, __VA_ARGS__));   \
  } while (0)

/* What it comes to when objects are made. */
static void make(roam_status expected) {
  witness one, other;
  witness_init(&one);
  witness_init(&other);
  roam_manager_events managed = {.struct_size = sizeof managed, .user_data = &one,
                                 .destroy = witness_destroy};
  roam_conference_events conferred = {.struct_size = sizeof conferred, .user_data = &other,
                                      .destroy = witness_destroy};
  roam_manager *manager = NULL;
  roam_conference *conference = NULL;
  EXPECT(expected, roam_manager_new(config, &managed, &manager));
  EXPECT(expected, roam_conference_new(options, &conferred, &conference));
  CHECK((manager != NULL) == (expected == ROAM_OK));
  CHECK((conference != NULL) == (expected == ROAM_OK));
  if (expected == ROAM_OK) {
    EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
    EXPECT(ROAM_OK, roam_conference_free_wait(conference, LONG_MS));
  }
  CHECK(one.destroyed == (expected == ROAM_OK) && other.destroyed == one.destroyed);
  witness_end(&one);
  witness_end(&other);
}

static void no_secret(const char *secret) {
  const roam_error *errors[] = {roam_config_last_error(config),
                                roam_conference_config_last_error(options)};
  for (int i = 0; i < 2; i++) {
    roam_str text = roam_error_message(errors[i]);
    CHECK(text.len == 0 || memmem(text.data, text.len, secret, strlen(secret)) == NULL);
  }
}

static void transports_are_checked(void) {
  static const uint32_t order[] = {ROAM_TRANSPORT_POLLING, ROAM_TRANSPORT_WEBSOCKET}, wrong[] = {2};
  roam_str text = ROAM_STR("x"), missing = {NULL, 3};
  NONE(set_transports, order, 2, ROAM_OPENING_RACE);
  NONE(set_revision, ROAM_REVISION_4);
  NONE(set_switch, ROAM_SWITCH_COOKIES, true);
  NONE(set_transport_query, ROAM_TRANSPORT_POLLING, text);
  NONE(add_transport_header, ROAM_TRANSPORT_POLLING, text, text);
  NONE(set_timestamps, ROAM_TIMESTAMPS_NEVER, text);
  NONE(add_protocol, text);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_parser(NULL, ROAM_PARSER_JSON));

  BOTH(ROAM_E_NULL_ARGUMENT, set_transports, NULL, 1, ROAM_OPENING_RACE);
  BOTH(ROAM_E_TOO_LARGE, set_transports, order, SIZE_MAX, ROAM_OPENING_RACE);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_transports, wrong, 1, ROAM_OPENING_RACE);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_transports, order, 2, 3);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_revision, 2);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_switch, 99, true);
  BOTH(ROAM_E_NULL_ARGUMENT, set_transport_query, ROAM_TRANSPORT_WEBSOCKET, missing);
  BOTH(ROAM_E_INVALID_URL, set_transport_query, ROAM_TRANSPORT_WEBSOCKET, ROAM_STR("sid=1"));
  BOTH(ROAM_E_INVALID_ARGUMENT, set_transport_query, 2, text);
  BOTH(ROAM_E_NULL_ARGUMENT, add_transport_header, ROAM_TRANSPORT_POLLING, text, missing);
  BOTH(ROAM_E_INVALID_ARGUMENT, add_transport_header, ROAM_TRANSPORT_POLLING, ROAM_STR("a b"), text);
  BOTH(ROAM_E_INVALID_ARGUMENT, add_transport_header, 2, text, text);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_timestamps, 3, text);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_timestamps, ROAM_TIMESTAMPS_ALWAYS, ROAM_STR("EIO"));
  BOTH(ROAM_E_INVALID_ARGUMENT, add_protocol, ROAM_STR("a b"));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_parser(config, 2));
  EXPECT(ROAM_E_INVALID_ARGUMENT,
         roam_conference_config_set_switch(options, ROAM_SWITCH_RECOVER_AFTER_DISCONNECT, true));
  make(ROAM_OK); /* What was refused has changed nothing. */

  BOTH(ROAM_OK, set_transports, order, 2, ROAM_OPENING_IN_TURN);
  BOTH(ROAM_OK, set_revision, ROAM_REVISION_AUTO);
  BOTH(ROAM_OK, set_switch, ROAM_SWITCH_REMEMBER_UPGRADE, true);
  BOTH(ROAM_OK, set_transport_query, ROAM_TRANSPORT_POLLING, ROAM_STR("a=1&b"));
  BOTH(ROAM_OK, add_transport_header, ROAM_TRANSPORT_WEBSOCKET, ROAM_STR("X-A"), text);
  BOTH(ROAM_OK, set_timeout_ms, ROAM_TIMEOUT_RACE, 100);
  BOTH(ROAM_OK, set_timeout_ms, ROAM_TIMEOUT_UPGRADE_AGAIN, 100);
  EXPECT(ROAM_OK, roam_config_set_switch(config, ROAM_SWITCH_RECOVER_AFTER_DISCONNECT, true));
  BOTH(ROAM_OK, set_timestamps, ROAM_TIMESTAMPS_ALWAYS, ROAM_STR("now"));
  BOTH(ROAM_OK, add_protocol, ROAM_STR("chat"));
  EXPECT(ROAM_OK, roam_config_set_parser(config, ROAM_PARSER_MSGPACK));
  make(ROAM_OK);
}

/* Refuses every socket. */
static bool refuse(void *user_data, ptrdiff_t descriptor, uint32_t purpose) {
  witness *seen = user_data;
  int type = 0;
  socklen_t size = sizeof type;
  CHECK(getsockopt((int)descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0);
  CHECK(type == SOCK_STREAM && purpose == ROAM_SOCKET_PURPOSE_SERVER);
  SEE(seen, seen->events++);
  return false;
}

/* Connect, which fails, until `other` of the events' witness is as expected. Takes the config. */
static void connect_until(uint32_t expected, roam_config *own, roam_manager_events events) {
  witness *seen = events.user_data;
  roam_socket_events quiet = {.struct_size = sizeof quiet};
  roam_manager *manager = NULL;
  roam_socket *socket = NULL;
  EXPECT(ROAM_OK, roam_manager_new(own, &events, &manager));
  roam_config_free(own);
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &quiet, &socket));
  EXPECT(ROAM_OK, roam_socket_connect(socket, ROAM_STR("")));
  WAIT(seen, seen->other == expected);
  EXPECT(ROAM_OK, roam_socket_free_wait(socket, LONG_MS));
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
}

static void on_retry(void *user_data, const roam_retry *retry) {
  witness *seen = user_data;
  SEE(seen, seen->other = roam_error_status(retry->error));
}

static void sockets_are_shown_and_can_be_refused(void) {
  witness hook, managed;
  witness_init(&hook);
  witness_init(&managed);
  NONE(set_socket_hook, refuse, &hook, witness_destroy);
  BOTH(ROAM_E_NULL_ARGUMENT, set_socket_hook, NULL, &hook, witness_destroy);
  CHECK(hook.destroyed == 0);
  roam_config *own = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(own, ROAM_STR("http://127.0.0.1:9")));
  EXPECT(ROAM_OK, roam_config_set_socket_hook(own, refuse, &hook, witness_destroy));
  roam_manager_events events = {.struct_size = sizeof events, .user_data = &managed,
                                .on_retry = on_retry, .destroy = witness_destroy};
  connect_until(ROAM_E_CONNECT, own, events);
  CHECK(hook.events > 0);
  WAIT(&hook, hook.destroyed == 1);
  witness_end(&hook);
  witness_end(&managed);
}

static void on_distrust(void *user_data, const roam_retry *retry) {
  witness *seen = user_data;
  uint32_t problem = roam_error_certificate(retry->error);
  /* An attempt may also have taken too long. */
  CHECK(problem == 0 || roam_error_status(retry->error) == ROAM_E_TLS_CERTIFICATE);
  if (problem != 0) SEE(seen, seen->other = problem);
}

static void a_refused_certificate_is_told_with_its_problem(const char *port) {
  witness managed;
  witness_init(&managed);
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%s/", port);
  roam_config *own = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(own, ROAM_STR(url)));
  roam_manager_events events = {.struct_size = sizeof events, .user_data = &managed,
                                .on_retry = on_distrust, .destroy = witness_destroy};
  connect_until(ROAM_CERTIFICATE_UNKNOWN_ISSUER, own, events);
  witness_end(&managed);
}

int main(int count, char **args) {
  CHECK(count == 5 || count == 6);
  roam_str certificate = ROAM_STR(args[1]), key = ROAM_STR(args[2]), password = ROAM_STR(args[4]);
  static uint8_t file[1 << 16];
  FILE *stream = fopen(args[3], "rb");
  CHECK(stream != NULL);
  roam_bytes archive = {file, fread(file, 1, sizeof file, stream)};
  fclose(stream);
  roam_str text = ROAM_STR("x"), empty = ROAM_STR(""), missing = {NULL, 3};
  roam_bytes none = {NULL, 3};

  NONE(set_proxy, text);
  NONE(set_local_address, text);
  NONE(set_client_certificate_pem, certificate, key);
  NONE(set_client_certificate_pkcs12, archive, password);
  NONE(add_spki_pin, text);
  NONE(set_server_name, text);
  NONE(set_min_tls_version, ROAM_TLS_1_3);

  config = roam_config_new();
  options = roam_conference_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR("https://127.0.0.1:9/")));
  transports_are_checked();
  sockets_are_shown_and_can_be_refused();
  if (count == 6) a_refused_certificate_is_told_with_its_problem(args[5]);
  BOTH(ROAM_E_NULL_ARGUMENT, set_proxy, missing);
  BOTH(ROAM_E_NULL_ARGUMENT, set_client_certificate_pem, missing, key);
  BOTH(ROAM_E_NULL_ARGUMENT, set_client_certificate_pem, certificate, missing);
  BOTH(ROAM_E_NULL_ARGUMENT, set_client_certificate_pkcs12, none, password);
  BOTH(ROAM_E_NULL_ARGUMENT, set_client_certificate_pkcs12, archive, missing);
  BOTH(ROAM_E_NULL_ARGUMENT, add_spki_pin, missing);
  BOTH(ROAM_E_NULL_ARGUMENT, set_server_name, missing);

  BOTH(ROAM_E_INVALID_ARGUMENT, set_local_address, ROAM_STR("localhost"));
  BOTH(ROAM_OK, set_local_address, ROAM_STR("::1"));
  BOTH(ROAM_OK, set_local_address, ROAM_STR(""));
  BOTH(ROAM_E_INVALID_URL, set_proxy, ROAM_STR("ftp://user:hunter2@proxy.test"));
  no_secret("hunter2");
  BOTH(ROAM_E_INVALID_ARGUMENT, set_proxy, ROAM_STR("socks5://hunter2@proxy.test"));
  no_secret("hunter2");
  BOTH(ROAM_E_INVALID_ARGUMENT, add_spki_pin, ROAM_STR("sha256/AAAA"));
  BOTH(ROAM_E_INVALID_ARGUMENT, set_server_name, ROAM_STR("a b"));
  BOTH(ROAM_E_INVALID_ARGUMENT, set_min_tls_version, 11);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_client_certificate_pem, key, certificate);
  BOTH(ROAM_E_INVALID_ARGUMENT, set_client_certificate_pkcs12, archive,
       ((roam_str){"hunter\0002", 8}));
  no_secret("hunter");
  make(ROAM_OK); /* What was refused has changed nothing. */

  BOTH(ROAM_OK, set_proxy, ROAM_STR("socks5://user:hunter2@[::1]"));
  BOTH(ROAM_OK, set_proxy, ROAM_STR("http://proxy.test:3128"));
  BOTH(ROAM_OK, add_spki_pin, ROAM_STR("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
  BOTH(ROAM_OK, set_server_name, ROAM_STR("portal.test"));
  BOTH(ROAM_OK, set_server_name, empty);
  BOTH(ROAM_OK, set_min_tls_version, ROAM_TLS_1_3);
  BOTH(ROAM_OK, set_client_certificate_pem, certificate, key);
  make(ROAM_OK);
  BOTH(ROAM_OK, set_proxy, empty);
  BOTH(ROAM_OK, set_client_certificate_pkcs12, archive, password);
  make(ROAM_OK);
  BOTH(ROAM_OK, set_client_certificate_pkcs12, archive, ROAM_STR("hunter3"));
  make(ROAM_E_INVALID_ARGUMENT);
  no_secret("hunter3");
  BOTH(ROAM_OK, set_client_certificate_pkcs12, ((roam_bytes){NULL, 0}), empty);
  make(ROAM_E_INVALID_ARGUMENT);

  roam_config_free(config);
  roam_conference_config_free(options);
  return 0;
}
