/* answer.h: reads what a server answered by member paths, without a structure for each answer.
 * A path is member names with dots between them: "resource_type.name"; "" is the value itself.
 * Numbers stay the text they were sent as. Ownership: texts point into the input or the arena. */
#ifndef QMS_CLI_ANSWER_H
#define QMS_CLI_ANSWER_H

#include "base/arena.h"
#include "wire/json_reader.h"

struct answer_value {
    enum json_kind kind; /* JSON_NONE: there is no such member */
    struct text raw;     /* as it was sent */
    struct text text;    /* a string decoded; a number, true or false as sent; else empty */
};

/* The elements of a list, each as it was sent. */
struct answer_list {
    struct text *items;
    size_t count;
};

/* One whole JSON value and nothing else. The functions below expect to be given such. */
bool answer_is_json(struct text json, struct arena *arena);

struct answer_value answer_find(struct text json, const char *path, struct arena *arena);

/* The member's text; "" without one. */
struct text answer_text(struct text json, const char *path, struct arena *arena);

/* Appends the elements of the list at the path; false: there is no list. */
bool answer_list_add(struct answer_list *list, struct text json, const char *path,
                     struct arena *arena);

#endif
