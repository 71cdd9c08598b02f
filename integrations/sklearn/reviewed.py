"""Types in a skops file that need no trust beyond skops's own list, and the check that some need.

Reviewed in scikit-learn 1.4 to 1.9: no `__setstate__`, constructor or later call of these runs
code that the file could bring, or reaches outside of its arrays. Left out on purpose: SciPy's
distributions (they `exec` a template of their state), B-splines, sparse matrices, k-d and ball
trees (compiled code that trusts their indices).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from autolog.errors import UntrustedModel

_TREE = "sklearn.tree._tree.Tree"
_PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"

_NAMES = {
    "functools": "partial",
    "numpy": "dtype mean",
    "sklearn._loss.loss": "HalfTweedieLoss HalfTweedieLossIdentity",
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    "sklearn.cluster._kmeans": "_kmeans_single_lloyd _kmeans_single_elkan",
    "sklearn.compose._column_transformer": "make_column_selector",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_regression r_regression",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels": (
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern Product RBF "
        "RationalQuadratic Sum WhiteKernel"
    ),
    "sklearn.metrics._classification": (
        "accuracy_score balanced_accuracy_score f1_score jaccard_score log_loss "
        "matthews_corrcoef precision_score recall_score"
    ),
    "sklearn.metrics._ranking": "average_precision_score roc_auc_score top_k_accuracy_score",
    "sklearn.metrics._regression": (
        "explained_variance_score max_error mean_absolute_error mean_absolute_percentage_error "
        "mean_squared_error mean_squared_log_error median_absolute_error r2_score "
        "root_mean_squared_error root_mean_squared_log_error"
    ),
    "sklearn.metrics._scorer": "_PassthroughScorer _Scorer",
    "sklearn.model_selection._search_successive_halving": (
        "HalvingGridSearchCV HalvingRandomSearchCV"
    ),
    "sklearn.model_selection._split": (
        "GroupKFold GroupShuffleSplit KFold RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
        "StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit"
    ),
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils.validation": "check_array",
}

REVIEWED = frozenset(
    [f"{module}.{name}" for module, names in _NAMES.items() for name in names.split()]
    + [_TREE, _PREDICTOR]
)


def check_trees(model: Any) -> None:
    """Refuse trees whose nodes lead outside of their arrays or in circles.

    scikit-learn's compiled code follows the numbers in them unchecked, and writes by some of
    them. Raises UntrustedModel.
    """
    for part in _reachable(model):
        kind = f"{type(part).__module__}.{type(part).__qualname__}"
        sound = True
        if kind == _TREE:
            sound = _sound_tree(part)
        elif kind == _PREDICTOR:
            sound = _sound_predictor(part)
        if not sound:
            raise UntrustedModel(f"the nodes of a {kind} do not form a tree: the file was forged")


def _reachable(model: Any) -> Iterator[Any]:
    """All objects below `model`, as the garbage collector sees them, and those in arrays."""
    array = import_module("numpy").ndarray
    seen, waiting = {id(model)}, [model]
    while waiting:
        part = waiting.pop()
        yield part
        below = gc.get_referents(part)
        if isinstance(part, array) and part.dtype.hasobject:
            below += part.ravel().tolist()
        for item in below:
            code = isinstance(item, type | ModuleType | FunctionType | BuiltinFunctionType)
            if not code and id(item) not in seen:
                seen.add(id(item))
                waiting.append(item)


def _sound_tree(tree: Any) -> bool:
    state = tree.__getstate__()
    nodes = state["nodes"]
    inner = nodes["left_child"] != -1
    features = nodes["feature"][inner]
    depth = _depth(nodes["left_child"], nodes["right_child"], inner)
    known = bool(((features >= 0) & (features < tree.n_features)).all())
    return known and depth is not None and depth <= state["max_depth"]


def _sound_predictor(predictor: Any) -> bool:
    nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets
    used = nodes["bitset_idx"][nodes["is_categorical"] != 0]
    inside = bitsets.ndim == 2 and bitsets.shape[1] == 8 and bool((used < len(bitsets)).all())
    known = bool((nodes["feature_idx"] >= 0).all())
    return (
        inside
        and known
        and _depth(nodes["left"], nodes["right"], nodes["is_leaf"] == 0) is not None
    )


def _depth(left: Any, right: Any, inner: Any) -> int | None:
    """How deep the tree of nodes is; None where children are not behind their only parent."""
    np = import_module("numpy")
    count, left, right = len(inner), left.astype(np.int64), right.astype(np.int64)
    parents = np.flatnonzero(inner)
    children = np.concatenate([left[parents], right[parents]])
    behind = (children > np.concatenate([parents, parents])) & (children < count)
    if count == 0 or not behind.all() or len(np.unique(children)) != len(children):
        return None
    depth, level = 0, np.zeros(1, np.int64)
    while len(level := level[inner[level]]):
        level = np.concatenate([left[level], right[level]])
        depth += 1
    return depth
