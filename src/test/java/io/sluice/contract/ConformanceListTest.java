package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ZohoError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The list of what the Zoho-compatible API conforms to names tests that exist, for every code. */
final class ConformanceListTest {
  private static final Path PAGE = Path.of("src", "site", "markdown", "zoho.md");
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| (.+) \\| `([A-Za-z]+Test)\\.([A-Za-z0-9_]+)` \\|$");
  private static final Pattern ANY_ROW = Pattern.compile("(?m)^\\| (?!behaviour|code)(?!-)");

  @Test
  void everyRowNamesATestThatExists() throws IOException {
    String page = Files.readString(PAGE);
    List<String[]> rows =
        ROW.matcher(page).results().map(row -> new String[] {row.group(2), row.group(3)}).toList();
    assertThat(rows).hasSize((int) ANY_ROW.matcher(page).results().count());
    assertThat(rows).hasSizeGreaterThan(50);
    for (String[] row : rows) {
      Pattern method =
          Pattern.compile(
              "@(?:Parameterized)?Test\\n(?:(?!.* void ).*\\n)*?  void " + row[1] + "\\(");
      assertThat(method.matcher(source(row[0])).find()).as("%s.%s", row[0], row[1]).isTrue();
    }
  }

  @Test
  void everyErrorCodeHasARow() throws IOException {
    List<String> lines = Files.readAllLines(PAGE);
    for (ZohoError error : ZohoError.values()) {
      assertThat(lines)
          .as(error.summary())
          .anyMatch(line -> line.startsWith("| " + error.code() + " |"));
    }
  }

  private static String source(String testClass) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
      Path file =
          files
              .filter(path -> path.endsWith(testClass + ".java"))
              .findFirst()
              .orElseThrow(() -> new AssertionError("There is no " + testClass + "."));
      return Files.readString(file);
    }
  }
}
