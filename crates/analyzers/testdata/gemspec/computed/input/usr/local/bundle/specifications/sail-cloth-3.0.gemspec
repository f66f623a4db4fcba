require_relative "version"
Gem::Specification.new do |spec|
  spec.name = "sail-cloth"
  spec.version = SailCloth::VERSION
end
