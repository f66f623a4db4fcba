s.name = "elsewhere"
s.version = "1.0"
