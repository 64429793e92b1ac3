/*
 * Limits on what a registry may say. What it may send is limited by fetch/limits.h.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_LIMITS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_LIMITS_H_

enum {
    /* An address that it gives: of a redirect, a token service, the next page. */
    GF_REGISTRY_URL_CHARS_MAX = 8191, /* signed addresses of storage services are long */
    /* Any other header that is looked at. */
    GF_REGISTRY_VALUE_CHARS_MAX = 1023,
    /* All headers of one answer. */
    GF_REGISTRY_HEADERS_BYTES_MAX = 64 * 1024,
    GF_REGISTRY_REDIRECTS_MAX = 5,
    /* The answer of a token service, and the token in it. */
    GF_REGISTRY_TOKEN_ANSWER_BYTES_MAX = 256 * 1024,
    GF_REGISTRY_TOKEN_CHARS_MAX = 64 * 1024,
    /* What is read of an answer that is no success before the connection is given up. */
    GF_REGISTRY_REFUSAL_BYTES_MAX = 64 * 1024,
    /* How often credentials or a token are tried for one request. */
    GF_REGISTRY_LOGINS_MAX = 2,
    /* Tags of one repository, pages of its list, tags asked for in one page. */
    GF_REGISTRY_TAGS_MAX = 100000,
    GF_REGISTRY_TAG_PAGES_MAX = 1000,
    GF_REGISTRY_TAGS_PER_PAGE = 1000,
    /* The longest wait between two tries, whatever "Retry-After" says. */
    GF_REGISTRY_RETRY_WAIT_MS_MAX = 30 * 1000,
    /* A transfer that has brought as much since its last failure begins to count its tries anew. */
    GF_REGISTRY_PROGRESS_BYTES = 1024 * 1024,
};

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_LIMITS_H_ */
