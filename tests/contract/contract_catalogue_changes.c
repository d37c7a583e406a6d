/* The catalogue as batches write it. */
#include "contract/contract.h"

static const char CPU[] = "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb";
static const char DATA[] = "99e3f91e-950a-11ec-84a4-406c8f3e9cbb";
static const char TB_ADDON[] = "c21dd61f-aa41-40ad-8005-859679ceed9c";
static const char TB_RATE[] = "d612d958-82ad-11ef-b4b2-5a8d7f4f1112";
static const char NEW_ID[] = "0198a000-0000-7000-8000-000000000001";
static const char NEWER_ID[] = "0198a000-0000-7000-8000-000000000002";

static void *row_make(struct store_fixture *fixture, size_t bytes) {
    return arena_take_zeroed(&fixture->arena, 1, bytes);
}

static struct rate_row *rate_make(struct store_fixture *fixture, const char *id, const char *owner,
                                  const char *rate, int64_t effective_us, enum row_state state) {
    struct rate_row *row = row_make(fixture, sizeof *row);
    *row = (struct rate_row){
        .id = fixture_uuid(id),
        .owner_id = fixture_uuid(owner),
        .rate = fixture_amount(rate),
        .effective_us = effective_us,
        .state = state,
    };
    return row;
}

static struct quota_default_row *default_make(struct store_fixture *fixture, const char *id,
                                              const char *plan, const char *value,
                                              int64_t effective_us, enum row_state state) {
    struct quota_default_row *row = row_make(fixture, sizeof *row);
    *row = (struct quota_default_row){
        .id = fixture_uuid(id),
        .plan_id = fixture_uuid(plan),
        .resource_type_id = fixture_uuid(CPU),
        .value = fixture_amount(value),
        .effective_us = effective_us,
        .state = state,
    };
    return row;
}

static const struct catalogue *commit_catalogue(struct store_fixture *fixture) {
    int64_t version = fixture->catalogue->version;
    store_fixture_commit(fixture);
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    assert_non_null(fixture->load.catalogue);
    assert_int_not_equal(fixture->catalogue->version, version);
    return fixture->catalogue;
}

static void a_new_plan_comes_last_with_its_rates_and_defaults(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    struct plan_row *plan = row_make(fixture, sizeof *plan);
    *plan = (struct plan_row){
        .id = fixture_uuid(NEW_ID),
        .name = TEXT("Advanced"),
        .description = TEXT("More"),
    };
    changes_catalogue(changes, &changes->plans, plan);
    changes_catalogue(changes, &changes->plan_rates,
                      rate_make(fixture, NEWER_ID, NEW_ID, "5", 200, ROW_INSERTED));
    changes_catalogue(changes, &changes->plan_rates,
                      rate_make(fixture, TB_RATE, NEW_ID, "4", 100, ROW_INSERTED));
    changes_catalogue(changes, &changes->quota_defaults,
                      default_make(fixture, NEW_ID, NEW_ID, "7.5", 300, ROW_INSERTED));
    const struct catalogue *catalogue = commit_catalogue(fixture);
    assert_int_equal(catalogue->plan_count, 5);
    const struct plan *stored = &catalogue->plans[4];
    assert_uuid(&stored->id, NEW_ID);
    assert_text(stored->name, "Advanced");
    assert_text(stored->description, "More");
    assert_int_equal(stored->rate_count, 2);
    assert_amount(stored->rates[0].rate, "4");
    assert_int_equal(stored->rates[0].effective_us, 100);
    assert_amount(stored->rates[1].rate, "5");
    assert_int_equal(stored->default_count, 1);
    assert_amount(stored->defaults[0].value, "7.5");
    assert_int_equal(stored->defaults[0].effective_us, 300);
    assert_int_equal(catalogue->plans[3].rate_count, 1);
    assert_int_equal(catalogue->plans[3].default_count, 2);
}

static void a_quota_default_can_change(void **state) {
    struct store_fixture *fixture = *state;
    static const char BASIC[] = "99e47c22-950a-11ec-84a4-406c8f3e9cbb";
    static const char BASIC_CPU[] = "46febbba-9511-11ec-8844-406c8f3e9cbb";
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    changes_catalogue(changes, &changes->quota_defaults,
                      default_make(fixture, BASIC_CPU, BASIC, "300", 100, ROW_CHANGED));
    const struct catalogue *catalogue = commit_catalogue(fixture);
    assert_int_equal(catalogue->plans[0].default_count, 2);
    assert_uuid(&catalogue->plans[0].defaults[0].id, BASIC_CPU);
    assert_amount(catalogue->plans[0].defaults[0].value, "300");
    assert_int_equal(catalogue->plans[0].defaults[0].effective_us, 100);
}

