"""Types of values that the settings read and the apps use, so that neither depends on the other.

Nothing here depends on Django or the rest of the project.
"""
