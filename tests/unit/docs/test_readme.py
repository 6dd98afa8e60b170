from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def command(text: str, name: str) -> str:
    blocks = re.findall(
        rf"^<!-- {name} command -->\n```bash\n(.*?)^```$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text("utf-8")


def test_the_first_command_installs_and_runs_a_benchmark(readme: str) -> None:
    text = command(readme, "first")

    assert "pip install ." in text
    assert "pytest --tasks shapes --model demo)" in text


def test_the_second_command_installs_and_runs_the_tests(readme: str) -> None:
    text = command(readme, "second")

    assert "pip install -e '.[test]'" in text
    assert text.endswith("\npytest -n 2\n")


def test_the_local_command_asks_the_checkpoint_of_this_repository(
    readme: str, root: Path
) -> None:
    text = command(readme, "local")

    folder = re.search(r"pretrained=(\S+)", text)
    assert folder is not None
    assert (root / folder[1] / "model.safetensors").is_file()


def test_the_commands_are_what_the_checks_run(root: Path) -> None:
    run = root / ".ci" / "run"
    text = run.read_text("utf-8")

    assert os.access(run, os.X_OK)
    assert "run_readme_command second .venv" in text
    assert "run_readme_command first /tmp/evalkit" in text
    assert "readme_command local" in text


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(root: Path, name: str) -> None:
    links = LINK.findall((root / name).read_text("utf-8"))

    assert [link for link in links if not (root / link).exists()] == []


def test_the_page_it_leads_to_names_every_packaged_benchmark(
    root: Path, readme: str
) -> None:
    page = "docs/reference/benchmarks.md"
    tasks = [path.stem for path in (root / "benchmarks").rglob("*.yaml")]

    assert f"]({page})" in readme
    assert len(tasks) >= 4
    listed = (root / page).read_text("utf-8")
    assert [task for task in tasks if f"`{task}`" not in listed] == []
