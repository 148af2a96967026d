"""Attacks on what a history shows, each by whoever holds the auditor's key; others stand beside what stops them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from made.sealed import failing, published_into, signer_in

from audit.evidence.bundle import Bundle
from audit.evidence.checkpoint import checkpoint_of
from audit.evidence.commitments import Opening, commitments_of, open_anew
from audit.evidence.envelope import Envelope
from audit.evidence.history import History
from audit.evidence.keys import Signer
from audit.evidence.registration import QUESTION, system_of
from audit.evidence.seal import Published, digests_by_role, read_published, seal
from audit.evidence.shown import State, Verified
from audit.evidence.statement import System
from audit.evidence.trust import Trust, Trusted
from audit.evidence.verification import verify

REGISTERED, STARTED, SEALED = "2026-11-20T12:00:00Z", "2026-11-25T12:00:00Z", "2026-11-25T13:00:00Z"
TODAY = dt.date(2026, 11, 30)


class Scene(NamedTuple):
    """A published audit, and the keys of an auditor and of a witness."""

    published: Published
    auditor: Signer
    witness: Signer
    system: System
    opened: Mapping[str, Opening]

    def trust(self, **witness: Any) -> Trust:
        """Trust both; `witness` has a period of the witness's key."""
        return Trust(
            signer=(
                Trusted(role="auditor", name="Office", fingerprint=self.auditor.public.fingerprint),
                Trusted.model_validate(
                    {"role": "witness", "name": "We", "fingerprint": self.witness.public.fingerprint, **witness}
                ),
            )
        )

    def registered(self) -> History:
        """A history in which the question is registered."""
        asked = commitments_of(self.opened)
        return History().with_entry(self.auditor, "registered", REGISTERED, self.system, commitments=asked)

    def sealed(
        self, before: History, started: str = STARTED, sealed: str = SEALED, answers: int | None = 0
    ) -> tuple[Bundle, History]:
        """The audit, run and sealed after the entries before; its bundle and the whole history."""
        asked = commitments_of(self.opened)
        history = before.with_entry(self.auditor, "started", started, self.system, answers=answers, commitments=asked)
        made = seal(
            self.published, sealed, self.auditor, earlier=self.opened, history=history.head, registration=answers
        )
        said = {
            "answers": len(history.entries) - 1,
            "headline": self.published.release.headline.outcome,
            "statement": made.statement_sha256,
        }
        history = history.with_entry(self.auditor, "sealed", sealed, self.system, **said)
        return made.with_history(history.content, {}).public, history

    def witnessed(self, bundle: Bundle, history: History, size: int, at: str) -> Bundle:
        """The bundle with a head of the first entries that the witness signed."""
        moment = int(dt.datetime.fromisoformat(at).timestamp())
        head = checkpoint_of(history.payloads[:size]).cosigned(self.witness, moment)
        anchors = {**bundle.anchors, f"{size}.checkpoint": head.content, "witness.pem": self.witness.public.pem}
        return replace(bundle, anchors=anchors)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    result = failing()
    named = result.plan.audit.model_copy(update={"auditor": "The Inspectors"})
    result = result.model_copy(update={"plan": result.plan.model_copy(update={"audit": named})})
    folder = published_into(tmp_path_factory.mktemp("audit"), result)
    published = read_published(folder, folder / "restricted")
    about = published.release.about
    return Scene(
        published,
        signer_in(folder, "auditor.key"),
        signer_in(folder, "witness.key"),
        system_of(about.owner, about.system, about.title),
        open_anew({QUESTION: digests_by_role(published)[QUESTION]}),
    )


def shown(bundle: Bundle, trust: Trust, history: History | None = None) -> Verified:
    given = None if history is None else history.content
    return verify(bundle.content, "evidence.a7k", trust, TODAY, history=given)


def of(found: Verified, code: str) -> list[tuple[State, str]]:
    return [(each.state, each.text) for each in found.shown if each.code == code]


