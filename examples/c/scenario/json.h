/* As much JSON as a scenario needs: values are looked up in the text, and nothing is allocated. The
 * text is trusted to be JSON. */
#ifndef JSON_H
#define JSON_H

#include "roamio.h"

/* The value of a member of an object; of length 0 if there is none. */
roam_str json_member(roam_str object, const char *name);

/* The next element of an array, from *at on, which is 0 at first; of length 0 after the last. */
roam_str json_next(roam_str array, size_t *at);

/* What a string stands for, in `out`, which has `size` bytes: escapes of one sign only. Gives its
 * length, or 0 when the value is no string or does not fit. */
size_t json_text(roam_str value, char *out, size_t size);

#endif
