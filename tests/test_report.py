"""The page of the study: sound HTML that asks nobody for anything, whose numbers are those of the metrics."""

import base64
import dataclasses
import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest
from PIL import Image

import runs
import tiny
from oracles import ROOT
from pages import Parsed, Seen, needs_browser
from visrep.audit.results import NAMES, Audit
from visrep.records import Interval
from visrep.report import audits, blocks, chapters, making, page, pictures, results, shapes, tables
from visrep.report.blocks import Gallery, Part, Picture, Section, Table
from visrep.report.results import Row, StudyResults
from visrep.stage import params, pipeline

# The numbers of every encoder that stand side by side: stage, key, decimals.
GLANCE = [
    ("probe", "linear_accuracy", 1),
    ("probe", "knn_accuracy", 1),
    ("retrieval", "precision_at_5", 1),
    *[("anomaly", f"auroc_{name}", 1) for name in params.load(ROOT / "params.yaml")["anomaly"]["sets"]],
    ("clustering", "silhouette", 3),
    ("clustering", "nmi", 3),
]
PRESETS = {path.stem: params.preset(path) for path in ROOT.glob("presets/*.yaml")}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
NASTY = '<b>&"'


def png(color: str = "red", size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = BytesIO()
    Image.new("RGBA", size, color).save(buffer, "png")
    return buffer.getvalue()


def html(study: StudyResults, stages: list[pipeline.Stage] | None = None) -> str:
    return chapters.html(study, pipeline.stages(ROOT / "dvc.yaml") if stages is None else stages, PRESETS)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> StudyResults:
    """The committed results; encoding their pictures takes long and shows nothing here."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(pictures, "inline", lambda _: pictures.Inline("data:image/webp;base64,", 1, 1))
    return results.here()


@pytest.fixture(scope="module")
def text(finished: Path) -> str:
    return (finished / "report/index.html").read_text()


# Sound HTML


def sound(text: str) -> Parsed:
    """Fails where a page is not well formed, leads nowhere or to other files."""
    parsed = Parsed(text)
    assert parsed.problems == []
    ids = parsed.all("id")
    assert len(ids) == len(set(ids))
    links = [link for link in parsed.all("href") if link != "data:,"]
    assert all(link.startswith("#") for link in links)
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert {name for value in parsed.all("aria-labelledby") for name in value.split()} <= set(ids)
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert all(image["alt"] and str(image["src"]).startswith("data:image/webp;base64,") for image in images)
    assert all(int(str(image["width"])) > 0 and int(str(image["height"])) > 0 for image in images)
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in parsed.tags}
    assert "http:" not in text and "https:" not in text and "@import" not in text and "url(" not in text
    return parsed


def test_the_page_is_sound_and_needs_nothing_else(text: str) -> None:
    parsed = sound(text)
    assert text.startswith("<!DOCTYPE html>")
    assert sum(tag == "h1" for tag, _ in parsed.tags) == 1
    assert sum(tag == "img" for tag, _ in parsed.tags) > 50


def test_every_figure_of_the_study_is_on_it(finished: Path, text: str) -> None:
    shown = {pixels(uri.split(",")[1]) for uri in Parsed(text).all("src")}
    drawn = {path: pixels(base64.b64encode(path.read_bytes()).decode()) for path in finished.glob("plots/**/*.png")}
    drawn = {path: bytes_ for path, bytes_ in drawn.items() if path.parent.parent.name != "similarity"}  # are tiles
    assert [str(path) for path, bytes_ in drawn.items() if bytes_ not in shown] == []


def pixels(encoded: str) -> bytes:
    with Image.open(BytesIO(base64.b64decode(encoded))) as image:
        return image.convert("RGB").tobytes()


def test_pictures_keep_every_pixel() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "png")
    shown = pictures.inline(buffer.getvalue())
    assert (shown.width, shown.height) == (30, 40)
    with Image.open(BytesIO(base64.b64decode(shown.uri.split(",")[1]))) as image:
        assert image.format == "WEBP"
        assert np.array_equal(np.asarray(image), noise)


def test_what_is_transparent_is_shown_on_white() -> None:
    shown = pictures.inline(png("#ff000000"))
    assert set(pixels(shown.uri.split(",")[1])) == {255}


def test_the_same_results_give_the_same_bytes(finished: Path, tmp_path: Path, text: str) -> None:
    folder = runs.copy(finished, tmp_path / "again", "plots", "replicates", "presets", "docs")
    assert runs.run(folder, "report").code == 0
    assert (folder / "report/index.html").read_text() == text


def test_it_holds_no_time_place_or_commit(text: str) -> None:
    words = Parsed(text).text
    assert not re.search(r"20\d\d-\d\d|\d\d:\d\d|/tmp/|/root/|/home/", words)


def test_figures_and_tables_are_counted_within_sections_those_in_sight_first(text: str) -> None:
    unfolded = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert len(unfolded) < len(text)
    for kind in ("Figure", "Table"):
        every, seen = (
            [tuple(map(int, pair)) for pair in re.findall(kind + r" (\d+)\.(\d+)\.", Parsed(html).text)]
            for html in (text, unfolded)
        )
        for pairs in (sorted(every), seen):
            assert pairs == [(s, n) for s in dict(pairs) for n in range(1, 1 + sum(t == s for t, _ in pairs))]


def test_sections_stand_in_reading_order(text: str) -> None:
    parsed = Parsed(text)
    sections = [attributes["id"] for tag, attributes in parsed.tags if tag == "section"]
    learning = ["representations", "uses", "choosing", "similarity"]
    assert sections == ["images", "digits", "attacks", *learning, "questions", "making"]


# Numbers


def shown_row(parsed: Parsed, name: str, nth: int = 0) -> list[str]:
    return [row for row in parsed.rows if row and row[0] == name][nth]


def committed(name: str) -> dict[str, Any]:
    """What a stage told of its results, whose metrics file holds the same numbers in six digits."""
    details: dict[str, Any] = json.loads((ROOT / f"plots/{name}/details.json").read_text())
    metrics = json.loads((ROOT / f"metrics/{name}.json").read_text())
    assert {key: value_of(number) for key, number in details["metrics"].items()} == pytest.approx(metrics, rel=1e-5)
    return details


def value_of(number: Any) -> float:
    """Of an interval, or a number without."""
    return float(number["value"] if isinstance(number, dict) else number)


def every_run(name: str, key: str, main: float) -> list[float]:
    """A number of ``metrics/<name>.json`` in the main run, and in all replicates that Git holds."""
    replicates = [json.loads(path.read_text())["metrics"] for path in sorted((ROOT / "replicates").rglob("*.json"))]
    return [main, *(metrics[name][key] for metrics in replicates if name in metrics)]


def test_tables_hold_the_committed_numbers(shipped: StudyResults) -> None:
    parsed = sound(html(shipped))
    probe = next(row for row in parsed.rows if row[:1] == ["VICReg"] and row[-1].startswith("61.79(2)"))
    details = committed("probe/vicreg")
    linear = details["metrics"]["linear_accuracy"]
    assert probe[1] == f"{linear['value']:.1f}{linear['low']:.1f} to {linear['high']:.1f}"
    runs = every_run("probe/vicreg", "linear_accuracy", linear["value"])
    spaced = f"{mean(runs):.1f} ± {stdev(runs):.1f}".replace(" ", "\N{NO-BREAK SPACE}")
    assert probe[2] == f"{spaced}{len(runs)} runs"
    assert probe[3] == f"{details['chance']:.1f}"
    assert probe[4] == "61.79(2) 75.32(3) 72.4(5)"  # each with the number of its report
    fall = shown_row(parsed, "Classifier under PGD, ε\N{NO-BREAK SPACE}0.1")
    attacked = committed("fgsm_sweep/cnn")["metrics"]["pgd_eps_0_1"]
    robust = shown_row(parsed, "Defended classifier, robust at ε\N{NO-BREAK SPACE}0.1")
    left = committed("audit/adv_cnn")["metrics"]["worst"]
    assert robust[1] == f"{left['value']:.1f}{left['low']:.1f} to {left['high']:.1f}"
    assert fall[1] == f"{attacked['value']:.1f}{attacked['low']:.1f} to {attacked['high']:.1f}"
    network = shown_row(parsed, "VICReg without variance term")
    ablated = committed("ablations/no_variance")["metrics"]
    assert network[1:] == [f"{ablated[t]:.3g}" for t in ("invariance", "variance", "covariance", "effective_rank")]
    content = committed("methods/simclr")["metrics"]
    keys = ("loss", "loss_chance", "loss_bound", "positive_top1", "positive_top1_chance", "effective_rank")
    assert shown_row(parsed, "SimCLR")[1:] == [*(f"{content[key]:.3g}" for key in keys), "0.5552"]


def test_readings_of_factors_stand_with_interval_prediction_and_verdict(shipped: StudyResults) -> None:
    parsed = sound(html(shipped))
    rows = json.loads((ROOT / "plots/factors/vary_color/details.json").read_text())["rows"]
    marks = {"confirmed": "✓", "refuted": "✗", "undecided": "?"}
    images = ["new images"] * 3 + ["on a gradient"] * 2 + ["training images"] * 2
    evaluations = ["agreement", "probe", "movement"] + ["agreement", "probe"] * 2
    shown = [row for row in parsed.rows if row[:1] == ["vary color"] and "to" in row[1]]
    for cells, kind, evaluation in zip(shown, images, evaluations, strict=True):
        read = [row for row in rows if (row["images"], row["evaluation"]) == (kind, evaluation)]
        assert cells[1:] == [
            f"{r['value']:.0f}{r['low']:.0f} to {r['high']:.0f}{marks[r['verdict']]} predicted {r['prediction']}"
            for r in read
        ]


def test_captions_of_shapes_name_the_images_that_each_figure_shows(shipped: StudyResults) -> None:
    content = json.loads((ROOT / "plots/factors/vary_color/details.json").read_text())
    learnt = json.loads((ROOT / "plots/similarity/vary_color/details.json").read_text())
    pictures = [p for block in shapes.similarity(shipped).blocks if isinstance(block, Gallery) for p in block.pictures]
    repeated = bool(shipped.parameters["replicates"]["seeds"])  # then their runs are drawn too
    new = content["n"]["new images"]
    counts = [new] * (1 + repeated) + [content["sets"], new, learnt["validation"], learnt["n"], None]
    counts += [content["n"]["training images"]] * len(shipped.parameters["families"])
    for picture, count in zip(pictures, counts, strict=True):
        assert count is None or f"n = {count:,} " in picture.data, picture.caption


def test_every_encoder_and_nothing_else_is_in_the_table_of_all(shipped: StudyResults) -> None:
    parsed = Parsed(html(shipped))
    first = next(place for place, row in enumerate(parsed.rows) if row[:1] == ["encoder"])
    rows = parsed.rows[first + 1 : first + 1 + len(shipped.encoders)]
    assert [row[0] for row in rows] == list(shipped.encoders.values())
    for name, row in zip(shipped.encoders, rows, strict=True):
        for (stage, key, digits), cell in zip(GLANCE, row[1:], strict=True):
            value = value_of(committed(f"{stage}/{name}")["metrics"][key])
            runs = every_run(f"{stage}/{name}", key, value)
            again = f"{mean(runs):.{digits}f} ± {stdev(runs):.{digits}f}" if len(runs) > 1 else ""
            assert cell == f"{value:.{digits}f}{again}", (name, stage, key)


def gated(study: StudyResults, passed: Mapping[str, bool]) -> dict[str, Audit]:
    """The audits, all of whose gates passed or not, by classifier."""
    return {
        model: dataclasses.replace(
            audit, gates=tuple(dataclasses.replace(gate, passed=passed.get(model, True)) for gate in audit.gates)
        )
        for model, audit in study.audits.items()
    }


def test_a_failed_gate_is_loud(shipped: StudyResults) -> None:
    for model, audit in shipped.audits.items():
        content = committed(f"audit/{model}")["gates"]
        assert [(gate.name, gate.passed, gate.message) for gate in audit.gates] == [
            (gate["name"], gate["passed"], gate["message"]) for gate in content
        ]
    shipped.audits = gated(shipped, {"cnn": False})
    text = html(shipped)
    row = shown_row(Parsed(text), "gradient not zero")
    assert row[1].startswith("✗")
    assert row[2].startswith("✓")
    assert text.count("<b>✗</b>") == len(shipped.audits["cnn"].gates)


def test_each_classifier_stands_with_its_claim_and_what_is_left(shipped: StudyResults) -> None:
    """Honest ones fail no gate, and nothing breaks them."""
    text = Parsed(html(shipped))
    for name, label in shipped.classifiers.items():
        found = shipped.audits[name]
        row = shown_row(text, label)
        assert row[1:4] == [f"{one.value:.1f}" for one in (found.clean, found.fgsm, found.pgd)]
        assert row[5:] == ["none", "-"]


def test_a_defence_that_breaks_names_what_breaks_it(shipped: StudyResults) -> None:
    """As of a network whose gradients vanish: PGD and the first attack leave nearly all, the second next to nothing."""
    honest = shipped.audits["adv_cnn"]
    first, second, *rest = (row for row in honest.attacks if row.epsilon == honest.gate_epsilon)
    low = Interval(6.0, 4.0, 8.0)
    rows = (
        dataclasses.replace(first, accuracy=honest.clean),
        *(dataclasses.replace(row, accuracy=low) for row in (second, *rest)),
    )
    worst = tuple(dataclasses.replace(one, accuracy=low) for one in honest.worst)
    clean = shipped.audits["cnn"].clean
    broken = dataclasses.replace(honest, clean=clean, fgsm=clean, pgd=clean, attacks=rows, worst=worst)
    shipped.audits = shipped.audits | {"adv_cnn": broken}
    assert audits.counts(broken, shipped.audits["cnn"])
    assert not audits.counts(honest, shipped.audits["cnn"])
    assert shown_row(Parsed(html(shipped)), "defended")[6] == NAMES["apgd_t"]


def test_a_missing_result_names_the_stage_that_writes_it(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "lacking", "plots", "replicates", "presets", "docs", "dvc.yaml")
    (folder / "plots/probe/vicreg/details.json").unlink()
    done = runs.run(folder, "report")
    assert done.code == 1
    assert done.said == "report: plots/probe/vicreg/details.json is missing; run `dvc repro probe@vicreg` first\n"
    assert not (folder / "report").exists()


def test_a_strip_stands_where_its_numbers_do() -> None:
    drawn = tables.strip(Row("x", 50.0, 25.0, 75.0, 10.0, (results.Quote("1", 100.0, "s"),)))
    inner = tables.WIDTH - 2 * tables.INSET
    places = {share: round(tables.INSET + inner * share, 1) for share in (0.1, 0.25, 0.5, 0.75, 1.0)}
    assert f'cx="{places[0.5]}"' in drawn
    assert f"M{places[0.25]} {tables.HEIGHT / 2}H{places[0.75]}" in drawn
    assert f'class="baseline" d="M{places[0.1]} ' in drawn
    assert f'class="quote" d="M{places[1.0]} ' in drawn


def test_a_strip_leaves_out_what_there_is_not() -> None:
    drawn = tables.strip(Row("x", 50.0))
    assert not any(word in drawn for word in ("interval", "baseline", "quote"))


# Text of others


def renamed(told: Any, name: str = "") -> Any:
    """Every class and every source called `NASTY`, in a row or in a column."""
    if isinstance(told, dict):
        return {key: renamed(value, key) for key, value in told.items()}
    if isinstance(told, list):
        return [renamed(value, name) for value in told]
    return NASTY if name in ("label", "source") else told


def test_names_are_escaped_wherever_they_stand(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = runs.copy(finished, tmp_path / "nasty", "plots", "replicates", "presets", "docs")
    archive = {"source": "archive", "archive": NASTY, "sha256": None, "max_megabytes": 9}
    tiny.write(folder, {"encoders": {"vicreg": NASTY}, "download": {"street_digits": archive}})
    for path in folder.glob("plots/**/details.json"):
        path.write_text(json.dumps(renamed(json.loads(path.read_text()))))
    assert runs.run(folder, "report").code == 0
    parsed = sound((folder / "report/index.html").read_text())
    assert parsed.text.count(NASTY) > 20
    assert sum(NASTY in str(alt) for alt in parsed.all("alt")) >= 5
    assert sum(row[:1] == [NASTY] for row in parsed.rows) >= 10


def test_every_kind_of_block_escapes() -> None:
    parts = [
        Part(NASTY, NASTY),
        Gallery([Picture(png(), NASTY, NASTY)], NASTY),
        Table(NASTY, NASTY, (NASTY, NASTY), [(NASTY, NASTY)], (1,), NASTY),
    ]
    text = page.render(NASTY, NASTY, [(NASTY, NASTY)], [NASTY], [Section("s", NASTY, [NASTY], parts)], [NASTY])
    parsed = sound(text)
    assert parsed.text.count(NASTY) == 22  # all that was passed in; contents and title say some twice
    assert '<b>&"' not in text


def test_numbers_and_their_units_stay_on_one_line() -> None:
    assert (
        blocks.tied("5 % at ε 0.1, n = 3")
        == "5\N{NO-BREAK SPACE}% at ε\N{NO-BREAK SPACE}0.1, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3"
    )
    assert blocks.tied(3) == 3


# Parameters


def leaves(values: Any) -> list[list[Any]]:
    """The keys that lead to each leaf."""
    if isinstance(values, dict) and values:
        return [[key, *rest] for key, value in values.items() for rest in leaves(value)]
    return [[]]


def test_a_change_of_any_leaf_changes_the_hash() -> None:
    shipped = params.load(ROOT / "params.yaml")
    digests = {making.digest(shipped)}
    for keys in leaves(shipped):
        changed: Any = json.loads(json.dumps(shipped))
        inner = changed
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = "changed"
        digests.add(making.digest(changed))
    assert len(digests) == 1 + len(leaves(shipped))


def test_the_hash_does_not_see_order_or_spelling() -> None:
    assert making.digest({"a": 1, "b": [2.0]}) == making.digest({"b": [2], "a": 1.0})


def test_differences_name_what_is_not_the_same() -> None:
    ours, preset = {"a": {"x": 1, "y": [1, 2]}, "only": None}, {"a": {"x": 1.0, "y": [1]}, "theirs": True}
    differing = making.differences(ours, preset)
    assert differing == [("a.y", "1, 2", "1"), ("only", "null", "absent"), ("theirs", "absent", "true")]


def test_the_shipped_parameters_are_the_quick_preset() -> None:
    part, *tables = making.compared(params.load(ROOT / "params.yaml"), PRESETS)
    assert isinstance(part, Part)
    assert part.text.startswith("This is the preset quick.")
    assert making.digest(params.load(ROOT / "params.yaml"))[:16] in part.text
    assert len(tables) == len(PRESETS) - 1


# The graph


def test_the_graph_has_every_stage_and_who_reads_whom() -> None:
    groups = {group.name: group for group in making.groups(pipeline.stages(ROOT / "dvc.yaml"))}
    assert groups["probe"].reads == ("download", "embed")
    assert groups["neighbors"].reads == ("download", "embed")
    assert groups["embed"].stages == len(params.load(ROOT / "params.yaml")["encoders"])
    assert "metrics" not in groups["report"].reads
    assert {"train_cnn", "figures", "roc"} <= set(groups["report"].reads)


def test_arcs_are_drawn_where_no_others_lead_the_same_way() -> None:
    drawn = [
        making.Group("a", "", 1, ("d",)),
        making.Group("b", "", 1, ("a",)),
        making.Group("c", "", 1, ("a", "b")),
        making.Group("d", "", 1, ("a", "c")),
    ]
    assert making.direct(drawn) == {"a": ["d"], "b": ["a"], "c": ["b"], "d": ["c"]}
    svg = making.svg(drawn)
    assert svg.count('class="back"') == 1
    assert svg.count('class="on"') == 3


def test_captions_of_stages_are_escaped() -> None:
    assert NASTY not in making.svg([making.Group(NASTY, NASTY, 1, ())])


# In a browser


@needs_browser
def test_a_browser_shows_it_without_a_word_or_a_request(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.html").write_text(text)
    seen = Seen(tmp_path, "index.html", POLICY, "--dump-dom")
    assert seen.console == []
    assert seen.asked == ["/index.html"]
    assert "</html>" in seen.document


FRAME = """<!DOCTYPE html><iframe src="index.html" style="border: 0; width: {width}px; height: 900px"></iframe><script>
document.querySelector("iframe").onload = event => {{
  const root = event.target.contentDocument.documentElement, images = [...root.ownerDocument.images];
  root.querySelectorAll("details").forEach(d => d.open = true);
  const drawn = images.filter(i => i.naturalWidth).length;
  document.body.dataset.found = [root.clientWidth, root.scrollWidth, images.length, drawn];
}};
</script>"""


@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_and_every_picture_is_drawn(tmp_path: Path, text: str, width: int) -> None:
    (tmp_path / "index.html").write_text(text)
    (tmp_path / "frame.html").write_text(FRAME.format(width=width))
    seen = Seen(tmp_path, "frame.html", "default-src 'self' 'unsafe-inline' data:", "--dump-dom")
    said = re.search(r'data-found="([\d,]+)"', seen.document)
    assert said is not None
    assert [int(number) for number in said[1].split(",")] == [width, width, *[text.count("<img")] * 2]


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1280, False), (1280, True)])
def test_it_is_light_by_day_and_dark_by_night(tmp_path: Path, text: str, width: int, dark: bool) -> None:
    (tmp_path / "index.html").write_text(text)
    shot = tmp_path / "shot.png"
    flags = (f"--window-size={width},1200", f"--screenshot={shot}", f"--blink-settings=preferredColorScheme={1 - dark}")
    Seen(tmp_path, "index.html", POLICY, *flags)
    with Image.open(shot) as image:
        grey = np.asarray(image.convert("L"))
    assert grey.shape == (1200, width)
    assert (np.median(grey) < 60) == dark
    assert grey.max() - int(grey.min()) > 180  # words stand out


def contrast(one: str, other: str) -> float:
    """Of two colors, as WCAG 2.1 defines it."""

    def light(color: str) -> float:
        digits = color.lstrip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_words_are_legible_by_day_and_by_night() -> None:
    for colors in re.findall(r":root \{([^}]*)\}", (ROOT / "src/visrep/report/style.css").read_text()):
        named = dict(re.findall(r"--(\w+): (#\w+)", colors))
        for word in ("ink", "pale", "accent"):
            for ground in ("paper", "tint"):
                assert contrast(named[word], named[ground]) >= 4.5, (word, ground)
