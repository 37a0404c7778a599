"""The model cards: what each predictive model says, how good it is and when not to use it.

Everything on the page is read from the warehouse; what is typed by hand are the words around it.
"""

from clientele.model_card.page import render, write_page
from clientele.model_card.reading import read_shops

__all__ = ["read_shops", "render", "write_page"]
