/*
 * Addresses that registries give, and where they may lead.
 */
#include "base/alloc.h"
#include "engine/scheduler/native/fetch/registry/address.h"
#include "engine/scheduler/native/fetch/registry/client_internal.h"
#include "engine/scheduler/native/images/text.h"

static void url_cleanup_p(CURLU **url) {
    curl_url_cleanup(*url);
}

/* A part of an address as libcurl reads it, on the heap; NULL where there is none. */
static char *part_of(const char *address, CURLUPart part) {
    GF_CLEANUP(url_cleanup_p) CURLU *url = curl_url();
    char *text = NULL;
    if (url == NULL) {
        gf_oom();
    }
    if (curl_url_set(url, CURLUPART_URL, address, 0) != CURLUE_OK ||
        curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return NULL;
    }
    char *copy = gf_strdup(text);
    curl_free(text);
    return copy;
}

static bool same_part(const char *a, const char *b, CURLUPart part) {
    GF_CLEANUP(gf_free_p) char *a_text = part_of(a, part);
    GF_CLEANUP(gf_free_p) char *b_text = part_of(b, part);
    return a_text != NULL && b_text != NULL &&
           gf_str_eq_nocase(gf_str_from(a_text), gf_str_from(b_text));
}

bool gf_registry__same_origin(const char *a, const char *b) {
    return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
           same_part(a, b, CURLUPART_PORT);
}

bool gf_registry__same_host(const char *a, const char *b) {
    return same_part(a, b, CURLUPART_HOST);
}

static bool is_plain(const char *address) {
    GF_CLEANUP(gf_free_p) char *scheme = part_of(address, CURLUPART_SCHEME);
    return scheme == NULL || !gf_str_eq_nocase(gf_str_from(scheme), GF_STR("https"));
}

char *gf_registry__resolve_url(const char *base, const char *reference) {
    GF_CLEANUP(url_cleanup_p) CURLU *url = curl_url();
    char *text = NULL;
    char *user = NULL;
    if (url == NULL) {
        gf_oom();
    }
    if (reference[0] == '\0' || curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, reference, 0) != CURLUE_OK) {
        return NULL;
    }
    GF_CLEANUP(gf_free_p) char *whole = NULL;
    /* Credentials in an address would be sent: nobody means that. */
    const bool has_user = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    if (has_user || curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK) {
        return NULL;
    }
    whole = gf_strdup(text);
    curl_free(text);
    GF_CLEANUP(gf_free_p) char *scheme = part_of(whole, CURLUPART_SCHEME);
    const bool is_http = scheme != NULL && (gf_str_eq(gf_str_from(scheme), GF_STR("http")) ||
                                            gf_str_eq(gf_str_from(scheme), GF_STR("https")));
    return is_http ? GF_TAKE(whole) : NULL;
}

bool gf_registry__may_lead_to(struct gf_registry__run *run, const char *url, const char *what,
                              struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *host = part_of(url, CURLUPART_HOST);
    const struct gf_registry__place *place = gf_registry__place_of(run);
    const enum gf_address_kind kind =
        host != NULL ? gf_address_kind_of_host(host) : GF_ADDRESS_LINK_LOCAL;
    if (kind == GF_ADDRESS_LINK_LOCAL || (kind == GF_ADDRESS_LOOPBACK && !place->is_loopback)) {
        (void)gf_fail(err, GF_PERMISSION_DENIED,
                      "it %s to '%s', an address that only this machine can reach", what,
                      gf_show_cstr(host != NULL ? host : "").text);
        return false;
    }
    if (is_plain(url) && !place->source->plain_http) {
        (void)gf_fail(err, GF_PERMISSION_DENIED, "it %s away from TLS, to '%s'", what,
                      gf_show_cstr(url).text);
        return false;
    }
    return true;
}
