from support.daemons import home

__all__ = ["home"]
