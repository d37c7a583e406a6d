#include "scripted_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_all(const struct buffer *request) {
    const char *text = request->data;
    const char *end = request->length == 0 ? NULL : strstr(text, "\r\n\r\n");
    if (end == NULL) return false;
    const char *length = strcasestr(text, "\r\nContent-Length:");
    size_t body = length == NULL || length > end ? 0 : strtoul(length + 17, NULL, 10);
    return request->length >= (size_t)(end + 4 - text) + body;
}

static void take_request(int connection, struct buffer *request) {
    while (!has_all(request)) {
        char *room = buffer_reserve(request, 65537);
        assert(room != NULL);
        ssize_t count = read(connection, room, 65536);
        if (count <= 0) return;
        buffer_advance(request, (size_t)count);
        request->data[request->length] = '\0';
    }
}

static void *serve(void *context) {
    struct scripted_server *server = context;
    while (server->request_count < server->answer_count) {
        int connection = accept(server->listener, NULL, NULL);
        if (connection < 0) break;
        const char *answer = server->answers[server->request_count];
        take_request(connection, &server->requests[server->request_count]);
        server->request_count++;
        if (answer != NULL) {
            ssize_t written = write(connection, answer, strlen(answer));
            assert(written == (ssize_t)strlen(answer));
            shutdown(connection, SHUT_WR);
        }
        close(connection);
    }
    return NULL;
}

void scripted_server_start(struct scripted_server *server) {
    for (size_t i = 0; i < SCRIPTED_ANSWERS_MAX; i++)
        buffer_init(&server->requests[i], 16 << 20);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert(bind(server->listener, (struct sockaddr *)&address, length) == 0);
    assert(listen(server->listener, 8) == 0);
    assert(getsockname(server->listener, (struct sockaddr *)&address, &length) == 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    assert(pthread_create(&server->thread, NULL, serve, server) == 0);
}

void scripted_server_finish(struct scripted_server *server) {
    if (server->finished) return;
    server->finished = true;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

void scripted_server_stop(struct scripted_server *server) {
    scripted_server_finish(server);
    for (size_t i = 0; i < SCRIPTED_ANSWERS_MAX; i++)
        buffer_close(&server->requests[i]);
}
