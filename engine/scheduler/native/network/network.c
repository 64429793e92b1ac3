/*
 * DESIGN
 * The thread goes round a loop: it takes back addresses, answers who waits, and makes one
 * namespace where one is missing; then it looks again, so that nobody waits for more than one to
 * be made. It sleeps in poll() on an event descriptor (something was taken or asked for) and on
 * the kernel's news of devices that have gone (an address is free).
 *
 * Everything with the kernel is the thread's alone; the mutex guards the lists that others touch,
 * and is never held while a namespace is made.
 *
 * A namespace that is closed unused costs the kernel as much as one that was used, and closing
 * many at once stalls it; at the end of the server there are at most twice ready_count.
 */
#include "engine/scheduler/native/network/network.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sync.h"
#include "engine/scheduler/native/network/bridge.h"
#include "engine/scheduler/native/network/filter.h"
#include "engine/scheduler/native/network/namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    KEEP_MS = 1000,  /* between looks at the filter, while containers are behind the bridge */
    RETRY_MS = 1000, /* before more is made ahead, after a namespace could not be made */
};

struct ready_list {
    int *fds;
    int32_t count;
};

struct waiter {
    struct gf_list_link link;
    gf_network_lease_fn *fn;
    void *ctx;
    int64_t deadline_ns;
};

/* Somebody who wants a report. On the stack of who asks. */
struct report_request {
    struct gf_list_link link;
    struct gf_network_report *report;
    struct gf_latch done;
};

struct gf_network {
    char bridge_name[GF_BRIDGE_NAME_BYTES_MAX + 1];
    struct gf_subnet subnet;
    struct gf_resolv configured; /* name servers; none = the machine's */
    int32_t ready_count;
    int32_t ready_bridged_count;
    int event_fd;
    int home_fd; /* the namespace of this machine, as far as this module goes */
    pthread_t thread;
    bool joined;

    struct gf_mutex mutex; /* of the following */
    bool stopping;
    bool bridge_wanted;
    struct ready_list private_ones;
    struct ready_list bridged;
    struct gf_list waiters;
    struct gf_list reports;

    /* The thread's own. */
    bool bridge_open;
    struct gf_bridge bridge;
    bool told_no_servers;
    int64_t keep_ns;  /* when the filter is looked after next */
    int64_t retry_ns; /* nothing is made ahead before; 0 = at once */

    /* Written by the thread, read by any. */
    struct gf_histogram make;
    struct gf_counter failures;
    struct gf_gauge addresses_used;
};

static void wake(const struct gf_network *network) {
    const uint64_t one = 1;
    (void)!write(network->event_fd, &one, sizeof(one)); /* full: it is awake */
}

static int pop(struct gf_network *network, struct ready_list *list) {
    GF_MUTEX_GUARD(&network->mutex);
    return list->count > 0 ? list->fds[--list->count] : -1;
}

/* ---- making them; the thread ---- */

/* One of either kind; the thread is home again afterwards. */
static enum gf_code make_namespace(struct gf_network *network, bool bridged, int *out_fd,
                                   struct gf_error *err) {
    const int64_t begin_ns = gf_mono_ns();
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct gf_netlink inside = {.fd = -1};
    struct gf_error back;
    enum gf_code rc = gf_namespace_make(&fd, err);
    if (rc == GF_OK && bridged) {
        rc = gf_netlink_open(&inside, err);
    }
    if (gf_namespace_enter(network->home_fd, &back) != GF_OK) {
        /* Whatever this thread made from here on would be in the wrong place. */
        gf_log_error("network_namespace_lost", GF_KV_ERROR(&back));
        abort();
    }
    if (rc == GF_OK && bridged) {
        rc = gf_bridge_connect(&network->bridge, fd, &inside, err);
    }
    gf_netlink_close(&inside);
    if (rc == GF_OK) {
        *out_fd = gf_take_fd(&fd);
        gf_histogram_add(&network->make, gf_mono_ns() - begin_ns);
    } else {
        gf_counter_add_owned(&network->failures, 1);
    }
    return rc;
}

