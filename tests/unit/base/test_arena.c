#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { BLOCK_BYTES = 256 };

static int set_up(void **state) {
    struct arena *arena = memory_take(sizeof *arena);
    arena_init(arena, BLOCK_BYTES);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    arena_close(*state);
    memory_give(*state);
    return 0;
}

/* Sizes around the block's: many to a block, one to a block, larger than a block. */
static void pieces_are_aligned_and_do_not_overlap(void **state) {
    static const size_t sizes[] = {0, 1, 7, 16, 17, 100, 240, 241, 255, 256, 257, 1000, 5000, 3};
    enum { ROUNDS = 20, SIZES = sizeof sizes / sizeof sizes[0] };
    unsigned char *pieces[ROUNDS * SIZES];
    for (size_t i = 0; i < ROUNDS * SIZES; i++) {
        pieces[i] = arena_take(*state, sizes[i % SIZES]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), sizes[i % SIZES]);
    }
    for (size_t i = 0; i < ROUNDS * SIZES; i++)
        for (size_t j = 0; j < sizes[i % SIZES]; j++) assert_int_equal(pieces[i][j], i % 251);
}

static void a_block_is_filled_to_its_last_byte_and_no_further(void **state) {
    struct arena *arena = *state;
    arena_take(arena, 16);
    const struct arena_block *block = arena->current;
    for (size_t taken = 16; taken < BLOCK_BYTES; taken += 16) {
        arena_take(arena, 16);
        assert_ptr_equal(arena->current, block);
    }
    arena_take(arena, 1);
    assert_ptr_not_equal(arena->current, block);
}

static void empty_pieces_are_different_places(void **state) {
    void *first = arena_take(*state, 0);
    assert_ptr_not_equal(first, arena_take(*state, 0));
}

static void zeroed_pieces_are_zero_also_in_used_memory(void **state) {
    memset(arena_take(*state, 200), 0xFF, 200);
    arena_reset(*state);
    const unsigned char *piece = arena_take_zeroed(*state, 10, 20);
    for (size_t i = 0; i < 200; i++) assert_int_equal(piece[i], 0);
    assert_non_null(arena_take_zeroed(*state, 0, 20));
}

static void reset_keeps_one_block_and_counts_anew(void **state) {
    struct arena *arena = *state;
    void *first = arena_take(arena, 100);
    assert_int_equal(arena->taken_bytes, 112);
    for (int i = 0; i < 5; i++) arena_take(arena, 200);
    arena_take(arena, 100000);
    const struct arena_block *newest = arena->current;
    arena_reset(arena);
    assert_int_equal(arena->taken_bytes, 0);
    assert_ptr_equal(arena->current, newest);
    void *again = arena_take(arena, 100);
    arena_reset(arena);
    assert_ptr_equal(arena_take(arena, 100), again);
    assert_ptr_not_equal(first, again);
}

static void a_huge_piece_does_not_stay_after_reset(void **state) {
    struct arena *arena = *state;
    arena_take(arena, 100000);
    arena_reset(arena);
    assert_null(arena->current);
}

static void a_huge_piece_leaves_the_open_block_in_use(void **state) {
    struct arena *arena = *state;
    char *first = arena_take(arena, 16);
    const struct arena_block *open = arena->current;
    arena_take(arena, 100000);
    assert_ptr_equal(arena->current, open);
    assert_ptr_equal(arena_take(arena, 16), first + 16);
}

static void a_closed_arena_may_be_used_again(void **state) {
    struct arena *arena = *state;
    arena_take(arena, 100);
    arena_close(arena);
    assert_null(arena->current);
    memset(arena_take(arena, 100), 1, 100);
}

static void texts_are_copied_with_a_zero_behind(void **state) {
    char source[] = "ada";
    struct text copy = arena_text(*state, text_of(source));
    source[0] = 'x';
    assert_int_equal(copy.length, 3);
    assert_string_equal(copy.data, "ada");
    struct text empty = arena_text(*state, (struct text){.data = NULL, .length = 0});
    assert_int_equal(empty.length, 0);
    assert_string_equal(empty.data, "");
}

static void formatted_text_has_any_length(void **state) {
    struct text text = arena_format(*state, "%s-%d", "ada", 7);
    assert_int_equal(text.length, 5);
    assert_string_equal(text.data, "ada-7");
    text = arena_format(*state, "%05000d", 1);
    assert_int_equal(text.length, 5000);
    assert_int_equal(text.data[4999], '1');
    assert_int_equal(text.data[5000], '\0');
}

static void heap_memory_grows_with_its_content(void **state) {
    (void)state;
    unsigned char *piece = memory_take_zeroed(3, 4);
    for (int i = 0; i < 12; i++) assert_int_equal(piece[i], 0);
    memset(piece, 5, 12);
    piece = memory_resize(piece, 100, 4);
    for (int i = 0; i < 12; i++) assert_int_equal(piece[i], 5);
    memory_give(piece);
    memory_give(NULL);
    void *nothing = memory_take(0);
    assert_non_null(nothing);
    nothing = memory_resize(nothing, 0, 4);
    assert_non_null(nothing);
    memory_give(nothing);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_are_aligned_and_do_not_overlap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_is_filled_to_its_last_byte_and_no_further, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(empty_pieces_are_different_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeroed_pieces_are_zero_also_in_used_memory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reset_keeps_one_block_and_counts_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_huge_piece_does_not_stay_after_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_huge_piece_leaves_the_open_block_in_use, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_closed_arena_may_be_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_copied_with_a_zero_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formatted_text_has_any_length, set_up, tear_down),
        cmocka_unit_test(heap_memory_grows_with_its_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
