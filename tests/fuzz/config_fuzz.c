/*
 * The configuration of the service: nothing may crash, what is refused must be told with its place,
 * what is read must have every section and every value in its range, and a tree must read back from
 * its one line as the same line.
 */
#include "api/config/config.h"
#include "api/config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "f.yaml";

static void check_message(const Gofer__Config__V1__ServerConfig *message) {
    gf_assert(message->data_dir != NULL && message->n_listeners <= 64);
    for (size_t i = 0; i < message->n_listeners; i++) {
        gf_assert(message->listeners[i]->address != NULL);
    }
    gf_assert(message->tls != NULL && message->access != NULL && message->secrets != NULL);
    gf_assert(message->limits->runs_active_max >= 1 &&
              message->limits->runs_active_max <= INT32_MAX);
    gf_assert(message->scheduler->containers_max >= 1);
    gf_assert(message->limits->stop_timeout != NULL);
    gf_assert((int)message->logging->level >= 1 && (int)message->logging->level <= 4);
}

static void run_config(struct gf_str text, struct gf_arena *arena) {
    struct gf_config_values config;
    struct gf_error err = {0};
    const enum gf_code rc = gf_config_parse(text, name, arena, &config, &err);
    if (rc == GF_OK) {
        check_message(config.message);
        return;
    }
    gf_assert(rc == GF_INVALID_ARGUMENT || rc == GF_RESOURCE_EXHAUSTED);
    gf_assert(gf_str_has_prefix(gf_str_from(err.message), GF_STR("f.yaml:")));
}

/* The text as the value of every setting that is given in the environment. */
static void run_environment(struct gf_str text, struct gf_arena *arena) {
    static const char *const settings[] = {
        "GOFER_LISTENERS=",      "GOFER_LIMITS_STOP_TIMEOUT=", "GOFER_LIMITS_UPLOAD_BYTES=",
        "GOFER_SCHEDULER_NAME=", "GOFER_LIMITS_RUNS_MAX=",     "GOFER_DATA_DIR="};
    for (size_t i = 0; i < GF_ARRAY_COUNT(settings); i++) {
        const char *variable =
            gf_arena_printf(arena, "%s%" GF_STR_FMT, settings[i], GF_STR_ARG(text));
        const char *const environment[] = {variable, NULL};
        const struct gf_config_options options = {.environment = environment};
        struct gf_config_values config;
        struct gf_error err = {0};
        if (gf_config_load(&options, arena, &config, &err) == GF_OK) {
            check_message(config.message);
        } else {
            gf_assert(err.message[0] != '\0');
        }
    }
}

static void run_tree(struct gf_str text, struct gf_arena *arena) {
    struct gf_yaml_node *root = NULL;
    struct gf_strbuf once;
    struct gf_strbuf twice;
    gf_strbuf_init(&once, 4 << 20);
    gf_strbuf_init(&twice, 4 << 20);
    if (gf_yaml_parse(text, name, arena, &root, NULL) == GF_OK && root != NULL) {
        gf_yaml_write_flow(root, &once);
        if (once.len <= GF_YAML_BYTES_MAX && !once.overflowed) {
            struct gf_error err = {0};
            struct gf_yaml_node *again = NULL;
            const enum gf_code rc = gf_yaml_parse(gf_strbuf_view(&once), name, arena, &again, &err);
            gf_assert(rc == GF_OK && again != NULL);
            gf_yaml_write_flow(again, &twice);
            gf_assert(gf_str_eq(gf_strbuf_view(&once), gf_strbuf_view(&twice)));
        }
    }
    gf_strbuf_fini(&once);
    gf_strbuf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str text = {(const char *)data, size};
    void (*const runs[])(struct gf_str, struct gf_arena *) = {run_config, run_environment,
                                                              run_tree};
    for (size_t i = 0; i < GF_ARRAY_COUNT(runs); i++) {
        struct gf_arena arena;
        gf_arena_init(&arena, (size_t)4 * GF_CONFIG_ARENA_BYTES_MAX);
        runs[i](text, &arena);
        gf_arena_fini(&arena);
    }
    return 0;
}
