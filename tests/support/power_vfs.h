/* power_vfs.h: a disk that can lose power, as an SQLite VFS over the default one (style 2.16).
 * What is written stays in memory, where reads see it, until it is synced; only then it reaches the
 * real file. A power cut forgets what was not synced: every pending write by itself is lost, kept,
 * or kept up to a sector, as a seed decides.
 * A sync can also fail as Linux does it: what was to be synced is still read back, but no later
 * sync writes it.
 * Names of files are durable at once. One disk per process; one thread. */
#ifndef QMS_TESTS_SUPPORT_POWER_VFS_H
#define QMS_TESTS_SUPPORT_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_VFS "power"

void power_vfs_register(void);

/* What becomes of pending writes at a cut. */
enum power_loss { POWER_LOSES_ALL, POWER_LOSES_SOME };

/* The power fails at the n-th write, truncation, sync or deletion from now (0: the next one), and
 * everything after it fails too. */
void power_vfs_cut_after(unsigned operations, enum power_loss loss, uint64_t seed);
bool power_vfs_is_cut(void);
/* Power on again. All files must have been closed. Returns how many pending writes were lost. */
unsigned power_vfs_restore(void);

/* The n-th sync from now fails; the power stays on. */
void power_vfs_fail_sync_after(unsigned syncs);
/* The n-th write, truncation, sync or deletion from now fails once, with this SQLite code; the
 * power stays on. */
void power_vfs_fail_after(unsigned operations, int code);
bool power_vfs_has_failed(void);

#endif
