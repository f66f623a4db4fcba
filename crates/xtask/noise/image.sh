# An image of an application is built, with an account, a service and files of its own, and started.
docker rm --force noise-shop || true
cd "$WORK"
cat > Dockerfile <<DOCKERFILE
FROM $IMAGE
RUN apt-get update && apt-get install -y --no-install-recommends gunicorn python3-flask && rm -rf /var/lib/apt/lists/*
RUN groupadd --system shop && useradd --system --gid shop --home-dir /srv/shop --shell /usr/sbin/nologin shop
RUN apt-get update && apt-get install -y --no-install-recommends adduser && adduser --disabled-password --gecos Clerk clerk
COPY app.py /srv/shop/
RUN chown -R shop:shop /srv/shop && chmod 0640 /srv/shop/app.py && echo "shop soft nofile 4096" > /etc/security/limits.d/shop.conf
RUN ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime && ldconfig && python3 -m compileall -q /srv/shop
USER shop
WORKDIR /srv/shop
HEALTHCHECK --interval=2s CMD curl -fs http://127.0.0.1:8000/ || exit 1
CMD ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:8000", "app:app"]
DOCKERFILE
cat > app.py <<PYTHON
from flask import Flask
app = Flask(__name__)

@app.get("/")
def hello():
    return "hello"
PYTHON
DOCKER_BUILDKIT=0 docker build --quiet --no-cache --network host --tag noise-shop:1 .
docker run --detach --name noise-shop noise-shop:1
sleep 8
docker exec noise-shop curl -s http://127.0.0.1:8000/
docker inspect --format '{{.State.Health.Status}}' noise-shop
docker save noise-shop:1 | tar -t | tail -2
docker stop -t 5 noise-shop
docker rm --force noise-shop
docker image rm noise-shop:1
