/* What the entries of the catalogue have in common: names, descriptions, dated rates. */
#include "base/limits.h"
#include "domain/decide.h"

enum entry_lines { ENTRY_ONE_LINE, ENTRY_LINES };

/* Control characters are below U+0020 and from U+007F to U+009F, the latter of two bytes. */
static bool entry_allows(struct text text, size_t at, enum entry_lines lines) {
    uint8_t byte = (uint8_t)text.data[at];
    if (byte == '\n' || byte == '\r' || byte == '\t') return lines == ENTRY_LINES;
    if (byte < 0x20 || byte == 0x7F) return false;
    return byte != 0xC2 || (uint8_t)text.data[at + 1] >= 0xA0;
}

static bool entry_text(const char *what, struct text text, size_t bytes_max,
                       enum entry_lines lines, struct qms_error *error) {
    if (text.length > bytes_max)
        return qms_fail(error, QMS_BAD_REQUEST, "%s is longer than %zu bytes", what, bytes_max);
    for (size_t at = 0; at < text.length; at++)
        if (!entry_allows(text, at, lines))
            return qms_fail(error, QMS_BAD_REQUEST, "%s holds control characters", what);
    return true;
}

bool entry_name(const char *what, struct text name, struct qms_error *error) {
    return entry_text(what, name, NAME_BYTES_MAX, ENTRY_ONE_LINE, error);
}

bool entry_description(const char *what, struct text description, struct qms_error *error) {
    return entry_text(what, description, DESCRIPTION_BYTES_MAX, ENTRY_LINES, error);
}

bool entry_count(const char *what, size_t count, struct qms_error *error) {
    return count <= CATALOGUE_ROWS_MAX ||
           qms_fail(error, QMS_BAD_REQUEST, "at most %d %s are accepted at once",
                    CATALOGUE_ROWS_MAX, what);
}

bool entry_rates(const char *owner, const struct rate_input *rates, size_t count,
                 struct qms_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (amount_sign(rates[i].rate) < 0)
            return qms_fail(error, QMS_BAD_REQUEST, "the %s rate must not be less than zero",
                            owner);
        if (!rates[i].has_effective)
            return qms_fail(error, QMS_BAD_REQUEST,
                            "the effective date of the %s rate must be specified", owner);
    }
    return true;
}

bool entry_rates_once(const struct rate_input *rates, size_t count, const char *text,
                      struct qms_error *error) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (rates[i].effective_us == rates[j].effective_us)
                return qms_fail(error, QMS_BAD_REQUEST, "%s", text);
    return true;
}
