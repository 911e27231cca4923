"""The configuration file: programs, partners, networks, contracts and postbacks as one YAML (or JSON) text.

`document` reads the text and keeps line numbers, `keys` lists which keys are allowed where, `entries` checks the shape,
`load` compares with the database and writes, `prune` deletes what the file leaves out, `dump` writes a file.
"""
