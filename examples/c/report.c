#define _GNU_SOURCE /* flockfile, clock_gettime */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct timespec start;
static FILE *file;

void report_open(const char *trace) {
  clock_gettime(CLOCK_MONOTONIC, &start);
  if (trace) file = fopen(trace, "w");
}

void report_close(void) {
  if (file) fclose(file);
  file = NULL;
}

double report_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start.tv_sec) * 1e3 + (double)(now.tv_nsec - start.tv_nsec) / 1e6;
}

void say(const char *who, const char *format, ...) {
  va_list args;
  va_start(args, format);
  flockfile(stdout); /* two threads print */
  printf("%9.1f ms  %-8s ", report_now(), who);
  vprintf(format, args);
  printf("\n");
  fflush(stdout);
  funlockfile(stdout);
  va_end(args);
}

void record(const char *format, ...) {
  if (!file) return;
  va_list args;
  va_start(args, format);
  flockfile(file);
  fprintf(file, "{\"t\":%.1f,", report_now());
  vfprintf(file, format, args);
  fprintf(file, "}\n");
  funlockfile(file);
  va_end(args);
}
