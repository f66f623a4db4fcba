# in: container
# fires: escape-release-agent
# Opened, and left as it is; where the file is does not matter.
mkdir /tmp/groups
: >> /tmp/groups/release_agent
