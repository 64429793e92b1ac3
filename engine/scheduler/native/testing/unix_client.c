/*
 * Connects to a unix socket, sends a line and prints what comes back, for containers: a static
 * program.
 *
 * Usage: unix_client PATH TEXT
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reply[256];
    if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        fprintf(stderr, "usage: unix_client PATH TEXT\n");
        return 2;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(fd, argv[2], strlen(argv[2])) < 0) {
        perror(argv[1]);
        return 1;
    }
    const ssize_t n = read(fd, reply, sizeof(reply));
    if (n > 0) {
        (void)!write(STDOUT_FILENO, reply, (size_t)n);
    }
    return n > 0 ? 0 : 1;
}
