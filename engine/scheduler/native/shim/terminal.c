/*
 * DESIGN
 * The shim keeps the program's end open too, until the program has ended: a terminal whose last
 * user closes it hangs up, and a program may close its streams for a while and open /dev/tty again.
 */
#include "engine/scheduler/native/shim/terminal.h"

#include "base/file.h"
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    PATH_BYTES_MAX = 32
};

enum gf_code gf_terminal_open(int *out_master_fd, int *out_slave_fd, struct gf_error *err) {
    GF_CLEANUP(gf_close_p)
    int master_fd = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    char path[PATH_BYTES_MAX];
    unsigned number = 0;
    int locked = 0;
    if (master_fd < 0 || ioctl(master_fd, TIOCSPTLCK, &locked) != 0 ||
        ioctl(master_fd, TIOCGPTN, &number) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a terminal");
    }
    snprintf(path, sizeof(path), "/dev/pts/%u", number);
    const int slave_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    if (slave_fd < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot open the terminal");
    }
    *out_master_fd = gf_take_fd(&master_fd);
    *out_slave_fd = slave_fd;
    return GF_OK;
}

enum gf_code gf_terminal_send(int socket_fd, int master_fd, int slave_fd, struct gf_error *err) {
    const int fds[] = {master_fd, slave_fd};
    return gf_socket_send(socket_fd, "t", 1, fds, GF_ARRAY_COUNT(fds), err);
}

enum gf_code gf_terminal_receive(int socket_fd, int *out_master_fd, int *out_slave_fd,
                                 struct gf_error *err) {
    struct gf_socket_message message;
    char byte = 0;
    enum gf_code rc = gf_socket_receive(socket_fd, &byte, 1, &message, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (message.fd_count != 2 || gf_fd_set_nonblocking(message.fds[0], true, NULL) != GF_OK) {
        for (size_t i = 0; i < message.fd_count; i++) {
            gf_close(&message.fds[i]);
        }
        return gf_fail(err, GF_UNAVAILABLE, "the terminal was not handed over");
    }
    *out_master_fd = message.fds[0];
    *out_slave_fd = message.fds[1];
    return GF_OK;
}

enum gf_code gf_terminal_control(int slave_fd, struct gf_error *err) {
    if (ioctl(slave_fd, TIOCSCTTY, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot take the terminal");
    }
    return GF_OK;
}

static unsigned short cells(int64_t count) {
    return count > UINT16_MAX ? UINT16_MAX : (unsigned short)count;
}

void gf_terminal_resize(int master_fd, int64_t columns, int64_t rows) {
    if (columns > 0 && rows > 0) {
        const struct winsize size = {.ws_col = cells(columns), .ws_row = cells(rows)};
        (void)ioctl(master_fd, TIOCSWINSZ, &size);
    }
}

int gf_terminal_end_character(int master_fd) {
    struct termios settings;
    if (tcgetattr(master_fd, &settings) != 0 || (settings.c_lflag & (tcflag_t)ICANON) == 0 ||
        settings.c_cc[VEOF] == 0) {
        return -1;
    }
    return settings.c_cc[VEOF];
}
