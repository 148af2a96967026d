"""What the public reads and machines take: each reporter turns one `PublicRelease` into one file, and has nothing else.

The release holds no exact count, and a gate holds every file to it: each number must follow from the row it stands in.
"""
