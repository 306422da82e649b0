"""What the plug-in's C calls, compiled from Python like the kernel; C knows no layout of the block.

In: the block's address and plain numbers. Out: what is asked. *Audio* functions are for the host's
audio thread, or for while it is not processing; *helper* functions for the one thread at a time
that holds the instance's lock.
"""
