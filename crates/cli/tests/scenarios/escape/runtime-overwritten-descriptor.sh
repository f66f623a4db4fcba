# in: container
# fires: escape-runtime-overwritten
# As CVE-2019-5736 does it: the program is opened to read, its descriptor anew to write.
perl -e 'open(P, "<", "/proc/self/exe") or die $!; open(W, "+<", "/proc/self/fd/" . fileno(P)) and die'
