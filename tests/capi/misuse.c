/* Wrong arguments and no network: fault-matrix rows M01, M02, M09, M10, M17, M18, M19. */
#include "loop.h"

#include <math.h>
#include <stdint.h>

static const roam_str URL = {"http://127.0.0.1:9/", 19};

static roam_config *config_with_url(uint32_t dispatch) {
  roam_config *config = roam_config_new();
  EXPECT(ROAM_OK, roam_config_set_url(config, URL));
  EXPECT(ROAM_OK, roam_config_set_dispatch(config, dispatch));
  return config;
}

static roam_manager_events manager_events(witness *seen) {
  roam_manager_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  return events;
}

static roam_socket_events socket_events(witness *seen) {
  roam_socket_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  return events;
}

static roam_conference_events conference_events(witness *seen) {
  roam_conference_events events;
  memset(&events, 0, sizeof events);
  events.struct_size = sizeof events;
  events.user_data = seen;
  events.destroy = witness_destroy;
  return events;
}

static void no_trace(void *user_data, roam_str line) {
  (void)user_data;
  CHECK(line.len > 0);
}

/* M01: every pointer of every function, one at a time. M02: free(NULL). */
static void null_is_refused(void) {
  witness seen;
  witness_init(&seen);
  roam_str text = ROAM_STR("x"), missing = {NULL, 3};
  roam_completion done = witness_completion(&seen), empty = {NULL, NULL};
  size_t count = 77;
  uint64_t request = 77;
  int fd = 77;
  roam_stats stats = {.struct_size = sizeof stats};

  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_url(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_path(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_add_header(NULL, text, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_add_trusted_pem(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_dangerously_accept_any_certificate(NULL, true));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_dispatch(NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_executor(NULL, loop_post, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_trace_file(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_trace(NULL, no_trace, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_reconnect(NULL, true));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_reconnect_delay_ms(NULL, 1, 2));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_reconnect_growth(NULL, 2, 0.5));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_reconnect_attempts(NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_reconnect_pace(NULL, 1, 1, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_timeout_ms(NULL, 0, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_limit(NULL, 0, 1));
  CHECK(roam_config_last_error(NULL) == NULL);
  roam_config_free(NULL);

  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_protocol(NULL, ROAM_PORTAL_1_2));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_sequence(NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_user_agent(NULL, text, text, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_allow_plaintext(NULL, true));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_add_header(NULL, text, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_add_trusted_pem(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_conference_config_dangerously_accept_any_certificate(NULL, true));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_dispatch(NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_executor(NULL, loop_post, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_trace_file(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_trace(NULL, no_trace, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_resume_delay_ms(NULL, 2, 2));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_patient_delay_ms(NULL, 2, 2));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_timeout_ms(NULL, 0, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_limit(NULL, 0, 1));
  CHECK(roam_conference_config_last_error(NULL) == NULL);
  roam_conference_config_free(NULL);

  roam_config *config = config_with_url(ROAM_DISPATCH_MANUAL);
  roam_conference_config *options = roam_conference_config_new();
  roam_manager_events managed = manager_events(&seen);
  roam_socket_events told = socket_events(&seen);
  roam_conference_events conferred = conference_events(&seen);
  roam_manager *const untouched = (roam_manager *)&seen;
  roam_manager *manager = untouched;
  roam_socket *socket = (roam_socket *)untouched;
  roam_conference *conference = (roam_conference *)untouched;

  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_executor(config, NULL, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_config_set_executor(options, NULL, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_trace(config, NULL, &seen, witness_destroy));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_config_set_trace_file(config, missing));
  CHECK(seen.destroyed == 0);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_new(NULL, &managed, &manager));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_new(config, NULL, &manager));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_new(config, &managed, NULL));
  CHECK(manager == untouched);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_network_available(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_network_lost(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_network_changed(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_suspended(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_resumed(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_dispatch(NULL, 1, &count));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_wake(NULL, witness_destroy, NULL, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_wake_fd(NULL, &fd));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_provide_target(NULL, 1, URL, NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_refuse_target(NULL, 1, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_headers(NULL, NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_reconnect(NULL, config));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_free_wait(NULL, 1));
  CHECK(!roam_manager_uses(NULL, ROAM_STR("/")));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_stats(NULL, &stats));
  CHECK(roam_manager_state(NULL) == ROAM_MANAGER_STATE_CLOSED);
  CHECK(roam_manager_last_error(NULL) == NULL);
  roam_manager_free(NULL);

  EXPECT(ROAM_OK, roam_manager_new(config, &managed, &manager));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_wake(manager, NULL, NULL, NULL));
  CHECK(roam_error_status(roam_manager_last_error(manager)) == ROAM_E_NULL_ARGUMENT);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_wake_fd(manager, NULL));
  EXPECT(ROAM_OK, roam_manager_dispatch(manager, 1, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_provide_target(manager, 1, missing, NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_provide_target(manager, 1, URL, NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_provide_target(manager, 1, URL, &(roam_header){text, missing}, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_refuse_target(manager, 1, missing));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_headers(manager, NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_headers(manager, &(roam_header){missing, text}, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_manager_set_reconnect(manager, NULL));
  CHECK(!roam_manager_uses(manager, missing));

  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_new(NULL, ROAM_STR("/"), NULL, &told, &socket));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_new(manager, missing, NULL, &told, &socket));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_new(manager, ROAM_STR("/"), NULL, NULL, &socket));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_new(manager, ROAM_STR("/"), NULL, &told, NULL));
  CHECK(socket == (roam_socket *)untouched);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_connect(NULL, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_provide_auth(NULL, 1, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_refuse_auth(NULL, 1, text));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_disconnect(NULL));
  CHECK(roam_socket_nsp(NULL).len == 0);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(NULL, text, text, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_socket_emit_with_ack(NULL, text, text, NULL, done, &request));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_cancel(NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_ack(NULL, 1, text, NULL, 0));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_dispatch(NULL, 1, &count));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_free_wait(NULL, 1));
  CHECK(roam_socket_state(NULL) == ROAM_SOCKET_STATE_CLOSED);
  CHECK(roam_socket_last_error(NULL) == NULL);
  roam_socket_free(NULL);

  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &told, &socket));
  roam_str array = ROAM_STR("[]");
  roam_bytes hole = {NULL, 4};
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_connect(socket, missing));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_provide_auth(socket, 1, missing));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_refuse_auth(socket, 1, missing));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(socket, missing, array, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(socket, text, array, OPTIONS(.offline = ROAM_OFFLINE_LATEST, .key = missing)));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(socket, text, missing, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(socket, text, array, ATTACHED(NULL, 1)));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_emit(socket, text, array, ATTACHED(&hole, 1)));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_socket_emit_with_ack(socket, text, array, NULL, empty, &request));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_socket_emit_with_ack(socket, text, missing, NULL, done, &request));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_socket_ack(socket, 1, missing, NULL, 0));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_ack(socket, 0, array, NULL, 0));

  roam_registry *registry = roam_registry_new();
  roam_socket *found = (roam_socket *)untouched;
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_registry_socket(NULL, URL, NULL, true, NULL, &told, NULL, &found));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_registry_socket(registry, missing, NULL, true, NULL, &told, NULL, &found));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_registry_socket(registry, URL, NULL, true, NULL, NULL, NULL, &found));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_registry_socket(registry, URL, NULL, true, NULL, &told, NULL, NULL));
  CHECK(found == (roam_socket *)untouched && roam_registry_last_error(NULL) == NULL);
  CHECK(roam_error_status(roam_registry_last_error(registry)) == ROAM_E_NULL_ARGUMENT);
  roam_registry_free(NULL);
  roam_registry_free(registry);

  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_new(NULL, &conferred, &conference));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_new(options, NULL, &conference));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_new(options, &conferred, NULL));
  CHECK(conference == (roam_conference *)untouched);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_login(NULL, text, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_logout(NULL, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_request(NULL, text, text, 0, done, &request));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_cancel(NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_network_available(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_network_lost(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_network_changed(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_suspended(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_resumed(NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_dispatch(NULL, 1, &count));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_set_wake(NULL, witness_destroy, NULL, NULL));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_wake_fd(NULL, &fd));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_free_wait(NULL, 1));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_stats(NULL, &stats));
  CHECK(roam_conference_state(NULL) == ROAM_CONFERENCE_STATE_ENDED);
  CHECK(roam_conference_last_error(NULL) == NULL);
  roam_conference_free(NULL);

  EXPECT(ROAM_OK, roam_conference_new(options, &conferred, &conference));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_login(conference, missing, done));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_login(conference, text, empty));
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_logout(conference, empty));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_conference_request(conference, text, missing, 0, done, &request));
  EXPECT(ROAM_E_NULL_ARGUMENT,
         roam_conference_request(conference, text, text, 0, empty, &request));

  CHECK(roam_error_status(NULL) == ROAM_OK && roam_error_message(NULL).len == 0);
  CHECK(roam_error_layer(NULL) == 0 && roam_error_retry(NULL) == 0);
  CHECK(roam_error_http_status(NULL) == 0 && roam_error_close_code(NULL) == 0);
  CHECK(roam_error_engine_code(NULL) == -1 && roam_error_certificate(NULL) == 0);
  CHECK(roam_error_retry_after_ms(NULL) == ROAM_UNKNOWN_MS);
  CHECK(roam_error_server_json(NULL).len == 0);

  CHECK(count == 77 && request == 77 && fd == 77 && seen.completions == 0 && seen.destroyed == 0);
  /* One witness for three objects: from here on their ends are not of interest. */
  managed.destroy = NULL;
  roam_socket_free(socket);
  seen.destroyed = 0;
  roam_manager_free(manager);
  seen.destroyed = 0;
  EXPECT(ROAM_OK, roam_conference_free_wait(conference, LONG_MS));
  roam_config_free(config);
  roam_conference_config_free(options);
  witness_end(&seen);
}

