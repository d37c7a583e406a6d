#include "cli/in_force.h"

#include "base/clock.h"
#include "cli/listing.h"
#include "domain/date.h"

bool in_force(const struct answer_list *rows, size_t index, int64_t now_us, struct arena *arena) {
    struct text resource = answer_text(rows->items[index], "resource_type.name", arena);
    for (size_t i = rows->count; i-- > index;) {
        int64_t at_us;
        if (!timestamp_parse(answer_text(rows->items[i], "effective_date", arena), &at_us) ||
            at_us > now_us)
            continue;
        if (i == index) return true;
        if (text_equal(answer_text(rows->items[i], "resource_type.name", arena), resource))
            return false;
    }
    return false;
}

struct text in_force_rate(struct text row, const char *path, struct arena *arena) {
    struct answer_list rates = {.count = 0};
    if (!answer_list_add(&rates, row, path, arena)) return TEXT("");
    int64_t now_us = clock_wall_us(&clock_system);
    for (size_t i = 0; i < rates.count; i++)
        if (in_force(&rates, i, now_us, arena))
            return listing_amount(answer_text(rates.items[i], "rate", arena), arena);
    return TEXT("");
}
