"""The cost of a check, stated before long work, and progress while it lasts."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from hesslib.check.subject import Subject

LONG = 2.0  # seconds from which work is announced


class Meter:
    """States the cost on stderr as soon as it is known, if the work is long, and shows each evaluation until the end.

    With ``show=True`` it does so for short work as well; with ``show=False`` nothing is written.
    """

    def __init__(self, subject: Subject, what: str, show: bool | None) -> None:
        self.subject, self.what, self.show = subject, what, show
        self.bar: Any = None

    def __enter__(self) -> Meter:
        return self

    def begin(self, evaluations: int) -> None:
        """The work that follows takes so many evaluations, if its steps need not be searched for."""
        if self.show is False or self.bar is not None:
            return
        seconds = self.subject.seconds() * evaluations
        if self.show or seconds >= LONG:
            sys.stderr.write(f"{self.what}: {evaluations} evaluations of f, about {seconds:.2g} s\n")
            self.bar = _bar(self.what, evaluations)
            self.subject.on_call = self.bar.update

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.subject.on_call = None
        if self.bar is not None:
            self.bar.close()


def _bar(what: str, total: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return _Tenths(what, total)
    return tqdm(total=total, desc=what, leave=False, file=sys.stderr)


class _Tenths:
    """A line for each tenth of the work."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0

    def update(self) -> None:
        self.done += 1
        if self.done * 10 // self.total > (self.done - 1) * 10 // self.total:
            sys.stderr.write(f"{self.what}: {self.done} of {self.total} evaluations\n")

    def close(self) -> None:
        """Nothing is left to do."""
