/* What a new store's catalogue holds, and when it is read again. */
#include "contract/contract.h"

static const struct catalogue *catalogue_of(struct store_fixture *fixture) {
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    assert_non_null(fixture->catalogue);
    return fixture->catalogue;
}

static const struct seeded_plan {
    const char *id, *name, *description;
    const char *rate_id, *rate;
    const char *cpu_id, *cpu, *data_id, *data; /* the defaults */
} seeded_plans[] = {
    {"99e47c22-950a-11ec-84a4-406c8f3e9cbb", "Basic", "Basic plan",
     "120c56e0-82a0-11ef-aac3-5a8d7f4f1112", "0",
     "46febbba-9511-11ec-8844-406c8f3e9cbb", "200",
     "60b3d5ae-9511-11ec-8844-406c8f3e9cbb", "5368709120"},
    {"c6d39580-98dc-11ec-bbe3-406c8f3e9cbb", "Regular", "Regular plan",
     "1db9ab6e-82a0-11ef-aac3-5a8d7f4f1112", "200",
     "e286b526-6e50-4395-99b0-431f76cb4dd9", "1000",
     "0ebd2c19-7c1d-4418-a02f-df5f6d782901", "53687091200"},
    {"cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb", "Pro", "Professional plan",
     "29f6cff6-82a0-11ef-aac3-5a8d7f4f1112", "340",
     "7efddabe-47d6-401c-b857-d08361397fcf", "20000",
     "2c39ff2f-2ec7-4ac8-a10e-79fd82b39c09", "3298534883328"},
    {"d80b5482-98dc-11ec-bbe3-406c8f3e9cbb", "Commercial", "Commercial plan",
     "312d94c6-82a0-11ef-aac3-5a8d7f4f1112", "2000",
     "1e3804ed-4ed3-4cd9-8e58-1e725fa79c1b", "50000",
     "de496045-b954-4f41-b068-3c71b32d2287", "5497558138880"},
};

enum { SEEDED_PLANS = sizeof seeded_plans / sizeof *seeded_plans };
static const int64_t SEEDED_US = INT64_C(1640995200000000);    /* 2022-01-01T00:00:00Z */
static const int64_t CPU_ADDON_US = INT64_C(1735689600000000); /* 2025-01-01T00:00:00Z */

static void a_new_store_has_the_plans_of_the_data_model(void **state) {
    const struct catalogue *catalogue = catalogue_of(*state);
    assert_int_equal(catalogue->plan_count, SEEDED_PLANS);
    for (size_t i = 0; i < SEEDED_PLANS; i++) {
        const struct plan *plan = &catalogue->plans[i];
        assert_uuid(&plan->id, seeded_plans[i].id);
        assert_text(plan->name, seeded_plans[i].name);
        assert_text(plan->description, seeded_plans[i].description);
        assert_int_equal(plan->rate_count, 1);
        assert_uuid(&plan->rates[0].id, seeded_plans[i].rate_id);
        assert_amount(plan->rates[0].rate, seeded_plans[i].rate);
        assert_int_equal(plan->rates[0].effective_us, SEEDED_US);
    }
}

static void a_new_store_has_the_quota_defaults_of_the_data_model(void **state) {
    const struct catalogue *catalogue = catalogue_of(*state);
    for (size_t i = 0; i < SEEDED_PLANS; i++) {
        const struct plan *plan = &catalogue->plans[i];
        assert_int_equal(plan->default_count, 2);
        const struct quota_default *cpu = &plan->defaults[0], *data = &plan->defaults[1];
        assert_uuid(&cpu->id, seeded_plans[i].cpu_id);
        assert_amount(cpu->value, seeded_plans[i].cpu);
        assert_text(cpu->resource_type->name, "cpu.hours");
        assert_int_equal(cpu->effective_us, SEEDED_US);
        assert_uuid(&data->id, seeded_plans[i].data_id);
        assert_amount(data->value, seeded_plans[i].data);
        assert_text(data->resource_type->name, "data.size");
        assert_int_equal(data->effective_us, SEEDED_US);
    }
}

static void a_new_store_has_the_resource_types_of_the_data_model(void **state) {
    const struct catalogue *catalogue = catalogue_of(*state);
    assert_int_equal(catalogue->resource_type_count, 2);
    const struct resource_type *cpu = &catalogue->resource_types[0];
    const struct resource_type *data = &catalogue->resource_types[1];
    assert_uuid(&cpu->id, "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb");
    assert_text(cpu->name, "cpu.hours");
    assert_text(cpu->unit, "cpu hours");
    assert_true(cpu->consumable);
    assert_uuid(&data->id, "99e3f91e-950a-11ec-84a4-406c8f3e9cbb");
    assert_text(data->name, "data.size");
    assert_text(data->unit, "bytes");
    assert_false(data->consumable);
}