static void choose_resolv(const struct gf_network *network, struct gf_resolv *out_resolv) {
    if (network->configured.count > 0) {
        *out_resolv = network->configured;
    } else {
        gf_resolv_read_host(/* loopback = */ false, out_resolv);
    }
}

static enum gf_code open_bridge(struct gf_network *network, const struct gf_resolv *resolv,
                                struct gf_error *err) {
    char subnet[GF_IPV4_TEXT_BYTES_MAX];
    enum gf_code rc =
        gf_bridge_open(&network->bridge, network->bridge_name, &network->subnet, resolv, err);
    if (rc != GF_OK) {
        return rc;
    }
    network->bridge_open = true;
    gf_log_info("bridge_open", GF_KV_STR("bridge", network->bridge_name),
                GF_KV_STR("subnet", gf_ipv4_format(network->subnet.network, subnet)),
                GF_KV_I64("prefix", network->subnet.prefix),
                GF_KV_I64("addresses_used", network->bridge.used));
    if (network->bridge.turned_on) {
        gf_log_warn("ip_forward_turned_on",
                    GF_KV_STR("effect", "this machine now forwards packets between all its "
                                        "networks, where its firewall does not forbid it"));
    }
    return GF_OK;
}

/* Those that are ready lead to a bridge that is no more. */
static void drop_bridged(struct gf_network *network) {
    int fd = -1;
    while ((fd = pop(network, &network->bridged)) >= 0) {
        gf_close(&fd);
    }
}

/* The bridge is there, and its filter lets containers ask the name servers of today. */
static enum gf_code ready_bridge(struct gf_network *network, struct gf_resolv *out_resolv,
                                 struct gf_error *err) {
    choose_resolv(network, out_resolv);
    if (out_resolv->count == 0 && !network->told_no_servers) {
        gf_log_warn("containers_without_name_servers",
                    GF_KV_STR("reason", "this machine asks only itself; set "
                                        "scheduler.dns_servers"));
    }
    network->told_no_servers = out_resolv->count == 0;
    if (network->bridge_open) {
        enum gf_code rc = gf_bridge_keep(&network->bridge, out_resolv, err);
        if (rc != GF_NOT_FOUND) {
            return rc;
        }
        gf_log_warn("bridge_removed", GF_KV_STR("bridge", network->bridge_name));
        gf_bridge_close(&network->bridge);
        network->bridge_open = false;
        drop_bridged(network);
    }
    return open_bridge(network, out_resolv, err);
}

/* Somebody who loads rules of his own may remove all others: containers that run must not be
 * without theirs for long. */
static void keep_filter(struct gf_network *network) {
    struct gf_resolv resolv;
    struct gf_error error;
    const int64_t now = gf_mono_ns();
    if (!network->bridge_open || network->bridge.used == 0 || now < network->keep_ns) {
        return;
    }
    network->keep_ns = gf_deadline_after_ms(now, KEEP_MS);
    if (ready_bridge(network, &resolv, &error) != GF_OK) {
        gf_log_error("bridge_unprotected", GF_KV_ERROR(&error));
    }
}

/* A bridge that is there has containers of the server before this one, or had some: it is taken up
 * at once, so that its filter is looked after. */
static void adopt_bridge(struct gf_network *network) {
    struct gf_netlink netlink = {.fd = -1};
    struct gf_resolv resolv;
    struct gf_error error;
    int index = 0;
    enum gf_code rc = gf_netlink_open(&netlink, &error);
    if (rc == GF_OK) {
        rc = gf_netlink_find(&netlink, network->bridge_name, &index, &error);
    }
    gf_netlink_close(&netlink);
    if (rc == GF_NOT_FOUND) {
        return;
    }
    if (rc == GF_OK) {
        rc = ready_bridge(network, &resolv, &error);
    }
    if (rc != GF_OK) {
        gf_log_warn("bridge_not_taken_up", GF_KV_ERROR(&error));
        return;
    }
    GF_MUTEX_GUARD(&network->mutex);
    network->bridge_wanted = true;
}

