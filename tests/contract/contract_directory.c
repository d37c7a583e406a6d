/* What CloudMC manages: written row by row, read whole, and refused where it would contradict
 * itself. What is read back is compared with what the rules go on with after a commit. */
#include "contract/contract.h"

static const int64_t THEN_US = INT64_C(1790000000000000);

/* ---- rows ---- */

struct rows {
    struct organization_row company, team;
    struct cloud_user_row user;
    struct role_binding_row binding;
    struct api_key_row key;
    struct connection_row connection;
    struct quota_detail details[2];
    struct cloud_quota_row quota;
    struct assignment_row assignment;
    struct environment_row environment;
    struct task_row task;
};

static struct uuid id_of(unsigned number) {
    struct uuid id = {{1, 2, 3, 4, 5, 6, 0x70, 7, 0x80}};
    id.bytes[15] = (uint8_t)number;
    return id;
}

static struct uuid system_id(const struct store_fixture *fixture) {
    return fixture->cloud->system->row.id;
}

static void fill_quota(struct rows *rows) {
    rows->details[0] = (struct quota_detail){
        .id = id_of(20), .metric = TEXT("instance.cpu.count"), .ceiling = fixture_amount("-1")};
    rows->details[1] = (struct quota_detail){
        .id = id_of(21), .metric = TEXT("disk.size.gb"), .ceiling = fixture_amount("0.125")};
    rows->quota = (struct cloud_quota_row){
        .id = id_of(6), .created_us = THEN_US, .connection_id = id_of(5), .owner_id = id_of(1),
        .name = TEXT("gold"), .description = TEXT("a\nb"), .default_for_service = true,
        .version = 7, .replaces_details = true, .details = rows->details, .detail_count = 2};
}

static void fill(struct rows *rows, const struct uuid *system) {
    *rows = (struct rows){
        .company = {.id = id_of(1), .created_us = THEN_US, .parent_id = *system,
                    .name = TEXT("Soci\xc3\xa9t\xc3\xa9"), .entry_point = TEXT("soc"),
                    .is_reseller = true},
        .team = {.id = id_of(2), .created_us = THEN_US + 1, .parent_id = id_of(1),
                 .name = TEXT("Team"), .is_trial = true},
        .user = {.id = id_of(3), .created_us = THEN_US, .organization_id = id_of(2),
                 .name = TEXT("ada"), .email = TEXT("ada@example.org"), .status = USER_DISABLED},
        .binding = {.id = id_of(4), .created_us = THEN_US, .user_id = id_of(3),
                    .organization_id = id_of(2), .role = ROLE_REPORTER,
                    .qualifier = SCOPE_ORG_SUBS, .is_primary = true},
        .key = {.id = id_of(9), .created_us = THEN_US, .user_id = id_of(3), .name = TEXT("laptop"),
                .hash = {1, 2, 3}, .used_us = THEN_US + 5, .used_address = TEXT("::1")},
        .connection = {.id = id_of(5), .created_us = THEN_US, .owner_id = id_of(1),
                       .name = TEXT("Link"), .service_code = TEXT("link"), .type = TEXT("cloudca"),
                       .supports_quotas = true},
        .assignment = {.id = id_of(7), .created_us = THEN_US, .organization_id = id_of(2),
                       .connection_id = id_of(5), .connection_state = CONNECTION_ERROR_PURGING,
                       .quota_id = id_of(6), .applied = true},
        .environment = {.id = id_of(8), .created_us = THEN_US, .organization_id = id_of(2),
                        .connection_id = id_of(5), .name = TEXT("prod"),
                        .connection_state = CONNECTION_PENDING},
        .task = {.id = id_of(10), .created_us = THEN_US, .user_id = id_of(3),
                 .organization_id = id_of(1), .object = TASK_OF_QUOTA, .object_id = id_of(6),
                 .object_name = TEXT("gold"), .status = TASK_FAILED},
    };
    fill_quota(rows);
}

