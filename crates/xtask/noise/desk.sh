# What people do on the host itself: look around, work with files and git, take backups.
cd "$WORK"
id; uname -a; uptime; free -m; df -h | head -3
ps aux | tail -2; ss -ltn | head -3; ip address | head -3
journalctl -n 1 --no-pager || true
ls -la /etc /var/log | tail -3
grep -r lazaret /etc/hosts || true
find /usr/share/doc -maxdepth 1 | wc -l
git init -q repo && cd repo && echo x > x && git add x && git -c user.name=n -c user.email=n@example.org commit -qm first && git gc -q && cd ..
tar -czf backup.tgz repo && gzip -t backup.tgz && sha256sum backup.tgz
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=noise -keyout key.pem -out cert.pem
python3 -c 'import ssl, json, subprocess; print(subprocess.run(["true"]).returncode)'
getent passwd root; getent hosts localhost
strace -V | head -1 || true
curl -s --unix-socket /var/run/docker.sock http://localhost/version | head -c 80
docker ps --all --format '{{.Names}}' | head -3