/* ---- answering; the thread ---- */

static void answer(struct waiter *waiter, const struct gf_network_lease *lease,
                   const struct gf_error *error) {
    waiter->fn(lease, error, waiter->ctx);
    free(waiter);
}

static struct waiter *next_waiter(struct gf_network *network) {
    GF_MUTEX_GUARD(&network->mutex);
    struct gf_list_link *link = gf_list_pop_front(&network->waiters);
    return link == NULL ? NULL : GF_CONTAINER_OF(link, struct waiter, link);
}

static void wait_on(struct gf_network *network, struct waiter *waiter) {
    GF_MUTEX_GUARD(&network->mutex);
    gf_list_push_front(&network->waiters, &waiter->link);
}

/* Answers one; false when he must wait for an address. */
static bool serve(struct gf_network *network, struct waiter *waiter) {
    struct gf_network_lease lease = {.fd = -1};
    struct gf_resolv resolv;
    struct gf_error error;
    enum gf_code rc = ready_bridge(network, &resolv, &error);
    if (rc == GF_OK) {
        (void)gf_resolv_format(&resolv, lease.resolv);
        lease.fd = pop(network, &network->bridged);
        rc = lease.fd >= 0 ? GF_OK
                           : make_namespace(network, /* bridged = */ true, &lease.fd, &error);
    }
    if (rc == GF_RESOURCE_EXHAUSTED && gf_mono_ns() < waiter->deadline_ns) {
        wait_on(network, waiter);
        return false;
    }
    answer(waiter, rc == GF_OK ? &lease : NULL, &error);
    return true;
}

static void serve_all(struct gf_network *network) {
    struct waiter *waiter = NULL;
    bool served = true;
    while (served && (waiter = next_waiter(network)) != NULL) {
        served = serve(network, waiter);
    }
}

static void refuse_all(struct gf_network *network) {
    struct waiter *waiter = NULL;
    struct gf_error error;
    (void)gf_fail(&error, GF_UNAVAILABLE, "the server is ending");
    while ((waiter = next_waiter(network)) != NULL) {
        answer(waiter, NULL, &error);
    }
}

/* ---- reports; the thread ---- */

/* Tries all of it in a namespace of its own, which leaves nothing behind. */
static enum gf_code try_bridge(struct gf_network *network, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int outer_fd = -1;
    GF_CLEANUP(gf_close_p) int inner_fd = -1;
    struct gf_netlink inside = {.fd = -1};
    struct gf_bridge bridge = {.in_use = NULL};
    struct gf_error back;
    enum gf_code rc = gf_namespace_make(&inner_fd, err);
    if (rc == GF_OK) {
        rc = gf_netlink_open(&inside, err);
    }
    if (rc == GF_OK) {
        rc = gf_namespace_make(&outer_fd, err);
    }
    if (rc == GF_OK) {
        rc = gf_bridge_open(&bridge, network->bridge_name, &network->subnet, &network->configured,
                            err);
    }
    if (rc == GF_OK) {
        rc = gf_bridge_connect(&bridge, inner_fd, &inside, err);
    }
    gf_bridge_close(&bridge);
    gf_netlink_close(&inside);
    if (gf_namespace_enter(network->home_fd, &back) != GF_OK) {
        gf_log_error("network_namespace_lost", GF_KV_ERROR(&back));
        abort();
    }
    return rc;
}

static void note_forwarding(struct gf_network_report *report) {
    struct gf_strbuf now;
    gf_strbuf_init(&now, GF_NETWORK_NOTE_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", &now, NULL) == GF_OK &&
        gf_str_has_prefix(gf_strbuf_view(&now), GF_STR("0"))) {
        snprintf(report->forwarding, sizeof(report->forwarding),
                 "net.ipv4.ip_forward is off: the first task on the bridge turns it on");
    }
    gf_strbuf_fini(&now);
}

