"""A small machine: what the programs take at rest. memory.py measures more;
the table of rohrpost(8) is from there."""
import pytest

import memory
import rohrpost

AT_REST = 48 * 1024	# kB, with login_processes 2
OF_ONE = 16 * 1024	# kB of the greatest program, all its processes


@pytest.mark.root
def test_at_rest():
    d = rohrpost.scratch("memory")
    with rohrpost.Instance(d, login_processes="2") as i:
        table = memory.pss(i)
        assert set(table) >= {"master", "smtpd", "queue", "store", "login"}
        assert memory.total(table) < AT_REST, table
        for name, (n, own, files) in table.items():
            assert own + files < OF_ONE, (name, table)
    rohrpost.remove(d)
