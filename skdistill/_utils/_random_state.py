"""Seeds for inner estimators whose `random_state` is None."""

from sklearn.base import clone
from sklearn.utils import check_random_state


def seeded_clones(random_state, *estimators):
    """Return clones in which each `random_state` that is None, nested ones too, is a drawn int.

    Without a seed the clones are unchanged. The seeds of splitters are never changed, since
    these are not among the parameters of an estimator.
    """
    clones = [clone(estimator) for estimator in estimators]
    if random_state is None:
        return clones
    rng = check_random_state(random_state)
    for estimator in clones:
        params = estimator.get_params(deep=True)
        unset = [
            name
            for name in sorted(params)
            if params[name] is None and name.rpartition("__")[2] == "random_state"
        ]
        if unset:
            estimator.set_params(**{name: int(rng.randint(2**31 - 1)) for name in unset})
    return clones
