/* decide_directory.h: what the decisions about the directory share.
 * Order of the checks of every request: who asks (401), shape of the fields (400), the object in
 * the path (404, then 403), references in the body (400), permission (403), then the rules of the
 * object. What the caller may not know of is answered like what does not exist.
 * A row is changed at most once in an operation, and everything that can fail fails before the
 * first change. */
#ifndef QMS_DOMAIN_DECIDE_DIRECTORY_H
#define QMS_DOMAIN_DECIDE_DIRECTORY_H

#include "domain/decide.h"

/* One operation on the directory. */
struct cloud_case {
    struct decision *decision;
    struct op *op;
    struct arena *arena;              /* the request's */
    const struct directory *directory; /* as it is before the operation */
    struct principal principal;
};

/* Every decision begins with it; false: 401. */
bool cloud_case_open(struct cloud_case *cloud, struct decision *decision, struct op *op,
                     struct arena *arena);

/* Failures; all return false. field: "serviceConnection.id"; type: "organization". */
bool cloud_refuse(struct cloud_case *cloud, enum cloud_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool cloud_refuse_missing(struct cloud_case *cloud, const char *field);
bool cloud_refuse_value(struct cloud_case *cloud, const char *field, struct text value,
                        const char *why);
bool cloud_refuse_reference(struct cloud_case *cloud, const char *field, const struct uuid *id);
bool cloud_refuse_unknown(struct cloud_case *cloud, const char *type);
bool cloud_refuse_permission(struct cloud_case *cloud, enum permission permission);

/* 403 unless the caller has the permission over the organization. */
bool cloud_may(struct cloud_case *cloud, enum permission permission,
               const struct organization *organization);

/* What the path names, when the caller may see it; NULL: 404. */
const struct organization *cloud_organization_target(struct cloud_case *cloud);
const struct cloud_user *cloud_user_target(struct cloud_case *cloud);
const struct connection *cloud_connection_target(struct cloud_case *cloud);
/* One named in a body (400), or else the caller's own. */
const struct organization *cloud_organization_given(struct cloud_case *cloud, bool has,
                                                    const struct uuid *id, const char *field);
/* Whose things are listed: of op->in.list, or else the caller's own (404). */
const struct organization *cloud_organization_listed(struct cloud_case *cloud);
const struct connection *cloud_connection_given(struct cloud_case *cloud, const struct uuid *id,
                                                const char *field);

/* Text of one line without white space around it, of 1 to bytes_max bytes. */
bool cloud_line(struct cloud_case *cloud, const char *field, bool has, struct text given,
                size_t bytes_max, struct text *line);
struct text cloud_trimmed(struct text text);

/* Room for a list of the rows of a kind. */
void cloud_list_open(struct cloud_case *cloud, enum directory_kind kind);
void cloud_list_add(struct cloud_case *cloud, const void *row);

/* A zeroed row with an id of its own, made now, listed as inserted. */
void *cloud_insert(struct cloud_case *cloud, enum directory_kind kind, size_t row_bytes);
/* A copy of a row, listed as changed or deleted. */
void *cloud_change(struct cloud_case *cloud, enum directory_kind kind, const void *row,
                   size_t row_bytes, enum row_state state);

/* Records that the asynchronous part of an operation was started, and forgets old tasks. There are
 * no back ends to wait for and limits are live, so the part is done with the commit; an answer to a
 * change that had to reach somebody says PENDING all the same, as clients expect. */
void cloud_task(struct cloud_case *cloud, const struct uuid *task_id, enum task_object object,
                const struct uuid *object_id, struct text name,
                const struct organization *organization, bool had_to_reach);

/* decide_connection.c: assigns the connection with its default quota (cloudmc-quotas 5). */
void assignment_make(struct cloud_case *cloud, const struct uuid *organization_id,
                     const struct connection *connection, bool is_trial);
bool connection_supports_quotas(const struct cloud_case *cloud,
                                const struct connection *connection);

/* decide_cloud_user.c: takes the user away with his roles and keys. */
void cloud_user_remove(struct cloud_case *cloud, const struct cloud_user *user);

#endif
