/*
 * What a container can see and do: every test tries something from inside that must not work, or
 * must not reach the host.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/shim_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct harness harness;
static struct harness_container box;

static void set_up(void) {
    harness_needs_root();
    harness_init(&harness);
}

static void tear_down(void) {
    if (geteuid() == 0) {
        harness_container_fini(&box);
        harness_fini(&harness);
    }
}

TestSuite(shim_isolation, .init = set_up, .fini = tear_down, .timeout = 180);

/* Runs the script and compares all that it has written to standard output. */
static void expect_output(const char *script, const char *expected) {
    harness_run_script(&harness, script, &box);
    cr_assert(eq(str, box.out.ptr, (char *)expected), "stderr: %s", box.err.ptr);
}

Test(shim_isolation, processes_of_the_host_are_unseen) {
    /* Process 1 and the shell. */
    expect_output("for p in /proc/[0-9]*; do echo $p; done; echo $$", "/proc/1\n/proc/2\n2\n");
}

Test(shim_isolation, files_of_the_host_are_unseen) {
    char script[512];
    snprintf(script, sizeof(script),
             "ls -a /; test -e %s && echo leaked; cat /proc/mounts | grep "
             "-c ' /.* ext4 '; true",
             harness.dir);
    expect_output(script, ".\n..\nbin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\n0\n");
}

Test(shim_isolation, no_path_leads_above_the_root) {
    expect_output("cd /../../../..; pwd; ls -d /../bin; cd /; mkdir j; chroot j / 2>&1 | grep -c "
                  "'Operation not permitted'",
                  "/\n/../bin\n1\n");
}

Test(shim_isolation, mounting_is_not_allowed) {
    expect_output(
        "mount -t tmpfs none /tmp 2>/dev/null || echo a; mount -o remount,rw /proc/sys "
        "2>/dev/null || echo b; umount /proc/sys 2>/dev/null || echo c; umount /proc/kcore "
        "2>/dev/null || echo d; mount --bind / /tmp 2>/dev/null || echo e; unshare -m true "
        "2>/dev/null || echo f",
        "a\nb\nc\nd\ne\nf\n");
}

Test(shim_isolation, kernel_settings_are_read_only) {
    expect_output(
        "echo x > /proc/sys/kernel/hostname 2>/dev/null || echo a; echo h > "
        "/proc/sysrq-trigger 2>/dev/null || echo b; echo x > /proc/sys/kernel/core_pattern "
        "2>/dev/null || echo c; touch /sys/x 2>/dev/null || echo d; echo 1 > "
        "/sys/kernel/uevent_helper 2>/dev/null || echo e",
        "a\nb\nc\nd\ne\n");
}

Test(shim_isolation, telling_files_are_masked) {
    expect_output(
        "for f in kcore keys timer_list interrupts; do cat /proc/$f 2>/dev/null | wc -c; done; "
        "ls /proc/acpi /sys/firmware | grep -v ':' | grep -c .",
        "0\n0\n0\n0\n0\n");
}

Test(shim_isolation, devices_are_few_and_cannot_be_made) {
    expect_output("ls /dev; mknod /dev/sda b 8 0 2>/dev/null || echo none; mknod /tmp/kmem c 1 2 "
                  "2>/dev/null || echo none; echo x > /dev/null && head -c 3 /dev/zero | wc -c",
                  "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\n"
                  "urandom\nzero\nnone\nnone\n3\n");
}

Test(shim_isolation, a_device_of_the_image_cannot_be_opened) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/disk", harness.layer);
    cr_assert(eq(int, mknod(path, S_IFCHR | 0666, (1 << 8) | 5), 0)); /* as /dev/zero */
    expect_output("head -c 1 /disk 2>/dev/null || echo closed", "closed\n");
}

