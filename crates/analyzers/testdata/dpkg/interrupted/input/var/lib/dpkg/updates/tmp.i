Package: half
Status: install ok installed
Version: 1
