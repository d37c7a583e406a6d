/* The keys of requests, many in a row (0007_request_key_groups.sql). */
#include <sqlite3.h>
#include <stdlib.h>

#include "store/store_sqlite.h"

enum {
    /* With its other columns a row then fills a page and does not run over. */
    GROUP_BYTES_MAX = 3900,
    ID_BYTES = sizeof(struct uuid),
    CONTENT_BYTES = 32,
    BESIDE_KEY_BYTES = CONTENT_BYTES + 2 * ID_BYTES,
    QUOTE_BYTES = 3, /* with the comma */
    GROUP_KEYS_MAX = GROUP_BYTES_MAX / (BESIDE_KEY_BYTES + QUOTE_BYTES),
};

/* Of one row, as it is collected. first: has what all of them share. */
struct key_group {
    const struct replay *first;
    size_t count;
    char *keys; /* a JSON array without its bracket at the end */
    size_t keys_bytes, keys_capacity;
    uint8_t user_ids[GROUP_KEYS_MAX][ID_BYTES];
    uint8_t contents[GROUP_KEYS_MAX][CONTENT_BYTES];
    uint8_t made_ids[GROUP_KEYS_MAX][ID_BYTES];
};

static int scope_compare(const struct replay *left, const struct replay *right) {
    if (left->operation != right->operation) return left->operation < right->operation ? -1 : 1;
    if (left->recorded_us != right->recorded_us)
        return left->recorded_us < right->recorded_us ? -1 : 1;
    return text_compare(left->principal, right->principal);
}

static int scope_order(const void *left, const void *right) {
    const struct replay *const *a = left, *const *b = right;
    return scope_compare(*a, *b);
}

static size_t escaped_bytes(struct text text) {
    size_t bytes = text.length;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bytes += byte < ' ' ? 5 : byte == '"' || byte == '\\';
    }
    return bytes;
}

static char *escape(char *at, struct text text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < ' ') {
            memcpy(at, "\\u00", 4);
            at[4] = digits[byte >> 4];
            at[5] = digits[byte & 15];
            at += 6;
            continue;
        }
        if (byte == '"' || byte == '\\') *at++ = '\\';
        *at++ = (char)byte;
    }
    return at;
}

static void group_begin(struct key_group *group, const struct replay *first, struct arena *arena) {
    size_t bytes = GROUP_BYTES_MAX + escaped_bytes(first->key) + QUOTE_BYTES + 2;
    if (bytes > group->keys_capacity) {
        group->keys = arena_take(arena, bytes);
        group->keys_capacity = bytes;
    }
    group->first = first;
    group->count = group->keys_bytes = 0;
}

/* A key of any length is taken by a group of its own. */
static bool group_has_room(const struct key_group *group, const struct replay *replay) {
    size_t bytes = group->keys_bytes + QUOTE_BYTES + escaped_bytes(replay->key) +
                   (group->count + 1) * BESIDE_KEY_BYTES;
    return bytes <= GROUP_BYTES_MAX && group->count < GROUP_KEYS_MAX &&
           scope_compare(group->first, replay) == 0;
}

static void group_add(struct key_group *group, const struct replay *replay) {
    char *at = group->keys + group->keys_bytes;
    *at++ = group->count == 0 ? '[' : ',';
    *at++ = '"';
    at = escape(at, replay->key);
    *at++ = '"';
    group->keys_bytes = (size_t)(at - group->keys);
    memcpy(group->user_ids[group->count], replay_user(replay)->bytes, ID_BYTES);
    memcpy(group->contents[group->count], replay->content, CONTENT_BYTES);
    memcpy(group->made_ids[group->count], replay->made_id.bytes, ID_BYTES);
    group->count++;
}

static int group_write(struct store_sqlite *sqlite, struct key_group *group, int64_t id) {
    struct row row;
    group->keys[group->keys_bytes++] = ']';
    row_open(&row, &sqlite->statements, INSERT_REQUEST_KEYS);
    row_put_integer(&row, id);
    row_put_text(&row, text_of(operation_name(group->first->operation)));
    row_put_text(&row, group->first->principal);
    row_put_integer(&row, group->first->recorded_us);
    row_put_text(&row, (struct text){group->keys, group->keys_bytes});
    row_put_bytes(&row, group->user_ids, group->count * ID_BYTES);
    row_put_bytes(&row, group->contents, group->count * CONTENT_BYTES);
    row_put_bytes(&row, group->made_ids, group->count * ID_BYTES);
    return row_run(&row);
}

/* From this key on as many as share a row; *count: how many those were. */
static int write_group(struct store_sqlite *sqlite, const struct replay *const *replays,
                       size_t *count, struct key_group *group) {
    size_t limit = *count;
    int64_t id = store_sqlite_keys_begin_row(&sqlite->keys);
    for (*count = 0; *count < limit; ++*count) {
        const struct replay *replay = replays[*count];
        if (*count > 0 && !group_has_room(group, replay)) break;
        group_add(group, replay);
        store_sqlite_keys_add(&sqlite->keys, store_sqlite_replay_fingerprint(sqlite, replay));
    }
    return group_write(sqlite, group, id);
}

int store_sqlite_write_keys(struct store_sqlite *sqlite, const struct changes *changes) {
    const struct change_list *list = &changes->replays;
    struct arena *arena = changes->arena;
    if (list->count == 0) return SQLITE_OK;
    const struct replay **replays = arena_take(arena, list->count * sizeof *replays);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct replay *replay = list->rows[i];
        if (replay->expires) replays[count++] = replay;
    }
    if (count == 0) return SQLITE_OK;
    qsort(replays, count, sizeof *replays, scope_order);
    struct key_group *group = arena_take(arena, sizeof *group);
    group->keys_capacity = 0;
    int code = SQLITE_OK;
    for (size_t i = 0, taken; code == SQLITE_OK && i < count; i += taken) {
        taken = count - i;
        group_begin(group, replays[i], arena);
        code = write_group(sqlite, &replays[i], &taken, group);
    }
    return code;
}