def test_what_was_witnessed_in_time_is_shown(scene: Scene) -> None:
    """The attacks below are on this one."""
    bundle, history = scene.sealed(scene.registered())
    found = shown(scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"), scene.trust(), history)
    assert found.exit_code == 0
    ((state, text),) = of(found, "registration")
    assert (state, text.startswith("the question was fixed before scoring began")) == (State.HOLDS, True)


@pytest.mark.parametrize(
    ("attack", "period"),
    [
        # the auditor moves the clock back, and nobody else says when
        (lambda scene, bundle, history: bundle, {}),
        # the witness saw it after scoring began
        (lambda scene, bundle, history: scene.witnessed(bundle, history, 1, "2026-11-26T12:00:00Z"), {}),
        # the witness signed before its key counts, or with one that may be stolen
        (lambda scene, bundle, history: scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"),
         {"from": dt.date(2026, 11, 22)}),
        (lambda scene, bundle, history: scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"),
         {"until": dt.date(2026, 11, 29)}),
        # the auditor is its own witness, under another key and the same name
        (lambda scene, bundle, history: scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"),
         {"name": "office "}),
        # and under the name that its report gives for who audited, which no key in the file of trust has
        (lambda scene, bundle, history: scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"),
         {"name": "the  inspectors"}),
    ],
)  # fmt: skip
def test_limits_set_after_looking_are_not_shown(
    scene: Scene, attack: Callable[[Scene, Bundle, History], Bundle], period: dict[str, dt.date | str]
) -> None:
    found = shown(attack(scene, *scene.sealed(scene.registered())), scene.trust(**period))
    ((state, text),) = of(found, "registration")
    assert (state, "the auditor's word, no other party's" in text) == (State.CLAIMED, True)


def test_a_seal_that_is_dated_back_is_contradicted(scene: Scene) -> None:
    """A witness saw on the 21st that the audit had not begun; it says that it was sealed on the 3rd."""
    bundle, history = scene.sealed(scene.registered(), "2026-11-02T12:00:00Z", "2026-11-03T12:00:00Z")
    found = shown(scene.witnessed(bundle, history, 1, "2026-11-21T12:00:00Z"), scene.trust())
    assert (found.exit_code, [state for state, _ in of(found, "sealed-at")]) == (5, [State.CONTRADICTED])


@pytest.mark.parametrize("change", ["drop", "swap", "rewrite"])
def test_no_entry_of_an_earlier_audit_is_hidden_or_rewritten(scene: Scene, change: str) -> None:
    """The auditor signs what it changes with its own key; the entries after it name the digest of what stood there."""
    _, history = scene.sealed(scene.registered(), answers=None)
    bundle, history = scene.sealed(history)
    lines = [envelope.line for envelope in history.envelopes]
    for index, payload in enumerate(history.payloads[:-1]):
        other = list(lines)
        if change == "drop":
            del other[index]
        elif change == "swap":
            other[index : index + 2] = reversed(lines[index : index + 2])
        else:
            rewritten = payload.replace(b'"at":"2026-11-2', b'"at":"2026-11-1')
            assert rewritten != payload
            other[index] = Envelope(rewritten).signed(scene.auditor).line
        found = shown(replace(bundle, history=b"".join(other)), scene.trust())
        assert (found.exit_code, [state for state, _ in of(found, "history")]) == (5, [State.CONTRADICTED]), index


def test_two_histories_of_one_system_are_contradicted(scene: Scene) -> None:
    """The regulator holds one with another audit in it; the bundle comes with a history of the same size."""
    _, held = scene.sealed(scene.registered())
    bundle, other = scene.sealed(scene.registered(), "2026-11-25T12:00:01Z")
    assert len(other.entries) == len(held.entries)
    found = shown(bundle, scene.trust(), held)
    assert (found.exit_code, [state for state, _ in of(found, "fork")]) == (5, [State.CONTRADICTED])
    found = shown(scene.witnessed(bundle, held, 3, SEALED), scene.trust())  # or holds its head alone
    assert (found.exit_code, [state for state, _ in of(found, "heads")]) == (5, [State.CONTRADICTED])


def test_a_new_name_and_a_tail_that_is_not_there_are_said(scene: Scene) -> None:
    """Neither can be stopped: the words say what the history cannot show."""
    ((_, text),) = of(shown(scene.sealed(scene.registered())[0], scene.trust()), "attempts")
    assert text == (
        "attempt 1 of this system in this history: this one; of audits under another name, in another history, "
        "or after its 3 entries, nothing is shown"
    )


def test_a_changed_audit7k_is_said_to_be_a_claim(scene: Scene) -> None:
    ((state, text),) = of(shown(scene.sealed(scene.registered())[0], scene.trust()), "software")
    assert (state, "only a replay by others shows that" in text) == (State.CLAIMED, True)


@pytest.mark.parametrize("kind", ["withdrawn", "superseded"])
def test_a_regulator_takes_an_audit_back_with_a_key_of_its_own(scene: Scene, kind: Any) -> None:
    """The old bundle holds by itself; the longer history that the regulator publishes says otherwise."""
    bundle, history = scene.sealed(scene.registered())
    longer = history.with_entry(scene.witness, kind, "2026-11-28T12:00:00Z", scene.system, answers=2)
    assert shown(bundle, scene.trust(), history).exit_code == 0
    found = shown(bundle, scene.trust(), longer)
    ((state, text),) = of(found, kind)
    assert (found.exit_code, state) == (3, State.NOT_SHOWN)
    assert f"{kind} on 2026-11-28, signed by {scene.witness.public.fingerprint}" in text


def test_the_best_of_many_attempts_says_how_many_there_were(scene: Scene) -> None:
    history = scene.registered()
    for _ in range(3):
        _, history = scene.sealed(history, answers=None)
    bundle, history = scene.sealed(history)
    ((_, text),) = of(shown(bundle, scene.trust()), "attempts")
    assert text.startswith(f"attempt 4 of this system in this history: {'inconclusive, ' * 3}this one")


def test_no_salt_opens_another_thing(scene: Scene) -> None:
    made = seal(scene.published, SEALED, scene.auditor)
    again = seal(scene.published, SEALED, scene.auditor)
    salts = [opening.salt for each in (made, again) for opening in (each.restricted.openings or {}).values()]
    assert len(set(salts)) == len(salts) > 0
