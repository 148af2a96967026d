"""A plan file: what is read, and the one line that each mistake becomes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import jsonschema
import pytest

from audit import load_plan
from audit.cli.pages.json_schemas import plan_schema
from audit.errors import ExitCode, PlanError
from audit.plan.file.plan_file import LARGEST_PLAN, canonical_plan_sha256, parse_plan, read_plan_file

GOOD = (Path(__file__).parent / "small_plan.toml").read_text(encoding="utf-8")


KINDS = (
    '"predictions", "python", "skops", "pickle", "onnx", "mlflow", "transformers", "command", "http", "chat" or "blind"'
)


def error_of(old: str, new: str, *, text: str = GOOD) -> PlanError:
    assert old in text
    with pytest.raises(PlanError) as caught:
        parse_plan(text.replace(old, new, 1), name="plan.toml", folder=Path())
    return caught.value


def test_a_plan_is_read_with_what_was_asked_beside_what_is_used(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(GOOD)
    loaded = read_plan_file(file)
    assert loaded.plan.rules[1].ratio == 0.8
    assert loaded.plan.verdict.min_coverage == 0.80
    assert loaded.as_asked["verdict"] == {"alpha": 0.05}
    assert json.loads(json.dumps(loaded.as_asked)) == loaded.as_asked
    assert loaded.folder == tmp_path
    assert load_plan(str(file)) == loaded.plan


def test_the_folder_is_absolute_for_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "plan.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert read_plan_file("deep/plan.toml").folder == tmp_path / "deep"


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_plan(file) == parse_plan(GOOD, folder=tmp_path).plan


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('owner = "Ministry of Labour"', "", 3, ("audit.owner is missing", "write owner = …", "answers for")),
        ("owner =", "ownr =", 5, ("audit.ownr is not a key", "did you mean owner?")),
        ("[verdict]", "[verdct]", 36, ("verdct", "did you mean verdict?")),
        ("alpha = 0.05", "colour = 1", 37, ("verdict.colour", "[verdict] takes alpha, min_coverage")),
        ("label =", "threshold = 1\nlabel =", 16, ("evaluation_set.threshold", "it belongs in [detector]")),
        ('use = "moderation"', 'use = "moderate"', 6, ("audit.use", 'did you mean "moderation"?', '"supply-chain"')),
        ('use = "moderation"', "use = 3", 6, ("audit.use", '"hotline-triage"')),
        ('"true_positive_rate"', '"recall"', 26, ("rules[1].metric", 'did you mean "true_positive_rate"?')),
        ('"false_positive_rate"', '"fpr"', 30, ("rules[2].metric", 'did you mean "false_positive_rate"?')),
        ("threshold = 0.5", 'threshold = "0.5"', 12, ("detector.threshold must be a number", "flagged when")),
        ("threshold = 0.5", "threshold = true", 12, ("detector.threshold must be a number",)),
        ("threshold = 0.5", "threshold = 7", 12, ("threshold 7 lies outside score_range",)),
        ("threshold = 0.5", "", 8, ("exactly one of `threshold`", "`top_k`")),
        ("threshold = 0.5", "top_k = 0", 12, ("detector.top_k must be at least 1",)),
        ("threshold = 0.5", "top_k = 2.0", 12, ("detector.top_k must be a whole number",)),
        ('features = ["text"]', "features = []", 11, ("detector.features is empty",)),
        ('features = ["text"]', 'features = "text"', 11, ("detector.features must be a list in square brackets",)),
        ('kind = "skops"', 'kind = "skop"', 9, ("detector.kind", 'did you mean "skops"?', '"predictions", "python"')),
        (
            'kind = "skops"',
            "",
            8,
            (
                "detector.kind is missing",
                KINDS,
            ),
        ),
        (
            'kind = "skops"',
            "kind = 3",
            9,
            (
                "detector.kind",
                KINDS,
            ),
        ),
        ('path = "model.skops"', "path = 3", 10, ("detector.path must be text in quotes",)),
        ("min_cases = 30", 'min_cases = "aut"', 24, ('min_cases must be "auto" or a whole number',)),
        ("min_cases = 30", "min_cases = 0", 24, ('min_cases must be "auto" or a number at least 1',)),
        ('column = "sex"', 'column = ""', 19, ("groups.gender.column is empty",)),
        ('F = "woman"', "F = 1", 20, ("groups.gender.map.F must be text in quotes",)),
        ('F = "woman"', 'F = "lady"', 20, ("groups.gender.map", "woman, man, non-binary, unknown")),
        ('["country", "m49', '["region", "m49', 23, ("ladder[1]", 'did you mean "m49-region"?')),
        ('"country", "m49-subregion"', '"m49-region"', 23, ('a ladder starts with "country"',)),
        ("margin = 0.1", "margin = 1.5", 28, ("rules[1].margin must be at most 0.999", "percentage points")),
        ("margin = 0.1", "margin = nan", 28, ("rules[1].margin must be a finite number",)),
        ("margin = 0.1", "margin = 0.1\nratio = 0.8", 25, ("exactly one of `margin`", "`ratio`")),
        ('  "nationality",\n]', '  "nation",\n]', 29, ("rule 2", "no [groups.nation]", "gender, nationality")),
        ('  "nationality",\n]', "  3,\n]", 33, ("rules[2].groups[2] must be text in quotes or a list",)),
        ('title = "Recruitment-advert screener 2.3"', 'title = ""', 4, ("audit.title is empty",)),
        ('title = "Recruitment-advert screener 2.3"', f'title = "{"x" * 201}"', 4, ("at most 200 characters",)),
        ('id = "case_id"', "id = 2024-01-02", 15, ("evaluation_set.id is a date", "put it in quotes")),
        ("[audit]", "[[audit]]", 3, ("audit is not a table", "write [audit] on a line by itself")),
        ("schema = 1", "schema = 2", 2, ("cannot read", "a newer audit7k is needed")),
        ("schema = 1", "schema = true", 2, ("this version reads schema = 1",)),
        ("schema = 1", 'schema = "1"', 2, ("this version reads schema = 1",)),
        ("threshold = 0.5", "threshold = 0.5\nscore_range = [0]", 13, ("detector.score_range is too short",)),
        ("threshold = 0.5", "threshold = 0.5\nscore_range = [0, 1, 2]", 13, ("at most 2",)),
    ],
)
def test_each_mistake_names_key_line_and_what_to_write(old: str, new: str, line: int, words: tuple[str, ...]) -> None:
    said = str(error_of(old, new))
    assert said.startswith(f"plan.toml, line {line}: ")
    assert "\n" not in said
    for word in words:
        assert word in said


def test_the_first_mistake_by_line_is_told_and_the_others_counted() -> None:
    broken = GOOD.replace("alpha = 0.05", "alpha = 7").replace("margin = 0.1", 'margin = "a"').replace("sex", "")
    with pytest.raises(PlanError) as caught:
        parse_plan(broken, name="plan.toml", folder=Path())
    assert str(caught.value).startswith("plan.toml, line 19: groups.gender.column is empty")
    assert str(caught.value).endswith("(and 2 more mistakes in this plan)")


@pytest.mark.parametrize(
    ("added", "line", "words"),
    [
        ('[scan]\ncolumns = ["exploited"]', 2, "scan.columns names the column of the label"),
        ('[scan]\nfeatures = ["gendr"]', 2, "scan.features: no [groups.gendr]"),
        ('[control_features.form]\ncolumn = "sex"', 2, "control_features.form.column names the column of groups"),
        ('[control_sample]\ncolumn = "sex"', 2, "control_sample.column names the column of groups"),
        (
            '[[measures]]\nmetric = "m:f"\ngroups = ["gender"]\n[[measures]]\nmetric = "m:f"\ngroups = ["x"]',
            4,
            "measures 2",
        ),
        ('[deployment]\nprevalence = 2\nsource = "us"', 2, "flagged are also stated at this base rate"),
    ],
)
def test_a_conflict_between_sections_has_a_line_and_its_words_are_whole(added: str, line: int, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(f"{GOOD.rstrip()}\n{added}\n", name="plan.toml", folder=Path())
    assert f"plan.toml, line {len(GOOD.rstrip().splitlines()) + line}:" in str(caught.value)
    assert words in f"{caught.value} {caught.value.hint}"
    assert "?" not in str(caught.value)


def test_a_table_that_is_missing_has_no_line_but_a_header_to_write() -> None:
    error = error_of('[audit]\ntitle = "Recruitment-advert screener 2.3"\nowner = "Ministry of Labour"\n', "")
    assert error.slug in {"plan-missing-key", "plan-unknown-key"}
    with pytest.raises(PlanError, match=r"^plan\.toml: no \[audit\] in this plan"):
        parse_plan("schema = 1\n", name="plan.toml", folder=Path())
    with pytest.raises(PlanError, match=r"^plan\.toml: no schema in this plan — write schema = 1 at the top"):
        parse_plan("", name="plan.toml", folder=Path())


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('title = "R', "title = R", "line 4, column 9", "text needs quotes"),
        ('owner = "Ministry of Labour"', 'owner = "SECRET', "line 5, column 16", "closing quote is missing"),
        ('path = "model', 'path = "C:\\Users\\model', "line 10, column", "write paths with /"),
        ("[audit]", "[audit", "line 3, column", "closing bracket"),
        ("[verdict]", "[audit]", "line 36, column", "declared twice"),
        ("alpha = 0.05", "alpha = 0.05\nalpha = 1", "line 38, column", "a key is written twice"),
        ("alpha = 0.05", "SECRET", "line 37, column", "a key without `=`"),
        ("alpha = 0.05", "alpha = 0.05 SECRET", "line 37, column", "something follows"),
        ("alpha = 0.05", "alpha = 0,05  # SECRET", "line 37", "write it with a point: 0.05"),
        ("alpha = 0.05", f"alpha = {'9' * 5000}", "plan.toml", "not valid TOML"),
        ("alpha = 0.05", f"alpha = {'[' * 5000}", "plan.toml", "not valid TOML"),
        ("alpha = 0.05", f"alpha = {'[' * 300}{']' * 300}", "plan.toml", "nested deeper"),
        ("alpha = 0.05", f"{'a.' * 100_000}a = 1", "plan.toml", "dots"),
    ],
)
def test_a_mistake_of_syntax_has_line_and_column_and_repeats_nothing(
    old: str, new: str, where: str, words: str
) -> None:
    said = str(error_of(old, new))
    assert where in said
    assert words in said
    assert "SECRET" not in said


def test_names_in_a_plan_cannot_write_to_the_terminal() -> None:
    said = str(error_of('id = "case_id"', 'id = "case_id"\n"a\\u001b[31m\\nb" = 1'))
    assert said.isprintable()
    said = str(error_of('"gender", ["gender"', '"gen\\u001b[2J\\nder", ["gender"'))
    assert said.isprintable()


def test_thousands_of_rules_are_refused_at_once() -> None:
    rule = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender"]\nmargin = 0.1\n'
    said = str(error_of("[[rules]]", f"{rule * 3000}[[rules]]"))
    assert "rules must be a list of at most 200" in said


def test_a_very_long_name_is_cut() -> None:
    said = str(error_of('id = "case_id"', f'id = "case_id"\n{"k" * 100_000} = 1'))
    assert len(said) < 1000


def test_files_that_are_no_plans(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no plan at .*absent"):
        load_plan(tmp_path / "absent.toml")
    with pytest.raises(PlanError, match="is a folder"):
        load_plan(tmp_path)
    with pytest.raises(PlanError, match="not a path"):
        load_plan("a\0b")
    file = tmp_path / "plan.toml"
    file.write_bytes(b'schema = 1\ntitle = "Caf\xe9 SECRET"\n')
    with pytest.raises(PlanError, match="line 2: not UTF-8") as caught:
        load_plan(file)
    assert "SECRET" not in str(caught.value)
    file.write_bytes(b"#" * (LARGEST_PLAN + 1))
    with pytest.raises(PlanError, match="larger than 1 MiB"):
        load_plan(file)
    assert caught.value.exit_code is ExitCode.NOT_JUDGED


def test_a_plan_of_the_largest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(GOOD + "#" * (LARGEST_PLAN - len(GOOD)))
    assert load_plan(file).audit.owner == "Ministry of Labour"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_paths_are_relative_to_where_the_plan_was_named(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "named").mkdir()
    (tmp_path / "real" / "plan.toml").write_text(GOOD)
    (tmp_path / "named" / "plan.toml").symlink_to(tmp_path / "real" / "plan.toml")
    assert read_plan_file(tmp_path / "named" / "plan.toml").folder == tmp_path / "named"


def test_the_digest_is_of_what_the_plan_says_and_not_of_how(tmp_path: Path) -> None:
    plain = parse_plan(GOOD, folder=tmp_path).plan
    written = GOOD.replace("[verdict]\nalpha = 0.05", "[verdict]\nmin_coverage = 0.8 # the default\nalpha = 5e-2")
    assert canonical_plan_sha256(parse_plan(written, folder=Path("/elsewhere")).plan) == canonical_plan_sha256(plain)
    other = GOOD.replace("margin = 0.1", "margin = 0.10000000000000002")
    assert canonical_plan_sha256(parse_plan(other, folder=tmp_path).plan) != canonical_plan_sha256(plain)
    waived = parse_plan(GOOD + '[waivers]\nfile = "waivers.toml"\n', folder=tmp_path).plan
    assert waived.waivers.file == Path("waivers.toml")
    assert canonical_plan_sha256(waived) == canonical_plan_sha256(plain)
    used = json.loads(plain.model_dump_json(by_alias=True, exclude={"waivers"}))
    del used["audit"]["respond_by"], used["evaluation_set"]["not_cases"], used["detector"]["files"]
    del used["verdict"]["releases"]
    canonical = json.dumps(used, sort_keys=True, separators=(",", ":"))
    assert canonical_plan_sha256(plain) == hashlib.sha256(canonical.encode()).hexdigest()
    ten = plain.verdict.model_copy(update={"releases": 10})
    assert canonical_plan_sha256(plain.model_copy(update={"verdict": ten})) != canonical_plan_sha256(plain)
    new = plain.evaluation_set.model_copy(update={"not_cases": ("0" * 64,)})
    assert canonical_plan_sha256(plain.model_copy(update={"evaluation_set": new})) != canonical_plan_sha256(plain)


def test_the_schema_of_a_plan_accepts_a_plan_and_refuses_an_unknown_key(tmp_path: Path) -> None:
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    asked = parse_plan(GOOD, folder=tmp_path).as_asked
    jsonschema.validate(asked, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**asked, "rulse": []}, schema)


def test_a_plan_of_before_there_were_files_keeps_its_digest() -> None:
    """The digest is the one that commit 7df5147c gave, which knew no such key."""
    example = read_plan_file(Path(__file__).resolve().parents[2] / "examples" / "python-function" / "plan.toml").plan
    known = "86818cc05e55938a7f4b9220c290d2cb9240ace0d3aff1f3ea2cc6c21e79a589"
    assert canonical_plan_sha256(example) == known
    with_files = example.detector.model_copy(update={"files": (Path("words.txt"),)})
    assert canonical_plan_sha256(example.model_copy(update={"detector": with_files})) != known
