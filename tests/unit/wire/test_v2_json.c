#include "wire/v2_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "support/exact.h"
#include "support/golden.h"
#include "support/wire_example.h"

#define ITEM(id, members)                                                                          \
    "{\"id\":" id ",\"username\":\"ada\",\"resource_name\":\"cpu.hours\",\"update_type\":\"ADD\"," \
    "\"usage_value\":1" members "}"

struct fixture {
    struct request request;
    struct qms_error error;
    struct username_rule rule;
    struct buffer out;
};

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){.rule = {.domain = TEXT("example.org")}};
    request_init(&f.request);
    buffer_init(&f.out, 1 << 20);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    request_close(&f->request);
    buffer_close(&f->out);
    return 0;
}

static bool decode(struct fixture *f, struct text body) {
    f->error = (struct qms_error){0};
    body = exact_copy(&f->request.arena, body);
    return v2_decode_usages(body, &f->rule, &f->request, &f->error);
}

/* The only item of a list. */
static const struct op *decode_item(struct fixture *f, const char *item) {
    if (!decode(f, arena_format(&f->request.arena, "[%s]", item))) fail_msg("refused: %s", item);
    assert_int_equal(f->request.op_count, 1);
    return &f->request.ops[0];
}

static void an_item_is_decoded(void **state) {
    struct fixture *f = *state;
    const struct op *op = decode_item(
        f, "{\"id\":\"nasa:1\",\"username\":\"ada@example.org\",\"resource_name\":\"cpu.hours\","
           "\"update_type\":\"ADD\",\"usage_value\":0.1,\"effective_date\":"
           "\"1993-10-01T00:00:03.5+00:00\",\"metadata\":\"{\\\"job\\\":7}\"}");
    const struct change_input *input = &op->in.change;
    assert_int_equal(op->error.code, QMS_OK);
    assert_int_equal(op->operation, OP_USAGE_RECORD);
    assert_true(text_equal(op->key, TEXT("nasa:1")));
    assert_true(text_equal(op->username, TEXT("ada")));
    assert_true(text_equal(input->resource_name, TEXT("cpu.hours")));
    assert_true(text_equal(input->operation_name, TEXT("ADD")));
    assert_int_equal(amount_compare(input->value, wire_example_amount("0.1")), 0);
    assert_true(input->has_effective);
    assert_int_equal(input->effective_us, wire_example_time("1993-10-01T00:00:03.5Z"));
    assert_true(input->has_metadata);
    assert_true(text_equal(input->metadata, TEXT("{\"job\":7}")));
}

static void what_is_optional_may_be_absent_or_null(void **state) {
    struct fixture *f = *state;
    static const char *const items[] = {
        ITEM("\"a\"", ""),
        ITEM("\"a\"", ",\"effective_date\":null,\"metadata\":null"),
    };
    for (size_t i = 0; i < 2; i++) {
        const struct op *op = decode_item(f, items[i]);
        assert_int_equal(op->error.code, QMS_OK);
        assert_false(op->in.change.has_effective);
        assert_false(op->in.change.has_metadata);
        assert_int_equal(op->in.change.metadata.length, 0);
    }
}