/* M09: text that is none, and lengths that lie. */
static void text_is_checked(void) {
  witness seen, heard;
  witness_init(&seen);
  witness_init(&heard);
  roam_config *config = config_with_url(ROAM_DISPATCH_MANUAL);
  roam_manager_events managed = manager_events(&seen);
  roam_socket_events told = socket_events(&heard);
  roam_manager *manager = NULL;
  roam_socket *socket = NULL;
  EXPECT(ROAM_OK, roam_manager_new(config, &managed, &manager));
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &told, &socket));

  static const char *const broken[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    roam_str text = ROAM_STR(broken[i]);
    EXPECT(ROAM_E_INVALID_UTF8, roam_config_set_url(config, text));
    EXPECT(ROAM_E_INVALID_UTF8, roam_socket_emit(socket, text, ROAM_STR("[]"), NULL));
    EXPECT(ROAM_E_INVALID_UTF8, roam_socket_emit(socket, ROAM_STR("a"), text, NULL));
    EXPECT(ROAM_E_INVALID_UTF8, roam_socket_connect(socket, text));
  }
  /* Nothing is read where the length cannot be true. */
  roam_str huge = {"[]", (size_t)1 << 30};
  roam_str endless = {"[]", SIZE_MAX};
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_emit(socket, ROAM_STR("a"), huge, NULL));
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_emit(socket, endless, ROAM_STR("[]"), NULL));
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_connect(socket, huge));
  EXPECT(ROAM_E_TOO_LARGE, roam_config_set_url(config, endless));
  roam_bytes large[2] = {{(const uint8_t *)"x", SIZE_MAX}, {(const uint8_t *)"x", 2}};
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("[]"), ATTACHED(large, 2)));
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("[]"), ATTACHED(large, SIZE_MAX)));

  /* The length counts, not a terminator: what follows it is not looked at. */
  roam_str part = {"[1,2]garbage", 5}, inner = {"[\"a\0b\"]", 7};
  EXPECT(ROAM_OK, roam_socket_emit(socket, ROAM_STR("a"), part, NULL));
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_emit(socket, ROAM_STR("a"), inner, NULL));
  roam_str nothing = {NULL, 0};
  EXPECT(ROAM_OK, roam_socket_connect(socket, nothing));
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_emit(socket, ROAM_STR("a"), nothing, NULL));

  /* JSON and names. */
  char deep[400];
  memset(deep, '[', 200);
  memset(deep + 200, ']', 200);
  roam_str nested = {deep, 400};
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_emit(socket, ROAM_STR("a"), nested, NULL));
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("{}"), NULL));
  EXPECT(ROAM_E_INVALID_JSON, roam_socket_connect(socket, ROAM_STR("[]")));
  EXPECT(ROAM_E_RESERVED_EVENT, roam_socket_emit(socket, ROAM_STR("connect"), ROAM_STR("[]"), NULL));
  roam_bytes byte = {(const uint8_t *)"x", 1}, eleven[11];
  for (int i = 0; i < 11; i++) eleven[i] = byte;
  EXPECT(ROAM_E_ATTACHMENTS, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("[{\"_placeholder\":true,\"num\":1}]"), ATTACHED(&byte, 1)));
  EXPECT(ROAM_E_TOO_LARGE, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("[]"), ATTACHED(eleven, 11)));
  roam_socket *second = NULL;
  EXPECT(ROAM_E_INVALID_STATE, roam_socket_new(manager, ROAM_STR("/"), NULL, &told, &second));
  static const char *const names[] = {"", "chat", "/a,b", "/a?b", "/a\nb"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_new(manager, ROAM_STR(names[i]), NULL, &told, &second));
  CHECK(second == NULL && heard.destroyed == 0);

  /* The error is found on the object, by the thread that made the call, until the next. */
  const roam_error *error = roam_manager_last_error(manager);
  CHECK(error && roam_error_status(error) == ROAM_E_INVALID_ARGUMENT);
  CHECK(roam_error_retry(error) == ROAM_RETRY_NEVER && roam_error_layer(error) == ROAM_LAYER_CALL);
  CHECK(strstr(roam_error_message(error).data, "namespace") != NULL);
  CHECK(roam_socket_last_error(socket) == NULL && roam_config_last_error(config) == NULL);

  /* M10: the host's memory may change as soon as a call has returned. */
  char *name = strdup("a"), *args = strdup("[{\"_placeholder\":true,\"num\":0}]");
  uint8_t *bytes = malloc(1000);
  memset(bytes, 7, 1000);
  roam_bytes attachment = {bytes, 1000};
  EXPECT(ROAM_OK, roam_socket_emit(socket, ROAM_STR(name), ROAM_STR(args), ATTACHED(&attachment, 1)));
  free(name);
  free(args);
  free(bytes);
  memset(&told, 0xff, sizeof told);
  memset(&managed, 0xff, sizeof managed);

  roam_manager_free(manager);
  CHECK(seen.destroyed == 1 && heard.destroyed == 0);
  roam_socket_free(socket);
  CHECK(heard.destroyed == 1);
  roam_config_free(config);
  witness_end(&seen);
  witness_end(&heard);
}

