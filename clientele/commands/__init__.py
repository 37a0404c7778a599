"""The commands of `clientele`, by what they are for; `clientele.cli` puts them together.

What takes long to load (DuckDB, numpy, rich) is imported by the command that needs it: the help and
the completion of a word have to be there at once.
"""