Test(shim_isolation, capabilities_are_few) {
    /* chown, dac_override, fowner, fsetid, kill, setgid, setuid */
    expect_output(
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status",
        "CapInh:\t0000000000000000\nCapPrm:\t00000000000000fb\nCapEff:\t00000000000000fb\n"
        "CapBnd:\t00000000000000fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

Test(shim_isolation, other_users_have_no_capabilities) {
    const char *const args[] = {"grep", "-E", "^Cap(Prm|Eff|Amb)", "/proc/self/status", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.user = "worker";
    harness_run(&harness, spec, &box);
    cr_assert(
        eq(str, box.out.ptr,
           "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"));
}

Test(shim_isolation, set_user_id_gives_nothing) {
    GF_CLEANUP(gf_free_p) char *busybox = gf_asprintf("%s/bin/busybox", harness.layer);
    const char *const args[] = {"sh", "-c", "stat -c %a /bin/busybox; id -u", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    cr_assert(eq(int, chmod(busybox, 04755), 0));
    spec.user = "worker";
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "4755\n1000\n"));
}

Test(shim_isolation, only_the_standard_streams_are_open) {
    /* 3 is the directory that ls reads. */
    expect_output("ls /proc/self/fd; readlink /proc/self/fd/0", "0\n1\n2\n3\n/dev/null\n");
}

Test(shim_isolation, process_one_is_closed_to_everybody) {
    expect_output(
        "readlink /proc/1/exe 2>/dev/null || echo a; readlink /proc/1/fd/4 2>/dev/null || "
        "echo b; cat /proc/1/environ 2>/dev/null || echo c; head -c 1 /proc/1/mem 2>/dev/null || "
        "echo d; ls /proc/1/root/ 2>/dev/null || echo e; (echo x > /proc/1/fd/4) "
        "2>/dev/null || echo f; kill -9 1; echo alive",
        "a\nb\nc\nd\ne\nf\nalive\n");
}

Test(shim_isolation, network_is_only_a_loopback) {
    expect_output(
        "ls /sys/class/net; ping -c 1 -w 1 127.0.0.1 >/dev/null 2>&1; cat /proc/net/route "
        "| wc -l; ip link set lo down 2>/dev/null || echo fixed; ip addr | grep -o "
        "'inet [0-9./]*'",
        "lo\n1\nfixed\ninet 127.0.0.1/8\n");
}

Test(shim_isolation, low_ports_are_open_to_the_containers_users) {
    expect_output("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "0\n");
}

Test(shim_isolation, host_name_is_the_containers) {
    expect_output("hostname; cat /etc/hostname; grep -c harness /etc/hosts; wc -c < "
                  "/etc/resolv.conf; hostname other 2>/dev/null || echo fixed",
                  "harness\nharness\n1\n0\nfixed\n");
}

Test(shim_isolation, control_groups_of_the_host_are_unseen) {
    expect_output(
        "grep -v ':/$' /proc/self/cgroup | grep -v ':/\\.\\./' | wc -l; ls /sys/fs/cgroup "
        "| wc -l",
        "0\n0\n");
}

Test(shim_isolation, limits_are_set) {
    expect_output("ulimit -c; umask; ulimit -n | grep -c .", "0\n0022\n1\n");
}

/* At 0 a handler on the host, which cores are piped to, would get the command's memory. */
Test(shim_isolation, no_core_goes_to_the_host) {
    struct rlimit limit;
    cr_assert(eq(int, getrlimit(RLIMIT_CORE, &limit), 0));
    expect_output("while read -r a b c d soft hard rest; do [ \"$a $b\" != 'Max core' ] || "
                  "echo $soft $hard; done < /proc/self/limits",
                  limit.rlim_max == 0 ? "0 0\n" : "1 1\n");
}

/* Replaces a directory of the layer by a link that points at the host's /etc and, inside, anywhere.
 */
static void replace_by_link(const char *name, const char *target) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", harness.layer, name);
    cr_assert(gf_tree_remove(AT_FDCWD, path, &error) == GF_OK);
    cr_assert(eq(int, symlink(target, path), 0));
}

Test(shim_isolation, linked_proc_of_the_image_leads_nowhere) {
    replace_by_link("proc", harness.dir);
    expect_output("readlink /proc || echo directory; cat /proc/sys/kernel/ostype; echo x > "
                  "/proc/sys/kernel/hostname 2>/dev/null || echo closed; cat /proc/keys | wc -c",
                  "directory\nLinux\nclosed\n0\n");
}

Test(shim_isolation, linked_dev_and_sys_of_the_image_lead_nowhere) {
    GF_CLEANUP(gf_free_p) char *target = gf_asprintf("%s/target", harness.dir);
    cr_assert(eq(int, mkdir(target, 0755), 0));
    replace_by_link("dev", target);
    replace_by_link("sys", target);
    expect_output("readlink /dev || echo directory; ls /dev/null; ls /sys/class/net", "directory\n"
                                                                                      "/dev/null\n"
                                                                                      "lo\n");
    cr_assert(eq(int, rmdir(target), 0), "something was written through the link");
}

Test(shim_isolation, files_of_etc_do_not_follow_links) {
    GF_CLEANUP(gf_free_p) char *victim = gf_asprintf("%s/victim", harness.layer);
    GF_CLEANUP(gf_free_p) char *hosts = gf_asprintf("%s/etc/hosts", harness.layer);
    GF_CLEANUP(gf_free_p) char *hostname = gf_asprintf("%s/etc/hostname", harness.layer);
    struct gf_error error;
    cr_assert(gf_file_replace(AT_FDCWD, victim, GF_STR("untouched\n"), 0644, GF_FILE_SYNC_NONE,
                              &error) == GF_OK);
    cr_assert(eq(int, symlink("/victim", hosts), 0));
    cr_assert(eq(int, mkfifo(hostname, 0644), 0));
    expect_output("cat /victim; grep -c localhost /etc/hosts; cat /etc/hostname",
                  "untouched\n2\nharness\n");
}

Test(shim_isolation, linked_working_directory_stays_inside) {
    const char *const args[] = {"sh", "-c", "pwd -P; ls /proc/self/cwd | wc -l", NULL};
    GF_CLEANUP(gf_free_p) char *link = gf_asprintf("%s/work", harness.layer);
    struct gf_spec spec = harness_spec(&harness, args);
    cr_assert(eq(int, symlink("/../../../../tmp", link), 0));
    spec.workdir = "/work";
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "/tmp\n0\n"));
}

