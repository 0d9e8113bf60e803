"""From a path in the params to a raw table, no row lost: files, formats, columns.

`probe` looks at headers without any engine, `reader` brings the rows into one; each
kind of file has a module of its own.
"""
