# in: container
# fires:
# A package manager of the image at its work.
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
: > /var/lib/dpkg/status
dpkg-divert --local --add --rename --divert /usr/bin/perl.real /usr/bin/perl
