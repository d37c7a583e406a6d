#include "engine/queue.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

void part_list_push(struct part_list *list, struct request_part *part) {
    part->next = NULL;
    if (list->last == NULL) {
        list->first = part;
    } else {
        list->last->next = part;
    }
    list->last = part;
    list->count++;
}

struct request_part *part_list_pop(struct part_list *list) {
    struct request_part *part = list->first;
    if (part == NULL) return NULL;
    list->first = part->next;
    if (list->first == NULL) list->last = NULL;
    list->count--;
    part->next = NULL;
    return part;
}

void part_list_append(struct part_list *list, struct part_list *tail) {
    if (tail->first == NULL) return;
    if (list->last == NULL) {
        list->first = tail->first;
    } else {
        list->last->next = tail->first;
    }
    list->last = tail->last;
    list->count += tail->count;
    *tail = (struct part_list){0};
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

enum queue_push queue_put_each(struct queue *const *queues, struct request_part *const *parts,
                               size_t count) {
    enum queue_push outcome = QUEUE_TAKEN;
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&queues[i]->lock);
        if (queues[i]->closed) {
            outcome = QUEUE_CLOSED;
        } else if (queues[i]->list.count >= queues[i]->count_max && outcome == QUEUE_TAKEN) {
            outcome = QUEUE_FULL;
        }
    }
    for (size_t i = 0; i < count && outcome == QUEUE_TAKEN; i++) {
        part_list_push(&queues[i]->list, parts[i]);
    }
    for (size_t i = 0; i < count; i++) queue_unlock_and_wake(queues[i]);
    return outcome;
}

enum queue_push queue_put(struct queue *queue, struct request_part *part) {
    return queue_put_each(&queue, &part, 1);
}

void queue_put_list(struct queue *queue, struct part_list *list) {
    if (list->first == NULL) return;
    pthread_mutex_lock(&queue->lock);
    part_list_append(&queue->list, list);
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

bool queue_take(struct queue *queue, struct part_list *list, int wait_ms) {
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
    part_list_append(list, &queue->list);
    pthread_mutex_unlock(&queue->lock);
    return more;
}

struct request_part *queue_take_one(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->takers_waiting++;
    while (queue->list.first == NULL && !queue->closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    queue->takers_waiting--;
    struct request_part *part = part_list_pop(&queue->list);
    pthread_mutex_unlock(&queue->lock);
    return part;
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
