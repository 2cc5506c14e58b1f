"""What the plane uses of libc and Linux beyond Cython's own declarations: sockets in batches, epoll, eventfd, threads, clock."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <netinet/udp.h>
    #include <poll.h>
    #include <pthread.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/random.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <time.h>
    #include <unistd.h>
    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103
    #endif
    #ifndef SOL_UDP
    #define SOL_UDP 17
    #endif
    /* One GSO control message of UDP_SEGMENT, aligned as the kernel wants it. */
    typedef union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(uint16_t))]; } conclave_segment_control;
    static inline void conclave_set_segment(conclave_segment_control *control, struct msghdr *message, uint16_t size) {
        struct cmsghdr *header;
        message->msg_control = control->bytes;
        message->msg_controllen = sizeof(control->bytes);
        header = CMSG_FIRSTHDR(message);
        header->cmsg_level = SOL_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        __builtin_memcpy(CMSG_DATA(header), &size, sizeof(size));
    }
    #define conclave_load(pointer) __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
    #define conclave_store(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELEASE)
    /* Make an eventfd readable, or no longer; both cannot fail in a way that matters. */
    static inline void conclave_notify(int fd) { uint64_t one = 1; if (write(fd, &one, 8) < 0) { } }
    static inline void conclave_drain(int fd) { uint64_t value; if (read(fd, &value, 8) < 0) { } }
    """
    ctypedef unsigned int socklen_t
    ctypedef long ssize_t
    ctypedef unsigned long pthread_t

    cdef struct in_addr:
        uint32_t s_addr
    cdef struct in6_addr:
        uint8_t s6_addr[16]
    cdef struct sockaddr:
        unsigned short sa_family
    cdef struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        unsigned short sin6_family
        uint16_t sin6_port
        in6_addr sin6_addr
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    cdef struct pollfd:
        int fd
        short events
        short revents
    ctypedef union epoll_data_t:
        void *ptr
        uint64_t u64
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct conclave_segment_control:
        pass

    int AF_INET, AF_INET6, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC
    int EMFILE, ENFILE, ENOMEM, EAGAIN, EWOULDBLOCK, EINTR, EIO, EINVAL, EOPNOTSUPP, EMSGSIZE, ENOBUFS
    int EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
    int EFD_NONBLOCK, EFD_CLOEXEC, EPOLL_CLOEXEC, CLOCK_MONOTONIC, CLOCK_REALTIME, SOCK_NONBLOCK, SOCK_CLOEXEC
    int IPPROTO_TCP, TCP_NODELAY, POLLIN, F_DUPFD_CLOEXEC

    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, timespec *timeout) nogil
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags) nogil
    ssize_t sendto(int fd, const void *data, size_t size, int flags, const sockaddr *address, socklen_t length) nogil
    ssize_t send(int fd, const void *data, size_t size, int flags) nogil
    ssize_t recv(int fd, void *data, size_t size, int flags) nogil
    int accept4(int fd, sockaddr *address, socklen_t *length, int flags) nogil
    int setsockopt(int fd, int level, int name, const void *value, socklen_t length) nogil
    int epoll_create1(int flags) nogil
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event) nogil
    int epoll_wait(int epoll, epoll_event *events, int count, int timeout_ms) nogil
    int ppoll(pollfd *fds, unsigned long count, const timespec *timeout, const void *mask) nogil
    int eventfd(unsigned int value, int flags) nogil
    int fcntl(int fd, int command, ...) nogil
    int close(int fd) nogil
    int clock_gettime(int clock, timespec *now) nogil
    ssize_t getrandom(void *data, size_t size, unsigned int flags) nogil
    int pthread_create(pthread_t *thread, const void *attributes, void *(*main)(void *) noexcept nogil, void *argument) nogil
    int pthread_join(pthread_t thread, void **value) nogil
    int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes) nogil
    int pthread_mutex_lock(pthread_mutex_t *mutex) nogil
    int pthread_mutex_unlock(pthread_mutex_t *mutex) nogil
    int pthread_mutex_destroy(pthread_mutex_t *mutex) nogil
    uint16_t htons(uint16_t value) nogil
    uint16_t ntohs(uint16_t value) nogil
    uint32_t htonl(uint32_t value) nogil
    void conclave_set_segment(conclave_segment_control *control, msghdr *message, uint16_t size) nogil
    uint64_t conclave_load(uint64_t *pointer) nogil
    void conclave_store(uint64_t *pointer, uint64_t value) nogil
    void conclave_notify(int fd) nogil
    void conclave_drain(int fd) nogil
    int errno