static void list_all(struct store_fixture *fixture, struct rows *rows, enum row_state state) {
    struct changes *changes = &fixture->changes;
    changes->directory_version = fixture->cloud->version;
    changes_directory(changes, DIRECTORY_ORGANIZATIONS, &rows->company, state);
    changes_directory(changes, DIRECTORY_ORGANIZATIONS, &rows->team, state);
    changes_directory(changes, DIRECTORY_USERS, &rows->user, state);
    changes_directory(changes, DIRECTORY_BINDINGS, &rows->binding, state);
    changes_directory(changes, DIRECTORY_KEYS, &rows->key, state);
    changes_directory(changes, DIRECTORY_CONNECTIONS, &rows->connection, state);
    changes_directory(changes, DIRECTORY_QUOTAS, &rows->quota, state);
    changes_directory(changes, DIRECTORY_ASSIGNMENTS, &rows->assignment, state);
    changes_directory(changes, DIRECTORY_ENVIRONMENTS, &rows->environment, state);
    changes_directory(changes, DIRECTORY_TASKS, &rows->task, state);
}

/* ---- a directory as text ---- */

static void put_id(struct buffer *out, const struct uuid *id) {
    char text[UUID_TEXT_BYTES];
    uuid_format(id, text);
    buffer_format(out, " %.*s", UUID_TEXT_BYTES, text);
}

static void put_text(struct buffer *out, struct text text) {
    buffer_format(out, " <%.*s>", TEXT_ARGUMENTS(text));
}

static void put_quota(struct buffer *out, const struct cloud_quota_row *quota) {
    put_id(out, &quota->connection_id);
    put_id(out, &quota->owner_id);
    put_text(out, quota->name);
    put_text(out, quota->description);
    buffer_format(out, " %d %d %lld", quota->default_for_service, quota->default_for_trial,
                  (long long)quota->version);
    for (size_t i = 0; i < quota->detail_count; i++) {
        char digits[AMOUNT_TEXT_MAX];
        struct text ceiling = {digits, amount_format(quota->details[i].ceiling, digits)};
        put_id(out, &quota->details[i].id);
        put_text(out, quota->details[i].metric);
        put_text(out, ceiling);
    }
}

static void put_user(struct buffer *out, const struct cloud_user_row *user) {
    put_id(out, &user->organization_id);
    put_text(out, user->name);
    put_text(out, user->email);
    buffer_format(out, " %d", user->status);
}

static void put_key(struct buffer *out, const struct api_key_row *key) {
    put_id(out, &key->user_id);
    put_text(out, key->name);
    for (int i = 0; i < 32; i++) buffer_format(out, "%02x", key->hash[i]);
    buffer_format(out, " %lld", (long long)key->used_us);
    put_text(out, key->used_address);
}

static void put_place(struct buffer *out, const struct assignment_row *assignment) {
    put_id(out, &assignment->organization_id);
    put_id(out, &assignment->connection_id);
    buffer_format(out, " %d %d", assignment->connection_state, assignment->applied);
    put_id(out, &assignment->quota_id);
}

static void put_task(struct buffer *out, const struct task_row *task) {
    put_id(out, &task->user_id);
    put_id(out, &task->organization_id);
    put_id(out, &task->object_id);
    put_text(out, task->object_name);
    buffer_format(out, " %d %d", task->object, task->status);
}

static void put_row(struct buffer *out, enum directory_kind kind, const void *row) {
    const struct organization_row *organization = row;
    const struct role_binding_row *binding = row;
    const struct connection_row *connection = row;
    const struct environment_row *environment = row;
    switch (kind) {
    case DIRECTORY_ORGANIZATIONS:
        put_id(out, &organization->parent_id);
        put_text(out, organization->name);
        put_text(out, organization->entry_point);
        buffer_format(out, " %d %d", organization->is_trial, organization->is_reseller);
        break;
    case DIRECTORY_USERS: put_user(out, row); break;
    case DIRECTORY_BINDINGS:
        put_id(out, &binding->user_id);
        put_id(out, &binding->organization_id);
        buffer_format(out, " %d %d %d", binding->role, binding->qualifier, binding->is_primary);
        break;
    case DIRECTORY_KEYS: put_key(out, row); break;
    case DIRECTORY_CONNECTIONS:
        put_id(out, &connection->owner_id);
        put_text(out, connection->name);
        put_text(out, connection->service_code);
        put_text(out, connection->type);
        buffer_format(out, " %d", connection->supports_quotas);
        break;
    case DIRECTORY_QUOTAS: put_quota(out, row); break;
    case DIRECTORY_ASSIGNMENTS: put_place(out, row); break;
    case DIRECTORY_ENVIRONMENTS:
        put_id(out, &environment->organization_id);
        put_id(out, &environment->connection_id);
        put_text(out, environment->name);
        buffer_format(out, " %d", environment->connection_state);
        break;
    case DIRECTORY_TASKS: put_task(out, row); break;
    case DIRECTORY_KIND_COUNT: break;
    }
}

