/* http_router.h: which route a path belongs to. Pure: no I/O, no clock.
 * Paths:   each segment is percent-decoded exactly once, after the path was split, so an escaped
 *          slash stays inside its segment. A trailing slash is another path. {parameters} match any
 *          segment, an empty one too unless it is the last: what it names is refused by its route.
 *          Where two routes fit, the one listed first wins.
 * Threads: a router does not change after http_router_open(). */
#ifndef QMS_FRONT_HTTP_ROUTER_H
#define QMS_FRONT_HTTP_ROUTER_H

#include "front/http_server.h"

enum { HTTP_SEGMENTS_MAX = 8 };

struct http_path {
    struct text segments[HTTP_SEGMENTS_MAX];
    size_t count; /* none for "/"; above HTTP_SEGMENTS_MAX no route fits, as for "*" */
    unsigned no_text; /* 1 << segment: it decodes to a zero byte or to what is not UTF-8 */
};

/* Decoded segments lie in the arena, others point into path. False: an escape is malformed, or a
 * segment beyond HTTP_SEGMENTS_MAX is no text. */
bool http_path_split(struct text path, struct arena *arena, struct http_path *split);

struct http_router;

struct http_match {
    const struct http_route *route; /* NULL: none */
    unsigned methods;               /* of all routes of this path: 1 << enum http_method */
    unsigned names;                 /* the route's {user} and {username}: 1 << segment */
};

struct http_router *http_router_open(const struct http_route *routes);
void http_router_close(struct http_router *router);

/* HEAD finds the routes of GET. */
struct http_match http_router_find(const struct http_router *router, enum http_method method,
                                   const struct http_path *path);

/* The tree whose words an error about this path takes. */
const struct http_tree *http_tree_find(const struct http_tree *trees, struct text path);

#endif
