/* bench_nats_echo.c: answers every request with the same bytes, as fast as libnats can: what a
 * server over NATS is held against. bench_nats_echo URL BYTES SUBJECT...
 * Answers are published as they come and sent by another thread, all that have collected together:
 * the library's own flusher would wait for a millisecond. */
#include <assert.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char beginning[] = "{\"header\":{\"map\":{}},\"error\":null,\"filler\":\"";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published = PTHREAD_COND_INITIALIZER;
static bool unsent;
static char *answer;
static int answer_bytes;

static void answer_request(natsConnection *connection, natsSubscription *subscription,
                           natsMsg *request, void *context) {
    (void)subscription;
    (void)context;
    if (natsMsg_GetReply(request) != NULL)
        natsConnection_Publish(connection, natsMsg_GetReply(request), answer, answer_bytes);
    natsMsg_Destroy(request);
    pthread_mutex_lock(&lock);
    unsent = true;
    pthread_cond_signal(&published);
    pthread_mutex_unlock(&lock);
}

static bool make_answer(const char *bytes) {
    answer_bytes = (int)strtol(bytes, NULL, 10);
    size_t length = sizeof beginning - 1;
    if (answer_bytes < (int)length + 2) return false;
    answer = malloc((size_t)answer_bytes);
    assert(answer != NULL);
    memset(answer, 'x', (size_t)answer_bytes);
    memcpy(answer, beginning, length);
    memcpy(answer + answer_bytes - 2, "\"}", 2);
    return true;
}

int main(int count, char **arguments) {
    natsConnection *connection;
    if (count < 4 || !make_answer(arguments[2])) {
        fprintf(stderr, "usage: bench_nats_echo URL BYTES SUBJECT...\n");
        return 2;
    }
    natsStatus status = natsConnection_ConnectTo(&connection, arguments[1]);
    for (int i = 3; i < count && status == NATS_OK; i++) {
        natsSubscription *subscription;
        status = natsConnection_Subscribe(&subscription, connection, arguments[i], answer_request,
                                          NULL);
        if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    }
    if (status == NATS_OK) status = natsConnection_Flush(connection);
    if (status == NATS_OK) printf("bench_nats_echo answering at %s\n", arguments[1]);
    fflush(stdout);
    while (status == NATS_OK) {
        pthread_mutex_lock(&lock);
        while (!unsent) pthread_cond_wait(&published, &lock);
        unsent = false;
        pthread_mutex_unlock(&lock);
        status = natsConnection_Flush(connection);
    }
    fprintf(stderr, "bench_nats_echo: %s\n", natsStatus_GetText(status));
    return 1;
}
