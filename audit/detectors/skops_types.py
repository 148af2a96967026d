"""The types that a .skops file may contain, estimator by estimator, and a check of the trees in a model.

skops loads only types on a list. Its own list covers most of scikit-learn. The pinned list here adds the types that
common estimators need besides. It is written by hand: a file can never give itself permission.

Trees need a further check. scikit-learn follows the node numbers of a tree without checking that they exist, so that a
crafted file can crash the process or read foreign memory (scikit-learn pull request 34558). `check_trees` checks them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from audit.errors import DetectorError

ALLOWED: Final[frozenset[str]] = frozenset(
    chain.from_iterable(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).values())
)
"""Types in the files of some estimators beyond those that skops trusts; `skops_types.toml` says of which."""


def objects_of(model: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every object in a model with the objects around it, outermost first; each object once in each place."""
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(model, ())]
    seen: set[tuple[int, ...]] = set()
    while waiting:
        part, around = waiting.pop()
        id_path = (id(part), *map(id, around))
        if id_path in seen or any(part is outer for outer in around):
            continue
        seen.add(id_path)
        if isinstance(part, dict):
            inside = list(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            inside = list(part)
        elif isinstance(part, np.ndarray):
            inside = list(part.flat) if part.dtype == np.dtype(object) else []
        elif isinstance(part, str | bytes | int | float | type(None) | type):
            continue
        else:
            yield part, around
            inside, around = list(getattr(part, "__dict__", {}).values()), (*around, part)
        waiting.extend((child, around) for child in inside)


def check_trees(model: Any, file: str) -> None:
    """Refuse a model with a tree whose nodes point outside the tree, back towards its root, or outside the columns.

    Raises
    ------
    DetectorError
        The model has such a tree. No scikit-learn estimator grows one.
    """
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree._tree import Tree

    checks = {Tree: _tree_is_sound, TreePredictor: _predictor_is_sound}
    for part, around in objects_of(model):
        check = checks.get(type(part))
        if check is not None and not check(part, around):
            raise DetectorError(
                f"{file}: a tree in the model has nodes that point where nothing is", slug="detector-tree"
            )


def _tree_is_sound(tree: Any, around: tuple[Any, ...]) -> bool:
    if not 1 <= tree.node_count <= tree.capacity:
        return False
    inner = tree.children_left != -1
    return _nodes_are_sound(
        inner, tree.children_left, tree.children_right, tree.feature, columns=min(tree.n_features, _columns(around))
    )


def _predictor_is_sound(predictor: Any, around: tuple[Any, ...]) -> bool:
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets
    if not isinstance(nodes, np.ndarray) or nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not len(nodes):
        return False
    if not isinstance(bitsets, np.ndarray) or bitsets.ndim != 2 or bitsets.shape[1] != 8:
        return False
    inner = nodes["is_leaf"] == 0
    if not _nodes_are_sound(inner, nodes["left"], nodes["right"], nodes["feature_idx"], columns=_columns(around)):
        return False
    by_category = inner & (nodes["is_categorical"] != 0)
    return bool(
        (nodes["bitset_idx"][by_category] < len(bitsets)).all()
        and _categorical(around)[nodes["feature_idx"][by_category]].all()
    )


def _nodes_are_sound(inner: Any, left: Any, right: Any, column: Any, *, columns: int) -> bool:
    """Whether children come after their parent and within the tree, so that each walk ends, and the columns exist."""
    nodes = np.arange(len(inner), dtype=np.int64)
    children_exist = all(
        ((child.astype(np.int64) > nodes) & (child.astype(np.int64) < len(inner)))[inner].all()
        for child in (left, right)
    )
    return children_exist and bool(((column >= 0) & (column < columns))[inner].all())


def _columns(around: tuple[Any, ...]) -> int:
    """Number of columns that every estimator around the tree passes on to it unchanged."""
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.tree import BaseDecisionTree

    owners = BaseDecisionTree | BaseForest | BaseGradientBoosting | BaseHistGradientBoosting
    taken = [getattr(owner, "n_features_in_", 0) for owner in around if isinstance(owner, owners)]
    return min((count if isinstance(count, int) else 0 for count in taken), default=0)


def _categorical(around: tuple[Any, ...]) -> Any:
    """bool[columns]: whether the booster around the tree bins the column as categories."""
    binner = getattr(around[-1], "_bin_mapper", None) if around else None
    mask = getattr(binner, "is_categorical_", None)
    if not isinstance(mask, np.ndarray):
        return np.zeros(_columns(around), dtype=np.bool_)
    return mask.astype(np.bool_)
