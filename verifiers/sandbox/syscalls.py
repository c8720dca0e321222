"""System calls by name, each with its number on x86_64 and on aarch64 (``-`` where it has none), grouped by use.

The numbers are Linux's: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import os

MACHINES = {"x86_64": 0, "aarch64": 1}
MACHINE = os.uname().machine

# Always allowed: they act on open descriptors, own memory and own state, or on paths, which mounts and Landlock limit.
HARMLESS = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70
open 2 -, openat 257 56, close 3 57, close_range 436 436, creat 85 -, lseek 8 62, stat 4 -, fstat 5 80, lstat 6 -
newfstatat 262 79, statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -, faccessat 269 48, faccessat2 439 439
readlink 89 -, readlinkat 267 78, getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49, fchdir 81 50
mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38
renameat2 316 276, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, ftruncate 77 46, fallocate 285 47
fsync 74 82, fdatasync 75 83, fadvise64 221 223, copy_file_range 326 285, sendfile 40 71, umask 95 166, flock 73 32
dup 32 23, dup2 33 -, dup3 292 24, fcntl 72 25, pipe 22 -, pipe2 293 59, poll 7 -, ppoll 271 73, select 23 -
pselect6 270 72, epoll_create 213 -, epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22
epoll_pwait2 441 441, eventfd 284 -, eventfd2 290 19, timerfd_create 283 85, timerfd_settime 286 86
timerfd_gettime 287 87, sendto 44 206, recvfrom 45 207, sendmsg 46 211, recvmsg 47 212, shutdown 48 210
getsockname 51 204, getpeername 52 205, getsockopt 55 209, mmap 9 222, mprotect 10 226, munmap 11 215
mremap 25 216, madvise 28 233, brk 12 214, mincore 27 232, msync 26 227, membarrier 324 283, pkey_alloc 330 289
pkey_free 331 290, pkey_mprotect 329 288, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139
rt_sigpending 127 136, rt_sigsuspend 130 133, rt_sigtimedwait 128 137, sigaltstack 131 132, restart_syscall 219 128
pause 34 -, alarm 37 -, getitimer 36 102, setitimer 38 103, timer_create 222 107, timer_settime 223 110
timer_gettime 224 108, timer_getoverrun 225 109, timer_delete 226 111, futex 202 98, set_robust_list 273 99
get_robust_list 274 100, set_tid_address 218 96, rseq 334 293, arch_prctl 158 -, sched_yield 24 124
sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120, sched_get_priority_max 146 125
sched_get_priority_min 147 126, getpriority 140 141, getcpu 309 168, nanosleep 35 101, clock_nanosleep 230 115
clock_gettime 228 113, clock_getres 229 114, gettimeofday 96 169, time 201 -, times 100 153, getpid 39 172
gettid 186 178, getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177
getresuid 118 148, getresgid 120 150, getgroups 115 158, getpgrp 111 -, getpgid 121 155, getsid 124 156
capget 125 90, getrlimit 97 163, setrlimit 160 164, getrusage 98 165, sysinfo 99 179, uname 63 160
getrandom 318 278, exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95
"""
# Allowed with some arguments: see seccomp.
CHECKED = "socketpair 53 199, clone 56 220, prctl 157 167, ioctl 16 29, prlimit64 302 261, tgkill 234 131, kill 62 129"
# They change files by path beyond what Landlock sees: allowed only where a mount namespace hides the host's.
ATTRIBUTES = """
chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, utime 132 -, utimes 235 -, futimesat 261 -
utimensat 280 88, truncate 76 45
"""
# They start processes, as do clone and clone3.
STARTS = "fork 57 -, vfork 58 -"
EXECUTES = "execve 59 221"
# Refused with EPERM, which programs report well; whatever stands in no list gets ENOSYS, as on an older kernel.
REFUSED = """
socket 41 198, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242, setsockopt 54 208
setsid 112 157, setpgid 109 154, tkill 200 130, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271
setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149
setgroups 116 159, mount 165 40, umount2 166 39, unshare 272 97, setns 308 268, chroot 161 51, pivot_root 155 41
chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54, setpriority 141 140, sched_setaffinity 203 122
sched_setscheduler 144 119, mknod 133 -, mknodat 259 33, execveat 322 281, shmget 29 194, msgget 68 186
semget 64 190, inotify_init1 294 26, fanotify_init 300 262, keyctl 250 219, add_key 248 217, bpf 321 280
perf_event_open 298 241
"""
# What the sandbox itself calls beside those above.
OWN = """
capset 126 91, seccomp 317 277, landlock_create_ruleset 444 444, landlock_add_rule 445 445
landlock_restrict_self 446 446, pidfd_send_signal 424 424, mount_setattr 442 442, clone3 435 435
"""


def numbers(group: str, machine: str = MACHINE) -> dict[str, int]:
    """Name -> number of the system calls of one group that ``machine`` has."""
    rows = (item.split() for item in group.replace("\n", ",").split(",") if item)
    column = MACHINES[machine]
    return {name: int(given[column]) for name, *given in rows if given[column] != "-"}
