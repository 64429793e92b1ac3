/*
 * What the gateway reads of a request besides calls: paths, hosts, origins, conditions, ranges.
 * The first byte says which; what is taken must be what it is said to be.
 */
#include "api/gateway/negotiate.h"
#include "api/gateway/origin.h"
#include "api/gateway/path.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_path(struct gf_str text) {
    char memory[GF_GATEWAY__PATH_BYTES_MAX + 1];
    struct gf_strbuf out;
    gf_strbuf_init_in(&out, memory, sizeof(memory));
    if (gf_gateway__path_decode(text, &out, NULL) != GF_OK) {
        gf_assert(out.len == 0);
        return;
    }
    gf_assert(!out.overflowed && out.len < text.len);
    gf_assert(strlen(out.ptr) == out.len);
    gf_assert(out.len == 0 || (out.ptr[0] != '/' && out.ptr[0] != '.'));
    gf_assert(strstr(out.ptr, "/.") == NULL && strstr(out.ptr, "//") == NULL);
    gf_assert(strchr(out.ptr, '\\') == NULL);
}

static void run_origin(struct gf_str text) {
    static const char *const origins[] = {"https://ui.example.com"};
    static const char *const hosts[] = {"gofer.internal"};
    static const struct gf_gateway__allowed allowed = {origins, 1, hosts, 1};
    struct gf_gateway__visit visit = {.is_local = true};
    bool has_origin = gf_str_cut(text, '\n', &visit.host, &visit.origin);
    visit.origin = has_origin ? visit.origin : (struct gf_str){NULL, 0};
    struct gf_error err = {.message = ""};
    enum gf_code code = gf_gateway__visit_check(&allowed, &visit, &err);
    gf_assert(code == GF_OK || code == GF_INVALID_ARGUMENT || code == GF_PERMISSION_DENIED);
    for (const char *c = err.message; *c != '\0'; c++) {
        gf_assert(*c >= ' ' && *c < 0x7f);
    }
    struct gf_gateway__host host;
    if (code == GF_OK) {
        gf_assert(gf_gateway__host_parse(visit.host, &host));
        gf_assert(host.name.len > 0 && host.port.len <= visit.host.len);
    }
}

static void run_conditions(struct gf_str text) {
    int64_t seconds = 0;
    if (gf_gateway__date_parse(text, &seconds)) {
        char again[GF_GATEWAY__DATE_BYTES_MAX];
        gf_assert(gf_str_eq(text, gf_str_from(gf_gateway__date_format(seconds, again))));
    }
    bool is_any = gf_gateway__none_match_has(text, GF_STR("\"\n\""));
    gf_assert(!is_any || memchr(text.ptr, '\n', text.len) != NULL ||
              memchr(text.ptr, '*', text.len) != NULL);
    (void)gf_gateway__none_match_has(text, GF_STR("\"a\""));
}

static void run_range(struct gf_str text, uint64_t whole) {
    uint64_t offset = 0;
    uint64_t size = 0;
    if (gf_gateway__range_parse(text, whole, &offset, &size) == GF_GATEWAY__RANGE_PART) {
        gf_assert(size > 0 && offset < whole && size <= whole - offset);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const struct gf_str text = {(const char *)data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        run_path(text);
        break;
    case 1:
        run_origin(text);
        break;
    case 2:
        run_conditions(text);
        break;
    default:
        run_range(text, data[0]);
        break;
    }
    return 0;
}
