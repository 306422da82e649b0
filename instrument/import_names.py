"""Whether the packages behind our three import names are ours.

`instrument` and `export` are names of other distributions on the public index, too. Whoever
installs one of those has its files written over ours, and whoever removes it again has ours
deleted. Each of our packages therefore carries a mark, `DISTRIBUTION`, in its first file. Looking
at it costs nothing, so the command line does it at every start.
"""

from __future__ import annotations

from importlib import import_module

from instrument.errors import InstallationError

DISTRIBUTION = "latentkeys"
PACKAGES = ("instrument", "training", "export")


def check_package(name: str) -> None:
    """Refuse one of our packages that another distribution has overwritten or removed.

    Parameters
    ----------
    name
        ``instrument``, ``training`` or ``export``.

    Raises
    ------
    InstallationError
        The package is missing, or it is not ours.
    """
    try:
        package = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        raise InstallationError(f"the package {name!r} is missing", _remedy(name)) from missing
    if getattr(package, "DISTRIBUTION", None) != DISTRIBUTION:
        where = getattr(package, "__file__", None) or f"a folder without its __init__.py: {name}"
        raise InstallationError(
            f"the package {name!r} is not {DISTRIBUTION}'s any more ({where}): something else has "
            f"been installed over it, or removed with it",
            _remedy(name),
        )


def other_owners(name: str) -> list[str]:
    """Return the other installed distributions that bring a package of this name.

    Reads the file lists of all that is installed: tens of milliseconds or more.
    """
    from importlib import metadata  # costs more than the rest of a start

    owners = set(metadata.packages_distributions().get(name, []))
    return sorted(owners - {DISTRIBUTION})


def _remedy(name: str) -> str:
    from instrument.installation import how_to_mend  # a start that is well needs none of it

    return f"Type: {how_to_mend(other_owners(name))}"
