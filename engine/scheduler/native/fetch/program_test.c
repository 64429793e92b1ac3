/*
 * gofer-fetch as a program: its command line, what rights it keeps, what is left when it is killed,
 * and many of them at once.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"
#include "engine/scheduler/native/images/image_store.h"

#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    OUTPUT_BYTES_MAX = 16 * 1024 * 1024,
    TIMEOUT_MS = 60000,
    LAYER_FILES = 300,
};

static char *directory; /* with "store" and "layout" */
static char *store_dir;
static char *layout;
static int program_fd = -1;
static struct gf_strbuf output;

static void set_up(void) {
    directory = gf_test_make_dir();
    store_dir = gf_asprintf("%s/store", directory);
    layout = gf_asprintf("%s/layout", directory);
    gf_strbuf_init(&output, OUTPUT_BYTES_MAX);
    cr_assert_eq(gf_file_open(AT_FDCWD, "engine/scheduler/native/fetch/gofer-fetch", O_RDONLY, 0,
                              &program_fd, NULL),
                 GF_OK);
    umask(022);
}

static void tear_down(void) {
    gf_close(&program_fd);
    gf_strbuf_fini(&output);
    free(layout);
    free(store_dir);
    gf_test_remove_dir(directory);
}

TestSuite(program, .init = set_up, .fini = tear_down);

static void need_root(void) {
    if (geteuid() != 0) {
        gf_test_skip("importing images needs root");
    }
}

/* Runs it with up to 6 arguments, its standard output in `output`. Gives the exit code. */
static int run(const char *const *args) {
    struct gf_proc_exit status;
    const struct gf_proc_spec spec = {.program_fd = program_fd, .argv = args};
    gf_strbuf_reset(&output);
    cr_assert_eq(
        gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), TIMEOUT_MS), &output, &status, NULL),
        GF_OK);
    cr_assert_not(status.signaled, "killed by signal %d", status.status);
    return status.status;
}

#define RUN(...) run((const char *const[]){"gofer-fetch", __VA_ARGS__, NULL})

/* Starts an import, of a descriptor where path is "-". */
static struct gf_proc start_import(const char *path, int stdin_fd) {
    struct gf_proc proc;
    const char *const args[] = {"gofer-fetch", "import", "--store", store_dir, path, NULL};
    const struct gf_proc_fd fds[] = {{stdin_fd, STDIN_FILENO}};
    const struct gf_proc_spec spec = {
        .program_fd = program_fd,
        .argv = args,
        .fds = fds,
        .fd_count = stdin_fd >= 0 ? 1 : 0,
    };
    cr_assert_eq(gf_proc_spawn(&spec, &proc, NULL), GF_OK);
    return proc;
}

static int wait_for(struct gf_proc *proc) {
    struct gf_proc_exit status;
    cr_assert_eq(gf_proc_wait(proc, gf_deadline_after_ms(gf_mono_ns(), TIMEOUT_MS), &status, NULL),
                 GF_OK);
    cr_assert_not(status.signaled, "killed by signal %d", status.status);
    return status.status;
}

static size_t count(const char *dir) {
    GF_CLEANUP(gf_closedir_p) DIR *stream = opendir(dir);
    cr_assert_not_null(stream, "%s", dir);
    size_t found = 0;
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        found += entry->d_name[0] != '.' ? 1 : 0;
    }
    return found;
}

static size_t count_in_store(const char *part) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", store_dir, part);
    return count(path);
}

/* An image of two layers with many files. */
static void write_layout(void) {
    struct gf_test_tar tars[2];
    struct gf_str layers[2];
    const struct gf_test_image image = {.name = "app:1", .compression = GF_TEST_GZIP};
    for (int i = 0; i < 2; i++) {
        gf_test_tar_init(&tars[i]);
        for (int j = 0; j < LAYER_FILES; j++) {
            GF_CLEANUP(gf_free_p) char *name = gf_asprintf("file-%d-%d", i, j);
            gf_test_tar_file(&tars[i], name, 0644, name);
        }
        layers[i] = gf_test_tar_finish(&tars[i]);
    }
    gf_test_write_layout(layout, &image, layers, 2);
    gf_test_tar_fini(&tars[0]);
    gf_test_tar_fini(&tars[1]);
}

