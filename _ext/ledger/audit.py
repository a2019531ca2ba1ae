"""What the book refuses. All faults are collected and reported together, each with the place and the remedy."""

import json
from collections import defaultdict
from pathlib import Path

from docutils.nodes import make_id
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError


def run(app: Sphinx, env: BuildEnvironment) -> None:
    """Raise if anything in the book is stated without standing."""
    pages = env.get_domain("ledger").data["pages"]
    found = [fault for page in pages.values() for fault in page["faults"]]
    found += _equations(pages) + _claims(pages) + _register(app, pages)
    if found:
        raise ExtensionError("the ledger refuses this book:\n" + "\n".join(f"  {fault}" for fault in found))


def register(app: Sphinx) -> dict[str, str]:
    """The claims that must be settled, with their sources; empty if the book has no register."""
    path = Path(app.srcdir, app.config.ledger_register)
    if not path.is_file():
        return {}
    try:
        return {row["id"]: row["source"] for row in json.loads(path.read_text(encoding="utf-8"))}
    except (ValueError, KeyError, TypeError) as error:
        raise ExtensionError(f"{path}: it must be a list of objects with id and source ({error!r})") from error


def _equations(pages: dict) -> list[str]:
    """Displays against records, label by label."""
    found = []
    stated = defaultdict(list)
    for page in pages.values():
        recorded = {entry["record"]["label"] for entry in page["records"]}
        for label, where in page["labels"].items():
            if label not in recorded:
                found.append(f"{where}: equation {label!r} is numbered but has no record; show it by ledger.state")
        for entry in page["records"]:
            label = entry["record"]["label"]
            stated[label].append(entry["where"])
            if label not in page["labels"]:
                found.append(
                    f"{entry['where']}: record {label!r} has no equation #{make_id(f'equation-{label}')} on its page; "
                    "both must come from one ledger.state"
                )
    for label, places in stated.items():
        if len(places) > 1:
            found.append(f"{' and '.join(places)}: label {label!r} is used twice; labels are unique in the book")
    return found


def _claims(pages: dict) -> list[str]:
    """A claim may be settled in several places, but in one way."""
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    for page in pages.values():
        for entry in page["claims"]:
            verdicts[entry["record"]["id"]].setdefault(entry["record"]["verdict"], entry["where"])
    return [
        "claim {}: {}; a claim has one verdict".format(
            claim, ", but ".join(f"{verdict} at {where}" for verdict, where in places.items())
        )
        for claim, places in verdicts.items()
        if len(places) > 1
    ]


def _register(app: Sphinx, pages: dict) -> list[str]:
    """Every claim of the register is settled, and no other."""
    wanted = register(app)
    if not wanted:
        return []
    settled = {entry["record"]["id"]: entry["where"] for page in pages.values() for entry in page["claims"]}
    name = app.config.ledger_register
    unsettled = wanted.keys() - settled
    found = [f"{name}: claim {claim} is not settled; call ledger.claim in a chapter" for claim in unsettled]
    found += [f"{where}: claim {claim} is not in {name}" for claim, where in settled.items() if claim not in wanted]
    return sorted(found)
