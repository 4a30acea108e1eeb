"""What a drawn figure says, and whether it can be read."""

from matplotlib.axis import Tick
from matplotlib.figure import Figure
from matplotlib.text import Text

from visrep.figures import style


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible())


def legible(figure: Figure, name: str) -> None:
    """Every text is large enough and inside the figure's left and right edges. The figure has been drawn."""
    ticks = {text for tick in figure.findobj(Tick) for text in tick.findobj(Text)}  # also ticks out of sight
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert float(text.get_fontsize()) >= style.SMALL, (name, text.get_text())
            assert text in ticks or (box.x0 >= -2 and box.x1 <= figure.bbox.x1 + 2), (name, text.get_text())
