#include "engine/scheduler/native/shim/spec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static struct gf_strbuf bytes;
static struct gf_spec decoded;

static void set_up(void) {
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
}

static void tear_down(void) {
    gf_strbuf_fini(&bytes);
}

TestSuite(spec, .init = set_up, .fini = tear_down);

static const char *LAYERS[] = {"/layers/b", "/layers/a"};
static const char *ARGS[] = {"sh", "-c", "echo \"a=b\"\n", ""};
static const char *ENV[] = {"A=1", "B="};

static struct gf_spec least(void) {
    return (struct gf_spec){
        .attempt = "1-0-1",
        .layers = {LAYERS, 2},
        .stage = "/stage",
        .args = {ARGS, 4},
        .hostname = "task",
    };
}

static enum gf_code encode(const struct gf_spec *spec) {
    gf_strbuf_reset(&bytes);
    return gf_spec_encode(spec, &bytes, &error);
}

static enum gf_code decode(void) {
    return gf_spec_decode(gf_strbuf_view(&bytes), &decoded, &error);
}

Test(spec, passes_whole) {
    struct gf_spec spec = least();
    spec.boot_id = "boot";
    spec.image_digest = "sha256:1";
    spec.upper = "/uppers/x";
    spec.upper_bytes_max = 1;
    spec.env = (struct gf_field_list){ENV, 2};
    spec.workdir = "/work";
    spec.user = "u:g";
    spec.stop_signal = 10;
    spec.network_host = true;
    spec.has_input = true;
    spec.has_masks = true;
    spec.task_api = "/tasks";
    spec.timeout_ms = 2;
    spec.grace_ms = 3;
    spec.memory_bytes = 4;
    spec.cpu_millis = 5;
    spec.pid_count = 6;
    spec.log_bytes_max = 7;
    spec.cgroup_unified = "/u";
    spec.cgroup_memory = "/m";
    spec.cgroup_cpu = "/c";
    spec.cgroup_pids = "/p";
    cr_assert(encode(&spec) == GF_OK, "%s", error.message);
    cr_assert(decode() == GF_OK, "%s", error.message);
    cr_assert(eq(str, (char *)decoded.attempt, "1-0-1"));
    cr_assert(eq(str, (char *)decoded.boot_id, "boot"));
    cr_assert(eq(str, (char *)decoded.image_digest, "sha256:1"));
    cr_assert(eq(sz, decoded.layers.count, (size_t)2));
    cr_assert(eq(str, (char *)decoded.layers.items[0], "/layers/b"));
    cr_assert(eq(str, (char *)decoded.stage, "/stage"));
    cr_assert(eq(str, (char *)decoded.upper, "/uppers/x"));
    cr_assert(decoded.network_host);
    cr_assert(decoded.has_input);
    cr_assert(decoded.has_masks);
    cr_assert(eq(str, (char *)decoded.task_api, "/tasks"));
    cr_assert(eq(sz, decoded.args.count, (size_t)4));
    cr_assert(eq(str, (char *)decoded.args.items[2], "echo \"a=b\"\n"));
    cr_assert(eq(str, (char *)decoded.args.items[3], ""));
    cr_assert(decoded.args.items[4] == NULL);
    cr_assert(eq(str, (char *)decoded.env.items[1], "B="));
    cr_assert(eq(str, (char *)decoded.workdir, "/work"));
    cr_assert(eq(str, (char *)decoded.user, "u:g"));
    const int64_t numbers[] = {decoded.upper_bytes_max, decoded.timeout_ms, decoded.grace_ms,
                               decoded.memory_bytes,    decoded.cpu_millis, decoded.pid_count,
                               decoded.log_bytes_max};
    for (int64_t i = 0; i < 7; i++) {
        cr_assert(eq(i64, numbers[i], i + 1));
    }
    cr_assert(eq(i64, decoded.stop_signal, 10));
    cr_assert(eq(str, (char *)decoded.cgroup_pids, "/p"));
    gf_spec_release(&decoded);
}

Test(spec, absent_texts_are_empty) {
    const struct gf_spec spec = least();
    cr_assert(encode(&spec) == GF_OK);
    cr_assert(decode() == GF_OK);
    cr_assert(eq(str, (char *)decoded.workdir, ""));
    cr_assert(eq(str, (char *)decoded.cgroup_unified, ""));
    cr_assert(eq(sz, decoded.env.count, (size_t)0));
    gf_spec_release(&decoded);
}

Test(spec, incomplete_or_out_of_bounds_is_refused) {
    const char *empty[] = {""};
    const char *relative[] = {"layers/a"};
    struct gf_spec bad[9];
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        bad[i] = least();
    }
    bad[0].attempt = NULL;
    bad[1].layers.count = 0;
    bad[2].args.count = 0;
    bad[3].args = (struct gf_field_list){empty, 1};
    bad[4].workdir = "work";
    bad[5].layers = (struct gf_field_list){relative, 1};
    bad[6].stop_signal = 65;
    bad[7].hostname = "0123456789012345678901234567890123456789012345678901234567890123";
    bad[8].task_api = "tasks";
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert(encode(&bad[i]) == GF_INVALID_ARGUMENT, "%zu", i);
    }
}

Test(spec, unknown_fields_are_refused) {
    const struct gf_spec spec = least();
    cr_assert(encode(&spec) == GF_OK);
    gf_strbuf_append(&bytes, GF_STR("later=1\0"));
    cr_assert(decode() == GF_INVALID_ARGUMENT);
}

Test(spec, too_large_a_spec_is_refused) {
    static char big[GF_SPEC_BYTES_MAX + 1];
    memset(big, 'x', GF_SPEC_BYTES_MAX);
    const char *args[] = {"echo", big};
    struct gf_spec spec = least();
    spec.args = (struct gf_field_list){args, 2};
    cr_assert(encode(&spec) == GF_RESOURCE_EXHAUSTED);
}
