#include "cli/listener.h"

#include <arpa/inet.h>
#include <stdio.h>

/* A port in decimal; -1 when it is none. */
static int read_port(const char *text) {
    int port = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 5 || text[length] != '\0') return -1;
    for (size_t i = 0; i < length; i++)
        port = port * 10 + (text[i] - '0');
    return port <= UINT16_MAX ? port : -1;
}

/* The address, without its port and brackets, as a string; false when it is too long for one. */
static bool copy_address(struct text text, char *out, size_t bytes) {
    if (text_equal(text, TEXT("localhost"))) text = TEXT("127.0.0.1");
    if (text.length == 0 || text.length >= bytes) return false;
    memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return true;
}

bool listener_read(const char *text, struct listener *listener, struct qms_error *error) {
    const char *colon = strrchr(text, ':');
    int port = colon == NULL ? -1 : read_port(colon + 1);
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    struct text address = {.data = text, .length = length};
    if (is_bracketed) address = (struct text){.data = text + 1, .length = length - 2};

    *listener = (struct listener){.port = port};
    bool fits = copy_address(address, listener->address, sizeof listener->address);
    struct in_addr four;
    struct in6_addr six;
    bool is_four = fits && !is_bracketed && inet_pton(AF_INET, listener->address, &four) == 1;
    bool is_six = fits && is_bracketed && inet_pton(AF_INET6, listener->address, &six) == 1;
    if (port < 0 || (!is_four && !is_six))
        return qms_fail(error, QMS_BAD_REQUEST,
                        "cannot listen on '%s': give ADDR:PORT, as 127.0.0.1:60000 or [::1]:60000",
                        text);
    listener->is_loopback = is_four ? ntohl(four.s_addr) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(&six);
    snprintf(listener->authority, sizeof listener->authority, is_six ? "[%s]" : "%s",
             listener->address);
    return true;
}
