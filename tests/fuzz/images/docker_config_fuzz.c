/*
 * A configuration of Docker: whatever it says, credentials are fit to be put into a request, and
 * messages can be shown.
 */
#include "engine/scheduler/native/fetch/docker_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text) {
    for (size_t i = 0; text[i] != '\0'; i++) {
        gf_assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
        gf_assert(i < GF_PULL_TEXT_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    struct gf_pull_source sources[] = {
        {.host = "docker.io", .user = "", .password = ""},
        {.host = "r.example:5000", .user = "", .password = ""},
        {.host = "r.example", .user = "u", .password = "p"},
    };
    struct gf_error err = {.message = ""};
    gf_arena_init(&arena, GF_DOCKER_CONFIG_ARENA_BYTES_MAX);
    if (gf_docker_config_read((struct gf_str){(const char *)data, size}, &arena, sources,
                              GF_ARRAY_COUNT(sources), &err) != GF_OK) {
        gf_assert(err.code == GF_FAILED_PRECONDITION && gf_utf8_valid(gf_str_from(err.message)));
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(sources); i++) {
        check(sources[i].user);
        check(sources[i].password);
    }
    gf_assert(sources[2].user[0] == 'u' && sources[2].user[1] == '\0');
    return 0;
}
