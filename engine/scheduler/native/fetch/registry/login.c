/*
 * Logging in as a registry asks for it.
 *
 * Where credentials go: user and password to the place itself, and to its token service. That is
 * named by the place, so over plain http (anybody on the way may have named it) it must be on the
 * same host.
 */
#include "base/alloc.h"
#include "base/base64.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/registry/client_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <sodium.h>

static void refuse(struct gf_registry__run *run, const char *why) {
    struct gf_error err;
    (void)gf_fail_reason(&err, GF_PERMISSION_DENIED, "REGISTRY_REFUSED", "%s", why);
    (void)gf_registry__name_it(run, &err);
    gf_registry__give_up(run, &err);
}

static void wipe(char *text) {
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        free(text);
    }
}

static void wipe_p(char **text) {
    wipe(*text);
}

/* "Basic dXNlcjpwYXNz"; NULL without a user. */
static char *basic_header(const struct gf_pull_source *source) {
    if (source->user[0] == '\0') {
        return NULL;
    }
    GF_CLEANUP(wipe_p) char *pair = gf_asprintf("%s:%s", source->user, source->password);
    const size_t size = strlen(pair);
    const struct gf_str prefix = GF_STR("Basic ");
    char *header = gf_malloc(prefix.len + gf_base64_encoded_size(size) + 1);
    memcpy(header, prefix.ptr, prefix.len);
    gf_base64_encode(pair, size, header + prefix.len);
    header[prefix.len + gf_base64_encoded_size(size)] = '\0';
    return header;
}

static void append_query(struct gf_strbuf *url, const char *name, const char *value) {
    if (value[0] == '\0') {
        return;
    }
    char *escaped = curl_easy_escape(NULL, value, 0);
    if (escaped == NULL) {
        gf_oom();
    }
    const char *separator = strchr(url->ptr, '?') != NULL ? "&" : "?";
    gf_strbuf_printf(url, "%s%s=%s", separator, name, escaped);
    curl_free(escaped);
}

/* The address to ask for a token; false: too long. */
static bool token_url(struct gf_registry__run *run, const char *realm, struct gf_strbuf *out) {
    const struct gf_challenge *challenge = &run->exchange.challenge;
    GF_CLEANUP(gf_free_p)
    char *scope = gf_asprintf("repository:%s:pull", run->client->opts.repository);
    gf_strbuf_append_cstr(out, realm);
    append_query(out, "service", challenge->service);
    append_query(out, "scope", challenge->scope[0] != '\0' ? challenge->scope : scope);
    append_query(out, "account", gf_registry__place_of(run)->source->user);
    return !out->overflowed;
}

/* Whether user and password may go to the token service at `realm`. */
static bool may_have_password(struct gf_registry__run *run, const char *realm) {
    GF_CLEANUP(gf_free_p) char *here = gf_registry__resolve_url(run->url, "/");
    const bool is_tls = gf_str_has_prefix(gf_str_from(realm), GF_STR("https://"));
    return is_tls || (here != NULL && gf_registry__same_host(here, realm));
}

