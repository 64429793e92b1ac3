#include "engine/scheduler/native/shim/exec_spec.h"

#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stddef.h>

#define FIELD(name, field_type, least, most)                                                       \
    { #name, GF_FIELD_##field_type, offsetof(struct gf_exec_spec, name), least, most }

static const struct gf_field_def FIELDS[] = {
    FIELD(args, LIST, 1, GF_SPEC_ARGS_MAX),
    FIELD(env, LIST, 0, GF_SPEC_VARIABLES_MAX),
    FIELD(user, TEXT, 0, GF_SPEC_USER_BYTES_MAX),
    FIELD(workdir, TEXT, 0, GF_SPEC_PATH_BYTES_MAX),
    FIELD(terminal, FLAG, 0, 1),
    FIELD(columns, NUMBER, 0, GF_SHIM_TERMINAL_CELLS_MAX),
    FIELD(rows, NUMBER, 0, GF_SHIM_TERMINAL_CELLS_MAX),
};

static const struct gf_record_def EXEC = {
    .kind = "exec_spec",
    .version = 1,
    .fields = FIELDS,
    .field_count = GF_ARRAY_COUNT(FIELDS),
};

/* What the table cannot say. */
static enum gf_code check(const struct gf_exec_spec *spec, struct gf_error *err) {
    if (spec->args.items[0][0] == '\0') {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the command is empty");
    }
    if (spec->workdir != NULL && spec->workdir[0] != '\0' && spec->workdir[0] != '/') {
        return gf_fail(err, GF_INVALID_ARGUMENT, "working directory '%s' must begin with '/'",
                       spec->workdir);
    }
    for (size_t i = 0; i < spec->env.count; i++) {
        const char *item = spec->env.items[i];
        if (item[0] == '=' || strchr(item, '=') == NULL) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "variable %zu is not KEY=value", i + 1);
        }
    }
    return GF_OK;
}

enum gf_code gf_exec_spec_encode(const struct gf_exec_spec *spec, struct gf_strbuf *out,
                                 struct gf_error *err) {
    enum gf_code rc = gf_record_encode(&EXEC, spec, out, err);
    return rc == GF_OK ? check(spec, err) : rc;
}

enum gf_code gf_exec_spec_decode(struct gf_str bytes, struct gf_exec_spec *out_spec,
                                 struct gf_error *err) {
    struct gf_exec_spec spec = {0};
    enum gf_code rc = gf_record_decode(&EXEC, bytes, &spec, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = check(&spec, err);
    if (rc != GF_OK) {
        gf_exec_spec_release(&spec);
        return rc;
    }
    *out_spec = spec;
    return GF_OK;
}

void gf_exec_spec_release(struct gf_exec_spec *spec) {
    gf_record_release(&EXEC, spec);
}
