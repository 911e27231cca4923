"""Types of values that the settings read and the apps use, so that neither needs the other for them.

Nothing here knows anything else of the project, nor Django.
"""
