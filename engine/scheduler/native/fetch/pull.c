#include "engine/scheduler/native/fetch/pull.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/install.h"
#include "engine/scheduler/native/fetch/pull_internal.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/fetch/source.h"
#include "engine/scheduler/native/images/semver.h"
#include "engine/scheduler/native/images/text.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ANSWER_WAIT_MS = 200,
    LINE_MS = 200,
};

void gf_puller_show(struct gf_puller *puller, bool at_once) {
    char memory[GF_PULL_PROGRESS_LINE_BYTES_MAX];
    struct gf_strbuf line;
    const int64_t now_ns = gf_mono_ns();
    if (!at_once && now_ns < puller->next_line_mono_ns) {
        return;
    }
    puller->next_line_mono_ns = now_ns + LINE_MS * GF_NS_PER_MS;
    gf_strbuf_init_in(&line, memory, sizeof(memory));
    gf_pull_progress_write(&puller->progress, &line);
    /* A line that cannot be written is not worth failing for. */
    (void)!gf_write_all(puller->pull->progress_fd, line.ptr, line.len, NULL);
}

enum gf_code gf_puller_check_time(const struct gf_puller *puller, struct gf_error *err) {
    if (gf_mono_ns() >= puller->pull->deadline_mono_ns) {
        return gf_fail(err, GF_DEADLINE_EXCEEDED, "the pull took too long");
    }
    return GF_OK;
}

