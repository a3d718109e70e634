"""Behaviour of any network: what it reads, how it behaves, which behaviour is a defect, and tests that hold it to that.

Inside: `report.py` (what was found, without torch), `slots.py` and `probing.py` (what the network reads), `subject.py`
(the network under examination), `measures/` (one function a behaviour), `examine.py` (all of them in order),
`rebuild.py` and `suite.py` (the test file; `delivered/` holds its tests as real code), `speed.py` (figures), and
`target.py` with `__main__.py` (the same for a file or a folder, in a child process).
"""
