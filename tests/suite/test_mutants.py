"""The table of small faults fits the tree; tests/mutants/run puts them in."""
import importlib.machinery
import importlib.util
import os
import pathlib

SOURCE = pathlib.Path(os.environ.get("ROHRPOST_SOURCE", pathlib.Path(
    __file__).resolve().parents[2]))


def load():
    loader = importlib.machinery.SourceFileLoader(
        "mutants", str(SOURCE / "tests/mutants/run"))
    spec = importlib.util.spec_from_loader("mutants", loader)
    m = importlib.util.module_from_spec(spec)
    loader.exec_module(m)
    return m


def test_table_fits_the_tree():
    m = load()
    table = m.read(SOURCE / "tests/mutants/table")
    assert table
    assert not [(t.line, t.name, m.unfit(t, SOURCE)) for t in table
                if m.unfit(t, SOURCE)]
    names = [t.name for t in table]
    assert len(names) == len(set(names))


def test_a_fault_that_does_not_fit_is_told():
    m = load()
    good = m.read(SOURCE / "tests/mutants/table")[0]
    assert m.unfit(good._replace(old="no such line\n"), SOURCE)
    assert m.unfit(good._replace(file="no/such.c"), SOURCE)
    assert m.unfit(good._replace(tests=["tests/no/such"]), SOURCE)
