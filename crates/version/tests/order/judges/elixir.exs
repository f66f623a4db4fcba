# Elixir's `Version` answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
answer = fn
  ["order", a, b] -> %{lt: "<", eq: "=", gt: ">"}[Version.compare(a, b)]
  ["range", requirement, version] -> if Version.match?(version, requirement), do: "in", else: "out"
end

lines = IO.binread(:stdio, :eof)
lines = if is_binary(lines), do: String.split(lines, "\n", trim: true), else: []

answers =
  for line <- lines do
    try do
      answer.(String.split(line, "\t"))
    rescue
      _ -> "!"
    end
  end

IO.binwrite(Enum.map(answers, &[&1, "\n"]))