static int32_t address_count(const struct gf_network *network) {
    return (int32_t)gf_subnet_last_host(&network->subnet) - GF_SUBNET_FIRST_HOST + 1;
}

static void fill_report(struct gf_network *network, struct gf_network_report *report) {
    struct gf_resolv resolv;
    struct gf_error error;
    choose_resolv(network, &resolv);
    report->bridge_open = network->bridge_open;
    report->addresses = address_count(network);
    report->addresses_used = network->bridge_open ? (int32_t)network->bridge.used : 0;
    report->bridge_available = network->bridge_open || try_bridge(network, &error) == GF_OK;
    if (!report->bridge_available) {
        snprintf(report->why_not, sizeof(report->why_not), "%s", error.message);
        return;
    }
    note_forwarding(report);
    if (gf_filter_forwarding_is_dropped()) {
        snprintf(report->firewall, sizeof(report->firewall),
                 "the chain FORWARD of this machine drops by default (Docker does that): it must "
                 "accept what comes from and goes to %s",
                 network->bridge_name);
    }
    if (resolv.count == 0) {
        snprintf(report->name_servers, sizeof(report->name_servers),
                 "this machine has no name server that containers can reach: set "
                 "scheduler.dns_servers");
    }
}

static void make_reports(struct gf_network *network) {
    for (;;) {
        gf_mutex_lock(&network->mutex);
        struct gf_list_link *link = gf_list_pop_front(&network->reports);
        gf_mutex_unlock(&network->mutex);
        if (link == NULL) {
            return;
        }
        struct report_request *request = GF_CONTAINER_OF(link, struct report_request, link);
        fill_report(network, request->report);
        gf_latch_open(&request->done);
    }
}

/* ---- the loop ---- */

enum want {
    WANT_NOTHING,
    WANT_PRIVATE,
    WANT_BRIDGED,
};

static enum want find_want(struct gf_network *network) {
    GF_MUTEX_GUARD(&network->mutex);
    if (network->stopping || gf_mono_ns() < network->retry_ns) {
        return WANT_NOTHING;
    }
    if (network->private_ones.count < network->ready_count) {
        return WANT_PRIVATE;
    }
    return network->bridge_wanted && network->bridged.count < network->ready_bridged_count
               ? WANT_BRIDGED
               : WANT_NOTHING;
}

/* Makes one ahead; false when there is nothing to do. */
static bool make_ahead(struct gf_network *network) {
    const enum want want = find_want(network);
    struct ready_list *list = want == WANT_BRIDGED ? &network->bridged : &network->private_ones;
    struct gf_resolv resolv;
    struct gf_error error;
    int fd = -1;
    if (want == WANT_NOTHING) {
        return false;
    }
    enum gf_code rc = want == WANT_BRIDGED ? ready_bridge(network, &resolv, &error) : GF_OK;
    if (rc == GF_OK) {
        rc = make_namespace(network, want == WANT_BRIDGED, &fd, &error);
    }
    if (rc != GF_OK && rc != GF_RESOURCE_EXHAUSTED) {
        gf_log_warn("network_not_made_ahead", GF_KV_ERROR(&error));
    }
    GF_MUTEX_GUARD(&network->mutex);
    if (rc == GF_OK) {
        list->fds[list->count++] = fd;
        return true;
    }
    network->retry_ns = gf_deadline_after_ms(gf_mono_ns(), RETRY_MS);
    if (want == WANT_BRIDGED && rc != GF_RESOURCE_EXHAUSTED) {
        network->bridge_wanted = false; /* until somebody asks again; he is told why not */
    }
    return false;
}

