/* Networks in a network namespace of the test's own: the machine's is left as it is. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sync.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/network/bridge.h"
#include "engine/scheduler/native/network/filter.h"
#include "engine/scheduler/native/network/namespace.h"
#include "engine/scheduler/native/network/network.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define BRIDGE "gft0"

enum {
    WAIT_MS = 30000,
    PAUSE_MS = 2,
    SMALL_SUBNET_ADDRESSES = 13, /* of a /28 */
};

static struct gf_error error;
static struct gf_network *network;
static int home_fd = -1;

static struct gf_network_opts opts = {
    .bridge_name = BRIDGE, .bridge_subnet = "10.214.0.0/24", .ready_count = 2};

static void create(void) {
    cr_assert(gf_network_create(&opts, &network, &error) == GF_OK, "%s", error.message);
}

static void set_up(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        gf_test_skip("network namespaces need root; run the tests as root");
    }
    cr_assert(gf_namespace_open_own(&home_fd, &error) == GF_OK);
    gf_log_set_level(GF_LOG_ERROR);
    create();
}

static void tear_down(void) {
    gf_network_destroy(network);
    gf_close(&home_fd);
}

TestSuite(network, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- asking ---- */

struct lease {
    struct gf_latch came;
    struct gf_network_lease lease;
    struct gf_error error;
};

static void take_lease(const struct gf_network_lease *given, const struct gf_error *failure,
                       void *ctx) {
    struct lease *lease = ctx;
    if (given != NULL) {
        lease->lease = *given;
    } else {
        lease->error = *failure;
    }
    gf_latch_open(&lease->came);
}

static void ask(struct lease *lease) {
    *lease = (struct lease){.lease = {.fd = -1}};
    gf_latch_init(&lease->came);
    gf_network_request_bridged(network, take_lease, lease);
}

static void await(struct lease *lease) {
    cr_assert(gf_latch_wait_until(&lease->came, gf_deadline_after_ms(gf_mono_ns(), WAIT_MS)));
}

/* Asks and waits; skips the test where the machine has no bridges. */
static void get(struct lease *lease) {
    ask(lease);
    await(lease);
    if (lease->error.code == GF_FAILED_PRECONDITION) {
        gf_test_skip("%s", lease->error.message);
    }
    cr_assert(lease->error.code == GF_OK, "%s", lease->error.message);
}

static void give_back(struct lease *lease) {
    gf_close(&lease->lease.fd);
    gf_latch_fini(&lease->came);
}

/* ---- looking ---- */

struct devices {
    int total;
    int eth0;
    int ports;
};

static void count_device(const char *name, int index, void *ctx) {
    struct devices *devices = ctx;
    (void)index;
    devices->total++;
    devices->eth0 += gf_str_eq(gf_str_from(name), GF_STR("eth0"));
    devices->ports += gf_str_has_prefix(gf_str_from(name), GF_STR(BRIDGE "-"));
}

/* The devices of a namespace; -1: the test's own. */
static struct devices look(int fd) {
    struct devices devices = {0};
    struct gf_netlink netlink;
    cr_assert(fd < 0 || gf_namespace_enter(fd, &error) == GF_OK);
    cr_assert(gf_netlink_open(&netlink, &error) == GF_OK);
    cr_assert(gf_netlink_list(&netlink, count_device, &devices, &error) == GF_OK);
    gf_netlink_close(&netlink);
    cr_assert(gf_namespace_enter(home_fd, &error) == GF_OK);
    return devices;
}

static void keep_address(int index, uint32_t address, int prefix, void *ctx) {
    uint32_t *out = ctx;
    (void)index;
    if (prefix == 24) {
        *out = address;
    }
}

static uint32_t address_of(int fd) {
    struct gf_netlink netlink;
    uint32_t address = 0;
    cr_assert(gf_namespace_enter(fd, &error) == GF_OK);
    cr_assert(gf_netlink_open(&netlink, &error) == GF_OK);
    cr_assert(gf_netlink_list_addresses(&netlink, keep_address, &address, &error) == GF_OK);
    gf_netlink_close(&netlink);
    cr_assert(gf_namespace_enter(home_fd, &error) == GF_OK);
    return address;
}

static char *setting_of(int fd, const char *name) {
    static struct gf_strbuf text;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/sys/net/ipv4/%s", name);
    gf_strbuf_fini(&text);
    gf_strbuf_init(&text, 256);
    cr_assert(gf_namespace_enter(fd, &error) == GF_OK);
    cr_assert(gf_file_read(AT_FDCWD, path, &text, &error) == GF_OK, "%s", error.message);
    cr_assert(gf_namespace_enter(home_fd, &error) == GF_OK);
    gf_strbuf_append(&text, (struct gf_str){"", 1});
    return text.ptr;
}

static void wait_ports(int count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (look(-1).ports != count) {
        cr_assert(gf_mono_ns() < deadline, "%d ports", look(-1).ports);
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

/* ---- tests ---- */

Test(network, private_ones_have_a_loopback_alone) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    int fd = -1;
    while ((fd = gf_network_take_private(network)) < 0) {
        cr_assert(gf_mono_ns() < deadline);
        (void)poll(NULL, 0, PAUSE_MS);
    }
    cr_assert(eq(int, look(fd).total, 1));
    /* Everybody inside may listen everywhere, and send pings. */
    cr_assert(eq(str, setting_of(fd, "ip_unprivileged_port_start"), "0\n"));
    cr_assert(eq(str, setting_of(fd, "ping_group_range"), "0\t2147483647\n"));
    gf_close(&fd);
}

Test(network, none_is_used_twice) {
    int fds[4] = {-1, -1, -1, -1};
    struct stat first;
    struct stat second;
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        while ((fds[i] = gf_network_take_private(network)) < 0) {
            cr_assert(gf_mono_ns() < deadline);
            (void)poll(NULL, 0, PAUSE_MS);
        }
        for (size_t j = 0; j < i; j++) {
            cr_assert(eq(int, fstat(fds[i], &first) | fstat(fds[j], &second), 0));
            cr_assert(ne(u64, first.st_ino, second.st_ino));
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        gf_close(&fds[i]);
    }
}

Test(network, machine_is_left_alone_until_a_bridge_is_wanted) {
    struct gf_network_report report;
    const int before = look(-1).total;
    gf_network_get_report(network, &report);
    cr_assert(report.bridge_available || report.why_not[0] != '\0');
    cr_assert(not(report.bridge_open));
    cr_assert(eq(int, report.addresses, 253));
    cr_assert(eq(int, look(-1).total, before));
}

Test(network, bridged_one_has_an_address_and_its_port_goes_with_it) {
    struct lease lease;
    struct gf_network_report report;
    get(&lease);
    cr_assert(eq(int, look(lease.lease.fd).eth0, 1));
    cr_assert(eq(u32, address_of(lease.lease.fd) >> 8, UINT32_C(0x0ad600)));
    wait_ports(3); /* this one, and two ahead */
    gf_network_get_report(network, &report);
    cr_assert(report.bridge_open && report.bridge_available);
    give_back(&lease);
    wait_ports(2);
    gf_network_destroy(network);
    wait_ports(0);
    create();
}

Test(network, address_in_use_is_known_after_a_restart) {
    struct lease before;
    struct lease after;
    get(&before);
    gf_network_destroy(network);
    create();
    get(&after);
    cr_assert(ne(u32, address_of(before.lease.fd), address_of(after.lease.fd)));
    give_back(&before);
    give_back(&after);
}

static void remove_filter(void) {
    const char *const argv[] = {"nft", "delete", "table", "inet", "gofer_" BRIDGE, NULL};
    const struct gf_proc_spec spec = {.program = "/usr/sbin/nft", .argv = argv};
    struct gf_proc_exit status;
    struct gf_strbuf output;
    gf_strbuf_init(&output, 4096);
    cr_assert(gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), WAIT_MS), &output, &status,
                          &error) == GF_OK);
    cr_assert(eq(int, status.status, 0));
    gf_strbuf_fini(&output);
}

