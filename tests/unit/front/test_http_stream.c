#include "front/http_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { SHORT_MS = 200, LONG_MS = 60000, SET_BACK_S = 20 };

static struct http_stream stream;
static atomic_bool cutting;
static atomic_bool set_back; /* the wall clock, by SET_BACK_S, as soon as it has been read */

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME && atomic_load(&set_back)) now->tv_sec += SET_BACK_S;
    return failed;
}

static int set_up(void **state) {
    static char part[HTTP_STREAM_BYTES_MAX];
    (void)state;
    atomic_store(&cutting, false);
    http_stream_init(&stream);
    http_stream_put(&stream, (struct text){.data = part, .length = sizeof part}, false);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_stream_close(&stream);
    return 0;
}

static void take(void) {
    struct buffer taken;
    buffer_init(&taken, SIZE_MAX / 2);
    http_stream_take(&stream, &taken);
    assert_int_equal(taken.length, HTTP_STREAM_BYTES_MAX);
    buffer_close(&taken);
}

static void *take_later(void *context) {
    (void)context;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    take();
    return NULL;
}

static void room_that_is_made_in_time_lets_the_maker_go_on(void **state) {
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_later, NULL), 0);
    assert_true(http_stream_wait(&stream, LONG_MS, &cutting));
    pthread_join(thread, NULL);
}

static void a_client_that_takes_nothing_is_not_waited_for_without_end(void **state) {
    (void)state;
    int64_t start_us = clock_monotonic_us();
    assert_false(http_stream_wait(&stream, SHORT_MS, &cutting));
    assert_true(clock_monotonic_us() - start_us >= SHORT_MS * 1000);
    take();
    assert_true(http_stream_wait(&stream, SHORT_MS, &cutting));
}

static void a_wall_clock_that_is_set_back_does_not_prolong_the_wait(void **state) {
    (void)state;
    int64_t start_us = clock_monotonic_us();
    atomic_store(&set_back, true);
    assert_false(http_stream_wait(&stream, SHORT_MS, &cutting));
    atomic_store(&set_back, false);
    assert_true(clock_monotonic_us() - start_us < SET_BACK_S * INT64_C(1000000) / 2);
}

static void nobody_waits_for_a_client_that_is_gone_or_to_be_cut_off(void **state) {
    (void)state;
    atomic_store(&cutting, true);
    assert_false(http_stream_wait(&stream, LONG_MS, &cutting));
    atomic_store(&cutting, false);
    http_stream_abandon(&stream);
    assert_false(http_stream_wait(&stream, LONG_MS, &cutting));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(room_that_is_made_in_time_lets_the_maker_go_on),
        TEST(a_client_that_takes_nothing_is_not_waited_for_without_end),
        TEST(a_wall_clock_that_is_set_back_does_not_prolong_the_wait),
        TEST(nobody_waits_for_a_client_that_is_gone_or_to_be_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
