"""Methods without labels, a module each: ``Settings``, ``loss`` and ``reporting``."""
