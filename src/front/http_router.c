#include "front/http_router.h"

#include <assert.h>

struct compiled_route {
    const struct http_route *route;
    size_t segment_count;
    struct text literals[HTTP_SEGMENTS_MAX]; /* data is NULL for a parameter */
    unsigned names;
};

struct http_router {
    size_t count;
    struct compiled_route routes[];
};

static bool segment_decode(struct arena *arena, struct text *segment, bool *is_text) {
    *is_text = true;
    if (segment->length == 0 || memchr(segment->data, '%', segment->length) == NULL) return true;
    char *decoded = arena_take(arena, segment->length);
    size_t length = 0;
    for (size_t i = 0; i < segment->length; i++) {
        char byte = segment->data[i];
        if (byte == '%') {
            if (segment->length - i < 3) return false;
            int high = text_hex_digit(segment->data[i + 1]);
            int low = text_hex_digit(segment->data[i + 2]);
            if (high < 0 || low < 0) return false;
            byte = (char)(high << 4 | low);
            *is_text &= byte != 0;
            i += 2;
        }
        decoded[length++] = byte;
    }
    *segment = (struct text){.data = decoded, .length = length};
    *is_text &= text_is_utf8(*segment);
    return true;
}

/* The part up to the next slash; *rest is what follows that slash, data NULL after the last. */
static struct text segment_next(struct text *rest) {
    const char *slash = rest->length == 0 ? NULL : memchr(rest->data, '/', rest->length);
    struct text segment = *rest;
    if (slash == NULL) {
        *rest = (struct text){0};
        return segment;
    }
    segment.length = (size_t)(slash - rest->data);
    rest->data = slash + 1;
    rest->length -= segment.length + 1;
    return segment;
}

bool http_path_split(struct text path, struct arena *arena, struct http_path *split) {
    bool is_path = path.length > 0 && path.data[0] == '/';
    split->count = is_path ? 0 : HTTP_SEGMENTS_MAX + 1;
    split->no_text = 0;
    if (path.length < 2) return true;
    struct text rest = {.data = path.data + 1, .length = path.length - 1};
    while (rest.data != NULL) {
        struct text segment = segment_next(&rest);
        bool is_text;
        if (!segment_decode(arena, &segment, &is_text)) return false;
        if (split->count < HTTP_SEGMENTS_MAX) {
            split->segments[split->count] = segment;
            if (!is_text) split->no_text |= 1u << split->count;
        } else if (!is_text) {
            return false;
        }
        split->count++;
    }
    return true;
}

static void route_compile(struct compiled_route *compiled, const struct http_route *route) {
    struct text rest = text_of(route->pattern);
    assert(rest.length > 0 && rest.data[0] == '/');
    compiled->route = route;
    compiled->segment_count = 0;
    compiled->names = 0;
    rest = (struct text){.data = rest.data + 1, .length = rest.length - 1};
    if (rest.length == 0) return;
    while (rest.data != NULL) {
        struct text literal = segment_next(&rest);
        assert(compiled->segment_count < HTTP_SEGMENTS_MAX);
        if (text_equal(literal, TEXT("{user}")) || text_equal(literal, TEXT("{username}")))
            compiled->names |= 1u << compiled->segment_count;
        if (literal.length > 0 && literal.data[0] == '{') literal = (struct text){0};
        compiled->literals[compiled->segment_count++] = literal;
    }
}

struct http_router *http_router_open(const struct http_route *routes) {
    size_t count = 0;
    while (routes[count].pattern != NULL) count++;
    struct http_router *router = memory_take(sizeof *router + count * sizeof router->routes[0]);
    router->count = count;
    for (size_t i = 0; i < count; i++) route_compile(&router->routes[i], &routes[i]);
    return router;
}

void http_router_close(struct http_router *router) {
    memory_give(router);
}

static bool route_fits(const struct compiled_route *compiled, const struct http_path *path) {
    if (compiled->segment_count != path->count) return false;
    for (size_t i = 0; i < path->count; i++) {
        if (compiled->literals[i].data == NULL) {
            if (path->segments[i].length == 0 && i + 1 == path->count) return false;
        } else if (!text_equal(compiled->literals[i], path->segments[i])) {
            return false;
        }
    }
    return true;
}

struct http_match http_router_find(const struct http_router *router, enum http_method method,
                                   const struct http_path *path) {
    struct http_match match = {0};
    if (method == HTTP_HEAD) method = HTTP_GET;
    for (size_t i = 0; i < router->count; i++) {
        const struct compiled_route *compiled = &router->routes[i];
        if (!route_fits(compiled, path)) continue;
        if (compiled->route->method == method) {
            match.route = compiled->route;
            match.names = compiled->names;
            return match;
        }
        match.methods |= 1u << compiled->route->method;
        if (compiled->route->method == HTTP_GET) match.methods |= 1u << HTTP_HEAD;
    }
    return match;
}

const struct http_tree *http_tree_find(const struct http_tree *trees, struct text path) {
    for (;; trees++) {
        struct text prefix = text_of(trees->prefix);
        if (prefix.length == 0) return trees;
        if (path.length < prefix.length || memcmp(path.data, prefix.data, prefix.length) != 0)
            continue;
        if (path.length == prefix.length || path.data[prefix.length] == '/') return trees;
    }
}
