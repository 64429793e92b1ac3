#include "engine/scheduler/native/network/resolv.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char *const HOST_FILES[] = {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next word off a line; empty at its end. */
static struct gf_str next_word(struct gf_str *line) {
    size_t start = 0;
    while (start < line->len && is_blank(line->ptr[start])) {
        start++;
    }
    size_t end = start;
    while (end < line->len && !is_blank(line->ptr[end])) {
        end++;
    }
    const struct gf_str word = {line->ptr + start, end - start};
    *line = (struct gf_str){line->ptr + end, line->len - end};
    return word;
}

void gf_resolv_parse(struct gf_str text, bool loopback, struct gf_resolv *resolv) {
    while (text.len > 0 && resolv->count < GF_RESOLV_SERVERS_MAX) {
        struct gf_str line;
        uint32_t address = 0;
        (void)gf_str_cut(text, '\n', &line, &text);
        if (gf_str_eq(next_word(&line), GF_STR("nameserver")) &&
            gf_ipv4_parse(next_word(&line), &address) && address != 0 &&
            (loopback || !gf_ipv4_is_loopback(address))) {
            resolv->servers[resolv->count++] = address;
        }
    }
}

enum gf_code gf_resolv_from_list(const char *const *servers, size_t count,
                                 struct gf_resolv *out_resolv, struct gf_error *err) {
    struct gf_resolv resolv = {.count = count};
    if (count > GF_RESOLV_SERVERS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "there may be at most %d name servers",
                       GF_RESOLV_SERVERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_ipv4_parse(gf_str_from(servers[i]), &resolv.servers[i]) || resolv.servers[i] == 0 ||
            gf_ipv4_is_loopback(resolv.servers[i])) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "name server '%s' must be an IPv4 address that containers can reach",
                           servers[i]);
        }
    }
    *out_resolv = resolv;
    return GF_OK;
}

void gf_resolv_read_host(bool loopback, struct gf_resolv *out_resolv) {
    struct gf_strbuf text;
    *out_resolv = (struct gf_resolv){0};
    gf_strbuf_init(&text, GF_RESOLV_FILE_BYTES_MAX);
    for (size_t i = 0; i < GF_ARRAY_COUNT(HOST_FILES) && out_resolv->count == 0; i++) {
        gf_strbuf_reset(&text);
        if (gf_file_read(AT_FDCWD, HOST_FILES[i], &text, NULL) == GF_OK) {
            gf_resolv_parse(gf_strbuf_view(&text), loopback, out_resolv);
        }
    }
    gf_strbuf_fini(&text);
}

char *gf_resolv_format(const struct gf_resolv *resolv, char out[GF_RESOLV_TEXT_BYTES_MAX]) {
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < resolv->count; i++) {
        char address[GF_IPV4_TEXT_BYTES_MAX];
        const int n = snprintf(out + len, GF_RESOLV_TEXT_BYTES_MAX - len, "nameserver %s\n",
                               gf_ipv4_format(resolv->servers[i], address));
        len += (size_t)n;
    }
    return out;
}

bool gf_resolv_equal(const struct gf_resolv *a, const struct gf_resolv *b) {
    return a->count == b->count &&
           memcmp(a->servers, b->servers, a->count * sizeof(a->servers[0])) == 0;
}
