# in: container
# fires: credentials-environment
cat /proc/1/environ