Test(shim_isolation, descriptor_directories_are_no_working_directory) {
    /* CVE-2024-21626: with a descriptor of the host left open this would lead out. */
    static const char *const workdirs[] = {"/proc/self/fd/3", "/proc/self/fd/5", "/proc/self/fd/7",
                                           "/proc/self/fd/8", "/proc/self/fd/9"};
    const char *const args[] = {"sh", "-c", "ls ..", NULL};
    for (size_t i = 0; i < GF_ARRAY_COUNT(workdirs); i++) {
        struct gf_spec spec = harness_spec(&harness, args);
        spec.workdir = workdirs[i];
        harness_run(&harness, spec, &box);
        cr_assert(not(box.started), "entered %s", workdirs[i]);
        cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
        harness_container_fini(&box);
    }
    harness_run_script(&harness, "true", &box);
}

Test(shim_isolation, root_is_private) {
    /* Nothing that a container mounts or writes is seen by the next one, or by the host. */
    harness_run_script(&harness, "echo x > /file; echo y > /tmp/file", &box);
    harness_container_fini(&box);
    expect_output("ls /file /tmp/file 2>/dev/null | wc -l", "0\n");
}

Test(shim_isolation, names_of_ipc_are_the_containers) {
    expect_output(
        "cat /proc/sysvipc/shm | wc -l; ls /dev/mqueue /dev/shm | grep -v ':' | grep -c .",
        "1\n0\n");
}

Test(shim_isolation, host_network_only_where_asked_for) {
    const char *const args[] = {"sh", "-c", "readlink /proc/self/ns/net", NULL};
    char host[64];
    struct gf_spec spec = harness_spec(&harness, args);
    const ssize_t len = readlink("/proc/self/ns/net", host, sizeof(host) - 2);
    cr_assert(gt(long, (long)len, 0));
    host[len] = '\n';
    host[len + 1] = '\0';
    spec.network_host = true;
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, host));
    harness_container_fini(&box);
    spec.network_host = false;
    harness_run(&harness, spec, &box);
    cr_assert(ne(str, box.out.ptr, host));
}
