"""The recipe for conda-forge: of what was released, with nothing of the checkout left in it."""

import hashlib
from pathlib import Path

import pytest
from rattler_build import Stage0Recipe, VariantConfig

from ci.release.feedstock import FeedstockError, main, make_feedstock
from ci.release.version import project_version

VARIANTS = {"python": ["3.12.* *_cpython"], "c_stdlib": ["sysroot"], "c_stdlib_version": ["2.17"]}


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    path = tmp_path / f"objectpipes-{project_version()}.tar.gz"
    path.write_bytes(b"released")
    return path


def test_the_source_is_what_was_released(sdist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "objectpipes"
    make_feedstock(sdist, folder)
    (variant,) = Stage0Recipe.from_file(folder / "recipe.yaml").render(VariantConfig(VARIANTS))
    recipe = variant.recipe.to_dict()
    (source,) = recipe["source"]
    assert source["sha256"] == hashlib.sha256(b"released").hexdigest()
    (url,) = [source["url"]] if isinstance(source["url"], str) else source["url"]
    assert url.endswith(f"/releases/download/v{project_version()}/{sdist.name}")
    assert "aws-sdk-cpp" in recipe["requirements"]["host"]
    assert {"homepage", "repository", "documentation", "summary", "license"} <= set(recipe["about"])
    assert recipe["extra"]["recipe-maintainers"]


def test_every_file_it_names_is_there(sdist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "objectpipes"
    assert main([str(sdist), str(folder)]) == 0
    text = (folder / "recipe.yaml").read_text()
    licenses = [f"licenses/{path.name}" for path in (folder / "licenses").iterdir()]
    for name in ("check_package.py", "smoke.py", *licenses):
        assert f"- {name}\n" in text
        assert (folder / name).is_file()
    assert (folder / "conda-forge.yml").is_file()
    for left in ("wheels/", "tests/", "ci/", "../..", "consumer", "aws_transport"):
        assert left not in text.partition("schema_version")[2]


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedstockError, match=r"9\.9\.9"):
        make_feedstock(tmp_path / "objectpipes-9.9.9.tar.gz", tmp_path / "objectpipes")
