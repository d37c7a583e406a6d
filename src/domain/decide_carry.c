/* What a new subscription leaves of those it replaces, where the settings say so: usages and
 * add-ons that go over to it, and what a longer one had behind its end.
 * Values go over as they are at the decision, each with its audit row. */
#include <assert.h>

#include "domain/decide.h"

#define CARRIED "carried over to subscription "

struct text carry_metadata(struct arena *arena, const struct uuid *to, struct text path) {
    char id[UUID_TEXT_BYTES];
    uuid_format(to, id);
    return arena_format(arena, CARRIED "%.*s: %.*s", UUID_TEXT_BYTES, id, TEXT_ARGUMENTS(path));
}

bool carry_metadata_parse(struct text metadata, struct uuid *to) {
    const struct text words = TEXT(CARRIED);
    if (metadata.length <= words.length + UUID_TEXT_BYTES ||
        memcmp(metadata.data, words.data, words.length) != 0 ||
        metadata.data[words.length + UUID_TEXT_BYTES] != ':')
        return false;
    return uuid_parse((struct text){metadata.data + words.length, UUID_TEXT_BYTES}, to);
}

struct remainder remainder_find(const struct decision *decision, const struct account *account,
                                int64_t start_us, int64_t end_us) {
    struct remainder remainder = {0};
    if (decision->carries_over) {
        int64_t from_us = start_us > decision->decided_us ? start_us : decision->decided_us;
        struct subscription *replaced = subscription_active(account, from_us);
        if (replaced != NULL && replaced->start_us < replaced->end_us) {
            remainder.replaced = replaced;
            remainder.addons_go_on = replaced->end_us > from_us;
        }
    }
    if (decision->restores_tails) {
        struct subscription *longer = subscription_active(account, end_us);
        if (longer != NULL && longer->start_us <= start_us && longer->end_us > end_us) {
            remainder.longer = longer;
            remainder.tail_end_us = longer->end_us;
        }
    }
    return remainder;
}

bool remainder_fits(const struct decision *decision, const struct remainder *remainder,
                    const struct resource_type *resource_type, struct amount quota,
                    struct qms_error *error) {
    if (!remainder->addons_go_on) return true;
    for (const struct subscription_addon *each = remainder->replaced->addons; each != NULL;
         each = each->next) {
        const struct addon *addon = catalogue_addon(decision->catalogue, &each->addon_id);
        if (addon == NULL || !uuid_equal(&addon->resource_type->id, &resource_type->id)) continue;
        if (!amount_add(quota, each->amount, &quota))
            return qms_fail(error, QMS_BAD_REQUEST,
                            "the %.*s quota with its add-ons needs too many digits",
                            TEXT_ARGUMENTS(resource_type->name));
        if (amount_sign(quota) < 0) quota = amount_zero();
    }
    return true;
}

/* A quota or a usage of a subscription that has just been made. */
static void carry_value(struct decision *decision, struct op *op, struct subscription *to,
                        enum value_type type, enum update_operation operation,
                        const struct resource_type *resource_type, struct amount value) {
    const struct change change = {
        .subscription = to,
        .resource_type = resource_type,
        .operation = operation,
        .value_type = type,
        .operand = value,
        .effective_us = to->start_us > decision->decided_us ? to->start_us : decision->decided_us,
        .metadata =
            carry_metadata(decision->changes->arena, &to->id, change_path(decision, op)),
        .value_text = "invalid value",
    };
    const struct quantity *changed;
    const struct update *audit;
    bool applied = change_apply(decision, op, &change, &changed, &audit);
    assert(applied); /* a SET always is; remainder_fits() has looked at the sums */
}

enum carried { CARRIED_ALL, CARRIED_OCCUPIED };

/* What is used up begins anew with a plan; what is occupied stays occupied. */
static void carry_values(struct decision *decision, struct op *op, const struct quantity *first,
                         enum value_type type, enum carried which, struct subscription *to) {
    for (const struct quantity *each = first; each != NULL; each = each->next) {
        const struct resource_type *resource_type =
            catalogue_resource_type(decision->catalogue, &each->resource_type_id);
        if (resource_type == NULL) continue;
        if (which == CARRIED_OCCUPIED && resource_type->consumable) continue;
        carry_value(decision, op, to, type, UPDATE_SET, resource_type, each->value);
    }
}

void remainder_carry_over(struct decision *decision, struct op *op,
                          const struct remainder *remainder, struct subscription *to) {
    const struct subscription *from = remainder->replaced;
    if (from == NULL) return;
    carry_values(decision, op, from->usages, VALUE_USAGES, CARRIED_OCCUPIED, to);
    if (!remainder->addons_go_on) return;
    for (const struct subscription_addon *each = from->addons; each != NULL; each = each->next) {
        const struct addon *addon = catalogue_addon(decision->catalogue, &each->addon_id);
        if (addon == NULL) continue;
        carry_value(decision, op, to, VALUE_QUOTAS, UPDATE_ADD, addon->resource_type,
                    each->amount);
        subscription_addon_insert(decision, to, each);
    }
}

/* The quotas hold the add-ons' amounts already. */
void remainder_restore_tail(struct decision *decision, struct op *op,
                            const struct remainder *remainder, int64_t start_us) {
    const struct subscription *longer = remainder->longer;
    if (longer == NULL) return;
    struct subscription like = *longer;
    like.start_us = start_us;
    like.end_us = remainder->tail_end_us;
    struct subscription *tail = subscription_insert(decision, op->account, &like);
    carry_values(decision, op, longer->quotas, VALUE_QUOTAS, CARRIED_ALL, tail);
    carry_values(decision, op, longer->usages, VALUE_USAGES, CARRIED_ALL, tail);
    for (const struct subscription_addon *each = longer->addons; each != NULL; each = each->next)
        subscription_addon_insert(decision, tail, each);
}
