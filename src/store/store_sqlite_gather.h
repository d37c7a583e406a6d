/* store_sqlite_gather.h: a VFS that writes what a commit adds to the write-ahead log in few pieces.
 * SQLite makes two writes for each page, 74 for a commit of 32 changes; the kernel takes half the
 * time over the same bytes in two. All of them reach the file before the xSync() that ends a commit
 * returns, as they would without this, so what a commit promises stays the same. */
#ifndef QMS_STORE_STORE_SQLITE_GATHER_H
#define QMS_STORE_STORE_SQLITE_GATHER_H

struct sqlite3;

/* The name of such a VFS over the one of this name (NULL: the default), registered when it is asked
 * for first. Its connections write as ever until store_sqlite_gather() is called. */
const char *store_sqlite_gather_over(const char *vfs);

/* From now on this connection, which has synchronous = FULL, writes its log so, if it has one. It
 * also keeps changed pages in memory until their commit: written before, they could still lie here
 * when the transaction has been rolled back and somebody else writes the log. When a piece cannot
 * be written, which fails the commit, it only reads from then on, and has to be closed. */
int store_sqlite_gather(struct sqlite3 *connection);

/* It writes as ever again: for a transaction that may be larger than memory. */
int store_sqlite_gather_end(struct sqlite3 *connection);

#endif
