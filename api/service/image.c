#include "api/access/principal.h"
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/image_message.h"
#include "api/service/list.h"
#include "api/service/record.h"
#include "api/service/stream.h"
#include "engine/scheduler/native/images/reference.h"

enum {
    NAMES_BYTES_MAX = 4096, /* of an event */
};

/* ---- Messages ---- */

static char **words_to_message(const struct gf_image_words *words, struct gf_arena *arena) {
    char **copies = GF_ARENA_ARRAY(arena, words->count, char *);
    for (size_t i = 0; i < words->count; i++) {
        copies[i] = gf_message_text(gf_str_from(words->items[i]), arena);
    }
    return copies;
}

Gofer__V1__Image *gf_image_to_message(struct gf_image_store *store,
                                      const struct gf_image_entry *entry, struct gf_arena *arena) {
    const struct gf_image_usage usage = gf_image_store_usage(store, &entry->image->record.digest);
    const struct gf_image_record *record = &entry->image->record;
    Gofer__V1__Image *message = GF_MESSAGE_NEW(arena, Gofer__V1__Image, gofer__v1__image);
    struct gf_str os = {0};
    struct gf_str architecture = {0};
    (void)gf_str_cut(gf_str_from(record->platform), '/', &os, &architecture);
    message->digest = gf_message_text(gf_str_from(record->digest.text), arena);
    message->names = GF_ARENA_ARRAY(arena, entry->name_count, char *);
    message->n_names = entry->name_count;
    for (size_t i = 0; i < entry->name_count; i++) {
        message->names[i] = gf_message_text(gf_str_from(entry->names[i]), arena);
    }
    message->size_bytes = record->size_bytes;
    message->os = gf_message_text(os, arena);
    message->architecture = gf_message_text(architecture, arena);
    message->layer_count = (int32_t)record->layer_count;
    message->build_time = gf_message_time(record->created_ns, arena);
    message->import_time = gf_message_time(record->imported_ns, arena);
    message->last_use_time = gf_message_time(usage.last_use_time, arena);
    message->container_count = usage.container_count;
    return message;
}

Gofer__V1__ImageDefaults *gf_image_defaults_to_message(const struct gf_image_record *record,
                                                       struct gf_arena *arena) {
    Gofer__V1__ImageDefaults *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__ImageDefaults, gofer__v1__image_defaults);
    message->n_entrypoint = record->entrypoint.count;
    message->entrypoint = words_to_message(&record->entrypoint, arena);
    message->n_command = record->cmd.count;
    message->command = words_to_message(&record->cmd, arena);
    message->user = gf_message_text(gf_str_from(record->user), arena);
    message->working_directory = gf_message_text(gf_str_from(record->workdir), arena);
    message->n_environment = record->env.count;
    message->environment = words_to_message(&record->env, arena);
    return message;
}

/* ---- Events ---- */

void gf_image_record(struct gf_services *services, enum gf_event_kind kind, const char *digest,
                     const char *const *names, size_t name_count, struct gf_rpc_call *call) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, NAMES_BYTES_MAX);
    for (size_t i = 0; i < name_count && !text.overflowed; i++) {
        gf_strbuf_printf(&text, "%s%s", i == 0 ? "" : " ", names[i]);
    }
    const struct gf_label label = {GF_STR("names"), gf_strbuf_view(&text)};
    const struct gf_event event = {
        .kind = kind,
        .subject_id = gf_str_from(digest),
        .actor = gf_principal_actor(gf_principal_of(call)),
        .metadata = &label,
        .metadata_count = 1,
    };
    gf_record_event(services->engine, &event);
    gf_strbuf_fini(&text);
}

/* ---- Reading one ---- */

static enum gf_code get_image(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetImageRequest *request = (const void *)read->request;
    struct gf_image_store *images = read->services->images;
    struct gf_image *image = NULL;
    struct gf_reference reference;
    enum gf_code rc = gf_reference_parse(gf_str_from(request->reference), &reference, err);
    if (rc != GF_OK) {
        return gf_fail_field(err, "reference", "%s", err->message);
    }
    if (images == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "the scheduler '%s' has no images",
                       read->services->scheduler.ops->name);
    }
    rc = gf_image_store_resolve(images, gf_str_from(request->reference), &image, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_image_catalog *catalog = gf_image_store_catalog(images);
    const struct gf_image_entry *entry = gf_image_catalog_find(catalog, &image->record.digest);
    const struct gf_image_entry nameless = {.image = image};
    Gofer__V1__GetImageResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetImageResponse, gofer__v1__get_image_response);
    response->image = gf_image_to_message(images, entry != NULL ? entry : &nameless, read->arena);
    response->defaults = gf_image_defaults_to_message(&image->record, read->arena);
    read->response = &response->base;
    gf_image_catalog_unref(catalog);
    gf_image_unref(image);
    return GF_OK;
}

