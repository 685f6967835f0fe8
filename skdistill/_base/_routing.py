"""Metadata routing: which arguments of `fit` go to the inner estimators and to the splitter."""

from sklearn import get_config
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .._utils._groups import splitter_for_routing
from .._utils._warnings import warn


def fit_router(owner, cv, /, **receivers):
    """Return a router from `fit` to the `fit` of receivers, and to `split` if `cv` makes folds."""
    to_fit = MethodMapping().add(caller="fit", callee="fit")
    # scikit-learn before 1.9 copies the owner: an object with its data, a generator as `cv` fails.
    router = MetadataRouter(owner=type(owner).__name__).add_self_request(owner)
    for name, receiver in receivers.items():
        router.add(method_mapping=to_fit, **{name: receiver})
    if not isinstance(cv, str):
        to_split = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=splitter_for_routing(cv), method_mapping=to_split)
    return router


def route_fit(estimator, sample_weight, params, receivers):
    """Return the arguments for the `fit` of each receiver, and for the `split` of the splitter.

    Without metadata routing, every receiver gets the weights, and the splitter `groups`.
    """
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(estimator, "fit", **weights, **params)
        to_fit = {name: Bunch(fit=dict(routed[name].fit)) for name in receivers}
        return Bunch(splitter=routed.get("splitter", Bunch(split={})), **to_fit)
    unknown = sorted(set(params) - {"groups"})
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__}.fit() got {unknown}. Without metadata routing only "
            "`groups` is passed on; enable it with "
            f"sklearn.set_config(enable_metadata_routing=True) and let {' or '.join(receivers)} "
            f"request them, as in {receivers[-1]}.set_fit_request(...)."
        )
    if params.get("groups") is not None and isinstance(estimator.cv, str):
        warn(
            f"groups is ignored: cv={estimator.cv!r} makes no folds. Give a splitter, such as "
            "cv=GroupKFold(5)."
        )
    to_fit = {name: Bunch(fit=dict(weights)) for name in receivers}
    return Bunch(splitter=Bunch(split=params), **to_fit)
