# -*- encoding: utf-8 -*-

Gem::Specification.new do |s|
  s.name = %q{rake}
  s.version = "0.8.7"
  s.authors = ["Jim Weirich"]
  s.add_dependency(%q<rope>, [">= 0"])
end
