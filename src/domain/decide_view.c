#include <stdlib.h>

#include "domain/decide.h"

void view_quantity(const struct decision *decision, const struct quantity *quantity,
                   struct arena *arena, struct quantity_view *view) {
    *view = (struct quantity_view){
        .row = *quantity,
        .subscription_id = quantity->subscription->id,
        .resource_type =
            catalogue_resource_type(decision->catalogue, &quantity->resource_type_id),
    };
    struct stamps *stamps = &view->row.stamps;
    stamps->created_by = arena_text(arena, stamps->created_by);
    stamps->last_modified_by = arena_text(arena, stamps->last_modified_by);
    view->row.next = NULL;
    view->row.subscription = NULL;
}

/* The catalogue lists resource types by name: to walk it is to sort. */
size_t view_quantities(const struct decision *decision, const struct quantity *first,
                       struct arena *arena, struct quantity_view **views) {
    const struct catalogue *catalogue = decision->catalogue;
    size_t count = 0;
    for (const struct quantity *each = first; each != NULL; each = each->next) count++;
    *views = arena_take_zeroed(arena, count, sizeof **views);
    count = 0;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) {
        struct quantity *quantity =
            quantity_find((struct quantity *)first, &catalogue->resource_types[i].id);
        if (quantity != NULL) view_quantity(decision, quantity, arena, &(*views)[count++]);
    }
    return count;
}

void view_applied(const struct decision *decision, const struct subscription_addon *applied,
                  struct applied_view *view) {
    *view = (struct applied_view){
        .row = *applied,
        .subscription_id = applied->subscription->id,
        .addon = catalogue_addon(decision->catalogue, &applied->addon_id),
    };
    if (view->addon != NULL) view->rate = addon_rate(view->addon, &applied->addon_rate_id);
    view->row.next = NULL;
    view->row.subscription = NULL;
}

static int view_applied_order(const void *left, const void *right) {
    const struct applied_view *one = left, *other = right;
    int order = text_compare(one->addon == NULL ? TEXT("") : one->addon->name,
                             other->addon == NULL ? TEXT("") : other->addon->name);
    return order != 0 ? order : uuid_compare(&one->row.id, &other->row.id);
}

size_t view_applieds(const struct decision *decision, const struct subscription_addon *first,
                     struct arena *arena, struct applied_view **views) {
    size_t count = 0;
    for (const struct subscription_addon *each = first; each != NULL; each = each->next) count++;
    *views = arena_take_zeroed(arena, count, sizeof **views);
    count = 0;
    for (const struct subscription_addon *each = first; each != NULL; each = each->next)
        view_applied(decision, each, &(*views)[count++]);
    if (count > 1) qsort(*views, count, sizeof **views, view_applied_order);
    return count;
}

void view_subscription(const struct decision *decision, const struct subscription *subscription,
                       struct arena *arena, struct subscription_view *view) {
    const struct catalogue *catalogue = decision->catalogue;
    const struct account *account = subscription->account;
    *view = (struct subscription_view){
        .id = subscription->id,
        .start_us = subscription->start_us,
        .end_us = subscription->end_us,
        .paid = subscription->paid,
        .user_id = account->user_id,
        .username = arena_text(arena, account->username),
        .plan = catalogue_plan(catalogue, &subscription->plan_id),
    };
    if (view->plan != NULL)
        view->plan_rate = plan_rate(view->plan, &subscription->plan_rate_id);
    view->quota_count =
        view_quantities(decision, subscription->quotas, arena, &view->quotas);
    view->usage_count =
        view_quantities(decision, subscription->usages, arena, &view->usages);
    view->addon_count = view_applieds(decision, subscription->addons, arena, &view->addons);
}
