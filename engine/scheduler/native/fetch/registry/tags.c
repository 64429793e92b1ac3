/*
 * The list of a repository's tags, page by page. Only versions are kept; all else is counted.
 */
#include "base/alloc.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/registry/client_internal.h"
#include "engine/scheduler/native/images/semver.h"
#include "engine/scheduler/native/images/text.h"

static void fail(struct gf_registry__run *run, struct gf_error *err) {
    (void)gf_registry__name_it(run, err);
    gf_registry__give_up(run, err);
}

void gf_registry__clear_tags(struct gf_registry__run *run) {
    for (size_t i = 0; i < run->tags.count; i++) {
        free(run->tags.items[i]);
    }
    gf_vec_clear(&run->tags);
    run->pages = 0;
}

static enum gf_code read_page(struct gf_registry__run *run, struct gf_error *err) {
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    json_t *tags = NULL;
    enum gf_code rc = gf_json_parse(gf_strbuf_view(&run->text), &root, err);
    if (rc == GF_OK) {
        rc = gf_json_array_optional(root, "tags", GF_REGISTRY_TAGS_MAX, &tags, err);
    }
    for (size_t i = 0; rc == GF_OK && i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        struct gf_semver version;
        if (tag == NULL) {
            return gf_fail_archive(err, "JSON: 'tags' must hold strings");
        }
        if (strlen(tag) > GF_REFERENCE_TAG_CHARS_MAX ||
            !gf_semver_parse(gf_str_from(tag), &version)) {
            continue;
        }
        if (run->tags.count == GF_REGISTRY_TAGS_MAX) {
            return gf_fail_limit(err, "more than %d versions", GF_REGISTRY_TAGS_MAX);
        }
        gf_vec_push(&run->tags, gf_strdup(tag));
    }
    return rc;
}

static void choose(struct gf_registry__run *run) {
    struct gf_semver_range range;
    struct gf_error err;
    enum gf_code rc = gf_semver_range_parse(gf_str_from(run->job.target), &range, &err);
    const ptrdiff_t newest =
        rc == GF_OK
            ? gf_semver_newest(&range, (const char *const *)run->tags.items, run->tags.count)
            : -1;
    if (rc == GF_OK && newest < 0) {
        rc = gf_fail_reason(&err, GF_NOT_FOUND, "IMAGE_NOT_FOUND",
                            "none of its %zu versions is in the range '%s'", run->tags.count,
                            run->job.target);
    }
    if (rc == GF_OK) {
        (void)snprintf(run->answer.tag, sizeof(run->answer.tag), "%s", run->tags.items[newest]);
        gf_registry__clear_tags(run);
        gf_registry__succeed(run);
        return;
    }
    gf_registry__clear_tags(run);
    fail(run, &err);
}

void gf_registry__take_tags(struct gf_registry__run *run) {
    struct gf_str next;
    struct gf_error err;
    if (read_page(run, &err) != GF_OK) {
        gf_registry__clear_tags(run);
        (void)gf_wrap(&err, "its list of tags");
        fail(run, &err);
        return;
    }
    if (!gf_link_next(gf_str_from(run->exchange.link), &next)) {
        choose(run);
        return;
    }
    GF_CLEANUP(gf_free_p) char *address = gf_str_dup(next);
    GF_CLEANUP(gf_free_p) char *url = gf_registry__resolve_url(run->url, address);
    if (++run->pages >= GF_REGISTRY_TAG_PAGES_MAX) {
        (void)gf_fail_limit(&err, "its list of tags has more than %d pages",
                            GF_REGISTRY_TAG_PAGES_MAX);
    } else if (url == NULL || !gf_registry__same_origin(run->url, url)) {
        (void)gf_fail(&err, GF_PERMISSION_DENIED,
                      "the next page of its list of tags is elsewhere, at '%s'",
                      gf_show_cstr(address).text);
    } else {
        free(run->url);
        run->url = GF_TAKE(url);
        gf_registry__ask(run);
        return;
    }
    gf_registry__clear_tags(run);
    fail(run, &err);
}
