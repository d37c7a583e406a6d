#include "front/front_auth.h"

#include <assert.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "front/front.h"
#include "front/front_auth_failures.h"
#include "wire/api_key.h"

enum { TOUCHES_MAX = 256, RECENT_KEYS = 1024 };

static const int64_t TOUCH_US = KEY_TOUCH_SECONDS * INT64_C(1000000);

/* Uses of keys that the store does not know of yet. */
struct touches {
    pthread_mutex_t lock;
    bool under_way;          /* the engine has the request; what comes now goes with the next */
    struct request request;
    struct api_key_touch waiting[TOUCHES_MAX];
    char addresses[TOUCHES_MAX][HTTP_CLIENT_BYTES];
    size_t count;
    struct {
        struct uuid key_id;
        int64_t noted_us;
    } recent[RECENT_KEYS];   /* not again for a minute, though the directory may be older */
};

struct front_auth {
    struct engine *engine;
    struct metrics *metrics;
    bool required;
    struct auth_failures failures;
    struct touches touches;
};

struct front_auth *front_auth_open(struct engine *engine, struct metrics *metrics, bool required) {
    struct front_auth *auth = memory_take_zeroed(1, sizeof *auth);
    auth->engine = engine;
    auth->metrics = metrics;
    auth->required = required;
    auth_failures_init(&auth->failures);
    pthread_mutex_init(&auth->touches.lock, NULL);
    request_init(&auth->touches.request);
    auth->touches.request.context = auth;
    return auth;
}

void front_auth_close(struct front_auth *auth) {
    assert(!auth->touches.under_way);
    request_close(&auth->touches.request);
    pthread_mutex_destroy(&auth->touches.lock);
    auth_failures_destroy(&auth->failures);
    memory_give(auth);
}

/* ---- the last use of keys ---- */

static void touches_send(struct front_auth *auth);

/* What the engine refuses is left out: a use that is not recorded hurts nobody. */
static void touches_done(struct request *request) {
    struct front_auth *auth = request->context;
    struct touches *touches = &auth->touches;
    pthread_mutex_lock(&touches->lock);
    if (request->single.error.code != QMS_OK) touches->count = 0;
    touches->under_way = false;
    bool more = touches->count > 0;
    pthread_mutex_unlock(&touches->lock);
    if (more) touches_send(auth);
}

static void touches_send(struct front_auth *auth) {
    struct touches *touches = &auth->touches;
    struct request *request = &touches->request;
    pthread_mutex_lock(&touches->lock);
    bool sends = !touches->under_way && touches->count > 0;
    if (sends) {
        request_reset(request);
        struct op *op = request_single(request, OP_API_KEY_TOUCH);
        struct api_key_touch *sent = arena_take(&request->arena, touches->count * sizeof *sent);
        for (size_t i = 0; i < touches->count; i++) {
            sent[i] = touches->waiting[i];
            sent[i].address = arena_text(&request->arena, text_of(touches->addresses[i]));
        }
        op->in.touch.touches = sent;
        op->in.touch.count = touches->count;
        request->done = touches_done;
        request->context = auth;
        touches->count = 0;
        touches->under_way = true;
    }
    pthread_mutex_unlock(&touches->lock);
    if (sends) engine_submit(auth->engine, request, false);
}

static void touch_note(struct front_auth *auth, const struct http_exchange *exchange,
                       const struct api_key *key) {
    struct touches *touches = &auth->touches;
    int64_t now_us = clock_wall_us(&clock_system);
    if (now_us - key->row.used_us < TOUCH_US) return;
    size_t slot;
    memcpy(&slot, key->row.id.bytes + sizeof key->row.id.bytes - sizeof slot, sizeof slot);
    slot %= RECENT_KEYS;
    pthread_mutex_lock(&touches->lock);
    bool is_known = uuid_equal(&touches->recent[slot].key_id, &key->row.id) &&
                    now_us - touches->recent[slot].noted_us < TOUCH_US;
    bool notes = !is_known && touches->count < TOUCHES_MAX;
    if (notes) {
        touches->recent[slot].key_id = key->row.id;
        touches->recent[slot].noted_us = now_us;
        http_exchange_client(exchange, touches->addresses[touches->count]);
        touches->waiting[touches->count++] =
            (struct api_key_touch){.key_id = key->row.id, .used_us = now_us};
    }
    pthread_mutex_unlock(&touches->lock);
    if (notes) touches_send(auth);
}

/* ---- keys in headers ---- */