Test(network, filter_that_somebody_removes_comes_back) {
    struct lease lease;
    get(&lease);
    cr_assert(gf_filter_is_loaded(BRIDGE));
    remove_filter(); /* it may be back before anybody looks */
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (!gf_filter_is_loaded(BRIDGE)) {
        cr_assert(gf_mono_ns() < deadline);
        (void)poll(NULL, 0, PAUSE_MS);
    }
    give_back(&lease);
}

Test(network, filter_of_the_server_before_is_looked_after) {
    struct lease lease;
    get(&lease);
    gf_network_destroy(network);
    remove_filter();
    create();
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (!gf_filter_is_loaded(BRIDGE)) {
        cr_assert(gf_mono_ns() < deadline);
        (void)poll(NULL, 0, PAUSE_MS);
    }
    give_back(&lease);
}

Test(network, bridge_that_somebody_removes_is_made_again) {
    struct lease lease;
    struct gf_netlink netlink;
    int index = 0;
    get(&lease);
    give_back(&lease);
    cr_assert(gf_netlink_open(&netlink, &error) == GF_OK);
    cr_assert(gf_netlink_find(&netlink, BRIDGE, &index, &error) == GF_OK);
    cr_assert(gf_netlink_remove(&netlink, index, &error) == GF_OK);
    get(&lease);
    give_back(&lease);
    cr_assert(gf_netlink_find(&netlink, BRIDGE, &index, &error) == GF_OK);
    gf_netlink_close(&netlink);
}

