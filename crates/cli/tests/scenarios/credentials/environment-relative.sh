# in: container
# fires: credentials-environment
cd /proc
cat 1/environ
