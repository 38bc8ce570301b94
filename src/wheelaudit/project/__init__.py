"""OUTPUT: the files of the user's project. ``settings`` reads what it and the user's machine say of indexes."""
