"""Write the page of tasks that do not load.

python docs/compatibility.py LM_EVAL_TASKS LMMS_EVAL_TASKS

The two arguments are the folders ``tasks`` of lm-eval and lmms-eval, as their packages
have them.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, version
from pathlib import Path

from pytest_evalkit.cli.loader import Loaded
from pytest_evalkit.cli.validation import Validation, validate

PAGE = Path(__file__).parent / "reference" / "compatibility.md"
# What tasks import and this machine may or may not have.
_OPTIONAL = (
    "datasets",
    "jiwer",
    "math-verify",
    "more-itertools",
    "numpy",
    "pandas",
    "rouge-score",
    "sacrebleu",
    "scikit-learn",
    "soundfile",
    "sympy",
    "torch",
    "transformers",
)
_PLACE = re.compile(r"^(?:(?:/|[A-Za-z]:)[^:]*?(?::\d+)?: )+")
# Which function of a module that cannot be imported is asked for first says nothing.
_FUNCTION = re.compile(r"^!function \S+: (?=importing )")
# Where packages lie on this machine.
_INSTALLED = re.compile(r"(?:/|[A-Za-z]:)[^\s()]*/(?=site-packages/)")
_VARIABLES = ("HF_HOME", "OPENAI_API_KEY")
_MOST_NAMED = 12


def page(folders: Sequence[tuple[str, Path]]) -> str:
    """Write the page for some folders of tasks, each with the name of its package."""
    parts = [_HEAD, _environment()]
    for package, folder in folders:
        parts += _section(package, folder, validate([folder]))
    return "\n".join(parts)


_HEAD = """\
# Compatibility

Which tasks of [lm-evaluation-harness](https://github.com/EleutherAI/lm-evaluation-harness) and
[lmms-eval](https://github.com/EvolvingLMMs-Lab/lmms-eval) load, and why the others do not. `evalkit validate FOLDER` says
the same of any folder. Loading reads a file with all that it includes, checks every key and imports every function; it
needs no data. This page is written by `python docs/compatibility.py LM_EVAL_TASKS LMMS_EVAL_TASKS`.
"""


def _environment() -> str:
    found = [f"{name} {number}" for name in _OPTIONAL if (number := _version(name))]
    absent = [name for name in _OPTIONAL if not _version(name)]
    python = ".".join(map(str, sys.version_info[:2]))
    text = f"With Python {python}, {', '.join(found)}"
    if absent:
        text += f"; without {', '.join(absent)}"
    variables = [f"`{name}`" for name in _VARIABLES if name in os.environ]
    if variables:
        text += f"; with {' and '.join(variables)} set, which some modules read"
    return f"{text}.\n"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _section(package: str, folder: Path, result: Validation) -> Iterator[str]:
    total, sound = len(result.tasks), result.groups - len(result.broken_groups)
    shares = result.shares()
    whole = sum(share == 1 for share in shares.values())
    mean = sum(shares.values()) / len(shares)
    yield f"## {package}{_release(package, folder)}\n"
    yield "| | |\n|---|---|"
    yield f"| tasks that load | {result.loaded:,} of {total:,} ({result.loaded / total:.2%}) |"
    equipped = total - len(result.lacking) - len(result.unauthorized)
    yield f"| of those that lack nothing | {result.loaded:,} of {equipped:,} ({result.loaded / equipped:.2%}) |"
    yield f"| tasks that lack a package | {len(result.lacking):,} |"
    yield f"| tasks that want a credential | {len(result.unauthorized):,} |"
    yield f"| tasks that are wrong | {len(result.failed):,} |"
    yield f"| folders that load wholly | {whole} of {len(shares)} |"
    yield f"| tasks of a folder that load, on average | {mean:.2%} |"
    yield f"| groups whose members are all there | {sound} of {result.groups} |\n"
    yield from _packages(folder, result)
    if result.stand_ins:
        named = ", ".join(f"`{name}`" for name in result.stand_ins)
        yield f"Some want credentials, to ask judges; a stand-in did for {named}.\n"
    yield from _credentials(folder, result)
    yield from _failures(folder, result)
    yield from _families(result)


def _release(package: str, folder: Path) -> str:
    """Read the version of the package that a folder of tasks belongs to."""
    for metadata in folder.parent.parent.glob(
        f"{package.replace('-', '_')}-*.dist-info"
    ):
        return f" {Distribution.at(metadata).version}"
    return ""


def _packages(folder: Path, result: Validation) -> Iterator[str]:
    if not result.packages:
        return
    yield "### Packages that tasks lack\n\n| package | tasks | in |\n|---|---|---|"
    families: defaultdict[str | None, set[str]] = defaultdict(set)
    for task in result.lacking:
        families[task.package].add(task.path.relative_to(folder).parts[0])
    for package, count in result.packages.most_common():
        yield f"| `{package}` | {count} | {_named(families[package])} |"
    yield ""


def _credentials(folder: Path, result: Validation) -> Iterator[str]:
    if not result.credentials:
        return
    yield "### Credentials that tasks want\n\n| variable | tasks | in |\n|---|---|---|"
    for variable, count in result.credentials.most_common():
        families = {
            task.path.relative_to(folder).parts[0]
            for task in result.unauthorized
            if (task.credential or "unnamed") == variable
        }
        yield f"| `{variable}` | {count} | {_named(families)} |"
    yield ""


def _failures(folder: Path, result: Validation) -> Iterator[str]:
    if not result.failed and not result.broken_groups:
        return
    yield "### What is wrong with the others\n"
    reasons: defaultdict[str, list[Loaded]] = defaultdict(list)
    for task in result.failed:
        reasons[_reason(str(task.problem), folder)].append(task)
    for reason, tasks in sorted(reasons.items(), key=lambda item: -len(item[1])):
        files = {str(task.path.relative_to(folder)) for task in tasks}
        yield f"- {reason}\n\n  {len(tasks)}: {_named(files)}\n"
    for problem in result.broken_groups:
        yield f"- {_escaped(problem.replace(f'{folder}/', ''))}\n"


def _families(result: Validation) -> Iterator[str]:
    counts = result.by_family()
    partly = [
        f"`{family}` {loaded} of {total}"
        for family, (loaded, total) in sorted(counts.items())
        if loaded < total
    ]
    if partly:
        yield "### Folders that do not load wholly\n"
        yield f"{', '.join(partly)}. The other {len(counts) - len(partly)} do.\n"


def _reason(problem: str, folder: Path) -> str:
    """Take out of a message what differs between tasks, and between machines."""
    general = _FUNCTION.sub("", _PLACE.sub("", problem))
    return _escaped(_INSTALLED.sub("", general.replace(f"{folder}/", "")))


def _named(names: set[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(names)[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]{}|])", r"\\\1", text)


def main(arguments: Sequence[str]) -> int:
    """Write the page."""
    if len(arguments) != 2:  # noqa: PLR2004 (one for each package)
        sys.stderr.write(__doc__ or "")
        return 4
    folders = [Path(argument).resolve() for argument in arguments]
    text = page(list(zip(("lm-eval", "lmms-eval"), folders, strict=True)))
    PAGE.write_text(text.rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
