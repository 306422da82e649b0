"""A release is one version everywhere: project, changelog, tag, workflows."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from tests.helpers.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]


def check_tag(tag: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "check_tag.py"), tag]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_tag_of_this_version_passes() -> None:
    assert check_tag(f"v{VERSION}").returncode == 0, "does the changelog begin with this version?"


@pytest.mark.parametrize("tag", [VERSION, "v9.9.9", f"v{VERSION}rc1"])
def test_another_tag_is_refused(tag: str) -> None:
    refused = check_tag(tag)
    assert refused.returncode == 1
    assert f"the tag is {tag}, the version in pyproject.toml {VERSION}" in refused.stderr


def test_the_workflows_try_every_python_that_the_project_names() -> None:
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    tried = re.findall(r"python: \[(.*)\]", workflow)
    assert [re.findall(r"3\.\d+", versions) for versions in tried] == [named, named]
