#include "api/server/master_key_source.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static enum gf_code load_into(const struct gf_master_key_source *source,
                              struct gf_master_keys *keys, struct gf_error *err) {
    if (source->directory != NULL) {
        return gf_master_keys_add_credential(keys, source->directory, GF_SERVER_CREDENTIAL, err);
    }
    return gf_master_keys_add_file(keys, AT_FDCWD, source->path, err);
}

enum gf_code gf_master_key_source_load(const struct gf_master_key_source *source,
                                       struct gf_master_keys **out_keys, struct gf_error *err) {
    if (source->path == NULL) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_NEW_MASTER_KEY",
                              "the master key comes from %s, which cannot change while the server "
                              "runs: restart it with the new key in front of the old one",
                              source->description);
    }
    GF_CLEANUP(gf_master_keys_destroy_p) struct gf_master_keys *keys = gf_master_keys_create();
    const enum gf_code rc = load_into(source, keys, err);
    if (rc == GF_OK) {
        *out_keys = GF_TAKE(keys);
    }
    return rc;
}

static bool has_credential(const char *path) {
    return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}

/* Finds where the keys are to come from, without a look at them. */
static struct gf_master_key_source choose(const struct gf_server_options *options,
                                          const struct gf_data_dir *dir) {
    struct gf_master_key_source source = {0};
    if (options->master_key_text.len > 0) {
        source.description = gf_strdup("the environment variable GOFER_MASTER_KEY");
        return source;
    }
    if (options->credentials_dir != NULL) {
        source.path = gf_asprintf("%s/%s", options->credentials_dir, GF_SERVER_CREDENTIAL);
        if (has_credential(source.path)) {
            source.directory = gf_strdup(options->credentials_dir);
            source.description = gf_asprintf("the credential '%s'", source.path);
            return source;
        }
        free(source.path);
    }
    source.path = gf_strdup(options->master_key_file != NULL ? options->master_key_file
                                                             : dir->master_key_path);
    source.description = gf_asprintf("the file '%s'", source.path);
    return source;
}

/* Makes the default file on the first start. */
static enum gf_code make_missing(const struct gf_data_dir *dir, struct gf_error *err) {
    if (faccessat(AT_FDCWD, dir->master_key_path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return GF_OK;
    }
    if (faccessat(AT_FDCWD, dir->secrets_path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "MASTER_KEY_MISSING",
                              "there is no master key '%s', but there are secrets in '%s', which "
                              "the key of their own alone opens: give it as before, put it back "
                              "from your copy, or move the secrets away to start without them",
                              dir->master_key_path, dir->secrets_path);
    }
    const enum gf_code rc = gf_master_key_make_file(AT_FDCWD, dir->master_key_path, err);
    if (rc == GF_OK) {
        gf_log_info("master_key_made", GF_KV_STR("file", dir->master_key_path));
    }
    return rc;
}

static enum gf_code load_text(struct gf_str text, struct gf_master_keys **out_keys,
                              struct gf_error *err) {
    GF_CLEANUP(gf_master_keys_destroy_p) struct gf_master_keys *keys = gf_master_keys_create();
    const enum gf_code rc =
        gf_master_keys_add_text(keys, text, "environment variable GOFER_MASTER_KEY", err);
    if (rc == GF_OK) {
        *out_keys = GF_TAKE(keys);
    }
    return rc;
}

enum gf_code gf_master_key_source_open(const struct gf_server_options *options,
                                       const struct gf_data_dir *dir,
                                       struct gf_master_key_source *out_source,
                                       struct gf_master_keys **out_keys, struct gf_error *err) {
    struct gf_master_key_source source = choose(options, dir);
    const bool is_default =
        source.directory == NULL && source.path != NULL && options->master_key_file == NULL;
    enum gf_code rc = is_default ? make_missing(dir, err) : GF_OK;
    if (rc == GF_OK) {
        rc = source.path == NULL ? load_text(options->master_key_text, out_keys, err)
                                 : gf_master_key_source_load(&source, out_keys, err);
    }
    if (rc != GF_OK) {
        gf_master_key_source_close(&source);
        return rc;
    }
    *out_source = source;
    return GF_OK;
}

void gf_master_key_source_close(struct gf_master_key_source *source) {
    free(source->path);
    free(source->directory);
    free(source->description);
    *source = (struct gf_master_key_source){0};
}
