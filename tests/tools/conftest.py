from __future__ import annotations

import os
import runpy
import subprocess
import sys
import warnings
from unittest import mock

import pytest
from mmengine.utils import ManagerMixin


@pytest.fixture
def run_tool(monkeypatch, capfd):
    """Runs a tool as its command line does, in this process: a start of its own costs seconds.

    ``run_tool(script, *arguments)`` returns a ``subprocess.CompletedProcess``.
    """

    def run(script, *arguments):
        command = list(map(str, (script, *arguments)))
        capfd.readouterr()
        with (
            monkeypatch.context() as patch,
            mock.patch.dict(os.environ),
            warnings.catch_warnings(),
        ):
            for kind in _kinds_of(ManagerMixin):  # loggers, scopes: a new process has none
                patch.setattr(kind, '_instance_dict', type(kind._instance_dict)())
            patch.setattr(sys, 'argv', command)
            # As Python does, so that a tool finds the modules beside it.
            patch.setattr(sys, 'path', [str(script.parent), *sys.path])
            try:
                runpy.run_path(command[0], run_name='__main__')
                code = 0
            except SystemExit as end:
                code = end.code
                if isinstance(code, str):
                    print(code, file=sys.stderr)
        code = int(bool(code)) if not isinstance(code, int) else code
        return subprocess.CompletedProcess(command, code, *capfd.readouterr())

    return run


def _kinds_of(base):
    return [base, *(kind for child in base.__subclasses__() for kind in _kinds_of(child))]
