/* http_status.h: what the statuses of HTTP that we send are called (RFC 9110, RFC 6585). */
#ifndef QMS_BASE_HTTP_STATUS_H
#define QMS_BASE_HTTP_STATUS_H

/* "Not Found" for 404; "Unknown" for what is never sent. */
const char *http_status_text(int status);

#endif
