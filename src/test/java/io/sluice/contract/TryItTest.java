package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Pastes the commands of the README's "Try it" into a shell, with the values that a start printed.
 */
final class TryItTest {
  private static final Duration EVENT = Duration.ofSeconds(20);

  @Test
  void theFourEncodingsTheWrongPasswordAndTheZohoClientAnswerAsTheReadmeSays() throws Exception {
    String shown = run(block(0) + "\n");

    assertThat(statuses(shown)).containsExactly("200", "200", "200", "200", "422", "204");
    holdAgainstContract(shown);
    assertThat(shown).contains("\"reason\":\"AUTH_FAILED\"").contains("\"password\":\"********\"");
  }

  @Test
  void theRecordThatKcatSendsIsAppliedAndItsEventIsOnTheTopic() throws Exception {
    assumeTrue(installed("kcat"), "kcat is not installed");
    List<String> commands = List.of(block(1).split("\n", -1));
    run(variables() + "\n" + commands.get(0) + "\n");

    await()
        .atMost(EVENT)
        .untilAsserted(
            () ->
                assertThat(run(variables() + "\n" + commands.get(1) + "\n"))
                    .contains("ce_type=sluice.datasource.updated")
                    .contains("\"intake\":\"kafka\""));
  }

  /** The first lines of the HTTP block, which later commands use. */
  private static String variables() throws IOException {
    return String.join("\n", List.of(block(0).split("\n", -1)).subList(0, 3));
  }

  /** What {@code curl -i} showed, answer by answer. */
  private static void holdAgainstContract(String shown) {
    String zoho = "/restapi/v2/workspaces/35130000001055707/datasources/1767024000003890005";
    Iterator<String> paths =
        Stream.concat(Collections.nCopies(5, "/datasources/demo").stream(), Stream.of(zoho))
            .iterator();
    Matcher head = Pattern.compile("(?s)HTTP/1\\.1 \\d{3}.*?\r\n\r\n").matcher(shown);
    while (head.find()) {
      Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(head.group());
      int body = length.find() ? Integer.parseInt(length.group(1)) : 0;
      DocumentedAnswers.checkRaw(
          "PUT " + paths.next() + " HTTP/1.1\r\n",
          shown.substring(head.start(), head.end() + body));
    }
  }

  private static List<String> statuses(String shown) {
    return Pattern.compile("HTTP/1\\.1 (\\d{3})")
        .matcher(shown)
        .results()
        .map(status -> status.group(1))
        .toList();
  }

  private static String block(int number) throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    String section = readme.substring(readme.indexOf("## Try it"), readme.indexOf("## Test"));
    Matcher block = Pattern.compile("(?s)```sh\n(.*?)\n```").matcher(section);
    for (int i = 0; i <= number; i++) {
      assertThat(block.find()).isTrue();
    }
    return block.group(1);
  }

  private static boolean installed(String command) {
    return Stream.of(System.getenv("PATH").split(":", -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, command)));
  }

  private static String run(String commands) throws IOException, InterruptedException {
    SluiceProcess sluice = SluiceProcess.shared();
    SluiceProcess.Target target = sluice.target();
    String filled =
        commands
            .replaceFirst(
                "TOKEN=….*",
                Matcher.quoteReplacement(
                    "TOKEN=%s; HOST=%s; PORT=%d; DB=%s; DBUSER=%s; PASSWORD=%s"
                        .formatted(
                            sluice.token(),
                            target.host(),
                            target.port(),
                            target.database(),
                            target.user(),
                            target.password())))
            .replace("http://localhost:8080", sluice.api().toString())
            .replace("localhost:9092", sluice.bootstrap());
    Path output = Files.createTempFile("try-it", ".txt");
    try {
      Process bash =
          new ProcessBuilder("bash", "-uc", filled)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      assertThat(bash.waitFor(2, TimeUnit.MINUTES)).isTrue();
      return Files.readString(output, StandardCharsets.UTF_8);
    } finally {
      Files.delete(output);
    }
  }
}