/* M17: numbers without a meaning, and sizes of other headers. */
static void numbers_are_checked(void) {
  witness seen;
  witness_init(&seen);
  roam_config *config = config_with_url(ROAM_DISPATCH_THREAD);
  roam_conference_config *options = roam_conference_config_new();
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_dispatch(config, ROAM_DISPATCH_EXECUTOR));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_dispatch(config, 4));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_dispatch(config, UINT32_MAX));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_timeout_ms(config, 99, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_LOGIN, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_limit(config, 99, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_config_set_protocol(options, 9));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_config_set_sequence(options, 3));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_config_set_timeout_ms(options, ROAM_TIMEOUT_ACK, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_log_set(5, NULL, NULL));
  CHECK(equals(roam_version(), ROAM_VERSION) && roam_abi_version() == ROAM_ABI_VERSION);
  CHECK(equals(roam_status_name(ROAM_E_ACK_LOST), "ACK_LOST"));
  CHECK(equals(roam_status_name(0), "OK") && equals(roam_status_name(98), "UNKNOWN"));

  roam_manager *manager = NULL;
  roam_manager_events events = manager_events(&seen);
  size_t wrong[] = {0, 1, sizeof(size_t), sizeof events - 1};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    events.struct_size = wrong[i];
    EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_new(config, &events, &manager));
  }
  CHECK(manager == NULL && seen.destroyed == 0);
  events.struct_size = sizeof events;
  EXPECT(ROAM_OK, roam_manager_new(config, &events, &manager));
  roam_socket *socket = NULL;
  roam_socket_events told = socket_events(NULL);
  told.destroy = NULL;
  roam_socket_options options_of_one = {.struct_size = sizeof options_of_one - 1};
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_new(manager, ROAM_STR("/"), &options_of_one, &told, &socket));
  static const roam_socket_options bad_options[] = {
      {.struct_size = sizeof *bad_options, .retry_window = 1},
      {.struct_size = sizeof *bad_options, .idempotency_key = true},
      {.struct_size = sizeof *bad_options, .retries = 1, .retry_window = 10001},
      {.struct_size = sizeof *bad_options, .ack_timeout_ms = UINT32_MAX},
      {.struct_size = sizeof *bad_options, .query = {"a b", 3}}};
  for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++)
    EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_new(manager, ROAM_STR("/"), &bad_options[i], &told, &socket));
  CHECK(socket == NULL && !roam_manager_uses(manager, ROAM_STR("/")));
  EXPECT(ROAM_OK, roam_socket_new(manager, ROAM_STR("/"), NULL, &told, &socket));
  static const roam_emit_options bad_emits[] = {
      {.struct_size = sizeof *bad_emits - 1},
      {.struct_size = sizeof *bad_emits, .offline = 4},
      {.struct_size = sizeof *bad_emits, .offline = ROAM_OFFLINE_LATEST},
      {.struct_size = sizeof *bad_emits, .offline = ROAM_OFFLINE_FAIL, .wait_ms = 1},
      {.struct_size = sizeof *bad_emits, .key = {"a", 1}},
      {.struct_size = sizeof *bad_emits, .timeout_ms = UINT32_MAX}};
  for (size_t i = 0; i < sizeof bad_emits / sizeof *bad_emits; i++)
    EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_emit(socket, ROAM_STR("a"), ROAM_STR("[]"), &bad_emits[i]));
  /* Answers to nothing are ignored, and so is the time after the end. */
  EXPECT(ROAM_OK, roam_manager_provide_target(manager, 1, URL, NULL, 0));
  EXPECT(ROAM_OK, roam_manager_refuse_target(manager, UINT64_MAX, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_provide_auth(socket, 1, ROAM_STR("")));
  EXPECT(ROAM_OK, roam_socket_refuse_auth(socket, UINT64_MAX, ROAM_STR("")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_refuse_target(manager, 0, ROAM_STR("")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_socket_refuse_auth(socket, 0, ROAM_STR("")));
  static const roam_header split = {{"X", 1}, {"a\r\nB: c", 7}};
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_manager_set_headers(manager, &split, 1));
  EXPECT(ROAM_E_TOO_LARGE, roam_manager_set_headers(manager, &split, SIZE_MAX));
  EXPECT(ROAM_OK, roam_manager_set_headers(manager, NULL, 0));
  EXPECT(ROAM_OK, roam_manager_set_reconnect(manager, config));
  roam_registry *registry = roam_registry_new();
  roam_socket *found = NULL;
  EXPECT(ROAM_E_INVALID_URL, roam_registry_socket(registry, ROAM_STR("ftp://h"), NULL, true, NULL, &told, NULL, &found));
  EXPECT(ROAM_E_INVALID_URL, roam_registry_socket(registry, ROAM_STR(""), NULL, false, NULL, &told, NULL, &found));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_registry_socket(registry, URL, NULL, true, &options_of_one, &told, NULL, &found));
  CHECK(found == NULL);
  roam_registry_free(registry);
  roam_socket_free(socket);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(seen.destroyed == 1);
  seen.destroyed = 0;
  /* A table of a newer header: the tail is ignored. M19: it may be gone at once. */
  struct {
    roam_manager_events known;
    void *tail[4];
  } *newer = malloc(sizeof *newer);
  memset(newer, 0xff, sizeof *newer);
  newer->known = manager_events(&seen);
  newer->known.struct_size = sizeof *newer;
  EXPECT(ROAM_OK, roam_manager_new(config, &newer->known, &manager));
  free(newer);
  EXPECT(ROAM_OK, roam_manager_free_wait(manager, LONG_MS));
  CHECK(seen.destroyed == 1);
  roam_config_free(config);
  roam_conference_config_free(options);
  witness_end(&seen);
}

