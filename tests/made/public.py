"""Public releases as pages are tested with: in other languages, in states that are rare, and with hostile texts."""

from __future__ import annotations

from collections.abc import Mapping

from made.releases import made_release

from audit.public.about import PublicAbout, PublicFramework, PublicGovernance
from audit.public.release import PublicChange, PublicRelease, PublicRow, PublicWaiver, PublicWord

UNITED = ("ar", "en", "es", "fr", "ru", "zh")


def in_languages(release: PublicRelease, *codes: str) -> PublicRelease:
    """Return the same release in other languages."""
    return with_about(release, languages=codes)


def with_about(release: PublicRelease, **changes: object) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update=changes)})


def with_headline(release: PublicRelease, **changes: object) -> PublicRelease:
    return release.model_copy(update={"headline": release.headline.model_copy(update=changes)})


def with_words(release: PublicRelease, words: Mapping[tuple[str, str], Mapping[str, object]]) -> PublicRelease:
    """Return a release in which words are others, by the key of the row and the metric that the rule is on."""
    metrics = {rule.rule: rule.metric for rule in release.rules}
    changes: list[object] = []

    def changed(row: PublicRow, word: PublicWord) -> PublicWord:
        to = words.get((row.key, metrics[word.rule]))
        changes.extend([] if to is None else [to])
        return word if to is None else word.model_copy(update=dict(to))

    rows = tuple(
        row.model_copy(update={"words": tuple(changed(row, word) for word in row.words)}) for row in release.rows
    )
    assert len(changes) >= len(words), "each word is of a row"
    return release.model_copy(update={"rows": rows})


def without_beyond(release: PublicRelease) -> PublicRelease:
    """Return a release in which no row is beyond a limit."""
    found: dict[tuple[str, str], dict[str, object]] = {
        (row.key, rule.metric): {"word": "cannot_tell", "because": "limit_not_excluded"}
        for row in release.rows
        for word in row.words
        for rule in release.rules
        if word.rule == rule.rule and word.word == "beyond"
    }
    return with_words(release, found)


def rare(languages: tuple[str, ...] = ("en",)) -> PublicRelease:
    """Return a release with every state and reason, a change, waivers, declarations, and rates of both sides."""
    release = in_languages(made_release("pass"), *languages)
    men, women = "gender:level=man", "gender:level=woman"
    missed, flagged = "true_positive_rate", "false_positive_rate"
    wider = next(row.parts for row in release.rows if row.key == "nationality:country=NPL")
    other: dict[str, object] = {"word": "cannot_tell"}
    beyond: dict[str, object] = {"word": "beyond", "because": "beyond_limit"}
    release = with_words(
        release,
        {
            (men, missed): {"word": "within", "because": "within_limit", "smaller_beyond": True},
            (women, missed): {"word": None, "because": None, "smaller_beyond": True},
            (men, flagged): {**other, "because": "unknown_people"},
            (women, flagged): {**other, "because": "too_few_in_public"},
            ("nationality:country=NGA", flagged): beyond,
            ("nationality:country=NPL", missed): beyond,
            ("gender:level=woman,nationality:country=NPL", missed): beyond,
            ("nationality:country=PHL", missed): {**other, "because": "numbers_of_before"},
            ("nationality:country=BGD", missed): {**other, "because": "too_few_cases", "judged_as": wider},
        },
    )
    change = PublicChange(outcome="fail", paired=True, baseline_finished="2025-06-01", differs=("detector",))
    named = next(row for row in release.rows if row.key == "nationality:country=NGA").group
    waivers = (
        PublicWaiver(rule=release.rules[0].rule, group=named, who="An office", why="A ground", expires="2027-01-31"),
        PublicWaiver(who="Somebody", expires="2020-01-31"),
    )
    release = with_headline(release, outcome="fail", change=change, fails_on=("groups", "probes", "change"))
    release = with_about(
        release,
        governance=governance(""),
        valid_until="2025-12-31",
        probe_rules=2,
        weighted=True,
        clustered=True,
        unit="cluster",
        auditor="An auditor",
    )
    return release.model_copy(update={"waivers": waivers})


def governance(payload: str) -> PublicGovernance:
    return PublicGovernance(
        contact=f"errors at example.org{payload}",
        appeal=f"By letter{payload}",
        oversight=f"The head of the unit{payload}",
        named_patterns=(f"Feared{payload}", f"Untested{payload}"),
        patterns_not_tested=(f"Untested{payload}",),
    )


def hostile(payload: str, kind: str = "inconclusive") -> PublicRelease:
    """Return a release with the payload behind each text that somebody else may have written."""
    release = made_release(kind)
    features = tuple(
        feature.model_copy(
            update={
                "levels": tuple(level.model_copy(update={"name": level.name + payload}) for level in feature.levels)
            }
        )
        for feature in release.features
    )
    rules = tuple(rule.model_copy(update={"rule": rule.rule + payload}) for rule in release.rules)
    rows = tuple(
        row.model_copy(
            update={"words": tuple(word.model_copy(update={"rule": word.rule + payload}) for word in row.words)}
        )
        for row in release.rows
    )
    said = {"who": f"Somebody{payload}", "expires": f"2027-01-31{payload}"}
    waivers = (
        PublicWaiver(rule=rules[0].rule, group=release.rows[1].group, why=f"Because{payload}", **said),
        PublicWaiver(rule="", group=None, why="", **said),
    )
    about = _hostile_about(release.about, payload)
    changes = {"about": about, "features": features, "rules": rules, "rows": rows, "waivers": waivers}
    return release.model_copy(update=changes)


def _hostile_about(about: PublicAbout, payload: str) -> PublicAbout:
    texts = ("title", "owner", "auditor", "limits_set_by", "use", "label_source", "kind", "decision", "tool")
    clause = ("clause", "words", "question", "evidence")
    framework = PublicFramework(
        instrument=f"A law{payload}",
        article=f"Article{payload}",
        evidence=f"a test{payload}",
        state="not_shown",
        measured=(f"one{payload}",),
        declared=(f"two{payload}",),
        not_shown=(f"three{payload}",),
        absent=(f"four{payload}",),
        checked=f"Nobody read it{payload}",
    )
    of_metric = ("plain", "definition", "formula")
    return about.model_copy(
        update={
            **{name: getattr(about, name) + payload for name in texts},
            "features": (f"advert{payload}",),
            "sensitive_features_used": (f"gender{payload}",),
            "finished": f"{about.finished}{payload}",
            "valid_until": f"soon{payload}",
            "plan_sha256": f"ab{payload}",
            "safeguards": tuple(
                each.model_copy(update={name: getattr(each, name) + payload for name in clause})
                for each in about.safeguards
            ),
            "frameworks": (framework,),
            "governance": governance(payload),
            "asked": tuple(f"{each}{payload}" for each in about.asked),
            "digests": {kind: digest + payload for kind, digest in about.digests.items()},
            "metrics": tuple(
                each.model_copy(update={name: getattr(each, name) + payload for name in of_metric})
                for each in about.metrics
            ),
        }
    )
