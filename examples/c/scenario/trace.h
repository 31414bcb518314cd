/* What was told, and waiting for it. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "roamio.h"

enum { LIMIT_SECONDS = 20, MAX_LINES = 256 };

/* The lines of one object, or those of all outcomes. */
struct log {
  char *lines[MAX_LINES];
  size_t count;
};

/* Print what is wrong and end the program. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line, in printf's manner. */
char *line_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Add a line, and take it. */
void tell(struct log *log, char *line);

/* Wait for a line of index `from` or later that begins with these words, and give its index. */
size_t await_line(struct log *log, size_t from, const char *words);

/* Wait until a callback has set the flag with `tell_flag`. */
void await_flag(const bool *flag);
void tell_flag(bool *flag);

/* Whether a line begins with whole words. */
bool begins(const char *line, const char *words);

/* Participant ids, which differ from run to run: `$NAME` stands for them in scenarios and traces. */
void learn_id(const char *name, roam_str answer);

/* A text of the scenario with ids in the place of names, always the newest. Free it. */
char *resolve_names(const char *text);

/* Print a line behind a name, with names in the place of ids. */
void print_line(const char *name, const char *line);

#endif