Test(program, says_how_it_is_used) {
    cr_assert_eq(RUN("--help"), 0);
    cr_assert_not_null(strstr(output.ptr, "gofer-fetch import --store DIR"));
    cr_assert_eq(RUN("frobnicate"), 2);
    cr_assert_eq(RUN("import", layout), 2, "no store");
    cr_assert_eq(RUN("import", "--store", store_dir), 2, "no path");
    cr_assert_eq(RUN("import", "--store", store_dir, layout, "more"), 2);
    cr_assert_eq(RUN("import", "--store", store_dir, "--no-such-option", layout), 2);
    cr_assert_eq(RUN("import", "--store", store_dir, "--unpacked-bytes-max", "-1", layout), 2);
    cr_assert_eq(RUN("pack", "--name", "x", layout), 2);
    cr_assert_eq(output.len, 0u);
    cr_assert_neq(access(store_dir, F_OK), 0, "nothing was made");
}

Test(program, imports_a_directory_and_reports_it) {
    need_root();
    write_layout();
    cr_assert_eq(RUN("import", "--store", store_dir, "--name", "mine:2", layout), 0);
    cr_assert_eq(strncmp(output.ptr, "gofer-fetch 1\nname=mine:2\ndigest=sha256:", 40), 0, "%s",
                 output.ptr);
    cr_assert_eq(count_in_store("layers"), 2u);
    cr_assert_eq(count_in_store("tmp"), 0u);
}

Test(program, reports_failures_too) {
    need_root();
    gf_test_write(layout, "index.json", GF_STR("{"));
    cr_assert_eq(RUN("import", "--store", store_dir, layout), 1);
    cr_assert_str_eq(output.ptr, "gofer-fetch 1\ncode=INVALID_ARGUMENT\nreason=ARCHIVE_INVALID\n"
                                 "message=JSON, line 1, column 1: string or '}' expected near end "
                                 "of file\nend\n");
    cr_assert_eq(RUN("import", "--store", store_dir, "/dev/null"), 1);
    cr_assert_not_null(strstr(output.ptr, "'/dev/null' is neither a file nor a directory"));
}

Test(program, obeys_the_limits_that_it_is_given) {
    need_root();
    write_layout();
    cr_assert_eq(RUN("import", "--store", store_dir, "--unpacked-files-max", "400", layout), 1);
    cr_assert_not_null(strstr(output.ptr, "layer 2: entry 'file-1-100': the image has more than "
                                          "400 files"),
                       "%s", output.ptr);
    cr_assert_eq(count_in_store("layers"), 0u);
}

Test(program, refuses_to_import_without_root) {
    need_root();
    cr_assert_eq(setresuid(-1, 65534, -1), 0);
    cr_assert_eq(RUN("import", "--store", "/nowhere", "/"), 1);
    cr_assert_not_null(strstr(output.ptr, "importing an image needs root"), "%s", output.ptr);
    /* Back to root, so that the directory can be removed. */
    cr_assert_eq(setresuid(0, 0, 0), 0);
}

Test(program, packs_a_layout_into_the_same_bytes_every_time) {
    write_layout();
    gf_test_write(layout, "blobs/sha256/.hidden", GF_STR("left out"));
    gf_test_write(layout, "notes.txt", GF_STR("left out"));
    cr_assert_eq(RUN("pack", layout), 0);
    const struct gf_str first = {gf_memdup(output.ptr, output.len), output.len};
    cr_assert_null(memmem(first.ptr, first.len, "left out", 8));
    /* The same files written anew, at another time and in another order. */
    cr_assert_eq(gf_tree_remove(AT_FDCWD, layout, NULL), GF_OK);
    write_layout();
    cr_assert_eq(RUN("pack", layout), 0);
    cr_assert(gf_str_eq(first, gf_strbuf_view(&output)));
    if (geteuid() == 0) {
        gf_test_write(directory, "packed.tar", first);
        GF_CLEANUP(gf_free_p) char *packed = gf_asprintf("%s/packed.tar", directory);
        cr_assert_eq(RUN("import", "--store", store_dir, packed), 0);
        cr_assert_eq(RUN("import", "--store", store_dir, layout), 0);
        cr_assert_not_null(strstr(output.ptr, "\nnew=0\n"), "the same image");
    }
    gf_test_free(first);
}

