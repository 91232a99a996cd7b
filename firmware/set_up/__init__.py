"""Setting up a card that is not yet a telephone: the page's form, its answers, what is tried and what came of it."""
