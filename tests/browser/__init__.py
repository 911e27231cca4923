"""The screens in a real browser. A test takes a page of `open_as` or one of the actors' pages in `conftest`."""
