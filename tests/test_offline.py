"""The page of `dvc plots` holds the drawing library, and draws without a network."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import observed
from oracles import ROOT
from pages import Seen, needs_browser

pytest.importorskip("vl_convert", reason="vl-convert-python is not installed here")

from visrep.tools import offline

POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:"
REMARKS = ('"WARN ', '"The compiled spec uses Vega v5')  # on what DVC writes; all is drawn


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the template was made."""
    folder = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "it")], check=True)
    shutil.copytree(ROOT / ".dvc/plots", folder / "it/.dvc/plots", dirs_exist_ok=True)  # committed or not
    with observed.inside(folder / "it"):
        offline.main()
    return folder / "it"


def test_the_template_has_the_library_and_the_places_that_dvc_fills(folder: Path) -> None:
    text = (folder / ".dvc/offline.html").read_text()
    assert text.count("{plot_divs}") == text.count("{refresh_tag}") == 1
    assert "{scripts}" not in text  # where DVC would put addresses
    assert text.count("</script") == 1
    assert "window.vegaEmbed=" in text
    assert 'src="http' not in text


def test_other_settings_of_this_clone_are_kept(folder: Path) -> None:
    local = folder / ".dvc/config.local"
    before = local.read_text()
    local.write_text(before + "[cache]\n    dir = elsewhere\n")
    with observed.inside(folder):
        offline.main()
    assert "dir = elsewhere" in local.read_text()
    assert local.read_text().count("html_template = offline.html") == 1
    local.write_text(before)


def test_git_sees_nothing_of_it(folder: Path) -> None:
    shutil.copy(ROOT / ".dvc/.gitignore", folder / ".dvc/.gitignore")
    said = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True).stdout
    assert "offline" not in said
    assert "config.local" not in said


@needs_browser
def test_every_chart_is_drawn_without_a_request(folder: Path) -> None:
    subprocess.run(["dvc", "plots", "show", "-q"], cwd=folder, check=True)
    page = folder / "dvc_plots"
    seen = Seen(page, "index.html", POLICY, "--dump-dom")
    assert [line for line in seen.console if not any(said in line for said in REMARKS)] == []
    assert {path.partition("/static/")[1] for path in seen.asked} <= {"", "/static/"}
    charts = (page / "index.html").read_text().count("vegaEmbed('#")
    assert charts > 40
    assert seen.document.count('class="vega-embed') == seen.document.count('class="marks"') == charts


def test_templates_are_json_that_dash_by_revision() -> None:
    for file in sorted((ROOT / ".dvc/plots").glob("*.json")):
        text = file.read_text()
        assert json.loads(text)["title"], file
        assert '"rev"' in text, file
