"""Containers that what they hold covers wholly: Textual need not draw them, which it would with every frame."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container, Vertical
from textual.widgets import ContentSwitcher


class CoveredContainer(Container):
    """A container that is never seen."""

    BLANK: ClassVar[bool] = True


class CoveredVertical(Vertical):
    """A column that is never seen."""

    BLANK: ClassVar[bool] = True


class CoveredSwitcher(ContentSwitcher):
    """A switcher that is never seen."""

    BLANK: ClassVar[bool] = True
