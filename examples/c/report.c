#define _GNU_SOURCE /* flockfile, clock_gettime */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct timespec start;
static FILE *marks;

void report_open(const char *path) {
  clock_gettime(CLOCK_MONOTONIC, &start);
  if (path) marks = fopen(path, "w");
}

void report_close(void) {
  if (marks) fclose(marks);
  marks = NULL;
}

static double elapsed(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start.tv_sec) * 1e3 + (double)(now.tv_nsec - start.tv_nsec) / 1e6;
}

void say(const char *who, const char *format, ...) {
  va_list args;
  va_start(args, format);
  flockfile(stdout); /* two threads print */
  printf("%9.1f ms  %-8s ", elapsed(), who);
  vprintf(format, args);
  printf("\n");
  fflush(stdout);
  funlockfile(stdout);
  va_end(args);
}

void mark(const char *text) {
  if (!marks) return;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  long long ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  fprintf(marks, "{\"wall_ms\":%lld,\"text\":\"%s\"}\n", ms, text);
}
