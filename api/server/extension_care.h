/*
 * What the service does about extensions by itself, in the background:
 *
 *   - after the start it installs those that come with gofer and are asked for, from the archives
 *     of their images, and gives those that are installed a newer image where the archive has one;
 *   - a minute later, and from time to time, it looks for newer images of extensions whose update
 *     policy asks for that.
 *
 * Nothing of it keeps the service from starting. What fails is logged, once as long as it fails the
 * same way; what fails of the first is told by DiagnoseSystem, too.
 *
 *     extension_care.c        the times, and commands that are waited for
 *     extension_provided.c    what comes with gofer
 *     extension_updates.c     newer images
 *
 * Thread: the owner's, but where it says otherwise.
 */
#ifndef GOFER_API_SERVER_EXTENSION_CARE_H_
#define GOFER_API_SERVER_EXTENSION_CARE_H_

#include "api/service/findings.h"
#include "base/arena.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/engine.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/images/pulls.h"
#include "engine/secrets/vault.h"
#include "engine/store/store.h"

enum {
    GF_PROVIDED_EXTENSIONS_MAX = 16,
    GF_EXTENSION_UPDATES_FIRST_MS = 60 * 1000,
};

struct gf_extension_care;

/* All is borrowed until destroy, but for the texts, which are copied. */
struct gf_extension_care_options {
    struct gf_store *store;
    struct gf_engine *engine; /* has been started */
    struct gf_vault *vault;
    struct gf_image_store *images; /* NULL: the scheduler has no images, and nothing is done */
    struct gf_image_pulls *pulls;  /* likewise */
    struct gf_reactor *reactor;
    struct gf_pool *long_pool; /* jobs of seconds and minutes */
    const char *const *provided;
    size_t provided_count; /* up to GF_PROVIDED_EXTENSIONS_MAX */
    const char *image_dir; /* with the archives */
    int64_t update_interval_ms;
};

struct gf_extension_care *
gf_extension_care_start(const struct gf_extension_care_options *options) GF_MUST_USE;

/* No job begins anymore; one that runs ends soon once engine, images and pulls have stopped.
 * Accepts NULL. */
void gf_extension_care_stop(struct gf_extension_care *care);

/* After the pool was joined. Accepts NULL. */
void gf_extension_care_destroy(struct gf_extension_care *care);

/* How those that come with gofer fare. `care` is one that was started. Thread: any. */
struct gf_finding gf_extension_care_check(void *care, struct gf_arena *arena);

#endif /* GOFER_API_SERVER_EXTENSION_CARE_H_ */
