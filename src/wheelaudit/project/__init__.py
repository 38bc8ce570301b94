"""OUTPUT: the files of the user's project.

Read once into values: ``workspace`` (which projects share a lock), ``configuration`` (which
file uv reads settings from), ``indexes``, ``sources``, ``requirements``, ``lockfile``;
``settings`` gathers what counts everywhere, ``targets`` and ``demands`` say where and in
which versions the workspace has a project. Edited: ``dependency-metadata`` (``editing``).
"""