static int poll_timeout_ms(struct gf_network *network) {
    gf_gauge_set(&network->addresses_used,
                 network->bridge_open ? (int64_t)network->bridge.used : 0);
    int64_t deadline =
        network->bridge_open && network->bridge.used > 0 ? network->keep_ns : GF_NEVER;
    {
        GF_MUTEX_GUARD(&network->mutex);
        GF_LIST_FOREACH(link, &network->waiters) {
            const struct waiter *waiter = GF_CONTAINER_OF(link, struct waiter, link);
            deadline = waiter->deadline_ns < deadline ? waiter->deadline_ns : deadline;
        }
        if (network->private_ones.count < network->ready_count ||
            (network->bridge_wanted && network->bridged.count < network->ready_bridged_count)) {
            deadline = network->retry_ns < deadline ? network->retry_ns : deadline;
        }
    }
    if (deadline == GF_NEVER) {
        return -1;
    }
    const int64_t left_ms = (deadline - gf_mono_ns() + GF_NS_PER_MS - 1) / GF_NS_PER_MS;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static bool is_stopping(struct gf_network *network) {
    GF_MUTEX_GUARD(&network->mutex);
    return network->stopping;
}

static void sleep_until_needed(struct gf_network *network) {
    uint64_t count = 0;
    struct pollfd fds[] = {
        {.fd = network->event_fd, .events = POLLIN},
        {.fd = network->bridge_open ? network->bridge.watch_fd : -1, .events = POLLIN},
    };
    (void)poll(fds, GF_ARRAY_COUNT(fds), poll_timeout_ms(network));
    (void)!read(network->event_fd, &count, sizeof(count)); /* not blocking */
}

static void *run(void *ctx) {
    struct gf_network *network = ctx;
    adopt_bridge(network);
    while (!is_stopping(network)) {
        if (network->bridge_open) {
            gf_bridge_collect(&network->bridge);
        }
        keep_filter(network);
        serve_all(network);
        make_reports(network);
        if (!make_ahead(network)) {
            sleep_until_needed(network);
        }
    }
    refuse_all(network);
    make_reports(network);
    return NULL;
}

/* ---- the port ---- */

static enum gf_code read_options(struct gf_network *network, const struct gf_network_opts *opts,
                                 struct gf_error *err) {
    const char *name =
        opts->bridge_name == NULL ? GF_NETWORK_BRIDGE_NAME_DEFAULT : opts->bridge_name;
    const char *subnet =
        opts->bridge_subnet == NULL ? GF_NETWORK_BRIDGE_SUBNET_DEFAULT : opts->bridge_subnet;
    enum gf_code rc = gf_bridge_check_name(name, err);
    if (rc == GF_OK) {
        rc = gf_subnet_parse(gf_str_from(subnet), &network->subnet, err);
    }
    if (rc == GF_OK) {
        rc = gf_resolv_from_list(opts->dns_servers, opts->dns_server_count, &network->configured,
                                 err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    snprintf(network->bridge_name, sizeof(network->bridge_name), "%s", name);
    const int32_t wanted = opts->ready_count == 0 ? GF_NETWORK_READY_DEFAULT : opts->ready_count;
    network->ready_count = wanted < 0 ? 0 : wanted;
    if (network->ready_count > GF_NETWORK_READY_MAX) {
        network->ready_count = GF_NETWORK_READY_MAX;
    }
    /* What is ready has an address: of a small subnet most must be left. */
    const int32_t addresses = (int32_t)gf_subnet_last_host(&network->subnet);
    network->ready_bridged_count =
        network->ready_count < addresses / 4 ? network->ready_count : addresses / 4;
    return GF_OK;
}

enum gf_code gf_network_create(const struct gf_network_opts *opts, struct gf_network **out_network,
                               struct gf_error *err) {
    struct gf_network *network = GF_NEW(struct gf_network);
    network->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    network->home_fd = -1;
    network->bridge_wanted = opts->bridge_at_start;
    gf_mutex_init(&network->mutex, GF_RANK_NETWORK);
    gf_list_init(&network->waiters);
    gf_list_init(&network->reports);
    network->joined = true;
    enum gf_code rc = network->event_fd < 0
                          ? gf_fail_errno(err, GF_INTERNAL, errno, "cannot make an eventfd")
                          : read_options(network, opts, err);
    if (rc == GF_OK) {
        rc = gf_namespace_open_own(&network->home_fd, err);
    }
    if (rc != GF_OK) {
        gf_network_destroy(network);
        return gf_wrap(err, "networks");
    }
    network->private_ones.fds = gf_calloc((size_t)network->ready_count + 1, sizeof(int));
    network->bridged.fds = gf_calloc((size_t)network->ready_bridged_count + 1, sizeof(int));
    network->joined = false;
    gf_thread_start(&network->thread, "networks", run, network);
    *out_network = network;
    return GF_OK;
}

void gf_network_stop(struct gf_network *network) {
    if (network->joined) {
        return;
    }
    gf_mutex_lock(&network->mutex);
    network->stopping = true;
    gf_mutex_unlock(&network->mutex);
    wake(network);
    gf_thread_join(network->thread);
    network->joined = true;
}

static void close_ready(struct ready_list *list) {
    for (int32_t i = 0; i < list->count; i++) {
        gf_close(&list->fds[i]);
    }
    free(list->fds);
}

void gf_network_destroy(struct gf_network *network) {
    if (network == NULL) {
        return;
    }
    gf_network_stop(network);
    close_ready(&network->private_ones);
    close_ready(&network->bridged);
    gf_bridge_close(&network->bridge);
    gf_close(&network->home_fd);
    gf_close(&network->event_fd);
    gf_mutex_fini(&network->mutex);
    free(network);
}

int gf_network_take_private(struct gf_network *network) {
    const int fd = pop(network, &network->private_ones);
    wake(network);
    return fd;
}

void gf_network_request_bridged(struct gf_network *network, gf_network_lease_fn *fn, void *ctx) {
    struct waiter *waiter = GF_NEW(struct waiter);
    struct gf_error error;
    waiter->fn = fn;
    waiter->ctx = ctx;
    waiter->deadline_ns = gf_deadline_after_ms(gf_mono_ns(), GF_NETWORK_WAIT_MS);
    gf_mutex_lock(&network->mutex);
    const bool accepted = !network->stopping;
    network->bridge_wanted |= accepted;
    if (accepted) {
        gf_list_push_back(&network->waiters, &waiter->link);
    }
    gf_mutex_unlock(&network->mutex);
    if (accepted) {
        wake(network);
        return;
    }
    (void)gf_fail(&error, GF_UNAVAILABLE, "the server is ending");
    answer(waiter, NULL, &error);
}

void gf_network_host_resolv(const struct gf_network *network,
                            char out_text[GF_RESOLV_TEXT_BYTES_MAX]) {
    struct gf_resolv resolv = network->configured;
    if (resolv.count == 0) {
        gf_resolv_read_host(/* loopback = */ true, &resolv);
    }
    (void)gf_resolv_format(&resolv, out_text);
}

void gf_network_get_report(struct gf_network *network, struct gf_network_report *out_report) {
    struct report_request request = {.report = out_report};
    *out_report = (struct gf_network_report){0};
    gf_latch_init(&request.done);
    gf_mutex_lock(&network->mutex);
    const bool accepted = !network->stopping;
    if (accepted) {
        gf_list_push_back(&network->reports, &request.link);
    }
    gf_mutex_unlock(&network->mutex);
    if (accepted) {
        wake(network);
        gf_latch_wait(&request.done);
    } else {
        snprintf(out_report->why_not, sizeof(out_report->why_not), "the server is ending");
    }
    gf_latch_fini(&request.done);
}

void gf_network_stats(struct gf_network *network, struct gf_network_stats *out) {
    *out = (struct gf_network_stats){
        .ready_private_limit = network->ready_count,
        .ready_bridged_limit = network->ready_bridged_count,
        .addresses_used = (int32_t)gf_gauge_read(&network->addresses_used),
        .addresses_limit = address_count(network),
        .failures_total = gf_counter_read(&network->failures),
    };
    gf_histogram_read(&network->make, &out->make);
    GF_MUTEX_GUARD(&network->mutex);
    out->ready_private = network->private_ones.count;
    out->ready_bridged = network->bridged.count;
    GF_LIST_FOREACH(link, &network->waiters) {
        out->waiting++;
    }
}
