"""`croissant.json`: what the audit says of its evaluation set, in the terms of Croissant 1.1 and of its extension RAI.

Sources: Croissant format specification 1.1 and Croissant RAI specification 1.0, MLCommons. The cases are restricted:
the file describes them and leads to none. What the audit does not know is for the operator: a text says so, and what
has another form (`url`, `license`, `creator`, `datePublished`) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.public.names import RowNames
from audit.public.release import PublicRelease
from audit.public.sentences import SENTENCES
from reports.plain_text import json_text
from reports.public.pipeline_reading import PipelineReading
from reports.standards.mapped_files import IN_WORDS, SIDES, STATEMENTS

_CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
}


def croissant_file(release: PublicRelease) -> str:
    """Write `croissant.json` for a catalogue of data sets: the evaluation set, without a case."""
    reading, about = PipelineReading(release), release.about
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": f"Evaluation set of an audit of {reading.system}",
        "description": _description(reading),
        "distribution": [],
        "rai:dataCollection": _to_fill("how the cases were collected"),
        **({"rai:dataCollectionTimeframe": "/".join(about.period)} if about.period else {}),
        "rai:dataCollectionMissingData": _missing(release),
        "rai:dataAnnotationProtocol": f"{about.label_source}. {_to_fill('how it was found out who is a victim')}",
        "rai:personalSensitiveInformation": [feature.name for feature in release.features],
        "rai:dataBiases": _to_fill("whom the set lacks: an audit sees who is in it"),
        "rai:dataLimitations": [*_limitations(release)],
        "rai:dataUseCases": [f"Testing: an audit of a system for {IN_WORDS['about.use'].get(about.use, about.use)}"],
        "rai:dataReleaseMaintenancePlan": _to_fill("who keeps the set, and until when"),
    }
    return json_text(document)


def _description(reading: PipelineReading) -> str:
    about = reading.about
    return (
        f"The set holds {STATEMENTS['set'](reading)}. The cases are restricted: no file of them is published."
        f" Made from release.json, by {about.tool}, of an audit of {about.finished}."
    )


def _to_fill(what: str) -> str:
    return f"To be filled in by the operator: {what}"


def _missing(release: PublicRelease) -> str:
    counted = {"without a usable answer": release.unscored, "without a label": release.unlabelled}
    counts = [f"about {people} {what}" for what, people in counted.items() if people is not None]
    return f"People: {', '.join(counts)}." if counts else "Too few to be counted in public, or none."


def _limitations(release: PublicRelease) -> Iterator[str]:
    """What figures of the set stand for, and how many people they are of; rows of two features are in `groups.csv`."""
    names = RowNames(release)
    notes = (*(["method"] if release.rows else []), *release.left_out, *release.about.sample_sentences)
    yield from (SENTENCES[name].format(**release.method.model_dump()) for name in notes)
    for row in release.rows:
        if row.side in SIDES and len(row.parts) < 2:
            yield f"{names.row(row.parts)}: about {row.people} {SIDES[row.side]}"
