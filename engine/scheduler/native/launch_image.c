/*
 * DESIGN
 * Where the policy allows it, what the store has is taken, whoever fetched it: so do all that run
 * containers. A task that must not run what its own credentials would not give it says `always`:
 * then the registry is asked with them each time.
 *
 * The allow-list counts when something is fetched and when what was fetched before is run again; an
 * image that somebody put into the store by hand runs, whatever the list says.
 */
#include "engine/scheduler/native/launch_image.h"

#include "base/file.h"
#include "engine/scheduler/native/images/reference.h"
#include "engine/scheduler/native/images/settings.h"
#include "engine/secrets/guarded.h"

#include <string.h>

static void copy_credentials(struct gf_launch_image *image, const struct gf_launch *launch) {
    const struct gf_str user = launch->registry_user;
    const struct gf_str password = launch->registry_password;
    if (user.len == 0) {
        return;
    }
    image->guarded = gf_guarded_alloc(user.len + password.len);
    memcpy(image->guarded, user.ptr, user.len);
    if (password.len > 0) {
        memcpy(image->guarded + user.len, password.ptr, password.len);
    }
    image->user = (struct gf_str){image->guarded, user.len};
    image->password = (struct gf_str){image->guarded + user.len, password.len};
}

void gf_launch_image_init(struct gf_launch_image *image, const struct gf_launch *launch,
                          struct gf_str reference, struct gf_image_store *store,
                          struct gf_image_pulls *pulls) {
    *image = (struct gf_launch_image){
        .store = store,
        .pulls = pulls,
        .reference = reference,
        .policy = launch->task->pull,
    };
    copy_credentials(image, launch);
}

/* Whether another attempt of the task may have more luck. */
static enum gf_launch_failure failure_of(enum gf_code code) {
    switch (code) {
    case GF_INVALID_ARGUMENT:
    case GF_NOT_FOUND:
    case GF_PERMISSION_DENIED:
    case GF_UNAUTHENTICATED:
    case GF_FAILED_PRECONDITION:
    case GF_UNIMPLEMENTED:
        return GF_LAUNCH_FAILURE_IMAGE_REFUSED;
    case GF_OK:
    case GF_CANCELLED:
    case GF_UNKNOWN:
    case GF_DEADLINE_EXCEEDED:
    case GF_ALREADY_EXISTS:
    case GF_RESOURCE_EXHAUSTED:
    case GF_ABORTED:
    case GF_OUT_OF_RANGE:
    case GF_INTERNAL:
    case GF_UNAVAILABLE:
    case GF_DATA_LOSS:
        break;
    }
    return GF_LAUNCH_FAILURE_IMAGE;
}

static void fail(struct gf_launch_image *image, const struct gf_error *error) {
    image->error = *error;
    image->failure = failure_of(error->code);
}

/* What was fetched when the list was longer is not run any more. */
static enum gf_code check_allowed(struct gf_image_store *store, const struct gf_image_pulls *pulls,
                                  const struct gf_image *image, struct gf_str reference,
                                  struct gf_error *err) {
    struct gf_reference parsed;
    const struct gf_image_settings *settings =
        pulls == NULL ? NULL : gf_image_pulls_settings(pulls);
    if (settings == NULL || settings->allow_count == 0 ||
        !gf_image_store_usage(store, &image->record.digest).is_pulled) {
        return GF_OK;
    }
    const enum gf_code rc = gf_reference_parse(reference, &parsed, err);
    return rc == GF_OK ? gf_image_check_allowed(settings, &parsed, err) : rc;
}

