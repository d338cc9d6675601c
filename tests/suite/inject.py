"""System calls in the name of a process that runs: it is stopped by
ptrace(2), makes the call, and goes on as if nothing had been. For what a
process may do, whatever its program does."""
import ctypes
import os
import platform

ATTACH, DETACH, SINGLESTEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax "
         "rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
SYSCALL = b"\x0f\x05"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                         ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Regs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in NAMES]


def possible():
    return platform.machine() == "x86_64"


def _ptrace(what, pid, data=None):
    ctypes.set_errno(0)
    if _libc.ptrace(what, pid, None, data) == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), "ptrace %d of %d" % (what, pid))


def _instruction(pid):
    """Where in its memory a system call stands: in libc, or the vDSO."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            words = line.split()
            if "x" not in words[1] or words[-1] == "[vsyscall]":
                continue
            start, end = (int(x, 16) for x in words[0].split("-"))
            mem.seek(start)
            at = mem.read(end - start).find(SYSCALL)
            if at != -1:
                return start + at
    raise RuntimeError("no system call in %d" % pid)


class Tracee:
    """with Tracee(pid) as t: t.call(number, ...): the result, or -errno."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        _ptrace(ATTACH, self.pid)
        os.waitpid(self.pid, 0x40000000)  # __WALL
        self.at = _instruction(self.pid)
        self.saved = Regs()
        _ptrace(GETREGS, self.pid, ctypes.byref(self.saved))
        return self

    def call(self, number, *args):
        regs = Regs.from_buffer_copy(self.saved)
        regs.rip, regs.rax = self.at, number
        regs.orig_rax = 0xffffffffffffffff  # nothing is begun anew
        for reg, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"),
                              args + (0,) * (6 - len(args))):
            setattr(regs, reg, value & 0xffffffffffffffff)
        _ptrace(SETREGS, self.pid, ctypes.byref(regs))
        _ptrace(SINGLESTEP, self.pid)
        os.waitpid(self.pid, 0x40000000)
        _ptrace(GETREGS, self.pid, ctypes.byref(regs))
        return ctypes.c_longlong(regs.rax).value

    def __exit__(self, *exc):
        _ptrace(SETREGS, self.pid, ctypes.byref(self.saved))
        _ptrace(DETACH, self.pid)
