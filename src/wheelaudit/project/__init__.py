"""OUTPUT: the files of the user's project.

Read once into values: ``workspace`` (which projects share a lock), ``configuration`` (which
file uv reads settings from), ``indexes``, ``sources``, ``requirements``; ``settings`` gathers
what counts everywhere, ``targets`` and ``demands`` say where and in which versions the
workspace has a project. A lock: ``locks`` reads the file, ``lockfile`` (with ``lockmetadata``)
and ``pylock`` say what it locks, both over ``locktable``. Edited: ``dependency-metadata``
(``editing``).
"""
