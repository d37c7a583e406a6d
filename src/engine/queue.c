#include "engine/queue.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

void request_list_push(struct request_list *list, struct request *request) {
    request->next = NULL;
    if (list->last == NULL) {
        list->first = request;
    } else {
        list->last->next = request;
    }
    list->last = request;
    list->count++;
}

struct request *request_list_pop(struct request_list *list) {
    struct request *request = list->first;
    if (request == NULL) return NULL;
    list->first = request->next;
    if (list->first == NULL) list->last = NULL;
    list->count--;
    request->next = NULL;
    return request;
}

void request_list_append(struct request_list *list, struct request_list *tail) {
    if (tail->first == NULL) return;
    if (list->last == NULL) {
        list->first = tail->first;
    } else {
        list->last->next = tail->first;
    }
    list->last = tail->last;
    list->count += tail->count;
    *tail = (struct request_list){0};
}

void queue_init(struct queue *queue, size_t count_max) {
    *queue = (struct queue){.count_max = count_max};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_condattr_destroy(&attributes);
}

void queue_destroy(struct queue *queue) {
    assert(queue->list.first == NULL);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

/* Gives the lock back, then wakes the taker if it sleeps. */
static void queue_unlock_and_wake(struct queue *queue) {
    bool wake = queue->takers_waiting > 0;
    pthread_mutex_unlock(&queue->lock);
    if (wake) pthread_cond_signal(&queue->filled);
}

enum queue_push queue_put(struct queue *queue, struct request *request) {
    pthread_mutex_lock(&queue->lock);
    if (queue->closed || queue->list.count >= queue->count_max) {
        enum queue_push refusal = queue->closed ? QUEUE_CLOSED : QUEUE_FULL;
        pthread_mutex_unlock(&queue->lock);
        return refusal;
    }
    request_list_push(&queue->list, request);
    queue_unlock_and_wake(queue);
    return QUEUE_TAKEN;
}

void queue_put_list(struct queue *queue, struct request_list *list) {
    if (list->first == NULL) return;
    pthread_mutex_lock(&queue->lock);
    request_list_append(&queue->list, list);
    queue_unlock_and_wake(queue);
}

static struct timespec queue_deadline(int wait_ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool queue_take(struct queue *queue, struct request_list *list, int wait_ms) {
    pthread_mutex_lock(&queue->lock);
    if (wait_ms != 0 && queue->list.first == NULL && !queue->closed) {
        struct timespec deadline = queue_deadline(wait_ms > 0 ? wait_ms : 0);
        queue->takers_waiting++;
        int outcome = 0;
        while (queue->list.first == NULL && !queue->closed && outcome != ETIMEDOUT) {
            outcome = wait_ms > 0
                          ? pthread_cond_timedwait(&queue->filled, &queue->lock, &deadline)
                          : pthread_cond_wait(&queue->filled, &queue->lock);
        }
        queue->takers_waiting--;
    }
    bool more = queue->list.first != NULL || !queue->closed;
    request_list_append(list, &queue->list);
    pthread_mutex_unlock(&queue->lock);
    return more;
}

struct request *queue_take_one(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->takers_waiting++;
    while (queue->list.first == NULL && !queue->closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    queue->takers_waiting--;
    struct request *request = request_list_pop(&queue->list);
    pthread_mutex_unlock(&queue->lock);
    return request;
}

size_t queue_depth(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    size_t depth = queue->list.count;
    pthread_mutex_unlock(&queue->lock);
    return depth;
}

void queue_close(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_broadcast(&queue->filled);
}
