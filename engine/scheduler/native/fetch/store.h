/*
 * The image store on disk, as gofer-fetch writes it. The server reads it
 * (engine/scheduler/native/images/image_store.h).
 *
 *     DIR/                     0700
 *       format                 "gofer-images 1"
 *       layers/<diff id>/      a layer, unpacked: an overlayfs lower directory
 *       images/<digest>/record what the image is (images/record.h)
 *       images/<digest>/pulled it came from a registry, and may be removed to make room
 *       images/<digest>/used   made by the server; its time is that of the last use
 *       images/<digest>/doomed made by the server: it goes when nobody uses it
 *       names/<name>           what the name means; '/' in the name is '~' here
 *       indexes/<digest>       which image an index led to: it is found by that digest, too
 *       downloads/<digest>     a blob, or the beginning of it, locked by whoever fetches it
 *       lock                   an empty file, see below
 *       tmp/<random>/          work in progress, locked by whoever works in it
 *
 * Digests are the 64 hexadecimal digits. Everything is made in tmp/ and renamed into its place when
 * it is complete and on the disk: layers first, then records, then names. So whatever is in its
 * place is whole, and what a record or a name refers to is there. A layer or a record in its place
 * never changes.
 *
 * Several programs may work on one store at once. Who puts things in their places holds a shared
 * lock of `lock` from before it looks for the last time whether what it refers to is there; who
 * takes things away holds it alone while it moves them to tmp/. So nothing goes that a record has
 * just come to need. Nobody holds the lock for long: neither while something is fetched or unpacked
 * nor while something is freed.
 *
 * What a killed one has left in tmp/ is removed by
 * the next one, which knows by the lock that nobody works there any more.
 *
 * A pull moves layers to their places long before there is a record that needs them. It holds the
 * lock of each such directory, shared, up to its end; who takes layers away leaves those alone.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_STORE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_STORE_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/images/digest.h"
#include "engine/scheduler/native/images/record.h"

#include <stdbool.h>

/* Descriptors of the directories, all owned; -1 where closed. */
struct gf_fetch_store {
    int root_fd;
    int layers_fd;
    int images_fd;
    int names_fd;
    int indexes_fd;
    int downloads_fd;
    int tmp_fd;
    int work_fd;        /* tmp/<random>/, locked; -1 until gf_fetch_store_begin */
    char work_name[32]; /* "<random>" */
};

/*
 * Opens the store, and makes it where it does not exist; removes what killed programs have left.
 * Codes: GF_FAILED_PRECONDITION (of another format), those of base/file.h.
 */
enum gf_code gf_fetch_store_open(const char *dir, struct gf_fetch_store *out,
                                 struct gf_error *err) GF_MUST_USE;
/* Removes the work directory and closes. Accepts a closed one. */
void gf_fetch_store_close(struct gf_fetch_store *store);

/* Makes the work directory. */
enum gf_code gf_fetch_store_begin(struct gf_fetch_store *store, struct gf_error *err) GF_MUST_USE;

/*
 * Takes the lock, shared or alone, and waits for it; *out_fd has it until it is closed. Codes:
 * those of base/file.h.
 */
enum gf_code gf_fetch_store_lock(const struct gf_fetch_store *store, bool alone, int *out_fd,
                                 struct gf_error *err) GF_MUST_USE;

/* Whether the layer is in the store. */
bool gf_fetch_store_has_layer(const struct gf_fetch_store *store, const struct gf_digest *diff_id);

/*
 * Keeps a layer from being removed: *out_fd, its directory, has a lock until it is closed. False:
 * the store does not have the layer.
 */
bool gf_fetch_store_hold_layer(const struct gf_fetch_store *store, const struct gf_digest *diff_id,
                               int *out_fd) GF_MUST_USE;

/* Brings all that was written in the work directory to the disk. */
enum gf_code gf_fetch_store_sync(const struct gf_fetch_store *store,
                                 struct gf_error *err) GF_MUST_USE;

/*
 * Moves the directory `name` of the work directory to its place as a layer. Where another program
 * was faster, its layer stays and `name` remains in the work directory. Code: GF_UNAVAILABLE (there
 * is none, as the store had the layer before and it was removed meanwhile).
 */
enum gf_code gf_fetch_store_publish_layer(const struct gf_fetch_store *store, const char *name,
                                          const struct gf_digest *diff_id,
                                          struct gf_error *err) GF_MUST_USE;

/*
 * Puts the record in its place. *out_is_new is false when the store has a sound record of that
 * digest already, which stays.
 */
enum gf_code gf_fetch_store_publish_record(const struct gf_fetch_store *store,
                                           const struct gf_image_record *record, bool *out_is_new,
                                           struct gf_error *err) GF_MUST_USE;

/*
 * Says where an image that is in its place came from: what was pulled may be removed to make room,
 * what was imported by hand may not, wherever it came from before. It is not to go any more, if it
 * was. Call it where an image is imported, and where a pull has brought a new one.
 */
enum gf_code gf_fetch_store_set_origin(const struct gf_fetch_store *store,
                                       const struct gf_digest *digest, bool is_pulled,
                                       struct gf_error *err) GF_MUST_USE;

/* An image that is named again is not to go any more, if it was. */
enum gf_code gf_fetch_store_spare(const struct gf_fetch_store *store,
                                  const struct gf_digest *digest, struct gf_error *err) GF_MUST_USE;

/* Keeps which image an index led to. */
enum gf_code gf_fetch_store_publish_index(const struct gf_fetch_store *store,
                                          const struct gf_digest *index,
                                          const struct gf_digest *image,
                                          struct gf_error *err) GF_MUST_USE;

/*
 * Whether the image that a digest stands for (its own, or that of an index) is in the store with
 * all its layers; then *out_image is its own digest.
 */
bool gf_fetch_store_has_image(const struct gf_fetch_store *store, const struct gf_digest *digest,
                              struct gf_digest *out_image);

/* Gives a name to an image, whatever had it before. */
enum gf_code gf_fetch_store_publish_name(const struct gf_fetch_store *store,
                                         const struct gf_image_name *name,
                                         struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_STORE_H_ */
