"""The leases of one run: those of its command, and those of single commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from contracts.writers import held_tables, may_write
from runtime.errors import TableError
from runtime.lakehouse.lease_files import LeaseFiles, lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Lease, Tell, Terms, leases
from runtime.run_info import RunInfo
from runtime.settings import Settings


class RunLeases:
    """The leases that a run holds at the moment. A dry run writes nothing and takes none.

    A commit takes the leases that its run does not hold yet, and gives them back afterwards. Runs
    cannot block each other forever, because no command holds a table that another one takes at a
    commit while it waits for a table of that one: a test of contracts/writers.py checks this.
    tell: prints a line.
    """

    def __init__(
        self,
        settings: Settings,
        run: RunInfo,
        is_dry: bool = False,
        *,
        tell: Tell = lambda line: None,
    ) -> None:
        self.settings, self.run, self.is_dry, self.tell = settings, run, is_dry, tell
        self.held: dict[str, Lease] = {}
        self._commands: list[str] = []

    @contextmanager
    def of_command(self, command: str) -> Iterator[None]:
        """Hold the tables that the command declares in contracts/writers.py.

        Inside, a commit to a table that no running command declares is a TableError. BusyError:
        another run holds one of the tables.
        """
        self._commands.append(command)
        try:
            with self.on(held_tables(command, self._sources)):
                yield
        finally:
            self._commands.pop()

    @contextmanager
    def on(self, tables: Iterable[str]) -> Iterator[None]:
        """Hold the tables; those that this run holds already stay held afterwards."""
        wanted = sorted(set(tables) - set(self.held))
        self._check_declared(wanted)
        if self.is_dry or not wanted:
            yield
            return
        conf = self.settings.lakehouse
        terms = Terms(conf.lease_seconds, conf.lease_wait_seconds)
        command = self._commands[-1] if self._commands else self.run.job
        holder = Holder.now(command, self.run.run_id)
        with leases(self._files, wanted, holder, terms=terms, tell=self.tell) as held:
            self.held |= held
            try:
                yield
            finally:
                for table in held:
                    del self.held[table]

    def check(self, table: str) -> None:
        """BusyError if another run has taken over the lease of a table. Call it before a write."""
        if table in self.held:
            self.held[table].check()

    def is_lost(self, table: str) -> bool:
        """Whether another run has taken over the lease of a table: it may have written since."""
        return table in self.held and not self.held[table].is_held()

    def message(self, table: str) -> str:
        """The metadata of a commit to the table, with the fencing number of its lease."""
        lease = self.held.get(table)
        return self.run.commit_message(None if lease is None else lease.number)

    @cached_property
    def _files(self) -> LeaseFiles:
        return lease_files(self.settings.root)

    @property
    def _sources(self) -> dict[str, str]:
        return {name: source.table for name, source in self.settings.sources.items()}

    def _check_declared(self, tables: Iterable[str]) -> None:
        for table in tables if self._commands else ():
            if not any(may_write(command, table, self._sources) for command in self._commands):
                raise TableError(
                    f"{table}: {self._commands[-1]} does not declare in contracts/writers.py that "
                    "it writes this table. Nothing was written. Add the table there."
                )
