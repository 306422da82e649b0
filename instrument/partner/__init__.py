"""The live partner: it listens, answers on the beat, and takes back what is no longer wanted."""
