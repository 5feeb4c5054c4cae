"""Train what a method's files share: one loop for all methods.

::

    shapes -- trainee.prepare, once a shape --> arrays on disk (cache.py)
    arrays, memory-mapped -- trainee.batch, trainee.loss --> loop.py --> checkpoint.py, every so often
    network -- trainee.to_pack --> model pack

A method takes part by a `Trainee` (trainee.py); methods.py has them by name.
"""
