"""Tagging in bulk: documents of many formats in, one record per sentence out, in the order of the input.

sources  -> which files, in which order             plan     -> documents dealt to shards
reading  -> documents, a fault in the place of      tagging  -> a shard's records
            each that cannot be read                formats  -> records as bytes, shards joined
"""
