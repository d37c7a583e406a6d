/* json_compare.h: our JSON reader beside jansson, a parser that others wrote: for every input both
 * must say the same, and when they accept it both must have read the same value.
 * Known differences, each on purpose:
 *   - deeper than JSON_DEPTH_MAX and more than JSON_MEMBERS_MAX members in an object are refused by
 *     us alone (jansson: 2,048 levels, no limit of members);
 *   - numbers beyond a double are refused by jansson alone: we keep numbers as text;
 *   - a NUL right behind a number or a word is lost by jansson; we refuse any. */
#ifndef QMS_TESTS_SUPPORT_JSON_COMPARE_H
#define QMS_TESTS_SUPPORT_JSON_COMPARE_H

#include "base/text.h"

enum json_verdict { JSON_BOTH_ACCEPT, JSON_BOTH_REFUSE, JSON_KNOWN_DIFFERENCE, JSON_DISAGREE };

/* complaint: what the two disagree about, set with JSON_DISAGREE. */
enum json_verdict json_compare(struct text input, const char **complaint);

#endif
