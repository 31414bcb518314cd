#include "portal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
    if (sent <= 0) return -1;
    data += sent;
    length -= (size_t)sent;
  }
  return 0;
}

/* Read until the portal closes; the request asks it to. */
static long receive_all(int fd, char *data, size_t size) {
  size_t used = 0;
  for (;;) {
    if (used + 1 >= size) return -1;
    ssize_t got = recv(fd, data + used, size - used - 1, 0);
    if (got < 0) return -1;
    if (got == 0) break;
    used += (size_t)got;
  }
  data[used] = '\0';
  return (long)used;
}

int portal_call(int port, const char *method, const char *path, const char *body, char *answer,
                size_t size) {
  char request[1024];
  int length = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        method, path, port, strlen(body), body);
  if (length < 0 || (size_t)length >= sizeof request) return -1;

  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

  int status = -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      send_all(fd, request, (size_t)length) == 0 && receive_all(fd, answer, size) > 0 &&
      sscanf(answer, "HTTP/1.1 %d", &status) == 1) {
    char *content = strstr(answer, "\r\n\r\n");
    if (content)
      memmove(answer, content + 4, strlen(content + 4) + 1);
    else
      status = -1;
  }
  close(fd);
  return status;
}
