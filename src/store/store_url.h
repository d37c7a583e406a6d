/* store_url.h: what the URL of a store says before anything is opened: which back end it names, and
 * whether that one could read it. Its errors quote nothing of it but the scheme: the rest may hold
 * a password. */
#ifndef QMS_STORE_STORE_URL_H
#define QMS_STORE_STORE_URL_H

#include "base/error.h"

enum store_kind {
    STORE_SQLITE,   /* sqlite:PATH, sqlite::memory: */
    STORE_POSTGRES, /* postgresql://..., postgres://... */
};

/* Everything that opens a store asks here first; the back ends rely on it. */
QMS_MUST_CHECK bool store_url_read(const char *url, enum store_kind *kind, struct qms_error *error);

/* What the URL of an SQLite store names; points into it. */
const char *store_url_path(const char *url);

#endif
