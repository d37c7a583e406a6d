#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <semaphore.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/queue.h"

enum { PUSHERS = 4, EACH = 20000 };

static void a_full_queue_refuses_and_a_closed_one_says_so(void **state) {
    (void)state;
    struct queue queue;
    struct request_part parts[3] = {0};
    queue_init(&queue, 2);
    assert_int_equal(queue_put(&queue, &parts[0]), QUEUE_TAKEN);
    assert_int_equal(queue_put(&queue, &parts[1]), QUEUE_TAKEN);
    assert_int_equal(queue_put(&queue, &parts[2]), QUEUE_FULL);
    assert_int_equal(queue_depth(&queue), 2);
    queue_close(&queue);
    assert_int_equal(queue_put(&queue, &parts[2]), QUEUE_CLOSED);
    struct part_list taken = {0};
    assert_true(queue_take(&queue, &taken, -1)); /* what was there is still handed out */
    assert_ptr_equal(part_list_pop(&taken), &parts[0]);
    assert_ptr_equal(part_list_pop(&taken), &parts[1]);
    assert_null(part_list_pop(&taken));
    assert_false(queue_take(&queue, &taken, -1));
    queue_destroy(&queue);
}

static void parts_of_one_request_are_taken_by_all_queues_or_by_none(void **state) {
    (void)state;
    struct queue queues[2];
    struct queue *both[] = {&queues[0], &queues[1]};
    struct request_part parts[4] = {0};
    queue_init(&queues[0], 2);
    queue_init(&queues[1], 1);
    assert_int_equal(queue_put_each(both, (struct request_part *[]){&parts[0], &parts[1]}, 2),
                     QUEUE_TAKEN);
    assert_int_equal(queue_put_each(both, (struct request_part *[]){&parts[2], &parts[3]}, 2),
                     QUEUE_FULL);
    assert_int_equal(queue_depth(&queues[0]), 1);
    queue_close(&queues[0]);
    assert_int_equal(queue_put_each(both, (struct request_part *[]){&parts[2], &parts[3]}, 2),
                     QUEUE_CLOSED);
    for (size_t i = 0; i < 2; i++) {
        struct part_list taken = {0};
        queue_take(&queues[i], &taken, -1);
        assert_ptr_equal(part_list_pop(&taken), &parts[i]);
        assert_null(taken.first);
        queue_destroy(&queues[i]);
    }
}

static void an_empty_queue_is_waited_for_no_longer_than_asked(void **state) {
    (void)state;
    struct queue queue;
    queue_init(&queue, 1);
    struct part_list taken = {0};
    int64_t start = clock_monotonic_us();
    assert_true(queue_take(&queue, &taken, 20));
    assert_true(clock_monotonic_us() - start >= 19000);
    assert_null(taken.first);
    queue_close(&queue);
    queue_destroy(&queue);
}

struct pusher {
    struct queue *queue;
    struct request_part *parts;
};

static void *push_all(void *context) {
    struct pusher *pusher = context;
    for (int i = 0; i < EACH; i++) {
        while (queue_put(pusher->queue, &pusher->parts[i]) != QUEUE_TAKEN) sched_yield();
    }
    return NULL;
}

static void what_many_threads_push_arrives_once_and_in_each_threads_order(void **state) {
    (void)state;
    struct queue queue;
    queue_init(&queue, 100);
    struct pusher pushers[PUSHERS];
    pthread_t threads[PUSHERS];
    for (int i = 0; i < PUSHERS; i++) {
        pushers[i] = (struct pusher){&queue, memory_take_zeroed(EACH, sizeof(struct request_part))};
        for (int j = 0; j < EACH; j++) {
            pushers[i].parts[j].thread = (size_t)i;
            pushers[i].parts[j].op_next = (size_t)j;
        }
        assert_int_equal(pthread_create(&threads[i], NULL, push_all, &pushers[i]), 0);
    }
    size_t next[PUSHERS] = {0};
    struct part_list taken = {0};
    for (int left = PUSHERS * EACH; left > 0;) {
        assert_true(queue_take(&queue, &taken, -1));
        assert_true(taken.count <= 100);
        for (struct request_part *part; (part = part_list_pop(&taken)) != NULL; left--) {
            size_t from = part->thread;
            assert_int_equal(part->op_next, next[from]++);
        }
    }
    for (int i = 0; i < PUSHERS; i++) {
        pthread_join(threads[i], NULL);
        memory_give(pushers[i].parts);
    }
    queue_close(&queue);
    queue_destroy(&queue);
}

struct taker {
    struct queue *queue;
    sem_t *taken;
    sem_t *go_on;
    struct request_part *part;
};

static void *take_one(void *context) {
    struct taker *taker = context;
    taker->part = queue_take_one(taker->queue);
    sem_post(taker->taken);
    sem_wait(taker->go_on);
    return NULL;
}

/* A taker that is busy keeps nothing from the others, be they asleep when it comes or not. */
static void takers_of_one_each_do_not_wait_for_one_another(void **state) {
    (void)state;
    struct queue queue;
    struct request_part parts[3] = {0};
    struct taker takers[3];
    pthread_t threads[3];
    sem_t taken, go_on;
    queue_init(&queue, 3);
    sem_init(&taken, 0, 0);
    sem_init(&go_on, 0, 0);
    for (int i = 0; i < 3; i++) {
        takers[i] = (struct taker){&queue, &taken, &go_on, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, take_one, &takers[i]), 0);
    }
    usleep(20000); /* they sleep */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(queue_put(&queue, &parts[i]), QUEUE_TAKEN);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 60;
        assert_int_equal(sem_timedwait(&taken, &until), 0);
    }
    for (int i = 0; i < 3; i++) sem_post(&go_on);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_non_null(takers[i].part);
        for (int j = 0; j < i; j++) assert_ptr_not_equal(takers[i].part, takers[j].part);
    }
    queue_close(&queue);
    assert_null(queue_take_one(&queue));
    queue_destroy(&queue);
    sem_destroy(&taken);
    sem_destroy(&go_on);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_refuses_and_a_closed_one_says_so),
        cmocka_unit_test(parts_of_one_request_are_taken_by_all_queues_or_by_none),
        cmocka_unit_test(an_empty_queue_is_waited_for_no_longer_than_asked),
        cmocka_unit_test(takers_of_one_each_do_not_wait_for_one_another),
        cmocka_unit_test(what_many_threads_push_arrives_once_and_in_each_threads_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
