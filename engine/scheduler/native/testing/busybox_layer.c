#include "engine/scheduler/native/testing/busybox_layer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSYBOX_BYTES_MAX = 16 << 20
};

/* Applets of busybox that tests use. */
static const char *const APPLETS[] = {
    "arping",  "nc",     "nslookup", "cat",     "chmod", "chown", "dd",       "echo",  "env",
    "false",   "grep",   "head",     "id",      "kill",  "ln",    "ls",       "mkdir", "mkfifo",
    "mknod",   "mount",  "mv",       "ping",    "ps",    "pwd",   "readlink", "rm",    "seq",
    "sh",      "sleep",  "sort",     "stat",    "sync",  "tail",  "test",     "touch", "tr",
    "trap",    "true",   "umount",   "unshare", "wc",    "yes",   "hostname", "ip",    "chroot",
    "hexdump", "sysctl", "nice",     "md5sum",  "stty",  "tty",
};

static void must(enum gf_code rc, const struct gf_error *error) {
    if (rc != GF_OK) {
        fprintf(stderr, "busybox layer: %s\n", error->message);
        abort();
    }
}

static void must_do(int result, const char *what) {
    if (result != 0) {
        perror(what);
        abort();
    }
}

static void copy_busybox(const char *layer) {
    struct gf_error error;
    struct gf_strbuf bytes;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/bin/busybox", layer);
    gf_strbuf_init(&bytes, BUSYBOX_BYTES_MAX);
    must(gf_file_read(AT_FDCWD, "/bin/busybox", &bytes, &error), &error);
    must(gf_file_replace(AT_FDCWD, path, gf_strbuf_view(&bytes), 0755, GF_FILE_SYNC_NONE, &error),
         &error);
    gf_strbuf_fini(&bytes);
}

static void write_text(const char *layer, const char *name, const char *text) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", layer, name);
    must(gf_file_replace(AT_FDCWD, path, gf_str_from(text), 0644, GF_FILE_SYNC_NONE, &error),
         &error);
}

void testing_make_busybox_layer(const char *path) {
    static const char *const dirs[] = {"bin", "etc", "home", "proc", "dev", "sys", "tmp", "root"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(dirs); i++) {
        GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/%s", path, dirs[i]);
        must_do(mkdir(dir, 0755), dir);
    }
    copy_busybox(path);
    for (size_t i = 0; i < GF_ARRAY_COUNT(APPLETS); i++) {
        GF_CLEANUP(gf_free_p) char *link = gf_asprintf("%s/bin/%s", path, APPLETS[i]);
        must_do(symlink("busybox", link), link);
    }
    write_text(path, "etc/passwd",
               "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home/worker:/bin/sh\n");
    write_text(path, "etc/group",
               "root:x:0:\nworker:x:1000:\naudio:x:29:worker\nvideo:x:44:worker\n");
    GF_CLEANUP(gf_free_p) char *tmp = gf_asprintf("%s/tmp", path);
    must_do(chmod(tmp, 01777), tmp);
}
