"""`dvc plots` without a network: a page template that holds the drawing library itself.

It is made once for each set-up (0.9 MB, not in Git) and named in .dvc/config.local, so that a clone without it still
draws, by the network as DVC does.
"""

from pathlib import Path

import vl_convert
from dvc.config import Config

from visrep import files

FOLDER, NAME = Path(".dvc"), "offline.html"
VEGA_LITE = "5.21"  # of the specifications that DVC and .dvc/plots write
SNIPPET = "window.vegaEmbed = vegaEmbed;"  # the one name that pages of `dvc plots` call
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh_tag}
<title>Plots of visrep</title>
<link rel="icon" href="data:,">
<style>
body { margin: 1rem; background: #fff; color: #1d1f21; font: 1rem/1.5 system-ui, sans-serif }
body > div { overflow-x: auto; margin: 0 0 1.5rem }
img { max-width: 100%; height: auto }
table { border-spacing: 1rem }
</style>
<script>{bundle}</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def template() -> str:
    """A page as `dvc plots` fills it, with Vega, Vega-Lite and Vega-Embed inside."""
    bundle = vl_convert.javascript_bundle(SNIPPET, VEGA_LITE)
    return PAGE.replace("{bundle}", bundle.replace("</script", r"<\/script"))


def main() -> None:
    files.write_bytes(FOLDER / NAME, template().encode())
    with Config(str(FOLDER)).edit("local") as settings:
        settings.setdefault("plots", {})["html_template"] = NAME


if __name__ == "__main__":
    main()
