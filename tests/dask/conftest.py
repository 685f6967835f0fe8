"""A cluster of two worker processes, for the tests that need one."""

import pytest


@pytest.fixture(scope="module")
def cluster_client():
    """A client of two worker processes, which come back if they die."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(**options, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def client(cluster_client):
    """A client of both workers: one that a test has killed is back first."""
    cluster_client.wait_for_workers(2, timeout=120)
    return cluster_client
