Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.1-6ubuntu1

Package: coreutils
Status: install ok installed
Architecture: amd64
Version: 8.32-4.1ubuntu1

Package: curl
Status: install ok installed
Architecture: amd64
Version: 7.81.0-1ubuntu1.4

Package: libc-bin
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.35-0ubuntu3.1

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.35-0ubuntu3.1

Package: libcurl4
Status: install ok installed
Architecture: amd64
Source: curl
Version: 7.81.0-1ubuntu1.4

Package: libncurses6
Status: install ok installed
Architecture: amd64
Source: ncurses
Version: 6.3-2

Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.2-0ubuntu1.6

Package: libtinfo6
Status: install ok installed
Architecture: amd64
Source: ncurses
Version: 6.3-2

Package: libwebp7
Status: install ok installed
Architecture: amd64
Source: libwebp
Version: 1.2.2-2

Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.2-0ubuntu1.6

Package: sudo
Status: install ok installed
Architecture: amd64
Version: 1.9.9-1ubuntu2.2

Package: zlib1g
Status: install ok installed
Architecture: amd64
Source: zlib
Version: 1:1.2.11.dfsg-2ubuntu9