static enum gf_code acquire(struct gf_launch_image *image, struct gf_str reference,
                            struct gf_error *err) {
    struct gf_image *found = NULL;
    enum gf_code rc = gf_image_store_acquire(image->store, reference, &found, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = check_allowed(image->store, image->pulls, found, image->reference, err);
    if (rc == GF_OK) {
        image->image = found;
    } else {
        gf_image_store_release(image->store, gf_str_from(found->record.digest.text));
        gf_image_unref(found);
    }
    return rc;
}

/* Whether somebody can be asked for it: a digest alone names nobody. */
static bool can_fetch(const struct gf_image_pulls *pulls, struct gf_str reference) {
    struct gf_reference parsed;
    return pulls != NULL && gf_reference_parse(reference, &parsed, NULL) == GF_OK &&
           parsed.name[0] != '\0';
}

bool gf_launch_image_find(struct gf_launch_image *image) {
    struct gf_error error;
    if (image->image != NULL || image->error.code != GF_OK) {
        return true;
    }
    const bool can = can_fetch(image->pulls, image->reference);
    if (image->policy == GF_PULL_ALWAYS && can) {
        return false;
    }
    const enum gf_code rc = acquire(image, image->reference, &error);
    /* What is damaged is mended by fetching it again. */
    if ((rc == GF_NOT_FOUND || rc == GF_DATA_LOSS) && image->policy != GF_PULL_NEVER && can) {
        return false;
    }
    if (rc != GF_OK) {
        fail(image, &error);
    }
    return true;
}

static void on_ended(void *ctx, const struct gf_image_pull_end *end) {
    struct gf_launch_image *image = ctx;
    struct gf_error error = end->error;
    image->fetched = true;
    image->pull_start_time = end->start_time;
    image->pull_end_time = end->end_time;
    if (error.code == GF_OK) {
        (void)!acquire(image, gf_str_from(end->image->record.digest.text), &error);
    }
    if (error.code != GF_OK) {
        fail(image, &error);
    }
    gf_image_pull_close(image->pull);
    image->pull = NULL;
    image->resume(image->ctx);
}

void gf_launch_image_fetch(struct gf_launch_image *image, void (*resume)(void *ctx), void *ctx) {
    const struct gf_image_pull_request request = {
        .reference = image->reference,
        .always = image->policy == GF_PULL_ALWAYS,
        .user = image->user,
        .password = image->password,
    };
    const struct gf_image_pull_events events = {.ctx = image, .ended = on_ended};
    image->resume = resume;
    image->ctx = ctx;
    gf_image_pull_open(image->pulls, &request, &events, &image->pull);
    gf_launch_image_wipe(image);
}

void gf_launch_image_cancel(struct gf_launch_image *image) {
    if (image->pull != NULL) {
        gf_image_pull_close(image->pull);
        image->pull = NULL;
    }
}

void gf_launch_image_wipe(struct gf_launch_image *image) {
    gf_guarded_free(image->guarded);
    image->guarded = NULL;
    image->user = (struct gf_str){NULL, 0};
    image->password = (struct gf_str){NULL, 0};
}

const char *gf_launch_image_held(const struct gf_launch_image *image) {
    return image->image == NULL ? "" : image->image->record.digest.text;
}

void gf_launch_image_fini(struct gf_launch_image *image) {
    gf_launch_image_wipe(image);
    gf_image_unref(image->image);
    image->image = NULL;
}

enum gf_code gf_launch_image_check(struct gf_image_store *store, struct gf_image_pulls *pulls,
                                   struct gf_str reference, enum gf_pull_policy policy,
                                   struct gf_error *err) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *found = NULL;
    struct gf_reference parsed;
    struct gf_error error;
    const enum gf_code rc = gf_image_store_resolve(store, reference, &found, &error);
    const bool can = policy != GF_PULL_NEVER && can_fetch(pulls, reference);
    if (rc == GF_OK && !(policy == GF_PULL_ALWAYS && can)) {
        return check_allowed(store, pulls, found, reference, err);
    }
    if (can && (rc == GF_OK || rc == GF_NOT_FOUND || rc == GF_DATA_LOSS)) {
        const enum gf_code parsed_rc = gf_reference_parse(reference, &parsed, err);
        return parsed_rc == GF_OK
                   ? gf_image_check_allowed(gf_image_pulls_settings(pulls), &parsed, err)
                   : parsed_rc;
    }
    if (err != NULL) {
        *err = error;
    }
    return rc;
}
