"""Work that is shared out over threads."""

import threading

import pytest
from sdfz.codec.threads import at_most, in_parallel


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_results_come_in_the_order_of_their_items(n_threads):
    with at_most(n_threads):
        assert in_parallel(lambda item: item * item, range(10)) == [item * item for item in range(10)]


def test_there_are_no_more_threads_than_allowed():
    def names(n_threads):
        with at_most(n_threads):
            return set(in_parallel(lambda _: threading.current_thread().name, range(20)))

    assert names(1) == {threading.current_thread().name}
    assert len(names(2)) <= 2


def test_what_helpers_share_out_they_do_themselves():
    def work(_):
        own = threading.current_thread().name
        return own, set(in_parallel(lambda _: threading.current_thread().name, range(4)))

    with at_most(2):
        assert all(names == {own} for own, names in in_parallel(work, range(4)))


def test_errors_come_through():
    with at_most(2), pytest.raises(ZeroDivisionError):
        in_parallel(lambda item: 1 / item, range(3))
