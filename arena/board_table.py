"""A table of agents for a terminal: names keep their room and no figure is cut, however narrow it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

NAME = 24  # columns of the screen that a name is not folded below
SHORT = 8  # but where not even the score has room beside it
FIGURE = 9  # the same of a column whose heading may be folded: a score's width, and some of the heading


class BoardTable(Table):
    """Agents' names in the first column, figures in the others; where the screen is too narrow for all, the dispensable
    ones are left out, and told below it."""

    def __init__(self, title: str, dispensable: Sequence[str] = ()) -> None:
        """dispensable: headings of columns that can be done without, the first to go first."""
        super().__init__(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        self.pad_edge = False
        self.dispensable = dispensable
        self.add_column("agent", overflow="fold")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width
        left: Sequence[str] = ()
        for count in range(len(self.dispensable) + 1):
            left = self.dispensable[:count]
            if sum(self._least(left)) <= room:
                break
        yield from self._without(left, room).__rich_console__(console, options)
        if left:
            yield Text(f"no room for {', '.join(left)}: a wider terminal, or the board's page, shows them")

    def _least(self, left: Sequence[str]) -> list[int]:
        """What each column that stays takes at least, with the space around it."""
        return [2 + min(self._wide(place), self._bound(place)) for place in self._places(left)]

    def _without(self, left: Sequence[str], room: int) -> Table:
        """The columns that stay; the room they leave is first the name's, then that of headings that are folded."""
        made = Table(title=self.title, title_justify="left", box=self.box, padding=(0, 1, 0, 0), pad_edge=False)
        places, least = self._places(left), self._least(left)
        name = max(2 + SHORT, min(self._wide(0) + 2, least[0] + room - sum(least)))
        folded = sum(map(self._folds, places))
        each = (room - sum(least) + least[0] - name) // max(1, folded)
        for place, width in zip(places, [name, *least[1:]], strict=True):
            column = self.columns[place]
            more = max(0, min(each, self._wide(place) + 2 - width)) if self._folds(place) else 0
            made.add_column(
                column.header,
                justify=column.justify,
                overflow=column.overflow,
                no_wrap=column.no_wrap,
                width=width - 2 + more,
            )
        for cells in zip(*(self.columns[place].cells for place in places), strict=True):
            made.add_row(*cells)
        return made

    def _places(self, left: Sequence[str]) -> list[int]:
        return [place for place, column in enumerate(self.columns) if str(column.header) not in left]

    def _wide(self, place: int) -> int:
        """The width of a column's longest text."""
        texts = [self.columns[place].header, *self.columns[place].cells]
        return max(Text.from_markup(str(text)).cell_len for text in texts)

    def _folds(self, place: int) -> bool:
        """Whether a column's heading may be folded."""
        return place > 0 and not self.columns[place].no_wrap

    def _bound(self, place: int) -> int:
        """What a column may be folded to; its own width where it may not be."""
        return NAME if place == 0 else FIGURE if self._folds(place) else self._wide(place)
