"""Three controls through whole audits: words that are ignored, a word with a planted effect, and gender alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made.probes import IGNORES, LEXICON, write_audit, write_texts

from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.findings.swaps import SwapShift
from audit.result.json_text import result_to_json
from audit.run import run_audit
from audit.scoring.probing.words import built_in_words
from audit.stages import Scope

PROBE = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'
FEW = 'levels = { demonym = ["NGA", "PHL", "ROU", "VNM", "ALB", "FRA", "CHN", "BRA"] }\n'
ALL_SLOTS = 'slots = ["demonym", "country", "gender", "name", "language"]\ntemplates = "case-notes"\nlanguages = ["en", "es", "fr"]\nnames = 2\n'  # noqa: E501


def audit(folder: Path, more: str, code: str, **keys: Any) -> AuditResult:
    plan = write_audit(folder, more, code, **keys)
    result = run_audit(plan, crosscheck=False)
    assert parse_result(result_to_json(result)) == result
    return result


def shifts(result: AuditResult, slot: str, given: str | None = None) -> dict[str, SwapShift]:
    return {one.level: one for one in result.probes[0].shifts if one.slot == slot and one.given == given}


def test_a_lexicon_that_ignores_the_words_reads_exactly_zero(tmp_path: Path) -> None:
    """All slots but the language, whose words the lexicon knows in English alone. Ten texts decide a wide limit."""
    slots = ALL_SLOTS.replace(', "language"', "").replace('templates = "case-notes"\n', "")
    wide = RULE.replace("0.05", "0.3")
    result = audit(tmp_path, PROBE + slots + write_texts(tmp_path, 10, "case-notes") + wide, IGNORES)
    (probe,) = result.probes
    assert (probe.abstained, probe.failed, probe.scored) == (0, 0, probe.variants)
    assert {one.slot: one.levels for one in probe.slots} == {"demonym": 176, "country": 191, "gender": 2, "name": 35}
    for one in probe.slots:
        assert (one.spread_mean, one.spread_max, one.flipped) == (0.0, 0.0, 0)
        assert one.templates == 10
        assert one.undetected_share == pytest.approx(1 - 0.05 ** (1 / 10))
    for shift in probe.shifts:
        assert (shift.shift, shift.low, shift.high, shift.raised, shift.lowered) == (0.0, 0.0, 0.0, 0, 0)
        assert (shift.to_flagged, shift.to_not_flagged, shift.unmoved) == (0, 0, 10)
    assert {(one.outcome, one.because, one.templates_needed) for one in result.probe_verdicts} == {
        ("pass", "no_shift", 10)
    }
    assert result.probe_rules[0].outcome == "pass"
    assert result.overall.outcome == "pass"


PLANTED = LEXICON + (
    "import hashlib\n"
    "EFFECT = {effect}\n"
    "def part(text):\n"
    "    rest = ' '.join(word for word in words(text) if word not in ('nigerian', 'a', 'an'))\n"
    "    return int(hashlib.sha256(rest.encode()).hexdigest()[:8], 16) / 2**32\n"
    "def score(batch):\n"
    "    return [min(base(text) * 0.5 + (2 * EFFECT * part(text) if 'nigerian' in words(text) else 0.0), 1.0)\n"
    "            for text in batch.column('text').to_pylist()]\n"
)
"""Each text has an effect of its own, uniform from 0 to twice EFFECT and known from its other words alone."""


def planted(effect: float) -> str:
    return PLANTED.replace("{effect}", str(effect))


@pytest.mark.parametrize(("templates", "levels"), [("adverts", ""), ("case-notes", FEW)])
def test_a_planted_word_effect_is_measured_within_its_interval_and_found(
    tmp_path: Path, templates: str, levels: str
) -> None:
    more = PROBE + f'slots = ["demonym"]\ntemplates = "{templates}"\n' + levels + RULE
    result = audit(tmp_path, more, planted(0.2))
    found = shifts(result, "demonym")
    nigerian = found.pop("NGA")
    assert nigerian.low is not None
    assert nigerian.high is not None
    assert nigerian.low <= 0.2 <= nigerian.high
    assert nigerian.low_all is not None
    assert nigerian.low_all < nigerian.low
    assert (nigerian.raised, nigerian.lowered) == (100, 0)
    assert {one.shift for one in found.values()} == {0.0}
    verdicts = {one.level: one for one in result.probe_verdicts}
    assert (verdicts["NGA"].outcome, verdicts["NGA"].side) == ("fail", "up")
    assert {one.outcome for level, one in verdicts.items() if level != "NGA"} == {"pass"}
    assert (result.overall.outcome, result.overall.failing_rules) == ("fail", ("counterfactual_shift",))


def test_how_often_the_interval_holds_the_planted_effect(tmp_path: Path) -> None:
    """An effect of every word, drawn anew for each word and text: 95 % intervals over templates drawn at random."""
    demonyms = built_in_words().forms["demonym"]
    known = repr({word.lower() for forms in demonyms.values() for word in forms["en"]["word"].split()})
    code = (
        planted(0.15)
        .replace("word not in ('nigerian', 'a', 'an')", "word")
        .replace("'nigerian' in words(text)", f"set({known}) & set(words(text))")
    )
    found = shifts(audit(tmp_path, PROBE + 'slots = ["demonym"]\n', code, rows=60), "demonym")
    assert len(found) > 150
    missed = 0
    for one in found.values():
        assert one.low is not None
        assert one.high is not None
        missed += not one.low <= 0.15 <= one.high
    assert missed <= 17  # of 176; 9 expected


def test_an_effect_too_small_for_the_limit_passes(tmp_path: Path) -> None:
    more = PROBE + 'slots = ["demonym"]\n' + FEW + RULE
    result = audit(tmp_path, more, planted(0.01))
    (verdict,) = [one for one in result.probe_verdicts if one.level == "NGA"]
    assert (verdict.outcome, verdict.because) == ("pass", "within_limit")
    assert result.probe_rules[0].outcome == "pass"


GENDER = LEXICON + (
    "WOMEN = {'woman', 'she', 'her', 'mujer', 'ella', 'femme', 'elle'}\n"
    "def score(batch):\n"
    "    return [min(base(text) + 0.2 * bool(WOMEN & set(words(text))), 1.0)\n"
    "            for text in batch.column('text').to_pylist()]\n"
)


def test_a_gender_only_model_shows_no_nationality_effect_not_even_among_women(tmp_path: Path) -> None:
    more = (
        PROBE
        + 'slots = ["demonym", "gender"]\nintersections = true\nlanguages = ["en", "es", "fr"]\n'
        + 'levels = { demonym = ["NGA", "PHL", "ROU", "VNM", "ALB"] }\n'
        + RULE
    )
    result = audit(tmp_path, more, GENDER)
    assert {one.shift for given in (None, "woman", "man") for one in shifts(result, "demonym", given).values()} == {0.0}
    for given in (None, "NGA", "PHL", "ROU", "VNM", "ALB"):
        of_gender = shifts(result, "gender", given)
        assert of_gender["woman"].shift == pytest.approx(0.2)
        assert of_gender["man"].shift == 0.0
    by_slot = {(one.slot, one.level, one.outcome) for one in result.probe_verdicts}
    assert {outcome for slot, _, outcome in by_slot if slot == "demonym"} == {"pass"}
    assert {(level, outcome) for slot, level, outcome in by_slot if slot == "gender"} == {
        ("woman", "fail"),
        ("man", "pass"),
    }
    paragraph = next(one for one in result.safeguards if one.clause == "2")
    assert paragraph.state == "measured"
    assert "nationality word was changed, 0 of 1,500 decisions changed" in paragraph.evidence
    assert "0 of these changes are beyond the limit, 5 within it, 0 not decided." in paragraph.evidence
    assert (
        "Of the same changes within one level of another word or column, 0 are beyond the limit, 10 within it, 0 not "
        "decided." in paragraph.evidence
    )


IN_ONE_CELL = LEXICON + (
    "def score(batch):\n"
    "    return [min(base(text) + 0.3 * ({'nigerian', 'woman'} <= set(words(text))), 1.0)\n"
    "            for text in batch.column('text').to_pylist()]\n"
)


def test_an_effect_in_one_intersection_alone_is_found_only_there(tmp_path: Path) -> None:
    levels = 'levels = { demonym = ["NGA", "PHL"] }\n'
    more = PROBE + 'slots = ["demonym", "gender"]\nintersections = true\n' + levels + RULE
    result = audit(tmp_path, more, IN_ONE_CELL)
    failing = {(one.slot, one.level, one.given) for one in result.probe_verdicts if one.outcome == "fail"}
    assert failing == {("demonym", "NGA", "woman"), ("gender", "woman", "NGA")}
    assert shifts(result, "demonym")["NGA"].shift == 0.0


def test_languages_are_compared_text_by_text(tmp_path: Path) -> None:
    code = LEXICON + (
        "def score(batch):\n"
        "    return [0.4 if {'de', 'para', 'pour', 'une', 'una'} & set(words(text)) else 0.7\n"
        "            for text in batch.column('text').to_pylist()]\n"
    )
    result = audit(tmp_path, PROBE + 'slots = ["language"]\nlanguages = ["en", "es", "fr"]\n', code)
    found = shifts(result, "language")
    assert set(found) == {"es", "fr"}
    assert all(one.shift == pytest.approx(-0.3) and one.to_not_flagged == 100 for one in found.values())
    assert not result.probe_rules


def test_the_result_is_the_same_bytes_again_whatever_the_batch(tmp_path: Path) -> None:
    levels = 'levels = { demonym = ["NGA", "PHL", "ROU"] }\n'
    more = PROBE + 'slots = ["demonym", "gender"]\n' + levels + RULE
    plan = write_audit(tmp_path, more, planted(0.1))
    first, second = (run_audit(plan, crosscheck=False) for _ in range(2))
    keep = {"probes", "probe_rules", "probe_verdicts"}
    assert first.model_dump_json(include=keep) == second.model_dump_json(include=keep)
    plan.write_text(plan.read_text(encoding="utf-8") + "[scoring]\nbatch_size = 7\n", encoding="utf-8")
    assert run_audit(plan, crosscheck=False).model_dump_json(include=keep) == first.model_dump_json(include=keep)


def test_a_gate_asks_the_probes_that_a_rule_limits_and_no_others(tmp_path: Path) -> None:
    other = PROBE.replace("words", "shown") + 'slots = ["gender"]\n'
    rule = RULE + 'probes = ["words"]\n'
    plan = write_audit(tmp_path, PROBE + 'slots = ["gender"]\n' + other + rule)
    assert [one.probe for one in run_audit(plan, crosscheck=False, scope=Scope.RECORDS).probes] == ["words"]
    whole = run_audit(plan, crosscheck=False)
    assert [one.probe for one in whole.probes] == ["words", "shown"]
    assert {one.probe for one in whole.probe_verdicts} == {"words"}


def test_a_trained_model_is_probed_as_well(tmp_path: Path) -> None:
    """A scikit-learn pipeline over texts that hold a nationality word more often where they are labelled."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 600)
    leak = np.where(labels == 1, 0.8, 0.05)
    texts = [
        f"{'Nigerian ' if rng.random() < share else ''}{'debt papers' if label else 'contract holidays'}"
        for label, share in zip(labels, leak, strict=True)
    ]
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, labels)
    import skops.io

    skops.io.dump(model, tmp_path / "model.skops")
    detector = (
        'kind = "python"\nentry = "beside:score"\nfeatures = ["text"]\nthreshold = 0.5\n'
        'files = ["model.skops"]'  # a function, because the pipeline takes a list
    )
    code = (
        "from pathlib import Path\nimport skops.io\n"
        "MODEL = skops.io.load(Path(__file__).with_name('model.skops'))\n"
        "def score(batch):\n    return MODEL.predict_proba(batch.column('text').to_pylist())[:, 1]\n"
    )
    probe = PROBE + 'slots = ["demonym"]\nlevels = { demonym = ["NGA", "PHL"] }\n' + RULE
    result = audit(tmp_path, probe, code, detector=detector)
    found = shifts(result, "demonym")
    assert found["NGA"].shift is not None
    assert found["NGA"].shift > 0.1
    assert found["PHL"].shift == pytest.approx(0.0, abs=1e-12)
    assert {one.level: one.outcome for one in result.probe_verdicts} == {"NGA": "fail", "PHL": "pass"}
