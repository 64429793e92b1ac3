/*
 * What a shim and a server read of each other and of images: messages, records, specs, the users of
 * an image, and the host's mounts. On any bytes the parsers must neither crash nor read beyond
 * them, and what they accept must come back the same from its own encoding.
 *
 * The first byte of the input selects the parser.
 */
#include "base/str.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/kept_record.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/exec_spec.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/user.h"

enum parser {
    PARSER_MESSAGE,
    PARSER_START,
    PARSER_EXIT,
    PARSER_SPEC,
    PARSER_USER,
    PARSER_MOUNTS,
    PARSER_EXEC_SPEC,
    PARSER_KEPT,
    PARSER_COUNT,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Encodes twice, with a decoding in between: both must be the same bytes. */
static void check_message(struct gf_str bytes) {
    struct gf_shim_message message;
    struct gf_shim_message again;
    struct gf_strbuf first;
    struct gf_strbuf second;
    if (gf_shim_message_decode(bytes, &message, NULL) != GF_OK ||
        message.kind == GF_SHIM_MESSAGE_UNKNOWN) {
        return;
    }
    gf_strbuf_init(&first, GF_SHIM_SESSION_MESSAGE_BYTES_MAX);
    gf_strbuf_init(&second, GF_SHIM_SESSION_MESSAGE_BYTES_MAX);
    gf_assert(gf_shim_message_encode(&message, &first, NULL) == GF_OK);
    gf_assert(gf_shim_message_decode(gf_strbuf_view(&first), &again, NULL) == GF_OK);
    gf_assert(gf_shim_message_encode(&again, &second, NULL) == GF_OK);
    gf_assert(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)));
    gf_strbuf_fini(&first);
    gf_strbuf_fini(&second);
}

static void check_start(struct gf_str bytes) {
    struct gf_shim_start start;
    struct gf_strbuf encoded;
    if (gf_shim_start_decode(bytes, &start, NULL) != GF_OK) {
        return;
    }
    gf_strbuf_init(&encoded, GF_SHIM_MESSAGE_BYTES_MAX);
    gf_assert(gf_shim_start_encode(&start, &encoded, NULL) == GF_OK);
    gf_assert(gf_shim_start_decode(gf_strbuf_view(&encoded), &start, NULL) == GF_OK);
    gf_strbuf_fini(&encoded);
}

static void check_exit(struct gf_str bytes) {
    struct gf_shim_exit exit;
    struct gf_strbuf encoded;
    if (gf_shim_exit_decode(bytes, &exit, NULL) != GF_OK) {
        return;
    }
    gf_strbuf_init(&encoded, GF_SHIM_MESSAGE_BYTES_MAX);
    gf_assert(gf_shim_exit_encode(&exit, &encoded, NULL) == GF_OK);
    gf_assert(gf_shim_exit_decode(gf_strbuf_view(&encoded), &exit, NULL) == GF_OK);
    gf_strbuf_fini(&encoded);
}

static void check_spec(struct gf_str bytes) {
    struct gf_spec spec;
    struct gf_strbuf encoded;
    if (gf_spec_decode(bytes, &spec, NULL) != GF_OK) {
        return;
    }
    gf_assert(spec.args.count > 0 && spec.args.items[spec.args.count] == NULL);
    gf_assert(spec.env.items[spec.env.count] == NULL);
    gf_strbuf_init(&encoded, GF_SPEC_BYTES_MAX);
    gf_assert(gf_spec_encode(&spec, &encoded, NULL) == GF_OK);
    gf_spec_release(&spec);
    gf_assert(gf_spec_decode(gf_strbuf_view(&encoded), &spec, NULL) == GF_OK);
    gf_spec_release(&spec);
    gf_strbuf_fini(&encoded);
}

static void check_exec_spec(struct gf_str bytes) {
    struct gf_exec_spec spec;
    struct gf_strbuf encoded;
    if (gf_exec_spec_decode(bytes, &spec, NULL) != GF_OK) {
        return;
    }
    gf_assert(spec.args.count > 0 && spec.args.items[spec.args.count] == NULL);
    gf_strbuf_init(&encoded, GF_SPEC_BYTES_MAX);
    gf_assert(gf_exec_spec_encode(&spec, &encoded, NULL) == GF_OK);
    gf_exec_spec_release(&spec);
    gf_assert(gf_exec_spec_decode(gf_strbuf_view(&encoded), &spec, NULL) == GF_OK);
    gf_exec_spec_release(&spec);
    gf_strbuf_fini(&encoded);
}

static void check_kept(struct gf_str bytes) {
    struct gf_kept_record record;
    struct gf_strbuf encoded;
    if (gf_kept_record_decode(bytes, &record, NULL) != GF_OK) {
        return;
    }
    gf_strbuf_init(&encoded, 2 * GF_KEPT_RECORD_BYTES_MAX);
    gf_assert(gf_kept_record_encode(&record, &encoded, NULL) == GF_OK);
    gf_assert(gf_kept_record_decode(gf_strbuf_view(&encoded), &record, NULL) == GF_OK);
    gf_strbuf_fini(&encoded);
}

/* The user's name up to a NUL, the file of users up to the next one, then that of groups. */
static void check_user(struct gf_str bytes) {
    struct gf_user user;
    struct gf_str name;
    struct gf_str passwd;
    if (!gf_str_cut(bytes, '\0', &name, &bytes)) {
        return;
    }
    (void)gf_str_cut(bytes, '\0', &passwd, &bytes);
    if (gf_user_resolve(name.ptr, passwd, bytes, &user, NULL) == GF_OK) {
        gf_assert(user.uid <= INT32_MAX && user.gid <= INT32_MAX);
        gf_assert(user.group_count <= GF_USER_GROUPS_MAX);
        gf_assert(user.home[0] == '/' && strlen(user.home) < sizeof(user.home));
    }
}

static void check_mounts(struct gf_str bytes) {
    struct gf_cgroup_mounts mounts;
    gf_cgroup_mounts_parse(bytes, &mounts);
    gf_cgroup_mounts_fini(&mounts);
    (void)gf_cgroup_own_path(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const checks[PARSER_COUNT])(struct gf_str) = {
        [PARSER_MESSAGE] = check_message,     [PARSER_START] = check_start,
        [PARSER_EXIT] = check_exit,           [PARSER_SPEC] = check_spec,
        [PARSER_USER] = check_user,           [PARSER_MOUNTS] = check_mounts,
        [PARSER_EXEC_SPEC] = check_exec_spec, [PARSER_KEPT] = check_kept,
    };
    if (size > 0 && data[0] < PARSER_COUNT) {
        checks[data[0]]((struct gf_str){(const char *)data + 1, size - 1});
    }
    return 0;
}
