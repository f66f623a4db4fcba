# stub: rope-kit 1.2.0 java lib
Gem::Specification.new do |spec|
  spec.name = "rope-kit"
  spec.version = RopeKit::VERSION
  spec.license = 'MIT'
  spec.add_runtime_dependency "knot", "~> 2.0"
  spec.add_development_dependency "rake"
end
