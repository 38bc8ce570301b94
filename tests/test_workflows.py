"""The workflows and the action: what they may do, what they run, and what others say who read them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from wheelaudit.cli.nightly import command as nightly
from wheelaudit.index.locations import build_channel_location

ROOT = Path(__file__).parents[1]
WORKFLOWS = tuple(sorted((ROOT / ".github" / "workflows").glob("*.yml")))
ACTION = ROOT / "action.yml"
FILES = (*WORKFLOWS, ACTION)
NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yml"

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def find_runs(text: str) -> Iterator[str]:
    """What shells are given: the value of every ``run:``, on its line or indented below it."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"( *)(?:- )?run: ?(.*)", line)
        if match is None:
            continue
        below = []
        for following in lines[number + 1 :]:
            if following.strip() and len(following) - len(following.lstrip()) <= len(match[1]):
                break
            below.append(following.strip())
        yield "\n".join([match[2], *below]) if match[2] in ("|", ">", "|-", ">-") else match[2]


def find_jobs(text: str) -> dict[str, str]:
    """The text of every job by its name."""
    _, _, jobs = text.partition("\njobs:\n")
    parts = re.split(r"^  (\w+):\n", jobs, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "nightly.yml"]
    assert all(list(find_runs(read(path))) for path in FILES)


def test_reader_of_runs_reads_them() -> None:
    text = "    - run: one\n    - name: x\n      run: |\n        two\n        three\n\n      env: x\n    - run: four\n"
    assert list(find_runs(text)) == ["one", "|\ntwo\nthree\n", "four"]


@every_file
def test_no_expression_becomes_a_part_of_a_shells_line(path: Path) -> None:
    assert [run for run in find_runs(read(path)) if "${{" in run] == []


@every_file
def test_actions_of_others_are_pinned_by_commit_with_their_version(path: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (.*)$", read(path), re.MULTILINE)
    others = [each for each in uses if not each.startswith("./ ")]
    assert others
    assert [each for each in others if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_an_action_has_one_pin_everywhere() -> None:
    pins = {pin for path in FILES for pin in re.findall(r"uses: (\S+@\S+ # \S+)", read(path))}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@every_workflow
def test_jobs_may_do_what_they_say_and_nothing_else(path: Path) -> None:
    text = read(path)
    assert "\npermissions: {}\n" in text
    for name, job in find_jobs(text).items():
        assert re.search(r"^    permissions:\n      \w", job, re.MULTILINE), name
        assert re.search(r"^    timeout-minutes: \d+$", job, re.MULTILINE), name


@every_workflow
def test_no_checkout_leaves_a_token_behind(path: Path) -> None:
    text = read(path)
    assert text.count("uses: actions/checkout@") == text.count("          persist-credentials: false\n") > 0


def test_what_reads_an_index_may_write_nothing_and_what_may_write_reads_no_index() -> None:
    jobs = find_jobs(read(NIGHTLY))
    may = {name: set(re.findall(r"^      (\w[\w-]*: \w+) #", job, re.MULTILINE)) for name, job in jobs.items()}
    assert may == {
        "watch": {"contents: read"},
        "issues": {"contents: read", "issues: write"},
        "keep": {"contents: write"},
    }
    assert [name for name, job in jobs.items() if "scripts/watch" in job] == ["watch"]
    # Nothing is installed where a token may write.
    assert not re.search(r"\bpipx?\b|setup-python|scripts/(?!sync-issues|keep-history)", jobs["issues"] + jobs["keep"])


def test_history_is_kept_only_after_the_issues_are_told() -> None:
    keep = find_jobs(read(NIGHTLY))["keep"]
    assert "needs: [watch, issues]" in keep
    assert "needs.issues.result == 'success'" in keep


def test_watch_names_channels_and_projects() -> None:
    rows = re.findall(r"- name: (\S+)\n +index: (.+)\n +projects: (.+)\n", read(NIGHTLY))
    assert len({name for name, _, _ in rows}) == len(rows) >= 4
    for name, index, projects in rows:
        assert name.startswith("night-"), "so that the later jobs find its files"
        assert all(channel.startswith("nightly/") and build_channel_location(channel) for channel in index.split())
        assert all(project == canonicalize_name(project) for project in projects.split())
        assert {"torch", "torchvision", "torchaudio"} < {*projects.split(), name}
    assert sum("triton" in projects for _, _, projects in rows) == 3


def test_channels_are_taken_from_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELAUDIT_INDEX", "nightly/cu126 nightly/cu130")
    context = nightly.make_context("nightly", ["torch"], auto_envvar_prefix="WHEELAUDIT")
    assert context.params["index"] == ("nightly/cu126", "nightly/cu130")
    assert "WHEELAUDIT_INDEX: ${{ matrix.index }}" in read(NIGHTLY)


def test_commands_of_the_readme_are_understood() -> None:
    _, _, rest = read(ROOT / "README.md").partition("\n## Every night\n")
    section, _, _ = rest.partition("\n## ")
    # Up to the end of the line, of what schtasks is given, or of the command in a shell.
    lines = re.findall(r"^    .*?wheelaudit nightly (.*?)(?:$|\"| \|\| )", section, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        assert nightly.make_context("nightly", line.split()).params["projects"]


@every_file
def test_scripts_that_are_named_are_there(path: Path) -> None:
    for name in re.findall(r"\bscripts/[\w-]+(?:\.py)?", "\n".join(find_runs(read(path)))):
        assert (ROOT / name).is_file(), name


def test_inputs_reach_the_action_as_variables() -> None:
    text = read(ACTION)
    _, _, inputs = text.partition("\ninputs:\n")
    names = re.findall(r"^  ([\w-]+):$", inputs.partition("\noutputs:\n")[0], re.MULTILINE)
    assert names == ["command", "args", "format", "working-directory", "version", "python"]
    source = read(ROOT / "scripts" / "_action.py")
    for name in names:
        variable = f"INPUT_{name.upper().replace('-', '_')}"
        assert f"${{{{ inputs.{name} }}}}" in text
        if name != "python":
            assert f"{variable}: ${{{{ inputs.{name} }}}}\n" in text
            assert f'"{variable}"' in source


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="there is no bash")
@every_file
def test_bash_understands_every_line(path: Path) -> None:
    for run in find_runs(read(path)):
        script = run.removeprefix("|\n").strip("'")
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), script


def find_program(name: str) -> str:
    """Return a program, from this environment or the system's; skip where there is none."""
    # Neither is needed to work on the project: CI has a job with both (.github/workflows/ci.yml).
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_zizmor_finds_nothing() -> None:
    command = [
        find_program("zizmor"),
        "--offline",
        "--persona=pedantic",
        "--no-progress",
        "--color=never",
        ".github",
        "action.yml",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    command = [find_program("actionlint"), "-no-color", *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
