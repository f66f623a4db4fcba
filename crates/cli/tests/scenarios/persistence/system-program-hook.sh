# in: container
# fires: persistence-system-program
# A package manager of the image executes what somebody tells it to, beside its work.
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
: > /var/lib/dpkg/status
dpkg --force-bad-path --post-invoke='echo true > /usr/bin/tool' --configure -a