static void ask_for_token(struct gf_registry__run *run) {
    struct gf_registry__place *place = gf_registry__place_of(run);
    struct gf_error err;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf url;
    GF_CLEANUP(wipe_p) char *authorization = NULL;
    GF_CLEANUP(gf_free_p)
    char *realm = gf_registry__resolve_url(run->url, run->exchange.challenge.realm);
    gf_strbuf_init(&url, 2 * GF_REGISTRY_URL_CHARS_MAX);
    if (realm == NULL) {
        refuse(run, "it names a token service that has no address of http");
        return;
    }
    if (!gf_registry__same_origin(run->url, realm) &&
        !gf_registry__may_lead_to(run, realm, "sends for a token", &err)) {
        (void)gf_registry__name_it(run, &err);
        gf_registry__give_up(run, &err);
        return;
    }
    if (place->source->user[0] != '\0' && !may_have_password(run, realm)) {
        refuse(run, "its token service is another host without TLS: credentials do not go there");
        return;
    }
    if (!token_url(run, realm, &url)) {
        refuse(run, "the address of its token service is too long");
        return;
    }
    authorization = basic_header(place->source);
    gf_strbuf_fini(&run->text);
    gf_strbuf_init(&run->text, GF_REGISTRY_TOKEN_ANSWER_BYTES_MAX);
    const struct gf_exchange_request request = {
        .settings = &run->client->settings,
        .url = url.ptr,
        .ca = place->ca,
        .authorization = authorization,
        .may_reach_loopback = place->is_loopback,
        .fd = -1,
        .text = &run->text,
        .bytes_max = GF_REGISTRY_TOKEN_ANSWER_BYTES_MAX,
    };
    run->step = GF_REGISTRY__LOGGING_IN;
    /* libcurl keeps copies of address and headers. */
    if (gf_exchange_start(&run->exchange, run->client->multi, &request, &err) != GF_OK) {
        (void)gf_registry__name_it(run, &err);
        gf_registry__give_up(run, &err);
    }
}

void gf_registry__log_in(struct gf_registry__run *run) {
    struct gf_registry__place *place = gf_registry__place_of(run);
    const enum gf_challenge_kind kind = run->exchange.challenge.kind;
    if (run->logins++ >= GF_REGISTRY_LOGINS_MAX ||
        (kind == GF_CHALLENGE_BASIC && run->sent_password)) {
        refuse(run, "refused (401); see to the credentials");
        return;
    }
    if (kind == GF_CHALLENGE_BEARER) {
        ask_for_token(run);
        return;
    }
    if (kind == GF_CHALLENGE_NONE) {
        refuse(run, "refused (401), and it does not say how to log in");
        return;
    }
    if (place->source->user[0] == '\0') {
        refuse(run, "it wants a user and a password (401)");
        return;
    }
    wipe(place->authorization);
    place->authorization = basic_header(place->source);
    place->uses_password = true;
    gf_registry__ask(run);
}

/* A token goes into a header: it must be of visible ASCII characters. */
static bool token_valid(const char *token) {
    size_t len = 0;
    while (token[len] > ' ' && token[len] < 0x7f && len <= GF_REGISTRY_TOKEN_CHARS_MAX) {
        len++;
    }
    return len > 0 && token[len] == '\0';
}

static bool read_token(struct gf_registry__run *run, struct gf_registry__place *place) {
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    const char *token = "";
    if (gf_json_parse(gf_strbuf_view(&run->text), &root, NULL) != GF_OK ||
        gf_json_string_optional(root, "token", &token, NULL) != GF_OK ||
        (token[0] == '\0' &&
         gf_json_string_optional(root, "access_token", &token, NULL) != GF_OK) ||
        !token_valid(token)) {
        return false;
    }
    wipe(place->authorization);
    place->authorization = gf_asprintf("Bearer %s", token);
    place->uses_password = false;
    return true;
}

void gf_registry__take_token(struct gf_registry__run *run) {
    const long status = run->exchange.status;
    struct gf_error err;
    if (status == 401 || status == 403) {
        refuse(run, "its token service refused; see to the credentials");
        return;
    }
    if (status != 200) {
        (void)gf_fail_reason(&err, GF_UNAVAILABLE, "REGISTRY_UNAVAILABLE",
                             "its token service answers %ld", status);
        (void)gf_registry__name_it(run, &err);
        if (status == 429 || status == 408 || status >= 500) {
            gf_registry__retry(run, run->exchange.retry_after_s, &err);
        } else {
            gf_registry__give_up(run, &err);
        }
        return;
    }
    const bool has_token = read_token(run, gf_registry__place_of(run));
    sodium_memzero(run->text.ptr, run->text.len);
    if (!has_token) {
        refuse(run, "its token service gave no token");
        return;
    }
    gf_registry__ask(run);
}
