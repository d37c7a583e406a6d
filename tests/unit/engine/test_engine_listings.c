/* Listings in pieces: bounded by their rows, and by their bytes where rows are large. */
#include <string.h>

#include "engine_fixture.h"

/* What a piece may hold beside its last row: lister.c's bounds. */
enum { PIECE_ROWS = 500, PIECE_BYTES = 1 << 20 };

static struct fixture fixture;
static struct call call;
static struct seen {
    unsigned pieces;
    size_t rows, rows_most, bytes_most;
} seen;

static int setup(void **state) {
    (void)state;
    fixture_open(&fixture, NULL);
    call_init(&call, &fixture);
    seen = (struct seen){0};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    call_close(&call);
    fixture_close(&fixture);
    return 0;
}

/* A usage of ada with as much metadata; on behalf of its own request. */
static void add_update(size_t metadata_bytes) {
    static char bytes[METADATA_BYTES_MAX];
    memset(bytes, 'm', sizeof bytes);
    struct op *op = call_read(&call, OP_UPDATE_ADD, "ada");
    op->in.change = (struct change_input){
        .value_type = TEXT("usages"),
        .operation_name = TEXT("ADD"),
        .resource_name = TEXT("cpu.hours"),
        .value = amount_of(1),
        .has_effective = true,
        .metadata = {.data = bytes, .length = metadata_bytes},
    };
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(op->error.code, QMS_OK);
}

static bool see_piece(struct request *request) {
    const struct listing_view *view = &request->ops->out.listing;
    size_t bytes = 0;
    for (size_t i = 0; i < view->count; i++) bytes += view->updates[i].row.metadata.length;
    seen.pieces++;
    seen.rows += view->count;
    if (view->count > seen.rows_most) seen.rows_most = view->count;
    if (bytes > seen.bytes_most) seen.bytes_most = bytes;
    return true;
}

static void list_updates(void) {
    struct op *op = call_read(&call, OP_UPDATE_LIST, "ada");
    op->in.listing.limit = -1;
    call.request.piece = see_piece;
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(op->error.code, QMS_OK);
    assert_int_equal(op->out.listing.count, 0); /* the rest came as a piece */
}

static void small_rows_are_counted(void **state) {
    (void)state;
    for (int i = 0; i < PIECE_ROWS + 1; i++) add_update(10);
    list_updates();
    assert_int_equal(seen.rows, PIECE_ROWS + 1);
    assert_int_equal(seen.rows_most, PIECE_ROWS);
    assert_int_equal(seen.pieces, 2);
}

static void large_rows_are_weighed(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) add_update(METADATA_BYTES_MAX);
    list_updates();
    assert_int_equal(seen.rows, 100);
    assert_true(seen.bytes_most < PIECE_BYTES + METADATA_BYTES_MAX);
    assert_true(seen.bytes_most > PIECE_BYTES / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_rows_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(large_rows_are_weighed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
