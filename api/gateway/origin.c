/*
 * An origin counts as the same as the host where host and port agree, whatever the scheme: a proxy
 * in front may speak TLS for us. Only where the connection here is encrypted itself, and so the
 * scheme is known, an origin without encryption is a stranger: anybody on the way can be it.
 */
#include "api/gateway/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    PORT_MAX = 65535,
    ADDRESS_BYTES_MAX = 64,
    SHOWN_BYTES_MAX = 100, /* of what a stranger sent, in messages */
};

/* ---- Hosts ---- */

static bool is_address(int family, struct gf_str text) {
    char copy[ADDRESS_BYTES_MAX];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return memchr(text.ptr, '\0', text.len) == NULL && inet_pton(family, copy, bytes) == 1;
}

static bool is_name(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.') {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_port(struct gf_str text) {
    int64_t port = 0;
    return text.len > 0 && text.ptr[0] != '-' && gf_parse_i64(text, &port) && port <= PORT_MAX;
}

bool gf_gateway__host_parse(struct gf_str text, struct gf_gateway__host *out_host) {
    struct gf_gateway__host host = {.port = GF_STR("")};
    if (text.len == 0 || text.len > GF_GATEWAY__HOST_BYTES_MAX) {
        return false;
    }
    struct gf_str behind = GF_STR("");
    bool has_port = false;
    if (text.ptr[0] == '[') {
        struct gf_str inside = {text.ptr + 1, text.len - 1};
        if (!gf_str_cut(inside, ']', &host.name, &behind) || !is_address(AF_INET6, host.name)) {
            return false;
        }
        host.is_address = true;
        has_port = behind.len > 0 && behind.ptr[0] == ':';
        if (behind.len > 0 && !has_port) {
            return false;
        }
        host.port = has_port ? (struct gf_str){behind.ptr + 1, behind.len - 1} : host.port;
    } else {
        has_port = gf_str_cut(text, ':', &host.name, &host.port);
        host.is_address = is_address(AF_INET, host.name);
        if (!is_name(host.name)) {
            return false;
        }
    }
    if (has_port && !is_port(host.port)) {
        return false;
    }
    *out_host = host;
    return true;
}

/* ---- Origins ---- */

struct origin {
    struct gf_gateway__host host;
    bool is_https;
};

static bool origin_parse(struct gf_str text, struct origin *out_origin) {
    const struct gf_str http = GF_STR("http://");
    const struct gf_str https = GF_STR("https://");
    out_origin->is_https = gf_str_has_prefix(text, https);
    if (!out_origin->is_https && !gf_str_has_prefix(text, http)) {
        return false;
    }
    size_t scheme = out_origin->is_https ? https.len : http.len;
    return gf_gateway__host_parse((struct gf_str){text.ptr + scheme, text.len - scheme},
                                  &out_origin->host);
}

enum gf_code gf_gateway__origin_check(const char *origin, struct gf_error *err) {
    struct origin parsed = {.is_https = false};
    const struct gf_str text = gf_str_from(origin);
    bool fits = origin_parse(text, &parsed);
    for (size_t i = 0; i < text.len; i++) {
        fits = fits && !(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z');
    }
    if (!fits) {
        return gf_fail(
            err, GF_INVALID_ARGUMENT,
            "'%s' is no origin: 'http://' or 'https://', a host in lower case and, where "
            "it is not that of the scheme, a port, with nothing behind",
            origin);
    }
    if (gf_str_eq(parsed.host.port, parsed.is_https ? GF_STR("443") : GF_STR("80"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "'%s' has the port of its scheme, which browsers leave out", origin);
    }
    return GF_OK;
}

enum gf_code gf_gateway__host_check(const char *host, struct gf_error *err) {
    struct gf_gateway__host parsed;
    if (!gf_gateway__host_parse(gf_str_from(host), &parsed) || parsed.port.len > 0 ||
        parsed.is_address) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "'%s' is no name of a host, without scheme and port (addresses are always "
                       "allowed)",
                       host);
    }
    return GF_OK;
}

