/*
 * What is looked at before and after SQLite opens a file: who else uses it, whose it is, and
 * whether it is sound.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_ENGINE_SQLITE_GUARD_H_
#define GOFER_ENGINE_SQLITE_GUARD_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/sqlite/db.h"

/*
 * Takes the lock of the database: the file PATH.lock, which stays when the lock goes. It holds the
 * number of the process, for people. *out_fd keeps the lock; close it to give it up.
 * Code: GF_FAILED_PRECONDITION (another server has it).
 */
enum gf_code gf_sqlite__lock(const char *path, int *out_fd, struct gf_error *err) GF_MUST_USE;

/*
 * Refuses what is no file of SQLite, without touching it. An empty file is fine; where there is
 * none it is made, for this user alone: runs may have been given what others should not read. Code:
 * GF_FAILED_PRECONDITION.
 */
enum gf_code gf_sqlite__check_file(const char *path, struct gf_error *err) GF_MUST_USE;

/*
 * Refuses a database of another application_id than that of the profile, before anything is written
 * to it. An empty one is fine. Codes: GF_FAILED_PRECONDITION, GF_DATA_LOSS (damaged, cut off).
 */
enum gf_code gf_sqlite__check_owner(struct gf_sqlite_db *db, struct gf_error *err) GF_MUST_USE;

/*
 * Moves what a crash has left in the write-ahead log, and looks whether the file is sound: all of
 * it up to check_bytes_max of the profile, its structure beyond. Code: GF_DATA_LOSS.
 */
enum gf_code gf_sqlite__check_sound(struct gf_sqlite_db *db, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SQLITE_GUARD_H_ */
