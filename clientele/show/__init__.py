"""What `clientele show` tells of a warehouse, one file a view: read it, print it.

Each view reads plain values that JSON can carry, and prints them as tables. They read tables that
others may read too (`access: public`), so that a file with nothing else in it can be shown.
"""