static void a_new_store_has_the_addons_of_the_data_model(void **state) {
    const struct catalogue *catalogue = catalogue_of(*state);
    assert_int_equal(catalogue->addon_count, 2);
    const struct addon *data = &catalogue->addons[0], *cpu = &catalogue->addons[1];
    assert_uuid(&data->id, "c21dd61f-aa41-40ad-8005-859679ceed9c");
    assert_text(data->name, "1 TB");
    assert_text(data->description, "1 TB of data storage for one year.");
    assert_text(data->resource_type->name, "data.size");
    assert_amount(data->default_amount, "1099511627776");
    assert_true(data->default_paid);
    assert_int_equal(data->rate_count, 1);
    assert_uuid(&data->rates[0].id, "d612d958-82ad-11ef-b4b2-5a8d7f4f1112");
    assert_amount(data->rates[0].rate, "125");
    assert_int_equal(data->rates[0].effective_us, SEEDED_US);

    assert_uuid(&cpu->id, "f8d2066c-e3b2-4559-839e-88bfc997c89f");
    assert_text(cpu->name, "5000 CPU Hours");
    assert_text(cpu->description,
                "5000 CPU Hours to be used before the current subscription ends..");
    assert_text(cpu->resource_type->name, "cpu.hours");
    assert_amount(cpu->default_amount, "5000");
    assert_true(cpu->default_paid);
    assert_int_equal(cpu->rate_count, 1);
    assert_uuid(&cpu->rates[0].id, "672e49af-b7b7-4a0e-a929-00f4a1c5e7f2");
    assert_amount(cpu->rates[0].rate, "100");
    assert_int_equal(cpu->rates[0].effective_us, CPU_ADDON_US);
}

static void a_new_store_has_the_operations_of_the_data_model(void **state) {
    const struct catalogue *catalogue = catalogue_of(*state);
    assert_uuid(&catalogue->update_operation_ids[UPDATE_ADD],
                "f1f9df66-9676-11ec-aa73-406c8f3e9cbb");
    assert_uuid(&catalogue->update_operation_ids[UPDATE_SET],
                "f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb");
}

static void a_catalogue_that_has_not_changed_is_not_read_again(void **state) {
    struct store_fixture *fixture = *state;
    catalogue_of(fixture);
    store_fixture_begin(fixture, false, NULL, 0);
    assert_null(fixture->load.catalogue);
    store_fixture_end(fixture);
    fixture_user(fixture, "ada", "1");
    store_fixture_begin(fixture, false, NULL, 0);
    assert_null(fixture->load.catalogue);
    store_fixture_end(fixture);
}

static void who_has_no_catalogue_gets_one(void **state) {
    struct store_fixture *fixture = *state;
    int64_t version = catalogue_of(fixture)->version;
    catalogue_release(fixture->catalogue);
    fixture->catalogue = NULL;
    assert_int_equal(catalogue_of(fixture)->version, version);
}

static void a_catalogue_changed_by_others_is_read_again(void **state) {
    struct store_fixture *fixture = *state;
    static const struct {
        const char *sql;
    } changes[] = {
        {"UPDATE plans SET description = 'x' WHERE name = 'Basic'"},
        {"UPDATE plan_rates SET rate = '1' WHERE rate = '200'"},
        {"UPDATE plan_quota_defaults SET quota_value = '7' WHERE quota_value = '200'"},
        {"UPDATE resource_types SET unit = 'hours' WHERE name = 'cpu.hours'"},
        {"UPDATE addon_rates SET rate = '1' WHERE rate = '125'"},
        {"UPDATE addons SET description = 'x' WHERE name = '1 TB'"},
        {"UPDATE update_operations SET name = name"},
        {"DELETE FROM addon_rates WHERE rate = '100'"},
        {"DELETE FROM addons WHERE name = '1 TB'"},
        {"DELETE FROM plans WHERE name = 'Commercial'"},
    };
    int64_t version = catalogue_of(fixture)->version;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture->backend->foreign(fixture, changes[i].sql);
        assert_true(catalogue_of(fixture)->version > version);
        version = fixture->catalogue->version;
    }
    assert_int_equal(fixture->catalogue->plan_count, SEEDED_PLANS - 1);
    assert_amount(fixture->catalogue->plans[0].defaults[0].value, "7");
    assert_int_equal(fixture->catalogue->addon_count, 1);
}

