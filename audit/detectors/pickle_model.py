"""`kind = "pickle"`: a scikit-learn estimator saved with pickle or joblib. Loading it runs any code in the file.

It is asked in the same way as a skops model. It is opened only in the child process, and only if the person who runs
the audit has said `--allow-pickle`. A plan, which may come with the file, cannot allow it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from typing import Any

from audit.detectors.error_names import error_name
from audit.detectors.inside import check_in_child
from audit.detectors.model_file import read_model_file
from audit.detectors.skops_model import SkopsDetector
from audit.errors import DetectorError
from audit.vocabulary.sentences import SENTENCES


class PickleDetector(SkopsDetector):
    """A pickled estimator that is run over the batches, on one thread."""

    _deterministic = _digest_is_whole = False

    def _loaded(self) -> tuple[Any, list[str]]:
        check_in_child("pickle")
        import joblib
        from sklearn.base import BaseEstimator

        content = read_model_file(self._path, self._name, ending=".pkl or .joblib")
        self._sha256 = hashlib.sha256(content).hexdigest()
        notes = [SENTENCES["pickle_loaded"], SENTENCES["model_file_digested"]]
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = joblib.load(io.BytesIO(content))
        except ModuleNotFoundError:
            raise DetectorError(
                f"{self._name} needs a module that is not installed here", slug="detector-not-installed"
            ) from None
        except (Exception, SystemExit) as error:
            raise DetectorError(
                f"{self._name} cannot be loaded ({error_name(error)})", slug="detector-not-pickle"
            ) from error
        if any(warning.category.__name__ == "InconsistentVersionWarning" for warning in caught):
            notes.append("The model was saved with another version of scikit-learn, and can answer otherwise.")
        if not isinstance(model, BaseEstimator):
            raise DetectorError(f"{self._name} holds no scikit-learn estimator", slug="detector-no-estimator")
        return model, notes
