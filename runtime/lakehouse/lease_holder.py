"""Who holds a lease, and whether its process still runs on this machine."""

from __future__ import annotations

import datetime as dt
import os
import socket
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_GONE = ("Z", "X")  # states of a process that has ended


@cache
def this_machine() -> str | None:
    """The boot of the kernel and the PID namespace: containers of one host name may share files."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def start_of(pid: int) -> str | None:
    """When a process started, in clock ticks since the boot. None: it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program is in parentheses and may have spaces; field 3 follows it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _GONE else fields[19]


@dataclass(frozen=True)
class Holder:
    """One run that holds or wants leases.

    since: when it asked for them, by its own clock (UTC, ISO). Only shown, never compared.
    machine, started: identify the process on its machine; None where /proc does not exist.
    token: differs for each holder, also for two of one process.
    """

    command: str
    run_id: str
    since: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    machine: str | None = field(default_factory=this_machine)
    started: str | None = field(default_factory=lambda: start_of(os.getpid()))
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def now(cls, command: str, run_id: str) -> Holder:
        """This process, as the holder of leases that it asks for now."""
        return cls(command, run_id, dt.datetime.now(dt.UTC).isoformat(sep=" ", timespec="seconds"))

    def is_gone(self) -> bool:
        """Whether its process is known to have ended. False on another machine: nobody knows."""
        if self.machine is None or self.machine != this_machine():
            return False
        return start_of(self.pid) != self.started

    def __str__(self) -> str:
        return f"{self.command} (run {self.run_id}, process {self.pid} on {self.host})"
