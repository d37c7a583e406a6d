/* cloud_private.h: what the parts of cloud_encode share: an answer being written. */
#ifndef QMS_WIRE_CLOUD_PRIVATE_H
#define QMS_WIRE_CLOUD_PRIVATE_H

#include "wire/cloud_json.h"
#include "wire/json_writer.h"

struct cloud_writer {
    struct json_writer json;
    const struct op *op;
    const struct cloud_answer *answer;
    struct principal principal; /* who looks */
    bool knows_principal;       /* false: what he did was to take himself away */
    bool in_list;               /* the short form of an object */
};

void cloud_write_member(struct cloud_writer *writer, struct text name, struct text value);
void cloud_write_id(struct cloud_writer *writer, struct text name, const struct uuid *id);
void cloud_write_flag(struct cloud_writer *writer, struct text name, bool flag);
void cloud_write_number(struct cloud_writer *writer, struct text name, int64_t number);
/* "2021-01-06T19:17:06.000Z" */
void cloud_write_time(struct cloud_writer *writer, struct text name, int64_t at_us);
/* {"id": ..., "name": ...}; named empty: only the id */
void cloud_write_named(struct cloud_writer *writer, const struct uuid *id, struct text named);
/* The same as the member name. */
void cloud_write_reference(struct cloud_writer *writer, struct text name, const struct uuid *id,
                           struct text named);

/* cloud_encode_rows.c: members that several objects begin with. */
void cloud_write_organization_members(struct cloud_writer *writer,
                                      const struct organization *organization);
void cloud_write_connection_members(struct cloud_writer *writer,
                                    const struct connection *connection);

/* ... and one object each. */
void cloud_write_organization(struct cloud_writer *writer, const void *row);
void cloud_write_user(struct cloud_writer *writer, const void *row);
void cloud_write_role(struct cloud_writer *writer, const void *row);
void cloud_write_binding(struct cloud_writer *writer, const void *row);
void cloud_write_key(struct cloud_writer *writer, const void *row);
void cloud_write_connection(struct cloud_writer *writer, const void *row);
void cloud_write_assignment(struct cloud_writer *writer, const void *row);
void cloud_write_environment(struct cloud_writer *writer, const void *row);
void cloud_write_descriptor(struct cloud_writer *writer, const struct plugin *plugin);

/* cloud_encode_quota.c */
void cloud_write_quota(struct cloud_writer *writer, const void *row);

#endif
