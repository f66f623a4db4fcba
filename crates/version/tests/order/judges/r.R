# R answers: `order A B` by < = >; ! where it refuses.
answer <- function(fields) {
  numeric_version(fields[2:3]) # Refuses what is no version.
  # Up to R 4.2, `<` takes 1.0 and 1.0.0 for the same; `compareVersion` never did.
  c("<", "=", ">")[2 + compareVersion(fields[2], fields[3])]
}
input <- file("stdin")
for (line in readLines(input, encoding = "UTF-8")) {
  cat(tryCatch(answer(strsplit(line, "\t", fixed = TRUE)[[1]]), error = function(refusal) "!"), "\n", sep = "")
}
close(input)
