/*
 * The JSON of archives. The input is, up to the first NUL, a manifest.json or an index.json, and
 * behind it a configuration that a docker archive may call "c".
 */
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/config.h"
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/source.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int dir_fd = -1;
static char dir[] = "/dev/shm/gofer-config-fuzz.XXXXXX"; /* in memory: this makes many files */

static void remove_dir(void) {
    (void)!gf_tree_remove(AT_FDCWD, dir, NULL);
}

static void write_file(const char *name, struct gf_str text) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_assert(gf_file_open(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, NULL) == GF_OK);
    gf_assert(gf_write_all(fd, text.ptr, text.len, NULL) == GF_OK);
}

static void find(const char *name, struct gf_str text) {
    GF_CLEANUP(gf_source_close_p) struct gf_source *source = gf_source_open_directory(dir_fd);
    GF_CLEANUP(gf_found_images_fini) struct gf_found_images images = {0};
    struct gf_error err = {.message = ""};
    write_file(name, text);
    if (gf_find_images(source, &images, &err) == GF_OK) {
        gf_assert(images.count > 0);
        gf_assert(images.items[0]->record.layer_count > 0);
    } else {
        gf_assert(gf_utf8_valid(gf_str_from(err.message)));
    }
    gf_assert(unlinkat(dir_fd, name, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    struct gf_image_record record = {.platform = NULL};
    struct gf_str manifest;
    struct gf_str config;
    if (dir_fd < 0) {
        gf_assert(mkdtemp(dir) != NULL);
        gf_assert(gf_file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, NULL) == GF_OK);
        gf_assert(atexit(remove_dir) == 0);
    }
    (void)gf_str_cut((struct gf_str){(const char *)data, size}, '\0', &manifest, &config);
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    if (gf_config_read(config, &arena, &record, NULL) == GF_OK) {
        gf_assert(record.layer_count > 0);
    }
    write_file("c", config);
    find("manifest.json", manifest);
    find("index.json", manifest);
    return 0;
}
