/* Networks as containers see them, on a machine of their own with an outside. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/network/netlink.h"
#include "engine/scheduler/native/network/network.h"
#include "engine/scheduler/native/testing/native_suite.h"
#include "engine/scheduler/native/testing/outside_world.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define BRIDGE "gft0"
#define BRIDGE_ADDRESS "10.214.0.1"

enum {
    READY = 1,
    ADDRESSES = 13, /* for containers, of a /28 */
    WAIT_MS = 30000,
    PAUSE_MS = 2,
};

static struct outside_world world;

static void open_host_on(const char *subnet) {
    static const char *const servers[] = {OUTSIDE_ADDRESS};
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.runtime_dir = runtime;
    options.network = (struct gf_native_network){
        .allow_host = true,
        .bridge_name = BRIDGE,
        .bridge_subnet = subnet,
        .dns_servers = servers,
        .dns_server_count = 1,
        .ready_count = READY,
    };
    native_host_open_with(&host, dir, options);
}

static void open_host(void) {
    open_host_on("10.214.0.0/24");
}

static void set_up(void) {
    struct gf_network_report report;
    if (!outside_world_open(&world)) {
        gf_test_skip("network namespaces need root; run the tests as root");
    }
    native_suite_make_dir();
    open_host();
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    gf_native_network_report(host.native, &report);
    if (!report.bridge_available) {
        gf_test_skip("%s", report.why_not);
    }
}

static void tear_down(void) {
    native_suite_close();
    outside_world_close(&world);
}

TestSuite(native_network, .init = set_up, .fini = tear_down, .timeout = 120);

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 0, .attempt = 1};
}

static void launch(int64_t run_key, enum gf_network_mode mode, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .network = mode,
    };
    native_host_launch_task(&host, attempt_of(run_key), &task);
}

static void expect(enum gf_network_mode mode, const char *script, const char *expected) {
    launch(1, mode, script);
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    cr_assert(eq(str, output, (char *)expected), "exit code %d, %s", end.exit.exit_code, end.text);
}

/* ---- ports ---- */

static void count_port(const char *name, int index, void *ctx) {
    int *count = ctx;
    (void)index;
    *count += gf_str_has_prefix(gf_str_from(name), GF_STR(BRIDGE "-"));
}

static int count_ports(void) {
    struct gf_netlink netlink;
    struct gf_error error;
    int count = 0;
    cr_assert(gf_netlink_open(&netlink, &error) == GF_OK);
    cr_assert(gf_netlink_list(&netlink, count_port, &count, &error) == GF_OK);
    gf_netlink_close(&netlink);
    return count;
}

static void wait_ports(int count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (count_ports() != count) {
        cr_assert(gf_mono_ns() < deadline, "%d ports", count_ports());
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

/* ---- none, host ---- */

Test(native_network, none_is_a_loopback_alone) {
    expect(GF_NETWORK_NONE,
           "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; wc -c < /etc/resolv.conf;"
           "nc -w 5 " OUTSIDE_ADDRESS " 80 < /dev/null 2>/dev/null || echo unreachable",
           "lo\n0\nunreachable\n");
}

Test(native_network, none_does_not_wait_for_the_pool) {
    for (int64_t i = 1; i <= 4; i++) {
        launch(i, GF_NETWORK_NONE, "tail -n +3 /proc/net/dev | wc -l");
    }
    for (int64_t i = 1; i <= 4; i++) {
        (void)native_host_wait(&host, attempt_of(i), NATIVE_EXITED);
        GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(i));
        cr_assert(eq(str, output, "1\n"));
    }
    cr_assert(eq(int, count_ports(), 0)); /* and nobody wanted a bridge */
}

Test(native_network, hosts_own_where_it_is_asked_for) {
    expect(GF_NETWORK_HOST, "cat /etc/resolv.conf; nc -w 5 " OUTSIDE_ADDRESS " 80 < /dev/null",
           "nameserver " OUTSIDE_ADDRESS "\nhello " OUTSIDE_OUR_ADDRESS "\n");
}

/* ---- bridge ---- */

Test(native_network, bridge_leads_outside_with_the_address_of_the_machine) {
    expect(GF_NETWORK_BRIDGE, "nc -w 20 " OUTSIDE_ADDRESS " 80 < /dev/null",
           "hello " OUTSIDE_OUR_ADDRESS "\n");
}

Test(native_network, names_are_resolved) {
    expect(GF_NETWORK_BRIDGE,
           "cat /etc/resolv.conf; nslookup anything.example.com 2>&1 | sed -n '/Name:/,$p' | "
           "grep -c '" OUTSIDE_ADDRESS "$'",
           "nameserver " OUTSIDE_ADDRESS "\n1\n");
}

Test(native_network, this_machine_is_out_of_reach) {
    expect(GF_NETWORK_BRIDGE,
           "for address in " BRIDGE_ADDRESS " " OUTSIDE_OUR_ADDRESS "; do "
           "nc -w 5 $address 8080 < /dev/null 2>/dev/null && echo reached $address; done; echo end",
           "end\n");
}

Test(native_network, metadata_address_is_out_of_reach) {
    char text[64];
    cr_assert(eq(str, outside_world_ask(OUTSIDE_METADATA, OUTSIDE_PORT, text, sizeof(text)),
                 "hello " OUTSIDE_OUR_ADDRESS "\n"));
    expect(GF_NETWORK_BRIDGE,
           "nc -w 5 " OUTSIDE_METADATA " 80 < /dev/null 2>/dev/null || echo unreachable",
           "unreachable\n");
}

Test(native_network, other_tasks_are_out_of_reach) {
    launch(7, GF_NETWORK_BRIDGE,
           "ip -4 addr show eth0 | sed -n 's,.*inet \\([0-9.]*\\)/.*,\\1,p';"
           "nc -l -p 7000 -e echo reached & sleep 1000");
    (void)native_host_wait(&host, attempt_of(7), NATIVE_STARTED);
    native_host_wait_output(&host, attempt_of(7));
    GF_CLEANUP(gf_free_p) char *address = native_host_read_output(&host, attempt_of(7));
    address[strcspn(address, "\n")] = '\0';
    cr_assert(gf_str_has_prefix(gf_str_from(address), GF_STR("10.214.0.")), "%s", address);
    GF_CLEANUP(gf_free_p)
    char *script = gf_asprintf("nc -w 1 %s 7000 < /dev/null 2>/dev/null || echo unreachable;"
                               "nc -w 20 " OUTSIDE_ADDRESS " 80 < /dev/null",
                               address);
    expect(GF_NETWORK_BRIDGE, script, "unreachable\nhello " OUTSIDE_OUR_ADDRESS "\n");
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(7), /* force = */ true);
    (void)native_host_wait(&host, attempt_of(7), NATIVE_EXITED);
}

