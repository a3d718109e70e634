"""Source of the delivered `src/model`; imports nothing, so that `config` can be read without torch."""
