#include "domain/username.h"

#include "base/limits.h"

static struct text without_domain(const struct username_rule *rule, struct text given) {
    if (rule->strip_any_domain) {
        const char *at = given.length == 0 ? NULL : memchr(given.data, '@', given.length);
        if (at != NULL) given.length = (size_t)(at - given.data);
        return given;
    }
    if (rule->domain.length == 0 || given.length <= rule->domain.length) return given;
    size_t at = given.length - rule->domain.length - 1;
    struct text end = {.data = given.data + at + 1, .length = rule->domain.length};
    if (given.data[at] == '@' && text_equal(end, rule->domain)) given.length = at;
    return given;
}

/* Control characters are below U+0020 and from U+007F to U+009F, the latter of two bytes. */
static bool is_allowed_at(struct text name, size_t at) {
    uint8_t byte = (uint8_t)name.data[at];
    if (byte < 0x20 || byte == 0x7F || byte == '@' || byte == '/') return false;
    return byte != 0xC2 || (uint8_t)name.data[at + 1] >= 0xA0;
}

static bool is_valid(struct text name) {
    if (name.length == 0 || name.length > USERNAME_BYTES_MAX) return false;
    if (!text_is_utf8(name)) return false;
    for (size_t at = 0; at < name.length; at++)
        if (!is_allowed_at(name, at)) return false;
    return true;
}

bool username_resolve(const struct username_rule *rule, struct text given, struct text *name,
                      struct qms_error *error) {
    struct text stripped = without_domain(rule, given);
    if (!is_valid(stripped)) return qms_fail(error, QMS_BAD_REQUEST, "invalid username");
    *name = stripped;
    return true;
}
