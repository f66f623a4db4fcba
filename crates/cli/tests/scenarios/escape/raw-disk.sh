# in: container
# fires: escape-raw-disk
# A file in the place of a disk: not every machine lets its own be opened.
echo data > /dev/sdz
dd if=/dev/sdz of=/dev/null bs=1 count=1
