#include "base/file.h"
#include "engine/scheduler/native/shim/filter/filter.h"
#include "engine/scheduler/native/shim/filter/program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_filter_list list;
static struct gf_filter_code code;
static struct gf_error error;

/* What the kernel's interpreter does with the few instructions that we use. */
static uint32_t run(const struct sock_filter *program, size_t count,
                    const struct seccomp_data *data) {
    uint32_t accumulator = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sock_filter *at = &program[i];
        switch (at->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            cr_assert(at->k + sizeof(accumulator) <= sizeof(*data));
            memcpy(&accumulator, (const char *)data + at->k, sizeof(accumulator));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            accumulator &= at->k;
            break;
        case BPF_JMP | BPF_JA:
            i += at->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            i += accumulator == at->k ? at->jt : at->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            i += accumulator >= at->k ? at->jt : at->jf;
            break;
        case BPF_RET | BPF_K:
            return at->k;
        default:
            cr_fatal("instruction %zu is not known: 0x%x", i, at->code);
        }
    }
    cr_fatal("the program does not end");
    return 0;
}

static uint32_t machine(void) {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#else
    return AUDIT_ARCH_AARCH64;
#endif
}

static uint32_t verdict_of(int call, const uint64_t *args) {
    struct seccomp_data data = {.nr = call, .arch = machine()};
    memcpy(data.args, args, sizeof(data.args));
    size_t count = 0;
    const struct sock_filter *program = gf_filter_program(&count);
    return run(program, count, &data);
}

enum {
    ALLOWED = 0
};

static int call_number(const char *name) {
    const int call = seccomp_syscall_resolve_name(name);
    cr_assert(call >= 0, "no call '%s'", name);
    return call;
}

/* A row of the table: a call by its name, its first arguments, and the error that it gets. */
struct row {
    const char *name;
    uint64_t args[6];
    int errnum;
};

