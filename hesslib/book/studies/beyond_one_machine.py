"""Experiments of *Beyond one machine*: two processes, what compiled programs send, and an all-reduce by a ring."""

from __future__ import annotations

import math
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle


class TwoProcesses:
    """Two processes that compute a product, each from one half of the patterns, while this one goes on."""

    def __init__(self, w: Any, x: Any, t: Any, v: Any) -> None:
        self.folder = tempfile.TemporaryDirectory()
        for rank, (x_half, t_half) in enumerate(zip(np.split(x, 2), np.split(t, 2), strict=True)):
            np.savez(Path(self.folder.name) / f"half {rank}.npz", x=x_half, t=t_half, w=w, v=v)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        program = [sys.executable, "-m", "hesslib.book.studies.two_processes"]
        output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.running = [subprocess.Popen([*program, str(rank), port, self.folder.name], **output) for rank in range(2)]

    def results(self) -> list[dict[str, Any]]:
        """Wait for both, and return what each has found."""
        try:
            said = [process.communicate(timeout=90)[0] for process in self.running]
        finally:
            for process in self.running:
                process.kill()
        assert [process.returncode for process in self.running] == [0, 0], said
        found = [dict(np.load(Path(self.folder.name) / f"found {rank}.npz")) for rank in range(2)]
        self.folder.cleanup()
        return found


def draw_who_holds_what() -> None:
    """A column for each device: its patterns, the weights, its own sum, and the all-reduce across."""
    _, ax = plt.subplots(figsize=(6.8, 3.3))
    middle: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9}
    for d in range(8):
        colour = plt.get_cmap("viridis")(0.08 + 0.12 * d)
        ink = "white" if d < 5 else "black"
        for low, high, face, text, at in (
            (3.35, 0.95, colour, f"$x,t$\n{d + 1}/8", ink),
            (2.45, 0.7, "#d8d8d8", "$w$", "black"),
            (1.55, 0.7, colour, f"$g_{{{d + 1}}}$", ink),
            (0.0, 0.7, "#d8d8d8", r"$\sum g_d$", "black"),
        ):
            ax.add_patch(Rectangle((d, low), 0.86, high, fc=face, ec="none"))
            ax.text(d + 0.43, low + high / 2, text, color=at, **middle)
        ax.text(d + 0.43, 4.42, f"device {d + 1}", ha="center", fontsize=7.5)
    ax.add_patch(Rectangle((0, 0.92), 7.86, 0.42, fc="#f0c36d", ec="none"))
    ax.text(3.93, 1.13, "all-reduce: the only thing that is sent", color="black", **middle)
    ax.set(xlim=(-0.1, 7.96), ylim=(-0.1, 4.75))
    ax.axis("off")


SENT = re.compile(
    r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|collective-broadcast|reduce-scatter)(?:-start)?\("
)


def sent(compiled: Any) -> list[tuple[str, int]]:
    """Each operation of a compiled program that sends something, with the bytes of its result."""
    found = []
    for shapes, operation in SENT.findall(compiled.as_text()):
        sizes = [
            int(bits) // 8 * math.prod(int(k) for k in dims.split(",") if k)
            for bits, dims in re.findall(r"f(\d+)\[([\d,]*)\]", shapes)
        ]
        found.append((operation, sum(sizes)))
    return found


def draw_rows(H: Any, owners: dict[int, list[int]], share: int) -> None:
    """The entries of a Hessian, cut into the bands of rows that its devices hold."""
    _, ax = plt.subplots(figsize=(5.0, 3.9))
    ax.imshow(np.log10(np.abs(H) + 1e-3 * np.abs(H).max()), cmap="viridis", aspect="auto")
    for start, pair in owners.items():
        if start:
            ax.axhline(start - 0.5, color="white", lw=2)
        label = "devices\n" + " and ".join(map(str, sorted(pair)))
        ax.text(len(H) + 1, start + share / 2, label, va="center", fontsize=8)
    ax.grid(visible=False)
    ax.set(xlabel="column", ylabel="row")


def ring(parts: Any) -> tuple[list[Any], Any]:
    """All-reduce of the rows of parts by a ring; what each device sent."""
    count = len(parts)
    held = [np.array_split(row.copy(), count) for row in parts]
    numbers = np.zeros(count, dtype=int)
    for step in range(2 * (count - 1)):
        adding = step < count - 1
        passed = []
        for device in range(count):
            piece = (device - step) % count
            passed.append((device, piece, held[device][piece].copy()))
        for device, piece, values in passed:
            numbers[device] += len(values)
            next_one = held[(device + 1) % count]
            next_one[piece] = next_one[piece] + values if adding else values
    return [np.concatenate(pieces) for pieces in held], numbers


def draw_projection(count: Any, computing: Any, sending: Any, best: tuple[float, float]) -> None:
    """Both times and their sum against the number of devices, and the number at which the sum is lowest."""
    _, ax = plt.subplots(figsize=(6.4, 3.4))
    ax.loglog(count, computing, "-", label="computing")
    ax.loglog(count, sending, "--", label="sending")
    ax.loglog(count, computing + sending, color="black", lw=2.2, label="both")
    ax.plot(*best, "o", color="black")
    ax.annotate("$p_0$", (best[0], 1.5 * best[1]), ha="center")
    ax.set(xlabel="devices $p$", ylabel="seconds")
    ax.legend(loc="center left", bbox_to_anchor=(0.03, 0.45))
