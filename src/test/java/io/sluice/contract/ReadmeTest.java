package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the README tells users is what the files say. */
final class ReadmeTest {
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(sluice\\.[a-z.-]+)`(?:, `([A-Z_]+)`)? \\| (?:`([^`]*)`)? ?\\|");
  private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)\\)");

  @Test
  void theTableHasEverySettingWithItsDefaultAndItsOtherName() throws IOException {
    Map<String, String> documented =
        ROW.matcher(readme())
            .results()
            .collect(
                Collectors.toMap(
                    row -> row.group(1),
                    row -> {
                      String value = row.group(3) == null ? "" : row.group(3);
                      String name = row.group(2);
                      return name == null ? value : "{{env:" + name + ":" + value + "}}";
                    }));
    Map<String, String> settings = SettingsFile.read();
    settings.keySet().removeIf(key -> !key.startsWith("sluice."));
    assertThat(documented).containsExactlyInAnyOrderEntriesOf(settings);
  }

  @Test
  void runAndTestBeginWithTheOneCommandThatTheyNeed() throws IOException {
    assertThat(firstBlock("## Run"))
        .isEqualTo("mvn -q -DskipTests package && APP_PROFILE=dev java -jar target/sluice.jar");
    assertThat(firstBlock("## Test")).isEqualTo("mvn -B -ntp verify");
  }

  @Test
  void everyLinkLeadsSomewhere() throws IOException {
    for (Path document :
        List.of(Path.of("README.md"), Path.of("src", "site", "markdown", "api.md"))) {
      List<String> links =
          LINK.matcher(Files.readString(document)).results().map(link -> link.group(1)).toList();
      assertThat(links).isNotEmpty();
      assertThat(links)
          .allSatisfy(link -> assertThat(document.toAbsolutePath().resolveSibling(link)).exists());
    }
  }

  @Test
  void decisionsAreNumberedWithoutGapsAndSayWhatTheyMust() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src", "site", "adr"))) {
      List<Path> decisions = files.sorted().toList();
      assertThat(decisions).isNotEmpty();
      for (int i = 0; i < decisions.size(); i++) {
        assertThat(decisions.get(i).getFileName().toString()).startsWith("%04d-".formatted(i + 1));
        assertThat(Files.readString(decisions.get(i)))
            .contains("**Context.**", "**Choice.**", "**Alternative", "**Consequences.**");
      }
    }
  }

  private static String readme() throws IOException {
    return Files.readString(Path.of("README.md"));
  }

  private static String firstBlock(String heading) throws IOException {
    Matcher block =
        Pattern.compile("(?s)\n" + heading + "\n.*?```sh\n(.*?)\n```").matcher(readme());
    assertThat(block.find()).isTrue();
    return block.group(1);
  }
}
