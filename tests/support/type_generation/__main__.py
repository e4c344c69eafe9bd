"""Writes all generated types: `make types`."""

from tests.support.type_generation import generated_files

for path, text in generated_files().items():
    path.write_text(text)
