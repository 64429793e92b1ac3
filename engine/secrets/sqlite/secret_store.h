/*
 * The secret store in a database file of its own: SQLite with a write-ahead log, every change on
 * the disk before the call returns (synchronous FULL), and what is removed overwritten with zeroes
 * in the file (secure_delete). The log may keep a copy of a removed row until it starts over, which
 * it is made to do after every removal, unless somebody reads just then. All that is in the file is
 * encrypted, but for names, times and sizes.
 *
 * The file has mode 0600 and belongs to one process at a time: PATH.lock is the lock. Reads go on
 * beside each other and beside a write; writes wait for each other.
 *
 * Rows are checked as strangers' input: what no server writes is GF_DATA_LOSS.
 *
 * Thread: any, all calls; they block.
 */
#ifndef GOFER_ENGINE_SECRETS_SQLITE_SECRET_STORE_H_
#define GOFER_ENGINE_SECRETS_SQLITE_SECRET_STORE_H_

#include "base/macros.h"
#include "engine/secrets/secret_store.h"

/*
 * Opens the file, or makes it. Destroyed through its ops. Codes: GF_FAILED_PRECONDITION (in use by
 * another process; no such database; of a newer gofer; not to be opened by this user),
 * GF_DATA_LOSS (damaged), GF_UNAVAILABLE.
 */
enum gf_code gf_sqlite_secret_store_open(const char *path, struct gf_secret_store **out_store,
                                         struct gf_error *err) GF_MUST_USE;

/* As above on a VFS of SQLite that is registered: for tests that make the disk fail. */
enum gf_code gf_sqlite_secret_store_open_vfs(const char *path, const char *vfs,
                                             struct gf_secret_store **out_store,
                                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_SQLITE_SECRET_STORE_H_ */
