/* serve_yaml.h: a settings file in YAML, flattened: "users: {domain: x}" is users.domain = x.
 * Names: capital letters and - for _ make no difference. */
#ifndef QMS_SERVE_YAML_H
#define QMS_SERVE_YAML_H

#include "base/arena.h"
#include "base/error.h"

enum { YAML_SETTINGS_MAX = 1000 };

struct yaml_setting {
    const char *name;  /* "users.domain", as written */
    const char *value; /* lists of single values are joined by commas; "" for null */
    const char *wrong; /* what it is in place of a value ("a mapping"), or NULL */
    int line;
};

struct yaml_settings {
    struct yaml_setting *rows;
    size_t count;
};

/* Everything lies in the arena. */
QMS_MUST_CHECK bool yaml_settings_read(const char *path, struct arena *arena,
                                       struct yaml_settings *settings, struct qms_error *error);

bool yaml_name_equal(const char *left, const char *right);
/* NULL: it is not in the file. */
const struct yaml_setting *yaml_settings_find(const struct yaml_settings *settings,
                                              const char *name);

#endif
