"""The benchmarks keep up with the code that they measure: every module imports, and our servers answer."""

from __future__ import annotations

import importlib
import os
import pkgutil

import benchmarks
import pytest
from benchmarks.contenders import FLOOR, OURS, Contender, Running
from benchmarks.measures.bounds import OFF, SERVERS
from benchmarks.measures.log_cost import LOGS, LoggingCSMS
from benchmarks.samples import HEARTBEAT, TRANSACTION_EVENT

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the benchmarks need Linux")


def test_every_module_of_the_benchmarks_imports() -> None:
    names = [each.name for each in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]
    assert len(names) > 15
    for name in names:
        importlib.import_module(name)


@pytest.mark.slow
@pytest.mark.parametrize("contender", [OURS, SERVERS[OFF], FLOOR], ids=["ocppflow", "without bounds", "floor"])
def test_our_servers_answer_the_load_generator(contender: Contender) -> None:
    with Running(contender) as server:
        for sample in (HEARTBEAT, TRANSACTION_EVENT):
            with server.load("idle", sample.name, connections=2) as load:
                assert load.result() == {"connections": 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", LOGS)
def test_the_command_answers_the_load_generator(name: str) -> None:
    with LoggingCSMS(name, *LOGS[name]) as server, server.load(TRANSACTION_EVENT.name, 0.01) as load:
        assert load.result()["messages"] > 0
