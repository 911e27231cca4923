"""The pages of postbacks: list, form, pause and resume, delete, signing."""
