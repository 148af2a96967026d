"""Names of groups of a public table, in the reader's language, as the report names them."""

from __future__ import annotations

from dataclasses import dataclass

from audit.public_table import PublicRelease
from audit.result import SensitiveFeature
from reports.language import Language
from reports.names import Names

__all__ = ["names_of"]

_UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class _Features:
    features: tuple[SensitiveFeature, ...]


def names_of(release: PublicRelease, language: Language) -> Names:
    """The names of every group of a release."""
    codings = {coding.name: coding for coding in release.about.codings}
    not_listed = language.translations.gettext("not listed")
    features = []
    for feature in release.table.features:
        coding = codings.get(feature.name)
        levels = tuple(
            level.model_copy(update={"name": not_listed}) if level.code == _UNLISTED else level
            for level in feature.levels
        )
        features.append(
            SensitiveFeature(
                name=feature.name,
                column="",
                coding="categorical" if coding is None else coding.coding,
                rungs=feature.rungs,
                levels=levels,
                given_to_detector=coding is not None and coding.given_to_detector,
                children=() if coding is None else coding.children,
            )
        )
    return Names(_Features(tuple(features)), language)
