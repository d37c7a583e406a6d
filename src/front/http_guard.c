#include "front/http_guard.h"

#include <arpa/inet.h>

/* The host without its port. Brackets stay: they tell "[::1]" from a name. */
static struct text host_name(struct text host) {
    if (host.data[0] == '[') {
        const char *bracket = memchr(host.data, ']', host.length);
        if (bracket != NULL) host.length = (size_t)(bracket - host.data) + 1;
        return host;
    }
    const char *colon = memchr(host.data, ':', host.length);
    if (colon != NULL) host.length = (size_t)(colon - host.data);
    return host;
}

/* Exact addresses only: 127.evil.example is a name somebody can own. */
static bool name_is_loopback(struct text name) {
    if (text_equal_nocase(name, TEXT("localhost"))) return true;
    char address[INET6_ADDRSTRLEN];
    bool bracketed = name.length > 2 && name.data[0] == '[';
    if (bracketed) name = (struct text){.data = name.data + 1, .length = name.length - 2};
    if (name.length == 0 || name.length >= sizeof address) return false;
    memcpy(address, name.data, name.length);
    address[name.length] = '\0';
    struct in6_addr six;
    if (bracketed)
        return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
    struct in_addr four;
    return inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* Nothing but a port may follow the name. */
static bool port_is_valid(struct text port) {
    if (port.length > 0 && port.data[0] != ':') return false;
    for (size_t i = 1; i < port.length; i++)
        if (port.data[i] < '0' || port.data[i] > '9') return false;
    return true;
}

static bool host_is_ours(const char *const *hosts, struct text host) {
    if (host.length == 0) return false;
    struct text name = host_name(host);
    struct text port = {.data = host.data + name.length, .length = host.length - name.length};
    if (!port_is_valid(port)) return false;
    if (name_is_loopback(name)) return true;
    for (; hosts != NULL && *hosts != NULL; hosts++) {
        struct text listed = text_of(*hosts);
        if (text_equal_nocase(listed, host) || text_equal_nocase(listed, name)) return true;
    }
    return false;
}

/* scheme://host[:port]; anything else, "null" too, is a stranger. */
static bool origin_is_ours(const char *const *hosts, struct text own, struct text origin) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct text scheme = text_of(schemes[i]);
        struct text start = {.data = origin.data, .length = scheme.length};
        if (origin.length <= scheme.length || !text_equal_nocase(start, scheme)) continue;
        struct text host = {.data = origin.data + scheme.length,
                            .length = origin.length - scheme.length};
        return host_is_ours(hosts, host) || (own.length > 0 && text_equal_nocase(host, own));
    }
    return false;
}

bool http_guard_admits(const char *const *hosts, bool check_host, const struct http_head *head) {
    struct text own = check_host ? (struct text){0} : head->host;
    if (check_host && !host_is_ours(hosts, head->host)) return false;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (text_equal_nocase(header->name, TEXT("origin")) &&
            !origin_is_ours(hosts, own, header->value))
            return false;
    }
    return true;
}
