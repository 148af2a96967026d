"""Levels that quotas name, read as the values of a pool are; a word that is no level is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from audit.errors import PlanError
from audit.evaluation import gender, nationality
from audit.evaluation.several import joint_code, parts_of, read_parts
from audit.evaluation.standing import STANDINGS
from audit.plan.sections import GENDERS, Coding
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.plan.sampling_design import SamplingDesign

_WRITE: Final[dict[Coding, str]] = {
    "gender": ", ".join(GENDERS),
    "nationality": "ISO 3166-1 codes, for example NGA, or unknown",
    "relation": ", ".join(STANDINGS),
}


def with_canonical_levels(design: SamplingDesign) -> SamplingDesign:
    """Return the design with each level of a quota as its canonical code: NGA for nga.

    Raises
    ------
    PlanError
        If a quota names what is no level of its feature: the pool could have none of it.
    """
    plan, quotas = design.as_plan(), []
    for place, quota in enumerate(design.quotas, start=1):
        levels: dict[str, str] = {}
        for name, text in quota.of.items():
            coding = plan.coding(name)
            code = _level(coding, text, several=plan.groups[name].dual == "any")
            if code is None:
                raise PlanError(
                    f'quotas {place}: "{shown(text)}" is no level of a {coding}',
                    slug="quota-level",
                    hint=f"write {_WRITE[coding]}",
                )
            levels[name] = code
        quotas.append(quota.model_copy(update={"of": levels}))
    return design.model_copy(update={"quotas": tuple(quotas)})


def _level(coding: Coding, text: str, *, several: bool) -> str | None:
    """Return the code. For several nationalities, where the design counts people under all of them, it is the code of
    all together.
    """
    if coding == "gender":
        return gender.canonical(text)
    if coding == "nationality":
        codes = read_parts(list(parts_of(text)) if several else [text], nationality.map_target)
        return None if codes is None else joint_code(codes)
    return text if coding == "categorical" or text in STANDINGS else None
