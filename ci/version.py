"""The version of a nightly build, as PyPI and as conda write it.

``main`` carries the version that is released next. A nightly is a development release of it, so
that it sorts after every release that is out and before the one to come.
"""

import datetime

from packaging.version import Version


def nightly_version(next_release: str, day: datetime.date) -> str:
    """Return the version of a day's nightly.

    Parameters
    ----------
    next_release
        The version that ``main`` carries (PEP 440).
    day
        Day of the build, in UTC.

    Returns
    -------
    str
        Such as ``"0.3.0.dev20261122"``.

    Raises
    ------
    packaging.version.InvalidVersion
        If `next_release` is no version.
    """
    return f"{Version(next_release).base_version}.dev{day:%Y%m%d}"


def conda_version(version: str) -> str:
    """Return a version spelt so that conda sorts it where PEP 440 does.

    Conda compares dot by dot: it would read ``.dev1`` as a part of its own, after the ``0rc1`` of
    another version. Without the dot, ``dev`` sorts before every pre-release, as it should.

    Parameters
    ----------
    version
        A version (PEP 440) without local part.

    Raises
    ------
    ValueError
        If there is a local part: such a version is not published.
    packaging.version.InvalidVersion
        If it is no version.
    """
    parsed = Version(version)
    if parsed.local:
        raise ValueError(f"{version} has a local part, which no channel takes")
    return str(parsed).replace(".dev", "dev")
