/*
 * Real containers of the native scheduler with a program in them that tries to get out (escape.h),
 * as root and as somebody else, on each network; and containers of a hostile image.
 *
 * The host of a test is in a network namespace of its own: what listens there, and the bridge, is
 * the test's.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/network/network.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define ABSTRACT "gofer-escape"
#define QUEUE "/gofer-escape"

enum {
    PROGRAM_BYTES_MAX = 16 << 20,
    KEY = 0x67654573,
    CHECKS_MIN = 70, /* fewer mean that the program was not what it should be */
    MIB = 1 << 20,
};

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};
static int shared_id = -1;
static uint16_t port;
static char *marker; /* a file of the host */

/* ---- what there is of the host ---- */

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    GF_CLEANUP(gf_close_p) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, ioctl(fd, SIOCSIFFLAGS, &request), 0));
}

static void listen_abstract(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path + 1, ABSTRACT, sizeof(ABSTRACT) - 1);
    const socklen_t size = offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT);
    cr_assert(eq(int, bind(fd, (const struct sockaddr *)&address, size), 0));
    cr_assert(eq(int, listen(fd, 8), 0));
}

static void listen_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0));
    cr_assert(eq(int, listen(fd, 8), 0));
    cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&address, &size), 0));
    port = ntohs(address.sin_port);
}

static void make_host(void) {
    struct gf_error error;
    raise_loopback();
    listen_abstract();
    listen_tcp();
    shared_id = shmget(KEY, 4096, IPC_CREAT | 0666);
    cr_assert(ge(int, shared_id, 0), "%s", strerror(errno));
    (void)mq_close(mq_open(QUEUE, O_RDWR | O_CREAT, 0666, NULL));
    marker = gf_asprintf("%s/marker", dir);
    cr_assert(gf_file_replace(AT_FDCWD, marker, GF_STR("untouched\n"), 0666, GF_FILE_SYNC_NONE,
                              &error) == GF_OK);
}

/* ---- what there is in the image ---- */

static char *in_layer(const char *path) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    return gf_asprintf("%s/%s", layer, path);
}

static void install(const char *path, mode_t mode) {
    GF_CLEANUP(gf_free_p) char *target = in_layer(path);
    struct gf_strbuf bytes;
    struct gf_error error;
    gf_strbuf_init(&bytes, PROGRAM_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, "tests/security/escape/escape", &bytes, &error) == GF_OK, "%s",
              error.message);
    cr_assert(gf_file_replace(AT_FDCWD, target, gf_strbuf_view(&bytes), 0755, GF_FILE_SYNC_NONE,
                              &error) == GF_OK,
              "%s", error.message);
    cr_assert(eq(int, chmod(target, mode), 0));
    gf_strbuf_fini(&bytes);
}

static void make_image(void) {
    GF_CLEANUP(gf_free_p) char *devices = in_layer("devices");
    GF_CLEANUP(gf_free_p) char *disk = in_layer("devices/disk");
    GF_CLEANUP(gf_free_p) char *memory = in_layer("devices/mem");
    GF_CLEANUP(gf_free_p) char *tmp = in_layer("tmp");
    install("bin/escape", 0755);
    install("bin/escape_setuid", 04755);
    cr_assert(eq(int, mkdir(devices, 0755), 0));
    cr_assert(eq(int, mknod(disk, S_IFBLK | 0666, makedev(254, 0)), 0));
    cr_assert(eq(int, mknod(memory, S_IFCHR | 0666, makedev(1, 1)), 0));
    cr_assert(eq(int, chmod(disk, 0666) + chmod(memory, 0666), 0));
    cr_assert(eq(int, chmod(tmp, 01777), 0));
}

/* ---- a test ---- */

static void set_up(void) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    native_suite_make_dir();
    if (unshare(CLONE_NEWNET) != 0) {
        gf_test_skip("network namespaces cannot be made");
    }
    make_host();
    make_image();
    options.network.allow_host = true;
    options.network.bridge_name = "gfescape";
    options.network.bridge_subnet = "10.215.0.0/24";
    options.network.ready_count = 1;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    host.input = GF_STR("the document\n");
}

