/* Extensions of a world: commands, what their connections say, and their containers. */
#include "engine/testing/world.h"

struct gf_input world_install_input(struct gf_extension_spec *spec, const char *extension_id,
                                    const char *image) {
    *spec = (struct gf_extension_spec){.image = gf_str_from(image)};
    return (struct gf_input){
        .kind = GF_INPUT_INSTALL_EXTENSION,
        .u.extension.change = {.extension_id = gf_str_from(extension_id), .spec = spec}};
}

enum gf_code world_install(struct world *world, const char *extension_id, const char *image) {
    struct gf_extension_spec spec;
    const struct gf_input input = world_install_input(&spec, extension_id, image);
    return world_step(world, &input);
}

enum gf_code world_update_extension(struct world *world, const char *extension_id,
                                    const char *image) {
    struct gf_extension_spec spec;
    struct gf_input input = world_install_input(&spec, extension_id, image == NULL ? "" : image);
    input.kind = GF_INPUT_UPDATE_EXTENSION;
    input.u.extension.change.set_image = image != NULL;
    return world_step(world, &input);
}

enum gf_code world_extension_command(struct world *world, enum gf_input_kind kind,
                                     const char *extension_id, bool force) {
    const struct gf_input input = {
        .kind = kind, .u.choice = {.extension_id = gf_str_from(extension_id), .force = force}};
    return world_step(world, &input);
}

struct gf_extension world_extension(struct world *world, const char *extension_id) {
    const struct gf_store_ops *ops = world->store->ops;
    struct gf_extension extension = {0};
    struct gf_store_reader *reader = ops->open_reader(world->store);
    gf_assert(ops->extensions->get(reader, gf_str_from(extension_id), &world->arena, &extension,
                                   NULL) == GF_OK);
    ops->close_reader(world->store, reader);
    return extension;
}

/* ---- What connections say ---- */

enum gf_code world_word(struct world *world, enum gf_input_kind kind, const char *extension_id,
                        int32_t attempt) {
    const struct gf_input input = {
        .kind = kind,
        .u.word = {
            .extension_key = world_extension(world, extension_id).extension_key,
            .attempt = attempt,
            .registration = gf_str_from(
                gf_arena_printf(&world->arena, "I am %s %d", extension_id, (int)attempt)),
            .version = gf_str_from(gf_arena_printf(&world->arena, "1.%d", (int)attempt)),
            .reason = GF_STR("it hung up"),
        }};
    return world_step(world, &input);
}

/* ---- Containers ---- */

struct world_container *world_instance(struct world *world, const char *extension_id,
                                       int32_t attempt) {
    for (size_t i = 0; i < world->containers.count; i++) {
        struct world_container *container = &world->containers.items[i];
        if (container->image.len > 0 && container->attempt.attempt == attempt &&
            gf_str_eq(container->task_id, gf_str_from(extension_id))) {
            return container;
        }
    }
    return NULL;
}

static struct world_container *must_find(struct world *world, const char *extension_id,
                                         int32_t attempt) {
    struct world_container *container = world_instance(world, extension_id, attempt);
    gf_assert(container != NULL);
    return container;
}

void world_instance_started(struct world *world, const char *extension_id, int32_t attempt) {
    struct world_container *container = must_find(world, extension_id, attempt);
    const struct gf_input input = {
        .kind = GF_INPUT_TASK_STARTED,
        .u.started = {.attempt = container->attempt,
                      .start = {.image_digest = GF_STR("sha256:abc"), .node = GF_STR("here")}}};
    container->started = true;
    (void)world_step(world, &input);
}

void world_instance_ready(struct world *world, const char *extension_id, int32_t attempt) {
    world_instance_started(world, extension_id, attempt);
    gf_assert(world_word(world, GF_INPUT_EXTENSION_REGISTERED, extension_id, attempt) == GF_OK);
    gf_assert(world_word(world, GF_INPUT_EXTENSION_READY, extension_id, attempt) == GF_OK);
}

void world_instance_exit(struct world *world, const char *extension_id, int32_t attempt,
                         int32_t exit_code) {
    const struct gf_exit exit = {.exit_code = exit_code};
    world_report(world, must_find(world, extension_id, attempt)->attempt, &exit);
}

/* ---- What is stored ---- */

static void append_seat(struct gf_strbuf *out, const struct gf_extension_instance *instance) {
    static const char letters[] = {[GF_INSTANCE_LAUNCHED] = 'l',
                                   [GF_INSTANCE_RUNNING] = 'r',
                                   [GF_INSTANCE_DRAINING] = 'd',
                                   [GF_INSTANCE_STOPPING] = 's'};
    if (instance->attempt == 0) {
        gf_strbuf_append_char(out, '-');
        return;
    }
    const bool was_ready = instance->state == GF_INSTANCE_RUNNING && instance->ready_time > 0;
    gf_strbuf_printf(out, "%d%c", (int)instance->attempt,
                     was_ready ? 'R' : letters[instance->state]);
}

const char *world_seats(struct world *world, const char *extension_id) {
    const struct gf_extension row = world_extension(world, extension_id);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 10);
    append_seat(&text, &row.serving);
    gf_strbuf_append_char(&text, ' ');
    append_seat(&text, &row.successor);
    gf_strbuf_append_char(&text, ' ');
    append_seat(&text, &row.leaving);
    gf_strbuf_append_cstr(&text, row.has_fallback ? " update" : "");
    gf_strbuf_append_cstr(&text, row.next_start_time > 0 ? " wait" : "");
    gf_strbuf_append_cstr(&text, row.disabled ? " off" : "");
    const char *copy = gf_arena_strdup(&world->arena, text.ptr);
    gf_strbuf_fini(&text);
    return copy;
}
