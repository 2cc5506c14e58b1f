/* The floor for bench/plane.py: receives RTP on one socket and sends every packet to every receiver. No ICE, crypto, RTCP, cache,
 * rewriting.
 *
 *   null_sfu sendmmsg|gso PORT...    forward; prints its own port, then for each line on stdin its CPU time and packets as JSON
 *   null_sfu drain FD...             read inherited sockets empty every 10 ms; prints datagrams read for each line on stdin
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define BATCH 64
#define ROOM 2048

static volatile uint64_t packets, calls;
static struct mmsghdr out_headers[BATCH], in_headers[BATCH];
static struct iovec out_vectors[BATCH * BATCH], in_vectors[BATCH];
static union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(uint16_t))]; } controls[BATCH];
static char buffers[BATCH][ROOM];

static void *answer(void *unused)
{
    char line[64];
    (void)unused;
    while (fgets(line, sizeof line, stdin)) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"user_us\": %ld, \"system_us\": %ld, \"packets\": %lu, \"calls\": %lu}\n",
               usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec,
               usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec, (unsigned long)packets, (unsigned long)calls);
        fflush(stdout);
    }
    exit(0);
}

static void flush(int fd, int *messages)
{
    int done = 0;
    while (done < *messages) {
        int sent = sendmmsg(fd, out_headers + done, *messages - done, 0);
        calls++;
        if (sent <= 0)
            break;
        done += sent;
    }
    *messages = 0;
}

/* Packets first .. first + count - 1 as one message; more than one only when GSO may split them. */
static void queue(int fd, int *messages, struct sockaddr_in *to, int first, int count)
{
    struct msghdr *header = &out_headers[*messages].msg_hdr;
    struct iovec *vector = out_vectors + *messages * BATCH;
    memset(header, 0, sizeof *header);
    for (int at = 0; at < count; at++) {
        vector[at].iov_base = buffers[first + at];
        vector[at].iov_len = in_headers[first + at].msg_len;
    }
    header->msg_name = to;
    header->msg_namelen = sizeof *to;
    header->msg_iov = vector;
    header->msg_iovlen = count;
    if (count > 1) {
        uint16_t size = in_headers[first].msg_len;
        header->msg_control = controls[*messages].bytes;
        header->msg_controllen = sizeof controls[*messages].bytes;
        controls[*messages].header.cmsg_level = IPPROTO_UDP;
        controls[*messages].header.cmsg_type = UDP_SEGMENT;
        controls[*messages].header.cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(&controls[*messages].header), &size, sizeof size);
    }
    packets += count;
    if (++*messages == BATCH)
        flush(fd, messages);
}

static void forward(int fd, int gso, struct sockaddr_in *receivers, int count)
{
    int messages = 0, got = recvmmsg(fd, in_headers, BATCH, MSG_WAITFORONE, NULL);
    for (int to = 0; to < count && got > 0; to++)
        for (int first = 0, next; first < got; first = next) {
            next = first + 1;
            while (gso && next < got && next - first < 40 && in_headers[next - 1].msg_len == in_headers[first].msg_len
                   && in_headers[next].msg_len <= in_headers[first].msg_len)
                next++;
            queue(fd, &messages, receivers + to, first, next - first);
        }
    flush(fd, &messages);
}

static int drain(int count, char **descriptors)
{
    struct timespec pause = {0, 10000000};
    for (;;) {
        for (int at = 0; at < count; at++) {
            int got;
            while ((got = recvmmsg(atoi(descriptors[at]), in_headers, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL)) > 0)
                packets += got;
        }
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in *receivers = calloc(argc, sizeof *receivers);
    socklen_t size = sizeof address;
    int fd, bytes = 4194304;
    if (argc < 3 || !receivers)
        return 2;
    for (int at = 0; at < BATCH; at++) {
        in_vectors[at] = (struct iovec){buffers[at], ROOM};
        in_headers[at].msg_hdr = (struct msghdr){.msg_iov = &in_vectors[at], .msg_iovlen = 1};
    }
    pthread_create(&thread, NULL, answer, NULL);
    if (!strcmp(argv[1], "drain"))
        return drain(argc - 2, argv + 2);
    for (int at = 2; at < argc; at++) {
        receivers[at - 2] = address;
        receivers[at - 2].sin_port = htons((uint16_t)atoi(argv[at]));
    }
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr *)&address, size) || getsockname(fd, (struct sockaddr *)&address, &size))
        return 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;)
        forward(fd, !strcmp(argv[1], "gso"), receivers, argc - 2);
}
