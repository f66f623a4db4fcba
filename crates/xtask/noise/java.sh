# JVMs start, compile and run.
docker rm --force noise-java || true
docker run --rm --name noise-java "$IMAGE" bash -ec '
  mkdir -p /src && cd /src
  cat > Shop.java <<JAVA
import java.nio.file.*;
import java.util.concurrent.*;
public class Shop {
    public static void main(String[] words) throws Exception {
        var pool = Executors.newFixedThreadPool(8);
        for (int i = 0; i < 200; i++) { int n = i; pool.submit(() -> Files.writeString(Path.of("/tmp/" + n), "x")); }
        pool.shutdown();
        pool.awaitTermination(1, TimeUnit.MINUTES);
        new ProcessBuilder("ls", "/tmp").inheritIO().start().waitFor();
        System.out.println(ProcessHandle.current().info() + System.getenv("PATH"));
    }
}
JAVA
  java -version
  javac Shop.java && java -Xmx64m Shop | tail -1
  jar --create --file shop.jar --main-class Shop Shop.class && java -jar shop.jar | tail -1
  jshell -s - <<< "System.out.println(1 + 1)"'
