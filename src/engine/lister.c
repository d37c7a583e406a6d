/* lister.c: the reader thread. Listings look at many accounts, so they neither use nor disturb the
 * cache, and they never wait for a batch: each reads one snapshot of the store. Rows are handed on
 * in pieces, so that a listing of a million users needs the memory of one piece, and one of large
 * rows no more than one row beyond PIECE_BYTES. */
#include "domain/decide.h"
#include "engine/engine_private.h"

enum {
    PIECE_ROWS = 500,
    PIECE_BYTES = 1 << 20, /* metadata alone may be 64 KiB */
    PIECE_ARENA_BLOCK_BYTES = 1 << 18,
};

struct lister {
    struct request *request;
    struct op *op;
    struct arena piece_arena; /* the rows of one piece, when the request takes pieces */
    struct arena *arena;      /* where rows go: piece_arena or the request's */
    struct decision decision; /* for views: the catalogue */
    struct store_listing listing;
    size_t capacity;
};

static size_t lister_row_bytes(enum operation operation) {
    switch (operation) {
    case OP_USER_LIST: return sizeof(struct user_view);
    case OP_UPDATE_LIST: return sizeof(struct update_view);
    case OP_OVERAGE_REPORT: return sizeof(struct overage_line);
    default: return sizeof(struct subscription_view);
    }
}

/* Room for one more row; the union's members are pointers to different rows at one address. */
static void lister_grow(struct lister *lister, struct listing_view *view) {
    if (view->count < lister->capacity) return;
    size_t bytes = lister_row_bytes(lister->op->operation);
    size_t capacity = lister->capacity == 0 ? 64 : 2 * lister->capacity;
    void *rows = arena_take_zeroed(lister->arena, capacity, bytes);
    if (view->count > 0) memcpy(rows, view->users, view->count * bytes);
    view->users = rows;
    lister->capacity = capacity;
}

static void lister_copy(struct lister *lister, struct listing_view *view,
                        const union store_row *row) {
    struct arena *arena = lister->arena;
    size_t at = view->count++;
    switch (lister->op->operation) {
    case OP_USER_LIST:
        view->users[at] = row->user;
        view->users[at].username = arena_text(arena, row->user.username);
        break;
    case OP_UPDATE_LIST:
        view->updates[at] = row->update;
        view->updates[at].username = arena_text(arena, row->update.username);
        view->updates[at].row.metadata = arena_text(arena, row->update.row.metadata);
        break;
    case OP_OVERAGE_REPORT:
        view->overages[at] = row->overage;
        view->overages[at].username = arena_text(arena, row->overage.username);
        view->overages[at].resource_name = arena_text(arena, row->overage.resource_name);
        break;
    default:
        view_subscription(&lister->decision, row->subscription, arena, &view->subscriptions[at]);
        break;
    }
}

static bool lister_piece(struct lister *lister, struct listing_view *view) {
    bool go_on = lister->request->piece(lister->request);
    arena_reset(&lister->piece_arena);
    lister->capacity = 0;
    view->users = NULL;
    view->count = 0;
    return go_on;
}

static bool lister_piece_is_full(const struct lister *lister, const struct listing_view *view) {
    return view->count >= PIECE_ROWS || lister->piece_arena.taken_bytes >= PIECE_BYTES;
}

static bool lister_row(void *context, const union store_row *row) {
    struct lister *lister = context;
    struct listing_view *view = &lister->op->out.listing;
    view->total = lister->listing.total;
    lister_grow(lister, view);
    lister_copy(lister, view, row);
    if (lister->request->piece == NULL || !lister_piece_is_full(lister, view)) return true;
    return lister_piece(lister, view);
}

/* done() gets what is left over in the request's own arena, which outlives this thread's. */
static void lister_keep_rest(struct lister *lister, struct listing_view *view) {
    if (lister->request->piece == NULL || view->count == 0) return;
    lister_piece(lister, view);
}

static void lister_list(struct engine *engine, struct store_reader *reader,
                        struct request *request) {
    struct op *op = request->ops;
    struct worker *worker = engine->workers[0];
    pthread_mutex_lock(&worker->facts_lock);
    op->catalogue = catalogue_hold(worker->catalogue);
    pthread_mutex_unlock(&worker->facts_lock);
    struct lister lister = {
        .request = request,
        .op = op,
        .decision = {.catalogue = op->catalogue},
        .listing = {.operation = op->operation,
                    .username = op->username,
                    .input = &op->in.listing,
                    .catalogue = op->catalogue,
                    .deadline_us = clock_monotonic_us() + LISTING_US_MAX,
                    .row = lister_row},
    };
    lister.listing.context = &lister;
    if (engine->owns_database) {
        lister.listing.decided_us = worker->store->ops->now(worker->store);
    }
    arena_init(&lister.piece_arena, PIECE_ARENA_BLOCK_BYTES);
    lister.arena = request->piece == NULL ? &request->arena : &lister.piece_arena;
    struct listing_view *view = &op->out.listing;
    if (worker->store->ops->list(reader, &lister.listing, &op->error)) {
        view->total = lister.listing.total;
        view->more = lister.listing.more;
        lister_keep_rest(&lister, view);
        if (op->in.listing.must_exist && !lister.listing.user_exists) {
            qms_fail(&op->error, QMS_NOT_FOUND, "user %.*s does not exist",
                     TEXT_ARGUMENTS(op->username));
        }
    }
    arena_close(&lister.piece_arena);
}

static void lister_answer(struct engine *engine, struct store_reader *reader,
                          struct request *request) {
    bool reports = request->ops->operation == OP_OVERAGE_REPORT;
    if (reports && !engine->options.report_overages) return; /* "none", without looking */
    lister_list(engine, reader, request);
}

/* One that waited too long for a thread is not begun: its client has given up. */
static bool lister_gives_up(const struct engine *engine, const struct request *request) {
    int64_t waited_us = clock_monotonic_us() - request->submitted_us;
    if (waited_us <= engine->options.request_wait_us_max) return false;
    qms_fail_code(&request->ops->error, QMS_UNAVAILABLE);
    return true;
}

void *lister_main(void *context) {
    struct engine *engine = context;
    struct store_reader *reader = NULL;
    struct store *store = engine->workers[0]->store;
    struct request_part *part;
    while ((part = queue_take_one(&engine->listings)) != NULL) {
        struct request *request = part->request;
        bool late = lister_gives_up(engine, request);
        if (reader == NULL && !late) {
            reader = store->ops->reader_open(store, &request->ops->error);
        }
        if (reader != NULL && !late) lister_answer(engine, reader, request);
        if (request->ops->error.code == QMS_INTERNAL && reader != NULL) {
            store->ops->reader_close(reader); /* the next one starts afresh */
            reader = NULL;
        }
        struct part_list finished = {0};
        part_list_push(&finished, part);
        queue_put_list(&engine->finished, &finished);
    }
    if (reader != NULL) store->ops->reader_close(reader);
    return NULL;
}
