/*
 * Makes a disk look slower: preloaded into a program, it lets each fdatasync take SLOW_FDATASYNC_US microseconds
 * longer, as on a volume in a cloud. PostgreSQL on Linux waits for fdatasync at each commit.
 *
 *   cc -shared -fPIC -O2 -o slow-fdatasync.so slow-fdatasync.c -ldl
 *   SLOW_FDATASYNC_US=2000 LD_PRELOAD=./slow-fdatasync.so postgres -D data
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

int fdatasync(int fd)
{
    static int (*real)(int);
    static long delay_us = -1;

    if (!real) {
        const char *text = getenv("SLOW_FDATASYNC_US");
        delay_us = text ? atol(text) : 2000;
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    }
    struct timespec left = { delay_us / 1000000, delay_us % 1000000 * 1000 };
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
    return real(fd);
}
