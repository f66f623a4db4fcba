# in: host ruby
# fires: execution-reverse-shell
ruby -rsocket -e 'l = TCPServer.new("127.0.0.1", 0); s = TCPSocket.new("127.0.0.1", l.addr[1]); l.accept.close
  spawn("sh", in: s, out: s, err: s); Process.wait'
