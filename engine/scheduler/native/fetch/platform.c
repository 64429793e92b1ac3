#include "engine/scheduler/native/fetch/platform.h"

#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/images/text.h"

#if defined(__x86_64__)
#define HOST_ARCHITECTURE "amd64"
#define HOST_VARIANT ""
#elif defined(__aarch64__)
#define HOST_ARCHITECTURE "arm64"
#define HOST_VARIANT "v8"
#elif defined(__arm__)
#define HOST_ARCHITECTURE "arm"
#define HOST_VARIANT "v7"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_ARCHITECTURE "riscv64"
#define HOST_VARIANT ""
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define HOST_ARCHITECTURE "ppc64le"
#define HOST_VARIANT ""
#elif defined(__s390x__)
#define HOST_ARCHITECTURE "s390x"
#define HOST_VARIANT ""
#else
#error "add what OCI images call this architecture"
#endif

enum {
    RANK_NO = 0,
    RANK_UNKNOWN = 1,
    RANK_OTHER_VARIANT = 2,
    RANK_SAME = 3,
};

struct gf_platform gf_platform_host(void) {
    return (struct gf_platform){"linux", HOST_ARCHITECTURE, HOST_VARIANT};
}

enum gf_code gf_platform_read(const json_t *object, struct gf_platform *out, struct gf_error *err) {
    struct gf_platform platform;
    enum gf_code rc = gf_json_string_optional(object, "os", &platform.os, err);
    if (rc == GF_OK) {
        rc = gf_json_string_optional(object, "architecture", &platform.architecture, err);
    }
    if (rc == GF_OK) {
        rc = gf_json_string_optional(object, "variant", &platform.variant, err);
    }
    if (rc == GF_OK) {
        *out = platform;
    }
    return rc;
}

static bool same(const char *a, const char *b) {
    return gf_str_eq(gf_str_from(a), gf_str_from(b));
}

int gf_platform_rank(const struct gf_platform *platform) {
    const struct gf_platform host = gf_platform_host();
    if (platform->os[0] == '\0' && platform->architecture[0] == '\0') {
        return RANK_UNKNOWN;
    }
    if (!same(platform->os, host.os) || !same(platform->architecture, host.architecture)) {
        return RANK_NO;
    }
    /* An image without a variant is for every one of them. */
    const bool same_variant = platform->variant[0] == '\0' || same(platform->variant, host.variant);
    return same_variant ? RANK_SAME : RANK_OTHER_VARIANT;
}

char *gf_platform_format(const struct gf_platform *platform, char out[GF_PLATFORM_BYTES_MAX]) {
    const bool has_variant = platform->variant[0] != '\0';
    (void)snprintf(out, GF_PLATFORM_BYTES_MAX, "%.24s/%.24s%s%.24s",
                   gf_show_cstr(platform->os).text, gf_show_cstr(platform->architecture).text,
                   has_variant ? "/" : "", gf_show_cstr(platform->variant).text);
    return out;
}
