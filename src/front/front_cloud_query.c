/* front_cloud_query.c: the queries of the CloudMC tree. Unlike in the other trees a value is one
 * spelling and no other, and what is wrong is named by its field. */
#include "front/front_cloud.h"
#include "front/front_input.h"

enum { PAGE_SIZE_DEFAULT = 100, PAGE_SIZE_MAX = 1000, PAGE_NUMBER_DIGITS_MAX = 9 };

/* Absent: *value keeps no data. Of repeated ones the first counts. An empty value is one that is
 * wrong: "quota_id=" of a script whose variable is empty must not count as none. */
static bool query_text(struct http_exchange *exchange, struct op *op, const char *name,
                       struct text *value) {
    struct text rest = exchange->query, each, text;
    bool malformed;
    *value = (struct text){0};
    while (front_input_parameter(&rest, &exchange->request.arena, &each, &text, &malformed)) {
        if (!text_equal(each, text_of(name))) continue;
        *value = text.length > 0 ? text : TEXT("");
        return true;
    }
    return !malformed || cloud_fail(op, CLOUD_MALFORMED_REQUEST, "the query cannot be decoded");
}

static bool query_uuid(struct http_exchange *exchange, struct op *op, const char *name, bool *has,
                       struct uuid *id) {
    struct text text;
    *has = false;
    if (!query_text(exchange, op, name, &text)) return false;
    if (text.data == NULL) return true;
    *has = uuid_parse(text, id);
    return *has || cloud_fail_field(op, name, text, "must be a UUID");
}

static bool query_flag(struct http_exchange *exchange, struct op *op, const char *name,
                       bool *flag) {
    struct text text;
    if (!query_text(exchange, op, name, &text)) return false;
    *flag = text_equal(text, TEXT("true"));
    return text.data == NULL || *flag || text_equal(text, TEXT("false")) ||
           cloud_fail_field(op, name, text, "must be true or false");
}

static bool query_count(struct http_exchange *exchange, struct op *op, const char *name,
                        int64_t maximum, int64_t *count) {
    struct text text;
    if (!query_text(exchange, op, name, &text)) return false;
    if (text.data == NULL) return true;
    int64_t number = 0;
    bool is_number = text.length > 0 && text.length <= PAGE_NUMBER_DIGITS_MAX;
    for (size_t i = 0; i < text.length && is_number; i++) {
        is_number = text.data[i] >= '0' && text.data[i] <= '9';
        number = number * 10 + (text.data[i] - '0');
    }
    if (!is_number || number < 1 || number > maximum)
        return cloud_fail_field(op, name, text, "must be a positive number, and not so large");
    *count = number;
    return true;
}

/* ---- whose ---- */

/* Where the organization goes that the query names, for lists and for what is created. */
static void organization_put(struct op *op, const struct uuid *id) {
    switch (op->operation) {
    case OP_ORGANIZATION_CREATE:
        if (op->in.organization.has_parent) return;
        op->in.organization.has_parent = true;
        op->in.organization.parent_id = *id;
        break;
    case OP_CLOUD_USER_CREATE:
        if (op->in.user.has_organization) return;
        op->in.user.has_organization = true;
        op->in.user.organization_id = *id;
        break;
    case OP_CONNECTION_CREATE:
        if (op->in.connection.has_organization) return;
        op->in.connection.has_organization = true;
        op->in.connection.organization_id = *id;
        break;
    case OP_ENVIRONMENT_CREATE:
        if (op->in.environment.has_organization) return;
        op->in.environment.has_organization = true;
        op->in.environment.organization_id = *id;
        break;
    case OP_CLOUD_QUOTA_CREATE:
        if (op->in.cloud_quota.has_owner) return;
        op->in.cloud_quota.has_owner = true;
        op->in.cloud_quota.owner_id = *id;
        break;
    case OP_ORGANIZATION_LIST:
    case OP_CLOUD_USER_LIST:
    case OP_ROLE_LIST:
    case OP_API_KEY_LIST:
    case OP_CONNECTION_LIST:
    case OP_CONNECTION_GET: /* of which organization the quotas are */
    case OP_CONNECTION_ASSIGNED:
    case OP_ENVIRONMENT_LIST:
    case OP_CLOUD_QUOTA_LIST:
        op->in.list.has_organization = true;
        op->in.list.organization_id = *id;
        break;
    default: break; /* the path says whose */
    }
}

bool front_cloud_organization(struct http_exchange *exchange, struct op *op) {
    static const char *const names[] = {"organization_id", "org_id", "organizationId"};
    struct uuid id;
    bool has = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct uuid each;
        bool has_each;
        if (!query_uuid(exchange, op, names[i], &has_each, &each)) return false;
        if (!has_each) continue;
        if (has && !uuid_equal(&id, &each))
            return cloud_fail_field(op, names[i], (struct text){0},
                                    "differs from another spelling of it");
        id = each;
        has = true;
    }
    if (has) organization_put(op, &id);
    return true;
}

/* ---- lists ---- */

static bool query_order(struct http_exchange *exchange, struct op *op, struct cloud_page *page) {
    struct text by, order;
    if (!query_text(exchange, op, "sort_by", &by)) return false;
    if (!query_text(exchange, op, "sort_order", &order)) return false;
    page->is_sorted = by.data != NULL || order.data != NULL;
    page->field = cloud_sort_field(op->operation,
                                   by.data == NULL ? TEXT("creationDate") : by);
    if (by.data != NULL && page->field == NULL)
        return cloud_fail_field(op, "sort_by", by, "is no field that this list is sorted by");
    page->descends = text_equal(order, TEXT("DESC"));
    return order.data == NULL || page->descends || text_equal(order, TEXT("ASC")) ||
           cloud_fail_field(op, "sort_order", order, "must be ASC or DESC");
}

bool front_cloud_page(struct http_exchange *exchange, struct op *op, struct cloud_page *page) {
    *page = (struct cloud_page){.number = 0, .size = 0};
    if (cloud_sort_field(op->operation, TEXT("creationDate")) == NULL) return true; /* no list */
    if (!query_count(exchange, op, "page_number", INT32_MAX, &page->number) ||
        !query_count(exchange, op, "page_size", PAGE_SIZE_MAX, &page->size))
        return false;
    page->is_paged = page->number > 0 || page->size > 0;
    if (page->number == 0) page->number = 1;
    if (page->size == 0) page->size = PAGE_SIZE_DEFAULT;
    return query_order(exchange, op, page);
}

/* ---- quotas ---- */

bool front_cloud_relation(struct http_exchange *exchange, struct op *op) {
    struct text text;
    if (!query_text(exchange, op, "type", &text)) return false;
    if (text.data == NULL) return true;
    op->in.list.relation = text_equal(text, TEXT("owned")) ? QUOTA_OWNED : QUOTA_ASSIGNED;
    return op->in.list.relation == QUOTA_OWNED || text_equal(text, TEXT("assigned")) ||
           cloud_fail_field(op, "type", text, "must be owned or assigned");
}

bool front_cloud_substitute(struct http_exchange *exchange, struct op *op) {
    return query_uuid(exchange, op, "quota_id", &op->in.quota_delete.has_substitute,
                      &op->in.quota_delete.substitute_id);
}

bool front_cloud_default(struct http_exchange *exchange, struct op *op) {
    return query_flag(exchange, op, "service", &op->in.quota_default.service) &&
           query_flag(exchange, op, "trial", &op->in.quota_default.trial);
}
