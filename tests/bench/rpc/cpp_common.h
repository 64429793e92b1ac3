// What both C++ servers share: the end by a signal, and the report of what was used.
#ifndef GOFER_TESTS_BENCH_RPC_CPP_COMMON_H_
#define GOFER_TESTS_BENCH_RPC_CPP_COMMON_H_

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

inline sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

inline void serve_until_signal(const sigset_t &signals) {
    printf("listening\n");
    fflush(stdout);
    int received = 0;
    sigwait(&signals, &received);
}

inline void report_usage() {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double seconds =
        static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%.2f %ld\n", seconds, usage.ru_maxrss / 1024);
}

#endif // GOFER_TESTS_BENCH_RPC_CPP_COMMON_H_
