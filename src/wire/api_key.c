#include "wire/api_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sys/random.h>

#define PREFIX "qms_"
enum { SECRET_BYTES = 32, PREFIX_BYTES = sizeof PREFIX - 1 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Base 64 for URLs, without padding. */
static size_t encode(const uint8_t *secret, size_t bytes, char *out) {
    size_t length = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < bytes; i++) {
        bits = bits << 8 | secret[i];
        for (held += 8; held >= 6; held -= 6) out[length++] = digits[bits >> (held - 6) & 63];
    }
    if (held > 0) out[length++] = digits[bits << (6 - held) & 63];
    return length;
}

void api_key_make(char out[API_KEY_TEXT_BYTES]) {
    uint8_t secret[SECRET_BYTES];
    ssize_t taken = getrandom(secret, sizeof secret, 0);
    assert(taken == sizeof secret);
    memcpy(out, PREFIX, PREFIX_BYTES);
    size_t length = encode(secret, sizeof secret, out + PREFIX_BYTES);
    assert(PREFIX_BYTES + length == API_KEY_TEXT_BYTES);
    explicit_bzero(secret, sizeof secret);
}

bool api_key_looks_valid(struct text text) {
    if (text.length != API_KEY_TEXT_BYTES) return false;
    if (memcmp(text.data, PREFIX, PREFIX_BYTES) != 0) return false;
    for (size_t i = PREFIX_BYTES; i < text.length; i++)
        if (text.data[i] == '\0' || strchr(digits, text.data[i]) == NULL) return false;
    return true;
}

void api_key_hash(struct text text, uint8_t out[API_KEY_HASH_BYTES]) {
    unsigned bytes = 0;
    int hashed = EVP_Digest(text.data, text.length, out, &bytes, EVP_sha256(), NULL);
    assert(hashed == 1);
    assert(bytes == API_KEY_HASH_BYTES);
}
