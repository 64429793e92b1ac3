/*
 * What the files of the layer module share: layer.c reads entries and decides, layer_make.c makes
 * files.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_INTERNAL_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/path.h"
#include "engine/scheduler/native/fetch/tar.h"

#include <stdint.h>
#include <sys/stat.h>

/* An entry on its way to the disk: where it goes, and what it says. All borrowed. */
struct gf_layer__entry {
    struct archive_entry *archive_entry;
    int root_fd;
    int parent_fd;    /* of the directory that it goes into */
    const char *name; /* in it */
};

/* Owner, mode, attributes and times as files have them. */
struct timespec gf_layer__mtime(struct archive_entry *entry);

/* Sets owner, mode and attributes of an open file or directory; not its times. */
enum gf_code gf_layer__set_metadata(int fd, struct archive_entry *entry,
                                    struct gf_error *err) GF_MUST_USE;

/*
 * Make what the entry says, in the place of what had its name. The messages do not name the entry.
 * A directory's time is the caller's to set when all is in it.
 */
enum gf_code gf_layer__make_directory(const struct gf_layer__entry *entry,
                                      struct gf_error *err) GF_MUST_USE;
enum gf_code gf_layer__make_file(const struct gf_layer__entry *entry, struct gf_tar *tar,
                                 struct gf_error *err) GF_MUST_USE;
enum gf_code gf_layer__make_symlink(const struct gf_layer__entry *entry,
                                    struct gf_error *err) GF_MUST_USE;
enum gf_code gf_layer__make_hardlink(const struct gf_layer__entry *entry,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_layer__make_fifo(const struct gf_layer__entry *entry,
                                 struct gf_error *err) GF_MUST_USE;

/* Marks a directory as hiding what the layers below have in it. */
enum gf_code gf_layer__set_opaque(int dir_fd, struct gf_error *err) GF_MUST_USE;

/* Hides a name of the layers below; where this layer has a directory of it, that becomes opaque. */
enum gf_code gf_layer__make_whiteout(int parent_fd, const char *name,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_INTERNAL_H_ */