Test(native_network, network_cannot_be_changed_from_inside) {
    expect(GF_NETWORK_BRIDGE,
           "ip link set eth0 down 2>/dev/null && echo down;"
           "ip addr add 10.214.0.99/24 dev eth0 2>/dev/null && echo address;"
           "ip route add 198.51.100.0/24 via 10.214.0.7 2>/dev/null && echo route;"
           "ip link set eth0 address 02:00:00:00:00:07 2>/dev/null && echo mac;"
           "arping -c 1 -w 1 -I eth0 " BRIDGE_ADDRESS " 2>&1 | grep -cE 'ermi|upported';"
           "(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null && echo forward;"
           "nc -w 20 " OUTSIDE_ADDRESS " 80 < /dev/null",
           "1\nhello " OUTSIDE_OUR_ADDRESS "\n");
}

Test(native_network, low_ports_need_no_rights_and_there_is_no_ipv6) {
    expect(GF_NETWORK_BRIDGE,
           "(nc -l -p 80 -e echo low &) ; for i in 1 2 3 4 5 6 7 8 9; do "
           "nc -w 5 127.0.0.1 80 < /dev/null 2>/dev/null && break; sleep 0.1; done; "
           "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 2>/dev/null || echo 1",
           "low\n1\n");
}

/* ---- no address ---- */

Test(native_network, launch_that_waits_for_an_address_is_stopped) {
    native_host_close(&host);
    open_host_on("10.214.0.0/28");
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    for (int64_t i = 1; i <= ADDRESSES; i++) {
        launch(i, GF_NETWORK_BRIDGE, "sleep 1000");
    }
    for (int64_t i = 1; i <= ADDRESSES; i++) {
        (void)native_host_wait(&host, attempt_of(i), NATIVE_STARTED);
    }
    for (int force = 0; force <= 1; force++) {
        const struct gf_attempt attempt = attempt_of(ADDRESSES + 1 + force);
        launch(ADDRESSES + 1 + force, GF_NETWORK_BRIDGE, "sleep 1000");
        host.scheduler.ops->stop(host.scheduler.self, attempt, force != 0);
        const struct native_event end = native_host_wait(&host, attempt, NATIVE_EXITED);
        cr_assert(end.exit.stopped);
        cr_assert(eq(str, end.text, "stopped while it waited for an address"));
        cr_assert(eq(sz, native_host_count(&host, attempt, NATIVE_STARTED), 0));
    }
    for (int64_t i = 1; i <= ADDRESSES; i++) {
        host.scheduler.ops->stop(host.scheduler.self, attempt_of(i), /* force = */ true);
        (void)native_host_wait(&host, attempt_of(i), NATIVE_EXITED);
    }
    launch(100, GF_NETWORK_BRIDGE, "echo ran"); /* the addresses are not lost */
    (void)native_host_wait(&host, attempt_of(100), NATIVE_STARTED);
    (void)native_host_wait(&host, attempt_of(100), NATIVE_EXITED);
}

/* ---- what is left ---- */

Test(native_network, port_goes_with_the_container) {
    expect(GF_NETWORK_BRIDGE, "echo ran", "ran\n");
    wait_ports(READY);
    native_host_close(&host);
    wait_ports(0);
    open_host();
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
}

Test(native_network, container_keeps_its_network_when_the_server_is_another) {
    const struct gf_attempt attempt = attempt_of(7);
    launch(7, GF_NETWORK_BRIDGE, "echo up; sleep 1000");
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    native_host_close(&host);
    wait_ports(1);
    open_host();
    host.scheduler.ops->recover(host.scheduler.self, &attempt, 1);
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    expect(GF_NETWORK_BRIDGE, "nc -w 20 " OUTSIDE_ADDRESS " 80 < /dev/null",
           "hello " OUTSIDE_OUR_ADDRESS "\n");
    wait_ports(1 + READY);
    host.scheduler.ops->stop(host.scheduler.self, attempt, /* force = */ true);
    (void)native_host_wait(&host, attempt, NATIVE_EXITED);
    wait_ports(READY);
}
