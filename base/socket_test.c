#include "base/alloc.h"
#include "base/file.h"
#include "base/socket.h"
#include "base/tree.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char directory[64];

static void enter_directory(void) {
    memcpy(directory, "/tmp/gf_socket_test.XXXXXX", sizeof("/tmp/gf_socket_test.XXXXXX"));
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void) {
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, directory, NULL), GF_OK);
}

TestSuite(socket, .init = enter_directory, .fini = remove_directory);

static size_t open_descriptors(void) {
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(dir) != NULL) {
        count++;
    }
    return count;
}

Test(socket, messages_keep_their_boundaries) {
    int pair[2];
    char bytes[16];
    struct gf_socket_message message;
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(pair[0], "one", 3, NULL, 0, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(pair[0], "three", 5, NULL, 0, NULL), GF_OK);
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OK);
    cr_assert_eq(message.size, 3u);
    cr_assert_eq(message.fd_count, 0u);
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OK);
    cr_assert_eq(message.size, 5u);
    cr_assert_arr_eq(bytes, "three", 5);
    gf_close(&pair[0]);
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OK);
    cr_assert_eq(message.size, 0u, "the peer has closed");
    gf_close(&pair[1]);
}

Test(socket, descriptors_travel_and_close_on_exec) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    int fds[GF_SOCKET_FDS_MAX];
    for (int i = 0; i < GF_SOCKET_FDS_MAX; i++) {
        const char content[] = {(char)('0' + i)};
        cr_assert_eq(gf_memfd_sealed("test", (struct gf_str){content, 1}, false, &fds[i], NULL),
                     GF_OK);
    }
    cr_assert_eq(gf_socket_send(pair[0], "x", 1, fds, GF_SOCKET_FDS_MAX, NULL), GF_OK);
    char bytes[16];
    struct gf_socket_message message;
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OK);
    cr_assert_eq(message.fd_count, (size_t)GF_SOCKET_FDS_MAX);
    for (int i = 0; i < GF_SOCKET_FDS_MAX; i++) {
        char content = 0;
        cr_assert_eq(gf_pread_exact(message.fds[i], &content, 1, 0, NULL), GF_OK);
        cr_assert_eq(content, '0' + i);
        cr_assert_eq(fcntl(message.fds[i], F_GETFD), FD_CLOEXEC);
    }
}

Test(socket, message_that_is_too_large_is_dropped_with_its_descriptors) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    const size_t open_before = open_descriptors();
    cr_assert_eq(gf_socket_send(pair[0], "123456789", 9, pair, 2, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(pair[0], "next", 4, NULL, 0, NULL), GF_OK);
    char bytes[8];
    struct gf_socket_message message = {.size = 77};
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OUT_OF_RANGE);
    cr_assert_eq(message.size, 77u, "untouched on failure");
    cr_assert_eq(open_descriptors(), open_before);
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &message, NULL), GF_OK);
    cr_assert_eq(message.size, 4u);
}

Test(socket, more_descriptors_than_allowed_are_refused_and_closed) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    enum {
        COUNT = GF_SOCKET_FDS_MAX + 1
    };
    union {
        char bytes[CMSG_SPACE(sizeof(int) * COUNT)];
        struct cmsghdr align;
    } control = {0};
    char text[] = "x";
    struct iovec part = {.iov_base = text, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * COUNT);
    for (int i = 0; i < COUNT; i++) {
        memcpy(CMSG_DATA(header) + (size_t)i * sizeof(int), &pair[0], sizeof(int));
    }
    cr_assert_eq(sendmsg(pair[0], &message, 0), 1);
    const size_t open_before = open_descriptors();
    char bytes[8];
    struct gf_socket_message received;
    cr_assert_eq(gf_socket_receive(pair[1], bytes, sizeof(bytes), &received, NULL),
                 GF_OUT_OF_RANGE);
    cr_assert_eq(open_descriptors(), open_before);
}

Test(socket, nonblocking_ends_tell_full_and_empty) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    cr_assert_eq(gf_fd_set_nonblocking(pair[0], true, NULL), GF_OK);
    char bytes[1024] = {0};
    struct gf_socket_message message;
    cr_assert_eq(gf_socket_receive(pair[0], bytes, sizeof(bytes), &message, NULL),
                 GF_RESOURCE_EXHAUSTED);
    enum gf_code rc = GF_OK;
    for (int i = 0; rc == GF_OK && i < 100000; i++) {
        rc = gf_socket_send(pair[0], bytes, sizeof(bytes), NULL, 0, NULL);
    }
    cr_assert_eq(rc, GF_RESOURCE_EXHAUSTED);
}

