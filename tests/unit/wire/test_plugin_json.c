#include "wire/plugin_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena, 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_close(&arena);
    return 0;
}

static void a_descriptor_is_read_as_it_is_answered(void **state) {
    (void)state;
    struct plugins plugins;
    struct qms_error error = {0};
    static const char input[] =
        "[{\"metricDescriptors\":[{\"metricIdentifier\":\"disk.size.gb\",\"nameLabelKey\":\"n\","
        "\"unitLabelKey\":\"u\",\"categoryLabelKey\":\"c\",\"entityType\":\"volumes\","
        "\"resourceMetricType\":\"GAUGE\",\"type\":\"DISK_SIZE\",\"labelKey\":\"l\"},"
        "{\"metricIdentifier\":\"traffic\",\"resourceMetricType\":\"COUNTER\"}],"
        "\"quotaMetricIdentifiers\":[\"disk.size.gb\"],\"supportsQuota\":true,"
        "\"type\":\"mine\"},{\"type\":\"bare\"}]";
    assert_true(plugin_json_read(text_of(input), &arena, &plugins, &error) ||
                (print_error("%s\n", error.text), false));
    assert_int_equal(plugins.count, 2);
    const struct plugin *plugin = plugin_find(&plugins, TEXT("mine"));
    assert_int_equal(plugin->metric_count, 2);
    const struct metric_descriptor *disk = plugin_metric(plugin, TEXT("disk.size.gb"));
    assert_true(disk->is_enforced);
    assert_false(disk->is_counter);
    assert_true(text_equal(disk->name_label, TEXT("n")));
    assert_true(text_equal(disk->unit_label, TEXT("u")));
    assert_true(text_equal(disk->category_label, TEXT("c")));
    assert_true(text_equal(disk->entity_type, TEXT("volumes")));
    assert_true(text_equal(disk->legacy_type, TEXT("DISK_SIZE")));
    assert_true(text_equal(disk->label_key, TEXT("l")));
    const struct metric_descriptor *traffic = plugin_metric(plugin, TEXT("traffic"));
    assert_false(traffic->is_enforced);
    assert_true(traffic->is_counter);
    assert_false(plugin_supports_quotas(plugin_find(&plugins, TEXT("bare"))));
}

static void what_rules_cannot_work_with_is_refused(void **state) {
    (void)state;
    static const char *const inputs[] = {
        "", "{}", "[1]", "[{}]", "[{\"type\":\"\"}]", "[{\"type\":\"a\"},{\"type\":\"a\"}]",
        "[{\"type\":\"a\",\"quotaMetricIdentifers\":[]}]",
        "[{\"type\":\"a\",\"quotaMetricIdentifiers\":[\"x\"]}]",
        "[{\"type\":\"a\",\"metricDescriptors\":[{}]}]",
        "[{\"type\":\"a\",\"metricDescriptors\":[{\"metricIdentifier\":\"x\"},"
        "{\"metricIdentifier\":\"x\"}]}]",
        "[{\"type\":\"a\",\"metricDescriptors\":[{\"metricIdentifier\":\"x\","
        "\"resourceMetricType\":\"DIAL\"}]}]",
        "[{\"type\":\"a\",\"quotaMetricIdentifiers\":[\"x\"],\"metricDescriptors\":"
        "[{\"metricIdentifier\":\"x\",\"resourceMetricType\":\"COUNTER\"}]}]",
        "[{\"type\":\"a\"}] x",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct plugins plugins;
        struct qms_error error = {0};
        if (plugin_json_read(text_of(inputs[i]), &arena, &plugins, &error))
            fail_msg("accepted: %s", inputs[i]);
        assert_int_equal(error.code, QMS_BAD_REQUEST);
    }
}

static void the_builtin_plugins_are_sound(void **state) {
    (void)state;
    struct qms_error error;
    assert_true(plugins_check(&plugins_builtin, &error));
    assert_true(plugin_supports_quotas(plugin_find(&plugins_builtin, TEXT("cloudca"))));
    assert_false(plugin_supports_quotas(plugin_find(&plugins_builtin, TEXT("swift"))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_descriptor_is_read_as_it_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(what_rules_cannot_work_with_is_refused, setup, teardown),
        cmocka_unit_test(the_builtin_plugins_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
