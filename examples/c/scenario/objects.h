/* The conferences and sockets of a scenario, what they tell, and the outcomes of what they are asked. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "trace.h"

enum { MAX_TOKEN = 2048 };

/* A conference, or a socket with its manager. */
struct object {
  char name[16];
  struct log log;
  size_t awaited; /* how many of the lines */
  roam_conference *conference;
  roam_manager *manager;
  roam_socket *socket;
  char user[32];
  char destroy_on[64];
  bool destroyed;
};

/* How an outcome is shown. */
enum shown { DONE, ANSWERED, ACKED };

/* Something that has an outcome. */
struct asked {
  struct object *object;
  char id[32];
  enum shown shown;
  bool login;
  uint64_t request;
};

/* On this machine. */
extern int portal_port;

/* Of a call that has to succeed. */
void check(const char *what, roam_status status);

struct object *find_object(const char *name);
void new_conference(const char *name, bool ask_token, bool rejoin_on_gap);
void new_socket(const char *name, const char *url, const char *namespace_name);

/* Get a token for the object's user from the portal. */
void fetch_token(const struct object *object, char token[MAX_TOKEN]);

/* Something is asked: make the call with the completion, then tell what it gives, because an error of
 * the call is an outcome too. */
struct asked *ask(struct object *object, const char *id, enum shown shown);
roam_completion completion(struct asked *asked);
void called(const struct asked *asked, roam_status status);

const struct asked *find_asked(const char *id);
void await_outcome(const char *id);

/* Free all objects, and wait until nothing is told any more. */
void close_objects(void);

/* Print everything that was told: per object, then the outcomes. */
void print_trace(void);

#endif
