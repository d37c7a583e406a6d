/* user_set.h: how many different user numbers there are: a set of integers that only grows. */
#ifndef QMS_CLI_USER_SET_H
#define QMS_CLI_USER_SET_H

#include <stddef.h>
#include <stdint.h>

struct user_set {
    int64_t *slots; /* open addressing; capacity is a power of two, at most half full */
    size_t count, capacity;
};

void user_set_init(struct user_set *set);
void user_set_close(struct user_set *set);
void user_set_add(struct user_set *set, int64_t user); /* not negative */

#endif
