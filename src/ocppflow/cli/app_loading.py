"""Find the CSMS object that ``--app`` names, as ASGI servers find their application."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ocppflow.cli.failure import Failure

if TYPE_CHECKING:
    from ocppflow.csms import CSMS


def load_app(spec: str) -> CSMS:
    """The CSMS object of ``FILE.py:NAME`` or ``module:NAME``; NAME may be dotted. Raises Failure with
    the file and the line if anything is wrong with it."""
    from ocppflow.csms import CSMS

    where, _, name = spec.rpartition(":")
    if not where or not name or name.endswith(".py"):
        raise Failure(f"--app {spec}: name the file and the object in it, as in FILE.py:csms")
    with _not_listening():
        module = _from_file(Path(where)) if where.endswith(".py") else _from_name(where)
    found: object = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Failure(f"--app {spec}: {where} has no {name!r}{_hint(module)}") from None
    if not isinstance(found, CSMS):
        raise Failure(f"--app {spec}: {name!r} is of type {type(found).__name__}, not a CSMS object{_hint(module)}")
    return found


class _ListensItself(BaseException):
    """Raised when an app begins to listen while it is being imported. It is not an Exception, so that no ``except
    Exception`` of the app catches it."""


@contextlib.contextmanager
def _not_listening() -> Iterator[None]:
    """Keep a CSMS from listening while its app is being imported: the import would never end, and ``--listen`` would
    be ignored without a word."""
    from ocppflow.csms import CSMS

    def listen(*_: object, **__: object) -> object:
        raise _ListensItself

    own = CSMS.listen
    CSMS.listen = listen  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        CSMS.listen = own  # type: ignore[method-assign]


def _hint(module: ModuleType) -> str:
    from ocppflow.csms import CSMS

    names = [name for name, value in vars(module).items() if isinstance(value, CSMS)]
    return f"; it has {', '.join(names[:3])}" if names else "; it has no CSMS object"


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise Failure(f"--app: there is no file {file}")
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # so that modules beside the file can be imported, as when Python runs it
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None  # noqa: S101 - only a name without .py has none
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # dataclasses and pickle look up their module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit, _ListensItself) as error:
        del sys.modules[file.stem]
        raise Failure(f"--app: {_blame(error, str(file))}") from None
    return module


def _from_name(name: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")  # the working directory, as `python -m` has it
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise Failure(f"--app: there is no module {name!r} here; to name a file, write FILE.py:csms") from None
        raise Failure(f"--app: {_blame(error, name)}") from None
    except (Exception, SystemExit, _ListensItself) as error:
        raise Failure(f"--app: {_blame(error, name)}") from None


def _blame(error: BaseException, app: str) -> str:
    """The line to look at: of a syntax error, or the innermost one outside the import machinery and installed
    packages."""
    if isinstance(error, SyntaxError):
        line = f", line {error.lineno}" if error.lineno else ""
        return f"{_as_typed(error.filename or app, app)}{line}: {error.msg}"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SystemExit):
        said = "the program exits when it is imported (sys.exit); it must only define its CSMS object"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    own = [frame for frame in frames if _is_own(frame.filename)]
    if isinstance(error, ValueError) and not own:  # up to Python 3.11.3: the source holds a NUL, which is a SyntaxError
        said = str(error)
    if isinstance(error, _ListensItself):
        # The outermost line: the statement to be moved.
        own = own[:1]
        said = "it listens when it is imported, so --listen would be ignored; put this line under "
        said += '`if __name__ == "__main__":`'
    return f"{_as_typed(own[-1].filename, app)}, line {own[-1].lineno}: {said}" if own else f"{app}: {said}"


def _as_typed(filename: str, app: str) -> str:
    """The app's own file as the user named it; another one as Python knows it."""
    return app if Path(filename).resolve() == Path(app).resolve() else filename


def _is_own(filename: str) -> bool:
    path = Path(filename).resolve()
    home = Path(__file__).resolve().parents[1]
    library = Path(traceback.__file__).resolve().parent
    foreign = home in path.parents or library in path.parents or "site-packages" in path.parts
    return not foreign
