/* http_guard.h: whether a request was meant for this server (DNS rebinding). A browser
 * can be made to send requests to a loopback address under a foreign name: the name it then gives
 * in Host, and the page it comes from in Origin, betray it. Pure: no I/O, no look-ups. */
#ifndef QMS_FRONT_HTTP_GUARD_H
#define QMS_FRONT_HTTP_GUARD_H

#include "front/http_parser.h"

/* Host is loopback or listed, and so is every Origin. hosts ends with NULL; its entries are
 * "name", which fits any port, or "name:port". check_host false (who has no key gets nowhere, under
 * whatever name): Host may be any, and Origin also the same. */
bool http_guard_admits(const char *const *hosts, bool check_host, const struct http_head *head);

#endif
