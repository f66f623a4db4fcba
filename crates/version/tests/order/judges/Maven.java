// Maven answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
import java.io.*;
import java.nio.charset.StandardCharsets;
import org.apache.maven.artifact.versioning.*;

class Maven {
    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            String[] fields = line.split("\t", -1);
            try {
                out.println(answer(fields[0], fields[1], fields[2]));
            } catch (InvalidVersionSpecificationException refusal) {
                out.println("!");
            }
        }
        out.flush();
    }

    static String answer(String kind, String first, String second) throws InvalidVersionSpecificationException {
        if (kind.equals("range")) {
            var range = VersionRange.createFromVersionSpec(first);
            return range.containsVersion(new DefaultArtifactVersion(second)) ? "in" : "out";
        }
        int order = new ComparableVersion(first).compareTo(new ComparableVersion(second));
        return order < 0 ? "<" : order > 0 ? ">" : "=";
    }
}
