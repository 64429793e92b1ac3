#include "cli/contexts_edit.h"

#include "base/file.h"
#include "base/identifier.h"
#include "cli/settings.h"

enum gf_code gf_contexts_edit_open(struct gf_cli *cli, struct gf_contexts_edit *edit,
                                   struct gf_error *err) {
    *edit = (struct gf_contexts_edit){.path = gf_contexts_path(cli), .lock = -1};
    if (edit->path == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "there is no place for contexts: set HOME or GOFER_CONTEXTS");
    }
    enum gf_code rc = gf_contexts_lock(edit->path, &edit->lock, err);
    return rc == GF_OK ? gf_contexts_read(edit->path, cli->arena, &edit->contexts, err) : rc;
}

enum gf_code gf_contexts_edit_write(struct gf_contexts_edit *edit, struct gf_error *err) {
    return gf_contexts_write(edit->path, &edit->contexts, err);
}

void gf_contexts_edit_close(struct gf_contexts_edit *edit) {
    gf_close(&edit->lock);
}

enum gf_code gf_save_as_context_open(struct gf_cli *cli, const char *name,
                                     struct gf_contexts_edit *edit, struct gf_error *err) {
    enum gf_code rc = gf_identifier_check(gf_str_from(name), "--save-as-context", err);
    if (rc == GF_OK) {
        rc = gf_contexts_edit_open(cli, edit, err);
    }
    if (rc == GF_OK && gf_contexts_find(&edit->contexts, name) == NULL &&
        edit->contexts.count == GF_CONTEXTS_MAX) {
        rc = gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d contexts, and no more can be kept",
                     GF_CONTEXTS_MAX);
    }
    /* Writing what is there tells whether writing works. */
    return rc == GF_OK ? gf_contexts_edit_write(edit, err) : rc;
}

enum gf_code gf_save_as_context(struct gf_cli *cli, const char *name, const char *token,
                                const char *token_id, struct gf_contexts_edit *edit,
                                struct gf_error *err) {
    struct gf_context context = {.name = name, .token = token, .token_id = token_id};
    gf_settings_keep(cli, &context);
    enum gf_code rc = gf_contexts_put(&edit->contexts, &context, err);
    return rc == GF_OK ? gf_contexts_edit_write(edit, err) : rc;
}
