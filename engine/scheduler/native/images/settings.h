/*
 * What an operator says about images: who is asked for them, what may be pulled, how much is kept.
 *
 * Thread: any; a value.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/pull_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_IMAGE_PULLS_AT_ONCE_DEFAULT = 4,
    GF_IMAGE_PULLS_AT_ONCE_MAX = 64,
    GF_IMAGE_REGISTRIES_MAX = 64,
    GF_IMAGE_MIRRORS_MAX = 8, /* of one registry */
    GF_IMAGE_PATTERNS_MAX = 64,
    GF_IMAGE_PATTERN_CHARS_MAX = 512,
    GF_IMAGE_PASSWORD_BYTES_MAX = 16 * 1024, /* of a password file, as GF_PULL_TEXT_BYTES_MAX */
};

/* What is special about one registry. NULL and "" are the same: not given. */
struct gf_image_registry {
    const char
        *host; /* as in references: "registry.example:5000"; "docker.io" is the default one */
    const char *const *mirrors; /* hosts, asked before it in this order */
    size_t mirror_count;
    const char *user;
    const char *password_file; /* read for each pull; one line end at its end does not count */
    bool plain_http;
    const char *ca_file; /* PEM */
};

/* All is borrowed. Zeroed: every default. */
struct gf_image_settings {
    int64_t pull_timeout_ms; /* of a pull, its wait for others included; 0 = the default */
    /*
     * What the layers of pulled images may take on the disk; beyond it, those that were not used
     * for the longest time go. 0 = no limit. Images in use and imported ones stay, whatever it is.
     */
    int64_t cache_bytes;
    /*
     * Which images may be pulled, and be run where they were: see gf_image_check_allowed. None =
     * all.
     */
    const char *const *allow;
    size_t allow_count;
    /* A mirror may be named here as well: then that is how it is asked. */
    const struct gf_image_registry *registries;
    size_t registry_count;
    const char *proxy;
    const char *no_proxy;
    /* A configuration of Docker; its `auths` are asked where `registries` has no user. */
    const char *docker_config_file;
    int64_t blobs_at_once; /* of one pull; 0 = the default */
    int64_t pulls_at_once; /* 0 = the default */
};

/* Whether a text is a pattern. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_image_pattern_check(struct gf_str pattern, struct gf_error *err) GF_MUST_USE;

/*
 * Whether the settings allow the reference: it must match one of the patterns, if there are any.
 * A pattern stands for names in full, registry and default folder included:
 * "docker.io/library/busybox:1.36". '*' in it is any text, also with '/'; a pattern without a tag
 * (no ':' behind its last '/') stands for all tags and digests. Beside a digest the tag of a
 * reference does not count, and a range of versions is allowed where any tag is. A reference that
 * is a digest alone has no name: it is allowed by the pattern "*" only. Code: GF_PERMISSION_DENIED,
 * reason IMAGE_NOT_ALLOWED.
 */
enum gf_code gf_image_check_allowed(const struct gf_image_settings *settings,
                                    const struct gf_reference *reference,
                                    struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_H_ */