Test(socket, peer_that_is_gone_is_an_error_and_no_signal) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    gf_close(&pair[1]);
    cr_assert_eq(gf_socket_send(pair[0], "x", 1, NULL, 0, NULL), GF_UNAVAILABLE);
}

Test(socket, last_words_of_a_peer_that_left_something_unread_arrive) {
    int ends[2];
    char byte = 0;
    struct gf_socket_message message;
    cr_assert_eq(gf_socket_pair(ends, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(ends[1], "?", 1, NULL, 0, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(ends[0], "a", 1, NULL, 0, NULL), GF_OK);
    cr_assert_eq(gf_socket_send(ends[0], "b", 1, NULL, 0, NULL), GF_OK);
    gf_close(&ends[0]);
    for (char expected = 'a'; expected <= 'b'; expected++) {
        cr_assert_eq(gf_socket_receive(ends[1], &byte, 1, &message, NULL), GF_OK);
        cr_assert_eq(message.size, 1);
        cr_assert_eq(byte, expected);
    }
    cr_assert_eq(gf_socket_receive(ends[1], &byte, 1, &message, NULL), GF_OK);
    cr_assert_eq(message.size, 0, "then it is gone");
    gf_close(&ends[1]);
}

Test(socket, message_beyond_what_the_socket_takes_is_refused) {
    int pair[2];
    cr_assert_eq(gf_socket_pair(pair, NULL), GF_OK);
    enum {
        BYTES = 64 << 20
    };
    GF_CLEANUP(gf_free_p) char *bytes = gf_calloc(1, BYTES);
    cr_assert_eq(gf_socket_send(pair[0], bytes, BYTES, NULL, 0, NULL), GF_INVALID_ARGUMENT);
}

Test(socket, listen_replaces_a_stale_socket_and_nothing_else) {
    GF_CLEANUP(gf_close_p) int listening = -1;
    GF_CLEANUP(gf_close_p) int client = -1;
    cr_assert_eq(gf_socket_listen("s", &listening, NULL), GF_OK);
    gf_close(&listening);
    cr_assert_eq(gf_socket_connect("s", &client, NULL), GF_UNAVAILABLE, "nobody listens");
    cr_assert_eq(gf_socket_listen("s", &listening, NULL), GF_OK);
    cr_assert_eq(gf_socket_connect("s", &client, NULL), GF_OK);
    GF_CLEANUP(gf_close_p) int accepted = -1;
    cr_assert_eq(gf_socket_accept(listening, &accepted, NULL), GF_OK);
    int another = -1;
    cr_assert_eq(gf_socket_accept(listening, &another, NULL), GF_RESOURCE_EXHAUSTED);
    cr_assert_eq(another, -1);
    cr_assert_eq(fcntl(accepted, F_GETFD), FD_CLOEXEC);
    struct gf_socket_peer peer = {0};
    cr_assert_eq(gf_socket_peer(accepted, &peer, NULL), GF_OK);
    cr_assert_eq(peer.pid, getpid());
    cr_assert_eq(peer.uid, geteuid());
    cr_assert_eq(peer.gid, getegid());

    GF_CLEANUP(gf_close_p) GF_UNUSED int file = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    GF_CLEANUP(gf_close_p) int other = -1;
    cr_assert_neq(gf_socket_listen("file", &other, NULL), GF_OK);
    cr_assert_eq(access("file", F_OK), 0);
    cr_assert_eq(gf_socket_connect("none", &other, NULL), GF_NOT_FOUND);
    cr_assert_eq(other, -1);
}

Test(socket, path_length_is_checked) {
    char path[GF_SOCKET_PATH_BYTES_MAX + 2];
    memset(path, 'p', sizeof(path));
    path[GF_SOCKET_PATH_BYTES_MAX + 1] = '\0';
    int fd = -1;
    cr_assert_eq(gf_socket_listen(path, &fd, NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_socket_connect(path, &fd, NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_socket_connect("", &fd, NULL), GF_INVALID_ARGUMENT);
    path[GF_SOCKET_PATH_BYTES_MAX] = '\0';
    cr_assert_eq(gf_socket_listen(path, &fd, NULL), GF_OK);
    gf_close(&fd);
}
