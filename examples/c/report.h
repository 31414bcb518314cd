/* What the demo prints and records: lines with the time, and one JSON object per line of a trace. */
#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>

/* Start the clock; `trace` is the file to record to, or NULL for none. */
void report_open(const char *trace);
void report_close(void);

/* Milliseconds since report_open. */
double report_now(void);

/* Print a line. */
void say(const char *who, const char *format, ...);

/* Add an object with the time and these members, in printf's manner. */
void record(const char *format, ...);

#endif
