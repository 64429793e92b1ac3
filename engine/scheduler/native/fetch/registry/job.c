/*
 * What a registry's answers mean for a job.
 */
#include "base/alloc.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/registry/address.h"
#include "engine/scheduler/native/fetch/registry/client_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <unistd.h>

static const char manifest_types[] = "application/vnd.oci.image.index.v1+json, "
                                     "application/vnd.oci.image.manifest.v1+json, "
                                     "application/vnd.docker.distribution.manifest.list.v2+json, "
                                     "application/vnd.docker.distribution.manifest.v2+json";

enum gf_code gf_registry__name_it(const struct gf_registry__run *run, struct gf_error *err) {
    const char *host = run->client->places[run->answer.source].source->host;
    const char *repository = run->client->opts.repository;
    const char *target = run->job.target;
    if (run->job.kind == GF_REGISTRY_TAGS) {
        return gf_wrap(err, "registry %s, repository '%s'", host, repository);
    }
    if (gf_str_has_prefix(gf_str_from(target), GF_STR("sha256:"))) {
        return gf_wrap(err, "registry %s, repository '%s', %s %.19s", host, repository,
                       run->job.kind == GF_REGISTRY_BLOB ? "blob" : "manifest", target);
    }
    return gf_wrap(err, "registry %s, repository '%s', tag '%s'", host, repository, target);
}

static char *own_url(const struct gf_registry__run *run) {
    const struct gf_registry__place *place = &run->client->places[run->answer.source];
    const char *scheme = place->source->plain_http ? "http" : "https";
    const char *repository = run->client->opts.repository;
    switch (run->job.kind) {
    case GF_REGISTRY_MANIFEST:
        return gf_asprintf("%s://%s/v2/%s/manifests/%s", scheme, place->api_host, repository,
                           run->job.target);
    case GF_REGISTRY_BLOB:
        return gf_asprintf("%s://%s/v2/%s/blobs/%s", scheme, place->api_host, repository,
                           run->job.target);
    case GF_REGISTRY_TAGS:
        return gf_asprintf("%s://%s/v2/%s/tags/list?n=%d", scheme, place->api_host, repository,
                           GF_REGISTRY_TAGS_PER_PAGE);
    }
    gf_unreachable();
}

void gf_registry__ask(struct gf_registry__run *run) {
    struct gf_registry__place *place = gf_registry__place_of(run);
    struct gf_error err;
    if (run->url == NULL) {
        run->url = own_url(run);
        run->is_at_home = true;
        run->redirects = 0;
        gf_registry__clear_tags(run);
    }
    const bool is_text = run->job.kind == GF_REGISTRY_TAGS;
    if (is_text) {
        gf_strbuf_fini(&run->text);
        gf_strbuf_init(&run->text, GF_FETCH_JSON_BYTES_MAX);
    }
    const struct gf_exchange_request request = {
        .settings = &run->client->settings,
        .url = run->url,
        .ca = place->ca,
        .accept = run->job.kind == GF_REGISTRY_MANIFEST ? manifest_types : NULL,
        .authorization = run->is_at_home ? place->authorization : NULL,
        .may_reach_loopback = run->is_at_home || place->is_loopback,
        .fd = run->job.fd,
        .offset = run->offset,
        .text = is_text ? &run->text : NULL,
        .bytes_max = is_text ? GF_FETCH_JSON_BYTES_MAX : run->job.size,
    };
    run->sent_password = request.authorization != NULL && place->uses_password;
    run->step = GF_REGISTRY__ASKING;
    if (gf_exchange_start(&run->exchange, run->client->multi, &request, &err) != GF_OK) {
        (void)gf_registry__name_it(run, &err);
        gf_registry__give_up(run, &err);
    }
}

/* What a setting can do about it. */
static const char *advice_on(CURLcode code, const char *why) {
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        return "; images.registries names its authority by ca_file";
    }
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(why, "wrong version number") != NULL) {
        return ": it speaks no TLS; images.registries allows that by plain_http";
    }
    return "";
}

/* A failure of the exchange itself. True: it may help to ask again. */
static bool fail_exchange(struct gf_registry__run *run, CURLcode code, struct gf_error *err) {
    const struct gf_exchange *exchange = &run->exchange;
    const char *why =
        exchange->curl_error[0] != '\0' ? exchange->curl_error : curl_easy_strerror(code);
    switch (exchange->fault) {
    case GF_EXCHANGE_HEADERS_TOO_LONG:
        (void)gf_fail_limit(err, "the headers of its answer have more than %d bytes",
                            GF_REGISTRY_HEADERS_BYTES_MAX);
        return false;
    case GF_EXCHANGE_BODY_TOO_LONG:
        if (run->job.kind == GF_REGISTRY_BLOB && exchange->status < 300) {
            (void)gf_fail_reason(err, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH",
                                 "has more than the expected %lld bytes", (long long)run->job.size);
        } else {
            (void)gf_fail_limit(err, "its answer is too long");
        }
        return false;
    case GF_EXCHANGE_WRONG_RANGE:
        (void)gf_fail(err, GF_UNAVAILABLE, "it sent another part than was asked for");
        run->offset = 0; /* once more, from the beginning */
        return ftruncate(run->job.fd, 0) == 0;
    case GF_EXCHANGE_NOT_WRITTEN:
        (void)gf_fail_errno(err, gf_code_from_errno(exchange->fault_errno), exchange->fault_errno,
                            "cannot write to the image store");
        return false;
    case GF_EXCHANGE_ADDRESS_FORBIDDEN:
        (void)gf_fail(err, GF_PERMISSION_DENIED,
                      "it leads to an address that only this machine can reach");
        return false;
    case GF_EXCHANGE_SOUND:
        break;
    }
    (void)gf_fail_reason(err, GF_UNAVAILABLE, "REGISTRY_UNAVAILABLE", "%s%s",
                         gf_show_cstr(why).text, advice_on(code, why));
    return code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE &&
           code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_URL_MALFORMAT &&
           code != CURLE_OUT_OF_MEMORY;
}

