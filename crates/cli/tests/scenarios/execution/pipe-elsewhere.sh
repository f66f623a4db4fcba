# in: container
# fires:
mkdir /run/service
mkfifo /run/service/control
echo start > /run/service/control &
cat /run/service/control
