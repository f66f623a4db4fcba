# in: container
# fires: execution-package-manager
ln -s /bin/busybox /tmp/apk
/tmp/apk --no-cache add curl
