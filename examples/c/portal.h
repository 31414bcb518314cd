/* The demo's remote control of the embedded portal: one HTTP request, one answer. */
#ifndef PORTAL_H
#define PORTAL_H

#include <stddef.h>

/* Send a request to the portal on this machine and read the body of the answer.
 * Gives the HTTP status, or -1 when the portal cannot be reached or the answer does not fit. */
int portal_call(int port, const char *method, const char *path, const char *body, char *answer,
                size_t size);

#endif
