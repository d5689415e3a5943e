"""The proof that nothing is missed and nothing doubled: a ground segment, a way to its catalogue, and a judge.

`ground` is what happens: products that are published (late, out of order), processed again, touched, deleted. `models`
and `real` are the catalogues that it fills. `door` is the way to them, on loopback, through which things go wrong while
the watcher asks. In a `season` both sides live by turns, as `chances` have it; `judge` says what must have been told.
"""
