"""Audits of a portal in order: operators, their systems, the history of each, and its state."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, get_args

from audit.public.cases import relied_on
from audit.public.site import PublicAudit, PublicSite, State

STATES: Final[tuple[State, ...]] = get_args(State)
"""The states, in the order in which they are shown."""
_LETTERS: Final = "abcdefghijklmnop"
_NOT_LETTERS: Final = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class System:
    """A system of an operator."""

    name: str
    owner: str
    page: str
    """The page within a language, for example `systems/screener-kbdfphmn.html`."""
    audits: tuple[PublicAudit, ...]
    """Oldest first."""
    state: State
    """The state of the latest audit. A fail or an inconclusive verdict keeps its state when it expires, a pass does
    not.
    """

    @property
    def latest(self) -> PublicAudit:
        """The latest audit, which counts."""
        return self.audits[-1]

    @property
    def use(self) -> str:
        """The use of the system by the latest audit."""
        return self.latest.release.about.use

    @property
    def use_anchor(self) -> str:
        """The name of its use in links."""
        return _slug(self.use)


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, who answers for systems."""

    name: str
    page: str
    """The page within a language."""
    anchor: str
    """The name of the operator in links."""
    systems: tuple[System, ...]
    """The systems: failing first, then inconclusive, expired and passing; by name within these."""

    @property
    def state(self) -> State:
        """The first of the states of its systems."""
        return self.systems[0].state


def operators(site: PublicSite) -> tuple[Operator, ...]:
    """Return every operator with its systems, ordered by the state of the first system, then by name."""
    histories: dict[tuple[str, str], list[PublicAudit]] = {}
    for audit in site.audits:
        histories.setdefault((audit.release.about.owner, audit.system), []).append(audit)
    owned: dict[str, list[System]] = {}
    for (owner, name), audits in histories.items():
        system = System(
            name=name,
            owner=owner,
            page=f"systems/{_slug(name, owner)}.html",
            audits=tuple(audits),
            state=_state(audits[-1], site.today),
        )
        owned.setdefault(owner, []).append(system)
    unordered = [
        Operator(
            name=owner,
            page=f"operators/{_slug(owner)}.html",
            anchor=_slug(owner),
            systems=tuple(sorted(systems, key=lambda system: (STATES.index(system.state), system.name))),
        )
        for owner, systems in owned.items()
    ]
    return tuple(sorted(unordered, key=lambda operator: (STATES.index(operator.state), operator.name)))


def is_expired(audit: PublicAudit, today: str) -> bool:
    """Say whether the last day on which the audit should be relied on has passed."""
    until = audit.release.about.valid_until
    return until is not None and until < today


def _state(audit: PublicAudit, today: str) -> State:
    outcome = relied_on(audit.release)
    return "expired" if outcome == "pass" and is_expired(audit, today) else outcome


def _slug(*names: str) -> str:
    """Return letters of the first name that everyone can type, and letters of a digest that makes it unique."""
    plain = _NOT_LETTERS.sub("-", names[0].lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    letters = "".join(_LETTERS[int(figure, 16)] for figure in digest)
    return f"{plain}-{letters}" if plain else letters
