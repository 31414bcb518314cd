/* A program that holds two libraries in Rust, each with a runtime of its own. */
#include "roamio.h"

uint32_t other_count(uint32_t last);

int main(void) {
  roam_config *config = roam_config_new();
  if (roam_config_set_url(config, ROAM_STR("ftp://nowhere")) != ROAM_E_INVALID_URL) return 1;
  if (roam_error_message(roam_config_last_error(config)).len == 0) return 2;
  roam_config_free(config);
  return other_count(100) == 192 ? 0 : 3;
}
