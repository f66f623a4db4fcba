# RubyGems answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
def answer(kind, first, second)
  second = Gem::Version.new(second)
  return "<=>"[1 + (Gem::Version.new(first) <=> second)] if kind == "order"

  Gem::Requirement.new(first.split(",").map(&:strip)).satisfied_by?(second) ? "in" : "out"
end

STDIN.set_encoding("UTF-8")
STDIN.each_line(chomp: true) do |line|
  puts answer(*line.split("\t", -1))
rescue StandardError
  puts "!"
end