static bool is_redirect(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum gf_code check_redirect(struct gf_registry__run *run, const char *url,
                                   struct gf_error *err) {
    if (url == NULL) {
        return gf_fail(err, GF_UNAVAILABLE, "it redirects to '%s', which is no address of http",
                       gf_show_cstr(run->exchange.location).text);
    }
    if (run->redirects >= GF_REGISTRY_REDIRECTS_MAX) {
        return gf_fail(err, GF_UNAVAILABLE, "more than %d redirects", GF_REGISTRY_REDIRECTS_MAX);
    }
    return gf_registry__may_lead_to(run, url, "redirects", err) ? GF_OK : GF_PERMISSION_DENIED;
}

static void follow(struct gf_registry__run *run) {
    struct gf_error err;
    char *url = gf_registry__resolve_url(run->url, run->exchange.location);
    if (check_redirect(run, url, &err) != GF_OK) {
        free(url);
        (void)gf_registry__name_it(run, &err);
        gf_registry__give_up(run, &err);
        return;
    }
    run->is_at_home = run->is_at_home && gf_registry__same_origin(run->url, url);
    run->redirects++;
    free(run->url);
    run->url = url;
    gf_registry__ask(run);
}

/* A success of the exchange, which is one of the job where the answer fits it. */
static void take_success(struct gf_registry__run *run) {
    const struct gf_exchange *exchange = &run->exchange;
    struct gf_error err;
    if (run->job.kind == GF_REGISTRY_TAGS) {
        gf_registry__take_tags(run);
        return;
    }
    if (run->job.kind == GF_REGISTRY_BLOB && exchange->end_offset != run->job.size) {
        (void)gf_fail_reason(&err, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH",
                             "has %lld bytes, expected %lld", (long long)exchange->end_offset,
                             (long long)run->job.size);
        (void)gf_registry__name_it(run, &err);
        gf_registry__give_up(run, &err);
        return;
    }
    struct gf_digest digest;
    if (gf_digest_parse(gf_str_from(exchange->digest), &digest, NULL) == GF_OK) {
        memcpy(run->answer.digest, digest.text, sizeof(run->answer.digest));
    }
    (void)snprintf(run->answer.media_type, sizeof(run->answer.media_type), "%.*s",
                   (int)sizeof(run->answer.media_type) - 1, exchange->content_type);
    gf_registry__succeed(run);
}

static void take_refusal(struct gf_registry__run *run) {
    const long status = run->exchange.status;
    struct gf_error err;
    bool may_retry = false;
    if (status == 404 || status == 410) {
        (void)gf_fail_reason(&err, GF_NOT_FOUND, "IMAGE_NOT_FOUND", "not found");
    } else if (status == 401 || status == 403) {
        (void)gf_fail_reason(&err, GF_PERMISSION_DENIED, "REGISTRY_REFUSED",
                             "refused (%ld); see to the credentials", status);
    } else if (status == 416 && run->offset > 0) {
        (void)gf_fail(&err, GF_UNAVAILABLE, "it does not have what is asked for (416)");
        run->offset = 0;
        may_retry = ftruncate(run->job.fd, 0) == 0;
    } else if (status == 429) {
        (void)gf_fail_reason(&err, GF_RESOURCE_EXHAUSTED, "REGISTRY_BUSY",
                             "too many requests (429)");
        may_retry = true;
    } else {
        (void)gf_fail_reason(&err, GF_UNAVAILABLE, "REGISTRY_UNAVAILABLE", "it answers %ld",
                             status);
        may_retry = status == 408 || status >= 500;
    }
    (void)gf_registry__name_it(run, &err);
    if (may_retry) {
        gf_registry__retry(run, run->exchange.retry_after_s, &err);
    } else {
        gf_registry__give_up(run, &err);
    }
}

void gf_registry__judge(struct gf_registry__run *run, CURLcode code) {
    const struct gf_exchange *exchange = &run->exchange;
    struct gf_error err;
    run->answer.received_bytes += exchange->received_bytes;
    /* A proxy at loopback says nothing of the place behind it. */
    const bool is_direct = run->client->settings.proxy[0] == '\0';
    gf_registry__place_of(run)->is_loopback |=
        run->is_at_home && is_direct && exchange->reached_loopback;
    const bool is_login = run->step == GF_REGISTRY__LOGGING_IN;
    if (!is_login && run->job.fd >= 0) {
        run->offset = exchange->end_offset;
    }
    if (code != CURLE_OK) {
        const bool may_retry = fail_exchange(run, code, &err);
        if (is_login) {
            (void)gf_wrap(&err, "its token service");
        }
        (void)gf_registry__name_it(run, &err);
        if (may_retry) {
            gf_registry__retry(run, exchange->retry_after_s, &err);
        } else {
            gf_registry__give_up(run, &err);
        }
    } else if (is_login) {
        gf_registry__take_token(run);
    } else if (exchange->status == 200 || exchange->status == 206) {
        take_success(run);
    } else if (is_redirect(exchange->status)) {
        follow(run);
    } else if (exchange->status == 401 && run->is_at_home) {
        gf_registry__log_in(run);
    } else {
        take_refusal(run);
    }
}
