"""A result made public: its rows are cut and drawn, remembered in the restricted folder, and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from audit.disclosure.about import (
    public_about,
    public_features,
    public_metrics,
    public_rules,
)
from audit.disclosure.digests import KEY, digests_of, read_key, set_id
from audit.disclosure.doubts import Judged
from audit.disclosure.draws import Draw, SideRows, draw_side, draw_total, remembered
from audit.disclosure.headline import headline_of, public_changed_words, with_waivers
from audit.disclosure.method import Method
from audit.disclosure.public_files import DATA, make_files
from audit.disclosure.restricted import COUNTER, RELEASES, restricted_folder
from audit.disclosure.rows import levels_named, main_levels, rows_of, with_main_levels, without_hidden_numbers
from audit.disclosure.shape import SIDES, Shape, SideName, crossed_features, public_method, shape_of
from audit.disclosure.shown_evidence import with_shown_evidence
from audit.disclosure.tables import cut_from_json, cut_to_json, entries, first_cut, hiding_keys, next_cut
from audit.disclosure.words import WordLog, Words
from audit.errors import ArgumentError, ResultError
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import DisclosureSection, Groups, feature_rungs
from audit.public.about import PublicAbout
from audit.public.release import PublicRelease, PublicRow, public_json
from audit.result.audit_result import AuditResult
from audit.safeguards import public_states
from audit.vocabulary.file_names import RELEASE

_numbers_of: Final = attrgetter(*(field.name for field in fields(Draw)))
Writer = Callable[[Mapping[str, bytes]], None]
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Published:
    """What was made public."""

    public: PublicRelease
    files: Mapping[str, bytes]
    new_key: bool = False
    """Whether a key was made for it."""


def check_folder(
    group_features: Groups, set_section: EvaluationSetSection, disclosure: DisclosureSection, restricted: Path
) -> None:
    """Look at the restricted folder before a night of scoring, where there is one already.

    Raises
    ------
    ResultError, FolderInUseError, StorageError
        As the release would: the key is missing, the log is damaged, floor or features are other ones.
    """
    if crossed_features(group_features) and any((restricted / name).exists() for name in (KEY, COUNTER, RELEASES)):
        with restricted_folder(restricted) as folder:
            folder.refuse_other_parameters(_parameters(group_features, set_section, disclosure))


def publish(
    result: AuditResult,
    restricted: Path,
    write: Writer,
    formats: Sequence[str],
    languages: Sequence[str],
    before: PublicRelease | None = None,
    set_there: str = "",
    *,
    new_key: bool = False,
) -> Published:
    """Make the public files of a result, remember what they print, and write them.

    Parameters
    ----------
    formats, languages : sequence of str
        Which public reporters, in which languages. `json` is always among the files.
    before : PublicRelease, optional
        The release that lies where this one will: a log that does not know it was put back from an older copy.
    set_there : str
        The `set_id` of a release that lay there and was removed.
    new_key : bool
        Whether somebody wants a key that is not that of `before`; the release says then that it cannot be compared.

    Raises
    ------
    ResultError, FolderInUseError, StorageError, AuditError
        Nothing public was written then, and the log is as it was.
    """
    shape, method = shape_of(result), public_method(result.plan.evaluation_set, result.plan.disclosure)
    names = tuple(dict.fromkeys((*formats, DATA)))
    refuse_other_set(restricted, before, set_there, new_key=new_key)
    with restricted_folder(restricted) as folder:
        secret = folder.secret
        if before is not None and before.number is not None and before.set_id == set_id(secret):
            folder.refuse_older_than(before.number)
        parameters = _parameters(result.plan.groups, result.plan.evaluation_set, result.plan.disclosure)
        folder.refuse_other_parameters(parameters)
        printed, log = _make(result, shape, method, secret, folder.last)
        about = public_about(result, names, tuple(languages) or ("en",), digests_of(result, secret))
        under = set_id(secret)
        release = _finished(printed, about, method, result, under, max(folder.releases, 1))
        release = release.model_copy(update={"set_before": _set_before(under, before, set_there, folder.last)})
        is_new = folder.last.get("release") != json.loads(public_json(release))
        if is_new and release.number is not None:
            release = release.model_copy(update={"number": folder.releases + 1})
        files = make_files(release)
        if is_new and release.number is not None:
            entry = {"sides": log, "release": json.loads(files[RELEASE]), "sha256": _digests(files)}
            # Told before it is written: a release that nobody saw does no harm, one that nobody remembers does.
            folder.append(parameters, entry)
        write(files)
        return Published(release, files, new_key=folder.made_key)


def words_of(result: AuditResult, restricted: Path | None) -> PublicRelease:
    """Return verdict, rules and words of a result as a release would say them, without any number.

    Nothing is remembered: this is for versions that nobody accepted. Where `restricted` is None
    or holds no key, rules have a verdict and no row has a word.

    Raises
    ------
    ResultError, FolderInUseError, StorageError
        As `publish` does.
    """
    shape, method = shape_of(result), public_method(result.plan.evaluation_set, result.plan.disclosure)
    about = public_about(result, (DATA,), ("en",), {})
    if restricted is None or read_key(restricted) is None:
        printed, _ = _make(result, None, method, None, {})
        return _finished(printed, about, method, result, "", 1)
    with restricted_folder(restricted) as folder:
        plan = result.plan
        folder.refuse_other_parameters(_parameters(plan.groups, plan.evaluation_set, plan.disclosure))
        printed, _ = _make(result, shape, method, folder.secret, folder.last)
    without = {"people": 0, "errors": None, "few": None, "fewer_than": None}
    rates = {"value": None, "low": None, "high": None, "at_least": None, "at_most": None, "rest": None}
    rows = [
        row.model_copy(update={**without, "rates": tuple(rate.model_copy(update=rates) for rate in row.rates)})
        for row in printed["rows"]
    ]
    bare = {**printed, "rows": tuple(rows), "unscored": None, "unlabelled": None}
    return _finished(bare, about, method, result, "", 1).model_copy(update={"number": None})


def refuse_other_set(
    restricted: Path, before: PublicRelease | None, set_there: str = "", *, new_key: bool = False
) -> None:
    """Hold a release to the key of the one that lies where it will, or lay there.

    Raises
    ------
    ResultError
        If that is of another set or key: numbers of the same people under two keys could be averaged.
    ArgumentError
        If a new key is wanted where nothing asks for one.
    """
    secret = read_key(restricted)
    if secret is None and ((restricted / KEY).exists() or any((restricted / RELEASES).glob("*.json"))):
        return  # damaged, or without its key: opening it says more
    there = before.set_id if before is not None else set_there
    is_other = (before is not None or bool(there)) and (secret is None or there != set_id(secret))
    if new_key and not is_other:
        raise ArgumentError("--new-key is for a release whose key is lost, and none lies there", slug="needless-key")
    if is_other and not new_key:
        key = "has no key" if secret is None else f"has the key of set {set_id(secret)}"
        lies = "lies there" if before is not None else "was put there and is gone"
        raise ResultError(f"a release of set {there} {lies}, and {restricted} {key}", slug="other-set-id")


def _set_before(under: str, before: PublicRelease | None, set_there: str, last: Told) -> str:
    """Return the `set_id` from which a key went on; every release under it says so."""
    there = before.set_id if before is not None else set_there
    if there and there != under:
        return there
    recorded: str = last.get("release", {}).get("set_before", "")
    return recorded or (before.set_before if before is not None else "")


def reproduce(restricted: Path, number: int) -> dict[str, bytes]:
    """Make the public files of a release again, from the log alone: no key and no result is needed.

    Raises
    ------
    ResultError
        If there is no such release, or the files do not come out as they were published.
    """
    with restricted_folder(restricted) as folder:
        if not 1 <= number <= folder.releases:
            raise ResultError(f"there is no release {number}", slug="no-such-release", hint="see the restricted folder")
        entry = folder.entry(number)
    files = make_files(PublicRelease.model_validate_json(json.dumps(entry["release"])))
    if _digests(files) != entry["sha256"]:
        raise ResultError(f"release {number} does not come out as it was published", slug="not-reproduced")
    return files


def made_again(result: AuditResult, entry: Told) -> list[str]:
    """Return the parts of a release that come out otherwise when it is made anew from its result and the log's draws,
    without the key; `draws` if a number lies further from the exact one than the method ever changes it.
    """
    shape, method = shape_of(result), public_method(result.plan.evaluation_set, result.plan.disclosure)
    published = PublicRelease.model_validate_json(json.dumps(entry["release"]))
    printed, log = _make(result, shape, method, None, entry)
    about = public_about(result, published.about.formats, published.about.languages, published.about.digests)
    again = _finished(printed, about, method, result, published.set_id, published.number or 1)
    again = again.model_copy(update={"set_before": published.set_before})
    drawn = (Draw(*draws[-1]) for side in SIDES if side in log for draws in log[side]["draws"].values())
    reached = all(draw.is_within(method) for draw in drawn)
    if not published.changed_words:  # releases of versions before had none
        again = again.model_copy(update={"changed_words": ()})
    other = [name for name in PublicRelease.model_fields if getattr(again, name) != getattr(published, name)]
    return other if reached else [*other, "draws"]


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def _parameters(
    group_features: Groups, set_section: EvaluationSetSection, disclosure: DisclosureSection
) -> dict[str, Any]:
    """What must be one in all releases of a set: other noise over the same people could be averaged with theirs."""
    method = public_method(set_section, disclosure)
    return {
        **method.public().model_dump(mode="json"),
        "unit": method.unit,
        "features": {name: list(feature_rungs(group_features, name)) for name in group_features},
    }


def _make(result: AuditResult, shape: Shape | None, method: Method, key: bytes | None, last: Told) -> tuple[Told, Told]:
    """Return what is printed of a result, and what is remembered of it: cut, draws and words of each side."""
    if shape is None:
        return {"sides": {}, "features": public_features(result, {}), "rows": ()}, {}
    day, known = result.provenance.finished[:10], last.get("sides", {})
    histories = {name: _draws_of(known[name]["draws"]) for name in SIDES if name in known}
    optional_sides = (_side(name, shape, method, key, day, known.get(name), histories.get(name, {})) for name in SIDES)
    sides = [side for side in optional_sides if side is not None]
    if key is None:  # made again: the log has what was printed, and not which draw was withheld
        released = {name for name, figures in last["release"]["sides"].items() if figures == "shown"}
        sides = [replace(side, has_outcomes=side.has_outcomes and side.side in released) for side in sides]
    metrics, level = [definition.metric for definition in public_metrics(result)], result.plan.verdict.level
    section = result.plan.evaluation_set
    plain = not section.is_weighted and section.cluster is None
    names = main_levels(sides, method, known.get("names", {}))
    rows = with_main_levels(rows_of(sides, metrics, method, level, plain=plain), sides, names)
    judged = Judged(result.plan, result.features, result.counts, result.rules, result.verdicts)
    log_of_words = WordLog(known, result.plan, _rows_of_release(last))
    drawn_in = _draw_names(sides, rows)
    standing = [log_of_words.standing(row, name) for row, name in zip(rows, drawn_in, strict=True)]
    with_words = Words(judged, sides, rows, method, standing).rows()
    for row, name in zip(with_words, drawn_in, strict=True):
        log_of_words.add(row, name)
    with_words = without_hidden_numbers(with_words, sides)
    past = _draws_of(known.get("totals", {}))
    counted = {"unscored": shape.unscored, "unlabelled": shape.unlabelled}
    drawn = {name: draw_total(name, count, past.get(name, ()), method, key, day) for name, count in counted.items()}
    totals = {name: draw for name, draw in drawn.items() if draw is not None}
    figures: dict[str, Any] = {side.side: "shown" if side.has_outcomes else "people" for side in sides}
    figures |= {name: "hidden" for name, counts in shape.hidden.items() if counts.everyone.any()}
    release = {
        "sides": {name: figures.get(name, "none") for name in sorted(SIDES)},
        "features": public_features(result, levels_named(shape.ladders, with_words)),
        "rows": with_words,
        **{name: draw.people for name, draw in totals.items()},
    }
    log: dict[str, Any] = {}
    for side in sides:
        printed = {key: draw for key, draw in side.draws.items() if key not in side.hiding}
        draws = _written(histories.get(side.side, {}), printed)
        log[side.side] = {"cut": cut_to_json(side.cut, shape.ladders), "draws": draws}
    known = {name: known_side for name, known_side in known.items() if name != "words"}  # as it was before words stood
    return release, {
        **known,
        **log,
        "totals": _written(past, totals),
        "names": names,
        "said": log_of_words.to_json(),
    }


def _rows_of_release(last: Told) -> tuple[PublicRow, ...]:
    rows = last["release"]["rows"] if "release" in last else ()
    return tuple(map(PublicRow.model_validate_json, map(json.dumps, rows)))


def _draw_names(sides: Sequence[SideRows], rows: Sequence[PublicRow]) -> list[str]:
    """Name the draw that each row prints; of both sides, that of each."""
    names = {side.side: {key: draw.name for key, draw in side.draws.items()} for side in sides}
    return ["/".join(names[side][row.key] for side in (SIDES if row.side == "both" else (row.side,))) for row in rows]


def _draws_of(written: Mapping[str, Sequence[Any]]) -> dict[str, list[Draw]]:
    return {key: [Draw(*draw) for draw in draws] for key, draws in written.items()}


def _written(before: Mapping[str, Sequence[Draw]], drawn: Mapping[str, Draw]) -> dict[str, list[tuple[Any, ...]]]:
    return {key: list(map(_numbers_of, draws)) for key, draws in remembered(before, drawn).items()}


def _side(
    name: SideName,
    shape: Shape,
    method: Method,
    secret: bytes | None,
    day: str,
    known: Told | None,
    before: Mapping[str, Sequence[Draw]],
) -> SideRows | None:
    counts = shape.sides[name]
    if known is not None:
        cut = next_cut(cut_from_json(known["cut"], counts.ladders), counts, method.keep)
    else:
        cut = first_cut(counts, method.row, method.floor)
    if cut is None:
        return None
    drawn = draw_side(name, counts, cut, entries(counts, cut), before, method, secret, day)
    return replace(drawn, hiding=hiding_keys(entries(shape.hidden[name], cut))) if name in shape.hidden else drawn


def _finished(
    printed: Told, about: PublicAbout, method: Method, result: AuditResult, under: str, number: int
) -> PublicRelease:
    rows = printed["rows"]
    release = PublicRelease(
        method=method.public(),
        about=about,
        headline=headline_of(result, rows),
        level=result.plan.verdict.level,
        rules=public_rules(result, rows),
        changed_words=public_changed_words(result),
        set_id=under,
        number=number if rows else None,
        **printed,
    )
    return with_waivers(with_shown_evidence(release, public_states(result)), result.waivers)