Test(program, packs_nothing_but_layouts) {
    gf_test_write(directory, "secret", GF_STR("{}"));
    cr_assert_eq(RUN("pack", directory), 1);
    write_layout();
    GF_CLEANUP(gf_free_p) char *index = gf_asprintf("%s/index.json", layout);
    cr_assert_eq(unlink(index), 0);
    cr_assert_eq(symlink("../secret", index), 0);
    cr_assert_eq(RUN("pack", layout), 1, "a link that leads out");
}

/* The value of a line of /proc/PID/status. */
static char *status_line(pid_t pid, const char *key) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/%d", (int)pid);
    GF_CLEANUP(gf_free_p) char *text = gf_test_read(path, "status");
    const char *line = strstr(text, key);
    cr_assert_not_null(line);
    line += strlen(key);
    line += strspn(line, ":\t ");
    return gf_asprintf("%.*s", (int)strcspn(line, "\n"), line);
}

/* An import that reads a pipe, and has begun: it makes its work directory when its rights are gone.
 */
static struct gf_proc start_waiting_import(int *out_pipe_fd) {
    char event[4096];
    int pipe_fds[2];
    GF_CLEANUP(gf_free_p) char *tmp = gf_asprintf("%s/tmp", store_dir);
    cr_assert_eq(gf_tree_make(AT_FDCWD, tmp, 0700, NULL), GF_OK);
    GF_CLEANUP(gf_close_p) int watch = inotify_init1(IN_CLOEXEC);
    cr_assert_geq(inotify_add_watch(watch, tmp, IN_CREATE), 0);
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    struct gf_proc proc = start_import("-", pipe_fds[0]);
    cr_assert_gt(read(watch, event, sizeof(event)), 0);
    gf_close(&pipe_fds[0]);
    *out_pipe_fd = pipe_fds[1];
    return proc;
}

Test(program, gives_up_its_rights_before_it_reads) {
    need_root();
    int pipe_fd = -1;
    struct gf_proc proc = start_waiting_import(&pipe_fd);
    const uint64_t kept = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE |
                          UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID |
                          UINT64_C(1) << CAP_MKNOD | UINT64_C(1) << CAP_SETFCAP |
                          UINT64_C(1) << CAP_SYS_ADMIN;
    static const char *const sets[] = {"CapPrm", "CapEff", "CapBnd"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(sets); i++) {
        unsigned long long has = 0;
        GF_CLEANUP(gf_free_p) char *text = status_line(proc.pid, sets[i]);
        cr_assert_eq(sscanf(text, "%llx", &has), 1);
        cr_assert_eq(has & ~kept, 0u, "%s %s", sets[i], text);
    }
    GF_CLEANUP(gf_free_p) char *no_new_privs = status_line(proc.pid, "NoNewPrivs");
    cr_assert_str_eq(no_new_privs, "1");
    /* Under a sanitizer it stays outside: leaks are found with the help of /proc. */
    GF_CLEANUP(gf_free_p) char *root_link = gf_asprintf("/proc/%d/root", (int)proc.pid);
    struct stat root;
    struct stat store;
    struct stat own;
    cr_assert_eq(stat(root_link, &root), 0);
    cr_assert_eq(stat(store_dir, &store), 0);
    cr_assert_eq(stat("/", &own), 0);
    cr_assert(root.st_ino == store.st_ino || (GF_TEST_IS_SANITIZED && root.st_ino == own.st_ino));
    GF_CLEANUP(gf_free_p) char *net_link = gf_asprintf("/proc/%d/ns/net", (int)proc.pid);
    struct stat net;
    struct stat own_net;
    cr_assert_eq(stat(net_link, &net), 0);
    cr_assert_eq(stat("/proc/self/ns/net", &own_net), 0);
    cr_assert_neq(net.st_ino, own_net.st_ino);
    gf_close(&pipe_fd);
    cr_assert_eq(wait_for(&proc), 1, "an empty archive");
}

