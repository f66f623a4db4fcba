# Programs are compiled in a container, by make and gcc, by cargo, and on the host.
docker rm --force noise-compile || true
docker run --rm --name noise-compile "$IMAGE" bash -ec '
  mkdir -p /src/c && cd /src/c
  for number in $(seq 40); do
    printf "#include <stdio.h>\n#include <stdlib.h>\nint f%d(int n) { return printf(\"%%d\", n) + %d; }\n" $number $number > f$number.c
  done
  printf "int main(void) { return 0; }\n" > main.c
  printf "OBJECTS = \$(patsubst %%.c,%%.o,\$(wildcard *.c))\nprogram: \$(OBJECTS)\n\t\$(CC) -o \$@ \$^\ninstall: program\n\tinstall -m 755 program /usr/local/bin/\n" > Makefile
  make -j2 && make install && program
  cd /src && cargo new --vcs none shop && cd shop && cargo build --release && cargo test && ./target/release/shop
  git init -q /src/c && cd /src/c && git add . && git -c user.name=n -c user.email=n@example.org commit -qm first && git log --stat | tail -1'
cd "$WORK" && printf 'int main(void) { return 0; }\n' > main.c && gcc -O2 -o program main.c && ./program && strip program