static void tear_down(void) {
    if (shared_id >= 0) {
        (void)shmctl(shared_id, IPC_RMID, NULL);
        (void)mq_unlink(QUEUE);
    }
    free(marker);
    native_suite_close();
}

TestSuite(escape, .init = set_up, .fini = tear_down, .timeout = 120);

/* Runs the command to its end. */
static struct native_event run(const struct gf_str *command, size_t count, const char *user,
                               enum gf_network_mode network, struct gf_resources resources) {
    const struct gf_task task = {
        .task_id = GF_STR("escape"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .entrypoint = command,
        .entrypoint_count = count,
        .user = gf_str_from(user),
        .network = network,
        .resources = resources,
    };
    native_host_launch_task(&host, ATTEMPT, &task);
    return native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
}

static uint32_t missing_on_host(void) {
    struct gf_native_protection protections[GF_NATIVE_PROTECTIONS_MAX];
    const size_t count = gf_native_protections(host.native, protections);
    uint32_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        missing |= protections[i].given ? 0 : protections[i].protection;
    }
    return missing;
}

static void need(uint32_t protection) {
    if ((missing_on_host() & protection) != 0) {
        gf_test_skip("this host gives no %s", gf_protection_text(protection));
    }
}

static void expect_held(const char *user, enum gf_network_mode network) {
    char numbers[3][16];
    need(GF_PROTECTION_USER_NAMESPACE);
    need(GF_PROTECTION_SYSTEM_CALL_FILTER);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", KEY);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", (int)getpid());
    snprintf(numbers[2], sizeof(numbers[2]), "%u", port);
    const struct gf_str command[] = {
        GF_STR("/bin/escape"),
        gf_str_from(marker),
        GF_STR(ABSTRACT),
        gf_str_from(numbers[0]),
        gf_str_from(numbers[1]),
        gf_str_from(numbers[2]),
        network == GF_NETWORK_HOST ? GF_STR("host") : GF_STR("own"),
    };
    const struct native_event end =
        run(command, GF_ARRAY_COUNT(command), user, network, (struct gf_resources){0});
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(int, end.exit.exit_code, 0), "%s%s", end.text, output);
    const char *last = strstr(output, " checks held");
    cr_assert(ne(ptr, (void *)last, NULL), "%s", output);
    int64_t held = 0;
    cr_assert(gf_parse_i64((struct gf_str){output, (size_t)(last - output)}, &held), "%s", output);
    cr_assert(ge(i64, held, CHECKS_MIN));
}

Test(escape, root_stays_inside) {
    expect_held("", GF_NETWORK_NONE);
}

Test(escape, another_user_stays_inside) {
    expect_held("worker", GF_NETWORK_NONE);
}

Test(escape, root_with_a_bridge_stays_inside) {
    struct gf_network_report report;
    gf_native_network_report(host.native, &report);
    if (!report.bridge_available) {
        gf_test_skip("no bridge here: %s", report.why_not);
    }
    expect_held("", GF_NETWORK_BRIDGE);
}

Test(escape, root_on_the_hosts_network_stays_inside) {
    expect_held("", GF_NETWORK_HOST);
}

/* ---- hostile images ---- */