/* M18: options out of range, URLs that cannot be used. */
static void options_are_checked(void) {
  roam_config *config = roam_config_new();
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_growth(config, NAN, 0.5));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_growth(config, INFINITY, 0.5));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_growth(config, 0.5, 0.5));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_growth(config, 2, -0.5));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_growth(config, 2, NAN));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_delay_ms(config, 0, 10));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_delay_ms(config, 20, 10));
  CHECK(strncmp(roam_error_message(roam_config_last_error(config)).data, "reconnect.min", 13) == 0);
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_delay_ms(config, 1, UINT32_MAX));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_pace(config, 5001, 0, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_pace(config, 0, UINT32_MAX, 1));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_reconnect_pace(config, 0, 0, 0));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_RACE, 0));
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_UPGRADE_AGAIN, 100));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_DNS, 0));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_DNS, UINT32_MAX));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_limit(config, ROAM_LIMIT_JSON_DEPTH, 129));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_limit(config, ROAM_LIMIT_HOST_QUEUE_EVENTS, 0));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_limit(config, ROAM_LIMIT_WIRE_QUEUE_BYTES, SIZE_MAX));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_path(config, ROAM_STR("a")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_set_path(config, ROAM_STR("/a b")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_add_header(config, ROAM_STR("X"), ROAM_STR("a\r\nB: c")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_add_header(config, ROAM_STR("X Y"), ROAM_STR("a")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_config_add_trusted_pem(config, ROAM_STR("no certificate")));
  EXPECT(ROAM_OK, roam_config_set_timeout_ms(config, ROAM_TIMEOUT_ACK, 0));

  static const char *const urls[] = {
      "",           "example.org",          "file:///etc/passwd", "ftp://example.org",
      "http://",    "http://user@host/",    "http://a b/",        "http://host:0",
      "http://[::1", "http://host:99999/",  "http://host/chat",   "https://host:443x"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    EXPECT(ROAM_E_INVALID_URL, roam_config_set_url(config, ROAM_STR(urls[i])));
  witness seen;
  witness_init(&seen);
  roam_manager_events events = manager_events(&seen);
  roam_manager *manager = NULL;
  EXPECT(ROAM_E_INVALID_URL, roam_manager_new(config, &events, &manager));
  CHECK(manager == NULL && seen.destroyed == 0);
  EXPECT(ROAM_OK, roam_config_set_url(config, ROAM_STR("wss://[::1]:8443/?a=1")));
  roam_config_free(config);

  roam_conference_config *options = roam_conference_config_new();
  EXPECT(ROAM_E_INVALID_ARGUMENT,
         roam_conference_config_set_user_agent(options, ROAM_STR("C++"), ROAM_STR("3.5"), ROAM_STR("")));
  EXPECT(ROAM_E_INVALID_ARGUMENT,
         roam_conference_config_set_user_agent(options, ROAM_STR("C++"), ROAM_STR("1"), ROAM_STR("[]")));
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_config_set_resume_delay_ms(options, 1, 100));
  EXPECT(ROAM_OK, roam_conference_config_set_resume_delay_ms(options, 2, 100));
  EXPECT(ROAM_E_INVALID_ARGUMENT,
         roam_conference_config_set_timeout_ms(options, ROAM_TIMEOUT_LOGIN, 0));
  roam_conference_config_free(options);
  witness_end(&seen);
}

/* Only a struct that says its size is written, and only as far as the library knows it. */
static void counters_are_checked(roam_conference *conference) {
  struct {
    roam_stats stats;
    uint64_t newer;
  } host;
  memset(&host, 0x77, sizeof host);
  EXPECT(ROAM_E_NULL_ARGUMENT, roam_conference_stats(conference, NULL));
  host.stats.struct_size = sizeof host.stats - 1;
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_stats(conference, &host.stats));
  host.stats.struct_size = 0;
  EXPECT(ROAM_E_INVALID_ARGUMENT, roam_conference_stats(conference, &host.stats));
  CHECK(host.stats.dials == 0x7777777777777777);
  host.stats.struct_size = sizeof host;
  EXPECT(ROAM_OK, roam_conference_stats(conference, &host.stats));
  CHECK(host.stats.struct_size == sizeof host && host.newer == 0x7777777777777777);
  CHECK(host.stats.dials == 0 && host.stats.bytes_in == 0 && host.stats.relogins == 0);
}

/* Calls in the wrong state, without a network. */
static void states_are_checked(void) {
  witness seen;
  witness_init(&seen);
  roam_conference_config *options = roam_conference_config_new();
  roam_conference_events events = conference_events(&seen);
  roam_conference *conference = NULL;
  EXPECT(ROAM_OK, roam_conference_new(options, &events, &conference));
  roam_completion done = witness_completion(&seen);
  CHECK(roam_conference_state(conference) == ROAM_CONFERENCE_STATE_IDLE);
  counters_are_checked(conference);
  EXPECT(ROAM_E_NOT_LOGGED_IN, roam_conference_request(conference, ROAM_STR("text"), ROAM_STR("{}"), 0, done, NULL));
  EXPECT(ROAM_E_NOT_LOGGED_IN, roam_conference_logout(conference, done));
  EXPECT(ROAM_E_INVALID_JSON, roam_conference_request(conference, ROAM_STR("text"), ROAM_STR("null"), 0, done, NULL));
  EXPECT(ROAM_E_INVALID_JSON, roam_conference_request(conference, ROAM_STR("text"), ROAM_STR("[]"), 0, done, NULL));
  static const char *const reserved[] = {"login", "relogin", "logout", "refreshReconnectionTicket", "disconnect"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    EXPECT(ROAM_E_RESERVED_EVENT, roam_conference_request(conference, ROAM_STR(reserved[i]), ROAM_STR("{}"), 0, done, NULL));
  EXPECT(ROAM_E_TOKEN_INVALID, roam_conference_login(conference, ROAM_STR("no token"), done));
  EXPECT(ROAM_E_TOKEN_INVALID, roam_conference_login(conference, ROAM_STR("e30="), done));
  /* {"tokenId":"1","host":"portal.example:80","secure":false,"signature":"s"}: plain text. */
  EXPECT(ROAM_E_TOKEN_INVALID,
         roam_conference_login(conference, ROAM_STR("eyJ0b2tlbklkIjoiMSIsImhvc3QiOiJwb3J0YWwuZXhhbXBsZTo4MCIsInNlY3VyZSI6ZmFsc2UsInNpZ25hdHVyZSI6InMifQ=="), done));
  EXPECT(ROAM_E_INVALID_STATE, roam_conference_dispatch(conference, 1, NULL));
  EXPECT(ROAM_E_INVALID_STATE, roam_conference_set_wake(conference, witness_destroy, NULL, witness_destroy));
  CHECK(seen.completions == 0);
  EXPECT(ROAM_OK, roam_conference_free_wait(conference, LONG_MS));
  CHECK(seen.destroyed == 1 && seen.completions == 0);
  roam_conference_config_free(options);
  witness_end(&seen);
}

static void no_line(void *user_data, uint32_t level, roam_str target, roam_str line) {
  (void)user_data;
  (void)level;
  CHECK(target.len > 0 && line.len > 0);
}

int main(void) {
  EXPECT(ROAM_OK, roam_log_set(ROAM_LOG_DEBUG, no_line, NULL));
  null_is_refused();
  text_is_checked();
  numbers_are_checked();
  options_are_checked();
  states_are_checked();
  EXPECT(ROAM_OK, roam_log_set(ROAM_LOG_OFF, NULL, NULL));
  return 0;
}
