#include "cli/answer.h"

bool answer_is_json(struct text json, struct arena *arena) {
    struct json_reader reader;
    json_open(&reader, json, arena);
    return json_skip(&reader) && json_finish(&reader);
}

/* Takes the next value as it stands. */
static struct text take_raw(struct json_reader *reader) {
    json_peek(reader); /* passes over the space before the value */
    const char *start = reader->at;
    if (!json_skip(reader)) return TEXT("");
    return (struct text){.data = start, .length = (size_t)(reader->at - start)};
}

/* The member of that name as it stands, or an empty text. */
static struct text find_member(struct text json, struct text name, struct arena *arena) {
    struct json_reader reader;
    struct text key, found = TEXT("");
    json_open(&reader, json, arena);
    if (json_peek(&reader) != JSON_OBJECT || !json_object_begin(&reader)) return found;
    while (json_object_next(&reader, &key)) {
        if (text_equal(key, name))
            found = take_raw(&reader);
        else
            json_skip(&reader);
    }
    return found;
}

struct answer_value answer_find(struct text json, const char *path, struct arena *arena) {
    struct answer_value value = {.raw = json};
    while (*path != '\0' && value.raw.length > 0) {
        size_t length = strcspn(path, ".");
        value.raw = find_member(value.raw, (struct text){path, length}, arena);
        path += length + (path[length] == '.');
    }
    struct json_reader reader;
    json_open(&reader, value.raw, arena);
    value.kind = json_peek(&reader);
    if (value.kind == JSON_STRING)
        json_string(&reader, &value.text);
    else if (value.kind == JSON_NUMBER || value.kind == JSON_BOOL)
        value.text = take_raw(&reader);
    return value;
}

struct text answer_text(struct text json, const char *path, struct arena *arena) {
    return answer_find(json, path, arena).text;
}

static size_t count_elements(struct text json, struct arena *arena) {
    struct json_reader reader;
    size_t count = 0;
    json_open(&reader, json, arena);
    json_array_begin(&reader);
    while (json_array_next(&reader) && json_skip(&reader))
        count++;
    return count;
}

bool answer_list_add(struct answer_list *list, struct text json, const char *path,
                     struct arena *arena) {
    struct answer_value value = answer_find(json, path, arena);
    if (value.kind != JSON_ARRAY) return false;
    size_t count = list->count + count_elements(value.raw, arena);
    struct text *items = arena_take_zeroed(arena, count, sizeof *items);
    if (list->count > 0) memcpy(items, list->items, list->count * sizeof *items);
    struct json_reader reader;
    json_open(&reader, value.raw, arena);
    json_array_begin(&reader);
    for (list->items = items; list->count < count && json_array_next(&reader);)
        items[list->count++] = take_raw(&reader);
    return true;
}
