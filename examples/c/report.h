/* What the demo says: lines with the time for the reader, and marks for the timeline. */
#ifndef REPORT_H
#define REPORT_H

/* Start the clock; `marks` is the file for the marks, or NULL for none. */
void report_open(const char *marks);
void report_close(void);

/* Print a line with the milliseconds since report_open. */
void say(const char *who, const char *format, ...);

/* Mark this moment in the timeline. One thread at a time; the text is without quotes. */
void mark(const char *text);

#endif
