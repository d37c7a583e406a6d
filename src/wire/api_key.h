/* api_key.h: API keys as text: "qms_" and 256 random bits as 43 letters, digits, '-' and '_'. What
 * is stored is the SHA-256 of the text; with so many random bits a slow hash would add nothing.
 * A text that does not look like a key need not be looked for.
 * Secrecy: the text is made known once, to its user; it is never logged. */
#ifndef QMS_WIRE_API_KEY_H
#define QMS_WIRE_API_KEY_H

#include "base/text.h"

enum { API_KEY_TEXT_BYTES = 47, API_KEY_HASH_BYTES = 32 };

/* A new key from the system's random source; no zero at the end. */
void api_key_make(char out[API_KEY_TEXT_BYTES]);

bool api_key_looks_valid(struct text text);

void api_key_hash(struct text text, uint8_t out[API_KEY_HASH_BYTES]);

#endif