/* "Bearer KEY"; empty: another scheme. */
static struct text bearer(struct text value) {
    static const struct text scheme = {"Bearer ", 7};
    struct text start = {.data = value.data, .length = scheme.length};
    if (value.length <= scheme.length || !text_equal_nocase(start, scheme)) return (struct text){0};
    value = (struct text){value.data + scheme.length, value.length - scheme.length};
    while (value.length > 0 && value.data[0] == ' ')
        value = (struct text){value.data + 1, value.length - 1};
    return value;
}

/* NULL, or why there is no key in the head. The same key in both headers is one key. */
static const char *key_read(const struct http_head *head, struct text *key) {
    *key = (struct text){0};
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        struct text found;
        if (text_equal_nocase(header->name, TEXT("mc-api-key"))) found = header->value;
        else if (text_equal_nocase(header->name, TEXT("authorization")))
            found = bearer(header->value);
        else continue;
        if (found.length == 0) return "it is not of the form Bearer KEY";
        if (key->length > 0 && !text_equal(*key, found)) return "two different keys";
        *key = found;
    }
    return key->length == 0 ? "no key" : NULL;
}

/* ---- whether a request may be handled ---- */

static void log_failure(const char *address, const char *reason, uint64_t count,
                        uint64_t before) {
    if (count > AUTH_FAILURES_MAX + 1) return;
    const struct log_member members[] = {
        {.key = "address", .text = text_of(address)},
        {.key = "reason", .text = text_of(reason)},
        {.key = "count", .number = (int64_t)count, .is_number = true},
        {.key = "minute_before", .number = (int64_t)before, .is_number = true},
        {0},
    };
    log_write(LOG_WARNING,
              count > AUTH_FAILURES_MAX
                  ? "authentication failed; for a minute no more is said of this address"
                  : "authentication failed",
              members);
}

static bool refuse_key(struct front_auth *auth, struct http_exchange *exchange, const char *reason,
                       bool has_key, struct http_refusal *refusal) {
    char address[HTTP_CLIENT_BYTES];
    uint64_t before;
    http_exchange_client(exchange, address);
    uint64_t count =
        auth_failures_add(&auth->failures, address, clock_monotonic_us(), &before);
    atomic_fetch_add_explicit(&auth->metrics->auth_failures, 1, memory_order_relaxed);
    log_failure(address, reason, count, before);
    *refusal = (struct http_refusal){
        .status = 401,
        .text = has_key ? "the credentials are invalid" : "authentication is required",
        .headers = TEXT("WWW-Authenticate: Bearer realm=\"qms\"\r\n"),
        .penalize = count > AUTH_FAILURES_MAX,
    };
    return false;
}

static const char *refusal_of(enum access access) {
    switch (access) {
    case ACCESS_READ: return "this key may not read here";
    case ACCESS_REPORT: return "this key may not report usage";
    case ACCESS_ADMINISTER: return "this key may not administer";
    case ACCESS_BY_PERMISSION: break;
    }
    return "not allowed";
}

static bool admit_in(struct front_auth *auth, struct directory *directory, enum access access,
                     struct http_exchange *exchange, struct text key,
                     struct http_refusal *refusal) {
    uint8_t hash[API_KEY_HASH_BYTES];
    struct principal principal;
    const struct api_key *found;
    api_key_hash(key, hash);
    if (!principal_of_key(directory, hash, &principal, &found))
        return refuse_key(auth, exchange,
                          found == NULL ? "an unknown key" : "the key of a disabled user", true,
                          refusal);
    touch_note(auth, exchange, found);
    exchange->caller =
        (struct caller){.user_id = principal.user->row.id, .key_id = found->row.id};
    exchange->principal = arena_text(&exchange->request.arena, principal.user->row.name);
    if (access == ACCESS_BY_PERMISSION || authorization_access(&principal, access)) return true;
    *refusal = (struct http_refusal){.status = 403, .text = refusal_of(access)};
    return false;
}

bool front_admit(void *context, struct http_exchange *exchange, const struct http_head *head,
                 struct http_refusal *refusal) {
    struct front_auth *auth = ((const struct front *)context)->auth;
    const struct http_route *route = exchange->route;
    enum access access =
        route->operation == OP_COUNT ? ACCESS_READ : operation_access(route->operation);
    if (route->open || (!auth->required && access != ACCESS_BY_PERMISSION)) return true;
    struct text key;
    const char *reason = key_read(head, &key);
    if (reason == NULL && !api_key_looks_valid(key)) reason = "it does not look like a key";
    if (reason != NULL)
        return refuse_key(auth, exchange, reason, key.length > 0, refusal);
    struct directory *directory = engine_directory(auth->engine);
    if (directory == NULL) {
        *refusal = (struct http_refusal){.status = 503};
        return false;
    }
    bool admitted = admit_in(auth, directory, access, exchange, key, refusal);
    directory_release(directory);
    return admitted;
}