void contract_describe(const struct directory *directory, struct buffer *out) {
    buffer_init(out, 1 << 20);
    buffer_format(out, "version %lld\n", (long long)directory->version);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        for (size_t i = 0; i < directory_count(directory, (enum directory_kind)kind); i++) {
            const struct directory_row *row = directory_at(directory, (enum directory_kind)kind, i);
            buffer_format(out, "%d", kind);
            put_id(out, &row->id);
            buffer_format(out, " %lld", (long long)row->created_us);
            put_row(out, (enum directory_kind)kind, row);
            buffer_format(out, "\n");
        }
    }
    assert_false(out->failed);
}

static void look(struct store_fixture *fixture) {
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    assert_non_null(fixture->cloud);
}

/* Commits, then reads it as somebody who has nothing does, and compares that with what the rules
 * would go on with. */
static void commit_and_compare(struct store_fixture *fixture) {
    struct buffer expected, found;
    struct directory *next = directory_apply(fixture->cloud, &fixture->changes);
    store_fixture_commit(fixture);
    directory_release(fixture->cloud);
    fixture->cloud = NULL;
    look(fixture);
    contract_describe(next, &expected);
    contract_describe(fixture->cloud, &found);
    if (expected.length != found.length ||
        memcmp(expected.data, found.data, found.length) != 0)
        fail_msg("expected\n%.*s\nread\n%.*s", (int)expected.length, expected.data,
                 (int)found.length, found.data);
    buffer_close(&expected);
    buffer_close(&found);
    directory_release(next);
}

static void begin(struct store_fixture *fixture) {
    store_fixture_begin(fixture, true, NULL, 0);
}

static void store_all(struct store_fixture *fixture, struct rows *rows) {
    look(fixture);
    struct uuid system = system_id(fixture);
    fill(rows, &system);
    begin(fixture);
    list_all(fixture, rows, ROW_INSERTED);
    commit_and_compare(fixture);
}

/* ---- sentences ---- */

static void a_new_store_has_the_system_organization_and_its_operator(void **state) {
    struct store_fixture *fixture = *state;
    look(fixture);
    const struct directory *directory = fixture->cloud;
    assert_uuid(&directory->system->row.id, "5a1e330c-62b4-4d0e-9c4f-71a90b2d7001");
    assert_text(directory->system->row.name, "System");
    assert_int_equal(directory_count(directory, DIRECTORY_ORGANIZATIONS), 1);
    const struct cloud_user *user = directory->system->users;
    assert_uuid(&user->row.id, "5a1e330c-62b4-4d0e-9c4f-71a90b2d7002");
    assert_text(user->row.name, "operator");
    assert_int_equal(user->row.status, USER_ACTIVE);
    assert_int_equal(user->primary->row.role, ROLE_OPERATOR);
    assert_int_equal(user->primary->row.qualifier, SCOPE_GLOBAL);
    assert_int_equal(directory_count(directory, DIRECTORY_KEYS), 0);
}

static void rows_of_every_kind_are_read_as_they_were_written(void **state) {
    struct rows rows;
    store_all(*state, &rows);
}

static void rows_of_every_kind_can_be_changed(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    begin(fixture);
    rows.company.entry_point = TEXT("");
    rows.team.is_trial = false;
    rows.user.status = USER_ACTIVE;
    rows.binding.organization_id = (struct uuid){0};
    rows.binding.qualifier = SCOPE_GLOBAL;
    rows.binding.role = ROLE_OPERATOR;
    rows.key.used_us += 1000000;
    rows.key.used_address = TEXT("192.0.2.1");
    rows.connection.name = TEXT("Other");
    rows.quota.name = TEXT("silver");
    rows.quota.default_for_service = false;
    rows.quota.default_for_trial = true;
    rows.quota.version++;
    rows.details[0].ceiling = fixture_amount("12345678901234567890.5");
    rows.quota.detail_count = 1;
    rows.assignment.quota_id = (struct uuid){0};
    rows.assignment.applied = false;
    rows.environment.connection_state = CONNECTION_PROVISIONED;
    rows.task.status = TASK_SUCCESS;
    list_all(fixture, &rows, ROW_CHANGED);
    commit_and_compare(fixture);
}

