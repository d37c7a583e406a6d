#include "store/store.h"

#include <string.h>

static const struct {
    const char *scheme;
    struct store *(*open)(const struct store_options *options, struct qms_error *error);
} stores[] = {
    {"sqlite:", store_sqlite_open},
    {"postgresql://", store_postgres_open},
    {"postgres://", store_postgres_open},
};

struct store *store_open(const struct store_options *options, struct qms_error *error) {
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        if (strncmp(options->url, stores[i].scheme, strlen(stores[i].scheme)) == 0) {
            return stores[i].open(options, error);
        }
    }
    /* Only what stands before the colon: the rest may hold a password. */
    qms_fail(error, QMS_BAD_REQUEST,
             "unknown kind of store \"%.*s\": use sqlite:PATH or postgresql://...",
             (int)strcspn(options->url, ":"), options->url);
    return NULL;
}
