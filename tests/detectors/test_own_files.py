"""The files of a detector that a plan names lead to no file of the audit, whatever links lie in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.runs import made_run

from audit.detectors.own_files import own_files
from audit.errors import DetectorError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import read_plan_file


@pytest.fixture
def placed(tmp_path: Path) -> tuple[AuditPlan, Path]:
    """A plan, in whose folder an earlier audit lies, and another folder beside that."""
    made = made_run(tmp_path / "project")
    restricted = made.folder / "audit-out" / "restricted"
    for folder in (
        restricted / "releases",
        made.folder / "audit-out" / "scoring",
        tmp_path / "elsewhere",
        made.folder / "weights",
    ):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x", encoding="utf-8")
    (restricted / "key").write_text("x", encoding="utf-8")
    (made.folder / "audit-out" / "result.json").write_text("{}", encoding="utf-8")
    return read_plan_file(made.plan).plan, made.folder


def named(plan: AuditPlan, *files: str) -> AuditPlan:
    detector = plan.detector.model_copy(update={"files": tuple(map(Path, files))})
    return plan.model_copy(update={"detector": detector})


@pytest.mark.parametrize(
    "target",
    ["audit-out", "audit-out/restricted", "audit-out/restricted/key", "audit-out/scoring", "..", "../elsewhere"],
)
@pytest.mark.parametrize("linked", [True, False])
def test_no_file_of_the_audit_is_among_them(placed: tuple[AuditPlan, Path], target: str, linked: bool) -> None:
    plan, folder = placed
    if linked:
        (folder / "model").symlink_to(folder / target)
    if not linked and target == "../elsewhere":
        assert own_files(named(plan, target), folder).files
        return
    with pytest.raises(DetectorError) as refused:
        own_files(named(plan, "model" if linked else target), folder)
    assert refused.value.slug == "detector-files"
    assert "\n" not in str(refused.value)


def test_a_link_to_a_file_beside_the_plan_is_one_of_them(placed: tuple[AuditPlan, Path]) -> None:
    plan, folder = placed
    (folder / "model").symlink_to(folder / "weights")
    assert folder / "model" in own_files(named(plan, "model"), folder).files


def test_a_restricted_folder_is_known_without_its_result(placed: tuple[AuditPlan, Path]) -> None:
    plan, folder = placed
    (folder / "audit-out" / "result.json").unlink()
    for name in ("audit-out", "audit-out/restricted", "audit-out/restricted/releases"):
        with pytest.raises(DetectorError):
            own_files(named(plan, name), folder)