static void a_null_consumable_is_false(void **state) {
    struct store_fixture *fixture = *state;
    fixture->backend->foreign(fixture, "UPDATE resource_types SET consumable = NULL");
    const struct catalogue *catalogue = catalogue_of(fixture);
    assert_false(catalogue->resource_types[0].consumable);
}

static void what_cannot_be_read_breaks_its_plan_or_addon_only(void **state) {
    struct store_fixture *fixture = *state;
    fixture->backend->foreign(fixture, "UPDATE plan_rates SET rate = 'NaN' WHERE rate = '340'");
    fixture->backend->foreign(fixture, "UPDATE plan_quota_defaults SET quota_value = 'NaN'"
                                       " WHERE quota_value = '50000'");
    fixture->backend->foreign(fixture, "UPDATE addons SET default_amount = 'NaN'"
                                       " WHERE name = '1 TB'");
    const struct catalogue *catalogue = catalogue_of(fixture);
    for (size_t i = 0; i < catalogue->plan_count; i++) {
        const struct plan *plan = &catalogue->plans[i];
        bool is_pro = text_equal(plan->name, TEXT("Pro"));
        bool is_commercial = text_equal(plan->name, TEXT("Commercial"));
        assert_int_equal(plan->broken, is_pro || is_commercial);
        assert_int_equal(plan->rate_count, is_pro ? 0 : 1);
        assert_int_equal(plan->default_count, is_commercial ? 1 : 2);
    }
    assert_int_equal(catalogue->addon_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct addon *addon = &catalogue->addons[i];
        assert_int_equal(addon->broken, text_equal(addon->name, TEXT("1 TB")));
        assert_int_equal(addon->rate_count, 1);
    }
    fixture->backend->foreign(fixture, "UPDATE plan_rates SET rate = '340' WHERE rate = 'NaN'");
    assert_false(catalogue_plan_named(catalogue_of(fixture), TEXT("Pro"))->broken);
}

static void a_rate_of_an_addon_that_cannot_be_read_breaks_it(void **state) {
    struct store_fixture *fixture = *state;
    fixture->backend->foreign(fixture, "UPDATE addon_rates SET rate = 'NaN' WHERE rate = '125'");
    const struct catalogue *catalogue = catalogue_of(fixture);
    for (size_t i = 0; i < 2; i++) {
        const struct addon *addon = &catalogue->addons[i];
        assert_int_equal(addon->broken, text_equal(addon->name, TEXT("1 TB")));
        assert_int_equal(addon->rate_count, addon->broken ? 0 : 1);
    }
}

static void a_catalogue_without_operations_is_not_used(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error = {0};
    bool stale;
    fixture->backend->foreign(fixture, "UPDATE update_operations SET name = 'x' WHERE"
                                       " name = 'ADD'");
    struct store_load load = {.arena = &fixture->arena, .catalogue_version = -1};
    const struct store_ops *ops = fixture->store->ops;
    assert_true(ops->begin(fixture->store, false, &stale, &error));
    assert_false(ops->load(fixture->store, &load, &error));
    assert_int_equal(error.code, QMS_INTERNAL);
    assert_null(load.catalogue);
    fixture->backend->foreign(fixture, "UPDATE update_operations SET name = 'ADD' WHERE"
                                       " name = 'x'");
    catalogue_of(fixture);
}

int contract_catalogue(void) {
    const struct sentence sentences[] = {
        SENTENCE(a_new_store_has_the_plans_of_the_data_model),
        SENTENCE(a_new_store_has_the_quota_defaults_of_the_data_model),
        SENTENCE(a_new_store_has_the_resource_types_of_the_data_model),
        SENTENCE(a_new_store_has_the_addons_of_the_data_model),
        SENTENCE(a_new_store_has_the_operations_of_the_data_model),
        SENTENCE(a_catalogue_that_has_not_changed_is_not_read_again),
        SENTENCE(who_has_no_catalogue_gets_one),
        SENTENCE_OF(NEED_FOREIGN, a_catalogue_changed_by_others_is_read_again),
        SENTENCE_OF(NEED_FOREIGN, a_null_consumable_is_false),
        SENTENCE_OF(NEED_FOREIGN, what_cannot_be_read_breaks_its_plan_or_addon_only),
        SENTENCE_OF(NEED_FOREIGN, a_rate_of_an_addon_that_cannot_be_read_breaks_it),
        SENTENCE_OF(NEED_FOREIGN, a_catalogue_without_operations_is_not_used),
    };
    return contract_run("catalogue", sentences, sizeof sentences / sizeof sentences[0]);
}
