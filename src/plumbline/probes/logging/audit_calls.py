"""System calls and record types by number, as far as recording security events rests on them.

Sources: the kernel's tables `arch/x86/entry/syscalls/syscall_{64,32}.tbl`, `include/uapi/linux/audit.h`, and
`audit-records.h` of libaudit. `b64` is x86-64, `b32` what 32-bit programs call on it.
"""

from __future__ import annotations

ARCHITECTURES = ("b64", "b32")
MACHINES = {"x86_64": "b64", "i386": "b32", "i686": "b32", "c000003e": "b64", "40000003": "b32"}
"""Other ways of writing an architecture in a rule."""

STARTS = ("execve", "execveat")
ENDS = ("exit_group", "exit")
PERMISSIONS = (
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
)
"""Access control lists and file capabilities are extended attributes."""
PERMISSIONS_B32 = ("chown32", "fchown32", "lchown32")
CLOCK = ("adjtimex", "settimeofday", "clock_settime", "clock_adjtime")
CLOCK_B32 = ("stime", "clock_settime64", "clock_adjtime64")
CHANGES = {"w": ("openat", "renameat2", "unlinkat"), "a": ("fchmodat", "fchownat", "setxattr")}
"""Letters of `perm` -> calls that stand for those of the class, to see whether a rule takes all of them."""

NUMBERS = {
    "b64": {
        59: "execve", 322: "execveat", 231: "exit_group", 60: "exit", 90: "chmod", 91: "fchmod",
        268: "fchmodat", 92: "chown", 93: "fchown", 94: "lchown", 260: "fchownat", 188: "setxattr",
        189: "lsetxattr", 190: "fsetxattr", 197: "removexattr", 198: "lremovexattr", 199: "fremovexattr",
        159: "adjtimex", 164: "settimeofday", 227: "clock_settime", 305: "clock_adjtime", 257: "openat",
        316: "renameat2", 263: "unlinkat", 452: "fchmodat2",
    },
    "b32": {
        11: "execve", 358: "execveat", 252: "exit_group", 1: "exit", 15: "chmod", 94: "fchmod",
        306: "fchmodat", 182: "chown", 95: "fchown", 16: "lchown", 298: "fchownat", 226: "setxattr",
        227: "lsetxattr", 228: "fsetxattr", 235: "removexattr", 236: "lremovexattr", 237: "fremovexattr",
        212: "chown32", 207: "fchown32", 198: "lchown32", 124: "adjtimex", 79: "settimeofday",
        264: "clock_settime", 343: "clock_adjtime", 25: "stime", 404: "clock_settime64",
        405: "clock_adjtime64", 295: "openat", 353: "renameat2", 301: "unlinkat",
        452: "fchmodat2",
    },
}  # fmt: skip
"""A rule may name a call by number."""

RECORDS = {
    "LOGIN": 1006, "USER_AUTH": 1100, "USER_ACCT": 1101, "USER_MGMT": 1102, "CRED_ACQ": 1103,
    "CRED_DISP": 1104, "USER_START": 1105, "USER_END": 1106, "USER_CHAUTHTOK": 1108, "USER_ERR": 1109,
    "USER_LOGIN": 1112, "USER_LOGOUT": 1113, "ADD_USER": 1114, "DEL_USER": 1115, "ADD_GROUP": 1116,
    "DEL_GROUP": 1117, "CHGRP_ID": 1119, "USER_CMD": 1123, "SYSTEM_BOOT": 1127, "SYSTEM_SHUTDOWN": 1128,
    "SERVICE_START": 1130, "SERVICE_STOP": 1131, "GRP_MGMT": 1132, "GRP_CHAUTHTOK": 1133,
    "ACCT_LOCK": 1135, "ACCT_UNLOCK": 1136, "DAEMON_START": 1200, "DAEMON_END": 1201, "DAEMON_ABORT": 1202,
    "DAEMON_CONFIG": 1203, "SYSCALL": 1300, "PATH": 1302, "CONFIG_CHANGE": 1305, "CWD": 1307,
    "EXECVE": 1309, "OBJ_PID": 1318, "PROCTITLE": 1327, "TIME_INJOFFSET": 1332, "TIME_ADJNTPVAL": 1333,
    "ANOM_ABEND": 1701,
}  # fmt: skip
"""Names of record types -> their numbers."""

USER_RECORDS = (range(1100, 1200), range(2100, 3000))
"""What programs write themselves; rules of the list `user` may refuse it."""
