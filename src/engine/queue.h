/* queue.h: parts of requests between threads: pushed by many, taken all at once by one, or one by
 * one by several.
 * Limits: at most count_max; more is refused, never grown. */
#ifndef QMS_ENGINE_QUEUE_H
#define QMS_ENGINE_QUEUE_H

#include <pthread.h>

#include "engine/request.h"

struct part_list {
    struct request_part *first, *last;
    size_t count;
};

void part_list_push(struct part_list *list, struct request_part *part);
struct request_part *part_list_pop(struct part_list *list); /* NULL: empty */
void part_list_append(struct part_list *list, struct part_list *tail); /* empties tail */

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct part_list list;
    size_t count_max;
    bool closed;
    size_t takers_waiting; /* so that a push to a busy taker costs no system call */
};

enum queue_push { QUEUE_TAKEN, QUEUE_FULL, QUEUE_CLOSED };

void queue_init(struct queue *queue, size_t count_max);
void queue_destroy(struct queue *queue);

enum queue_push queue_put(struct queue *queue, struct request_part *part);
/* Puts parts[i] into queues[i]: all of them or none. Callers name the queues in the same order. */
enum queue_push queue_put_each(struct queue *const *queues, struct request_part *const *parts,
                               size_t count);
/* Moves all of a list in, without a limit: for finished work, which must find room. */
void queue_put_list(struct queue *queue, struct part_list *list);

/* Moves everything to the end of *list. With wait_ms > 0 and nothing there it waits that long, with
 * -1 until something comes. False: closed and empty. */
bool queue_take(struct queue *queue, struct part_list *list, int wait_ms);

/* The first, once there is one; for queues that several threads take from. NULL: closed, empty. */
struct request_part *queue_take_one(struct queue *queue);

size_t queue_depth(struct queue *queue);
void queue_close(struct queue *queue); /* refuses pushes; takers get what is left */

#endif
