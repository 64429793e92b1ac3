#include "engine/scheduler/native/shim/spec.h"

#include "base/logframe.h"
#include "engine/scheduler/native/protocol.h"

#include <stddef.h>

enum {
    TEXT_BYTES_MAX = 1024,
    SIGNAL_MAX = 64,
    GRACE_MS_MAX = 24 * 3600 * 1000,
};

#define KEEP_MS_MAX INT64_C(315360000000) /* ten years */

#define FIELD(name, field_type, least, most)                                                       \
    { #name, GF_FIELD_##field_type, offsetof(struct gf_spec, name), least, most }
#define COUNT(name) FIELD(name, NUMBER, 0, INT64_MAX / 2)
#define FLAG(name) FIELD(name, FLAG, 0, 1)
#define PATH(name, least) FIELD(name, TEXT, least, GF_SPEC_PATH_BYTES_MAX)

static const struct gf_field_def FIELDS[] = {
    FIELD(attempt, TEXT, 1, GF_SPEC_NAME_BYTES_MAX),
    FIELD(boot_id, TEXT, 0, GF_SPEC_NAME_BYTES_MAX),
    FIELD(image_digest, TEXT, 0, TEXT_BYTES_MAX),
    FIELD(layers, LIST, 1, GF_SPEC_LAYERS_MAX),
    PATH(stage, 1),
    PATH(upper, 0),
    COUNT(upper_bytes_max),
    FLAG(kept_upper),
    PATH(keep, 0),
    FIELD(keep_ms, NUMBER, 0, KEEP_MS_MAX),
    FLAG(idle),
    PATH(disk_template, 0),
    FIELD(args, LIST, 1, GF_SPEC_ARGS_MAX),
    FIELD(env, LIST, 0, GF_SPEC_VARIABLES_MAX),
    PATH(workdir, 0),
    FIELD(user, TEXT, 0, GF_SPEC_USER_BYTES_MAX),
    FIELD(hostname, TEXT, 1, GF_SPEC_HOSTNAME_BYTES_MAX),
    FIELD(stop_signal, NUMBER, 0, SIGNAL_MAX),
    FIELD(user_id_first, NUMBER, 0, GF_SHIM_USER_ID_FIRST_MAX),
    FIELD(missing_protections, NUMBER, 0, UINT32_MAX),
    FIELD(required_protections, NUMBER, 0, UINT32_MAX),
    FLAG(open_stdin),
    FLAG(terminal),
    FLAG(network_host),
    FLAG(has_network),
    FIELD(resolv, TEXT, 0, GF_SPEC_RESOLV_BYTES_MAX),
    FLAG(has_input),
    FLAG(log_disabled),
    FLAG(has_masks),
    PATH(task_api, 0),
    COUNT(timeout_ms),
    FIELD(grace_ms, NUMBER, 0, GRACE_MS_MAX),
    COUNT(memory_bytes),
    COUNT(cpu_millis),
    COUNT(pid_count),
    COUNT(log_bytes_max),
    COUNT(ring_log_bytes),
    PATH(cgroup_unified, 0),
    PATH(cgroup_memory, 0),
    PATH(cgroup_cpu, 0),
    PATH(cgroup_pids, 0),
};

static const struct gf_record_def SPEC = {
    .kind = "spec",
    .version = 1,
    .strict = true,
    .fields = FIELDS,
    .field_count = GF_ARRAY_COUNT(FIELDS),
};

static enum gf_code check_absolute(const char *path, const char *what, struct gf_error *err) {
    if (path != NULL && path[0] != '\0' && path[0] != '/') {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s '%s' must begin with '/'", what, path);
    }
    return GF_OK;
}

/* What the table cannot say. */
static enum gf_code check(const struct gf_spec *spec, struct gf_error *err) {
    enum gf_code rc = check_absolute(spec->workdir, "working directory", err);
    if (rc == GF_OK) {
        rc = check_absolute(spec->stage, "stage", err);
    }
    if (rc == GF_OK) {
        rc = check_absolute(spec->upper, "upper directory", err);
    }
    if (rc == GF_OK) {
        rc = check_absolute(spec->keep, "directory of the kept root", err);
    }
    if (rc == GF_OK) {
        rc = check_absolute(spec->disk_template, "template of the disk", err);
    }
    if (rc == GF_OK) {
        rc = check_absolute(spec->task_api, "directory of the listener for tasks", err);
    }
    if (rc == GF_OK && spec->ring_log_bytes != 0 &&
        spec->ring_log_bytes < GF_LOGFRAME_RING_BYTES_MIN) {
        rc = gf_fail(err, GF_INVALID_ARGUMENT, "a ring of the log has at least %d bytes",
                     GF_LOGFRAME_RING_BYTES_MIN);
    }
    for (size_t i = 0; i < spec->layers.count && rc == GF_OK; i++) {
        rc = check_absolute(spec->layers.items[i], "layer", err);
    }
    if (rc == GF_OK && spec->args.items[0][0] == '\0') {
        rc = gf_fail(err, GF_INVALID_ARGUMENT, "the command is empty");
    }
    return rc;
}

enum gf_code gf_spec_encode(const struct gf_spec *spec, struct gf_strbuf *out,
                            struct gf_error *err) {
    enum gf_code rc = gf_record_encode(&SPEC, spec, out, err);
    return rc == GF_OK ? check(spec, err) : rc;
}

enum gf_code gf_spec_decode(struct gf_str bytes, struct gf_spec *out_spec, struct gf_error *err) {
    struct gf_spec spec = {0};
    enum gf_code rc = gf_record_decode(&SPEC, bytes, &spec, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = check(&spec, err);
    if (rc != GF_OK) {
        gf_spec_release(&spec);
        return rc;
    }
    *out_spec = spec;
    return GF_OK;
}

void gf_spec_release(struct gf_spec *spec) {
    gf_record_release(&SPEC, spec);
}