/* Every directory that something is mounted on or written into is a link to one of the host. */
Test(escape, links_of_the_image_lead_nowhere) {
    static const char *const NAMES[] = {"proc", "dev", "sys", "etc", "run", "tmp"};
    GF_CLEANUP(gf_free_p) char *target = gf_asprintf("%s/target", dir);
    struct gf_error error;
    cr_assert(eq(int, mkdir(target, 0777), 0));
    for (size_t i = 0; i < GF_ARRAY_COUNT(NAMES); i++) {
        GF_CLEANUP(gf_free_p) char *path = in_layer(NAMES[i]);
        cr_assert(gf_tree_remove(AT_FDCWD, path, &error) == GF_OK);
        cr_assert(eq(int, symlink(target, path), 0));
    }
    const struct gf_str command[] = {
        GF_STR("/bin/sh"), GF_STR("-c"),
        GF_STR("cat /run/gofer/input /proc/sys/kernel/ostype; readlink /proc /dev /sys /run; "
               "echo x > /tmp/file; cat /etc/hostname; ls /dev/null")};
    (void)run(command, GF_ARRAY_COUNT(command), "", GF_NETWORK_NONE, (struct gf_resources){0});
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "the document\nLinux\n/dev/null\n"));
    cr_assert(eq(int, rmdir(target), 0), "something was written through a link");
}

/* Files that are read while we are still root on the host lead to our own descriptors. */
Test(escape, magic_links_of_the_image_lead_nowhere) {
    GF_CLEANUP(gf_free_p) char *passwd = in_layer("etc/passwd");
    GF_CLEANUP(gf_free_p) char *link = in_layer("link");
    struct gf_error error;
    const struct gf_str command[] = {GF_STR("/bin/sh"), GF_STR("-c"), GF_STR("pwd")};
    const struct gf_task task = {
        .task_id = GF_STR("escape"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .entrypoint = command,
        .entrypoint_count = GF_ARRAY_COUNT(command),
        .working_directory = GF_STR("/link/made/here"),
    };
    cr_assert(gf_tree_remove(AT_FDCWD, passwd, &error) == GF_OK);
    cr_assert(eq(int, symlink("/proc/self/fd/6", passwd), 0));
    cr_assert(eq(int, symlink("/proc/self/fd/5", link), 0)); /* the attempt's directory, once */
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(eq(int, end.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED), "%s", end.text);
}

/* CVE-2019-5736: the command is whatever program executes it. */
Test(escape, the_shim_is_not_the_command) {
    GF_CLEANUP(gf_free_p) char *itself = in_layer("bin/itself");
    const struct gf_str command[] = {GF_STR("/bin/itself")};
    cr_assert(eq(int, symlink("/proc/self/exe", itself), 0));
    const struct native_event end = run(command, 1, "", GF_NETWORK_NONE, (struct gf_resources){0});
    cr_assert(eq(int, end.exit.exit_code, GF_SHIM_EXIT_NOT_EXECUTABLE), "%s", end.text);
}

/* ---- taking all there is ---- */

Test(escape, processes_are_limited) {
    const struct gf_str command[] = {GF_STR("/bin/escape"), GF_STR("fork")};
    need(GF_PROTECTION_PID_LIMIT);
    (void)run(command, 2, "", GF_NETWORK_NONE, (struct gf_resources){.pid_count = 40});
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "39\n"));
}

Test(escape, memory_is_limited) {
    const struct gf_str command[] = {GF_STR("/bin/escape"), GF_STR("memory")};
    need(GF_PROTECTION_MEMORY_LIMIT);
    const struct native_event end =
        run(command, 2, "", GF_NETWORK_NONE, (struct gf_resources){.memory_bytes = 32 * MIB});
    cr_assert(eq(int, end.exit.exit_signal, SIGKILL), "%s", end.text);
    cr_assert(end.exit.out_of_memory);
}

Test(escape, disk_is_limited) {
    const struct gf_str command[] = {GF_STR("/bin/escape"), GF_STR("disk")};
    (void)run(command, 2, "", GF_NETWORK_NONE, (struct gf_resources){.disk_bytes = 16 * MIB});
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    struct gf_str bytes;
    struct gf_str how;
    int64_t written = 0;
    cr_assert(gf_str_cut(gf_str_from(output), ' ', &bytes, &how), "%s", output);
    cr_assert(gf_str_eq(how, GF_STR("full\n")), "%s", output);
    cr_assert(gf_parse_i64(bytes, &written) && written > 8 * MIB && written <= 16 * MIB, "%s",
              output);
}
