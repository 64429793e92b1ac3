/*
 * One request over HTTP and its answer, within limits: what may be connected to, how long headers
 * and bodies may be, where the body goes. Redirects, logins and repetitions are the caller's.
 *
 * Only http and https are spoken, certificates are always verified, nothing is taken from the
 * environment.
 *
 * Thread: one.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_EXCHANGE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_EXCHANGE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fetch/registry/headers.h"

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

/* What all exchanges of a pull have in common. All is borrowed. */
struct gf_exchange_settings {
    const char *proxy; /* "" none */
    const char *no_proxy;
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
};

/* What to ask. Borrowed until the exchange is over. */
struct gf_exchange_request {
    const struct gf_exchange_settings *settings;
    const char *url;
    struct gf_str ca;          /* PEM */
    const char *accept;        /* value of the header; NULL: any */
    const char *authorization; /* value of the header; NULL: none */
    bool may_reach_loopback;
    /* Where a body goes when the answer is 200 or 206: a file, or a text when fd is -1. */
    int fd;
    int64_t offset; /* of the file; more than 0: the rest is asked for, by Range */
    struct gf_strbuf *text;
    int64_t bytes_max; /* of the whole: offset included */
};

/* Why a body or an answer was not taken; curl then says only that somebody gave up. */
enum gf_exchange_fault {
    GF_EXCHANGE_SOUND,
    GF_EXCHANGE_HEADERS_TOO_LONG,
    GF_EXCHANGE_BODY_TOO_LONG,
    GF_EXCHANGE_WRONG_RANGE,
    GF_EXCHANGE_NOT_WRITTEN,       /* errno is kept */
    GF_EXCHANGE_ADDRESS_FORBIDDEN, /* where it leads is not for strangers */
};

/* A value that stays where it is between start and end. Zeroed before its first use. */
struct gf_exchange {
    CURL *easy; /* owned; of the latest exchange */
    struct curl_slist *header_list;
    struct gf_exchange_request request;
    /* The answer. */
    enum gf_exchange_fault fault;
    int fault_errno;
    bool reached_loopback;
    long status;
    int64_t received_bytes; /* of the body, in this exchange */
    int64_t end_offset;     /* of what the file holds now */
    size_t header_bytes;
    struct gf_challenge challenge;
    char location[GF_REGISTRY_URL_CHARS_MAX + 1];
    char link[GF_REGISTRY_URL_CHARS_MAX + 1];
    char content_type[GF_REGISTRY_VALUE_CHARS_MAX + 1];
    char digest[GF_REGISTRY_VALUE_CHARS_MAX + 1]; /* Docker-Content-Digest */
    char content_range[GF_REGISTRY_VALUE_CHARS_MAX + 1];
    int64_t retry_after_s; /* -1: not said */
    char curl_error[CURL_ERROR_SIZE];
};

/* Adds the exchange to a multi handle. Code: GF_INTERNAL. */
enum gf_code gf_exchange_start(struct gf_exchange *exchange, CURLM *multi,
                               const struct gf_exchange_request *request,
                               struct gf_error *err) GF_MUST_USE;

/* Takes it out again, over or not. Accepts one that is not running. */
void gf_exchange_end(struct gf_exchange *exchange, CURLM *multi);

/* Frees what it keeps. */
void gf_exchange_fini(struct gf_exchange *exchange);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_EXCHANGE_H_ */
