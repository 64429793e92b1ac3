/* What must hold of the extensions that are stored, and of their containers. */
#include "engine/core/limits.h"
#include "engine/testing/world_check.h"

static bool works(const struct gf_extension_instance *instance) {
    return instance->attempt > 0 &&
           (instance->state == GF_INSTANCE_LAUNCHED || instance->state == GF_INSTANCE_RUNNING);
}

static const struct world_container *
find_container(const struct check *check, const struct gf_extension *row, int32_t attempt) {
    for (size_t i = 0; i < check->world->containers.count; i++) {
        const struct world_container *container = &check->world->containers.items[i];
        if (container->attempt.run_key == row->extension_key &&
            container->attempt.attempt == attempt) {
            return container;
        }
    }
    return NULL;
}

static void check_seat(struct check *check, const struct gf_extension *row,
                       const struct gf_extension_instance *instance, struct gf_str image) {
    if (instance->attempt == 0) {
        EXPECT(check,
               instance->state == GF_INSTANCE_UNSPECIFIED && instance->launch_time == 0 &&
                   instance->ready_time == 0 && instance->image_digest.len == 0,
               "a free seat has something left");
        return;
    }
    const struct world_container *container = find_container(check, row, instance->attempt);
    check->instances++;
    EXPECT(check, instance->attempt <= row->latest_attempt, "an attempt beyond the latest one");
    EXPECT(check, instance->launch_time > 0, "an attempt that was not launched");
    EXPECT(check, container != NULL, "attempt %d has no container", (int)instance->attempt);
    if (container == NULL) {
        return;
    }
    EXPECT(check, container->stop_asked == (instance->state == GF_INSTANCE_STOPPING),
           "attempt %d: who was told to stop is stopping", (int)instance->attempt);
    EXPECT(check, !works(instance) || gf_str_eq(container->image, image),
           "attempt %d has another image than its spec", (int)instance->attempt);
    check->deadlines += instance->state != GF_INSTANCE_RUNNING;
}

static void check_extension(struct check *check, const struct gf_extension *row) {
    const struct gf_str spec = row->spec.image;
    const struct gf_str serving = row->has_fallback ? row->fallback.image : spec;
    check_seat(check, row, &row->serving, serving);
    check_seat(check, row, &row->successor, spec);
    check_seat(check, row, &row->leaving, GF_STR(""));
    check->deadlines += row->next_start_time > 0;
    EXPECT(check, row->has_fallback == works(&row->successor), "an update, but no successor");
    EXPECT(check, row->has_fallback || row->fallback.image.len == 0, "a fallback for nothing");
    EXPECT(check, !works(&row->leaving), "who leaves works");
    EXPECT(check, !works(&row->serving) || serving.len > 0, "a container of no image serves");
    EXPECT(check, row->serving.attempt == 0 || row->serving.attempt != row->leaving.attempt,
           "one container has two seats");
    EXPECT(check,
           !row->disabled ||
               (!works(&row->serving) && !row->has_fallback && row->next_start_time == 0),
           "a disabled extension works");
    EXPECT(check,
           row->disabled || row->installer || serving.len == 0 || row->serving.attempt > 0 ||
               row->next_start_time > 0,
           "nothing serves, and nothing will");
    EXPECT(check, row->next_start_time == 0 || !works(&row->serving),
           "what works waits to be started");
}

/* Of those that were uninstalled there may be some that end. */
static void check_strays(struct check *check, const struct gf_extension *rows, size_t count) {
    for (size_t i = 0; i < check->world->containers.count; i++) {
        const struct world_container *container = &check->world->containers.items[i];
        bool installed = false;
        for (size_t r = 0; r < count; r++) {
            installed = installed || rows[r].extension_key == container->attempt.run_key;
        }
        if (container->image.len > 0 && !installed) {
            check->instances++;
            EXPECT(check, container->stop_asked, "a container of nobody was not stopped");
        }
    }
}

void check_extensions(struct check *check) {
    struct gf_extension *rows = NULL;
    size_t count = 0;
    if (check->ops->extensions == NULL) {
        return;
    }
    gf_assert(check->ops->extensions->list(check->reader, GF_STR(""), GF_EXTENSIONS_MAX,
                                           &check->arena, &rows, &count, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        check_extension(check, &rows[i]);
    }
    check_strays(check, rows, count);
}
