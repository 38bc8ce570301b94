"""WING B: indexes. Project pages, which release a SPEC means, and the metadata of its wheels.

``locations`` says which index a name means, ``pages`` parses what it answers,
``selection`` finds the releases in it, ``local`` is the index that is a folder.
These four never touch the network; ``client``, ``partial``, ``crawl`` and
``cassettes`` do. Nothing is imported here: ``--help`` must not pay for a client.
"""
