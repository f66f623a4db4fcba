# What an application needs is installed from the registries of its language.
docker rm --force noise-registries || true
docker run --rm --name noise-registries --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro "$IMAGE" bash -ec '
  cd /tmp && npm init -y >/dev/null && npm install --no-audit --no-fund express lodash esbuild && node -e "require(\"express\"); console.log(process.version)"
  npx --yes cowsay hello | tail -1
  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install --quiet requests flask numpy && /tmp/venv/bin/python -c "import numpy, flask, requests; print(numpy.__version__)"
  cargo new --quiet --vcs none /tmp/shop && cd /tmp/shop && printf "itoa = \"1\"\n" >> Cargo.toml && cargo fetch --quiet && ls ~/.cargo/registry'
