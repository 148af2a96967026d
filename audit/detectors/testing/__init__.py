"""The contract of a detector as a test: for packages that offer a kind of their own. It needs nothing but audit7k.

    from audit.detectors.testing import check_detector, detector_maker

    def test_contract(tmp_path):
        section = {"kind": "mykind", "features": ["text"], "threshold": 0.5, "options": {"words": ["passport"]}}
        check_detector(detector_maker(section, tmp_path), {"text": ["one", "two", "three", "four"]})

`check_detector` raises AssertionError with a line for each broken promise; `examine_detector` returns a report.
With pytest, a class shows every promise as a test of its own:

    class TestMyDetector(DetectorContract):
        def make(self):
            return MyDetector(...)
        def rows(self):
            return {"text": ["one", "two", "three", "four"]}

The promises are those of `audit.detectors.protocol`, each with its words in `Promise`. The example rows should be made
up: if the detector breaks a promise by raising an error, the traceback shows that error as well. A detector is made and
opened about ten times, and each row is asked about about ten times. Empty batches are not sent, because the harness
sends none. Nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from audit.detectors.protocol import Answers, Detector
from audit.detectors.registry import make_detector
from audit.detectors.testing.contract import PATIENCE, TOLERANCE, examine_detector
from audit.detectors.testing.made_batches import Rows
from audit.detectors.testing.promises import ContractReport, Finding, Promise
from audit.plan.detectors import Detector as AnySection

__all__ = [
    "ContractReport",
    "DetectorContract",
    "Finding",
    "Promise",
    "check_detector",
    "detector_maker",
    "examine_detector",
]


def check_detector(
    make: Callable[[], Detector],
    rows: Rows,
    *,
    answers: Answers | tuple[str, ...] = "score",
    score_range: tuple[float, float] = (0.0, 1.0),
    batch_size: int | None = None,
    folder: Path | None = None,
    tolerance: float = TOLERANCE,
    patience: float = PATIENCE,
) -> ContractReport:
    """Test every promise of the protocol.

    Parameters
    ----------
    make : callable
        Makes a new detector, not yet opened, each time it is called.
    rows : RecordBatch, Table or mapping of columns
        Four example rows or more, made up, with the features and nothing else. The detector should answer some of them.
    answers : {"score", "decision", "ordinal"} or tuple of str
        The kind of answers; for a detector that answers with classes, the names of all classes.
    score_range : (float, float)
        Lowest and highest score.
    batch_size : int, optional
        Rows of a batch; by default two thirds of the rows, so that the last batch is shorter.
    folder : Path, optional
        The folder of the plan; an empty one by default.
    tolerance : float
        Largest difference of a score between two ways to cut the rows into batches.
    patience : float
        Seconds in which threads, child processes and calls must end after `close`.

    Raises
    ------
    AssertionError
        Promises are broken. The message has a line for each.
    TypeError, ValueError
        The detector is never run over batches, or the rows are too few.
    """
    report = examine_detector(
        make,
        rows,
        answers=answers,
        score_range=score_range,
        batch_size=batch_size,
        folder=folder,
        tolerance=tolerance,
        patience=patience,
    )
    report.raise_if_broken()
    return report


def detector_maker(section: Mapping[str, Any], folder: Path) -> Callable[[], Detector]:
    """Return a function that makes detectors as a run does: by entry point, from a `[detector]` section of a plan.

    Raises pydantic.ValidationError if the section cannot be in a plan. The returned function raises DetectorError if no
    installed package, or more than one, offers the kind.
    """
    from pydantic import TypeAdapter

    checked: Any = TypeAdapter(AnySection).validate_python(dict(section))

    def make() -> Detector:
        return cast("Detector", make_detector(checked, folder))

    return make


class DetectorContract:
    """A test class for pytest. A subclass defines `make` and `rows`, and every promise is a test of its own."""

    answers: ClassVar[Answers | tuple[str, ...]] = "score"
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    batch_size: ClassVar[int | None] = None
    folder: ClassVar[Path | None] = None
    tolerance: ClassVar[float] = TOLERANCE
    patience: ClassVar[float] = PATIENCE
    _reports: ClassVar[dict[type, ContractReport]] = {}

    def make(self) -> Detector:
        """Make a new detector, not yet opened."""
        raise AssertionError(f"{type(self).__name__} has no method `make`, which makes the detector")

    def rows(self) -> Rows:
        """Return example rows with the features and nothing else."""
        raise AssertionError(f"{type(self).__name__} has no method `rows`, which gives example rows")

    def report(self) -> ContractReport:
        """Return the report. The detector is examined once for all tests of the class."""
        contract = type(self)
        contract_report = DetectorContract._reports.get(contract)
        if contract_report is None:
            contract_report = examine_detector(
                self.make,
                self.rows(),
                answers=contract.answers,
                score_range=contract.score_range,
                batch_size=contract.batch_size,
                folder=contract.folder,
                tolerance=contract.tolerance,
                patience=contract.patience,
            )
            DetectorContract._reports[contract] = contract_report
        return contract_report


def _test_of(promise: Promise) -> Callable[[DetectorContract], None]:
    def test(self: DetectorContract) -> None:
        self.report().raise_if_broken(promise)

    test.__name__ = f"test_{promise}"
    test.__doc__ = f"The promise {promise} is kept."
    return test


for _promise in Promise:
    setattr(DetectorContract, f"test_{_promise}", _test_of(_promise))
