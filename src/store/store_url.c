#include "store/store_url.h"

#include <string.h>

#include "store/store_postgres_session.h"

static const struct {
    const char *scheme;
    enum store_kind kind;
} schemes[] = {
    {"sqlite:", STORE_SQLITE},
    {"postgresql://", STORE_POSTGRES},
    {"postgres://", STORE_POSTGRES},
};

static bool check(const char *url, enum store_kind kind, struct qms_error *error) {
    if (kind == STORE_POSTGRES) return postgres_check_url(url, error);
    return *store_url_path(url) != '\0' ||
           qms_fail(error, QMS_BAD_REQUEST, "the store names no file: use sqlite:PATH");
}

bool store_url_read(const char *url, enum store_kind *kind, struct qms_error *error) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0) continue;
        *kind = schemes[i].kind;
        return check(url, *kind, error);
    }
    return qms_fail(error, QMS_BAD_REQUEST,
                    "unknown kind of store \"%.*s\": use sqlite:PATH or postgresql://...",
                    (int)strcspn(url, ":"), url);
}

const char *store_url_path(const char *url) {
    return url + strlen("sqlite:");
}
