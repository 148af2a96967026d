# ruff: noqa: E501 - a shape is easier to read when its columns are one line each
"""What `init` says of files as people have them: it takes what stands out, and leaves the rest to be decided."""

from __future__ import annotations

import csv
import io
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from made.spreadsheets import write_xlsx
from typer.testing import CliRunner

from audit import run_audit
from audit.cli.commands.app import app
from audit.plan.file.draft import gaps_in
from audit.plan.file.unfinished import WRITE_HERE, leaves

SHARED = Path(os.environ.get("AUDIT7K_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
ALWAYS = {
    "audit.title",
    "audit.owner",
    "audit.use",
    "audit.route",
    "audit.limits_set_by",
    "evaluation_set.label_source",
}
"""What no file says."""


@dataclass(frozen=True)
class Shape:
    columns: dict[str, Sequence[Any]]
    takes: dict[str, str | None]
    decides: set[str]
    says: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    rows: int = field(default=60)


def init(path: Path, *more: str) -> str:
    plan = path.with_name("plan.toml")
    done = CliRunner().invoke(app, ["init", str(path), "--out", str(plan), *more])
    assert done.exit_code == 0, done.stderr
    text = plan.read_text(encoding="utf-8")
    for gap in gaps_in(text):
        assert gap in done.stdout
    return text


def taken(text: str) -> dict[str, str | None]:
    """The columns that a plan names without a gap."""
    plan = tomllib.loads(text)
    named = {
        "id": plan["evaluation_set"].get("id"),
        "label": plan["evaluation_set"].get("label"),
        "score": plan["detector"].get("score"),
        "decision": plan["detector"].get("decision"),
        **{feature: section["column"] for feature, section in plan["groups"].items()},
    }
    return {role: name for role, name in named.items() if name is not None and not name.startswith(WRITE_HERE)}


def gaps(text: str) -> set[str]:
    return {gap.partition(": ")[2] for gap in gaps_in(text)} - ALWAYS


IDS = [f"k{n:03}" for n in range(60)]
HALF = [n % 2 for n in range(60)]
SCORES = [f"0.{n:03}" for n in range(60)]
CODES = ("NGA", "GHA", "FRA", "DEU", "MLI")
SHAPES = {
    "dates": Shape(
        {"caso": IDS, "fecha": [f"2024-01-{n % 28 + 1:02}" for n in range(60)], "victima": ["sí", "no"] * 30,
         "puntaje": SCORES, "sexo": ["mujer", "hombre"] * 30, "país": ["Nigeria", "Ghana", "Perú"] * 20},
        {"id": "caso", "label": "victima", "score": "puntaje", "gender": "sexo", "nationality": "país"},
        {"detector.threshold"},
        ('label_positive = ["sí"]', 'label_negative = ["no"]'),
        delimiter=";", encoding="utf-8",
    ),
    "cp1252 and semicolons": Shape(
        {"caso": IDS, "explotación": HALF, "puntuación": SCORES, "género": ["mujer", "hombre"] * 30,
         "país de origen": ["España", "Perú", "Haití"] * 20},
        {"id": "caso", "label": "explotación", "score": "puntuación", "gender": "género", "nationality": "país de origen"},
        {"evaluation_set.encoding", "detector.threshold"},
        ('delimiter = ";"', "cp1252, if names are spelt rightly when it is read so; it is not utf-8"),
        delimiter=";", encoding="cp1252",
    ),
    "percent signs": Shape(
        {"id": IDS, "label": HALF, "score": [f"{n} %" for n in range(60)], "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "score": "score", "gender": "gender"},
        {"detector.threshold"},
        ("score_range = [0, 100]", "in per cent such as 50"),
    ),
    "decimal commas": Shape(
        {"id": IDS, "label": HALF, "risk": [f"0,{n:03}" for n in range(60)], "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "score": "risk", "gender": "gender"},
        {"detector.threshold"},
        ('decimal = ","',),
        delimiter=";",
    ),
    "commas that may be thousands": Shape(
        {"id": IDS, "label": HALF, "risk": [f"{n},{n + 100:03}" for n in range(60)], "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "gender": "gender"},
        {"detector.score", "detector.score_range", "detector.threshold"},
        ("risk, once its cells are numbers",),
        delimiter=";",
    ),
    "signs of per cent in some cells": Shape(
        {"id": IDS, "label": HALF, "score": [f"{n} %" if n % 2 else f"{n / 100}" for n in range(60)]},
        {"id": "id", "label": "label"},
        {"detector.score", "detector.score_range", "detector.threshold", "groups.gender.column",
         "groups.nationality.column"},
    ),
    "yes and no": Shape(
        {"id": IDS, "trafficked": ["Yes", "No"] * 30, "flagged": ["No", "Yes"] * 30, "sex": ["woman", "man"] * 30},
        {"id": "id", "label": "trafficked", "decision": "flagged", "gender": "sex"},
        set(),
        ('label_positive = ["Yes"]', 'decision_positive = ["Yes"]'),
    ),
    "good and bad": Shape(
        {"id": IDS, "outcome": ["good", "bad"] * 30, "score": SCORES, "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "outcome", "score": "score", "gender": "gender"},
        {"detector.threshold", "evaluation_set.label_positive[1]", "evaluation_set.label_negative[1]"},
        ("values that mean exploitation; they are bad, good",),
    ),
    "two scores": Shape(
        {"id": IDS, "label": HALF, "score_a": SCORES, "model_score": SCORES[::-1], "risk_score": SCORES,
         "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "gender": "gender"},
        {"detector.score", "detector.threshold"},
        ("it could be model_score or risk_score or score_a",),
    ),
    "several columns of 0 and 1": Shape(
        {"id": IDS, "minor": HALF, "debt": [int(n % 3 == 0) for n in range(60)], "alone": HALF[::-1], "score": SCORES,
         "gender": ["woman", "man"] * 30},
        {"id": "id", "score": "score", "gender": "gender"},
        {"detector.threshold", "evaluation_set.label"},
        ("it could be minor or debt or alone",),
    ),
    "a text called label": Shape(
        {"id": IDS, "minor": HALF, "label": ["trafficking", "labour dispute", "unclear"] * 20, "score": SCORES,
         "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "score": "score", "gender": "gender"},
        {"detector.threshold", "evaluation_set.label_positive[1]", "evaluation_set.label_negative[1]"},
        ("values that mean exploitation; they are labour dispute, trafficking, unclear", 'or is it: "minor"?'),
    ),
    "a country with values that are not read": Shape(
        {"id": IDS, "label": HALF, "score": SCORES, "native_country": ["Mexico", "Hong", "South", "Cuba", "Peru", "?"] * 10},
        {"id": "id", "label": "label", "score": "score", "nationality": "native_country"},
        {"detector.threshold"},
        ('3 of its values are not read, such as "?", "Hong", "South":',),
    ),
    "two countries": Shape(
        {"id": IDS, "label": HALF, "score": SCORES, "origin": CODES * 12, "pays": CODES[::-1] * 12},
        {"id": "id", "label": "label", "score": "score"},
        {"detector.threshold", "groups.nationality.column"},
        ("it could be origin or pays",),
    ),
    "German, by tabs": Shape(
        {"Fallnummer": IDS, "Opfer": ["ja", "nein"] * 30, "Risikowert": [f"0,{n:03}" for n in range(60)],
         "Geschlecht": ["weiblich", "männlich"] * 30, "Staatsangehörigkeit": CODES * 12},
        {"id": "Fallnummer", "label": "Opfer", "score": "Risikowert", "gender": "Geschlecht",
         "nationality": "Staatsangehörigkeit"},
        {"detector.threshold"},
        (r'delimiter = "\t"', 'label_positive = ["ja"]'),
        delimiter="\t",
    ),
    "Portuguese": Shape(
        {"código": IDS, "vítima": ["sim", "não"] * 30, "pontuação": SCORES, "gênero": ["mulher", "homem"] * 30},
        {"id": "código", "label": "vítima", "score": "pontuação", "gender": "gênero"},
        {"detector.threshold"},
        ('label_negative = ["não"]',),
    ),
    "Arabic": Shape(
        {"رقم": IDS, "ضحية": ["نعم", "لا"] * 30, "درجة": SCORES, "الجنسية": CODES * 12},
        {"id": "رقم", "label": "ضحية", "score": "درجة", "nationality": "الجنسية"},
        {"detector.threshold"},
        ('label_positive = ["نعم"]',),
    ),
    "Russian": Shape(
        {"номер": IDS, "жертва": ["да", "нет"] * 30, "риск": SCORES, "гражданство": ["граждане России", "Украина"] * 30},
        {"id": "номер", "label": "жертва", "score": "риск", "nationality": "гражданство"},
        {"detector.threshold"},
    ),
    "names in camel case, a score and a decision": Shape(
        {"caseId": IDS, "isTrafficked": ["true", "false"] * 30, "modelProbability": SCORES, "modelDecision": HALF,
         "genderIdentity": ["woman", "man"] * 30},
        {"id": "caseId", "label": "isTrafficked", "score": "modelProbability", "gender": "genderIdentity"},
        {"detector.threshold"},
        ('# In place of score and threshold: decision = "modelDecision"',),
    ),
    "logits": Shape(
        {"id": IDS, "y": HALF, "logit": [f"{n / 7 - 4:.3f}" for n in range(60)], "iso3": CODES * 12},
        {"id": "id", "label": "y", "score": "logit", "nationality": "iso3"},
        {"detector.score_range", "detector.threshold"},
    ),
    "labels and predictions of three classes": Shape(
        {"id": IDS, "true_label": ["trafficking", "smuggling", "none"] * 20,
         "predicted_label": ["none", "smuggling", "trafficking"] * 20, "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "true_label", "gender": "gender"},
        {"detector.kind", "evaluation_set.label_positive[1]", "evaluation_set.label_negative[1]"},
    ),
    "whole scores up to 100": Shape(
        {"id": IDS, "confirmed": HALF, "score": [n * 100 // 59 for n in range(60)], "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "confirmed", "score": "score", "gender": "gender"},
        {"detector.score_range", "detector.threshold"},
    ),
    "no ids, and labels that are missing": Shape(
        {"label": ["1", "0", "NA"] * 20, "score": SCORES[:30] * 2, "gender": ["woman", "man"] * 30},
        {"label": "label", "score": "score", "gender": "gender"},
        {"detector.threshold", "evaluation_set.id"},
        ('label_missing = ["NA"]',),
    ),
    "two labels": Shape(
        {"ref": IDS, "label_ngo": HALF, "label_police": HALF[::-1], "alert": HALF, "sex": ["woman", "man"] * 30},
        {"id": "ref", "decision": "alert", "gender": "sex"},
        {"evaluation_set.label"},
        ("it could be label_ngo or label_police",),
    ),
    "a flag of citizenship": Shape(
        {"id": IDS, "exploited": HALF, "flagged": HALF[::-1], "citizen": [int(n % 3 == 0) for n in range(60)]},
        {"id": "id", "label": "exploited", "decision": "flagged", "status": "citizen"},
        {"groups.status.map.1", "groups.status.map.0"},
        ('coding = "relation"',),
    ),
    "a score of the model, and what it led to": Shape(
        {"N.º de expediente": IDS, "¿Víctima confirmada?": ["Sí", "No"] * 30, "Puntuación del modelo": SCORES,
         "Alerta": ["No", "Sí"] * 30, "Sexo": ["H", "M"] * 30},
        {"id": "N.º de expediente", "label": "¿Víctima confirmada?", "score": "Puntuación del modelo", "gender": "Sexo"},
        {"detector.threshold"},
        ('# In place of score and threshold: decision = "Alerta"', '"M" = "woman"'),
    ),
    "a decision, and what may be its score": Shape(
        {"id": IDS, "label": HALF, "flagged": HALF[::-1], "closeness": SCORES, "sex": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "decision": "flagged", "gender": "sex"},
        set(),
        ('# In place of decision: score, with threshold, could be "closeness"',),
    ),
    "credit": Shape(
        {"ref": IDS, "foreign_worker": ["yes", "no"] * 30, "class": ["good", "bad"] * 30, "prob_bad": SCORES},
        {"id": "ref", "status": "foreign_worker"},
        {"detector.score", "detector.threshold", "evaluation_set.label",
         "groups.status.map.yes", "groups.status.map.no"},
    ),
    "Russian, with abbreviations": Shape(
        {"Номер дела": IDS, "Признана жертвой": ["да", "нет"] * 30, "Вероятность": SCORES, "Пол": ["жен.", "муж."] * 30},
        {"id": "Номер дела", "label": "Признана жертвой", "score": "Вероятность", "gender": "Пол"},
        {"detector.threshold"},
        ('"жен." = "woman"',),
    ),
    "German, with a file number of digits beside notes": Shape(
        {"Aktenzeichen": [f"{n:06d}" for n in range(60)], "Opfer": ["ja", "nein"] * 30, "Risikowert": SCORES,
         "Geschlecht": ["Frau", "Mann"] * 30, "Notiz": [f"Gespräch {n}" for n in range(60)]},
        {"id": "Aktenzeichen", "label": "Opfer", "score": "Risikowert", "gender": "Geschlecht"},
        {"detector.threshold"},
    ),
    "scores with a cell that is no number, which a run would name": Shape(
        {"id": IDS, "label": HALF, "risk": [*map(str, SCORES[:59]), "n/a"], "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "gender": "gender"},
        {"detector.score", "detector.threshold"},
        ("it could be risk",),
    ),
    "scores of two values": Shape(
        {"id": IDS, "label": HALF, "risk": ["0.2", "0.7"] * 30, "gender": ["woman", "man"] * 30},
        {"id": "id", "label": "label", "score": "risk", "gender": "gender"},
        {"detector.threshold"},
    ),
    "nothing that could be a label": Shape(
        {"row": IDS, "when": [f"{n % 28 + 1}.1.2024" for n in range(60)], "amount": [f"{n * 17}" for n in range(60)]},
        {"id": "row"},
        {"detector.kind", "evaluation_set.label", "groups.gender.column", "groups.nationality.column"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    text: str
    cells: dict[str, str]
    decides: set[str]
    says: tuple[str, ...] = ()


MINISTRY = """sexo;procedencia;víctimas;víctimas detectadas;no víctimas;señaladas por error
mujeres;España;412;331;3204;290
mujeres;Unión Europea;236;186;1410;131
mujeres;resto de Europa;61;45;320;34
mujeres;África;310;165;1417;205
mujeres;América Latina;388;300;2117;245
mujeres;Asia;<10;<10;<10;0
mujeres;no consta;14;0;52;0
hombres;España;204;161;2804;250
hombres;Unión Europea;120;95;1210;111
hombres;resto de Europa;22;16;120;<10
hombres;África;180;140;917;90
hombres;América Latina;150;118;1217;125
hombres;Asia;30;<10;210;21
hombres;no consta;<10;0;31;<10
"""
"""A table as a ministry would give it out, made up. By its regions it fails, and by sex alone it passed."""
TABLES = {
    "English": Table(
        "gender,nationality,TP,FP,FN,TN\nwoman,Nigeria,90,40,30,360\nman,Ghana,61,30,<10,270\n",
        {"true_positives": "TP", "false_positives": "FP", "false_negatives": "FN", "true_negatives": "TN"},
        set(),
        ('column = "nationality"', "<10 says it itself"),
    ),
    "that of our example, where 0 stands for less than 10": Table(
        (Path(__file__).parents[2] / "examples" / "table-of-counts" / "table.csv").read_text(encoding="utf-8"),
        {"positives": "signs_confirmed", "true_positives": "signs_flagged", "negatives": "no_signs",
         "false_positives": "no_signs_flagged"},
        {"groups.origin.coding", "evaluation_set.suppressed.0"},
        ("or a small number too: [0, 9]?",),
    ),
    "Spanish, and who was flagged is not said": Table(
        "sexo;nacionalidad;víctimas;detectadas;otros;señalados\nmujer;Nigeria;120;90;400;40\nhombre;Ghana;80;60;1 300;*\nTotal;Total;200;150;1 700;60\n",
        {"positives": "víctimas", "true_positives": "detectadas", "negatives": "otros"},
        {"evaluation_set.cells.false_positives", 'evaluation_set.suppressed."*"'},
        ("it could be señalados",),
    ),
    "regions, and 0 beside <10": Table(
        MINISTRY,
        {"positives": "víctimas", "true_positives": "víctimas detectadas", "negatives": "no víctimas",
         "false_positives": "señaladas por error"},
        {"groups.procedencia.coding",
         "evaluation_set.suppressed.0"},
        ('rows that differ in "procedencia" alone are added up', '"no consta", "resto de Europa"', "[0, 0]"),
    ),
    "0 beside small numbers that are seen": Table(
        "gender,nationality,TP,FP,FN,TN\nwoman,Nigeria,90,0,7,360\nman,Ghana,61,30,<10,270\n",
        {"true_positives": "TP", "false_positives": "FP", "false_negatives": "FN", "true_negatives": "TN"},
        set(),
        ("# Where 0 stands for a small number",),
    ),
    "0 beside a mark": Table(
        "gender,nationality,TP,FP,FN,TN\nwoman,Nigeria,90,0,17,360\nman,Ghana,61,30,*,270\n",
        {"true_positives": "TP", "false_positives": "FP", "false_negatives": "FN", "true_negatives": "TN"},
        {'evaluation_set.suppressed."*"', "evaluation_set.suppressed.0"},
    ),
    "numbers that are not known, and years": Table(
        "nationality;year;victims;found;some;any;rate\nNGA;2022;120;90;40;400;0.75\nNGA;2023;80;61;33;300;0.76\n"
        "FRA;2022;90;71;22;190;0.79\nFRA;2023;70;52;21;200;0.74\n",
        {"positives": "victims", "true_positives": "found"},
        {"groups.year.coding", "evaluation_set.cells.negatives", "evaluation_set.cells.false_positives"},
        ("it could be some or any; if none is, take out the numbers of others", '#   "rate"  (not used)'),
    ),
    "others without their errors": Table(
        "nationality;victims;found;others;mistakes\nNGA;120;90;400;40\nFRA;80;61;300;33\n",
        {"positives": "victims", "true_positives": "found", "negatives": "others"},
        {"evaluation_set.cells.false_positives"},
        ("it could be mistakes",),
    ),
    "others alone, of which no rate is made": Table(
        "nationality;victims;found;others\nNGA;120;90;400\nFRA;80;61;300\n",
        {"positives": "victims", "true_positives": "found"},
        set(),
        ('#   "others"  (not used)',),
    ),
    "years that only few rows share": Table(
        "gender;year;TP;FN;agreed\nwoman;2022;90;30;17\nwoman;2023;80;19;18\nman;2023;61;22;16\n",
        {"true_positives": "TP", "false_negatives": "FN"},
        {"groups.year.coding", "groups.agreed.coding", "evaluation_set.cells.negatives",
         "evaluation_set.cells.false_positives"},
    ),
    "two columns of countries": Table(
        "origin;pays;victims;missed\nNigeria;France;120;30\nGhana;France;80;19\nNigeria;Italie;90;11\n",
        {"positives": "victims", "false_negatives": "missed"},
        {"groups.origin.coding", "groups.pays.coding"},
    ),
    "a name of a group in another script": Table(
        "المنطقة;2nd;TP;FN\nشمال;a;90;30\nجنوب;b;80;19\n",
        {"true_positives": "TP", "false_negatives": "FN"},
        {"groups.\"المنطقة\".coding", "groups.group_2.coding"},
    ),
    "Spanish abbreviations": Table(
        "Sexo,País de origen,VP,FN,FP,VN\nmujer,Nigeria,90,30,40,360\nmujer,Perú,50,20,30,260\nhombre,Ghana,61,19,30,270\n",
        {"true_positives": "VP", "false_negatives": "FN", "false_positives": "FP", "true_negatives": "VN"},
        set(),
        ('column = "País de origen"',),
    ),
    "one side alone, one row a country": Table(
        "citizenship,victims,missed\nNGA,120,30\nGHA,80,19\nFRA,90,11\n",
        {"positives": "victims", "false_negatives": "missed"},
        set(),
    ),
}  # fmt: skip


def filled(text: str, written: Mapping[str, object]) -> str:
    """A plan with every gap filled."""
    lines = text.splitlines()
    for gap in gaps_in(text):
        line, key = int(gap.partition(": ")[0].removeprefix("line ")), gap.partition(": ")[2]
        lines[line - 1] = f"{lines[line - 1].partition(' = ')[0]} = {json.dumps(written.get(key, 'an office'))}"
    return "\n".join(lines)


@pytest.mark.parametrize("name", TABLES)
def test_each_table_of_counts(name: str, tmp_path: Path) -> None:
    shape = TABLES[name]
    (tmp_path / "table.csv").write_text(shape.text, encoding="utf-8")
    text = init(tmp_path / "table.csv")
    section = tomllib.loads(text)["evaluation_set"]
    cells = {cell: name for cell, name in section["cells"].items() if not name.startswith(WRITE_HERE)}
    assert (section["counts"], cells, "path" in section) == ("table.csv", shape.cells, False)
    assert gaps(text) == shape.decides
    metrics = [rule["metric"] for rule in tomllib.loads(text)["rules"]]
    assert metrics == ["true_positive_rate", *["false_positive_rate"] * (len(section["cells"]) > 2)]
    for words in shape.says:
        assert words in text


def test_a_drafted_table_of_counts_is_audited_once_its_gaps_are_filled(tmp_path: Path) -> None:
    rows = "".join(f"{sex};{land};900;{800 - 40 * at};2000;200\n" for at, (sex, land) in enumerate(
        (sex, land) for sex in ("mujer", "hombre") for land in ("Nigeria", "Perú")))  # fmt: skip
    (tmp_path / "tabla.csv").write_text(f"sexo;país;víctimas;detectadas;otros;señalados\n{rows}", encoding="cp1252")
    text = init(tmp_path / "tabla.csv")
    written = {
        "audit.use": "victim-identification", "audit.route": "both", "groups.gender.map.mujer": "woman",
        "groups.gender.map.hombre": "man", "evaluation_set.cells.false_positives": "señalados",
        "evaluation_set.encoding": "cp1252",
    }  # fmt: skip
    (tmp_path / "plan.toml").write_text(filled(text, written), encoding="utf-8")
    result = run_audit(tmp_path / "plan.toml")
    assert (result.rows[0].read, result.rows[0].labelled) == (11_600, 11_600)
    assert next(one.value for one in result.estimates if one.metric == "true_positive_rate") == 2960 / 3600


@pytest.mark.parametrize("zero", [[0, 0], [0, 9]])
def test_no_column_is_lost_between_a_table_and_its_verdict(zero: list[int], tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(MINISTRY, encoding="utf-8")
    text = init(tmp_path / "table.csv")
    written = {
        "audit.use": "victim-identification", "audit.route": "services", "evaluation_set.suppressed.0": zero,
        "groups.gender.map.mujeres": "woman", "groups.gender.map.hombres": "man",
        "groups.procedencia.coding": "categorical",
    }  # fmt: skip
    (tmp_path / "plan.toml").write_text(filled(text, written), encoding="utf-8")
    result = run_audit(tmp_path / "plan.toml")
    failed = result.to_frame().query("outcome == 'fail'")
    assert (result.overall.outcome, set(failed["procedencia"].dropna())) == ("fail", {"África"})


@pytest.mark.parametrize("column", MINISTRY.partition("\n")[0].split(";"))
def test_a_column_with_a_strange_name_is_asked_about(column: str, tmp_path: Path) -> None:
    header, rows = MINISTRY.split("\n", 1)
    strange = ";".join("zq7" if name == column else name for name in header.split(";"))
    (tmp_path / "table.csv").write_text(f"{strange}\n{rows}", encoding="utf-8")
    asked = {key: value for key, value in leaves(tomllib.loads(init(tmp_path / "table.csv"))) if "zq7" in str(value)}
    if column == "sexo":
        assert asked == {("groups", "gender", "column"): "zq7"}  # by its values
    elif column == "procedencia":
        assert asked.keys() >= {("groups", "zq7", "column"), ("groups", "zq7", "coding")}
    else:
        assert [str(value)[:10] for value in asked.values()] == [WRITE_HERE]


def test_columns_that_are_not_used_are_counted_at_the_end(tmp_path: Path) -> None:
    shape = TABLES["numbers that are not known, and years"]
    (tmp_path / "table.csv").write_text(shape.text, encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "table.csv"), "--out", str(tmp_path / "plan.toml")])
    assert '1 column is not used, and no verdict is by it: "rate"' in done.stdout
    rows = "\n".join(
        f"{one},{label},{label / 3:.2f}{int(one[1:])},{('woman', 'man')[label]},r{label}"
        for one, label in zip(IDS, HALF, strict=True)
    )
    (tmp_path / "set.csv").write_text(f"id,label,score,gender,region\n{rows}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "set.csv"), "--out", str(tmp_path / "two.toml")])
    assert '1 column is not used, and no verdict is by it: "region"' in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gender,label,prediction,n\nwoman,1,1,90\nwoman,1,0,32\nman,0,1,40\n", "If each row is a group and no case"),
        (
            "Country,Sex,Year,VALUE\nAlbania,Female,2020,<5\nAlbania,Male,2020,22\nMali,Male,2020,31\n",
            "If each row is a group",
        ),
        ("k-1,17,0.324\nk-2,30,0.5\nk-3,41,0.6\n", "Some columns are called by numbers"),
    ],
)
def test_what_is_no_set_of_cases_is_said_to_be_perhaps_none(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "set.csv"), "--out", str(tmp_path / "plan.toml")])
    assert done.exit_code == 0
    assert says in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Informe del ministerio 2023\n" + MINISTRY, "the headers seem to stand in row 2, below a title"),
        ("Informe del ministerio 2023;;;;;\n;;;;;\n" + MINISTRY, "the headers seem to stand in row 3, below a title"),
        ("Informe del ministerio 2023\n\n" + MINISTRY, "the headers seem to stand in row 3, below a title"),
        ("k-1,woman,si,0.324\n" + "k-2,man,no,0.5\nk-3,woman,si,0.6\n" * 9, "so that the first row seems to be a case"),
        (MINISTRY.replace("1410", "1.410"), "numbers with a point between thousands, such as 1.410, in row 2"),
        (MINISTRY.replace("procedencia", ""), "column 2 has no name"),
    ],
)
def test_a_table_in_which_something_would_be_lost_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "table.csv"), "--out", str(tmp_path / "plan.toml")])
    assert (done.exit_code, done.stderr.count("\n")) == (4, 1)
    assert says in done.stderr
    assert not (tmp_path / "plan.toml").exists()


def test_columns_of_lists_are_named_and_not_dropped_in_silence(tmp_path: Path) -> None:
    rows = [json.dumps({"id": one, "label": n, "nationality": ["NGA"]}) for one, n in zip(IDS, HALF, strict=True)]
    (tmp_path / "set.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert '# Of lists, and not looked at: "nationality"' in init(tmp_path / "set.jsonl")


def test_rows_with_names_of_counts_are_no_table_of_counts(tmp_path: Path) -> None:
    rows = "\n".join(f"{one},{label},{label}" for one, label in zip(IDS, HALF, strict=True))
    (tmp_path / "set.csv").write_text(f"id,victims,found\n{rows}\n", encoding="utf-8")
    assert tomllib.loads(init(tmp_path / "set.csv"))["evaluation_set"]["path"] == "set.csv"


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_of_file(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=shape.delimiter)
    writer.writerow(shape.columns)
    writer.writerows(zip(*shape.columns.values(), strict=True))
    (tmp_path / "set.csv").write_bytes(text.getvalue().encode(shape.encoding))
    plan = init(tmp_path / "set.csv")
    assert taken(plan) == shape.takes
    assert gaps(plan) == shape.decides
    for words in shape.says:
        assert words in plan


def test_names_of_people_in_a_table_with_numbers_are_not_written(tmp_path: Path) -> None:
    names = [f"{first} Canary" for first in ("Ana", "Blessing", "Maria", "Olena", "Thu", "Mai")]
    lines = [
        f"{name},{('NGA', 'VNM')[place % 2]},{2 + place},{place % 3},{'' if place else 'met Canary'}"
        for place, name in enumerate(names)
    ]
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(["survivor,nationality,victims,identified,notes", *lines]))
    drafted = init(path)
    assert 'counts = "cases.csv"' in drafted
    assert '"survivor"' in drafted
    assert "Canary" not in drafted


def test_a_value_that_stands_in_one_row_is_counted_and_not_shown(tmp_path: Path) -> None:
    rows = [
        f"{one},{label},{('Peru', 'Cuba', 'Atlantis')[n % 3] if n else 'Zq7canary'}"
        for n, (one, label) in enumerate(zip(IDS, HALF, strict=True))
    ]
    (tmp_path / "set.csv").write_text("\n".join(["id,label,country", *rows]))
    plan = init(tmp_path / "set.csv")
    assert '2 of its values are not read, such as "Atlantis":' in plan
    assert "Zq7canary" not in plan


def test_the_encoding_is_taken_where_somebody_says_it(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes("id;género\na;mujer\nb;hombre\n".encode("cp1252"))
    assert "evaluation_set.encoding" in gaps(init(tmp_path / "set.csv"))
    said = init(tmp_path / "set.csv", "--encoding", "cp1252", "--force")
    assert tomllib.loads(said)["evaluation_set"]["encoding"] == "cp1252"
    assert "evaluation_set.encoding" not in gaps(said)
    (tmp_path / "set.csv").write_text("id;género\na;mujer\nb;hombre\n", encoding="utf-16")
    assert "utf-16, if names are spelt rightly" in init(tmp_path / "set.csv", "--force")


def test_a_spreadsheet_with_spanish_names(tmp_path: Path) -> None:
    rows = [
        [f"{n:03}", "sí" if n % 2 else "no", n / 100, "mujer", "Perú", '<c s="1"><v>45351</v></c>'] for n in range(40)
    ]
    header = ["expediente", "víctima", "puntaje", "sexo", "nacionalidad", "fecha"]
    path = write_xlsx(tmp_path / "casos.xlsx", {"casos": [header, *rows], "notas": [["x"]]})
    done = CliRunner().invoke(app, ["init", str(path), "--out", str(tmp_path / "plan.toml")])
    assert done.exit_code == 4
    assert 'has 2 sheets and does not say which one is meant: "casos", "notas"' in done.stderr
    for command in (
        ["init"],
        ["codes", "--column", "id"],
        ["look", "--label", "id", "--decision", "x", "--gender", "y"],
    ):
        (tmp_path / "set.csv").write_text("id,x,y\n1,1,woman\n")
        done = CliRunner().invoke(app, [command[0], str(tmp_path / "set.csv"), *command[1:], "--sheet", "casos"])
        assert (done.exit_code, done.stderr) == (
            4,
            "error: set.csv is no spreadsheet, and has no sheets — leave the sheet out\n",
        )
    plan = init(path, "--sheet", "casos")
    assert tomllib.loads(plan)["evaluation_set"]["sheet"] == "casos"
    assert taken(plan) == {
        "id": "expediente", "label": "víctima", "score": "puntaje", "gender": "sexo", "nationality": "nacionalidad",
    }  # fmt: skip
    read = CliRunner().invoke(app, ["codes", str(path), "--column", "nacionalidad", "--sheet", "casos"])
    assert read.exit_code == 0, read.stderr
    assert "Peru" in read.stdout


REAL = {
    "compas_two_years_deid.csv": (
        {"id": "row_id", "gender": "sex"},
        {"detector.score", "detector.threshold", "evaluation_set.label"},
        ("it could be decile_score or v_decile_score", "is_recid or two_year_recid"),
    ),
    "ctdc_kanon_2012_2018_victims.csv": (
        {"gender": "gender", "nationality": "citizenship"},
        {"detector.kind", "evaluation_set.id", "evaluation_set.label"},
        ("it could be isForcedLabour", 'not read, such as "0"'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, tmp_path: Path) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} in {SHARED}")
    (tmp_path / name).symlink_to(SHARED / name)
    plan = init(tmp_path / name)
    takes, decides, says = REAL[name]
    assert taken(plan) == takes
    assert gaps(plan) == decides
    for words in says:
        assert words in plan
