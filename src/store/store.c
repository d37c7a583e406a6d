#include "store/store.h"

#include "store/store_url.h"

struct store *store_open(const struct store_options *options, struct qms_error *error) {
    enum store_kind kind;
    if (!store_url_read(options->url, &kind, error)) return NULL;
    return kind == STORE_SQLITE ? store_sqlite_open(options, error)
                                : store_postgres_open(options, error);
}