static void start_get_image(struct gf_rpc_call *call, const Gofer__V1__GetImageRequest *request,
                            void *ctx) {
    gf_read_start(call, &request->base, ctx, get_image);
}

/* ---- Listing ---- */

static struct gf_str first_name(const struct gf_image_entry *entry) {
    return entry->name_count == 0 ? GF_STR("") : gf_str_from(entry->names[0]);
}

/* Whether the entry stands behind the place "NAME\nDIGEST"; the empty place is before all. */
static bool is_behind(const struct gf_image_entry *entry, struct gf_str place) {
    struct gf_str name = {0};
    struct gf_str digest = {0};
    if (!gf_str_cut(place, '\n', &name, &digest)) {
        return true;
    }
    const int order = gf_str_cmp(first_name(entry), name);
    return order > 0 ||
           (order == 0 && gf_str_cmp(gf_str_from(entry->image->record.digest.text), digest) > 0);
}

/* items: the entries of the catalog from the place on. */
static enum gf_code fetch_images(struct gf_list_page *page, size_t limit, size_t *out_count,
                                 bool *out_ended, GF_UNUSED struct gf_error *err) {
    struct gf_image_catalog *catalog = page->data;
    size_t first = 0;
    while (first < catalog->count && !is_behind(&catalog->entries[first], page->position.text)) {
        first++;
    }
    const size_t left = catalog->count - first;
    page->items = (void *)(uintptr_t)(catalog->entries + first);
    *out_count = left < limit ? left : limit;
    *out_ended = left <= limit;
    return GF_OK;
}

/* By its digest or any of its names, as GetImage would be asked for it. */
static bool is_visible(const struct gf_principal *principal, const struct gf_image_entry *entry) {
    bool visible = gf_may_read(principal, GF_PERMISSION_RESOURCE_IMAGES, GF_STR(""),
                               gf_str_from(entry->image->record.digest.text));
    for (size_t i = 0; !visible && i < entry->name_count; i++) {
        visible = gf_may_read(principal, GF_PERMISSION_RESOURCE_IMAGES, GF_STR(""),
                              gf_str_from(entry->names[i]));
    }
    return visible;
}

static enum gf_code take_image(struct gf_list_page *page, size_t index, void **out_message,
                               GF_UNUSED struct gf_error *err) {
    const struct gf_image_entry *entry = &((const struct gf_image_entry *)page->items)[index];
    page->position.text = gf_str_from(gf_arena_printf(page->read->arena, "%" GF_STR_FMT "\n%s",
                                                      GF_STR_ARG(first_name(entry)),
                                                      entry->image->record.digest.text));
    if (is_visible(page->read->principal, entry)) {
        *out_message = gf_image_to_message(page->read->services->images, entry, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code list_images(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListImagesRequest *request = (const void *)read->request;
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "images", request->page_size, err);
    if (rc == GF_OK && read->services->images == NULL) {
        Gofer__V1__ListImagesResponse *response = GF_MESSAGE_NEW(
            read->arena, Gofer__V1__ListImagesResponse, gofer__v1__list_images_response);
        read->response = &response->base;
    } else if (rc == GF_OK) {
        struct gf_image_catalog *catalog = gf_image_store_catalog(read->services->images);
        page.data = catalog;
        page.conceals = true;
        rc = gf_list_page_answer(&page, request->page_token, fetch_images, take_image,
                                 &gofer__v1__list_images_response__descriptor, err);
        gf_image_catalog_unref(catalog);
    }
    return rc;
}

static void start_list_images(struct gf_rpc_call *call, const Gofer__V1__ListImagesRequest *request,
                              void *ctx) {
    gf_read_start(call, &request->base, ctx, list_images);
}

const struct gofer_v1_image_service_handlers gf_image_service = {
    .list_images = {.start = start_list_images},
    .get_image = {.start = start_get_image},
    .export_image = {.start = gf_image_export_start,
                     .writable = gf_stream_writable,
                     .cancelled = gf_stream_cancelled},
    .pull_image = {.start = gf_image_pull_start,
                   .writable = gf_stream_writable,
                   .cancelled = gf_stream_cancelled},
    .delete_image = {.start = gf_image_delete_start, .cancelled = gf_stream_cancelled},
    .import_image = {.start = gf_image_import_start,
                     .message = gf_image_import_message,
                     .cancelled = gf_stream_cancelled},
};
