"""The two bundles in an output folder: there together, whenever a process is killed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.cli.outputs.audience import public_folder
from audit.cli.outputs.output_folder import write_file
from audit.evidence.seal import Bundles
from audit.storage import storage, write_durably
from audit.vocabulary.file_names import EVIDENCE, RESTRICTED_EVIDENCE

_WAITING = f".{RESTRICTED_EVIDENCE}.waiting"
"""The restricted bundle before the history says that the audit was sealed: the public one follows from it."""


@contextmanager
def write_bundles(out: Path, bundles: Bundles) -> Iterator[None]:
    """Write both bundles around what makes them valid: before it they wait, after it they are there."""
    waiting = out / _WAITING
    hint = "nothing is sealed; free some space, and run or seal it again"
    with storage(waiting, "the evidence could not be written", hint=hint):
        write_durably(waiting, bundles.restricted.content)
    yield
    write_file(public_folder(out) / EVIDENCE, bundles.public.content, private=False)
    with storage(waiting):
        waiting.replace(out / RESTRICTED_EVIDENCE)


def finish_bundles(out: Path, known: Collection[str]) -> bool:
    """Put bundles into place that wait since a process was killed.

    Returns whether there are some, of the public files that lie there, with a statement among those of a history.
    """
    from audit.evidence.bundle import MAX_BYTES, read_bundle
    from audit.storage import bytes_of_result

    waiting = out / _WAITING
    if not waiting.exists():
        return False
    restricted = read_bundle(bytes_of_result(waiting, MAX_BYTES), waiting.name)
    made = Bundles(restricted.for_everybody, restricted)
    lie = {file.name: file for file in public_folder(out).iterdir()}
    same = all(name in lie and lie[name].read_bytes() == content for name, content in made.public.public.items())
    if not same or made.statement_sha256 not in known:
        return False
    with write_bundles(out, made):
        pass
    return True