bool gf_gateway__origin_is_allowed(const struct gf_gateway__allowed *allowed,
                                   struct gf_str origin) {
    for (size_t i = 0; i < allowed->origin_count; i++) {
        if (gf_str_eq(origin, gf_str_from(allowed->origins[i]))) {
            return true;
        }
    }
    return false;
}

/* ---- The checks ---- */

/* What a stranger sent, cut and with nothing in it that a terminal or a log could trip over. */
static const char *show(struct gf_str text, char out[SHOWN_BYTES_MAX + 1]) {
    size_t len = text.len < SHOWN_BYTES_MAX ? text.len : SHOWN_BYTES_MAX;
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];
        out[i] = (char)(c > 0x20 && c < 0x7f && c != '\'' ? c : '?');
    }
    out[len] = '\0';
    return out;
}

static bool host_is_allowed(const struct gf_gateway__allowed *allowed,
                            const struct gf_gateway__host *host) {
    if (host->is_address || gf_str_eq_nocase(host->name, GF_STR("localhost"))) {
        return true;
    }
    for (size_t i = 0; i < allowed->host_count; i++) {
        if (gf_str_eq_nocase(host->name, gf_str_from(allowed->hosts[i]))) {
            return true;
        }
    }
    return false;
}

static bool ports_agree(const struct origin *origin, const struct gf_gateway__host *host,
                        bool is_tls) {
    const struct gf_str of_scheme = origin->is_https ? GF_STR("443") : GF_STR("80");
    const struct gf_str of_way = is_tls ? GF_STR("443") : GF_STR("80");
    struct gf_str there = origin->host.port.len > 0 ? origin->host.port : of_scheme;
    /* Without a port the host means that of the scheme, which the origin alone knows for sure. */
    struct gf_str here = host->port.len > 0 ? host->port : is_tls ? of_way : of_scheme;
    return gf_str_eq(there, here);
}

static bool is_same_origin(const struct gf_gateway__visit *visit,
                           const struct gf_gateway__host *host) {
    struct origin origin = {.is_https = false};
    return origin_parse(visit->origin, &origin) && gf_str_eq_nocase(origin.host.name, host->name) &&
           ports_agree(&origin, host, visit->is_tls) && (origin.is_https || !visit->is_tls);
}

static enum gf_code check_origin(const struct gf_gateway__allowed *allowed,
                                 const struct gf_gateway__visit *visit,
                                 const struct gf_gateway__host *host, struct gf_error *err) {
    char shown[SHOWN_BYTES_MAX + 1];
    if (visit->origin.ptr != NULL) {
        if (gf_gateway__origin_is_allowed(allowed, visit->origin) ||
            (host != NULL && is_same_origin(visit, host))) {
            return GF_OK;
        }
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "ORIGIN_NOT_ALLOWED",
                              "pages of the origin '%s' may not call this server; "
                              "gateway.allowed_origins names those that may",
                              show(visit->origin, shown));
    }
    bool foreign =
        gf_str_eq(visit->site, GF_STR("cross-site")) || gf_str_eq(visit->site, GF_STR("same-site"));
    if (foreign && !gf_str_eq(visit->mode, GF_STR("navigate"))) {
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "ORIGIN_NOT_ALLOWED",
                              "pages of other sites may link to this server, but not use what it "
                              "has");
    }
    return GF_OK;
}

enum gf_code gf_gateway__visit_check(const struct gf_gateway__allowed *allowed,
                                     const struct gf_gateway__visit *visit, struct gf_error *err) {
    struct gf_gateway__host host;
    char shown[SHOWN_BYTES_MAX + 1];
    if (visit->host.ptr == NULL) {
        /* No browser leaves it out. */
        return check_origin(allowed, visit, NULL, err);
    }
    if (!gf_gateway__host_parse(visit->host, &host)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "'%s' in the header Host is no host",
                       show(visit->host, shown));
    }
    if (visit->is_local && !host_is_allowed(allowed, &host)) {
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "HOST_NOT_ALLOWED",
                              "the host '%s' is none by which this server is called; "
                              "gateway.allowed_hosts names those that are, besides localhost and "
                              "addresses",
                              show(visit->host, shown));
    }
    return check_origin(allowed, visit, &host, err);
}