static const struct row ROWS[] = {
    {"read", {0}, ALLOWED},
    {"openat", {0}, ALLOWED},
    {"execve", {0}, ALLOWED},
    {"exit_group", {0}, ALLOWED},
    {"futex", {0}, ALLOWED},
    {"statx", {0}, ALLOWED},
    {"rseq", {0}, ALLOWED},
    {"ptrace", {0}, ALLOWED},
    {"seccomp", {0}, ALLOWED},
    {"mknodat", {0}, ALLOWED},
    {"mount", {0}, EPERM},
    {"umount2", {0}, EPERM},
    {"pivot_root", {0}, EPERM},
    {"chroot", {0}, EPERM},
    {"fsopen", {0}, EPERM},
    {"open_tree", {0}, EPERM},
    {"move_mount", {0}, EPERM},
    {"mount_setattr", {0}, EPERM},
    {"open_by_handle_at", {0}, EPERM},
    {"setns", {0}, EPERM},
    {"init_module", {0}, EPERM},
    {"finit_module", {0}, EPERM},
    {"kexec_load", {0}, EPERM},
    {"reboot", {0}, EPERM},
    {"swapon", {0}, EPERM},
    {"settimeofday", {0}, EPERM},
    {"syslog", {0}, EPERM},
    {"keyctl", {0}, EPERM},
    {"add_key", {0}, EPERM},
    {"request_key", {0}, EPERM},
    {"bpf", {0}, EPERM},
    {"perf_event_open", {0}, EPERM},
    {"userfaultfd", {0}, EPERM},
    {"io_uring_setup", {0}, ENOSYS},
    {"io_uring_enter", {0}, ENOSYS},
    {"clone3", {0}, ENOSYS},
    {"pidfd_getfd", {0}, EPERM},
    {"vserver", {0}, ENOSYS},
    {"clone", {SIGCHLD}, ALLOWED},
    {"clone", {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}, ALLOWED},
    {"clone", {CLONE_NEWUSER | SIGCHLD}, EPERM},
    {"clone", {CLONE_NEWNS}, EPERM},
    {"clone", {CLONE_NEWNET}, EPERM},
    {"clone", {CLONE_NEWPID}, EPERM},
    {"clone", {CLONE_NEWUTS}, EPERM},
    {"clone", {CLONE_NEWIPC}, EPERM},
    {"clone", {CLONE_NEWCGROUP}, EPERM},
    /* The kernel looks at the low half of the flags alone. */
    {"clone", {UINT64_C(1) << 32 | CLONE_NEWUSER}, EPERM},
    {"unshare", {CLONE_FILES}, ALLOWED},
    {"unshare", {CLONE_NEWUSER}, EPERM},
    {"unshare", {CLONE_NEWNS}, EPERM},
    {"unshare", {CLONE_NEWTIME}, EPERM},
    {"personality", {0xffffffff}, ALLOWED},
    {"personality", {8}, ALLOWED},
    {"personality", {0x0040000}, EPERM},           /* without random addresses */
    {"personality", {UINT64_C(7) << 32}, ALLOWED}, /* as the kernel: 0 */
    {"ioctl", {0, 0x5401}, ALLOWED},
    {"ioctl", {0, 0x5412}, EPERM},
    {"ioctl", {0, UINT64_C(1) << 32 | 0x5412}, EPERM},
    {"ioctl", {0, 0x541c}, EPERM},
    {"socket", {AF_UNIX}, ALLOWED},
    {"socket", {AF_INET}, ALLOWED},
    {"socket", {AF_INET6}, ALLOWED},
    {"socket", {AF_NETLINK, 0, 0}, ALLOWED},
    {"socket", {AF_NETLINK, 0, 12}, EPROTONOSUPPORT}, /* netfilter */
    {"socket", {AF_PACKET}, EAFNOSUPPORT},
    {"socket", {AF_ALG}, EAFNOSUPPORT},
    {"socket", {AF_VSOCK}, EAFNOSUPPORT},
    {"socket", {AF_XDP}, EAFNOSUPPORT},
    {"socket", {AF_BLUETOOTH}, EAFNOSUPPORT},
    {"socket", {0}, EAFNOSUPPORT},
    {"socketpair", {AF_UNIX}, ALLOWED},
    {"socketpair", {AF_TIPC}, EAFNOSUPPORT},
};

Test(filter, calls_get_their_verdicts) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(ROWS); i++) {
        const struct row *row = &ROWS[i];
        const uint32_t expected =
            row->errnum == ALLOWED ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)row->errnum;
        const uint32_t verdict = verdict_of(call_number(row->name), row->args);
        cr_expect(eq(u32, verdict, expected), "row %zu: %s", i, row->name);
    }
}

Test(filter, calls_of_other_machines_end_the_process) {
    static const uint32_t OTHERS[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_MIPS, 0};
    size_t count = 0;
    const struct sock_filter *program = gf_filter_program(&count);
    for (size_t i = 0; i < GF_ARRAY_COUNT(OTHERS); i++) {
        const struct seccomp_data data = {.nr = 0, .arch = OTHERS[i]};
        cr_assert(eq(u32, run(program, count, &data), SECCOMP_RET_KILL_PROCESS));
    }
}

Test(filter, unknown_calls_do_not_exist) {
    /* The last two are of the x32 kind, whose numbers have this bit: read and its exec. */
    static const int CALLS[] = {
        900, GF_FILTER_CALLS_MAX, -1, INT32_MAX, INT32_MIN, 0x40000000, 0x40000000 + 520,
    };
    const uint64_t args[6] = {0};
    for (size_t i = 0; i < GF_ARRAY_COUNT(CALLS); i++) {
        cr_assert(eq(u32, verdict_of(CALLS[i], args), SECCOMP_RET_ERRNO | ENOSYS), "case %zu", i);
    }
}

