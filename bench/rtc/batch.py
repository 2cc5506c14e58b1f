"""Many datagrams by one system call, with the kernel's arrival times (recvmmsg, SO_TIMESTAMPNS; Linux)."""

import ctypes
import ctypes.util
import socket
import struct

_SLOTS = 64
_SLOT_BYTES = 2048
_CONTROL_BYTES = 64
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_CMSG_HEADER_BYTES = 16

# struct mmsghdr on 64-bit Linux, in units of 8 bytes: msg_controllen is word 5, msg_len the lower half of word 7.
_WORDS = 8
_CONTROL_LENGTH_WORD = 5
_LENGTH_HALF_WORD = 14


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Message(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iovec", ctypes.c_void_p),
        ("iovec_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_uint64),
        ("received", ctypes.c_uint64),
    ]


def enable_arrival_times(sock: socket.socket) -> None:
    """Have the kernel stamp each datagram when it reaches the socket, not when this process finds time to read it."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class BatchReader:
    """Reads up to 64 datagrams from a socket; one reader serves all sockets of the loop.

    `slots[i]` is the i-th buffer (2,048 bytes), valid until the next `read`.
    """

    def __init__(self) -> None:
        self._memory = bytearray(_SLOTS * _SLOT_BYTES)
        self._controls = bytearray(_SLOTS * _CONTROL_BYTES)
        view = memoryview(self._memory)
        self.slots = [view[i * _SLOT_BYTES : (i + 1) * _SLOT_BYTES] for i in range(_SLOTS)]
        memory = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        controls = ctypes.addressof(ctypes.c_char.from_buffer(self._controls))
        self._iovecs = (_Iovec * _SLOTS)()
        self._messages = (_Message * _SLOTS)()
        for i in range(_SLOTS):
            self._iovecs[i] = _Iovec(memory + i * _SLOT_BYTES, _SLOT_BYTES)
            self._messages[i].iovec = ctypes.addressof(self._iovecs) + i * ctypes.sizeof(_Iovec)
            self._messages[i].iovec_count = 1
            self._messages[i].control = controls + i * _CONTROL_BYTES
            self._messages[i].control_length = _CONTROL_BYTES
        raw = memoryview(self._messages).cast("B")
        self._words = raw.cast("Q")
        self._half_words = raw.cast("I")
        library = ctypes.CDLL(None)
        self._recvmmsg = library.recvmmsg
        self._recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        self._recvmmsg.restype = ctypes.c_int
        self._vector = ctypes.c_void_p(ctypes.addressof(self._messages))

    def read(self, fd: int) -> int:
        """Fill the first slots from `fd` and return how many; 0 when there is nothing to read or the socket reports an error."""
        count: int = self._recvmmsg(fd, self._vector, _SLOTS, socket.MSG_DONTWAIT, None)
        return count if count > 0 else 0

    def length(self, index: int) -> int:
        return int(self._half_words[index * 2 * _WORDS + _LENGTH_HALF_WORD])

    def arrival_ns(self, index: int) -> int:
        """Return the arrival time of slot `index` (CLOCK_REALTIME), 0 when the kernel gave none.
        The slot's room for the next time must be given back by `rearm`."""
        position = index * _CONTROL_BYTES
        if self._words[index * _WORDS + _CONTROL_LENGTH_WORD] < _CMSG_HEADER_BYTES + _TIMESPEC.size:
            return 0
        seconds, nanoseconds = _TIMESPEC.unpack_from(self._controls, position + _CMSG_HEADER_BYTES)
        return int(seconds) * 1_000_000_000 + int(nanoseconds)

    def rearm(self, count: int) -> None:
        """Give the first `count` slots room for another arrival time; the kernel shrinks it at each read."""
        words = self._words
        for index in range(_CONTROL_LENGTH_WORD, count * _WORDS, _WORDS):
            words[index] = _CONTROL_BYTES
