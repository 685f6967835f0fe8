"""Estimators in one short line."""

from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill._utils._repr import short_repr


def test_long_estimators_are_cut_to_one_line():
    assert short_repr(Ridge(alpha=3)) == "Ridge(alpha=3)"
    pipeline = make_pipeline(StandardScaler(), Ridge(alpha=3))
    assert "\n" in repr(pipeline)
    assert short_repr(pipeline, 200) == " ".join(repr(pipeline).split())
    assert len(short_repr(pipeline)) == 60 and short_repr(pipeline).startswith("Pipeline(steps=[(")
    assert short_repr(pipeline).endswith("...")
