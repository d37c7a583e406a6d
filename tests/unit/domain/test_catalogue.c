#include "domain/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ID(number) {.bytes = {[15] = (number)}}

static const struct resource_type resource_types[] = {
    {.id = ID(1), .name = TEXT("cpu.hours"), .unit = TEXT("cpu hours")},
    {.id = ID(2), .name = TEXT("data.size"), .unit = TEXT("bytes")},
};

/* In an order of their own: the choice must not depend on it. */
static const struct rate rates[] = {
    {.id = ID(12), .effective_us = 200},
    {.id = ID(11), .effective_us = 100},
    {.id = ID(13), .effective_us = 300},
};

static const struct quota_default defaults[] = {
    {.id = ID(22), .resource_type = &resource_types[0], .effective_us = 200},
    {.id = ID(21), .resource_type = &resource_types[0], .effective_us = 100},
    {.id = ID(23), .resource_type = &resource_types[1], .effective_us = 150},
};

static const struct plan plans[] = {
    {.id = ID(3), .name = TEXT("Basic"), .defaults = defaults, .default_count = COUNT(defaults),
     .rates = rates, .rate_count = COUNT(rates)},
    {.id = ID(4), .name = TEXT("Pro")},
};

static const struct addon addons[] = {
    {.id = ID(5), .name = TEXT("1 TB"), .rates = rates, .rate_count = COUNT(rates)},
};

static const struct catalogue catalogue = {
    .resource_types = resource_types, .resource_type_count = COUNT(resource_types),
    .plans = plans, .plan_count = COUNT(plans),
    .addons = addons, .addon_count = COUNT(addons),
};

static const struct uuid unknown = ID(99);

static void rows_are_found_by_id(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(resource_types); i++)
        assert_ptr_equal(catalogue_resource_type(&catalogue, &resource_types[i].id),
                         &resource_types[i]);
    for (size_t i = 0; i < COUNT(plans); i++)
        assert_ptr_equal(catalogue_plan(&catalogue, &plans[i].id), &plans[i]);
    assert_ptr_equal(catalogue_addon(&catalogue, &addons[0].id), &addons[0]);
    for (size_t i = 0; i < COUNT(rates); i++) {
        assert_ptr_equal(plan_rate(&plans[0], &rates[i].id), &rates[i]);
        assert_ptr_equal(addon_rate(&addons[0], &rates[i].id), &rates[i]);
    }
    assert_null(catalogue_resource_type(&catalogue, &unknown));
    assert_null(catalogue_plan(&catalogue, &unknown));
    assert_null(catalogue_addon(&catalogue, &unknown));
    assert_null(plan_rate(&plans[0], &unknown));
    assert_null(plan_rate(&plans[1], &rates[0].id));
    assert_null(addon_rate(&addons[0], &unknown));
}

static void rows_are_found_by_exact_name(void **state) {
    (void)state;
    assert_ptr_equal(catalogue_resource_named(&catalogue, TEXT("data.size")), &resource_types[1]);
    assert_null(catalogue_resource_named(&catalogue, TEXT("Data.Size")));
    assert_null(catalogue_resource_named(&catalogue, TEXT("data")));
    assert_null(catalogue_resource_named(&catalogue, TEXT("")));
    assert_ptr_equal(catalogue_plan_named(&catalogue, TEXT("Pro")), &plans[1]);
    assert_null(catalogue_plan_named(&catalogue, TEXT("pro")));
}

static void the_latest_rate_that_is_not_in_the_future_is_active(void **state) {
    (void)state;
    static const struct {
        int64_t now_us;
        const struct rate *rate;
    } cases[] = {
        {INT64_MIN, NULL}, {99, NULL},      {100, &rates[1]}, {199, &rates[1]},
        {200, &rates[0]},  {299, &rates[0]}, {300, &rates[2]}, {INT64_MAX, &rates[2]},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_ptr_equal(rate_active(rates, COUNT(rates), cases[i].now_us), cases[i].rate);
    assert_null(rate_active(NULL, 0, 300));
}

static void defaults_are_chosen_per_resource_type(void **state) {
    (void)state;
    static const struct {
        int64_t now_us;
        const struct quota_default *hours, *size;
    } cases[] = {
        {99, NULL, NULL},
        {100, &defaults[1], NULL},
        {150, &defaults[1], &defaults[2]},
        {199, &defaults[1], &defaults[2]},
        {200, &defaults[0], &defaults[2]},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ptr_equal(quota_default_active(&plans[0], &resource_types[0], cases[i].now_us),
                         cases[i].hours);
        assert_ptr_equal(quota_default_active(&plans[0], &resource_types[1], cases[i].now_us),
                         cases[i].size);
        assert_null(quota_default_active(&plans[1], &resource_types[0], cases[i].now_us));
    }
}

static void update_operations_are_named_in_capitals(void **state) {
    (void)state;
    assert_string_equal(update_operation_name(UPDATE_SET), "SET");
    assert_string_equal(update_operation_name(UPDATE_ADD), "ADD");
    enum update_operation operation = UPDATE_OPERATION_COUNT;
    assert_true(update_operation_named(TEXT("SET"), &operation) && operation == UPDATE_SET);
    assert_true(update_operation_named(TEXT("ADD"), &operation) && operation == UPDATE_ADD);
    static const struct text wrong[] = {TEXT(""), TEXT("add"), TEXT("Set"), TEXT("ADDS"),
                                        TEXT("SE"), TEXT("SUBTRACT"), TEXT("ADD ")};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(update_operation_named(wrong[i], &operation));
    assert_int_equal(operation, UPDATE_ADD);
}

/* The sanitizer sees memory that is used after the last holder, or left behind. */
static void the_last_holder_frees_the_catalogue(void **state) {
    (void)state;
    struct catalogue *made = catalogue_make();
    struct text name = arena_text(&made->arena, TEXT("Basic"));
    assert_ptr_equal(catalogue_hold(made), made);
    catalogue_release(made);
    assert_string_equal(name.data, "Basic");
    assert_int_equal(atomic_load(&made->holders), 1);
    catalogue_release(made);
    catalogue_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_id),
        cmocka_unit_test(rows_are_found_by_exact_name),
        cmocka_unit_test(the_latest_rate_that_is_not_in_the_future_is_active),
        cmocka_unit_test(defaults_are_chosen_per_resource_type),
        cmocka_unit_test(update_operations_are_named_in_capitals),
        cmocka_unit_test(the_last_holder_frees_the_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
