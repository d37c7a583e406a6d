#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/metrics.h"

static struct metrics metrics;

static char *written(size_t queue_depth) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    metrics_write(&metrics, queue_depth, out);
    fclose(out);
    return text;
}

static void requests_are_counted_by_operation_and_status(void **state) {
    (void)state;
    memset(&metrics, 0, sizeof metrics);
    metrics_request(&metrics, OP_UPDATE_ADD, 200, 100);
    metrics_request(&metrics, OP_UPDATE_ADD, 200, 100);
    metrics_request(&metrics, OP_UPDATE_ADD, 400, 5);
    metrics_request(&metrics, OP_COUNT, 200, 5); /* a route without an operation */
    char *text = written(3);
    assert_non_null(strstr(text, "qms_requests_total{operation=\"updates.add\",code=\"200\"} 2\n"));
    assert_non_null(strstr(text, "qms_requests_total{operation=\"updates.add\",code=\"400\"} 1\n"));
    assert_null(strstr(text, "qms_requests_total{operation=\"summary.get\""));
    assert_non_null(strstr(text, "\nqms_queue_depth 3\n"));
    free(text);
}

static void a_value_falls_into_the_first_bucket_that_holds_it(void **state) {
    (void)state;
    const struct {
        uint64_t value;
        int bucket;
    } cases[] = {{0, 0},  {1, 0},  {16, 0}, {17, 1}, {32, 1},
                 {33, 2}, {64, 2}, {65, 3}, {UINT64_C(16) << 19, 19},
                 {(UINT64_C(16) << 19) + 1, HISTOGRAM_BUCKETS},
                 {UINT64_MAX / 2, HISTOGRAM_BUCKETS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct histogram histogram = {0};
        histogram_add(&histogram, cases[i].value);
        for (int bucket = 0; bucket <= HISTOGRAM_BUCKETS; bucket++) {
            assert_int_equal(histogram.buckets[bucket], bucket == cases[i].bucket);
        }
        assert_int_equal(histogram.sum, cases[i].value);
    }
}

static void buckets_are_shown_cumulated_and_in_seconds(void **state) {
    (void)state;
    memset(&metrics, 0, sizeof metrics);
    histogram_add(&metrics.commit_us, 10);
    histogram_add(&metrics.commit_us, 20);
    char *text = written(0);
    assert_non_null(strstr(text, "qms_commit_duration_seconds_bucket{le=\"1.6e-05\"} 1\n"));
    assert_non_null(strstr(text, "qms_commit_duration_seconds_bucket{le=\"3.2e-05\"} 2\n"));
    assert_non_null(strstr(text, "qms_commit_duration_seconds_bucket{le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "qms_commit_duration_seconds_sum 3e-05\n"));
    assert_non_null(strstr(text, "qms_commit_duration_seconds_count 2\n"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_operation_and_status),
        cmocka_unit_test(a_value_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(buckets_are_shown_cumulated_and_in_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
