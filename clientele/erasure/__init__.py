"""Erasing a person from every file that the project wrote, and looking whether any tells of them.

Rows are never deleted in place: DuckDB leaves the bytes of a deleted row in the file, in an older
header and in blocks that are free. Each file that knows the person is written anew without them,
beside the old one, and takes its name in one rename.
"""