Test(network, exhausted_subnet_is_waited_for) {
    static struct lease leases[SMALL_SUBNET_ADDRESSES + 1];
    gf_network_destroy(network);
    opts.bridge_subnet = "10.214.0.0/28";
    opts.ready_count = -1;
    create();
    for (int i = 0; i < SMALL_SUBNET_ADDRESSES; i++) {
        get(&leases[i]);
    }
    ask(&leases[SMALL_SUBNET_ADDRESSES]);
    cr_assert(not(gf_latch_wait_until(&leases[SMALL_SUBNET_ADDRESSES].came,
                                      gf_deadline_after_ms(gf_mono_ns(), 50))));
    give_back(&leases[3]);
    await(&leases[SMALL_SUBNET_ADDRESSES]);
    cr_assert(leases[SMALL_SUBNET_ADDRESSES].lease.fd >= 0);
    for (int i = 0; i <= SMALL_SUBNET_ADDRESSES; i++) {
        if (i != 3) {
            give_back(&leases[i]);
        }
    }
}

Test(network, addresses_of_another_network_are_not_taken) {
    struct lease lease;
    struct gf_netlink netlink;
    uint32_t address = 0;
    int index = 0;
    get(&lease);
    give_back(&lease);
    gf_network_destroy(network);
    opts.bridge_name = "gft1"; /* with the addresses of gft0 */
    create();
    ask(&lease);
    await(&lease);
    cr_assert(lease.error.code == GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(lease.error.message, "10.214.0.1"));
    give_back(&lease);
    /* And a bridge of ours with other addresses is not ours. */
    gf_network_destroy(network);
    opts.bridge_name = BRIDGE;
    opts.bridge_subnet = "10.215.0.0/24";
    create();
    ask(&lease);
    await(&lease);
    cr_assert(lease.error.code == GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(lease.error.message, "another subnet"));
    give_back(&lease);
    cr_assert(gf_ipv4_parse(GF_STR("10.215.0.1"), &address));
    cr_assert(gf_netlink_open(&netlink, &error) == GF_OK);
    cr_assert(gf_netlink_find(&netlink, BRIDGE, &index, &error) == GF_OK);
    cr_assert(gf_netlink_remove(&netlink, index, &error) == GF_OK);
    gf_netlink_close(&netlink);
    get(&lease);
    give_back(&lease);
}

Test(network, stopped_one_refuses_at_once) {
    struct lease lease;
    gf_network_stop(network);
    ask(&lease);
    await(&lease);
    cr_assert(lease.error.code == GF_UNAVAILABLE);
    give_back(&lease);
}

Test(network, options_are_checked) {
    struct gf_network *none = NULL;
    const char *const loopback[] = {"127.0.0.1"};
    const struct gf_network_opts wrong[] = {
        {.bridge_name = "too-long-name"},
        {.bridge_name = "a/b"},
        {.bridge_name = ""},
        {.bridge_subnet = "10.0.0.0/8"},
        {.dns_servers = loopback, .dns_server_count = 1},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        cr_assert(gf_network_create(&wrong[i], &none, &error) == GF_INVALID_ARGUMENT, "%zu", i);
    }
}