static void an_item_that_is_wrong_in_itself_says_why(void **state) {
    static const struct { const char *item, *text; } cases[] = {
        {"7", "a usage must be an object"},
        {"null", "a usage must be an object"},
        {"[]", "a usage must be an object"},
        {"\"x\"", "a usage must be an object"},
        {"{}", "id is missing"},
        {ITEM("7", ""), "id must be a string"},
        {ITEM("null", ""), "id is missing"},
        {ITEM("[\"a\"]", ""), "id must be a string"},
        {ITEM("\"\"", ""), "id must not be empty"},
        {ITEM("\"a\\nb\"", ""), "id holds a control character"},
        {ITEM("\"\\u007f\"", ""), "id holds a control character"},
        {ITEM("\"a\\u0085\"", ""), "id holds a control character"},
        {ITEM("\"a\"", ",\"usage_valeu\":2"), "usage_valeu is not a member of a usage"},
        {ITEM("\"a\"", ",\"ID\":\"b\""), "ID is not a member of a usage"},
        {ITEM("\"a\"", ",\"effective_date\":7"), "effective_date must be a string"},
        {ITEM("\"a\"", ",\"effective_date\":{\"seconds\":1}"), "effective_date must be a string"},
        {ITEM("\"a\"", ",\"effective_date\":\"\""), "invalid effective date"},
        {ITEM("\"a\"", ",\"effective_date\":\"2026-01-01\""), "invalid effective date"},
        {ITEM("\"a\"", ",\"effective_date\":\"2026-02-29T00:00:00Z\""), "invalid effective date"},
        {ITEM("\"a\"", ",\"effective_date\":\"0000-01-01T00:00:00Z\""), "invalid effective date"},
        {ITEM("\"a\"", ",\"effective_date\":\"10000-01-01T00:00:00Z\""), "invalid effective date"},
        {ITEM("\"a\"", ",\"metadata\":{\"job\":1}"), "metadata must be a string"},
        {ITEM("\"a\"", ",\"metadata\":7"), "metadata must be a string"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct op *op = decode_item(f, cases[i].item);
        assert_int_equal(op->error.code, QMS_BAD_REQUEST);
        assert_string_equal(op->error.text, cases[i].text);
    }
}

static void every_required_member_is_required(void **state) {
    static const char *const names[] = {"id", "username", "resource_name", "update_type",
                                        "usage_value"};
    struct fixture *f = *state;
    for (size_t missing = 0; missing < 5; missing++) {
        char item[256] = "{", text[64];
        for (size_t i = 0; i < 5; i++) {
            if (i == missing) continue;
            size_t length = strlen(item);
            snprintf(item + length, sizeof item - length, "%s\"%s\":%s", length > 1 ? "," : "",
                     names[i], i == 4 ? "1" : "\"x\"");
        }
        size_t end = strlen(item);
        snprintf(item + end, sizeof item - end, "}");
        snprintf(text, sizeof text, "%s is missing", names[missing]);
        assert_string_equal(decode_item(f, item)->error.text, text);
    }
}

static const struct op *decode_member(struct fixture *f, const char *member, const char *value) {
    return decode_item(f, arena_format(&f->request.arena,
                                       "{\"id\":\"a\",\"resource_name\":\"r\",\"update_type\":"
                                       "\"ADD\",%s,\"%s\":%s}",
                                       strcmp(member, "username") == 0 ? "\"usage_value\":1"
                                                                       : "\"username\":\"ada\"",
                                       member, value).data);
}

static void user_names_follow_the_rule(void **state) {
    static const struct { const char *given, *text; } cases[] = {
        {"\"ada\"", ""},
        {"\"ada@example.org\"", ""},
        {"\"ada@elsewhere.org\"", "invalid username"},
        {"\"@example.org\"", "invalid username"},
        {"\"\"", "invalid username"},
        {"\"a/b\"", "invalid username"},
        {"\"a\\tb\"", "invalid username"},
        {"7", "username must be a string"},
        {"null", "username is missing"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(decode_member(f, "username", cases[i].given)->error.text,
                            cases[i].text);
}

static void amounts_are_numbers_or_strings_that_hold_one(void **state) {
    static const struct { const char *given, *text, *value; } cases[] = {
        {"0", "", "0"},
        {"-1.50", "", "-1.5"},
        {"131732.7819444444443404732", "", "131732.7819444444443404732"},
        {"\"0.1\"", "", "0.1"},
        {"1e30", "invalid usage value", NULL},
        {"1e-31", "invalid usage value", NULL},
        {"1e400", "invalid usage value", NULL},
        {"\"1e400\"", "invalid usage value", NULL},
        {"\"NaN\"", "usage_value must be a number", NULL},
        {"\"Infinity\"", "usage_value must be a number", NULL},
        {"\"\"", "usage_value must be a number", NULL},
        {"\"12abc\"", "usage_value must be a number", NULL},
        {"\" 1\"", "usage_value must be a number", NULL},
        {"true", "usage_value must be a number", NULL},
        {"{}", "usage_value must be a number", NULL},
        {"[1]", "usage_value must be a number", NULL},
        {"null", "usage_value is missing", NULL},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct op *op = decode_member(f, "usage_value", cases[i].given);
        assert_string_equal(op->error.text, cases[i].text);
        if (cases[i].value == NULL) continue;
        assert_int_equal(amount_compare(op->in.change.value, wire_example_amount(cases[i].value)),
                         0);
    }
}

static void lengths_are_bounded(void **state) {
    struct fixture *f = *state;
    char long_id[IDEMPOTENCY_KEY_BYTES_MAX + 4];
    memset(long_id, 'x', sizeof long_id);
    long_id[0] = long_id[IDEMPOTENCY_KEY_BYTES_MAX + 1] = '"';
    long_id[IDEMPOTENCY_KEY_BYTES_MAX + 2] = '\0';
    struct text fits = arena_format(
        &f->request.arena, "{\"id\":%s,\"username\":\"ada\",\"resource_name\":\"r\","
                           "\"update_type\":\"SET\",\"usage_value\":1}", long_id);
    assert_int_equal(decode_item(f, fits.data)->error.code, QMS_OK);
    long_id[IDEMPOTENCY_KEY_BYTES_MAX + 1] = 'x';
    long_id[IDEMPOTENCY_KEY_BYTES_MAX + 2] = '"';
    long_id[IDEMPOTENCY_KEY_BYTES_MAX + 3] = '\0';
    const struct op *op = decode_item(f, arena_format(&f->request.arena, "{\"id\":%s}",
                                                      long_id).data);
    assert_string_equal(op->error.text, "id is too long");
    assert_int_equal(op->key.length, IDEMPOTENCY_KEY_BYTES_MAX + 1);

    char zeros[NUMBER_BYTES_MAX + 2] = "1."; /* with all the zeros there may be, and one more */
    memset(zeros + 2, '0', sizeof zeros - 4);
    assert_int_equal(decode_member(f, "usage_value", zeros)->error.code, QMS_OK);
    zeros[NUMBER_BYTES_MAX] = '0';
    assert_string_equal(decode_member(f, "usage_value", zeros)->error.text, "invalid usage value");

    char *metadata = arena_take_zeroed(&f->request.arena, METADATA_BYTES_MAX + 2, 1);
    memset(metadata, 'm', METADATA_BYTES_MAX);
    struct text item = arena_format(&f->request.arena, ITEM("\"a\"", ",\"metadata\":\"%s\""),
                                    metadata);
    assert_int_equal(decode_item(f, item.data)->error.code, QMS_OK);
    metadata[METADATA_BYTES_MAX] = 'm';
    item = arena_format(&f->request.arena, ITEM("\"a\"", ",\"metadata\":\"%s\""), metadata);
    assert_string_equal(decode_item(f, item.data)->error.text, "metadata is too long");
}

static void the_first_fault_of_an_item_is_told(void **state) {
    struct fixture *f = *state;
    const struct op *op = decode_item(f, "{\"x\":1,\"id\":\"a\",\"username\":7}");
    assert_string_equal(op->error.text, "x is not a member of a usage");
    assert_true(text_equal(op->key, TEXT("a")));
    op = decode_item(f, "{\"usage_value\":1e30,\"effective_date\":\"x\",\"y\":1}");
    assert_string_equal(op->error.text, "invalid usage value");
    op = decode_item(f, "{\"effective_date\":\"x\",\"usage_value\":1e30}");
    assert_string_equal(op->error.text, "invalid effective date");
}

static void a_wrong_item_does_not_disturb_its_neighbours(void **state) {
    struct fixture *f = *state;
    assert_true(decode(f, TEXT("[" ITEM("\"1\"", "") ",{\"id\":[{\"id\":\"2\"}]}," ITEM("\"3\"", "")
                               ",null," ITEM("\"5\"", ",\"no\":{\"id\":\"x\"}") ","
                               ITEM("\"6\"", "") "]")));
    static const char *const keys[] = {"1", NULL, "3", NULL, "5", "6"};
    static const bool good[] = {true, false, true, false, false, true};
    assert_int_equal(f->request.op_count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct op *op = &f->request.ops[i];
        assert_int_equal(op->error.code == QMS_OK, good[i]);
        if (keys[i] == NULL) assert_null(op->key.data);
        else assert_true(text_equal(op->key, text_of(keys[i])));
    }
}

static void a_body_that_is_no_array_fails_as_a_whole(void **state) {
    static const struct { const char *body, *text; } cases[] = {
        {"{}", "the body must be an array of usages"},
        {"null", "the body must be an array of usages"},
        {"7", "the body must be an array of usages"},
        {"\"[]\"", "the body must be an array of usages"},
        {"", "the body is not valid JSON: the text ends too early at byte 0"},
        {"  ", "the body is not valid JSON: the text ends too early at byte 2"},
        {"[", "the body is not valid JSON: the text ends too early at byte 1"},
        {"[1,]", "the body is not valid JSON: a value was expected at byte 3"},
        {"[] []", "the body is not valid JSON: bytes behind the value at byte 3"},
        {"[NaN]", "the body is not valid JSON: a value was expected at byte 1"},
        {"{\"a\":1,\"a\":2}", "the body is not valid JSON: a repeated name at byte 10"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(decode(f, text_of(cases[i].body)));
        assert_int_equal(f->error.code, QMS_BAD_REQUEST);
        assert_string_equal(f->error.text, cases[i].text);
    }
}

static void a_fault_of_the_json_anywhere_fails_all_items(void **state) {
    static const char *const lasts[] = {
        ITEM("\"b\"", ",\"id\":\"b\""), ITEM("\"b\"", ",\"x\":{\"y\":1,\"y\":1}"),
        "{\"id\":\"\xff\"}", "{\"id\":\"\\udc00\"}", "{\"usage_value\":01}",
        "{\"usage_value\":-Infinity}", "{\"id\":}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        assert_false(decode(f, arena_format(&f->request.arena, "[" ITEM("\"a\"", "") ",%s]",
                                            lasts[i])));
        assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    }
}

static void a_list_holds_ten_thousand_items_and_no_more(void **state) {
    struct fixture *f = *state;
    struct buffer body;
    buffer_init(&body, 1 << 20);
    buffer_put_char(&body, '[');
    for (int i = 1; i < USAGE_ITEMS_MAX; i++) buffer_put_text(&body, TEXT("{},"));
    buffer_put_text(&body, TEXT("{}]"));
    assert_true(decode(f, buffer_text(&body)));
    assert_int_equal(f->request.op_count, USAGE_ITEMS_MAX);
    body.length--;
    buffer_put_text(&body, TEXT(",0]"));
    assert_false(decode(f, buffer_text(&body)));
    assert_int_equal(f->error.code, QMS_TOO_LARGE);
    assert_string_equal(f->error.text, "a body holds at most 10000 usages");
    buffer_close(&body);
    assert_true(decode(f, TEXT(" [ ] ")));
    assert_int_equal(f->request.op_count, 0);
}

static void equal_content_has_an_equal_hash(void **state) {
    struct fixture *f = *state;
    assert_true(decode(f, TEXT("[" ITEM("\"1\"", "") "," ITEM("\"2\"", ",\"metadata\":null") ","
                               ITEM("\"3\"", ",\"metadata\":\"m\"") ",{\"usage_value\":1.0,"
                               "\"update_type\":\"ADD\",\"resource_name\":\"cpu.hours\","
                               "\"username\":\"bob\",\"id\":\"4\"}]")));
    const struct op *ops = f->request.ops;
    assert_memory_equal(ops[0].content, ops[1].content, 32);
    assert_memory_not_equal(ops[0].content, ops[2].content, 32);
    assert_memory_equal(ops[0].content, ops[3].content, 32);
}

static void results_are_as_agreed(void **state) {
    struct fixture *f = *state;
    struct op *ops = request_list(&f->request, OP_USAGE_RECORD, 7);
    ops[0].key = TEXT("nasa:1:749433603");
    ops[1].key = TEXT("nasa:2:749433604");
    ops[1].duplicate = true;
    ops[2].key = TEXT("");
    qms_fail(&ops[2].error, QMS_BAD_REQUEST, "id must not be empty");
    qms_fail(&ops[3].error, QMS_BAD_REQUEST, "id is missing");
    ops[4].key = TEXT("<&>\"\xc3\xa9");
    qms_fail(&ops[4].error, QMS_CONFLICT, "the id was used before with other content");
    ops[5].key = TEXT("x");
    qms_fail(&ops[5].error, QMS_INTERNAL, "disk I/O error in usages");
    ops[6].key = TEXT("y");
    qms_fail_code(&ops[6].error, QMS_OUTCOME_UNKNOWN);
    v2_encode_usages(&f->out, &f->request);
    golden_expect("v2_usages", buffer_text(&f->out));

    buffer_reset(&f->out);
    request_list(&f->request, OP_USAGE_RECORD, 0);
    v2_encode_usages(&f->out, &f->request);
    golden_expect("v2_usages_none", buffer_text(&f->out));
}

static void problems_are_as_agreed(void **state) {
    struct fixture *f = *state;
    v2_encode_problem(&f->out, 413, TEXT("a body holds at most 10000 usages"), TEXT("/v2/usages"));
    golden_expect("v2_problem", buffer_text(&f->out));
    buffer_reset(&f->out);
    v2_encode_problem(&f->out, 503, text_of(qms_code_text(QMS_BUSY)), TEXT(""));
    golden_expect("v2_problem_without_instance", buffer_text(&f->out));
}

static void every_status_of_the_code_list_has_a_title(void **state) {
    struct fixture *f = *state;
    for (enum qms_code code = QMS_BAD_REQUEST; code < QMS_CODE_COUNT; code++) {
        buffer_reset(&f->out);
        v2_encode_problem(&f->out, qms_code_http(code), TEXT("d"), TEXT(""));
        assert_null(memmem(f->out.data, f->out.length, "\"title\":\"Error\"", 15));
    }
}

static void a_page_of_overages_names_where_the_next_begins(void **state) {
    struct fixture *f = *state;
    struct overage_line lines[] = {
        {TEXT("ada"), TEXT("cpu.hours"), amount_of(200), amount_of(250)},
        {TEXT("bob"), TEXT("data.size"), amount_of(5368709120),
         wire_example_amount("5368709120.5")},
    };
    struct op op = {.operation = OP_OVERAGE_REPORT};
    op.out.listing.overages = lines;
    op.out.listing.count = 2;
    op.out.listing.more = true;
    v2_encode_overages(&f->out, &op);
    golden_expect("v2_overages", buffer_text(&f->out));

    op.out.listing.more = false; /* the same lines as the last page */
    buffer_reset(&f->out);
    v2_encode_overages(&f->out, &op);
    assert_true(f->out.length > 16);
    assert_memory_equal(f->out.data + f->out.length - 16, "}],\"next\":null}\n", 16);

    op.out.listing.count = 0;
    buffer_reset(&f->out);
    v2_encode_overages(&f->out, &op);
    golden_expect("v2_overages_none", buffer_text(&f->out));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    golden_open(argc, argv);
    const struct CMUnitTest tests[] = {
        CASE(an_item_is_decoded),
        CASE(what_is_optional_may_be_absent_or_null),
        CASE(an_item_that_is_wrong_in_itself_says_why),
        CASE(every_required_member_is_required),
        CASE(user_names_follow_the_rule),
        CASE(amounts_are_numbers_or_strings_that_hold_one),
        CASE(lengths_are_bounded),
        CASE(the_first_fault_of_an_item_is_told),
        CASE(a_wrong_item_does_not_disturb_its_neighbours),
        CASE(a_body_that_is_no_array_fails_as_a_whole),
        CASE(a_fault_of_the_json_anywhere_fails_all_items),
        CASE(a_list_holds_ten_thousand_items_and_no_more),
        CASE(equal_content_has_an_equal_hash),
        CASE(results_are_as_agreed),
        CASE(problems_are_as_agreed),
        CASE(every_status_of_the_code_list_has_a_title),
        CASE(a_page_of_overages_names_where_the_next_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