/* Has the network process do one job, and waits for its end. */
static enum gf_code do_job(struct gf_puller *puller, struct gf_registry_job *job,
                           struct gf_registry_answer *out, struct gf_error *err) {
    bool got = false;
    job->id = ++puller->last_id;
    enum gf_code rc = gf_agent_order(puller->agent, job, err);
    while (rc == GF_OK && !got) {
        rc = gf_agent_receive(puller->agent, ANSWER_WAIT_MS, &got, out, err);
        if (rc == GF_OK && !got) {
            rc = gf_puller_check_time(puller, err);
        }
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (out->id != job->id || out->source >= puller->pull->host_count) {
        return gf_fail(err, GF_INTERNAL, "the network process answers what nobody asked");
    }
    puller->received_bytes += out->received_bytes > 0 ? out->received_bytes : 0;
    if (out->failed) {
        return gf_fail_reason(err, out->failure.code, out->failure.reason, "%s",
                              out->failure.message);
    }
    return GF_OK;
}

/* The digest that a document must have: that it was asked by, or else that the registry tells. */
static enum gf_code check_document(const struct gf_registry_answer *answer,
                                   const struct gf_digest *expected, struct gf_str text,
                                   struct gf_digest *out, struct gf_error *err) {
    struct gf_digest said;
    const struct gf_digest got = gf_sha256_of(text);
    enum gf_code rc = GF_OK;
    if (expected != NULL) {
        rc = gf_digest_check(expected, &got, err);
    } else if (gf_digest_parse(gf_str_from(answer->digest), &said, NULL) == GF_OK) {
        rc = gf_digest_check(&said, &got, err);
    }
    if (rc == GF_OK) {
        *out = got;
    }
    return rc;
}

/* Reads a manifest or a configuration whole. expected: its digest, or NULL. */
static enum gf_code read_document(struct gf_puller *puller, struct gf_registry_job job,
                                  const struct gf_digest *expected, struct gf_strbuf *out,
                                  struct gf_digest *out_digest,
                                  struct gf_registry_answer *out_answer, struct gf_error *err) {
    struct gf_registry_answer answer;
    for (;;) {
        GF_CLEANUP(gf_close_p) int fd = memfd_create("document", MFD_CLOEXEC);
        if (fd < 0) {
            return gf_fail_system(err, "cannot make a file in memory");
        }
        job.fd = fd;
        enum gf_code rc = do_job(puller, &job, &answer, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (lseek(fd, 0, SEEK_SET) != 0) {
            return gf_fail_system(err, "cannot read a file in memory");
        }
        gf_strbuf_reset(out);
        rc = gf_read_all(fd, out, err);
        if (rc != GF_OK) {
            return gf_fail_limit(err, "a manifest or a configuration has more than %d bytes",
                                 GF_FETCH_JSON_BYTES_MAX);
        }
        rc = check_document(&answer, expected, gf_strbuf_view(out), out_digest, err);
        if (rc == GF_OK) {
            *out_answer = answer;
            return GF_OK;
        }
        if (answer.source + 1 >= puller->pull->host_count) {
            return gf_wrap(err, "registry %s, %s", puller->pull->hosts[answer.source],
                           gf_show_cstr(job.target).text);
        }
        job.source = answer.source + 1;
    }
}

/* What found.h reads by way of the source. */
struct registry {
    struct gf_puller *puller;
    const struct gf_found_root *root;
    size_t source; /* who told what the name means */
};

static enum gf_code read_registry(void *ctx, const struct gf_digest *digest, int64_t size_bytes,
                                  bool is_manifest, struct gf_strbuf *out, struct gf_error *err) {
    const struct registry *registry = ctx;
    struct gf_registry_answer answer;
    struct gf_digest got;
    if (gf_digest_eq(digest, &registry->root->digest)) {
        gf_strbuf_append(out, registry->root->text);
        return GF_OK;
    }
    if (size_bytes > GF_FETCH_JSON_BYTES_MAX) {
        return gf_fail_limit(err, "a manifest or a configuration has more than %d bytes",
                             GF_FETCH_JSON_BYTES_MAX);
    }
    struct gf_registry_job job = {
        .kind = is_manifest ? GF_REGISTRY_MANIFEST : GF_REGISTRY_BLOB,
        .size = is_manifest ? GF_FETCH_JSON_BYTES_MAX : size_bytes,
        .source = registry->source,
    };
    (void)snprintf(job.target, sizeof(job.target), "%s", digest->text);
    return read_document(registry->puller, job, digest, out, &got, &answer, err);
}

/* The newest tag in the range. The network process chose it, so it is checked again. */
static enum gf_code choose_tag(struct gf_puller *puller, const char *range_text, char *out_tag,
                               size_t *out_source, struct gf_error *err) {
    struct gf_registry_answer answer;
    struct gf_semver_range range;
    struct gf_semver version;
    struct gf_registry_job job = {.kind = GF_REGISTRY_TAGS, .fd = -1};
    (void)snprintf(job.target, sizeof(job.target), "%s", range_text);
    enum gf_code rc = do_job(puller, &job, &answer, err);
    if (rc == GF_OK) {
        rc = gf_semver_range_parse(gf_str_from(range_text), &range, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_semver_parse(gf_str_from(answer.tag), &version) ||
        !gf_semver_matches(&range, &version)) {
        return gf_fail(err, GF_INTERNAL, "the network process chose the tag '%s' for '%s'",
                       gf_show_cstr(answer.tag).text, range_text);
    }
    (void)snprintf(out_tag, GF_REFERENCE_TAG_CHARS_MAX + 1, "%s", answer.tag);
    *out_source = answer.source;
    return GF_OK;
}

/* Gives the name, where the reference has one that may move. */
static enum gf_code name_it(struct gf_puller *puller, const char *tag,
                            struct gf_pull_result *result, struct gf_error *err) {
    struct gf_reference reference = puller->pull->reference;
    struct gf_image_name name = {.digest = result->digest};
    char text[GF_REFERENCE_BYTES];
    if (gf_digest_is_set(&reference.digest)) {
        return GF_OK;
    }
    reference.range[0] = '\0';
    (void)snprintf(reference.tag, sizeof(reference.tag), "%s", tag);
    (void)gf_reference_format(&reference, text);
    if (strlen(text) > GF_REFERENCE_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "image name '%s' has more than %d characters",
                       gf_show_cstr(text).text, GF_REFERENCE_CHARS_MAX);
    }
    (void)snprintf(name.name, sizeof(name.name), "%.*s", GF_REFERENCE_CHARS_MAX, text);
    (void)snprintf(result->name, sizeof(result->name), "%s", name.name);
    return gf_fetch_store_publish_name(puller->store, &name, err);
}

/* The record and what leads to it, under the store's lock: the layers are there, and held. */
static enum gf_code publish(struct gf_puller *puller, struct gf_found_image *image,
                            const struct gf_digest *root, const char *tag,
                            struct gf_pull_result *result, struct gf_error *err) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_close_p) int lock_fd = -1;
    const struct gf_fetch_store *store = puller->store;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    enum gf_code rc = gf_fetch_store_lock(store, /* alone= */ false, &lock_fd, err);
    if (rc == GF_OK) {
        rc = gf_install_record(store, puller->pull->now_wall_ns, &arena, &image->record,
                               &result->is_new, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    result->digest = image->record.digest;
    rc = result->is_new
             ? gf_fetch_store_set_origin(store, &result->digest, /* is_pulled= */ true, err)
             : gf_fetch_store_spare(store, &result->digest, err);
    if (rc == GF_OK && !gf_digest_eq(root, &result->digest)) {
        rc = gf_fetch_store_publish_index(store, root, &result->digest, err);
    }
    return rc == GF_OK ? name_it(puller, tag, result, err) : rc;
}

static void holds_fini(int (*fds)[GF_IMAGE_LAYERS_MAX]) {
    for (size_t i = 0; i < GF_IMAGE_LAYERS_MAX; i++) {
        gf_close(&(*fds)[i]);
    }
}

static enum gf_code bring(struct gf_puller *puller, const struct gf_found_root *root,
                          size_t source_index, const char *tag, struct gf_pull_result *result,
                          struct gf_error *err) {
    struct registry registry = {puller, root, source_index};
    const struct gf_source_registry source_registry = {&registry, read_registry};
    GF_CLEANUP(gf_source_close_p)
    struct gf_source *source = gf_source_open_registry(&source_registry);
    GF_CLEANUP(gf_found_images_fini) struct gf_found_images images = {0};
    GF_CLEANUP(holds_fini) int hold_fds[GF_IMAGE_LAYERS_MAX];
    for (size_t i = 0; i < GF_IMAGE_LAYERS_MAX; i++) {
        hold_fds[i] = -1;
    }
    enum gf_code rc = gf_find_pulled(source, root, &images, err);
    if (rc == GF_OK) {
        rc = gf_puller_bring_layers(puller, images.items[0], hold_fds, err);
    }
    return rc == GF_OK ? publish(puller, images.items[0], &root->digest, tag, result, err) : rc;
}

/* Names an image that the store has already. *out_has is false where it has not. */
static enum gf_code take_present(struct gf_puller *puller, const struct gf_digest *root,
                                 const char *tag, bool *out_has, struct gf_pull_result *result,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int lock_fd = -1;
    enum gf_code rc = gf_fetch_store_lock(puller->store, /* alone= */ false, &lock_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    *out_has = gf_fetch_store_has_image(puller->store, root, &result->digest);
    if (*out_has) {
        rc = gf_fetch_store_spare(puller->store, &result->digest, err);
    }
    return rc == GF_OK && *out_has ? name_it(puller, tag, result, err) : rc;
}

enum gf_code gf_pull_run(const struct gf_pull *pull, const struct gf_fetch_store *store,
                         const struct gf_agent *agent, struct gf_pull_result *out,
                         struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_puller puller = {.pull = pull, .store = store, .agent = agent};
    struct gf_registry_answer answer = {.source = 0};
    struct gf_pull_result result = {.name = ""};
    struct gf_digest root_digest;
    char tag[GF_REFERENCE_TAG_CHARS_MAX + 1];
    const struct gf_reference *reference = &pull->reference;
    const bool has_digest = gf_digest_is_set(&reference->digest);
    struct gf_registry_job job = {
        .kind = GF_REGISTRY_MANIFEST,
        .size = GF_FETCH_JSON_BYTES_MAX,
    };
    enum gf_code rc = GF_OK;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    gf_puller_show(&puller, /* at_once= */ true);
    (void)snprintf(tag, sizeof(tag), "%s", reference->tag);
    if (reference->range[0] != '\0') {
        rc = choose_tag(&puller, reference->range, tag, &job.source, err);
    }
    (void)snprintf(job.target, sizeof(job.target), "%s", has_digest ? reference->digest.text : tag);
    if (rc == GF_OK) {
        rc = read_document(&puller, job, has_digest ? &reference->digest : NULL, &text,
                           &root_digest, &answer, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    bool has_image = false;
    rc = take_present(&puller, &root_digest, tag, &has_image, &result, err);
    if (rc == GF_OK && !has_image) {
        const struct gf_found_root root = {gf_strbuf_view(&text), root_digest, answer.media_type};
        rc = bring(&puller, &root, answer.source, tag, &result, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_digest_eq(&root_digest, &result.digest)) {
        result.index = root_digest;
    }
    (void)snprintf(result.source, sizeof(result.source), "%s", pull->hosts[answer.source]);
    result.received_bytes = puller.received_bytes;
    puller.progress.phase = GF_PULL_DONE;
    gf_puller_show(&puller, /* at_once= */ true);
    *out = result;
    return GF_OK;
}
