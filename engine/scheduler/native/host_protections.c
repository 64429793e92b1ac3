#include "engine/scheduler/native/host_protections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/protocol.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PROBE_MS_MAX = 10000,
    PROBE_OUTPUT_BYTES_MAX = 4096,
    ID_TEXT_BYTES_MAX = 24,
};

static const struct {
    enum gf_cgroup_controller controller;
    uint32_t protection;
    const char *reason;
} LIMITS[] = {
    {GF_CGROUP_MEMORY, GF_PROTECTION_MEMORY_LIMIT,
     "this host has no control group controller \"memory\" that the server may use"},
    {GF_CGROUP_CPU, GF_PROTECTION_CPU_LIMIT,
     "this host has no control group controller \"cpu\" that the server may use"},
    {GF_CGROUP_PIDS, GF_PROTECTION_PID_LIMIT,
     "this host has no control group controller \"pids\" that the server may use"},
};

void gf_host_protections_miss(struct gf_host_protections *protections, uint32_t protection,
                              const char *reason) {
    protections->missing |= protection;
    for (size_t i = 0; i < protections->count; i++) {
        if (protections->items[i].protection == protection) {
            snprintf(protections->items[i].reason, sizeof(protections->items[i].reason), "%s",
                     reason);
        }
    }
}

/* Lines "protection:sentence", one for each that is missing. */
static void take_lines(struct gf_host_protections *protections, struct gf_str text) {
    while (text.len > 0) {
        struct gf_str line;
        struct gf_str name;
        struct gf_str sentence;
        char reason[GF_HOST_PROTECTION_REASON_BYTES_MAX];
        (void)gf_str_cut(text, '\n', &line, &text);
        (void)gf_str_cut(line, ':', &name, &sentence);
        const uint32_t protection = gf_protection_of(name);
        if (protection != 0) {
            snprintf(reason, sizeof(reason), "%" GF_STR_FMT, GF_STR_ARG(sentence));
            gf_host_protections_miss(protections, protection, reason);
        }
    }
}

static void try_with_shim(const struct gf_host_probe *probe,
                          struct gf_host_protections *protections) {
    char id[ID_TEXT_BYTES_MAX];
    struct gf_strbuf output;
    struct gf_proc_exit ended = {0};
    struct gf_error error;
    snprintf(id, sizeof(id), "%" PRId64, probe->user_id_first);
    const char *const argv[] = {"gofer-shim", GF_SHIM_PROBE, probe->stage, id, NULL};
    const struct gf_proc_spec spec = {.program_fd = probe->program_fd, .argv = argv};
    gf_strbuf_init(&output, PROBE_OUTPUT_BYTES_MAX);
    enum gf_code rc = gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), PROBE_MS_MAX), &output,
                                  &ended, &error);
    if (rc == GF_OK && (ended.signaled || ended.status != 0)) {
        char text[GF_PROC_EXIT_BYTES_MAX];
        rc = gf_fail(&error, GF_INTERNAL, "the trial of this host ended with %s",
                     gf_proc_exit_format(ended, text));
    }
    if (rc == GF_OK) {
        take_lines(protections, gf_strbuf_view(&output));
    } else {
        gf_host_protections_miss(protections, GF_PROTECTION_USER_NAMESPACE, error.message);
        gf_host_protections_miss(protections, GF_PROTECTION_SYSTEM_CALL_FILTER, error.message);
    }
    gf_strbuf_fini(&output);
}

void gf_host_protections_probe(const struct gf_host_probe *probe,
                               struct gf_host_protections *out_protections) {
    struct gf_host_protections protections = {0};
#define GF_X(name, bit, text) protections.items[protections.count++].protection = 1U << (bit);
    GF_PROTECTIONS(GF_X)
#undef GF_X
    try_with_shim(probe, &protections);
    for (size_t i = 0; i < GF_ARRAY_COUNT(LIMITS); i++) {
        if (!gf_cgroup_host_has(probe->cgroups, LIMITS[i].controller)) {
            gf_host_protections_miss(&protections, LIMITS[i].protection, LIMITS[i].reason);
        }
    }
    if (probe->disk_why_not != NULL) {
        gf_host_protections_miss(&protections, GF_PROTECTION_DISK_LIMIT, probe->disk_why_not);
    }
    for (size_t i = 0; i < protections.count; i++) {
        if (protections.items[i].reason[0] != '\0') {
            gf_log_warn(
                "protection_missing",
                GF_KV_STR("protection", gf_protection_text(protections.items[i].protection)),
                GF_KV_STR("reason", protections.items[i].reason));
        }
    }
    *out_protections = protections;
}
