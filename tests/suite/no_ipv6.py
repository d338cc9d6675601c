"""Runs a program in a kernel without IPv6, as far as a program can tell: its
sockets are refused with EAFNOSUPPORT, by a filter that all children inherit.

Usage: no_ipv6.py PROGRAM ARGUMENTS...
"""
import ctypes
import errno
import os
import socket
import sys

ALLOW, ERRNO = 0x7fff0000, 0x00050000
NO_NEW_PRIVS, EQUAL = 3, 4


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def refuse_ipv6():
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(ALLOW)))
    call = lib.seccomp_syscall_resolve_name(b"socket")
    family = Compare(0, EQUAL, socket.AF_INET6, 0)
    # Who is root must stay able to become others.
    assert lib.seccomp_attr_set(ctx, NO_NEW_PRIVS, ctypes.c_uint32(0)) == 0
    assert lib.seccomp_rule_add_array(
        ctx, ctypes.c_uint32(ERRNO | errno.EAFNOSUPPORT), call,
        ctypes.c_uint(1), ctypes.byref(family)) == 0
    assert lib.seccomp_load(ctx) == 0


refuse_ipv6()
os.execv(sys.argv[1], sys.argv[1:])