/* The program says what the list says, for every number and what conditions look at. */
Test(filter, program_is_the_list) {
    static const uint32_t VALUES[] = {
        0,         1,          2,          3,          4,       8,          9,
        10,        12,         15,         16,         17,      38,         40,
        0x5401,    0x5412,     0x541c,     0x20000,    0x20008, 0x2000000,  0x4000000,
        0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80,    0x7e020080, 0xffffffff,
    };
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_FILTER_LIST_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, "engine/scheduler/native/shim/filter/calls.txt", &text,
                           &error) == GF_OK,
              "%s", error.message);
    cr_assert(gf_filter_list_parse(gf_strbuf_view(&text), &list, &error) == GF_OK, "%s",
              error.message);
    gf_strbuf_fini(&text);
    for (int call = 0; call < GF_FILTER_CALLS_MAX + 2; call++) {
        for (size_t i = 0; i < GF_ARRAY_COUNT(VALUES) * GF_ARRAY_COUNT(VALUES); i++) {
            const uint32_t first = VALUES[i % GF_ARRAY_COUNT(VALUES)];
            const uint32_t other = VALUES[i / GF_ARRAY_COUNT(VALUES)];
            const uint32_t low[6] = {first, other, other, other, other, other};
            /* The high halves are not looked at. */
            const uint64_t high = UINT64_C(0x1234) << 32;
            const uint64_t args[6] = {high | first, high | other, high | other,
                                      high | other, high | other, high | other};
            const uint32_t verdict = verdict_of(call, args);
            if (verdict != gf_filter_list_verdict(&list, (uint32_t)call, low)) {
                cr_fatal("call %d with 0x%x, 0x%x", call, first, other);
            }
        }
    }
}

static enum gf_code parse(const char *text) {
    return gf_filter_list_parse(gf_str_from(text), &list, &error);
}

Test(filter, list_is_checked) {
    static const char *const WRONG[] = {
        "permit read",
        "allow raed",
        "allow read read",
        "allow read\ndeny EPERM read",
        "allow read\nallow read if arg0 == 1",
        "deny read",
        "deny EFOO read",
        "allow read if",
        "allow read if arg6 == 1",
        "allow read if arg0 = 1",
        "allow read if arg0 == x",
        "allow read if arg0 == 4294967296",
        "allow read if arg0 == 0x1g",
        "allow read if arg0 & 1",
        "allow read if arg0 == 1 and",
        "allow read if arg0 == 1 and arg1 == 1 and arg2 == 1 and arg3 == 1",
        "allow unknown@5000",
        " allow",
        "allow read if arg0 == 1 write",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(WRONG); i++) {
        cr_expect(eq(int, parse(WRONG[i]), GF_INVALID_ARGUMENT), "%s", WRONG[i]);
    }
    cr_assert(parse("# nothing\n") == GF_OK);
    cr_assert(parse("allow read # a comment\n  write\ndeny EPERM mount") == GF_OK, "%s",
              error.message);
    const uint32_t none[6] = {0};
    cr_assert(eq(u32, gf_filter_list_verdict(&list, (uint32_t)call_number("write"), none),
                 SECCOMP_RET_ALLOW));
}

/* Jumps over more than 255 instructions are of another kind. */
Test(filter, long_programs_are_right) {
    const uint64_t none[6] = {0};
    cr_assert(parse("") == GF_OK);
    for (uint32_t call = 0; call < GF_FILTER_CALLS_MAX; call += 2) {
        list.verdicts[call] = SECCOMP_RET_ERRNO | (call & 0xff);
    }
    cr_assert(gf_filter_compile(&list, &code, &error) == GF_OK);
    for (int call = 0; call < GF_FILTER_CALLS_MAX; call++) {
        struct seccomp_data data = {.nr = call, .arch = machine()};
        memcpy(data.args, none, sizeof(none));
        cr_assert(eq(u32, run(code.instructions, code.count, &data), list.verdicts[call]));
    }
}
