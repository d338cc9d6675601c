# The rows of lib/base/programs.def as lines of sysusers.d(5): a user for each
# program, so that none can signal or trace another, and the groups that some
# have besides.
s/.*\.user = "\(rp-\([a-z]*\)\)", \.group = "\([a-z-]*\)".*/\
u \1 - "Rohrpost \2"\
g \3 -\
m \1 \3/
s/.*\.user = "\(rp-\([a-z]*\)\)".*/\
u \1 - "Rohrpost \2"/
s/^\n//p
