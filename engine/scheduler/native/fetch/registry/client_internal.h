/*
 * What the files of the registry client share: client.c runs jobs, job.c judges answers, login.c
 * gets tokens, tags.c reads lists of tags.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_INTERNAL_H_

#include "base/vec.h"
#include "engine/scheduler/native/fetch/registry/client.h"
#include "engine/scheduler/native/fetch/registry/exchange.h"

/* A place to ask. */
struct gf_registry__place {
    const struct gf_pull_source *source; /* borrowed */
    const char *api_host;                /* who speaks for it */
    struct gf_str ca;
    bool is_loopback;    /* it was reached there */
    char *authorization; /* header that it takes now; NULL: none needed so far; owned */
    bool uses_password;  /* the header is user and password, not a token */
};

enum gf_registry__step {
    GF_REGISTRY__QUEUED,  /* for its turn */
    GF_REGISTRY__WAITING, /* for next_mono_ns */
    GF_REGISTRY__ASKING,
    GF_REGISTRY__LOGGING_IN,
};

/* A job on its way. Owned by the client. */
struct gf_registry__run {
    struct gf_registry_client *client;
    struct gf_registry_job job;
    struct gf_registry_answer answer;
    struct gf_exchange exchange;
    enum gf_registry__step step;
    bool is_active; /* counts among those that run at once */
    int64_t next_mono_ns;
    int64_t offset;       /* of the file now */
    int64_t tried_offset; /* when tries began to count */
    int tries;
    int logins;
    int redirects;
    char *url;             /* where it is being asked; owned */
    bool is_at_home;       /* the url is the place itself: credentials may go there */
    struct gf_strbuf text; /* a page of tags, or the answer of a token service */
    GF_VEC(char *) tags;   /* versions, owned */
    int pages;
    bool sent_password; /* the request that runs had user and password with it */
};

struct gf_registry_client {
    struct gf_registry_opts opts;
    struct gf_exchange_settings settings;
    CURLM *multi;
    struct gf_registry__place *places; /* source_count of them */
    size_t place_count;
    GF_VEC(struct gf_registry__run *) runs;
    size_t active_count;
};

static inline struct gf_registry__place *gf_registry__place_of(struct gf_registry__run *run) {
    return &run->client->places[run->answer.source];
}

/* "registry H, repository 'R', tag 'T': " before the message of a filled err. */
enum gf_code gf_registry__name_it(const struct gf_registry__run *run, struct gf_error *err);

/* Whether both addresses have the same scheme, host and port. */
bool gf_registry__same_origin(const char *a, const char *b);
/* Whether both have the same host, whatever the port is. */
bool gf_registry__same_host(const char *a, const char *b);

/* Starts to ask run->url, or run's own address where that is NULL. */
void gf_registry__ask(struct gf_registry__run *run);

/* The exchange of a run is over: goes on, ends or repeats it. */
void gf_registry__judge(struct gf_registry__run *run, CURLcode code);

/* Ends with a success; or asks the next place, ends with the failure after the last one. */
void gf_registry__succeed(struct gf_registry__run *run);
void gf_registry__give_up(struct gf_registry__run *run, const struct gf_error *why);

/* Asks again, later, as long as tries are left; else gives up. retry_after_s: -1 where not said. */
void gf_registry__retry(struct gf_registry__run *run, int64_t retry_after_s,
                        const struct gf_error *why);

/* Does what a 401 asks for: the exchange holds the challenge. */
void gf_registry__log_in(struct gf_registry__run *run);
/* The answer of a token service is in run->text. */
void gf_registry__take_token(struct gf_registry__run *run);

/* Forgets the tags that were read. */
void gf_registry__clear_tags(struct gf_registry__run *run);
/* Takes the page of tags in run->text: asks for the next one, or chooses. */
void gf_registry__take_tags(struct gf_registry__run *run);

/* An address made of another one: `reference` is absolute or relative to `base`. On the heap; NULL
 * when it is none, or of another scheme than http and https. */
char *gf_registry__resolve_url(const char *base, const char *reference) GF_MUST_USE;

/*
 * Whether what the run's place says may lead to this address, when it is not the place itself: not
 * away from TLS, not to what is this machine's own. Fills err if not.
 */
bool gf_registry__may_lead_to(struct gf_registry__run *run, const char *url, const char *what,
                              struct gf_error *err);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_CLIENT_INTERNAL_H_ */