Test(program, killed_ones_leave_nothing_that_counts) {
    need_root();
    int pipe_fd = -1;
    struct gf_proc proc = start_waiting_import(&pipe_fd);
    gf_proc_kill(&proc);
    gf_close(&pipe_fd);
    cr_assert_eq(count_in_store("tmp"), 1u);
    cr_assert_eq(RUN("clean", "--store", store_dir), 0);
    cr_assert_eq(count_in_store("tmp"), 0u);
    cr_assert_eq(count_in_store("layers"), 0u);
    cr_assert_eq(count_in_store("names"), 0u);
}

/* Every layer that is in its place has all its files, and every name leads to a sound image. */
static void assert_store_is_whole(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/layers", store_dir);
    GF_CLEANUP(gf_closedir_p) DIR *layers = opendir(path);
    const struct dirent *entry = NULL;
    while (layers != NULL && (entry = readdir(layers)) != NULL) {
        GF_CLEANUP(gf_free_p) char *layer = gf_asprintf("%s/%s", path, entry->d_name);
        cr_assert(entry->d_name[0] == '.' || count(layer) == LAYER_FILES, "%s", layer);
    }
    struct gf_image_store *store = NULL;
    const struct gf_image_store_opts opts = {.dir = store_dir, .fetch_program = "/bin/true"};
    cr_assert_eq(gf_image_store_open(&opts, &store, NULL), GF_OK);
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    cr_assert_eq(catalog->damage_count, 0u, "%s", catalog->damages[0]);
    gf_image_catalog_unref(catalog);
    gf_image_store_close(store);
}

/* Kills an import after ever more time, until one comes to its end. */
Test(program, killed_at_any_moment_leaves_a_sound_store) {
    need_root();
    write_layout();
    int64_t delay_ns = 0;
    for (int round = 0;; round++) {
        struct gf_proc_exit status;
        struct gf_proc proc = start_import(layout, -1);
        const enum gf_code rc = gf_proc_wait(&proc, gf_mono_ns() + delay_ns, &status, NULL);
        if (rc == GF_DEADLINE_EXCEEDED) {
            gf_proc_kill(&proc);
        }
        assert_store_is_whole();
        if (rc == GF_OK) {
            cr_assert(!status.signaled && status.status == 0);
            break;
        }
        /* A layer that is in its place makes the rest shorter: most rounds start afresh. */
        if (round % 4 != 0) {
            cr_assert_eq(gf_tree_remove(AT_FDCWD, store_dir, NULL), GF_OK);
        }
        delay_ns += delay_ns / 10 + 200 * GF_NS_PER_US;
    }
    cr_assert_eq(count_in_store("layers"), 2u);
    cr_assert_eq(count_in_store("names"), 1u);
    cr_assert_eq(count_in_store("tmp"), 0u);
}

Test(program, many_at_once_share_one_store) {
    need_root();
    struct gf_proc procs[8];
    write_layout();
    for (size_t i = 0; i < GF_ARRAY_COUNT(procs); i++) {
        procs[i] = start_import(layout, -1);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(procs); i++) {
        cr_assert_eq(wait_for(&procs[i]), 0);
    }
    assert_store_is_whole();
    cr_assert_eq(count_in_store("layers"), 2u);
    cr_assert_eq(count_in_store("images"), 1u);
    cr_assert_eq(count_in_store("tmp"), 0u);
}
