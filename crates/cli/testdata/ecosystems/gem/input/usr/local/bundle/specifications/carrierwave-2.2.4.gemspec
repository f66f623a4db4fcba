# -*- encoding: utf-8 -*-
# stub: carrierwave 2.2.4 ruby lib

Gem::Specification.new do |s|
  s.name = "carrierwave".freeze
  s.version = "2.2.4"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.require_paths = ["lib".freeze]
  s.licenses = ["MIT".freeze]
end
