"""The kernel for other machines than this one: built by ``make plugin``, never at play.

In: the systems that are wanted. Out: object files. Each processor's is compiled in a process of its
own.
"""
