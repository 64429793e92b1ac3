/* The care of a server for extensions: how its options become those of extension_care.h. */
#include "api/server/server_internal.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The directory of the program, in the server's arena; NULL where it cannot be told. */
static const char *program_dir(struct gf_server *server) {
    char path[PATH_MAX];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0) {
        return NULL;
    }
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return NULL;
    }
    *slash = '\0';
    return gf_arena_strdup(&server->arena, path);
}

void gf_server__start_extension_care(struct gf_server *server,
                                     const struct gf_server_options *options) {
    const struct gf_extension_care_options care = {
        .store = server->store,
        .engine = server->engine,
        .vault = server->vault,
        .images = server->images,
        .pulls = server->pulls,
        .reactor = server->reactor,
        .long_pool = server->long_pool,
        .provided = options->provided_extensions,
        .provided_count = options->provided_extension_count,
        .image_dir = options->extension_image_dir != NULL ? options->extension_image_dir
                                                          : program_dir(server),
        .update_interval_ms = options->extension_update_ms,
    };
    server->extension_care = gf_extension_care_start(&care);
    if (options->provided_extension_count > 0) {
        server->services.check_extensions = gf_extension_care_check;
        server->services.check_extensions_ctx = server->extension_care;
    }
}
