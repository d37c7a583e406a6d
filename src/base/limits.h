/* limits.h: the bounds that clients and operators meet, in one place, proved against each other.
 * What bounds the inside of one file only stands there.
 * "Full" is an answer, never growth: what exceeds a bound is refused with 400, 413 or 503. */
#ifndef QMS_BASE_LIMITS_H
#define QMS_BASE_LIMITS_H

#include <assert.h>

enum {
    /* names and texts, in bytes of UTF-8 */
    USERNAME_BYTES_MAX = 256,
    NAME_BYTES_MAX = 256,          /* plans, resource types, add-ons, units */
    DESCRIPTION_BYTES_MAX = 4096,  /* plans, add-ons */
    METADATA_BYTES_MAX = 65536,
    IDEMPOTENCY_KEY_BYTES_MAX = 255,

    /* lists */
    USAGE_ITEMS_MAX = 10000,       /* POST /v2/usages */
    CATALOGUE_ROWS_MAX = 1000,     /* rates or quota defaults in one request */
    BULK_SUBSCRIPTIONS_MAX = 1000, /* POST /v1/subscriptions */
    OVERAGE_LINES_MAX = 1000,      /* of a page of GET /v2/overages; a user is never split */

    /* CloudMC */
    QUOTA_NAME_BYTES_MAX = 255,
    APPLY_ORGANIZATIONS_MAX = 10000, /* organizations that a quota is applied to at once */
    TASK_KEPT_HOURS = 24,
    KEY_TOUCH_SECONDS = 60,        /* the last use of a key is known as exactly */

    /* engine */
    QUEUE_REQUESTS_MAX = 16384,
    BATCH_OPERATIONS_MAX = 4096,
    LIST_SLICE_OPERATIONS_MAX = 256,
    CACHE_ACCOUNTS_DEFAULT = 65536,
    REQUEST_WAIT_MS_DEFAULT = 10000,   /* older ones are answered UNAVAILABLE, not executed */
    LOCK_WAIT_MS_DEFAULT = 5000,       /* how long an operation waits for rows locked elsewhere */
    LOCK_TRY_MS = 100,                 /* ... of which the store waits so long at a time */
    LANE_OPERATIONS_MAX = 32768,       /* operations that wait for locks */
    ENGINE_THREADS_MAX = 16,
    COMMIT_RESOLVE_MS_DEFAULT = 10000, /* how long to look for a batch of unknown outcome */
    COMMIT_TARGET_US = 10000,          /* the batch size follows this commit time */
    LISTINGS_MAX = 64,                 /* long ones that wait for a reader of the store */

    /* PostgreSQL */
    POSTGRES_CONNECT_S_MAX = 5,       /* each host of the URL; the URL may say otherwise */
    POSTGRES_STATEMENT_MS_MAX = 30000,
    POSTGRES_LOCK_MS_MAX = 2000,      /* what is not skipped when locked: tables ... */
    POSTGRES_SAVE_LOCK_MS_MAX = 200,  /* ... and keys that others are inserting */
    POSTGRES_IDLE_MS_MAX = 60000,     /* a transaction that waits for us; its rows are locked */
    POSTGRES_READER_STATEMENT_MS_MAX = 60000,
    POSTGRES_READER_IDLE_MS_MAX = 900000, /* a listing that waits for its reader */
    POSTGRES_ANSWER_MS_MAX = 5000,    /* longer than the statement may take */
    POSTGRES_PAUSE_MS_MAX = 2000,     /* between two attempts to connect */

    /* messages */
    MESSAGE_PARTS_MAX = 16384, /* messages and list items in one: bounds the memory they take */

    /* JSON */
    JSON_DEPTH_MAX = 32,
    JSON_MEMBERS_MAX = 1024, /* of one object or map: bounds what finding repeated names may cost */
    NUMBER_BYTES_MAX = 256,  /* an amount as text; a longer one counts as out of range */

    /* HTTP */
    HTTP_TARGET_BYTES_MAX = 8192,
    HTTP_HEAD_BYTES_MAX = 16384,
    HTTP_HEADERS_MAX = 64,
    HTTP_TRAILER_BYTES_MAX = 8192,       /* all chunk extensions and trailers of a request */
    HTTP_BODY_BYTES_MAX = 1 << 20,
    HTTP_USAGES_BODY_BYTES_MAX = 16 << 20,
    HTTP_BUFFERED_BYTES_MAX = 256 << 20, /* bodies and answers of all connections together */
    HTTP_CONNECTIONS_MAX = 4096,
    HTTP_PIPELINE_MAX = 64,              /* unanswered requests of one connection */

    /* NATS */
    NATS_PAYLOAD_BYTES_MAX = 1 << 20,
    NATS_REPLY_BYTES_MAX = 64 << 20,        /* where the NATS server allows as much */
    NATS_IN_FLIGHT_DEFAULT = 4096,          /* requests taken and not answered */
    NATS_BUFFERED_BYTES_MAX = 128 << 20,    /* their payloads together */
    NATS_PENDING_MESSAGES_DEFAULT = 524288, /* of a subject, received and not taken */
    NATS_PENDING_BYTES_DEFAULT = 128 << 20,

    /* subscriptions */
    SUBSCRIPTION_PERIODS_MAX = 10, /* years bought at once */

    /* time */
    LISTING_US_MAX = 60 * 1000000,          /* of a long listing, from the store */
    LISTING_WAITED_S_MAX = 600,             /* for a slow reader, beside the listing's own time */
    REQUEST_KEY_KEPT_DAYS = 35,             /* of an Idempotency-Key; ids of usages stay for ever */
    EFFECTIVE_AHEAD_US_MAX = 300 * 1000000, /* effective dates further ahead are refused */
};

static_assert(BATCH_OPERATIONS_MAX >= 2 * LIST_SLICE_OPERATIONS_MAX,
              "single requests fit into a batch beside a slice of a list");
static_assert(QUEUE_REQUESTS_MAX >= 2 * BATCH_OPERATIONS_MAX,
              "one batch fills while one commits");
static_assert(QUEUE_REQUESTS_MAX >= 2 * NATS_IN_FLIGHT_DEFAULT,
              "NATS alone does not fill the engine's queue");
static_assert(POSTGRES_READER_IDLE_MS_MAX / 1000 > LISTING_WAITED_S_MAX,
              "the database does not end a listing whose reader is slow");
static_assert(HTTP_TARGET_BYTES_MAX < HTTP_HEAD_BYTES_MAX, "a head has room for its target");
static_assert(HTTP_BUFFERED_BYTES_MAX >= 8 * HTTP_USAGES_BODY_BYTES_MAX,
              "several of the largest bodies fit at once");

#endif