static void resource_types_are_made_and_changed(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    struct resource_type_row *gpu = row_make(fixture, sizeof *gpu);
    *gpu = (struct resource_type_row){
        .id = fixture_uuid(NEW_ID),
        .name = TEXT("gpu.hours"),
        .unit = TEXT("gpu hours"),
        .consumable = true,
        .state = ROW_INSERTED,
    };
    struct resource_type_row *data = row_make(fixture, sizeof *data);
    *data = (struct resource_type_row){
        .id = fixture_uuid(DATA),
        .name = TEXT("a.data"),
        .unit = TEXT("GiB"),
        .consumable = true,
        .state = ROW_CHANGED,
    };
    changes_catalogue(changes, &changes->resource_types, gpu);
    changes_catalogue(changes, &changes->resource_types, data);
    const struct catalogue *catalogue = commit_catalogue(fixture);
    assert_int_equal(catalogue->resource_type_count, 3);
    assert_uuid(&catalogue->resource_types[0].id, DATA);
    assert_text(catalogue->resource_types[0].name, "a.data");
    assert_text(catalogue->resource_types[0].unit, "GiB");
    assert_true(catalogue->resource_types[0].consumable);
    assert_text(catalogue->resource_types[2].name, "gpu.hours");
    assert_true(catalogue->resource_types[2].consumable);
}

static struct addon_row *addon_make(struct store_fixture *fixture, const char *id,
                                    struct text name, enum row_state state) {
    struct addon_row *row = row_make(fixture, sizeof *row);
    *row = (struct addon_row){
        .id = fixture_uuid(id),
        .resource_type_id = fixture_uuid(CPU),
        .name = name,
        .description = TEXT("described"),
        .default_amount = fixture_amount("12.5"),
        .state = state,
    };
    return row;
}

static void addons_are_made_changed_and_deleted(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    changes_catalogue(changes, &changes->addons,
                      addon_make(fixture, NEW_ID, TEXT("0 new"), ROW_INSERTED));
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, NEWER_ID, NEW_ID, "9", 100, ROW_INSERTED));
    changes_catalogue(changes, &changes->addons,
                      addon_make(fixture, TB_ADDON, TEXT("2 TB"), ROW_CHANGED));
    const struct catalogue *catalogue = commit_catalogue(fixture);
    assert_int_equal(catalogue->addon_count, 3);
    assert_uuid(&catalogue->addons[0].id, NEW_ID);
    assert_amount(catalogue->addons[0].default_amount, "12.5");
    assert_false(catalogue->addons[0].default_paid);
    assert_int_equal(catalogue->addons[0].rate_count, 1);
    assert_amount(catalogue->addons[0].rates[0].rate, "9");
    assert_text(catalogue->addons[1].name, "2 TB");
    assert_text(catalogue->addons[1].description, "described");
    assert_text(catalogue->addons[1].resource_type->name, "cpu.hours");

    store_fixture_begin(fixture, true, NULL, 0);
    changes_catalogue(changes, &changes->addons,
                      addon_make(fixture, NEW_ID, TEXT("0 new"), ROW_DELETED));
    catalogue = commit_catalogue(fixture);
    assert_int_equal(catalogue->addon_count, 2);
    assert_text(catalogue->addons[0].name, "2 TB");
    assert_int_equal(catalogue->addons[0].rate_count, 1);
}

static void the_list_of_an_addons_rates_can_be_replaced(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, NEW_ID, TB_ADDON, "1", 100, ROW_INSERTED));
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, NEWER_ID, TB_ADDON, "2", 200, ROW_INSERTED));
    commit_catalogue(fixture);

    /* one goes, and the others exchange their dates, one taking that of the one that goes */
    store_fixture_begin(fixture, true, NULL, 0);
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, NEW_ID, TB_ADDON, "10", 200, ROW_CHANGED));
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, NEWER_ID, TB_ADDON, "20", 100, ROW_CHANGED));
    changes_catalogue(changes, &changes->addon_rates,
                      rate_make(fixture, TB_RATE, TB_ADDON, "0", 0, ROW_DELETED));
    const struct catalogue *catalogue = commit_catalogue(fixture);
    const struct addon *addon = &catalogue->addons[0];
    assert_int_equal(addon->rate_count, 2);
    assert_uuid(&addon->rates[0].id, NEWER_ID);
    assert_amount(addon->rates[0].rate, "20");
    assert_int_equal(addon->rates[0].effective_us, 100);
    assert_uuid(&addon->rates[1].id, NEW_ID);
    assert_amount(addon->rates[1].rate, "10");
    assert_int_equal(addon->rates[1].effective_us, 200);
}

static void a_name_that_is_taken_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    struct changes *changes = &fixture->changes;
    struct plan_row *plan = row_make(fixture, sizeof *plan);
    *plan = (struct plan_row){
        .id = fixture_uuid(NEW_ID),
        .name = TEXT("Basic"),
        .description = TEXT(""),
    };
    changes_catalogue(changes, &changes->plans, plan);
    assert_int_equal(store_fixture_save(fixture), STORE_REFUSED);
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    assert_null(fixture->load.catalogue);
    assert_int_equal(fixture->catalogue->plan_count, 4);
}

int contract_catalogue_changes(void) {
    const struct sentence sentences[] = {
        SENTENCE(a_new_plan_comes_last_with_its_rates_and_defaults),
        SENTENCE(a_quota_default_can_change),
        SENTENCE(resource_types_are_made_and_changed),
        SENTENCE(addons_are_made_changed_and_deleted),
        SENTENCE(the_list_of_an_addons_rates_can_be_replaced),
        SENTENCE(a_name_that_is_taken_is_refused),
    };
    return contract_run("catalogue changes", sentences, sizeof sentences / sizeof sentences[0]);
}
