#include "json.h"

static size_t skip_blanks(roam_str text, size_t at) {
  while (at < text.len && strchr(" \n\r\t,:", text.data[at])) at++;
  return at;
}

static size_t skip_string(roam_str text, size_t at) {
  for (at++; at < text.len && text.data[at] != '"'; at++)
    if (text.data[at] == '\\') at++;
  return at + 1;
}

/* Where the value that begins at `at` ends. */
static size_t skip_value(roam_str text, size_t at) {
  int depth = 0;
  do {
    if (text.data[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (strchr("[{", text.data[at])) depth++;
    if (strchr("]}", text.data[at])) depth--;
    at++;
    /* A number or a word ends where something else begins. */
  } while (at < text.len && (depth > 0 || !strchr(" \n\r\t,:]}", text.data[at])));
  return at;
}

static roam_str next_value(roam_str text, size_t *at) {
  *at = skip_blanks(text, *at ? *at : 1);
  size_t start = *at;
  if (start >= text.len || strchr("]}", text.data[start])) return (roam_str){"", 0};
  *at = skip_value(text, start);
  return (roam_str){text.data + start, *at - start};
}

roam_str json_next(roam_str array, size_t *at) { return next_value(array, at); }

roam_str json_member(roam_str object, const char *name) {
  for (size_t at = 0;;) {
    roam_str key = next_value(object, &at), value = next_value(object, &at);
    if (value.len == 0) return value;
    if (key.len == strlen(name) + 2 && memcmp(key.data + 1, name, key.len - 2) == 0) return value;
  }
}

size_t json_text(roam_str value, char *out, size_t size) {
  size_t used = 0;
  if (value.len < 2 || value.data[0] != '"') return 0;
  for (size_t at = 1; at + 1 < value.len; at++) {
    if (used + 1 >= size) return 0;
    if (value.data[at] == '\\') at++;
    out[used++] = value.data[at];
  }
  out[used] = '\0';
  return used;
}