static void a_quota_that_keeps_its_details_keeps_them(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    begin(fixture);
    rows.quota.version++;
    rows.quota.replaces_details = false;
    rows.quota.details = NULL;
    rows.quota.detail_count = 0;
    fixture->changes.directory_version = fixture->cloud->version;
    changes_directory(&fixture->changes, DIRECTORY_QUOTAS, &rows.quota, ROW_CHANGED);
    commit_and_compare(fixture);
    assert_int_equal(directory_quota(fixture->cloud, &rows.quota.id)->row.detail_count, 2);
}

static void what_is_deleted_is_gone_and_its_names_are_free(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    begin(fixture);
    list_all(fixture, &rows, ROW_DELETED);
    commit_and_compare(fixture);
    assert_int_equal(directory_count(fixture->cloud, DIRECTORY_ORGANIZATIONS), 1);
    struct rows again;
    struct uuid system = system_id(fixture);
    fill(&again, &system);
    begin(fixture);
    again.connection.owner_id = system;
    again.connection.id = id_of(40);
    again.company.id = id_of(41); /* the same entry point */
    fixture->changes.directory_version = fixture->cloud->version;
    changes_directory(&fixture->changes, DIRECTORY_ORGANIZATIONS, &again.company, ROW_INSERTED);
    changes_directory(&fixture->changes, DIRECTORY_CONNECTIONS, &again.connection, ROW_INSERTED);
    commit_and_compare(fixture);
}

static void a_directory_that_has_not_changed_is_not_read_again(void **state) {
    struct store_fixture *fixture = *state;
    look(fixture);
    look(fixture);
    assert_null(fixture->load.directory);
    fixture_user(fixture, "ada", "1");
    look(fixture);
    assert_null(fixture->load.directory);
}

static void changes_decided_on_another_version_are_overtaken(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    begin(fixture);
    rows.company.name = TEXT("Lost");
    changes_directory(&fixture->changes, DIRECTORY_ORGANIZATIONS, &rows.company, ROW_CHANGED);
    fixture->changes.directory_version = fixture->cloud->version - 1;
    assert_int_equal(store_fixture_save(fixture), STORE_OVERTAKEN);
    int64_t version = fixture->cloud->version;
    directory_release(fixture->cloud);
    fixture->cloud = NULL;
    look(fixture);
    assert_int_equal(fixture->cloud->version, version);
    assert_text(directory_organization(fixture->cloud, &rows.company.id)->row.name,
                "Soci\xc3\xa9t\xc3\xa9");
}

static void a_default_moves_in_one_transaction(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    struct cloud_quota_row other = rows.quota;
    other.id = id_of(30);
    other.name = TEXT("other");
    rows.quota.default_for_service = false;
    begin(fixture);
    fixture->changes.directory_version = fixture->cloud->version;
    changes_directory(&fixture->changes, DIRECTORY_QUOTAS, &rows.quota, ROW_CHANGED);
    changes_directory(&fixture->changes, DIRECTORY_QUOTAS, &other, ROW_INSERTED);
    commit_and_compare(fixture);
    begin(fixture);
    fixture->changes.directory_version = fixture->cloud->version;
    rows.quota.default_for_service = true; /* an heir */
    changes_directory(&fixture->changes, DIRECTORY_QUOTAS, &other, ROW_DELETED);
    changes_directory(&fixture->changes, DIRECTORY_QUOTAS, &rows.quota, ROW_CHANGED);
    commit_and_compare(fixture);
}

/* What the rules would never ask for, because the store, not they, is the last to know. */
static void expect_refused(struct store_fixture *fixture, enum directory_kind kind, void *row) {
    begin(fixture);
    fixture->changes.directory_version = fixture->cloud->version;
    changes_directory(&fixture->changes, kind, row, ROW_INSERTED);
    assert_int_equal(store_fixture_save(fixture), STORE_REFUSED);
}

