"""Refuse a tag that is not the version: ``python .ci/check_tag.py v0.2.0``.

The version stands in pyproject.toml, and the changelog's first entry must be its.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problem_of(tag: str) -> str | None:
    """Return what is wrong with a tag, and what to do about it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    if tag != f"v{version}":
        return f"the tag is {tag}, the version in pyproject.toml {version}: make them equal"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog, re.MULTILINE)
    if not found or found[1] != version or not found[2]:
        return f"the first entry of CHANGELOG.md must be: ## [{version}] - YYYY-MM-DD"
    return None


if __name__ == "__main__":
    sys.exit(problem_of(sys.argv[1]))
