package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page of the promises names tests that exist, for every promise. */
final class PromisesTest {
  private static final Path PAGE = Path.of("src", "site", "markdown", "promises.md");
  private static final Pattern TEST = Pattern.compile("`([A-Za-z]+Test)#([A-Za-z_]+)`");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| P(\\d+) .*$");

  @Test
  void everyTestThatIsNamedExists() throws IOException {
    Map<String, String> sources;
    try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
      sources =
          files
              .filter(file -> file.toString().endsWith("Test.java"))
              .collect(
                  Collectors.toMap(
                      file -> file.getFileName().toString().replace(".java", ""),
                      PromisesTest::read,
                      String::concat));
    }
    assertThat(TEST.matcher(Files.readString(PAGE)).results())
        .isNotEmpty()
        .allSatisfy(
            named ->
                assertThat(sources.getOrDefault(named.group(1), ""))
                    .describedAs(named.group())
                    .contains("void " + named.group(2) + "("));
  }

  @Test
  void everyPromiseHasItsRowAndATestOrSaysThatNoneProvesIt() throws IOException {
    List<String> rows =
        ROW.matcher(Files.readString(PAGE)).results().map(row -> row.group()).toList();
    // There is no P23.
    assertThat(rows)
        .hasSameSizeAs(IntStream.rangeClosed(1, 30).filter(number -> number != 23).toArray());
    assertThat(rows).allSatisfy(row -> assertThat(row).containsPattern("#|not proven:"));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