static void what_contradicts_itself_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    struct cloud_quota_row quota = rows.quota;
    quota.id = id_of(30);
    expect_refused(fixture, DIRECTORY_QUOTAS, &quota); /* the name */
    quota.name = TEXT("other");
    expect_refused(fixture, DIRECTORY_QUOTAS, &quota); /* a second default */
    struct assignment_row assignment = rows.assignment;
    assignment.id = id_of(31);
    expect_refused(fixture, DIRECTORY_ASSIGNMENTS, &assignment); /* a second grant */
    assignment.organization_id = id_of(1);
    assignment.connection_id = id_of(99);
    expect_refused(fixture, DIRECTORY_ASSIGNMENTS, &assignment); /* no such connection */
    struct connection_row connection = rows.connection;
    connection.id = id_of(32);
    expect_refused(fixture, DIRECTORY_CONNECTIONS, &connection); /* the code */
    struct cloud_user_row user = rows.user;
    user.id = id_of(33);
    expect_refused(fixture, DIRECTORY_USERS, &user); /* the name */
    struct api_key_row key = rows.key;
    key.id = id_of(34);
    expect_refused(fixture, DIRECTORY_KEYS, &key); /* the hash */
    struct role_binding_row binding = rows.binding;
    binding.id = id_of(35);
    expect_refused(fixture, DIRECTORY_BINDINGS, &binding); /* a second primary role */
    struct organization_row organization = rows.company;
    organization.id = id_of(36);
    expect_refused(fixture, DIRECTORY_ORGANIZATIONS, &organization); /* the entry point */
    organization.parent_id = (struct uuid){0};
    organization.entry_point = TEXT("");
    expect_refused(fixture, DIRECTORY_ORGANIZATIONS, &organization); /* a second system */
    struct environment_row environment = rows.environment;
    environment.id = id_of(37);
    expect_refused(fixture, DIRECTORY_ENVIRONMENTS, &environment); /* the name */
}

static void a_quota_limits_only_on_its_own_connection(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    store_all(fixture, &rows);
    struct connection_row other = rows.connection;
    other.id = id_of(38);
    other.service_code = TEXT("other");
    begin(fixture);
    fixture->changes.directory_version = fixture->cloud->version;
    changes_directory(&fixture->changes, DIRECTORY_CONNECTIONS, &other, ROW_INSERTED);
    commit_and_compare(fixture);
    struct assignment_row assignment = rows.assignment;
    assignment.id = id_of(39);
    assignment.connection_id = other.id;
    expect_refused(fixture, DIRECTORY_ASSIGNMENTS, &assignment);
}

static void what_was_not_committed_leaves_no_trace(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    look(fixture);
    struct uuid system = system_id(fixture);
    int64_t version = fixture->cloud->version;
    fill(&rows, &system);
    begin(fixture);
    list_all(fixture, &rows, ROW_INSERTED);
    store_fixture_end(fixture);
    directory_release(fixture->cloud);
    fixture->cloud = NULL;
    look(fixture);
    assert_int_equal(fixture->cloud->version, version);
    assert_int_equal(directory_count(fixture->cloud, DIRECTORY_ORGANIZATIONS), 1);
}

static void a_directory_survives_a_restart(void **state) {
    struct store_fixture *fixture = *state;
    struct rows rows;
    struct buffer before, after;
    store_all(fixture, &rows);
    contract_describe(fixture->cloud, &before);
    store_fixture_reopen(fixture);
    look(fixture);
    contract_describe(fixture->cloud, &after);
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.data, after.data, after.length);
    buffer_close(&before);
    buffer_close(&after);
}

int contract_directory(void) {
    const struct sentence sentences[] = {
        SENTENCE(a_new_store_has_the_system_organization_and_its_operator),
        SENTENCE(rows_of_every_kind_are_read_as_they_were_written),
        SENTENCE(rows_of_every_kind_can_be_changed),
        SENTENCE(a_quota_that_keeps_its_details_keeps_them),
        SENTENCE(what_is_deleted_is_gone_and_its_names_are_free),
        SENTENCE(a_directory_that_has_not_changed_is_not_read_again),
        SENTENCE(changes_decided_on_another_version_are_overtaken),
        SENTENCE(a_default_moves_in_one_transaction),
        SENTENCE(what_contradicts_itself_is_refused),
        SENTENCE(a_quota_limits_only_on_its_own_connection),
        SENTENCE(what_was_not_committed_leaves_no_trace),
        SENTENCE_OF(NEED_FILE, a_directory_survives_a_restart),
    };
    return contract_run("directory", sentences, sizeof sentences / sizeof sentences[0]);
}
