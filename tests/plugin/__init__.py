"""The plug-in in real hosts: ``make test-plugin``."""
