from portal.admin import proposals

__all__ = ["proposals"]
