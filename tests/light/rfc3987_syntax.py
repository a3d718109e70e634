"""In the place of a package that takes a kernel a second of CPU time; jsonschema, which asks for it, goes on without.

It checks the format `iri` of JSON schemas, which neither notebooks nor we use.
"""

raise ImportError(__doc__)
