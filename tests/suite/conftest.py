import os

import pytest

import rohrpost


def pytest_configure(config):
    config.addinivalue_line("markers", "root: needs root (jails, users)")
    config.addinivalue_line("markers", "user: needs to run without root")


def pytest_collection_modifyitems(config, items):
    root = os.geteuid() == 0
    for item in items:
        if item.get_closest_marker("root") and not root:
            item.add_marker(pytest.mark.skip(reason="needs root"))
        if item.get_closest_marker("user") and root:
            item.add_marker(pytest.mark.skip(reason="runs without root"))


@pytest.fixture(scope="module")
def inst(request):
    """A running instance with users anna and bert, shared by a module. A
    module may set KEYS, USERS or PROFILE."""
    d = rohrpost.scratch(request.module.__name__)
    i = rohrpost.Instance(
        d, users=getattr(request.module, "USERS", ("anna", "bert")),
        profile=getattr(request.module, "PROFILE", "direct"),
        **getattr(request.module, "KEYS", {}))
    with i:
        yield i
    rohrpost.remove(d)
