/* http_socket.c: what a connection sends and receives, plain or through TLS. */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "front/http_connection.h"

ssize_t http_socket_send(struct http_connection *connection, struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    if (connection->tls.ssl != NULL) return http_tls_send(&connection->tls, pieces, count);
    if (count > 1) return sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    return send(connection->fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
}

ssize_t http_socket_receive(struct http_connection *connection, char *into, size_t room) {
    /* What comes while we linger is dropped as it is. */
    if (connection->tls.ssl == NULL || connection->state == HTTP_CONNECTION_LINGER)
        return recv(connection->fd, into, room, 0);
    return http_tls_receive(&connection->tls, into, room);
}

void http_socket_acknowledge(const struct http_connection *connection) {
    setsockopt(connection->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
}

int http_socket_queued_bytes(const struct http_connection *connection) {
    int queued = 0;
    return ioctl(connection->fd, SIOCOUTQ, &queued) == 0 ? queued : 0;
}
